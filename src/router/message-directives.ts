/**
 * The words with a slash at the beginning of a message that say how it is to be handled: `/think`, `/minimal`. Pure.
 *
 * Where a platform keeps the slash for itself, `!think` says the same. Commands are something else: they are answered
 * by the gateway (`directive-desk`) and looked for first, behind these words as well (`opening`).
 *
 * Invariants
 *   1. Only the leading run counts, word by word: `/full/path`, `/fuller` and whatever stands behind a text are text.
 *      A mark that ends a word in writing belongs to it, `/minimal, …`, and so does what nobody sees: whoever asks for
 *      less does not get all. What asks for more is taken by the letter.
 *   2. What follows the run is left as it was written, with its line breaks and the indentation of its first line.
 *   3. Of two that contradict each other the last counts, and the other is named in `overridden`. The order of those
 *      that do not changes nothing.
 */
import type { MessageDirective, MessageDirectives, PromptMode, ToolProfile } from '../domain/directive.ts';

export interface ReadMessage {
  readonly directives: MessageDirectives;
  /** Behind them. */
  readonly text: string;
}

/** What a message begins with, and what is left of it; undefined when it begins with no directive. */
export function readMessageDirectives(written: string): ReadMessage | undefined {
  const words: Word[] = [];
  let rest = written;
  for (;;) {
    const [run, sign = '', name = '', mark = ''] = LEADING.exec(rest) ?? [];
    const word = toWord(name);
    if (run === undefined || word === undefined) break;
    if (!(PLAIN_SIGN.test(sign) && mark === '') && ASKS_FOR_MORE.has(word.name)) break;
    words.push(word);
    rest = rest.slice(run.length);
  }
  if (words.length === 0) return undefined;
  return { directives: toDirectives(words), text: afterGap(rest) };
}

/** What follows a word in front of a message, as it was written. */
export function afterGap(text: string): string {
  return text.replace(GAP, '');
}

/** What a message with these directives has, and what is left out of it, for people. In markdown. */
export function directivesText(directives: MessageDirectives): string {
  const effects = [
    ...directives.asked.map((word) => `- \`/${word}\`: ${ASKED[word]}`),
    ...(directives.profile ? [`- ${PROFILED[directives.profile]}`] : []),
    ...(directives.mode ? [`- ${MODED[directives.mode]}`] : []),
  ];
  const conflict = conflictText(directives);
  return [
    'That is how a message would be handled, and there is no message behind it: I did nothing. In front of one it means:',
    effects.join('\n'),
    ...(conflict === undefined ? [] : [conflict]),
    'It holds for that one message. `/help` lists all of these words.',
  ].join('\n\n');
}

/** That one took the place of another; undefined when none did. In markdown. */
export function conflictText({ overridden, profile, mode }: MessageDirectives): string | undefined {
  if (overridden.length === 0) return undefined;
  const words = overridden.map((word) => `\`${word}\``).join(' and ');
  const counts = [
    ...(profile ? [`the tools of the profile ${profile}`] : []),
    ...(mode ? [`the instructions ${mode}`] : []),
  ];
  return `${words} gave way to what you wrote after ${overridden.length === 1 ? 'it' : 'them'}: for this message ${counts.join(' and ')} count.`;
}

/** For `/help`. In markdown. */
export const DIRECTIVES_HELP = `**In front of a message**, for that message alone; several may stand one behind the other:

- \`/think\`: think longer before answering
- \`/verbose\`: tell more; \`/reasoning\`: show how the answer was found
- \`/minimal\`, \`/coding\`, \`/messaging\`, \`/full\`: with the tools of that profile, as far as you may have them
- \`/quiet\`, \`/silent\`: with few instructions, or with none but those that keep people safe
- \`/elevated\`: with what is kept back otherwise, if you may, or once somebody who may has said yes`;

const ASKED: Readonly<Record<MessageDirective, string>> = {
  think: 'I think longer before I answer.',
  verbose: 'I tell more of it.',
  reasoning: 'I show how I found the answer.',
  elevated:
    'I have what is kept back otherwise. If you may not lift that yourself, somebody is asked first, and until they say yes I do nothing.',
};

const PROFILED: Readonly<Record<ToolProfile, string>> = {
  minimal: 'I have the profile `minimal`: no files, no databases, nothing that reaches out.',
  coding: 'I have the profile `coding`: files and databases.',
  messaging: 'I have the profile `messaging`: messages and the web.',
  full: 'I have the profile `full`: every tool you may have.',
};

const MODED: Readonly<Record<PromptMode, string>> = {
  full: 'I get all my instructions.',
  minimal: 'I get few instructions.',
  none: 'I get no instructions but those that keep people safe.',
};

/** One word of the run, with what it sets. */
type Word =
  | { readonly kind: 'asked'; readonly name: MessageDirective }
  | { readonly kind: 'profile'; readonly name: ToolProfile }
  | { readonly kind: 'mode'; readonly name: 'quiet' | 'silent'; readonly mode: PromptMode };

const WORDS: readonly Word[] = [
  { kind: 'asked', name: 'think' },
  { kind: 'asked', name: 'verbose' },
  { kind: 'asked', name: 'reasoning' },
  { kind: 'asked', name: 'elevated' },
  { kind: 'profile', name: 'minimal' },
  { kind: 'profile', name: 'coding' },
  { kind: 'profile', name: 'messaging' },
  { kind: 'profile', name: 'full' },
  { kind: 'mode', name: 'quiet', mode: 'minimal' },
  { kind: 'mode', name: 'silent', mode: 'none' },
];

/**
 * With what stands before it and the marks behind it, also those nobody sees and those of wide keyboards. A point within a
 * word is part of a name: `/minimal.md`.
 */
const LEADING = /^([\s\p{Cf}]*[/!／！])([A-Za-z]+)([\p{Cf},:;.!…，。！]*)(?=\s|$)/u;

const PLAIN_SIGN = /^\s*[/!]$/;

const ASKS_FOR_MORE: ReadonlySet<Word['name']> = new Set(['full', 'elevated']);

/** What parts the run from the text: spaces, or the end of its line and empty lines, but no indentation. */
const GAP = /^[^\S\r\n]*(?:(?:\r\n|\n|\r)(?:[^\S\r\n]*(?:\r\n|\n|\r))*)?/;

function toWord(name: string): Word | undefined {
  return WORDS.find((word) => word.name === name.toLowerCase());
}

function toDirectives(words: readonly Word[]): MessageDirectives {
  const profile = words.findLast((word) => word.kind === 'profile');
  // `/minimal` is a mode, too; one that gave way to another profile is nothing any more.
  const modes = words.flatMap((word): { readonly name: Word['name']; readonly mode: PromptMode }[] => {
    if (word.kind === 'mode') return [word];
    const isBoth = word.name === 'minimal' && profile?.name === 'minimal';
    return isBoth ? [{ name: word.name, mode: 'minimal' }] : [];
  });
  const mode = modes.at(-1)?.mode;
  const lost = words.filter(
    (word) =>
      (word.kind === 'profile' && word.name !== profile?.name) ||
      modes.some((each) => each.name === word.name && each.mode !== mode),
  );
  return {
    asked: ORDER.filter((name) => words.some((word) => word.name === name)),
    ...(mode === undefined ? {} : { mode }),
    ...(profile === undefined ? {} : { profile: profile.name }),
    overridden: [...new Set(lost.map(({ name }) => `/${name}`))],
  };
}

const ORDER: readonly MessageDirective[] = ['think', 'verbose', 'reasoning', 'elevated'];
