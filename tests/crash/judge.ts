/**
 * Says what became of everything that was said, from what there is in the end: the threads people see, the shop's
 * ledger, the approvals, and what the model was shown. Pure.
 */
import type { Approval } from '../../src/domain/approval/record.ts';
import type { Refund } from '../../src/sandbox/shop/shop-sandbox.ts';
import { isCall, labelOf, type Message, ofOrder, orderOf } from './message.ts';
import { type ReplyKind, replyIn } from './model.ts';
import { type Post, platformOf } from './surfaces/surface.ts';
import type { Takeover } from './takeovers.ts';

export interface Evidence {
  readonly messages: readonly Message[];
  /** What was answered in each conversation, oldest first. */
  readonly threads: ReadonlyMap<number, readonly Post[]>;
  readonly refunds: readonly Refund[];
  readonly approvals: readonly Approval[];
  /** Why the same thing may be there twice; undefined where the platform's own key, or a look, rules it out. */
  readonly explainDouble: (conversation: number, key: string) => string | undefined;
  /** What the model was shown out of order. */
  readonly disorder: readonly string[];
  readonly takeovers: readonly Takeover[];
  /** Labels of the messages the model was shown. */
  readonly shown: ReadonlySet<string>;
}

export interface Verdict {
  /** Messages the gateway acknowledged. */
  readonly accepted: number;
  /** Accepted and never answered, or asked for a call of which nothing is known. */
  readonly lost: readonly string[];
  /** Shown to the model, or answered in the thread, in another order than they were accepted. */
  readonly reordered: readonly string[];
  /** Refunds beyond the first of one request. */
  readonly doubledEffects: readonly string[];
  /** Refunds that nobody asked for, and calls said to be done of which the shop knows nothing. */
  readonly falseEffects: readonly string[];
  readonly doubledReplies: readonly DoubledReply[];
  /** The same where the platform has a key against it. */
  readonly doubledDespiteKey: readonly string[];
  readonly unknownOutcomes: readonly UnknownOutcome[];
  /** Cards that still offer a choice though it was made. */
  readonly staleCards: readonly string[];
  /** Progress that was shown and never became a reply. */
  readonly strayProgress: readonly string[];
  /** What the agent said in a conversation after it was announced that it is a person's. */
  readonly saidOver: readonly string[];
  /** Not answered, because a person took over before that: the agent read them later. */
  readonly withheld: number;
}

export interface DoubledReply {
  readonly thread: string;
  readonly key: string;
  readonly times: number;
  /** Whether the gateway looked for the first one before it posted the second. */
  readonly explanation: string;
}

export interface UnknownOutcome {
  readonly request: string;
  readonly happened: boolean;
  readonly explanation: string;
}

export function judge(evidence: Evidence): Verdict {
  const { messages, approvals, refunds } = evidence;
  const threads = [...evidence.threads];
  const doubled = threads.flatMap(([conversation, thread]) =>
    doubledOfThread(conversation, thread, evidence.explainDouble),
  );
  return {
    accepted: messages.filter(({ acknowledgedAt }) => acknowledgedAt !== undefined).length,
    lost: messages.flatMap((message) => {
      const missing = missingOf(message, evidence.threads.get(message.conversation) ?? [], evidence);
      return missing ? [`${labelOf(message)}: ${missing} (${whatIsThere(message, evidence)})`] : [];
    }),
    reordered: [
      ...evidence.disorder.map((words) => `the model was shown ${words}`),
      ...threads.flatMap(([conversation, thread]) => disorderOfReplies(conversation, thread)),
    ],
    doubledEffects: doubledOf(refunds),
    falseEffects: falseEffectsOf(messages, approvals, refunds),
    doubledReplies: doubled.flatMap(({ explanation, ...what }) =>
      explanation === undefined ? [] : [{ ...what, explanation }],
    ),
    doubledDespiteKey: doubled
      .filter(({ explanation }) => explanation === undefined)
      .map(({ thread, key, times }) => `${key} is there ${times} times in ${thread}`),
    unknownOutcomes: approvals
      .filter(({ state }) => state === 'UNKNOWN')
      .map((approval) => toUnknown(approval, refunds)),
    staleCards: staleCardsOf(threads, approvals),
    strayProgress: threads.flatMap(([, thread]) =>
      thread.filter(({ isProgress }) => isProgress).map(({ text }) => text),
    ),
    saidOver: evidence.takeovers.flatMap((takeover) =>
      saidOverOf(takeover, evidence.threads.get(takeover.conversation) ?? []),
    ),
    withheld: messages.filter((message) => isWithheld(message, evidence.takeovers)).length,
  };
}

/** What somebody who looks for it finds: the end of its thread, whose conversation it was, and what became of its call. */
function whatIsThere(message: Message, { threads, takeovers, approvals }: Evidence): string {
  const { conversation } = message;
  const words = (threads.get(conversation) ?? []).map(({ text }) =>
    JSON.stringify(text.slice(0, MOST_CHARS_SHOWN)),
  );
  const about = approvals.find(({ request }) => orderIn(request.args) === orderOf(message));
  const hands = takeovers
    .filter((one) => one.conversation === conversation)
    .map(({ endedAfter }) => `hers until after m${endedAfter ?? '…'}`);
  const call = isCall(message.kind) ? [`its request ${about ? `is ${about.state}` : 'is not there'}`] : [];
  return [...call, ...hands, `the thread: ${words.slice(-MOST_POSTS_SHOWN).join(', ') || 'empty'}`].join(
    '; ',
  );
}

const MOST_CHARS_SHOWN = 60;
const MOST_POSTS_SHOWN = 12;

/** What is known beside a thread about messages that nobody answers. */
type Silence = Pick<Evidence, 'takeovers' | 'shown'>;

/** What people still wait for; undefined when nothing. */
export function missingOf(
  message: Message,
  thread: readonly Post[],
  { takeovers, shown }: Silence = NOBODY_SILENT,
): string | undefined {
  if (message.acknowledgedAt === undefined)
    return `it was never acknowledged; ${message.trace?.() ?? 'nor written'}`;
  if (message.kind === 'to-dana' || isWithheld(message, takeovers))
    return shown.has(labelOf(message)) ? undefined : 'the agent never read what was said while it was silent';
  const wanted: ReplyKind[] = isCall(message.kind) ? ['call', 'outcome'] : ['answer'];
  // What stood there when Dana took over was read, though its process died over it and the next one says that it broke off.
  const read = takeovers.filter((one) => one.conversation === message.conversation).flatMap(beforeOf);
  const replies = repliesIn([...thread, ...read]).filter(({ number }) => number === message.number);
  const missing = wanted.find((kind) => !replies.some((reply) => reply.kind === kind));
  return missing && `there is no ${missing} to it in the thread`;
}

function beforeOf({ before }: Takeover): readonly Post[] {
  return before;
}

const NOBODY_SILENT: Silence = { takeovers: [], shown: new Set() };

/**
 * Nobody had answered it, nor anything after it, when it was announced that the conversation is Dana's: from then on
 * the agent may not.
 */
function isWithheld({ conversation, number, kind }: Message, takeovers: readonly Takeover[]): boolean {
  if (kind !== 'plain' && kind !== 'alarm') return false;
  const next = takeovers.find((one) => one.conversation === conversation && number <= lastOf(one));
  return next !== undefined && number > Math.max(0, ...answeredIn(next.before));
}

/** All that was said to the agent, or to her, before she gave it back; all of it while she has not. */
function lastOf({ endedAfter = Number.POSITIVE_INFINITY }: Takeover): number {
  return endedAfter;
}

function answeredIn(thread: readonly Post[]): ReadonlySet<number> {
  return new Set(repliesIn(thread).map(({ number }) => number));
}

/** Heard while it was hers, or still there in the end: words on what was said before she gave it back. */
function saidOverOf(takeover: Takeover, thread: readonly Post[]): string[] {
  const { conversation, before, overheard } = takeover;
  const answered = answeredIn(before);
  const late = repliesIn(thread)
    .filter(({ number }) => number <= lastOf(takeover) && !answered.has(number))
    .map(({ kind, number }) => `${kind} ${labelOf({ conversation, number })}`);
  return [...new Set([...overheard, ...late])].map(
    (words) => `${words.slice(0, 100)} in ${nameOf(conversation)}`,
  );
}

/** The final replies of a thread, in the order in which people see them. */
function repliesIn(thread: readonly Post[]): { kind: ReplyKind; number: number }[] {
  return thread.flatMap((post) => {
    const reply = post.isProgress ? undefined : replyIn(post.text);
    return reply ? [reply] : [];
  });
}

/** Only the first word on each message: what became of a call is known when it is known. */
function disorderOfReplies(conversation: number, thread: readonly Post[]): string[] {
  const seen = new Set<number>();
  const problems: string[] = [];
  let highest = 0;
  for (const { kind, number } of repliesIn(thread)) {
    if (kind === 'outcome' || seen.has(number)) continue;
    seen.add(number);
    if (number < highest)
      problems.push(`the answer to m${number} came after the one to m${highest} in ${nameOf(conversation)}`);
    highest = Math.max(highest, number);
  }
  return problems;
}

function doubledOf(refunds: readonly Refund[]): string[] {
  const made = new Map<number, number>();
  for (const { order } of refunds) made.set(order, (made.get(order) ?? 0) + 1);
  return [...made].flatMap(([order, times]) =>
    Array.from(
      { length: times - 1 },
      () => `the refund for ${labelOf(ofOrder(order))} was made ${times} times`,
    ),
  );
}

function falseEffectsOf(
  messages: readonly Message[],
  approvals: readonly Approval[],
  refunds: readonly Refund[],
): string[] {
  const asked = new Set(messages.filter(({ kind }) => isCall(kind)).map(orderOf));
  const made = new Set(refunds.map(({ order }) => order));
  return [
    ...[...made]
      .filter((order) => !asked.has(order))
      .map((order) => `nobody asked for the refund of ${order}`),
    ...approvals
      .filter(({ state, request }) => state === 'EXECUTED' && !made.has(orderIn(request.args)))
      .map(({ request }) => `${labelOf(ofOrder(orderIn(request.args)))} is said to be refunded and is not`),
  ];
}

function doubledOfThread(
  conversation: number,
  thread: readonly Post[],
  explainDouble: Evidence['explainDouble'],
): (Omit<DoubledReply, 'explanation'> & { explanation: string | undefined })[] {
  const underOneKey = [...timesOf(thread.flatMap(({ key }) => key ?? []))].map(([key, times]) => ({
    thread: nameOf(conversation),
    key,
    times,
    explanation: explainDouble(conversation, key),
  }));
  const underSeveral = [...timesOf(wordsUnderKeys(thread))].map(([words, times]) => ({
    thread: nameOf(conversation),
    key: `${words}, under several keys`,
    times,
    explanation: undefined, // no platform can tell that they are the same
  }));
  return [...underOneKey, ...underSeveral].filter(({ times }) => times > 1);
}

/** What each final reply says, once for each key it was posted under; a platform that drops repeats shows each once. */
function wordsUnderKeys(thread: readonly Post[]): string[] {
  const said = thread.flatMap(({ isProgress, text, key, raw }) => {
    const reply = isProgress ? undefined : replyIn(text);
    return reply ? [{ words: `${reply.kind} m${reply.number}`, under: key ?? raw }] : [];
  });
  const different = new Map(said.map(({ words, under }) => [`${words} ${under}`, words] as const));
  return [...different.values()];
}

function timesOf(names: readonly string[]): Map<string, number> {
  const times = new Map<string, number>();
  for (const name of names) times.set(name, (times.get(name) ?? 0) + 1);
  return times;
}

function nameOf(conversation: number): string {
  return `c${conversation} (${platformOf(conversation)})`;
}

function toUnknown({ request, execution }: Approval, refunds: readonly Refund[]): UnknownOutcome {
  const order = orderIn(request.args);
  const happened = refunds.some((refund) => refund.order === order);
  return {
    request: labelOf(ofOrder(order)),
    happened,
    explanation: happened
      ? 'killed between the refund and the report of it: people were told to look, and would find it made'
      : `killed after permit ${execution?.epoch ?? 0} was granted and before the shop was asked: people were told to look, and would find it not made`,
  };
}

function staleCardsOf(
  threads: readonly (readonly [number, readonly Post[]])[],
  approvals: readonly Approval[],
): string[] {
  const open = new Set(approvals.filter(({ state }) => state === 'OPEN').map(({ id }) => String(id)));
  return threads.flatMap(([, thread]) =>
    thread
      .filter(({ isOpen }) => isOpen)
      .filter((card) => ![...open].some((id) => card.raw.includes(id)))
      .map((card) => `${card.text} (${card.key})`),
  );
}

export function orderIn(args: unknown): number {
  return typeof args === 'object' && args !== null && 'order' in args ? Number(args.order) : 0;
}
