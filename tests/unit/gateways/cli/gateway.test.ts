import { once } from 'node:events';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setImmediate as soon } from 'node:timers/promises';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { CliGateway } from '../../../../gateways/cli/gateway.ts';
import { Terminal } from '../../../../gateways/cli/terminal.ts';
import type { Card } from '../../../../src/domain/card.ts';
import { AccountId, ConversationId } from '../../../../src/domain/ids.ts';
import {
  type Inbound,
  MAX_INLINE_BYTES,
  type OutboundBody,
  type Receipt,
} from '../../../../src/domain/message.ts';
import { createLogger } from '../../../../src/observability/logger.ts';
import { aCard } from '../../../support/cli-card.ts';
import { waitingText } from '../../../support/waiting-text.ts';

let input: PassThrough;
let output: PassThrough;
let gateway: CliGateway;
let received: Inbound[];
let cards: Card[];
let receipt: () => Promise<Receipt>;
/** The store cannot be read. */
let isAway: boolean;

beforeEach(async () => {
  [input, output, received, cards] = [new PassThrough(), new PassThrough(), [], []];
  receipt = async () => ({ kind: 'stored' });
  isAway = false;
  gateway = new CliGateway(
    { name: 'abc', account: AccountId.parse('cli:local'), displayName: 'Dana' },
    {
      terminal: new Terminal({ input, output }),
      agentName: 'Signalbox',
      cards: {
        answerable: async () => cards.filter(({ choices }) => choices.length > 0),
        find: async (id) => {
          if (isAway) throw new Error('away');
          return cards.find(({ approvalId }) => approvalId === id);
        },
      },
      clock: { now: () => 0 },
      log: createLogger({ level: 'silent' }),
    },
  );
  await gateway.start((inbound) => {
    received.push(inbound);
    return receipt();
  });
});

/** Resolves once the lines have been handled, with what was printed since. */
async function type(...lines: string[]): Promise<string> {
  for (const line of lines) {
    const read = once(input, 'data');
    input.write(`${line}\n`);
    await read;
  }
  await soon();
  return printed();
}

function printed(): string {
  return waitingText(output);
}

function send(id: string, body: OutboundBody) {
  const conversationId = ConversationId.parse('cli:local:abc');
  return gateway.send({ id, conversationId, to: gateway.directAddress(), body, attempt: 1 });
}

describe('the terminal as a gateway', () => {
  it('hands over what was typed, several lines as one where they are continued', async () => {
    await type('refund \\', 'order 7');

    expect(received).toMatchObject([{ kind: 'message', text: 'refund \norder 7' }]);
  });

  it('sends files along with what is typed next, and names those it cannot read', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'attach-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'my notes.txt'), 'sesame');
    await writeFile(join(folder, 'big.bin'), Buffer.alloc(MAX_INLINE_BYTES + 1));

    await type(`/attach ${folder}/my notes.txt`, `/attach ${folder}/big.bin`, `/attach ${folder}`, '/attach');
    await type(`/attach ${folder}/none`, 'look', 'and again');
    await gateway.stop();

    const base64 = Buffer.from('sesame').toString('base64');
    expect(received).toMatchObject([
      { text: 'look', attachments: [{ name: 'my notes.txt', bytes: 6, base64 }] },
      { text: 'and again' },
    ]);
    expect(received[1]).not.toHaveProperty('attachments');
    const text = printed();
    expect(text).toMatch(/my notes\.txt \(6 bytes\) goes along/);
    expect(text).toMatch(/big\.bin has 1000001 bytes; a message carries at most 1000000/);
    expect(text).toMatch(/is not a file/);
    expect(text).toMatch(/none cannot be read/);
    expect(text).toMatch(/Which file\?/);
  });

  it('saves what the agent sends where only this person can read it, and says where', async () => {
    const base64 = Buffer.from('7,120').toString('base64');
    const files = [
      { name: 'orders.csv', mediaType: 'text/csv', base64 },
      { name: '../../.bashrc\x1b[31m', mediaType: 'text/plain', base64 },
    ];

    await send('1', { kind: 'text', markdown: 'Here it is.', files });

    const paths = [...printed().matchAll(/Saved: (.+)/g)].map(([, path = '']) => path);
    onTestFinished(() => rm(dirname(paths[0]!), { recursive: true }));
    expect(paths.map((path) => basename(path))).toEqual(['orders.csv', 'bashrc[31m']);
    expect(new Set(paths.map((path) => dirname(path))).size).toBe(1);
    expect(await readFile(paths[0]!, 'utf8')).toBe('7,120');
    expect((await stat(paths[0]!)).mode & 0o077).toBe(0);
  });

  it('says so when what was typed could not be stored, and where to look before it is sent again', async () => {
    receipt = async () => Promise.reject(new Error('away'));

    expect(await type('hello')).toBe(
      'That was not stored, as far as I can tell. Look at /status before you send it again: what is under way all the same would be done twice.\n',
    );
    expect(gateway.isWaiting).toBe(false);
  });

  it('prints a message that is sent again only once', async () => {
    const [first, second] = [
      await send('reply:1', { kind: 'text', markdown: 'hi' }),
      await send('reply:1', { kind: 'text', markdown: 'hi' }),
    ];

    expect(second).toEqual(first);
    expect(printed()).toBe('Signalbox\n  hi\n\n');
  });

  it('knows what still waits for an answer, whatever comes in between', async () => {
    await type('one', 'two');
    const [, second] = received;

    await send(`delayed:${received[0]?.id}`, { kind: 'text', markdown: 'it takes longer' });
    await send(`reply:${second?.id}`, { kind: 'text', markdown: 'two' });
    const between = gateway.isWaiting;
    await send(`reply:${received[0]?.id}`, { kind: 'text', markdown: 'one' });

    expect([between, gateway.isWaiting]).toEqual([true, false]);
  });
});

describe('requests at the terminal', () => {
  it('are answered exactly as they were shown', async () => {
    cards = [aCard({ gen: 2, digest: 'as-shown' })];
    receipt = async () => ({ kind: 'answered', code: 'DECIDED', notice: 'Recorded.' });
    await gateway.showNews();
    printed();

    const said = await type('/deny never paid');

    expect(said).toBe('Recorded.\n');
    expect(received).toMatchObject([
      { kind: 'answer', choice: 'deny', text: 'never paid', gen: 2, digest: 'as-shown' },
    ]);
  });

  it('that were not shown yet are shown first, and nothing is decided', async () => {
    cards = [aCard()];

    const said = await type(`/approve ${aCard().approvalId}`);

    expect(said).toContain('│ refund: order 7, amount 120');
    expect(said).toContain('Nothing was decided');
    expect(received).toEqual([]);
  });

  it('have to be named when there are several', async () => {
    const other = aCard({ approvalId: 'apr_p1_zzzzzzzzzzzz' as Card['approvalId'] });
    cards = [aCard(), other];
    await gateway.showNews();
    printed();

    expect(await type('/approve')).toBe('Which one? Name its id.\n');
    expect(received).toEqual([]);
  });

  it('appear once, again when what is asked has changed, and with their end once they are approved', async () => {
    cards = [aCard()];
    receipt = async () => ({ kind: 'answered', code: 'DECIDED', notice: 'Recorded.' });
    await gateway.showNews();
    await gateway.showNews();
    const first = printed();
    cards = [aCard({ gen: 2 })];
    await gateway.showNews();
    const changed = printed();
    await type('/approve');
    cards = [aCard({ choices: [], status: { state: 'executing', sentence: 'Running.' } })];
    await gateway.showNews();
    const running = printed();
    cards = [aCard({ choices: [], status: { state: 'executed', sentence: 'Done.' } })];
    await gateway.showNews();
    const done = printed();
    await gateway.showNews();

    expect(first.match(/┌ Request/g)).toHaveLength(1);
    expect(changed).toContain('┌ Request');
    expect(running).toBe('');
    expect(done).toBe('  apr_p7_0123456789ab  refund: order 7, amount 120. Done.\n');
    expect(printed()).toBe('');
  });

  it('offer an answer only to those who are asked', async () => {
    receipt = async () => ({ kind: 'answered', code: 'NOT_ELIGIBLE', notice: 'You asked for it yourself.' });
    await send('card:1', { kind: 'card', card: aCard() });
    const shown = printed();

    const said = await type('/approve');

    expect(shown).not.toContain('/approve');
    expect(said).toBe('You asked for it yourself.\n');
    expect(await type('/approvals')).toBe('Nothing waits for your answer.\n');
  });

  it('are said to be settled when somebody else has settled them, and to be over when they are', async () => {
    cards = [aCard()];
    await gateway.showNews();
    printed();
    const news = async (state: Card['status']['state'], sentence: string) => {
      cards = [aCard({ choices: [], status: { state, sentence } })];
      await gateway.showNews();
      return printed();
    };

    expect(await news('executing', 'Approved by Mo on Slack. It is running now.')).toBe(
      '  apr_p7_0123456789ab  refund: order 7, amount 120. Approved by Mo on Slack. It is running now.\n',
    );
    expect(await news('executed', 'Approved by Mo on Slack. Done.')).toMatch(/Slack\. Done\.\n$/);
    expect(await news('executed', 'Approved by Mo on Slack. Done.')).toBe('');
    expect(await type('/approve')).toMatch(/^No open request is on screen/);
  });

  it('tell who answers too late so, once, and are open no longer', async () => {
    cards = [aCard()];
    await gateway.showNews();
    printed();
    cards = [aCard({ choices: [], status: { state: 'expired', sentence: 'Expired.' } })];
    receipt = async () => ({
      kind: 'answered',
      code: 'LATE',
      notice: 'Your answer came after the deadline.',
    });

    const said = await type('/approve');
    await gateway.showNews();

    expect(said).toBe('Your answer came after the deadline.\n');
    expect(printed()).toBe('');
    expect(await type('/approve')).toMatch(/^No open request is on screen/);
  });

  it('are shown anew when they have changed before they were answered', async () => {
    cards = [aCard()];
    await gateway.showNews();
    printed();
    cards = [aCard({ gen: 2, title: 'refund: order 7, amount 40' })];
    receipt = async () => ({ kind: 'answered', code: 'STALE_CARD', notice: 'It has changed.' });

    const said = await type('/approve');
    await type('/approve');

    expect(said).toMatch(/^It has changed\.\n┌ Request[\s\S]*amount 40[\s\S]*\/approve/);
    expect(received).toMatchObject([{ gen: 1 }, { gen: 2 }]);
  });

  it('are answered by their ticket only as it was shown', async () => {
    cards = [aCard()];
    await gateway.showNews();
    printed();

    const other = await type(`/approve ${aCard().approvalId}.2`);
    await type(`/approve ${aCard().approvalId}.1`);

    expect(other).toContain('Nothing was decided');
    expect(received).toMatchObject([{ kind: 'answer', gen: 1 }]);
  });

  it('are answered even if they cannot be read afterwards', async () => {
    cards = [aCard()];
    await gateway.showNews();
    printed();
    receipt = async () => {
      isAway = true;
      return { kind: 'answered', code: 'DECIDED', notice: 'Recorded.' };
    };

    expect(await type('/approve')).toBe('Recorded.\n');
  });

  it('that are over already are not asked about again', async () => {
    cards = [aCard({ choices: [], status: { state: 'denied', sentence: 'Denied by Mo.' } })];

    const said = await type(`/approve ${aCard().approvalId}`);

    expect(said).toContain('Denied by Mo.');
    expect(said).not.toContain('say it again');
    expect(received).toEqual([]);
  });

  it('of their own conversation are shown to the one who asked, with their outcome in one line', async () => {
    await send('card:1', { kind: 'card', card: aCard() });
    const asked = printed();
    const settled = aCard({ choices: [], status: { state: 'denied', sentence: 'Denied by Dana.' } });
    await send('card:2', { kind: 'card', card: settled, replaces: 'card:1' });

    expect(asked).toContain('┌ Request');
    expect(asked).not.toContain('/approve');
    expect(printed()).toBe('  apr_p7_0123456789ab  refund: order 7, amount 120. Denied by Dana.\n');
  });
});
