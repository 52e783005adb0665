/** One platform as the people of a scenario use it, and what can be seen of it from outside. */
export interface Surface {
  readonly platform: PlatformName;

  /**
   * Alex writes in a conversation: the first time it begins one, and resolves with the place where its answers
   * belong. `acknowledged` resolves when the next message may follow in order.
   */
  write(wanted: {
    readonly conversation: number;
    readonly place: string | undefined;
    readonly text: string;
    readonly mention: boolean;
    /** Whether the bot is to say something to it. */
    readonly isAnswered: boolean;
  }): Promise<Written>;

  /** Dana writes in a place; resolves when what is said next comes after it. Absent where she cannot (a mail thread). */
  speak?(place: string, text: string): Promise<void>;

  /** What the bot shows in a place, oldest first. */
  posts(place: string): readonly Post[];

  /** Dana says yes to what an open card asks. False when it did not count. */
  approve(place: string, card: Post): Promise<boolean>;

  /** Events that wait to be acknowledged. */
  readonly unacknowledged: number;
  /** How often the bot wrote or edited something. */
  readonly written: number;
  /** How often it was told to the platform that an event is stored. */
  readonly stored: number;
  onChange(listener: () => void): () => void;

  /** Why the same thing is there twice; undefined where the platform's own key rules it out. */
  explainDouble?(place: string, key: string): string | undefined;
}

export interface Written {
  readonly place: string;
  /** Undefined where the platform acknowledges nothing and no answer is waited for. */
  readonly acknowledged: Promise<void> | undefined;
  /** How far it got, in words, for whoever looks for a lost one. */
  readonly trace?: () => string;
}

export const PLATFORMS = ['slack', 'discord', 'jira', 'email'] as const;
export type PlatformName = (typeof PLATFORMS)[number];

/** Conversations take turns among the platforms. */
export function platformOf(conversation: number): PlatformName {
  return PLATFORMS[conversation % PLATFORMS.length] ?? 'slack';
}

/** One message of the bot. */
export interface Post {
  readonly text: string;
  /** What it is known by, however often it is sent. */
  readonly key: string | undefined;
  /** Shown while work went on, and to be replaced by the reply. */
  readonly isProgress: boolean;
  /** Offers a choice. */
  readonly isOpen: boolean;
  /** All of it, ids included. */
  readonly raw: string;
}

export function isCardOf({ raw }: Post, order: number): boolean {
  return raw.includes(`order ${order},`);
}

/** Sentences about who speaks in a conversation: not of the model, and final. */
export function isAboutHands(text: string): boolean {
  return /has taken over|handed this conversation back|I broke off here/.test(text);
}

/** What is shown while the model writes: its words so far, be they all of them, and a mark that it goes on. */
export function isBegun(text: string): boolean {
  return text.endsWith(' …');
}

/** What a post is about, for platforms whose messages carry no key that outsiders see. */
export function keyOf(text: string): string | undefined {
  const reply = /^(?:answer|call|outcome) c\d+ m\d+/.exec(text)?.[0];
  const order = /\border (\d+),/.exec(text)?.[1];
  return reply ?? (order === undefined ? undefined : `card of order ${order}`);
}
