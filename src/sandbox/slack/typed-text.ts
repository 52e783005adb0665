/** What a person types, as Slack stores and delivers it. Pure. */
import { BOT, PEOPLE } from '../people.ts';
import type { Block } from './block-rules.ts';

const MARKUP = /(<@[UW]\w+>|<#C\w+(?:\|[^>]*)?>|<![a-z]+(?:\|[^>]*)?>|<https?:\/\/[^>]+>)/;
const NAME = /(?<![\w@])@(\w+)/g;

/** `&`, `<` and `>` escaped; `@signalbox`, `@alex` and the others made mentions; Slack's own markup left alone. */
export function toSlackText(typed: string): string {
  return typed
    .split(MARKUP)
    .map((part, index) => (index % 2 === 1 ? part : mentioned(escaped(part))))
    .join('');
}

/** The `rich_text` block Slack's editor makes of what was typed. */
export function toRichText(text: string): Block {
  const elements = text
    .split(/(<@[UW]\w+>)/)
    .filter((part) => part !== '')
    .map((part) => {
      const user = /^<@([UW]\w+)>$/.exec(part)?.[1];
      return user === undefined ? { type: 'text', text: unescaped(part) } : { type: 'user', user_id: user };
    });
  return { type: 'rich_text', elements: [{ type: 'rich_text_section', elements }] };
}

function mentioned(text: string): string {
  return text.replaceAll(NAME, (typed, name: string) => {
    const user = USERS_BY_HANDLE.get(name.toLowerCase());
    return user === undefined ? typed : `<@${user}>`;
  });
}

const USERS_BY_HANDLE: ReadonlyMap<string, string> = new Map([
  [BOT.name, BOT.user],
  ...PEOPLE.map(({ firstName, slackUser }) => [firstName.toLowerCase(), slackUser] as const),
]);

function escaped(text: string): string {
  return text
    .replaceAll(/&(?!amp;|lt;|gt;)/g, '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;');
}

function unescaped(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
