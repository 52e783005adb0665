/** What `timers` and `approvals` ask of a process that keeps pending approvals, ours or the reference's. */
import { z } from 'zod';

/** The body of each approval: what a person is shown and agrees to, in bytes of JSON. */
export const BODY_BYTES = 200;

export type PendingOrder =
  /** Opens `count` approvals that fall due a week from now, each with two reminders and a deadline. */
  | { readonly kind: 'open'; readonly count: number }
  /** Opens approvals that fall due evenly, `perSecond` in each of `seconds`, and lets time take its course. */
  | { readonly kind: 'fire'; readonly perSecond: number; readonly seconds: number }
  /** Answers the next `count` of the approvals in the order they were opened, `inFlight` at a time. */
  | { readonly kind: 'vote'; readonly count: number; readonly inFlight: number }
  /** Lists what waits for one person, so often, as `/approvals` does. */
  | { readonly kind: 'list'; readonly count: number }
  /** Looks at all of them as the self-audit does, twice. */
  | { readonly kind: 'audit' };

export const Opened = z.object({ kind: z.literal('opened'), durationMs: z.number() });

export const Fired = z.object({
  kind: z.literal('fired'),
  /** From the moment something was due to the moment its effect was stored, one for each. */
  latenessMs: z.array(z.number()),
  /** User and system time of the process for each, in ms. */
  cpuMs: z.number(),
});
export type Fired = z.infer<typeof Fired>;

export const Voted = z.object({
  kind: z.literal('voted'),
  durationMs: z.number(),
  latenciesMs: z.array(z.number()),
});
export type Voted = z.infer<typeof Voted>;

export const Listed = z.object({ kind: z.literal('listed'), latenciesMs: z.array(z.number()) });
export type Listed = z.infer<typeof Listed>;

export const Audited = z.object({
  kind: z.literal('audited'),
  approvals: z.number(),
  /** The first look reads everything; a later one only what may have changed. */
  firstMs: z.number(),
  againMs: z.number(),
  /** What somebody else waited for Redis meanwhile, at most. */
  longestWaitMs: z.number(),
});
export type Audited = z.infer<typeof Audited>;

/** Sent instead of the answer when an order could not be carried out. */
export const Failed = z.object({ kind: z.literal('failed'), reason: z.string() });
