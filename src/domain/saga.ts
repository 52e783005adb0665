/**
 * A saga: several calls that were agreed to as one, run in order, and taken back in reverse when one of them fails.
 *
 *   a step     waiting ─▶ running ─▶ done ─▶ undoing ─▶ undone
 *                 │         ├─▶ unknown ◀┐     └─▶ stuck
 *                 └─────────┴─▶ failed   └─ (its process was lost)
 *
 *   the saga   running ─▶ done
 *                 ├─▶ undoing ─▶ undone | raised
 *                 └─▶ raised
 *
 * `moveOf` says what is to be done next. Whoever does it says that it begins (`start`) and what came of it (`report`),
 * under the epoch in which they took the saga up (`takeUp`). Pure; what follows from a change is `plans/` to know.
 *
 * Invariants
 *   1. One at a time: no step is run or undone while another is.
 *   2. In order: a step is run when all before it are done, and none after one has failed.
 *   3. Only what was done is undone, the last first. A step and its undoing have one key each, the same for every try.
 *   4. A step whose outcome nobody knows is not run again, not undone, and nothing before it is undone: had it happened,
 *      all may be well. One that is harmless to repeat is repeated, a few times.
 *   5. It ends: done, undone, or raised to a human. Undone means that nothing stands; raised, that something does, or
 *      may, and it is named.
 *   6. Only the newest epoch counts, and an end is final.
 */
import { z } from 'zod';
import { ApprovalId, ConversationId, PersonId } from './ids.ts';
import { Address } from './message.ts';
import { Whose, whoseOf } from './provenance.ts';

export const FEWEST_STEPS = 2;
/** As many as people can still read on one card. */
export const MOST_STEPS = 10;

/** Times a step that is harmless to repeat is run before its outcome counts as unknown. */
export const MOST_RUNS = 3;
/** Before each further try, in ms: a hiccup, a restart, a change of server. After the last one a human is wanted. */
export const RETRY_PAUSES_MS = [1_000, 3_000, 9_000] as const;
/** Times an undoing is tried. */
export const MOST_UNDOS = 1 + RETRY_PAUSES_MS.length;
/**
 * So long after what was under way must have ended, nobody is at work on it any more. Longer than the permit of a
 * process that was killed lasts, so that another one has had time to take it up.
 */
export const ABANDONED_AFTER_MS = 5 * 60_000;

export const StepState = z.enum([
  'waiting',
  'running',
  'done',
  'failed',
  'unknown',
  'undoing',
  'undone',
  'stuck',
]);
export type StepState = z.infer<typeof StepState>;

export const SagaStep = z.object({
  tool: z.string(),
  /** Its arguments, for people. */
  words: z.string(),
  /** What undoes it, for people. Absent: nothing does. */
  undoneBy: z.string().optional(),
  /** It changes nothing, so there is nothing to undo. */
  readsOnly: z.boolean(),
  /** Under its key a second run is harmless. */
  repeatable: z.boolean(),
  state: StepState,
  runs: z.int(),
  undos: z.int(),
  /** What came of running it. */
  outcome: Whose.extend({
    status: z.enum(['ok', 'error']),
    text: z.string(),
    receipt: z.unknown().optional(),
  }).optional(),
  /** Why nobody knows that, or what came of undoing it. */
  remark: z.string().optional(),
  /** Whose words the remark is. */
  remarkOf: Whose.optional(),
});
export type SagaStep = z.infer<typeof SagaStep>;

export const SagaState = z.enum(['running', 'undoing', 'done', 'undone', 'raised']);
export type SagaState = z.infer<typeof SagaState>;

export const Saga = z.object({
  id: z.string(),
  /** +1 with every change. */
  rev: z.int(),
  /** +1 whenever somebody takes it up. */
  epoch: z.int(),
  /** Whoever did; new for every attempt, so that a request which is sent again is told from somebody else's. */
  takenBy: z.string(),
  state: SagaState,
  title: z.string(),
  approvalId: ApprovalId,
  conversationId: ConversationId,
  origin: Address,
  requester: PersonId,
  correlation: z.string(),
  /** Nobody took it up in time, so a human has to. */
  abandoned: z.literal(true).optional(),
  steps: z.array(SagaStep),
  /** When it counts as abandoned if nobody moves it on. */
  dueMs: z.int(),
});
export type Saga = z.infer<typeof Saga>;

/** What is to be done next. */
export type Move =
  | { readonly kind: 'run' | 'undo'; readonly index: number; readonly waitMs: number }
  /** It was begun, and not reported on. */
  | { readonly kind: 'find-out'; readonly index: number }
  | { readonly kind: 'over' };

export interface Outcome extends Readonly<Whose> {
  /** `error`: for certain it was not done. `unknown`: nobody can tell. */
  readonly kind: 'ok' | 'error' | 'unknown';
  readonly text: string;
  /** Of a step that was done: what undoing it needs to know. */
  readonly receipt?: unknown;
}

/** A step that somebody at work on it speaks of. */
export interface Turn {
  readonly epoch: number;
  readonly index: number;
}

export type SagaChange =
  | { readonly kind: 'moved'; readonly next: Saga }
  /** Somebody else has taken it up, or it is over, or that is not its next move. */
  | { readonly kind: 'fenced' };

export type SagaPlan = Pick<
  Saga,
  'id' | 'takenBy' | 'title' | 'approvalId' | 'conversationId' | 'origin' | 'requester' | 'correlation'
> & { readonly steps: readonly Pick<SagaStep, 'tool' | 'words' | 'undoneBy' | 'readsOnly' | 'repeatable'>[] };

export function begin({ steps, ...plan }: SagaPlan, nowMs: number): Saga {
  return {
    ...plan,
    rev: 1,
    epoch: 1,
    state: 'running',
    steps: steps.map((step) => ({ ...step, state: 'waiting', runs: 0, undos: 0 })),
    dueMs: nowMs + ABANDONED_AFTER_MS,
  };
}

export function moveOf({ state, steps }: Pick<Saga, 'state' | 'steps'>): Move {
  if (state !== 'running' && state !== 'undoing') return { kind: 'over' };
  const underWay = steps.findIndex(isUnderWay);
  if (underWay >= 0) return { kind: 'find-out', index: underWay };
  if (state === 'running') {
    const index = steps.findIndex((step) => step.state === 'waiting');
    return { kind: 'run', index, waitMs: pauseAfter(steps[index]?.runs ?? 0) };
  }
  const index = steps.findLastIndex(isToUndo);
  return { kind: 'undo', index, waitMs: pauseAfter(steps[index]?.undos ?? 0) };
}

/** Says that the next move begins; whoever was told `moved`, and nobody else, carries it out. */
export function start(saga: Saga, { epoch, index }: Turn, nowMs: number, forMs: number): SagaChange {
  const move = moveOf(saga);
  const isNext = (move.kind === 'run' || move.kind === 'undo') && move.index === index;
  if (epoch !== saga.epoch || !isNext) return { kind: 'fenced' };
  const steps = replaced(saga.steps, index, (step) =>
    move.kind === 'run'
      ? { ...step, state: 'running', runs: step.runs + 1 }
      : { ...step, state: 'undoing', undos: step.undos + 1 },
  );
  return moved(saga, { steps, dueMs: nowMs + forMs + ABANDONED_AFTER_MS });
}

/** Says what came of what was begun. */
export function report(saga: Saga, { epoch, index }: Turn, outcome: Outcome, nowMs: number): SagaChange {
  const step = saga.steps[index];
  if (epoch !== saga.epoch || isOver(saga) || !step || !isUnderWay(step)) return { kind: 'fenced' };
  const after = step.state === 'running' ? afterRun(step, outcome) : afterUndo(step, outcome);
  return moved(saga, {
    steps: replaced(saga.steps, index, () => after),
    dueMs: nowMs + ABANDONED_AFTER_MS,
  });
}

/** The next step must not run after all; it fails without having been begun. */
export function refuse(saga: Saga, { epoch, index }: Turn, why: string, nowMs: number): SagaChange {
  const move = moveOf(saga);
  if (epoch !== saga.epoch || move.kind !== 'run' || move.index !== index) return { kind: 'fenced' };
  const steps = replaced(saga.steps, index, (step): SagaStep => {
    const isDoubtful = step.runs > 0 && !step.readsOnly;
    return isDoubtful
      ? remarked({ ...step, state: 'unknown' }, { text: why, ...OURS })
      : { ...step, state: 'failed', outcome: { status: 'error', text: why, ...OURS } };
  });
  return moved(saga, { steps, dueMs: nowMs + ABANDONED_AFTER_MS });
}

/**
 * Somebody goes on with it: from now on nobody else does. What is harmless to repeat counts as not begun; what is not
 * stays under way, for them to find out about.
 */
export function takeUp(saga: Saga, by: string, nowMs: number): SagaChange {
  if (isOver(saga) || saga.takenBy === by) return { kind: 'fenced' };
  const steps = saga.steps.map((step) => {
    const lost = { kind: 'unknown', ...LOST } as const;
    if (step.state === 'undoing') return afterUndo(step, lost);
    return step.state === 'running' && step.repeatable ? afterRun(step, lost) : step;
  });
  return moved({ ...saga, epoch: saga.epoch + 1, takenBy: by }, { steps, dueMs: nowMs + ABANDONED_AFTER_MS });
}

/** Its time has come and nobody is at work on it: whatever is under way, a human has to look. */
export function abandon(saga: Saga, nowMs: number): SagaChange {
  if (isOver(saga) || nowMs < saga.dueMs) return { kind: 'fenced' };
  const steps = saga.steps.map((step): SagaStep => {
    if (step.state === 'running') return remarked({ ...step, state: 'unknown' }, LOST);
    return step.state === 'undoing' ? remarked({ ...step, state: 'stuck' }, LOST) : step;
  });
  return moved({ ...saga, epoch: saga.epoch + 1, abandoned: true }, { steps, dueMs: saga.dueMs });
}

/** Of what the gateway says itself, no tool. */
const OURS = { trust: 'tool' } as const;
const LOST = { text: 'the process that was at work on it stopped before it could report', ...OURS } as const;

export function isOver({ state }: Pick<Saga, 'state'>): boolean {
  return state !== 'running' && state !== 'undoing';
}

/** What was done and is not undone: what a human finds changed. */
export function isStanding({ state, readsOnly }: Pick<SagaStep, 'state' | 'readsOnly'>): boolean {
  return state === 'stuck' || (state === 'done' && !readsOnly);
}

function isUnderWay({ state }: Pick<SagaStep, 'state'>): boolean {
  return state === 'running' || state === 'undoing';
}

function isToUndo(step: SagaStep): boolean {
  return (
    step.state === 'undoing' || (step.state === 'done' && step.undoneBy !== undefined && !step.readsOnly)
  );
}

function pauseAfter(tries: number): number {
  return tries === 0 ? 0 : (RETRY_PAUSES_MS[tries - 1] ?? RETRY_PAUSES_MS[RETRY_PAUSES_MS.length - 1] ?? 0);
}

function afterRun(step: SagaStep, outcome: Outcome): SagaStep {
  const { kind, text, receipt } = outcome;
  switch (kind) {
    case 'ok':
      return {
        ...step,
        state: 'done',
        outcome: { status: kind, text, ...whoseOf(outcome), ...(receipt === undefined ? {} : { receipt }) },
      };
    case 'error':
      // It says that this run did nothing; an earlier one may have.
      return step.runs > 1 && !step.readsOnly
        ? inDoubt(step, outcome)
        : { ...step, state: 'failed', outcome: { status: kind, text, ...whoseOf(outcome) } };
    case 'unknown':
      return inDoubt(step, outcome);
    default:
      return kind satisfies never;
  }
}

function inDoubt(step: SagaStep, outcome: Outcome): SagaStep {
  const state = step.repeatable && step.runs < MOST_RUNS ? 'waiting' : 'unknown';
  return remarked({ ...step, state }, outcome);
}

/** Undoing is harmless to repeat, so what failed and what nobody knows are the same: it is tried again. */
function afterUndo(step: SagaStep, outcome: Outcome): SagaStep {
  if (outcome.kind === 'ok') return remarked({ ...step, state: 'undone' }, outcome);
  return remarked({ ...step, state: step.undos < MOST_UNDOS ? 'done' : 'stuck' }, outcome);
}

/** Whose the remark before it was counts no more. */
function remarked(step: SagaStep, said: Pick<Outcome, 'text' | keyof Whose>): SagaStep {
  return { ...step, remark: said.text, remarkOf: whoseOf(said) };
}

function moved(saga: Saga, change: Pick<Saga, 'steps' | 'dueMs'>): SagaChange {
  const next = { ...saga, ...change, rev: saga.rev + 1 };
  return { kind: 'moved', next: { ...next, state: stateOf(next) } };
}

function stateOf({ steps, abandoned }: Pick<Saga, 'steps' | 'abandoned'>): SagaState {
  if (abandoned || steps.some(({ state }) => state === 'unknown' || state === 'stuck')) return 'raised';
  if (steps.every(({ state }) => state === 'done')) return 'done';
  if (!steps.some(({ state }) => state === 'failed')) return 'running';
  if (steps.some(isToUndo)) return 'undoing';
  return steps.some(isStanding) ? 'raised' : 'undone';
}

function replaced(steps: readonly SagaStep[], at: number, change: (step: SagaStep) => SagaStep): SagaStep[] {
  return steps.map((step, index) => (index === at ? change(step) : step));
}
