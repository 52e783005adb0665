import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type CliSession,
  COMMANDS,
  completionsOf,
  parseLine,
  platformOfSession,
  toInboundAnswer,
  toInboundMessage,
} from '../../../../gateways/cli/inbound.ts';
import { AccountId } from '../../../../src/domain/ids.ts';
import { Inbound } from '../../../../src/domain/message.ts';
import { COMMANDS_HELP } from '../../../../src/router/directive-desk.ts';
import { DIRECTIVES_HELP } from '../../../../src/router/message-directives.ts';
import { readOpening } from '../../../../src/router/opening.ts';
import { aCard } from '../../../support/cli-card.ts';

const SESSION: CliSession = {
  name: 'abc123',
  account: AccountId.parse('cli:local'),
  displayName: 'Dana Reyes',
};
const ID = 'apr_p7_0123456789ab';

describe('what was typed', () => {
  it('goes to the agent unless it begins with a command', () => {
    expect(parseLine('  refund order 7 ')).toEqual({ kind: 'say', text: 'refund order 7' });
    expect(parseLine('/etc/passwd is missing')).toEqual({ kind: 'say', text: '/etc/passwd is missing' });
    expect(parseLine('1/2 of it')).toEqual({ kind: 'say', text: '1/2 of it' });
    expect(parseLine('   ')).toEqual({ kind: 'nothing' });
  });

  it('is an answer with or without the id of a request', () => {
    expect(parseLine(`/approve ${ID}`)).toEqual({
      kind: 'answer',
      choice: 'approve',
      approvalId: ID,
      text: undefined,
    });
    expect(parseLine(`/deny ${ID} never paid`)).toMatchObject({
      choice: 'deny',
      approvalId: ID,
      text: 'never paid',
    });
    expect(parseLine('/deny never paid')).toMatchObject({ approvalId: undefined, text: 'never paid' });
    expect(parseLine('/answer on Monday')).toMatchObject({ choice: 'answer', text: 'on Monday' });
  });

  it('names a request by the ticket other channels show, too, and then what of it was shown', () => {
    expect(parseLine(`/deny ${ID}.3 too much`)).toMatchObject({ approvalId: ID, gen: 3, text: 'too much' });
    expect(parseLine(`/approve ${ID}`)).toMatchObject({ approvalId: ID, gen: undefined });
    expect(parseLine(`/approve ${ID}.x`)).toMatchObject({ kind: 'mistake' });
  });

  it('decides nothing when it can be read in two ways', () => {
    expect(parseLine('/approve but only half')).toMatchObject({ kind: 'mistake' });
    expect(parseLine('/approve apr_nonsense')).toEqual({
      kind: 'mistake',
      sentence: 'apr_nonsense is not the id of a request.',
    });
    expect(parseLine(`/answer ${ID}`)).toMatchObject({ kind: 'mistake' });
  });

  it('OB-010 is a command of the terminal only where it stands alone: nothing behind one is dropped in silence', () => {
    for (const alone of ['help', 'approvals', 'quit', 'exit']) {
      const kind = alone === 'exit' ? 'quit' : alone;
      expect(parseLine(` /${alone.toUpperCase()} `)).toEqual({ kind });
    }
    for (const typed of ['/help /new', '/Help\n/new', '/approvals /stop', '/help what I can do']) {
      expect(parseLine(typed)).toEqual({ kind: 'say', text: typed });
    }
    for (const typed of ['/help /new', '/Help\n/new', '/approvals /stop']) {
      expect(readOpening(typed)).toEqual({ kind: 'several' });
    }
    for (const typed of ['/quit /stop', '/exit please', '/QUIT\n/new']) {
      expect(parseLine(typed)).toMatchObject({ kind: 'mistake', sentence: expect.stringContaining('alone') });
    }
  });

  it('OB-010 is read with a mark behind it as without, but for what decides', () => {
    expect(parseLine('/quit.')).toEqual({ kind: 'quit' });
    expect(parseLine('/Help!')).toEqual({ kind: 'help' });
    expect(parseLine('/thnk, why?')).toMatchObject({ sentence: 'There is no /thnk. Did you mean /think?' });
    for (const typed of ['/minimal, show OPS-2', '/stop, please', '/full, go', '/human: I am lost']) {
      expect(parseLine(typed)).toEqual({ kind: 'say', text: typed });
    }
    for (const typed of [
      '/approve,',
      `/approve, ${ID} ${ID}`,
      '/deny: too much',
      '/attach: x',
      `/undo, ${ID}`,
      `/edit: ${ID} amount=1`,
    ]) {
      expect(parseLine(typed)).toMatchObject({
        kind: 'mistake',
        sentence: expect.stringContaining('only without'),
      });
    }
    expect(parseLine('/home/alex, please')).toMatchObject({ kind: 'say' });
  });

  it('gets the nearest command named when there is none like it', () => {
    expect(parseLine('/aprove')).toEqual({
      kind: 'mistake',
      sentence: 'There is no /aprove. Did you mean /approve?',
    });
    expect(parseLine('/teleport')).toEqual({
      kind: 'mistake',
      sentence: 'There is no /teleport. /help lists them.',
    });
  });

  it('OB-010 is handed on as it is typed when the core reads it, whatever stands behind it', () => {
    const words = [...`${COMMANDS_HELP}\n${DIRECTIVES_HELP}`.matchAll(/`(\/[a-z]+)/g)].flatMap(
      ([, word]) => word ?? [],
    );
    const own = COMMANDS.map((each) => each as string);

    expect(words.length).toBeGreaterThan(30);
    for (const word of words.filter((each) => !own.includes(each))) {
      const typed = `${word} why does it fail?`;
      expect(parseLine(typed), word).toEqual({ kind: 'say', text: typed });
      expect(completionsOf(word, []), word).toContain(word);
    }
    for (const word of ['/new', '/stop', '/status', '/memory']) expect(words).toContain(word);
  });

  it('gets the nearest word of the core named, too', () => {
    expect(parseLine('/thnk')).toMatchObject({ sentence: 'There is no /thnk. Did you mean /think?' });
  });

  it('OM-188 is never too strange to be read', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: 'binary' }),
          fc.string().map((text) => `/${text}`),
        ),
        (line) => {
          expect(() => parseLine(line)).not.toThrow();
        },
      ),
      { numRuns: 1_000 },
    );
  });
});

describe('for the core', () => {
  it('is a message of the account, to be answered in this terminal only', () => {
    const message = toInboundMessage(SESSION, { text: 'hello', attachments: [] }, 'key-1', 0);

    expect(Inbound.parse(message)).toEqual(message);
    expect(message).toMatchObject({
      id: 'cli:abc123:key-1',
      conversationId: 'cli:local:abc123',
      sender: { account: 'cli:local', authenticated: true, automatic: false },
      replyTo: { platform: 'cli-abc123', route: { session: 'abc123' } },
    });
  });

  it('is an answer to exactly what the card showed', () => {
    const answer = toInboundAnswer(
      SESSION,
      aCard({ gen: 3, digest: 'd3' }),
      { choice: 'deny', text: 'no' },
      'key-2',
    );

    expect(Inbound.parse(answer)).toEqual(answer);
    expect(answer).toMatchObject({ gen: 3, digest: 'd3', choice: 'deny', text: 'no' });
  });

  it('names a platform for every session there can be', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9]{1,20}$/), (name) => {
        expect(platformOfSession(name)).toBe(`cli-${name}`);
      }),
    );
  });
});

describe('the Tab key', () => {
  it('offers commands, and then the requests on screen', () => {
    expect(completionsOf('/ap', [])).toEqual(['/approvals', '/approve']);
    expect(completionsOf('/thi', [])).toEqual(['/think']);
    expect(completionsOf('/deny a', [ID])).toEqual([`/deny ${ID} `]);
    expect(completionsOf('hello', [ID])).toEqual([]);
  });
});
