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

/** The account that is to be told by a mention. */
export function toldBy({ to, body }: OutboundMessage): string | undefined {
  return body.kind === 'notice' ? body.onlyFor.slice('jira:'.length) : to.route.mention;
}

/**
 * `mention`: how the account of `toldBy` is written in a mention.
 *
 * @throws {UndeliverableError} for an address that is none of ours
 */
export function toOutgoing({ to, body }: OutboundMessage, mention: string | undefined): Outgoing {
  const parsed = JiraRoute.safeParse(to.route);
  if (!parsed.success) throw new UndeliverableError('jira', 'the address is not one of Jira');
  const route = parsed.data;
  switch (body.kind) {
    case 'text': {
      const files = body.files ?? [];
      const isForSome = route.visibilityType !== undefined || route.internal !== undefined;
      // A file on an issue is seen by everybody who sees the issue, so an answer for some carries its text instead.
      const inline = isForSome ? files : [];
      const bodies = withMention(toWiki(body.markdown), mention);
      return {
        route,
        bodies: [...bodies, ...inline.flatMap(toInline)],
        files: isForSome ? [] : files,
      };
    }
    case 'card':
      return {
        route,
        bodies: toCardComments(body.card, mention),
        files: [],
      };
    case 'notice':
      return {
        route,
        bodies: withMention(toWiki(body.markdown), mention),
        files: [],
      };
    default:
      return body satisfies never;
  }
}

function withMention([first = '', ...rest]: readonly string[], account: string | undefined): string[] {
  return account === undefined
    ? [first, ...rest]
    : [...packWiki([wikiParagraph(`${mentionOf(account)} ${first}`)]), ...rest];
}

/** A text file as code under its name; of another one only the name can be told. Either way it is said why. */
function toInline({ name, mediaType, base64 }: OutFile): string[] {
  const title = wikiParagraph(`*${toWiki(`\`${name}\``)[0] ?? name}*`);
  const leftOut = (why: string) => packWiki([title, wikiParagraph(`(${why} ${NOT_ATTACHED})`)]);
  if (!/^text\/|json|xml|yaml|csv/.test(mediaType)) return leftOut('This file is left out.');
  const text = Buffer.from(base64, 'base64').toString('utf8');
  if (text.length > MAX_INLINE_CHARS) return leftOut('This file is too long to be shown here, and left out.');
  const explained = wikiParagraph(`(Shown as text. ${NOT_ATTACHED})`);
  return packWiki([title, explained, { kind: 'code', text: inertCode(text), gap: '\n' }]);
}
