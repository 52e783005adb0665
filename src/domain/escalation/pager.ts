/**
 * What one person is to be told, and when: at once, together with other things, or when their quiet hours are over.
 *
 * Invariants (numbers of the specification)
 *   E1   What is no longer true when its time comes is not told.
 *   E13  Nothing is dropped because there is too much of it: it waits, and is told together, in the order in which it
 *        came. What is important waits for quiet hours, what is urgent does not; a flood of either, a minute at most.
 *   What somebody has to answer in time waits for no other telling, either.
 */
import { z } from 'zod';
import { ApprovalId, ConversationTicket, EscalationId, PersonId, Platform } from '../ids.ts';
import { Importance } from '../person.ts';

/** Things that do not matter much, for the same person on the same platform, are told together if this close. */
export const BUNDLE_MS = 2 * 60_000;
/** Messages to one person in an hour, at most; what is told at once does not count. */
const MOST_AN_HOUR = 20;
const HOUR_MS = 60 * 60_000;
/**
 * Messages told at once to one person on one platform within `BURST_MS`, at most; what follows is told together when the
 * first of them is that old. Urgent ones are held up by urgent ones alone.
 */
export const MOST_IN_BURST = 5;
export const BURST_MS = 60_000;

export const Page = z.object({
  /** The same on every delivery. */
  id: z.string(),
  escalation: EscalationId,
  /** Of the escalation; once it is at a later one, this is not told any more. */
  epoch: z.int(),
  platform: Platform,
  importance: Importance,
  /** `news`: it is over, or somebody else has it. */
  why: z.enum(['call', 'last', 'still', 'news']),
  markdown: z.string(),
  /** Whose words it may hold: by this, whoever erases them is told of it. */
  from: z.array(PersonId).optional(),
  /** Whoever may decide it gets its card there, too. */
  approvalId: ApprovalId.optional(),
  /** The conversation that waits for somebody to take it over. */
  conversation: ConversationTicket.optional(),
  atMs: z.int(),
});
export type Page = z.infer<typeof Page>;

export const Pager = z.object({
  person: PersonId,
  rev: z.int(),
  waiting: z.array(Page),
  /** When the next of them is to be looked at; absent when none waits. */
  nextMs: z.int().optional(),
  /** When somebody was told something last, by platform. */
  lastMs: z.record(z.string(), z.int()),
  /** When they were told what could wait, within the last hour. */
  sentMs: z.array(z.int()),
  /** When they were told something at once, within the last minute; absent: nothing. */
  loud: z.array(z.object({ platform: Platform, atMs: z.int(), isUrgent: z.boolean() })).optional(),
});
export type Pager = z.infer<typeof Pager>;

/** When somebody may be disturbed for something so important: `atMs`, or the end of their quiet hours. */
export type Quiet = (importance: Importance, atMs: number) => number;

/** Pages that are told together. */
export interface Told {
  readonly platform: Platform;
  readonly pages: readonly Page[];
  /** The same, as they go out: those of one message. */
  readonly messages: readonly (readonly Page[])[];
}

/** In which messages pages go out on a platform: as few as it takes. */
export type InMessages = (platform: Platform, pages: readonly Page[]) => readonly (readonly Page[])[];

/** Something more to tell. */
export function admit(pager: Pager | undefined, person: PersonId, page: Page, quiet: Quiet): Pager {
  const before = pager ?? { person, rev: 0, waiting: [], lastMs: {}, sentMs: [] };
  return scheduled({ ...before, rev: before.rev + 1, waiting: [...before.waiting, page] }, quiet, page.atMs);
}

/** When something is told, by quiet hours as they are now. Undefined when that is as it was. */
export function heedQuiet(pager: Pager, quiet: Quiet, nowMs: number): Pager | undefined {
  const next = scheduled(pager, quiet, nowMs);
  return next.nextMs === pager.nextMs ? undefined : { ...next, rev: pager.rev + 1 };
}

/** What is to be told now. `isTrue`: whether something still is. Undefined when there is nothing to change. */
export function flush(
  pager: Pager,
  {
    isTrue,
    quiet,
    inMessages,
  }: {
    readonly isTrue: (page: Page) => boolean;
    readonly quiet: Quiet;
    readonly inMessages: InMessages;
  },
  nowMs: number,
): { readonly next: Pager; readonly told: readonly Told[] } | undefined {
  if (pager.nextMs === undefined || pager.nextMs > nowMs) return undefined;
  const waiting = pager.waiting.filter(isTrue);
  const ready = new Set(
    waiting.filter((page) => readyMs(pager, page, quiet, nowMs) <= nowMs).map(({ platform }) => platform),
  );
  // What waits only to be told with something else is told with it.
  const isTold = (page: Page) => ready.has(page.platform) && quiet(page.importance, nowMs) <= nowMs;
  const sentMs = pager.sentMs.filter((atMs) => nowMs - atMs < HOUR_MS);
  const told: Told[] = [];
  for (const platform of ready) {
    const pages = waiting.filter((page) => page.platform === platform && isTold(page));
    const sent = sentMs.length + told.flatMap(({ messages }) => messages.filter(couldWait)).length;
    const room = { loud: MOST_IN_BURST - burstOf(pager, platform, pages, nowMs), sent: MOST_AN_HOUR - sent };
    const messages = fitting(pages, (each) => inMessages(platform, each), room);
    told.push({ platform, pages: messages.flat(), messages });
  }
  const gone = new Set(told.flatMap(({ pages }) => pages));
  const loud = [...loudSince(pager, nowMs), ...told.flatMap((each) => loudIn(each, nowMs))];
  const next: Pager = {
    ...pager,
    rev: pager.rev + 1,
    waiting: waiting.filter((page) => !gone.has(page)),
    lastMs: { ...pager.lastMs, ...Object.fromEntries([...ready].map((platform) => [platform, nowMs])) },
    sentMs: [...sentMs, ...told.flatMap(({ messages }) => messages.filter(couldWait).map(() => nowMs))],
    loud,
  };
  return { next: scheduled(next, quiet, nowMs), told };
}

/**
 * The messages there is room for, one at least. Where there is none for all of them, what is told at once comes first;
 * what is left waits, and nothing is dropped.
 */
function fitting(
  pages: readonly Page[],
  inMessages: (pages: readonly Page[]) => readonly (readonly Page[])[],
  room: { readonly loud: number; readonly sent: number },
): readonly (readonly Page[])[] {
  const fitsIn = (messages: readonly (readonly Page[])[]) => {
    let { loud, sent } = room;
    const end = messages.findIndex((message, n) => {
      const left = couldWait(message) ? sent-- : loud--;
      return n > 0 && left <= 0;
    });
    return end === -1 ? messages : messages.slice(0, end);
  };
  const inOrder = inMessages(pages);
  const first = fitsIn(inOrder);
  if (first.length === inOrder.length) return first;
  return fitsIn(inMessages([...pages.filter(isPrompt), ...pages.filter((page) => !isPrompt(page))]));
}

function couldWait(message: readonly Page[]): boolean {
  return !message.some(isPrompt);
}

function scheduled({ nextMs: _, ...pager }: Pager, quiet: Quiet, nowMs: number): Pager {
  if (pager.waiting.length === 0) return pager;
  return { ...pager, nextMs: Math.min(...pager.waiting.map((page) => readyMs(pager, page, quiet, nowMs))) };
}

/** Not before now: when nobody looked as long as it could be told, it may be quiet again. */
function readyMs(pager: Omit<Pager, 'nextMs'>, page: Page, quiet: Quiet, nowMs: number): number {
  const atMs = Math.max(page.atMs, nowMs);
  const roomyMs = isPrompt(page)
    ? burstMs(pager, page, nowMs)
    : Math.max(bundledMs(pager, page), roomMs(pager, nowMs));
  return quiet(page.importance, Math.max(atMs, roomyMs));
}

/** How many were told at once lately, of those that hold these up. */
function burstOf(
  pager: Pick<Pager, 'loud'>,
  platform: Platform,
  pages: readonly Page[],
  nowMs: number,
): number {
  const isUrgent = pages.some(({ importance }) => importance === 'urgent');
  return loudSince(pager, nowMs).filter((each) => each.platform === platform && (each.isUrgent || !isUrgent))
    .length;
}

/** When there is room for one more that is told at once. */
function burstMs(pager: Pick<Pager, 'loud'>, { platform, importance }: Page, nowMs: number): number {
  const counted = loudSince(pager, nowMs).filter(
    (each) => each.platform === platform && (each.isUrgent || importance !== 'urgent'),
  );
  const oldest = counted.at(-MOST_IN_BURST);
  return oldest === undefined ? 0 : oldest.atMs + BURST_MS;
}

type Loud = NonNullable<Pager['loud']>;

function loudSince({ loud = [] }: Pick<Pager, 'loud'>, nowMs: number): Loud {
  return loud.filter(({ atMs }) => nowMs - atMs < BURST_MS);
}

function loudIn({ platform, messages }: Told, atMs: number): Loud {
  return messages
    .filter((message) => !couldWait(message))
    .map((message) => ({
      platform,
      atMs,
      isUrgent: message.some(({ importance }) => importance === 'urgent'),
    }));
}

/** What is important is told at once, and so is a question: the time to answer it runs. */
function isPrompt({ importance, why }: Page): boolean {
  return importance === 'high' || importance === 'urgent' || why === 'still';
}

function bundledMs({ lastMs }: Pick<Pager, 'lastMs'>, { platform }: Page): number {
  const last = lastMs[platform];
  return last === undefined ? 0 : last + BUNDLE_MS;
}

/** When there is room for one more message that could wait. */
function roomMs({ sentMs }: Pick<Pager, 'sentMs'>, nowMs: number): number {
  const recent = sentMs.filter((atMs) => nowMs - atMs < HOUR_MS);
  const oldest = recent.at(-MOST_AN_HOUR);
  return oldest === undefined ? 0 : oldest + HOUR_MS;
}
