/**
 * Whom a message would notify. Pure.
 *
 * Counts generously: what Slack may notify counts as a ping, so that a test that sees none can rely on it.
 */

export interface Ping {
  /** `channel`, `here`, `everyone`, a user id, or a user group id. */
  readonly target: string;
  readonly how: 'markup' | 'link_names' | 'automatic' | 'rich_text';
}

export interface PingSources {
  readonly text: string;
  readonly blocks: readonly unknown[];
  /** `link_names` or `parse: full`: Slack then turns plain `@channel` and `@name` in the text into mentions. */
  readonly linkNames: boolean;
}

const MARKUP =
  /<!(channel|here|everyone)(?:\|[^>]*)?>|<!subteam\^(S\w+)(?:\|[^>]*)?>|<@([UW]\w+)(?:\|[^>]*)?>/g;
const NAMES = /(?<![\w@])@(channel|here|everyone)\b/g;

export function pingsOf({ text, blocks, linkNames }: PingSources): Ping[] {
  return [
    ...markupIn(text),
    ...(linkNames ? namesIn(text, 'link_names') : []),
    ...blocks.flatMap(pingsInNode),
  ];
}

function pingsInNode(node: unknown): Ping[] {
  if (Array.isArray(node)) return node.flatMap(pingsInNode);
  if (typeof node !== 'object' || node === null) return [];

  // A node of a block is a plain JSON object; every field read below is checked before use.
  const part = node as Record<string, unknown>;
  const own = typeof part.text === 'string' ? pingsInText(part, part.text) : [];
  return [...own, ...richTextPing(part), ...Object.values(part).flatMap(pingsInNode)];
}

function pingsInText(part: Record<string, unknown>, text: string): Ping[] {
  switch (part.type) {
    case 'mrkdwn':
      // Without `verbatim` Slack also looks for mentions in plain words (docs.slack.dev, text object).
      return [...markupIn(text), ...(part.verbatim === true ? [] : namesIn(text, 'automatic'))];
    case 'markdown':
      return markupIn(text);
    default:
      return [];
  }
}

function richTextPing(part: Record<string, unknown>): Ping[] {
  const target = { user: part.user_id, broadcast: part.range, usergroup: part.usergroup_id }[
    String(part.type)
  ];
  return typeof target === 'string' ? [{ target, how: 'rich_text' }] : [];
}

function markupIn(text: string): Ping[] {
  return [...text.matchAll(MARKUP)].map(([, range, group, user]) => ({
    target: range ?? group ?? user ?? '',
    how: 'markup',
  }));
}

function namesIn(text: string, how: 'link_names' | 'automatic'): Ping[] {
  return [...text.matchAll(NAMES)].map(([, target = '']) => ({ target, how }));
}
