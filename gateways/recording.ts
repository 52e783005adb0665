/**
 * Whether a gesture of somebody is recorded, as far as it is known in the time a platform gives for its first answer.
 *
 *   recorded        the core has said what became of it
 *   failed          the core has said that it could not; that nothing at all was written, nobody can promise
 *   not known yet   the store has not answered. It may still write it down, and does when it is only slow
 *
 * Owns      which of the three it is, and the sentences for the one who acted.
 * Not here  how a platform shows them, and the sentence when it is recorded as usual.
 *
 * Invariant: nobody is told to do a thing again that may have been written down, unless done twice it counts once.
 */
import type { Receipt } from '../src/domain/message.ts';
import { inTime } from './within.ts';

export type Settled =
  | { readonly kind: 'recorded'; readonly receipt: Receipt }
  | { readonly kind: 'failed'; readonly error: unknown };

export type Recording =
  | Settled
  /** `later` is what it comes to; it may take as long as the store is away. Never rejects. */
  | { readonly kind: 'not-known-yet'; readonly later: Promise<Settled> };

/** Never rejects. */
export async function recordedWithin(ms: number, receiving: Promise<Receipt>): Promise<Recording> {
  const later = settled(receiving);
  const known = await inTime(ms, later);
  return known === 'late' ? { kind: 'not-known-yet', later } : known;
}

/** Never rejects. */
export function settled(receiving: Promise<Receipt>): Promise<Settled> {
  return receiving.then(
    (receipt): Settled => ({ kind: 'recorded', receipt }),
    (error: unknown): Settled => ({ kind: 'failed', error }),
  );
}

/** What somebody is told of a command: typed twice it would be done twice. */
export const OF_COMMAND = {
  notKnownYet:
    'I **cannot tell yet** whether your command was recorded: my store does not answer. Please do not type it again: it may be recorded still, and then it is done. I tell you here as soon as I know. Should you hear nothing, look at `/status` later: it shows what is under way here.',
  failed:
    'Your command was **not recorded**, as far as I can tell: something went wrong when I wrote it down. Look at `/status` before you type it again: what is under way all the same would be done twice.',
  recorded: 'Your command **is recorded** now.',
} as const;

/** What somebody is told of a press or a form: the same given twice counts once. */
export const OF_PRESS = {
  notKnownYet:
    'I **cannot tell yet** whether this was recorded: my store does not answer. It may be recorded still, and then it counts. I tell you here as soon as I know. Should you hear nothing, look at the card, or at `/status`.',
  failed:
    'This was **not recorded**, as far as I can tell: something went wrong when I wrote it down. Please do it again; should it be recorded all the same, it counts once.',
  recorded: 'This **is recorded** now.',
} as const;
