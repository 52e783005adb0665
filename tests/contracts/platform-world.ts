/**
 * A platform as the contract of gateways sees it: its people, what they are shown, and what can go wrong with it. Every
 * one of these drives the emulated platform on its real wire, through the real client library.
 */
import type { Card } from '../../src/domain/card.ts';
import type { Gateway } from '../../src/domain/gateway.ts';
import type { Address, Inbound, OutFile, Receipt } from '../../src/domain/message.ts';

/** Something somebody said, and the place where it is answered. */
export interface Said {
  readonly place: Address;
  /** Names it on the platform. */
  readonly ref: string;
}

/** Whoever reads something: one of the people, or everybody who is there. */
export type Reader = 'alex' | 'dana' | 'eve' | 'everybody';

/** How often a bot that the gateway listens to may speak before a person has to, in every world. */
export const BOT_TURNS = 3;

export interface WorldOptions {
  /** The gateway listens to the other bot, within `BOT_TURNS`. */
  readonly hearsBots?: boolean;
}

export interface PlatformWorld {
  readonly name: string;
  readonly gateway: Gateway;
  /** Everything handed to the core, oldest first. */
  readonly received: Inbound[];
  /** What the core does with what it is handed from now on. */
  onReceive(receive: (inbound: Inbound) => Promise<Receipt>): void;
  start(): Promise<void>;

  /** Alex says something to the bot, in a new place. Resolves once the core has it. */
  say(text: string, files?: readonly OutFile[]): Promise<Said>;
  /** Alex says something while the gateway is stopped. Resolves once the platform found nobody, or somebody took it. */
  sayUnheard(text: string): Promise<void>;
  /** What the bot shows in answer to something, message by message, in the platform's own markup. */
  shown(said: Said): Promise<readonly string[]>;
  /** What a person reads of it, without markup; a link that shows another text than its address as `text ⟨address⟩`. */
  plain(native: string): string;
  /** Longest message of the platform, in the unit of `sizeOf`; absent where there is no limit. */
  readonly limit?: { readonly size: number; sizeOf(text: string): number; readonly fence: RegExp };

  /** The platform delivers the newest event once more. Resolves once the core has it again. */
  redeliver?(): Promise<void>;
  /** Something of ours comes back, as platforms show a bot its own messages. Resolves when the platform is done. */
  echo?(said: Said): Promise<void>;
  /** Another bot speaks to ours, in answer to something. Resolves when the platform is done with it. */
  sayAsBot?(text: string, said: Said): Promise<void>;
  /** Alex changes what was said. */
  edit?(said: Said, text: string): Promise<void>;

  /** Whom a text of ours really notified, or would notify; the one it is for is not counted. */
  pings(): readonly string[] | Promise<readonly string[]>;
  /**
   * What went out, or changes what went out, without the guard the platform has on the wire against notifying people,
   * whatever its text says; and texts that count on that guard alone. Looked at after every clause.
   */
  unguarded(): readonly string[];

  /**
   * Who reads something the bot says in these words, each once. Where there is no word in private (`tellsEverybody`):
   * whom it names, so that it reaches them.
   */
  toldTo(words: string): Promise<readonly Reader[]>;

  /** The core keeps this request from now on, for a platform whose people are shown what it keeps. */
  keep?(card: Card): void;
  /** How people answer a card. */
  readonly cards?: Cards;

  /**
   * So much time passes that the platform by itself recognises no repetition any more, and takes no late word in an
   * answer; absent where it never does.
   */
  forget?(): void;

  /** The next thing sent meets this. */
  refuse?(how: { kind: 'rate-limited'; seconds: number } | { kind: 'permanent' }): Promise<void> | void;
  /** The platform drops the connection. Resolves when it is back, however that comes about. */
  drop?(): Promise<void>;
  /** Sends the gateway this many payloads that make no sense. Rejects when it asks for one of them again. */
  malformed(count: number): Promise<void>;

  /** Names and sizes of files the bot sent in answer to something. */
  files?(said: Said): Promise<readonly { name: string; content: string }[]>;

  close(): Promise<void>;
}

/** A card in answer to something that was said. */
export interface Cards {
  /** Whether it offers a choice, as people see it. */
  isOpen(said: Said): Promise<boolean>;
  /** Somebody says yes to it. Resolves with what they alone are told at once; undefined when nothing is. */
  approve(said: Said, who: 'dana' | 'eve'): Promise<string | undefined>;
  /** Dana says no to it, and why. */
  deny(said: Said, reason: string): Promise<void>;
  /** Whether the answer of a person comes as words that the core reads (a comment, a mail), instead of a press. */
  readonly inWords: boolean;
}

/** Clauses that a platform has no way to meet, each with the reason. */
export type Lacks = Partial<Record<Clause, string>>;

export type Clause =
  | 'redelivery'
  | 'acknowledgement'
  | 'echo'
  | 'bots'
  | 'loops'
  | 'edits'
  | 'splitting'
  | 'repetition'
  | 'progress'
  | 'links'
  | 'cards'
  | 'notice'
  | 'rate limit'
  | 'permanent error'
  | 'reconnect'
  | 'files';
