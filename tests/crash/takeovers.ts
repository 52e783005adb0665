/**
 * Dana takes conversations over now and then, writes in them, and gives them back.
 *
 *   Alex has written ──!takeover──▶ it is announced ──Alex writes to her──▶ she answers ──!handback──▶ Alex goes on
 *
 * Owns      what she writes, and what the bot said in a conversation that it was told is hers.
 * Not here  who writes when (`people.ts`), and what follows from what was said (`judge.ts`).
 */
import type { Post, Surface } from './surfaces/surface.ts';

/** What everybody in a conversation reads when it is a person's. */
const ANNOUNCED = /has taken over/;

/** Words of the model, whole or begun. */
const WORDS = /^(?:answer|call|outcome)\b/;

/** One time that a conversation was a person's. */
export interface Takeover {
  readonly conversation: number;
  /** What everybody could read there when it was announced. */
  readonly before: readonly Post[];
  /** What the model was heard to say between the announcement and her giving it back. */
  readonly overheard: readonly string[];
  /** The number of the message after which she gave it back; undefined while it is hers. */
  readonly endedAfter: number | undefined;
}

interface Holding {
  readonly takeover: { -readonly [Key in keyof Takeover]: Takeover[Key] };
  readonly stopListening: () => void;
}

export class Takeovers {
  readonly all: Takeover[] = [];
  readonly #holdings = new Map<number, Holding>();

  isHers(conversation: number): boolean {
    return this.#holdings.has(conversation);
  }

  /** Resolves when it is announced that it is hers. */
  async begin(conversation: number, place: string, surface: Surface): Promise<void> {
    const earlier = announcementsIn(surface.posts(place));
    // Looked at in the very moment it is announced: what is said after that is said too late.
    const announced = found(surface, () => {
      const posts = surface.posts(place);
      return announcementsIn(posts) > earlier ? posts : undefined;
    });
    await surface.speak?.(place, '!takeover');
    const before = await announced;
    const known = wordsIn(before);
    const overheard: string[] = [];
    const stopListening = surface.onChange(() => {
      for (const words of wordsIn(surface.posts(place)))
        if (!known.has(words) && !overheard.includes(words)) overheard.push(words);
    });
    const takeover = { conversation, before, overheard, endedAfter: undefined };
    this.all.push(takeover);
    this.#holdings.set(conversation, { takeover, stopListening });
  }

  /** She says something, and gives it back. @param after the last message that was written to her */
  async end(
    { conversation, after }: { conversation: number; after: number },
    place: string,
    surface: Surface,
  ): Promise<void> {
    const holding = this.#holdings.get(conversation);
    if (!holding) throw new Error(`conversation ${conversation} is not hers`);
    await surface.speak?.(place, 'I have seen to it.');
    holding.stopListening();
    this.#holdings.delete(conversation);
    holding.takeover.endedAfter = after;
    await surface.speak?.(place, '!handback');
  }
}

function announcementsIn(posts: readonly Post[]): number {
  return posts.filter(({ text }) => ANNOUNCED.test(text)).length;
}

function wordsIn(posts: readonly Post[]): ReadonlySet<string> {
  return new Set(posts.map(({ text }) => text).filter((text) => WORDS.test(text)));
}

/** Looks after every change, and resolves with the first thing that is found. */
async function found<Found>(surface: Surface, find: () => Found | undefined): Promise<Found> {
  return new Promise((resolve) => {
    const stop = surface.onChange(() => {
      const result = find();
      if (result === undefined) return;
      stop();
      resolve(result);
    });
  });
}
