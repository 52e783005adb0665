/**
 * What reads a text before anything says how long it may be comes to an end with whatever there is many times in it: what
 * grows with the square of that would stop everybody else for hours.
 */
import { describe, expect, it } from 'vitest';
import { fromDiscordMarkdown } from '../../gateways/discord/discord-markdown.ts';
import { escapeWiki, fromWiki, mentions } from '../../gateways/jira/wiki.ts';
import { Seal } from '../../gateways/seal.ts';
import { toCommandMessage } from '../../gateways/slack/commands.ts';
import { fromMrkdwn } from '../../gateways/slack/mrkdwn.ts';
import { quotesInNote, readingOf } from '../../src/agent/provenance.ts';
import { isStatementIn } from '../../src/agent/statement.ts';
import { changesIn } from '../../src/approvals/answer-form.ts';
import { nearMissIn } from '../../src/approvals/near-miss.ts';
import { hideReplySecrets, parseBatchReply, parseTicketReply } from '../../src/approvals/reply-parser.ts';
import { toFileName } from '../../src/domain/file-name.ts';
import { PersonId } from '../../src/domain/ids.ts';
import { hideCodes } from '../../src/identity/link-code.ts';
import { readOpening } from '../../src/router/opening.ts';

const CHARS = 1_000_000;

/** Between words, so that neither end is one of theirs. */
function many(unit: string): string {
  return `x${unit.repeat(CHARS / unit.length)}x`;
}

function isTyped(text: string): boolean {
  const from = { person: PersonId.parse('alex'), name: 'Alex' };
  const said = { kind: 'user' as const, from, text, at: '2026-01-01T00:00:00Z' };
  return readingOf([said]).isTyped('https://shop.test/7');
}

function slackCommand(text: string): unknown {
  const of = { team_id: 'T1', channel_id: 'C1', user_id: 'U1', user_name: 'alex' };
  const typed = { ...of, trigger_id: '1', command: '/signalbox', text, response_url: undefined };
  const seal = new Seal('a secret', 'a test');
  return toCommandMessage(typed, { teamId: 'T1', userId: 'U1', botId: 'B1' }, { seal, nowMs: 0 });
}

const MARKS = ['`', '[', '{', '<', '"', '*', '> ', '\r', ' ', '!', '. ', 'a-', '“', '. \r'];

describe('a text of a million characters', () => {
  it.each<[string, (text: string) => unknown, readonly string[]]>([
    ['a quotation', quotesInNote, MARKS],
    ['a command', readOpening, [...MARKS, '/ask ', '!new ', '/stop ', '/help, ']],
    ['a command with something in front', (text) => readOpening(`/new ${text}`), MARKS],
    ['an answer', parseTicketReply, MARKS],
    ['an answer in code', (text) => parseTicketReply(text.replaceAll('x', '`')), ['`', '``a', ' `']],
    ['an answer to several', (text) => parseBatchReply(`approve ${text}`), MARKS],
    ['what was meant for an answer', nearMissIn, [...MARKS, "'", '_', ')']],
    ['what lets somebody answer', hideReplySecrets, MARKS],
    ['a code of an account', hideCodes, MARKS],
    ['a statement', (text) => isStatementIn('tea is at four', text), MARKS],
    ['an address that was typed', isTyped, ['.', '…', '“', '!', '/', '. ']],
    ['the lines of a form', (text) => changesIn({ arguments: text }, {}), [' ', 'a ', '=', 'a=\n', '\n']],
    ['the name of a file', toFileName, ['.', ' .', '_', ' ']],
    ['the markup of Slack', fromMrkdwn, MARKS],
    ['a command of Slack', slackCommand, MARKS],
    ['the markdown of Discord', (text) => fromDiscordMarkdown(text, { users: new Map() }), MARKS],
    ['the markup of Jira', fromWiki, MARKS.filter((unit) => !unit.includes('\r'))],
    ['macros of Jira', fromWiki, ['{{', '{code:', '{code:a}', '{color:', '{quote:']],
    ['links and lines of Jira', fromWiki, [' -a', '[a', '\\[', '|[', '||']],
    ['a mention in Jira', (text) => mentions(text, ['a']), ['{code:', '{code:a}', '{noformat', '[~']],
    ['what is to be shown in Jira', escapeWiki, ['\n', ' ', '[', '\n ']],
  ])('is read to its end: %s', (_what, read, units) => {
    const ends = units.map((unit) => typeof read(many(unit)));

    expect(ends).toHaveLength(units.length);
  });
});
