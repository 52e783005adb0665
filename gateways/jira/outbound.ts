/** What goes out, as comments. Pure. */
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { OutboundMessage, OutFile } from '../../src/domain/message.ts';
import { toCardComments } from './card.ts';
import { JiraRoute } from './schema.ts';
import { inertCode, mentionOf, packWiki, toWiki, wikiParagraph } from './wiki.ts';

/** Longest text of a file that is written into comments, in characters; two of them. */
const MAX_INLINE_CHARS = 60_000;

const NOT_ATTACHED =
  'I do not attach it: a file on an issue can be opened by everybody who sees the issue, and this talk is for some of them only.';

export interface Outgoing {
  readonly route: JiraRoute;
  /** Comments in order; with `replaces` the last one takes the place of that comment. */
  readonly bodies: readonly string[];
  /** To be put on the issue: their names alone are in the text. */
  readonly files: readonly OutFile[];
}

/** Whom a message tells by a mention. */
export interface Told {
  /** The account it is for. */
  readonly account: string | undefined;
  /** Accounts that are to know of it, though it is for everybody. */
  readonly others: readonly string[];
}

export function toldBy({ to, body }: OutboundMessage): Told {
  const { mention, named = '' } = to.route;
  switch (body.kind) {
    case 'notice':
      return { account: body.onlyFor.slice('jira:'.length), others: [] };
    case 'card':
      // Once there is nothing left to decide, nobody is called to it.
      if (body.card.choices.length === 0) return { account: undefined, others: [] };
      break;
    case 'text':
      break;
    default:
      return body satisfies never;
  }
  return { account: mention, others: named.split(',').filter((each) => each !== '') };
}

/**
 * `mentions`: how the accounts of `toldBy` are written in a mention.
 *
 * @throws {UndeliverableError} for an address that is none of ours
 */
export function toOutgoing({ to, body }: OutboundMessage, mentions: readonly string[]): Outgoing {
  const parsed = JiraRoute.safeParse(to.route);
  if (!parsed.success) throw new UndeliverableError('jira', 'the address is not one of Jira');
  const route = parsed.data;
  switch (body.kind) {
    case 'text': {
      const files = body.files ?? [];
      // A file on an issue is seen by everybody who sees the issue, so an answer for some carries its text instead.
      const inline = isForSome(route) ? files : [];
      const bodies = withMentions(toWiki(body.markdown), mentions);
      return {
        route,
        bodies: [...bodies, ...inline.flatMap(toInline)],
        files: isForSome(route) ? [] : files,
      };
    }
    case 'card':
      return {
        route,
        bodies: toCardComments(body.card, mentions),
        files: [],
      };
    case 'notice': {
      const words = isForSome(route) ? body.markdown : (body.openly ?? body.markdown);
      return { route, bodies: withMentions(toWiki(words), mentions), files: [] };
    }
    default:
      return body satisfies never;
  }
}

/** Whether only some of those who see the issue read it. */
function isForSome({ visibilityType, internal }: JiraRoute): boolean {
  return visibilityType !== undefined || internal !== undefined;
}

function withMentions([first = '', ...rest]: readonly string[], mentions: readonly string[]): string[] {
  return mentions.length === 0
    ? [first, ...rest]
    : [...packWiki([wikiParagraph(`${mentions.map(mentionOf).join(' ')} ${first}`)]), ...rest];
}

/** Not `openxmlformats`, which are archives. */
const IS_TEXT = /^text\/|[/+](?:json|xml|ya?ml|csv)\s*(?:;|$)/;

/** A text file as code under its name; of another one only the name can be told. Either way it is said why. */
function toInline({ name, mediaType, base64 }: OutFile): string[] {
  const title = wikiParagraph(`*${toWiki(`\`${name}\``)[0] ?? name}*`);
  const leftOut = (why: string) => packWiki([title, wikiParagraph(`(${why} ${NOT_ATTACHED})`)]);
  if (!IS_TEXT.test(mediaType)) return leftOut('This file is left out.');
  const text = Buffer.from(base64, 'base64').toString('utf8');
  if (text.length > MAX_INLINE_CHARS) return leftOut('This file is too long to be shown here, and left out.');
  const explained = wikiParagraph(`(Shown as text. ${NOT_ATTACHED})`);
  return packWiki([title, explained, { kind: 'code', text: inertCode(text), gap: '\n' }]);
}
