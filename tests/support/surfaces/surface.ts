import type { SandboxPerson } from '../../../src/sandbox/people.ts';

/** A platform as the people of a story use it: Alex asks, Dana is asked and answers, and both read what is there. */
export interface Surface {
  readonly name: string;

  /** Alex, or somebody else, asks the bot for something. Resolves with the place where the answer belongs. */
  ask(text: string, who?: SandboxPerson): Promise<string>;

  /** What the bot shows in that place now, message by message, oldest first. */
  said(place: string): readonly string[];

  /** What the bot shows Dana directly, now: requests, and what became of them. */
  shownToDana(): readonly string[];

  /** What the bot has told somebody, now, that is no answer for all who are there; in Jira all read it. */
  told(who: SandboxPerson): readonly string[];

  /** Dana says yes to the newest request she was asked directly. */
  approve(): Promise<void>;

  /** Resolves with the first thing the predicate finds, now or after a change on this platform. */
  until<Found>(predicate: () => Found | undefined): Promise<Found>;
}

/** Resolves once one of the texts looks like this, with that text. */
export function seen(surface: Surface, texts: () => readonly string[], pattern: RegExp): Promise<string> {
  return surface.until(() => texts().find((text) => pattern.test(text)));
}
