/**
 * Random histories of approvals: what people, executors, time and misfortune do to a partition, as plain data, and the
 * playing of it on the model, beside a real store where there is one.
 *
 * Everything that is delivered may come late, again, out of order, or from a process that dies over it.
 */
import fc from 'fast-check';
import { addCopy, noteCopy } from '../../src/domain/approval/copies.ts';
import { delegate, delegatorsOf } from '../../src/domain/approval/delegation.ts';
import {
  type ClaimResult,
  claim,
  complete,
  loseTrack,
  type Permit,
  reconcile,
  renew,
} from '../../src/domain/approval/execution.ts';
import { HELD_YES_MS, holdYes } from '../../src/domain/approval/holding.ts';
import {
  type Approval,
  type ApprovalPolicy,
  type CardCopy,
  isEnded,
  QUIET_MS,
} from '../../src/domain/approval/record.ts';
import { ask, reply } from '../../src/domain/approval/talk.ts';
import { dueOf, tick } from '../../src/domain/approval/time.ts';
import { type Vote, vote } from '../../src/domain/approval/voting.ts';
import { cancel, revoke } from '../../src/domain/approval/withdrawal.ts';
import { AccountId, PersonId, Platform } from '../../src/domain/ids.ts';
import { RoleName } from '../../src/domain/person.ts';
import type { Voter } from '../../src/domain/quorum.ts';
import {
  ApprovalModel,
  type Decide,
  type Fate,
  type Intent,
  type Outcome,
  type Written,
} from './approval-model.ts';
import {
  anAddress,
  anApproval,
  aVote,
  DEADLINE_MS,
  EMAIL,
  LEASE_MS,
  SLACK,
  VALID_FOR_MS,
} from './approvals.ts';

/** So far ahead that no server's own clock ever gets there: time passes only when a history says so. */
export const BEGIN_MS = Date.parse('2100-01-01T00:00:00Z');

export const PAUSE_MS = 20_000;
export const VISIBLE_MS = 15_000;
export const RUNG_MS = 30_000;
export const HARD_MS = 10 * DEADLINE_MS;
const HOUR_MS = 3_600_000;

/** More than this is asked for by nobody's leave: the rules of the house refuse it. */
export const MOST_AMOUNT = 500;

const MANAGER = RoleName.parse('manager');
const DIRECTOR = RoleName.parse('director');

/** Alex asked, on behalf of Lee; Max has an account that was Alex's then; Eve is nobody until she is promoted. */
const ROLES: Readonly<Record<string, readonly RoleName[]>> = {
  alex: [MANAGER],
  lee: [MANAGER],
  max: [MANAGER],
  dana: [MANAGER],
  mona: [MANAGER],
  rita: [DIRECTOR],
  eve: [],
};
const NAMES = Object.keys(ROLES);
/** Those on whose behalf it is asked, by whatever account. */
export const EXCLUDED = ['alex', 'lee', 'max'];

const PROCESSES = 2;

// ── What can happen ──────────────────────────────────────────────────────────────────────────────────────────────

/** Something that is put to the state machine. */
type Input =
  | {
      readonly kind: 'vote';
      readonly who: string;
      readonly choice: Vote['choice'];
      readonly amount: number;
      readonly via: 'slack' | 'email';
      readonly back: number;
      readonly forged: boolean;
    }
  | { readonly kind: 'ask' | 'reply'; readonly who: string }
  | { readonly kind: 'delegate'; readonly from: string; readonly to: string }
  | { readonly kind: 'cancel' | 'revoke'; readonly who: string; readonly operates: boolean }
  | { readonly kind: 'claim'; readonly right: boolean; readonly drifted: boolean; readonly again: boolean }
  | { readonly kind: 'renew' | 'lose-track'; readonly back: number }
  | { readonly kind: 'complete'; readonly back: number; readonly status: 'ok' | 'error' }
  | {
      readonly kind: 'reconcile';
      readonly who: string;
      readonly finding: 'happened' | 'did-not-happen' | 'retry';
      readonly operates: boolean;
    }
  | { readonly kind: 'card'; readonly copy: string; readonly back: number }
  | { readonly kind: 'hold' | 'reroute' | 'tick' }
  /** What was delivered before is delivered again. */
  | { readonly kind: 'again'; readonly back: number };

interface Delivery {
  readonly kind: 'deliver';
  readonly input: Input;
  readonly approval: number;
  readonly process: number;
  readonly fate: Fate;
}

export type Command =
  | Delivery
  /** By several processes at the same moment. */
  | { readonly kind: 'together'; readonly deliveries: readonly Delivery[] }
  | { readonly kind: 'release'; readonly which: number; readonly fate: 'done' | 'reply-lost' }
  | { readonly kind: 'sweep'; readonly process: number; readonly fate: Fate }
  | { readonly kind: 'pass'; readonly ms: number }
  /** Just before, at, or just after the next thing falls due. */
  | { readonly kind: 'pass-to-due'; readonly offMs: number }
  /** Somebody with a permit begins, by a clock that may be behind. */
  | { readonly kind: 'begin'; readonly back: number; readonly behindMs: number }
  | { readonly kind: 'promote'; readonly who: string }
  | { readonly kind: 'open-again'; readonly approval: number }
  | { readonly kind: 'timer-lost'; readonly approval: number }
  /** What was written since is lost, as when a server without all of it takes over. */
  | { readonly kind: 'mark' | 'lose' };

export interface Wish {
  readonly count: number;
  readonly enough: boolean;
  readonly fair: boolean;
  readonly pause: boolean;
  readonly slackOnly: boolean;
  /** Yes or no is all that is offered. */
  readonly plain: boolean;
  readonly risk: 'low' | 'high';
  readonly effect: 'once' | 'idempotent';
  readonly verdict: 'human' | 'allowed' | 'nobody' | 'granted';
  readonly ladder: NonNullable<ApprovalPolicy['ladder']>;
  /** The conversation alone, or Dana and Max by themselves as well. */
  readonly copies: 'conversation' | 'each';
}

export interface HistoryPlan {
  readonly wishes: readonly Wish[];
  readonly commands: readonly Command[];
}

const who = fc.constantFrom('dana', 'dana', 'dana', 'mona', 'mona', 'rita', 'eve', 'alex', 'lee', 'max');
const back = fc.constantFrom(0, 0, 0, 0, 1, 2, 3);

const input: fc.Arbitrary<Input> = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({
      kind: fc.constant('vote' as const),
      who,
      choice: fc.constantFrom<Vote['choice'][]>(
        'approve',
        'approve',
        'approve',
        'approve',
        'deny',
        'edit',
        'take-back',
        'answer',
      ),
      amount: fc.constantFrom(40, 120, 900),
      via: fc.constantFrom('slack' as const, 'slack' as const, 'email' as const),
      back,
      /** The card's number is right, and it was about something else. */
      forged: fc.constantFrom(false, false, false, false, false, false, false, false, false, true),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('ask' as const, 'reply' as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('delegate' as const), from: who, to: who }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constantFrom('cancel' as const, 'revoke' as const),
      who,
      operates: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('claim' as const),
      right: fc.constantFrom(true, true, true, true, false),
      drifted: fc.constantFrom(false, false, false, false, false, true),
      again: fc.constantFrom(false, false, true),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constantFrom('renew' as const, 'lose-track' as const), back }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('complete' as const),
      back,
      status: fc.constantFrom('ok' as const, 'error' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('reconcile' as const),
      who,
      finding: fc.constantFrom(
        'happened' as const,
        'did-not-happen' as const,
        'retry' as const,
        'retry' as const,
      ),
      operates: fc.boolean(),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('card' as const),
      copy: fc.constantFrom('conversation', 'dana', 'max'),
      back,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constantFrom('hold' as const, 'reroute' as const, 'tick' as const) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('again' as const), back: fc.nat(4) }) },
);

const fate = fc.constantFrom<Fate[]>(
  'done',
  'done',
  'done',
  'done',
  'done',
  'done',
  'crash',
  'reply-lost',
  'twice',
  'held',
);
const process = fc.nat(PROCESSES - 1);
const approval = fc.constantFrom(0, 0, 0, 1);

const delivery: fc.Arbitrary<Delivery> = fc.record({
  kind: fc.constant('deliver' as const),
  input,
  approval,
  process,
  fate,
});

/** Losing what somebody was told of is for a part of the histories: much of what is promised ends there. */
function commandsOf(isLossy: boolean): fc.Arbitrary<Command[]> {
  const commands: { weight: number; arbitrary: fc.Arbitrary<Command> }[] = [
    { weight: 24, arbitrary: delivery },
    {
      weight: 2,
      arbitrary: fc.record({
        kind: fc.constant('together' as const),
        deliveries: fc.array(
          delivery.map((each): Delivery => ({ ...each, fate: 'done' })),
          { minLength: 2, maxLength: 3 },
        ),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('release' as const),
        which: fc.nat(2),
        fate: fc.constantFrom('done' as const, 'done' as const, 'reply-lost' as const),
      }),
    },
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('sweep' as const), process, fate }) },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('pass' as const),
        ms: fc.oneof(
          fc.nat(3_000),
          fc.constantFrom(
            LEASE_MS,
            LEASE_MS + QUIET_MS,
            VALID_FOR_MS,
            PAUSE_MS,
            RUNG_MS,
            DEADLINE_MS,
            HARD_MS,
            HOUR_MS,
            HELD_YES_MS,
          ),
        ),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant('pass-to-due' as const),
        offMs: fc.constantFrom(-1, 0, 0, 0, 1, 70_000),
      }),
    },
    {
      weight: 3,
      arbitrary: fc.record({
        kind: fc.constant('begin' as const),
        back,
        behindMs: fc.constantFrom(0, 0, 1_000, QUIET_MS - 1),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.record({ kind: fc.constant('promote' as const), who: fc.constantFrom('eve', 'dana') }),
    },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('open-again' as const), approval }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant('timer-lost' as const), approval }) },
    ...(isLossy
      ? [{ weight: 6, arbitrary: fc.record({ kind: fc.constantFrom('mark' as const, 'lose' as const) }) }]
      : []),
  ];
  return fc.array(fc.oneof(...commands), { minLength: 1, maxLength: 15, size: 'max' });
}

const wish: fc.Arbitrary<Wish> = fc.record({
  count: fc.constantFrom(1, 1, 2),
  enough: fc.boolean(),
  fair: fc.boolean(),
  pause: fc.boolean(),
  slackOnly: fc.constantFrom(false, false, false, true),
  plain: fc.constantFrom(false, false, false, false, true),
  risk: fc.constantFrom('low' as const, 'high' as const),
  effect: fc.constantFrom('once' as const, 'idempotent' as const),
  verdict: fc.constantFrom<Wish['verdict'][]>(
    'human',
    'human',
    'human',
    'human',
    'human',
    'allowed',
    'granted',
    'nobody',
  ),
  ladder: fc.constantFrom<Wish['ladder'][]>(
    [],
    [],
    [{ kind: 'escalate', approvers: { role: DIRECTOR }, forMs: RUNG_MS }],
    [
      { kind: 'escalate', approvers: { role: DIRECTOR }, forMs: RUNG_MS },
      { kind: 'default', text: 'nobody was there' },
    ],
    [{ kind: 'approve' }],
  ),
  copies: fc.constantFrom('conversation' as const, 'each' as const),
});

export const history: fc.Arbitrary<HistoryPlan> = fc
  .constantFrom(false, false, false, true)
  .chain((isLossy) =>
    fc.record({ wishes: fc.array(wish, { minLength: 1, maxLength: 2 }), commands: commandsOf(isLossy) }),
  );

// ── What came of it ──────────────────────────────────────────────────────────────────────────────────────────────

/** In the order in which it happened. */
export type Happening =
  | ({
      readonly kind: 'written';
      readonly input: Input | { readonly kind: 'sweep' };
      readonly key: string;
    } & Written)
  /** Somebody was told. */
  | {
      readonly kind: 'answered';
      readonly input: Input;
      readonly key: string;
      readonly result: unknown;
      readonly before: Approval;
      readonly nowMs: number;
    }
  /** An effect began in the world. */
  | { readonly kind: 'began'; readonly permit: Permit; readonly approval: Approval; readonly nowMs: number }
  | { readonly kind: 'granted'; readonly permit: Permit; readonly digest: string }
  | { readonly kind: 'passed'; readonly nowMs: number }
  | { readonly kind: 'lost' };

/** The store on a real Redis, as a history needs it. */
export interface World {
  open(approvals: readonly Approval[]): Promise<void>;
  openAgain(approval: Approval): Promise<void>;
  apply(
    process: number,
    id: Approval['id'],
    decide: Decide,
    fate: Fate,
  ): Promise<{ outcome: Outcome; held?: Held }>;
  /** What fell due, ticked one after the other; the fate is that of the first. */
  sweep(
    process: number,
    tick: Decide,
    fate: Fate,
  ): Promise<{ due: Due; ticks: { outcome: Outcome; held?: Held }[] }>;
  pass(nowMs: number): Promise<void>;
  loseTimer(approval: Approval): Promise<void>;
  rearm(approval: Approval, dueMs: number | undefined): Promise<boolean>;
  mark(): Promise<void>;
  lose(): Promise<void>;
}

export interface Due {
  readonly ids: readonly string[];
  readonly nextMs: number | undefined;
}

/** A process that stands still over a write. */
export interface Held {
  release(fate: 'done' | 'reply-lost'): Promise<Outcome>;
}

interface HeldOn {
  readonly intent: Intent;
  readonly input: Input | { readonly kind: 'sweep' };
  readonly key: string;
  readonly world: Held | undefined;
}

interface Given {
  readonly input: Input;
  readonly key: string;
  readonly approval: number;
  readonly decide: Decide;
}

/** Says what differs between the model and the world; nothing, when there is no world. */
export type Compare = (what: string, expected: unknown, actual: unknown) => void;

/** One play of a plan. */
export class History {
  readonly happenings: Happening[] = [];
  readonly model: ApprovalModel;
  readonly opened: readonly Approval[];
  isLossy = false;

  readonly #roles: Record<string, readonly RoleName[]> = { ...ROLES };
  readonly #given: Given[] = [];
  readonly #permits: { permit: Permit; owner: string; approval: number }[] = [];
  readonly #cards: { gen: number; digest: string; face: number }[][];
  readonly #held: HeldOn[] = [];
  #marked: ApprovalModel | undefined;
  #count = 0;
  /** What is being put to the machine now, for those who hear of what is written. */
  #current: { input: Input | { readonly kind: 'sweep' }; key: string } = {
    input: { kind: 'sweep' },
    key: '',
  };

  constructor(
    private readonly plan: HistoryPlan,
    conversation: string,
    private readonly world?: World,
    private readonly compare: Compare = () => undefined,
  ) {
    this.opened = plan.wishes.map((each, n) => toApproval(each, conversation, n));
    this.#cards = this.opened.map((each) => [toCard(each)]);
    this.model = new ApprovalModel(BEGIN_MS, copiesFor, (change) => this.#note(change));
  }

  async play(afterEach: () => Promise<void> | void = () => undefined): Promise<this> {
    for (const approval of this.opened) this.model.open(approval);
    await this.world?.open(this.opened);
    for (const command of this.plan.commands) {
      await this.#do(command);
      if (this.world) await afterEach();
    }
    for (const held of this.#held.splice(0)) await this.#release(held, 'done');
    return this;
  }

  /** Time passes, nobody does anything any more, and what is due is seen to. False when that leads nowhere. */
  drain(): boolean {
    const model = this.model.clone({ isFollowed: false });
    const isOver = ({ id }: Approval): boolean => {
      const { state } = model.find(id)!;
      return isEnded(state) || state === 'UNKNOWN';
    };
    for (let n = 0; n < MOST_DUE && !this.opened.every(isOver); n++) {
      const { ids, nextMs } = model.due(BATCH);
      for (const id of ids) model.apply(id, tick, 'done');
      if (ids.length === 0) model.nowMs = nextMs ?? model.nowMs;
    }
    return this.opened.every(isOver);
  }

  #all(): Approval[] {
    return this.opened.flatMap(({ id }) => this.model.find(id) ?? []);
  }

  async #do(command: Command): Promise<void> {
    switch (command.kind) {
      case 'deliver':
        return this.#deliver(command);
      case 'together':
        return this.#deliverTogether(command.deliveries);
      case 'release': {
        const [held] = this.#held.splice(command.which, 1);
        return held && this.#release(held, command.fate);
      }
      case 'sweep':
        return this.#sweep(command.process, command.fate);
      case 'pass':
        return this.#pass(this.model.nowMs + command.ms);
      case 'pass-to-due': {
        const next = this.#all().flatMap((each) => dueOf(each) ?? []);
        return this.#pass(
          Math.max(this.model.nowMs, Math.min(...next, this.model.nowMs + HARD_MS) + command.offMs),
        );
      }
      case 'begin':
        return this.#begin(command.back, command.behindMs);
      case 'promote':
        this.#roles[command.who] = this.#roles[command.who]?.length ? [] : [MANAGER];
        return;
      case 'open-again': {
        const opened = this.#opened(command.approval);
        this.model.openAgain(opened);
        return this.world?.openAgain(opened);
      }
      case 'timer-lost':
        return this.#loseTimer(this.#opened(command.approval));
      case 'mark':
        this.#marked = this.model.clone();
        return this.world?.mark();
      case 'lose':
        return this.#lose();
      default:
        return command satisfies never;
    }
  }

  // ── Deliveries ───────────────────────────────────────────────────────────────────────────────────────────────

  async #deliver({ input, approval, process, fate }: Delivery): Promise<void> {
    const given = this.#toGiven(input, approval);
    if (!given) return;
    const { id } = this.#opened(given.approval);
    this.#current = given;
    const before = this.model.find(id)!;
    const { outcome, intent } = this.model.apply(id, given.decide, fate);
    const real = await this.world?.apply(process, id, given.decide, fate);
    if (real) this.compare(given.input.kind, outcome, real.outcome);
    this.#settle(given, before, outcome);
    if (intent) this.#held.push({ intent, ...given, world: real?.held });
  }

  /** At once, where that can be; whatever comes of it has to be what some order of them would have led to. */
  async #deliverTogether(deliveries: readonly Delivery[]): Promise<void> {
    const given = deliveries.flatMap(({ input, approval, process }) => {
      const each = this.#toGiven(input, approval);
      return each ? [{ ...each, process }] : [];
    });
    const { world } = this;
    const real =
      world &&
      (await Promise.all(
        given.map(({ process, approval, decide }) =>
          world.apply(process, this.#opened(approval).id, decide, 'done'),
        ),
      ));
    const order = real
      ? this.#orderOf(
          given,
          real.map(({ outcome }) => outcome),
        )
      : given.keys();
    if (!order) {
      this.compare('what several did at once', 'the results of some order', real);
      return;
    }
    for (const n of order) {
      const each = given[n]!;
      const { id } = this.#opened(each.approval);
      this.#current = each;
      const before = this.model.find(id)!;
      this.#settle(each, before, this.model.apply(id, each.decide, 'done').outcome);
    }
  }

  /** In which order they must have come for these results; undefined when there is none. */
  #orderOf(given: readonly Given[], outcomes: readonly Outcome[]): number[] | undefined {
    return permutations([...given.keys()]).find((order) => {
      const trial = this.model.clone();
      return order.every((n) => {
        const { approval, decide } = given[n]!;
        const { outcome } = trial.apply(this.#opened(approval).id, decide, 'done');
        return isSame(outcome, outcomes[n]);
      });
    });
  }

  #settle({ input, key }: Given, before: Approval, outcome: Outcome): void {
    if (outcome.kind !== 'answered') return;
    const { nowMs } = this.model;
    const { result } = outcome;
    this.happenings.push({ kind: 'answered', input, key, result, before, nowMs });
    if (input.kind !== 'claim') {
      if (input.kind === 'renew' && result === 'RENEWED') this.#extend(key, nowMs);
      return;
    }
    const claimed = result as ClaimResult; // what `claim` answers
    if (claimed.code !== 'GRANTED') return;
    const { permit } = claimed;
    const approval = this.opened.findIndex(({ id }) => id === permit.approvalId);
    this.#permits.push({ permit, owner: key, approval });
    this.happenings.push({ kind: 'granted', permit, digest: claimed.approval.digest });
  }

  /** The executor knows how long it may go on. */
  #extend(key: string, nowMs: number): void {
    const at = Number(key.split(':').at(-1));
    const held = this.#permits[at];
    if (held)
      held.permit = { ...held.permit, leaseUntilMs: Math.max(held.permit.leaseUntilMs, nowMs + LEASE_MS) };
  }

  #begin(back: number, behindMs: number): void {
    const { permit } = this.#permits.at(-1 - back) ?? {};
    const approval = permit && this.model.find(permit.approvalId);
    // Its clock may be behind by less than the margin that everybody keeps.
    if (!approval || this.model.nowMs - behindMs >= permit.leaseUntilMs) return;
    this.happenings.push({ kind: 'began', permit, approval, nowMs: this.model.nowMs });
  }

  async #release({ intent, input, key, world }: HeldOn, fate: 'done' | 'reply-lost'): Promise<void> {
    this.#current = { input, key };
    const before = this.model.find(intent.id)!;
    const outcome = this.model.release(intent, fate);
    if (world) this.compare(`what was held of ${input.kind}`, outcome, await world.release(fate));
    if (input.kind !== 'sweep')
      this.#settle({ input, key, approval: 0, decide: intent.decide }, before, outcome);
  }

  // ── Time and misfortune ──────────────────────────────────────────────────────────────────────────────────────

  async #sweep(process: number, fate: Fate): Promise<void> {
    const due = this.model.due(BATCH);
    const real = await this.world?.sweep(process, tick, fate);
    if (real) this.compare('what is due', { ids: due.ids, nextMs: due.nextMs }, real.due);
    this.#current = { input: { kind: 'sweep' }, key: `sweep:${this.#count++}` };
    for (const [n, id] of due.ids.entries()) {
      const { outcome, intent } = this.model.apply(id, tick, n === 0 ? fate : 'done');
      if (real) this.compare(`the tick of ${id}`, outcome, real.ticks[n]?.outcome);
      if (intent) this.#held.push({ intent, ...this.#current, world: real?.ticks[n]?.held });
    }
  }

  async #pass(nowMs: number): Promise<void> {
    this.model.nowMs = nowMs;
    this.happenings.push({ kind: 'passed', nowMs });
    await this.world?.pass(nowMs);
  }

  /** Nothing of ours loses a timer; should one be gone, whoever looks after them puts it back. */
  async #loseTimer({ id }: Approval): Promise<void> {
    const approval = this.model.find(id)!;
    const stale = { id, rev: approval.rev - 1 };
    this.model.loseTimer(id);
    await this.world?.loseTimer(approval);
    for (const seen of [stale, approval]) {
      const done = this.model.rearm(seen, dueOf(approval));
      if (this.world)
        this.compare(
          'the timer put back',
          done,
          await this.world.rearm({ ...approval, ...seen }, dueOf(approval)),
        );
    }
  }

  async #lose(): Promise<void> {
    if (!this.#marked) return;
    this.isLossy = true;
    this.model.restore(this.#marked);
    this.happenings.push({ kind: 'lost' });
    await this.world?.lose();
  }

  // ── What is delivered ────────────────────────────────────────────────────────────────────────────────────────

  #opened(n: number): Approval {
    return this.opened[n % this.opened.length]!;
  }

  #toGiven(input: Input, approval: number): Given | undefined {
    if (input.kind === 'again') return this.#given.at(-1 - input.back);
    const n = approval % this.opened.length;
    const key = `${input.kind}:${this.#count++}`;
    const given = { input, key, approval: n, decide: this.#toDecide(input, n, key) };
    const named = this.#isAboutPermit(input) ? { ...given, ...this.#ofPermit(input) } : given;
    if (!named) return undefined;
    this.#given.push(named);
    return named;
  }

  #isAboutPermit(input: Input): input is Extract<Input, { kind: 'renew' | 'complete' | 'lose-track' }> {
    return input.kind === 'renew' || input.kind === 'complete' || input.kind === 'lose-track';
  }

  /** About the call that one of the permits is for, whichever approval that belongs to. */
  #ofPermit(input: Extract<Input, { kind: 'renew' | 'complete' | 'lose-track' }>): Partial<Given> {
    const at = this.#permits.length - 1 - input.back;
    const held = this.#permits[at];
    if (!held) return {};
    const { epoch } = held.permit;
    const key = `${input.kind}:${this.#count++}:${at}`;
    switch (input.kind) {
      case 'renew':
        return { key, approval: held.approval, decide: (current, nowMs) => renew(current, epoch, nowMs) };
      case 'lose-track':
        return {
          key,
          approval: held.approval,
          decide: (current) => loseTrack(current, epoch, 'the line broke'),
        };
      case 'complete': {
        const outcome = { status: input.status, text: key };
        return {
          key,
          approval: held.approval,
          decide: (current, nowMs) => complete(current, epoch, outcome, nowMs),
        };
      }
      default:
        return input satisfies never;
    }
  }

  #toDecide(input: Exclude<Input, { kind: 'again' }>, n: number, key: string): Decide {
    const seen = this.#card(n, 'back' in input ? input.back : 0);
    switch (input.kind) {
      case 'vote':
        return this.#toVote(input, seen, key);
      case 'ask': {
        const { choice: _, ...question } = aVote(this.opened[n]!, {
          ...seen,
          ...this.#speaker(input.who),
          key,
          text: 'why?',
        });
        return (current, nowMs, world) =>
          ask(current, { ...question, ...this.#standing(current, input.who) }, nowMs, world);
      }
      case 'reply': {
        const said = {
          key,
          by: { person: idOf(input.who), name: input.who },
          via: SLACK,
          text: 'so',
          operates: false,
        };
        return (current, nowMs) => reply(current, said, nowMs);
      }
      case 'delegate':
        return (current, nowMs) =>
          delegate(
            current,
            {
              from: this.#voter(current, input.from),
              to: idOf(input.to),
              by: idOf(input.from),
              operates: false,
              copies: [],
            },
            nowMs,
          );
      case 'cancel':
        return (current, nowMs) => cancel(current, settler(input), 'no longer needed', nowMs);
      case 'revoke':
        return (current, nowMs) => revoke(current, settler(input), 'changed my mind', nowMs);
      case 'claim': {
        const owner = input.again ? (this.#permits.at(-1)?.owner ?? key) : key;
        const digest = input.right ? undefined : 'of something else';
        const drift = input.drifted ? 'the order is another one now' : undefined;
        return (current, nowMs) => claim(current, owner, digest ?? current.digest, nowMs, drift);
      }
      case 'reconcile':
        return (current, nowMs) =>
          reconcile(
            current,
            { ...settler(input), roles: [...(this.#roles[input.who] ?? [])] },
            input.finding,
            nowMs,
          );
      case 'card':
        return (current, nowMs) => noteCopy(current, input.copy, { ref: `${key}`, shown: seen.face }, nowMs);
      case 'hold':
        return (current, nowMs) => holdYes(current, nowMs);
      case 'reroute':
        return (current) =>
          addCopy(current, { id: 'mona-mail', to: anAddress('email'), person: idOf('mona') });
      case 'tick':
        return tick;
      // Without a permit there is nothing to say about one.
      case 'renew':
      case 'lose-track':
        return (current) => loseTrack(current, 99, 'of nobody');
      case 'complete':
        return (current, nowMs) => complete(current, 99, { status: input.status, text: 'of nobody' }, nowMs);
      default:
        return input satisfies never;
    }
  }

  #toVote(
    input: Extract<Input, { kind: 'vote' }>,
    seen: { gen: number; digest: string },
    key: string,
  ): Decide {
    const cast = aVote(this.opened[0]!, {
      ...this.#speaker(input.who),
      gen: seen.gen,
      digest: input.forged ? 'of something else' : seen.digest,
      key,
      choice: input.choice,
      via: input.via === 'slack' ? SLACK : EMAIL,
      text: 'because',
      ...(input.choice === 'edit' ? { edit: editOf(input.amount) } : {}),
    });
    return (current, nowMs, world) =>
      vote(
        current,
        {
          ...cast,
          ...this.#standing(current, input.who),
          others: NAMES.map((name) => this.#voter(current, name)),
        },
        nowMs,
        world,
      );
  }

  /** What stood on the card so many changes ago. */
  #card(n: number, back: number): { gen: number; digest: string; face: number } {
    const cards = this.#cards[n]!;
    return cards.at(-1 - back) ?? cards[0]!;
  }

  #speaker(name: string): Pick<Vote, 'roles'> & { person: string } {
    return { person: name, roles: [...(this.#roles[name] ?? [])] };
  }

  /** Roles and stand-ins as they are when it counts, not when it was said. */
  #standing(current: Approval, name: string): Pick<Vote, 'roles' | 'permitted'> & { standsFor: Voter[] } {
    const { roles, standsFor } = this.#voter(current, name);
    return { roles, standsFor: [...standsFor], permitted: roles.length > 0 || standsFor.length > 0 };
  }

  #voter(current: Approval, name: string): Voter & { standsFor: readonly Voter[] } {
    const standsFor = delegatorsOf(current, idOf(name)).map((person) => ({
      person,
      roles: [...(this.#roles[person] ?? [])],
    }));
    return { person: idOf(name), roles: [...(this.#roles[name] ?? [])], standsFor };
  }

  #note(change: Written): void {
    const n = this.opened.findIndex(({ id }) => id === change.after.id);
    this.happenings.push({ kind: 'written', ...this.#current, ...change });
    this.#cards[n]?.push(toCard(change.after));
  }
}

const BATCH = 200;
/** Everything that can fall due of two approvals, one that nobody ever gets to see put off again and again included. */
const MOST_DUE = 4 * (HARD_MS / VISIBLE_MS) + 50;

function toApproval(wish: Wish, conversation: string, n: number): Approval {
  const { count, enough, fair, pause, slackOnly, plain, risk, effect, verdict, ladder, copies } = wish;
  const reversible = risk === 'low';
  return anApproval({
    conversation,
    tail: `00000000000${n}`,
    openedMs: BEGIN_MS,
    request: {
      risk,
      reversible,
      effect,
      lineage: [idOf('lee')],
      accounts: [AccountId.parse('slack:T0/U0MAX')],
    },
    policy: {
      approvers: { role: MANAGER, count },
      choices: plain ? ['approve', 'deny'] : ['approve', 'deny', 'answer', 'edit', 'ask', 'take-back'],
      ...(enough ? { denyRule: 'enough' as const } : {}),
      ...(fair ? { minVisibleMs: VISIBLE_MS } : {}),
      ...(pause ? { pauseMs: PAUSE_MS } : {}),
      ...(slackOnly ? { approveFrom: [SLACK] } : {}),
      ...(ladder.length > 0 ? { ladder: [...ladder] } : {}),
      hardDeadlineMs: HARD_MS,
    },
    copies: copies === 'conversation' ? COPIES.slice(0, 1) : COPIES,
    verdict:
      verdict === 'granted'
        ? {
            granted: {
              id: 'gr_0123456789',
              by: { person: idOf('dana'), name: 'Dana', account: AccountId.parse('slack:T0/U0DANA') },
            },
          }
        : verdict,
  });
}

const COPIES: CardCopy[] = [
  { id: 'conversation', to: anAddress('slack') },
  { id: 'dana', to: anAddress('email'), person: idOf('dana'), outcomeOnly: true },
  { id: 'max', to: { platform: SLACK, route: { user: 'U0MAX' } }, person: idOf('max') },
];

/** Rita is asked when it comes to directors. */
export function copiesFor(): CardCopy[] {
  return [{ id: 'rita', to: anAddress('email'), person: idOf('rita') }];
}

function editOf(amount: number): NonNullable<Vote['edit']> {
  return amount > MOST_AMOUNT
    ? 'that is more than anybody may spend'
    : { args: { order: 7, amount, currency: 'EUR' } };
}

function settler({ who, operates }: { who: string; operates: boolean }) {
  return { person: idOf(who), name: who, via: Platform.parse('cli'), operates };
}

function toCard({ gen, digest, face }: Approval): { gen: number; digest: string; face: number } {
  return { gen, digest, face };
}

function idOf(name: string): PersonId {
  return PersonId.parse(name);
}

function permutations(list: readonly number[]): number[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((first) =>
    permutations(list.filter((each) => each !== first)).map((rest) => [first, ...rest]),
  );
}

/** The same values, whatever the order of the fields; a field that is undefined is none. */
export function isSame(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const [ours, theirs] = [Object.entries(a).filter(isSet), new Map(Object.entries(b).filter(isSet))];
  return (
    ours.length === theirs.size &&
    ours.every(([key, value]) => theirs.has(key) && isSame(value, theirs.get(key)))
  );
}

function isSet([, value]: [string, unknown]): boolean {
  return value !== undefined;
}
