/**
 * What of a server's tools somebody has agreed to. Pure.
 *
 *            ┌── seen for the first time ──▶ new ──accept──▶ agreed ◀──accept──┐
 *   (nothing)┘                                                 └──changes──▶ changed
 *
 * Invariants
 *   1. A tool is offered only while what its server last said of it is, to the letter, what somebody agreed to.
 *   2. What was agreed to stays known when a tool goes away or changes: the same tool come back needs nobody.
 *   3. One tool that waits keeps no other from being offered.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { hashOf, type ReadDefinition, ToolDefinition } from './tool-definition.ts';

const Fit = z.object({
  kind: z.literal('fit'),
  hash: z.string(),
  definition: ToolDefinition,
  sinceMs: z.number(),
});
const Unfit = z.object({ kind: z.literal('unfit'), why: z.string(), sinceMs: z.number() });

const Pin = z.object({
  /** As the server described it last; absent: it has no such tool now. */
  seen: z.discriminatedUnion('kind', [Fit, Unfit]).optional(),
  agreed: z
    .object({
      hash: z.string(),
      definition: ToolDefinition,
      /** As the audit names them. */
      by: z.string(),
      atMs: z.number(),
    })
    .optional(),
});
export type Pin = z.infer<typeof Pin>;

export const PinBook = z.object({
  rev: z.number(),
  /** By the name the server gives the tool. */
  tools: z.record(z.string(), Pin),
  /** Why it did not run, the end of a sentence, and since when; absent while it does. */
  down: z.object({ why: z.string(), sinceMs: z.number() }).optional(),
});
export type PinBook = z.infer<typeof PinBook>;

export const EMPTY_BOOK: PinBook = { rev: 0, tools: {} };

export type PinState = 'agreed' | 'new' | 'changed' | 'gone' | 'unfit';

/** Tools kept of one server, with those that went away; far more than a model can choose among. */
export const MAX_TOOLS = 256;

export function stateOf({ seen, agreed }: Pin): PinState {
  if (!seen) return 'gone';
  if (seen.kind === 'unfit') return 'unfit';
  if (!agreed) return 'new';
  return agreed.hash === seen.hash ? 'agreed' : 'changed';
}

/** Something that has to be looked at. */
export interface Waiting {
  readonly tool: string;
  readonly state: 'new' | 'changed';
  readonly hash: string;
}

/** Tools that wait for somebody, in the order of their names. @param isOn what is switched off waits for nobody */
export function waitingIn(book: PinBook, isOn: (tool: string) => boolean = () => true): Waiting[] {
  return Object.entries(book.tools)
    .filter(([tool]) => isOn(tool))
    .flatMap(([tool, pin]) => {
      const state = stateOf(pin);
      const isWaiting = state === 'new' || state === 'changed';
      return isWaiting && pin.seen?.kind === 'fit' ? [{ tool, state, hash: pin.seen.hash }] : [];
    })
    .toSorted((a, b) => (a.tool < b.tool ? -1 : 1));
}

/** What somebody looks at: one that is switched off as well, if they name it. */
export function waitingFor(book: PinBook, { tool, isOn }: Pick<Wish, 'tool' | 'isOn'>): Waiting[] {
  return tool === undefined ? waitingIn(book, isOn) : waitingIn(book, (each) => each === tool);
}

/** What stands for all of these at once: whoever agrees to it agrees to exactly them. */
export function hashOfAll(waiting: readonly Waiting[]): string {
  const [only] = waiting;
  if (only && waiting.length === 1) return only.hash;
  return createHash('sha256')
    .update(waiting.map(({ tool, hash }) => `${tool} ${hash}`).join('\n'))
    .digest('hex');
}

/** The server has said which tools it has. `next` is absent when nothing is new. */
export function sawTools(
  book: PinBook,
  read: readonly ReadDefinition[],
  nowMs: number,
): { readonly next?: PinBook; readonly held: readonly Waiting[] } {
  const told = new Map(read.slice(0, MAX_TOOLS).map((each) => [nameOf(each), each]));
  const tools = Object.fromEntries(
    [...new Set([...Object.keys(book.tools), ...told.keys()])].flatMap((name) => {
      const pin = withSeen(book.tools[name] ?? {}, told.get(name), nowMs);
      // What nobody agreed to and the server has no more is nothing.
      return pin.seen || pin.agreed ? [[name, pin]] : [];
    }),
  );
  if (!book.down && JSON.stringify(tools) === JSON.stringify(book.tools)) return { held: [] };
  const next = { rev: book.rev + 1, tools };
  const before = new Set(waitingIn(book).map(({ tool, hash }) => `${tool} ${hash}`));
  return { next, held: waitingIn(next).filter(({ tool, hash }) => !before.has(`${tool} ${hash}`)) };
}

/** The server does not run. Undefined where that is known already; its tools stay what they were. */
export function wentDown(book: PinBook, why: string, nowMs: number): PinBook | undefined {
  if (book.down?.why === why) return undefined;
  return { ...book, rev: book.rev + 1, down: { why, sinceMs: book.down?.sinceMs ?? nowMs } };
}

export type Agreement =
  | { readonly kind: 'agreed'; readonly next: PinBook; readonly tools: readonly Waiting[] }
  | { readonly kind: 'nothing-waits' }
  /** It is not what was looked at any more. */
  | { readonly kind: 'moved' };

/** What somebody agrees to. */
export interface Wish {
  /** That one alone; left out: all that is switched on. */
  readonly tool?: string | undefined;
  /** What they have seen, or its beginning. */
  readonly hash?: string | undefined;
  /** Left out: every tool is. */
  readonly isOn?: (tool: string) => boolean;
  readonly by: string;
}

/** Somebody agrees to what waits. */
export function agree(book: PinBook, wish: Wish, nowMs: number): Agreement {
  const waiting = waitingFor(book, wish);
  if (waiting.length === 0) return { kind: 'nothing-waits' };
  if (wish.hash !== undefined && !hashOfAll(waiting).startsWith(wish.hash)) return { kind: 'moved' };
  const tools = { ...book.tools };
  for (const { tool } of waiting) {
    const pin = tools[tool];
    if (pin?.seen?.kind !== 'fit') continue;
    const { hash, definition } = pin.seen;
    tools[tool] = { ...pin, agreed: { hash, definition, by: wish.by, atMs: nowMs } };
  }
  return { kind: 'agreed', next: { ...book, rev: book.rev + 1, tools }, tools: waiting };
}

function withSeen({ seen, agreed }: Pin, read: ReadDefinition | undefined, nowMs: number): Pin {
  return { ...(read ? { seen: toSeen(seen, read, nowMs) } : {}), ...(agreed ? { agreed } : {}) };
}

/** The same as before stays as it was, so that it is known since when it is so. */
function toSeen(before: Pin['seen'], read: ReadDefinition, nowMs: number): NonNullable<Pin['seen']> {
  if (read.kind === 'unfit') {
    const isSame = before?.kind === 'unfit' && before.why === read.why;
    return isSame ? before : { kind: 'unfit', why: read.why, sinceMs: nowMs };
  }
  const hash = hashOf(read.definition);
  const isSame = before?.kind === 'fit' && before.hash === hash;
  return isSame ? before : { kind: 'fit', hash, definition: read.definition, sinceMs: nowMs };
}

function nameOf(read: ReadDefinition): string {
  return read.kind === 'unfit' ? read.name : read.definition.name;
}
