/**
 * Words of ours that begin a message, as they are named in what goes out: `/approve apr_…`, in code in line. Pure.
 *
 * A platform that keeps the slash to itself shows each of them as it can be typed there; the core takes `!` for `/`.
 * Nobody tells a gateway which of a text's words are the core's and which the agent's, so a word in code that could be
 * nothing but one of these is taken for one, whoever wrote it. That a word is missing here, or one too many, shows in
 * `tests/contracts/command-words.test.ts`.
 */

/** The core knows them behind a slash. */
const COMMAND_WORDS: ReadonlySet<string> = new Set([
  'ack',
  'always',
  'answer',
  'approvals',
  'approve',
  'ask',
  'cancel',
  'confirm',
  'delegate',
  'deny',
  'did-not-happen',
  'edit',
  'escalate',
  'escalations',
  'grants',
  'handback',
  'happened',
  'help',
  'human',
  'link',
  'memory',
  'new',
  'pair',
  'question',
  'reassign',
  'release',
  'reopen',
  'reply',
  'resolve',
  'retry',
  'say',
  'snooze',
  'status',
  'stop',
  'takeover',
  'undo',
  'unlink',
  'withdraw',
]);

/** They say how the message behind them is to be handled. */
const MESSAGE_WORDS: ReadonlySet<string> = new Set([
  'coding',
  'elevated',
  'full',
  'messaging',
  'minimal',
  'quiet',
  'reasoning',
  'silent',
  'think',
  'verbose',
]);

export interface CommandWords {
  /** Without the slash. */
  readonly word: string;
  /** What follows it. */
  readonly rest: string;
}

/** What is in a piece of code in line, when it is one of these and nothing else. */
export function commandIn(code: string): CommandWords | undefined {
  const [, word = '', rest = ''] = /^\/([a-z-]+)(?:\s+(\S[\s\S]*))?$/.exec(code) ?? [];
  return isCommandWord(word) || MESSAGE_WORDS.has(word) ? { word, rest } : undefined;
}

export function isCommandWord(word: string): boolean {
  return COMMAND_WORDS.has(word);
}

/**
 * The piece of code, typed where only some words have a slash.
 *
 * @param hasSlash whether this one, with what follows it, can be typed behind a slash
 */
export function typedWords(code: string, hasSlash: (words: CommandWords) => boolean = () => false): string {
  const words = commandIn(code);
  return words === undefined || hasSlash(words) ? code : `!${code.slice(1)}`;
}
