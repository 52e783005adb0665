/**
 * One turn: from "something happened in this conversation" to an outcome.
 *
 *   entries ─▶ ask the model ─▶ no tool calls ─────────────▶ replied, or declined
 *                  ▲               │
 *                  └── results ◀── run the calls we may ───▶ suspended
 *                                  (one must wait, or must run exactly once)
 *
 * Calls of one reply that only read run beside each other, a few at a time; all others one by one, in the order they
 * were made. Results are told in that order, however they came in.
 *
 * A turn touches no store and no platform. What it needs comes in, what it did comes out, and the caller keeps it;
 * that is what lets a suspended turn go on in another process, a day later.
 */
import pLimit from 'p-limit';
import { z } from 'zod';
import type { Ceiling } from '../budget/limits.ts';
import type { TurnMeter } from '../budget/turn-meter.ts';
import { FutileCallError, RequestTooLongError } from '../domain/errors.ts';
import type { PersonId } from '../domain/ids.ts';
import { MAX_INLINE_BYTES, type OutFile } from '../domain/message.ts';
import type { Finding, Tool, ToolCall, ToolContext, ToolOutput } from '../domain/tool.ts';
import type { Entry, Usage } from '../domain/transcript.ts';
import { withoutKnown } from '../observability/redaction.ts';
import { NoRoomError } from './compaction/shorten.ts';
import type { Unseen } from './enclosures.ts';
import { LinkQuota } from './link-quota.ts';
import type { Exhibit, ModelClient, Thoughts } from './model/model-client.ts';
import { NO_OUTLET, type Outlet, outgoingFile, outgoingText, unfinishedText } from './outgoing-text.ts';
import { type Reading, readingOf, stringsIn, withOuter } from './provenance.ts';
import { isComposing } from './tools/compound-call.ts';
import type { HeldCall, RunningCall, Screened, TurnTools } from './tools/toolbox.ts';

/** Calls of one turn that run outside it, at most: each is a request somebody may have to read. */
const MOST_HELD = 10;

/** As the audit names it. */
const STOPPED = 'the turn was stopped';
const NOT_RUN = 'Not run: somebody stopped the turn before it began.';

/** Of tools whose arguments go out to people. */
const SPOKEN_FAMILY = 'control';
/** Of tools whose arguments go out as files. */
const FILE_FAMILY = 'files';

/** Files of one turn, at most: Discord takes ten with a message (Discord docs, "Create Message"), the others more. */
const MOST_FILES = 10;

/** What a call is answered with that came when the budget was used up. */
const OUT_OF_BUDGET = 'Not run: the budget is used up, and the turn ends here.';

export interface TurnSetup {
  readonly model: ModelClient;
  readonly systemPrompt: string;
  /** What it is told for this turn alone, in front of what the turn is about. */
  readonly guidance?: string | undefined;
  /** Entries of the history that were there before the turn; left out: all of them. */
  readonly turnStart?: number;
  readonly tools: TurnTools;
  /** Calls to the model in one turn, at most. */
  readonly maxSteps: number;
  /** Whether it thinks longer before each of its answers. */
  readonly thinking?: boolean;
  /** Aborts when somebody wants the turn to stop. A call that is under way comes to its end; none begins after it. */
  readonly stop?: AbortSignal;
  /** Pictures and documents that came with the message the turn is about; absent if it is about something else. */
  readonly exhibits?: readonly Exhibit[];
  /** A call whose deed is the reply, which was agreed to after its turn; absent: none was. */
  readonly agreed?: AgreedCall;
  /** Counts what the turn uses, and ends it when that is too much; absent: nobody counts. */
  readonly meter?: Pick<TurnMeter, 'note' | 'reached'>;
  /** Why this tool cannot be called just now, for the model; undefined when it can. Absent: always. */
  readonly throttle?: (tool: Tool, args: unknown) => Promise<string | undefined>;
  /** Calls that only read which run at the same time, at most. Left out: one. */
  readonly readsAtOnce?: number;
  /** Begins the idempotency keys of calls that run inside the turn. */
  readonly key: string;
  /**
   * What a held call is answered with, so that the transcript stays valid while people decide.
   *
   * @throws {FutileCallError} when the call cannot work, so that it is not to be held
   */
  readonly answerHeld: (held: HeldCall, index: number) => Promise<string>;
  /** Who asks; left out: nobody whose words count as their own. */
  readonly requester?: PersonId;
  /** What of strangers it is told beside the history, in words for people. */
  readonly heard?: readonly string[];
  /** Of the turn beside which this one looks something up: what was written and read there counts here, too. */
  readonly outer?: Pick<Reading, 'isTyped' | 'isSeen'>;
  /** What the gateway tells it before so many answers of it are given, behind everything else; undefined: nothing. */
  readonly remind?: (answers: number) => Entry | undefined;
  /** Looks into questions beside the turn; absent: nobody does. */
  readonly inquire?: Inquire;
  /** What its words may hold when they go out; left out: nothing that is allowed beside what it has read. */
  readonly outlet?: Outlet;
  /** Hears what the turn is doing, for people who wait. */
  readonly onProgress: (progress: TurnProgress) => void;
}

export interface AgreedCall {
  readonly tool: Tool;
  readonly args: unknown;
  /** All of strangers that had been read when it was made; a new context may have begun since. */
  readonly heard: readonly string[];
}

export type TurnProgress =
  /** `toSay`: all of the text so far, as it may go out; or, while nothing is said, what is being done. */
  /** `cut` leaves a part of it; what of that may not go out, a piece of an address, does not. */
  | { readonly kind: 'text'; readonly toSay: (cut?: (text: string) => string) => string }
  | { readonly kind: 'tool'; readonly tool: string };

/** Rejects only when the signal aborts. One for each question, in their order. */
export type Inquire = (
  questions: readonly string[],
  inquiry: Inquiry,
  signal: AbortSignal,
) => Promise<readonly Found[]>;

/** Where questions come from that are looked into beside a turn. */
export interface Inquiry {
  readonly turn: TurnSetup;
  /** Of the call that asks, the same for every attempt at it. */
  readonly key: string;
  /** What had been read when it was made. */
  readonly reading: Reading;
}

/** A finding, and what it took. */
export type Found = Finding & { readonly usage: Usage; readonly screened: readonly Screened[] };

/** A call that was checked where a question was looked into. */
export interface BesideCall {
  /** Of the call that asked. */
  readonly within: string;
  /** Which of its questions, from 1 on. */
  readonly question: number;
  readonly screened: Screened;
}

export interface TurnReport {
  /** New transcript entries, oldest first. */
  readonly entries: readonly Entry[];
  /** With what was used beside it. */
  readonly usage: Usage;
  /** Every call that was checked, with the rule that decided. */
  readonly screened: readonly Screened[];
  /** The same of calls beside the turn, where its questions were looked into. */
  readonly beside: readonly BesideCall[];
  /** Go out with the reply; no two of one name. */
  readonly files: readonly OutFile[];
  /** Why it never saw what came with the message; absent when it did, or nothing came. */
  readonly unseen?: Unseen;
}

export type TurnOutcome =
  | (TurnReport & { readonly kind: 'replied'; readonly text: string; readonly cut: boolean })
  /** The model would not answer. What it had begun to say is dropped. */
  | (TurnReport & { readonly kind: 'declined' })
  | (TurnReport & { readonly kind: 'suspended'; readonly text: string; readonly held: readonly HeldCall[] })
  /** Somebody wanted it to stop. `left`: tools it wanted to call, and did not. */
  | (TurnReport & {
      readonly kind: 'stopped';
      readonly done: readonly string[];
      readonly left: readonly string[];
    })
  /**
   * It was not done and had to end: by its steps or, where that is named, by a budget, or because it had become more
   * than the model can be shown. `text`: its last words, or none.
   */
  | (TurnReport & { readonly kind: 'exhausted'; readonly by?: Ceiling | 'room'; readonly text: string });

/**
 * @throws what the model client throws, and nothing of the turn is kept then; but for a turn that is under way and has
 *   become too much to be shown, for another one would take the same way
 */
export async function runTurn(
  setup: TurnSetup,
  history: readonly Entry[],
  signal: AbortSignal,
): Promise<TurnOutcome> {
  const entries: Entry[] = [];
  const screened: Screened[] = [];
  const beside: BesideCall[] = [];
  const files = new Map<string, OutFile>();
  const thoughts = new Map<string, Thoughts>();
  let unseen: Unseen | undefined = (setup.exhibits ?? []).length > 0 ? 'stopped' : undefined;
  const report = () => ({
    entries,
    usage,
    screened,
    beside,
    files: [...files.values()],
    ...(unseen ? { unseen } : {}),
  });
  let usage: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

  const { stop } = setup;
  /** Of whatever was asked of the model, also where no reply came of it. */
  const spend = async (model: string, used: Usage) => {
    usage = plus(usage, used);
    await setup.meter?.note(model, used);
  };
  const stopped = (left: readonly string[]): TurnOutcome => ({
    kind: 'stopped',
    ...report(),
    done: workedIn({ screened, entries }),
    left,
  });
  const note = (found: readonly Found[], within: string) => {
    usage = found.reduce((sum, each) => plus(sum, each.usage), usage);
    beside.push(
      ...found.flatMap((each, n) =>
        each.screened.map((call) => ({ within, question: n + 1, screened: call })),
      ),
    );
  };

  if (setup.agreed) {
    const { status, text } = collectFiles(await attachAgreed(setup, setup.agreed, history, signal), files);
    // It was said to go out when somebody had agreed, and the card of that says so.
    if (status === 'error') entries.push(notGoingOut(text, { history, heard: setup.agreed.heard }));
  }

  let lastSaid = '';
  for (let step = 0; step < setup.maxSteps; step++) {
    // While its tools ran, others may have used up what was left; where something was agreed to, it may have been before.
    const usedUp = step > 0 || setup.agreed ? await setup.meter?.reached() : undefined;
    if (usedUp) return { kind: 'exhausted', ...report(), by: usedUp, text: lastSaid };
    const reminder = setup.remind?.(step);
    if (reminder) entries.push(reminder);
    const shownSoFar = [...history, ...entries];
    const { reading, outlet, toSay, toSend } = wordsAfter(setup, shownSoFar);
    let soFar = '';
    const asking = setup.model.complete(
      {
        system: setup.systemPrompt,
        entries: shownSoFar,
        tools: setup.tools.specs,
        turnStart: setup.turnStart ?? history.length,
        ...(setup.guidance === undefined ? {} : { guidance: setup.guidance }),
        ...(setup.exhibits ? { exhibits: setup.exhibits } : {}),
        ...(setup.thinking ? { thinking: true, thoughts } : {}),
        onSpent: spend,
      },
      (piece) => {
        soFar += piece;
        const said = soFar;
        setup.onProgress({
          kind: 'text',
          toSay: (cut = (text) => text) => {
            const whole = toSay(unfinishedText(said, outlet));
            const part = cut(whole);
            return part === whole ? whole : toSay(part);
          },
        });
      },
      stop ? AbortSignal.any([signal, stop]) : signal,
    );
    const reply = await asking.catch((error: unknown) => {
      if (stop?.aborted && !signal.aborted) return 'stopped'; // whatever the model makes of being interrupted
      if (step > 0 && isTooMuch(error)) return 'no-room';
      throw error;
    });
    if (reply === 'stopped') return stopped([]);
    if (reply === 'no-room') return { kind: 'exhausted', ...report(), by: 'room', text: lastSaid };
    await spend(reply.model, reply.usage);
    // What it saw before an answer of this turn, it has seen.
    if (unseen) unseen = reply.unseen;
    const isDeclined = reply.stopped === 'refusal';
    entries.push({
      kind: 'assistant',
      // Shown what was taken for harmful, the model would decline again (Anthropic docs, "Streaming refusals").
      text: isDeclined ? '' : reply.text,
      calls: reply.calls.map(({ id, tool, input }) => ({ id, tool, input })),
      model: reply.model,
      usage: reply.usage,
      ...(reply.shown ? { shown: reply.shown } : {}),
      ...(reading.heard.length > 0 ? { strangers: [...reading.heard] } : {}),
    });
    if (isDeclined) return { kind: 'declined', ...report() };
    const [first] = reply.calls;
    if (first && reply.thoughts) thoughts.set(first.id, reply.thoughts);
    if (reply.calls.length === 0) {
      return { kind: 'replied', ...report(), text: toSay(reply.text), cut: reply.stopped === 'length' };
    }

    const words = toSay(reply.text);
    if (words.trim()) lastSaid = words;
    const ceiling = await setup.meter?.reached();
    if (ceiling) {
      // A transcript has a result for each call, also for one that was not run.
      entries.push(...reply.calls.map(({ id }) => refusal(id, OUT_OF_BUDGET)));
      return { kind: 'exhausted', ...report(), by: ceiling, text: lastSaid };
    }

    const held: HeldCall[] = [];
    for (const each of await answerAll(
      setup,
      reply.calls,
      { held, step, reading, toSay, toSend, note },
      signal,
    )) {
      const answered = stop?.aborted ? notAsked(each) : each;
      screened.push(answered.verdict);
      entries.push(toEntry(answered, files));
    }
    if (stop?.aborted) return stopped(screened.flatMap(leftOut).filter((name) => isOffered(setup, name)));
    if (held.length > 0) return { kind: 'suspended', ...report(), text: words, held };
  }

  return { kind: 'exhausted', ...report(), text: lastSaid };
}

/** How its words may go out, once it has read this. @param before what it had read when it chose them */
function wordsAfter(setup: TurnSetup, entries: readonly Entry[], before: readonly string[] = []) {
  const heard = [...(setup.heard ?? []), ...before];
  const reading = withOuter(readingOf(entries, heard, setup.requester), setup.outer);
  // As long as no stranger was read, every address goes out.
  const links = reading.strangers.length > 0 ? { links: new LinkQuota(entries, reading.isSeen) } : {};
  const outlet: Outlet = { ...(setup.outlet ?? NO_OUTLET), ...links };
  return {
    reading,
    outlet,
    toSay: (text: string) => outgoingText(text, reading, outlet),
    toSend: (text: string) => outgoingFile(text, reading, outlet),
  };
}

/** What was agreed to goes out with this reply, its words as they may go out now, and might when it was made. */
async function attachAgreed(
  setup: TurnSetup,
  { tool, args, heard }: AgreedCall,
  history: readonly Entry[],
  signal: AbortSignal,
): Promise<ToolOutput> {
  const { reading, toSay, toSend } = wordsAfter(setup, history, heard);
  const call = { id: 'agreed', tool: tool.name, input: args };
  const verdict = cleaned({ kind: 'run', call, tool, args, rule: '', agentRule: '' }, { toSay, toSend });
  if (verdict.kind !== 'run')
    return { status: 'error', text: 'Without what may not go out, it does not fit.' };
  const running = {
    key: `${setup.key}:agreed`,
    hasReadStrangers: reading.heard.length > 0,
  };
  return setup.tools.run(tool, verdict.args, running, signal);
}

/** For the agent, which begins the turn with having heard otherwise. */
function notGoingOut(
  why: string,
  { history, heard }: { readonly history: readonly Entry[]; readonly heard: readonly string[] },
): Entry {
  const opening = history.at(-1);
  const at = opening && 'at' in opening ? opening.at : new Date(0).toISOString();
  const text = `The file does not go out after all: ${why} Say so.`;
  return { kind: 'event', text, at, ...(heard.length > 0 ? { strangers: [...heard] } : {}) };
}

/** What fits into no request will fit into none of another attempt either. */
function isTooMuch(error: unknown): boolean {
  return error instanceof NoRoomError || error instanceof RequestTooLongError;
}

/** What came of one call. */
interface Answered {
  readonly verdict: Screened;
  readonly status: 'ok' | 'error' | 'waiting';
  readonly text: string;
  readonly files?: ToolOutput['files'];
  readonly trust?: ToolOutput['trust'];
  readonly seen?: ToolOutput['seen'];
}

/** Of one reply. */
interface Answering {
  /** Those that leave the turn, added as they are met. */
  readonly held: HeldCall[];
  readonly step: number;
  /** What had been read when it was written. */
  readonly reading: Reading;
  readonly toSay: (text: string) => string;
  /** The text of a file as it may go out. */
  readonly toSend: (text: string) => string;
  /** Keeps what was done beside the turn for a call of it. */
  readonly note: (found: readonly Found[], within: string) => void;
}

/** One for each call, in their order. */
async function answerAll(
  setup: TurnSetup,
  calls: readonly ToolCall[],
  answering: Answering,
  signal: AbortSignal,
): Promise<Answered[]> {
  const { held, step, reading: read } = answering;
  const limit = pLimit(setup.readsAtOnce ?? 1);
  const answered: Answered[] = [];
  let reading: Promise<Answered>[] = [];
  const answerOne = async (call: ToolCall) => {
    if (setup.stop?.aborted) return notRun(call);
    // Asked when it is about to run: what is taken away while others run is gone for it.
    const verdict = await throttled(
      setup,
      withinLimit(withoutSecret(cleaned(setup.tools.screen(call, read), answering), setup), held.length),
    );
    const key = `${setup.key}:${step}:${call.id}`;
    const inquire = inquireFor(call, { turn: setup, key, reading: read }, answering);
    const running = { key, hasReadStrangers: read.heard.length > 0, ...(inquire ? { inquire } : {}) };
    return answer(setup, verdict, held, running, signal);
  };
  for (const call of calls) {
    if (isReading(setup.tools.screen(call, read))) {
      reading.push(limit(() => answerOne(call)));
      continue;
    }
    // What changes something comes after all that was to be read before it, and before what is read then.
    answered.push(...(await Promise.all(reading)));
    reading = [];
    answered.push(await answerOne(call));
  }
  answered.push(...(await Promise.all(reading)));
  return answered;
}

/** By which a call looks into questions; undefined: nobody does. */
function inquireFor(
  call: ToolCall,
  inquiry: Inquiry,
  { toSay, note }: Pick<Answering, 'toSay' | 'note'>,
): ToolContext['inquire'] {
  const { inquire } = inquiry.turn;
  if (!inquire) return undefined;
  return async (questions, signal) => {
    // A question comes back with its answer, and counts as read then: it holds no more than what may go out.
    const found = await inquire(questions.map(toSay), inquiry, signal);
    note(found, call.id);
    return found;
  };
}

/** What it is called with when it writes to people, asks for a human or sends a file, people read as it stands. */
function cleaned(verdict: Screened, { toSay, toSend }: Pick<Answering, 'toSay' | 'toSend'>): Screened {
  if (verdict.kind === 'refused') return verdict;
  const { family = '' } = verdict.tool;
  const spoken = verdict.tool.withWords?.(verdict.args, toSay);
  if (spoken !== undefined) return withArgs(verdict, spoken);
  // Also what waits for a yes: people agree to what goes out.
  const clean = { [SPOKEN_FAMILY]: toSay, [FILE_FAMILY]: toSend }[family];
  if (!clean) return verdict;
  const { args } = verdict;
  if (typeof args !== 'object' || args === null) return verdict;
  const said = Object.entries(args).map(([key, value]) => [
    key,
    typeof value === 'string' ? clean(value) : value,
  ]);
  return withArgs(verdict, Object.fromEntries(said));
}

/** A secret of the configuration goes to no tool: what is asked for is kept, shown and told in many places. */
function withoutSecret(verdict: Screened, { outlet }: Pick<TurnSetup, 'outlet'>): Screened {
  if (verdict.kind === 'refused') return verdict;
  const secrets = outlet?.secrets ?? [];
  if (!stringsIn(verdict.args).some((text) => withoutKnown(text, secrets) !== text)) return verdict;
  return { kind: 'refused', call: verdict.call, reason: SECRET_ASKED_FOR, rule: undefined };
}

const SECRET_ASKED_FOR =
  'The arguments hold a secret of the configuration of this gateway, which goes to no tool. Nothing was done; make the call without it.';

/** What takes the place of a word may be longer: nothing is cut off then, for a piece of an address is another one. */
function withArgs(verdict: Exclude<Screened, { kind: 'refused' }>, args: unknown): Screened {
  const parsed = verdict.tool.input.safeParse(args);
  if (parsed.success) return { ...verdict, args: parsed.data };
  const reason = `Without what may not go out, the arguments do not fit: ${z.prettifyError(parsed.error)}`;
  return { kind: 'refused', call: verdict.call, reason, rule: undefined };
}

function notRun(call: ToolCall): Answered {
  const verdict: Screened = { kind: 'refused', call, reason: NOT_RUN, rule: STOPPED };
  return { verdict, status: 'error', text: NOT_RUN };
}

/** A call that was to be held when the turn was stopped: nobody is asked about it. */
function notAsked(answered: Answered): Answered {
  return answered.verdict.kind === 'held' ? notRun(answered.verdict.call) : answered;
}

function leftOut(verdict: Screened): string[] {
  return verdict.kind === 'refused' && verdict.rule === STOPPED ? [verdict.call.tool] : [];
}

/** Tools whose calls were run, and worked: one name for each call. */
export function workedIn({ screened, entries }: Pick<TurnReport, 'screened' | 'entries'>): string[] {
  const worked = new Set(
    entries.flatMap((entry) => (entry.kind === 'tool-result' && entry.status === 'ok' ? [entry.callId] : [])),
  );
  return screened.flatMap((each) =>
    each.kind === 'run' && worked.has(each.call.id) ? [each.tool.name] : [],
  );
}

/** A name that the model has made up is its own words, and told to nobody. */
function isOffered({ tools }: Pick<TurnSetup, 'tools'>, name: string): boolean {
  return tools.list().some((tool) => tool.name === name);
}

function isReading(verdict: Screened): boolean {
  return verdict.kind === 'run' && verdict.tool.effect === 'read' && verdict.tool.inTurn !== true;
}

async function throttled(setup: TurnSetup, verdict: Screened): Promise<Screened> {
  if (verdict.kind === 'refused') return verdict;
  const reason = await setup.throttle?.(verdict.tool, verdict.args);
  if (reason === undefined) return verdict;
  return { kind: 'refused', call: verdict.call, reason, rule: `tools.${verdict.tool.name}.per_minute` };
}

function toEntry(
  { verdict, status, text, trust, seen, files: attached }: Answered,
  files: Map<string, OutFile>,
): Entry {
  const callId = verdict.call.id;
  if (status === 'waiting') return { kind: 'tool-result', callId, status, text };
  const output = collectFiles({ status, text, ...(attached ? { files: attached } : {}) }, files);
  return {
    kind: 'tool-result',
    callId,
    status: output.status,
    text: output.text,
    ...(trust === undefined ? {} : { trust }),
    ...(verdict.kind === 'run' && (seen || isComposing(verdict.tool, verdict.args))
      ? { composed: true as const }
      : {}),
    ...(seen && seen.length > 0 ? { seen: [...seen] } : {}),
    ...(verdict.kind === 'refused' ? { notRun: true as const } : {}),
  };
}

function withinLimit(verdict: Screened, held: number): Screened {
  if (verdict.kind !== 'held' || held < MOST_HELD) return verdict;
  const reason = `Not taken: a turn may leave at most ${MOST_HELD} calls to others. Make it again later if it is still wanted.`;
  return { kind: 'refused', call: verdict.call, reason, rule: verdict.decision.rule };
}

/** The verdict is another one when a call that was to be held cannot work. */
async function answer(
  setup: TurnSetup,
  verdict: Screened,
  held: HeldCall[],
  running: RunningCall,
  signal: AbortSignal,
): Promise<Answered> {
  switch (verdict.kind) {
    case 'refused':
      return { verdict, status: 'error', text: verdict.reason };
    case 'held': {
      const text = await setup.answerHeld(verdict, held.length).catch((error: unknown) => {
        if (error instanceof FutileCallError) return error;
        throw error;
      });
      if (text instanceof FutileCallError) {
        const reason = `Nobody was asked about this, because it cannot work: ${text.why}.`;
        const { call, decision } = verdict;
        const refused: Screened = { kind: 'refused', call, reason, rule: decision.rule };
        // It says how things are, in the words of whoever made them so: a name, a status, an error of the service.
        const trust = text.trust ?? verdict.tool.tells ?? 'outsider';
        return { verdict: refused, status: 'error', text: reason, trust };
      }
      held.push(verdict);
      return { verdict, status: 'waiting', text };
    }
    case 'run': {
      setup.onProgress({ kind: 'tool', tool: verdict.tool.name });
      const { tool, args } = verdict;
      const {
        status,
        text,
        files,
        seen,
        trust = tool.tells,
      } = await setup.tools.run(tool, args, running, signal);
      return {
        verdict,
        status,
        text,
        ...(files ? { files } : {}),
        ...(seen ? { seen } : {}),
        ...(trust === undefined ? {} : { trust }),
      };
    }
    default:
      return verdict satisfies never;
  }
}

function refusal(callId: string, text: string): Entry {
  return { kind: 'tool-result', callId, status: 'error', text, notRun: true };
}

/** Keeps the files of a result, or says why they are too much. */
function collectFiles(output: ToolOutput, files: Map<string, OutFile>): ToolOutput {
  const after = new Map([...files, ...(output.files ?? []).map((file) => [file.name, file] as const)]);
  const bytes = [...after.values()].reduce((sum, { base64 }) => sum + Buffer.byteLength(base64, 'base64'), 0);
  if (after.size > MOST_FILES) {
    return { status: 'error', text: `Not attached: a reply carries at most ${MOST_FILES} files.` };
  }
  if (bytes > MAX_INLINE_BYTES) {
    const sum = `all files of a reply have at most ${MAX_INLINE_BYTES} bytes together; these would have ${bytes}`;
    return { status: 'error', text: `Not attached: ${sum}.` };
  }
  for (const [name, file] of after) files.set(name, file);
  return output;
}

function plus(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
  };
}
