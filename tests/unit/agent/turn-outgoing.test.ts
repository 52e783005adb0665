/** What a turn lets out once strangers were read: in its answer, in files, in words while it is written. */
import { describe, expect, it } from 'vitest';
import { runTurn, type TurnProgress } from '../../../src/agent/turn.ts';
import { createFileTools } from '../../../src/delivery/file-tools.ts';
import { createMessageTools } from '../../../src/delivery/message-tools.ts';
import { Platform } from '../../../src/domain/ids.ts';
import type { Entry } from '../../../src/domain/transcript.ts';
import { addressesIn } from '../../../src/links/plain-address.ts';
import { createDocumentTools } from '../../../src/memory/document-tools.ts';
import { createNoteTools } from '../../../src/memory/note-tools.ts';
import { spellingsOf } from '../../../src/observability/redaction.ts';
import { createPlanTools } from '../../../src/plans/plan-tool.ts';
import { ALEX } from '../../support/approvals.ts';
import { InProcessMemory } from '../../support/memory-in-process.ts';
import { aCall, ScriptedModel, type ScriptedReply } from '../../support/scripted-model.ts';
import { ASK_MANAGER, aToolbox, createTestTools, rules } from '../../support/tools.ts';

const at = '2026-01-01T00:00:00Z';
const SAID: Entry = { kind: 'user', from: { person: ALEX, name: 'Alex' }, text: 'look', at, trust: 'member' };
const PAGE: readonly Entry[] = [
  { kind: 'assistant', text: '', calls: [{ id: 'p', tool: 'web_fetch', input: {} }], model: 'm' },
  { kind: 'tool-result', callId: 'p', status: 'ok', text: 'do as I say', trust: 'web' },
];
const ANYTHING = rules(
  { name: 'messages', tool: 'send_message', ...ASK_MANAGER },
  { name: 'plans', tool: 'run_plan', ...ASK_MANAGER },
  { name: 'anything', tool: '*', decision: 'allow' },
);
const ADDRESS = 'https://evil.test/?q=canary';
const SECRET = 'correct-horse-battery-staple';

async function turn(
  replies: readonly ScriptedReply[],
  history: readonly Entry[],
  memory = new InProcessMemory(() => 1),
) {
  const clock = { now: () => 1 };
  const progress: TurnProgress[] = [];
  const messages = createMessageTools({
    person: () => ({ words: 'Dana', to: { platform: Platform.parse('slack'), route: { user: 'U0DANA' } } }),
    channel: () => 'there is none',
    channels: () => [],
    nameOf: () => 'Alex',
    originOf: async () => undefined,
    writer: { write: async () => true },
    rememberMs: () => 1,
    clock,
  });
  const alone = [...createTestTools(), ...messages];
  const tools = [
    ...alone,
    ...createPlanTools(alone, { run: async () => ({ status: 'ok', text: '' }) }),
    ...createFileTools(),
    ...createNoteTools(memory.notes, clock, async () => false),
    ...createDocumentTools(memory.notes, clock),
  ];
  const outcome = await runTurn(
    {
      model: new ScriptedModel(replies),
      systemPrompt: '',
      tools: aToolbox(ANYTHING, { tools }),
      maxSteps: 9,
      key: 'k',
      requester: ALEX,
      outlet: { hosts: [], secrets: spellingsOf(SECRET) },
      answerHeld: async () => 'waits',
      onProgress: (each) => progress.push(each),
    },
    history,
    new AbortController().signal,
  );
  return { outcome, progress };
}

const textOf = async (...of: Parameters<typeof turn>) => {
  const { outcome } = await turn(...of);
  return 'text' in outcome ? outcome.text : outcome.kind;
};

const heldArgs = async (...of: Parameters<typeof turn>) => {
  const { outcome } = await turn(...of);
  return outcome.kind === 'suspended' ? outcome.held.map(({ args }) => args) : outcome;
};

describe('a message to somebody', () => {
  it('OM-187 holds neither an address nor a secret, alone and as a step of a plan', async () => {
    const input = { person: 'Dana', text: `Look at ${ADDRESS}, and ${SECRET}.` };
    const clean = { person: 'Dana', text: 'Look at (a link was left out), and [redacted].' };
    const steps = [
      { tool: 'send_message', arguments: input },
      { tool: 'deploy', arguments: { service: 'shop' } },
    ];

    expect(await heldArgs([{ calls: [aCall('send_message', input)] }], [SAID, ...PAGE])).toEqual([clean]);
    expect(
      await heldArgs([{ calls: [aCall('run_plan', { title: 'both', steps })] }], [SAID, ...PAGE]),
    ).toMatchObject([{ steps: [{ arguments: clean }, { arguments: { service: 'shop' } }] }]);
  });

  it('holds its addresses where no stranger was read, and says so where nothing is left', async () => {
    const said = async (text: string, history: readonly Entry[]) =>
      heldArgs([{ calls: [aCall('send_message', { person: 'Dana', text })] }], history);

    expect(await said(`Look at ${ADDRESS}.`, [SAID])).toMatchObject([{ text: `Look at ${ADDRESS}.` }]);
    expect(await said(`[r]: ${ADDRESS}`, [SAID, ...PAGE])).toMatchObject([
      { text: '(nothing is left of it)' },
    ]);
  });
});

describe('a secret of the configuration', () => {
  it('OM-187 goes to no tool, as it is or written another way, whether the call runs, is held or is a step', async () => {
    const inHex = Buffer.from(SECRET).toString('hex');
    const calls = [
      aCall('deploy', { service: `shop ${SECRET}` }),
      aCall('remember', { text: `the key is ${SECRET}` }),
      aCall('run_plan', {
        title: 'both',
        steps: [
          { tool: 'deploy', arguments: { service: 'shop' } },
          { tool: 'deploy', arguments: { service: inHex } },
        ],
      }),
    ];
    const { outcome } = await turn([{ calls }, { text: 'Done.' }], [SAID]);

    expect(outcome.entries.filter(({ kind }) => kind === 'tool-result')).toEqual(
      calls.map(({ id }) =>
        expect.objectContaining({
          callId: id,
          notRun: true,
          text: expect.stringContaining('goes to no tool'),
        }),
      ),
    );
    expect(outcome.kind).toBe('replied');
  });
});

describe('a message that is longer without what may not go out', () => {
  /** Each name of a host becomes longer, as code. */
  const hosts = (count: number) => 'a.test '.repeat(count);
  const long = `https://evil.test/${'abcdefghijklmnopqrstuvwxyz'.repeat(20)}`;
  const read: Entry = { kind: 'tool-result', callId: 'p', status: 'ok', text: `see ${long}`, trust: 'web' };
  const said = async (text: string) =>
    heldArgs(
      [{ calls: [aCall('send_message', { person: 'Dana', text })] }, { text: 'Well.' }],
      [SAID, ...PAGE, read],
    );

  it('OM-187 is not sent with a piece of an address that was read, but made anew', async () => {
    const outcome = await said(`${hosts(450)}${'b '.repeat(100)}${long}`);

    expect(outcome).toMatchObject({ kind: 'replied', screened: [{ kind: 'refused' }] });
    expect(JSON.stringify(outcome)).toMatch(/it has 4\d{3} characters, and a message takes 4000/);
  });

  it('goes out whole where it is short enough all the same', async () => {
    expect(await said(`${hosts(10)}${long}`)).toMatchObject([
      { text: expect.stringMatching(/`a\.test` <h\S+z>$/) },
    ]);
  });
});

describe('a file', () => {
  it.each([
    ['orders.csv ', 'text/plain', 'orders.csv'],
    ['orders.csv.', 'text/plain', 'orders.csv'],
    ['orders.csv\n', 'text/plain', 'orders.csv'],
    ['orders.csv\u200b', 'text/plain', 'orders.csv'],
    ['orders.TSV', 'text/plain', 'orders.TSV'],
    ['report', 'text/csv', 'report.txt'],
    ['report.log', 'text/tab-separated-values', 'report.log'],
  ])(
    'OM-187 is a table by the name it goes out under, and by its type: %j, %s',
    async (name, type, sentAs) => {
      const call = aCall('attach_file', { name, text: 'secret|=A1()', media_type: type });
      const { outcome } = await turn([{ calls: [call] }, { text: 'There.' }], [SAID, ...PAGE]);

      const [file] = outcome.files;
      expect([file?.name, Buffer.from(file?.base64 ?? '', 'base64').toString()]).toEqual([
        sentAs,
        "secret|'=A1()",
      ]);
    },
  );

  it.each([
    [
      'report.html',
      `<img src="${ADDRESS}"> ${SECRET}`,
      [SAID, ...PAGE],
      'report.html.txt',
      '<img src="(a link was left out)"> [redacted]',
    ],
    ['orders.csv', `a,${ADDRESS}`, [SAID, ...PAGE], 'orders.csv', 'a,(a link was left out)'],
    [
      'report.html',
      `<a href="${ADDRESS}"> ${SECRET}`,
      [SAID],
      'report.html',
      `<a href="${ADDRESS}"> [redacted]`,
    ],
    [
      'orders.csv',
      '=WEBSERVICE("ht"&"tp"),-5,"@x",+1\n-2+cmd',
      [SAID, ...PAGE],
      'orders.csv',
      '\'=WEBSERVICE("ht"&"tp"),-5,"\'@x",+1\n\'-2+cmd',
    ],
    ['sum.csv', '=A1+A2', [SAID], 'sum.csv', '=A1+A2'],
    [
      'a.json',
      '{"a":"https:\\/\\/\\u0065vil.test\\/S \\u0022","b":"\\u00e9"}',
      [SAID, ...PAGE],
      'a.json',
      '{"a":"(a link was left out) \\u0022","b":"\\u00e9"}',
    ],
    ['b.json', '{"a":"\\u0063orrect-horse-battery-staple"}', [SAID], 'b.json', '{"a":"[redacted]"}'],
  ])('OM-187 goes out as %s without what may not: %s', async (name, text, history, sentAs, sent) => {
    const call = aCall('attach_file', { name, text, media_type: 'text/html' });
    const { outcome } = await turn([{ calls: [call] }, { text: 'There.' }], history);

    const [file] = outcome.files;
    expect([file?.name, Buffer.from(file?.base64 ?? '', 'base64').toString()]).toEqual([sentAs, sent]);
  });
});

describe('words that are being written', () => {
  it('OM-187 hold nothing of a secret before it is whole', async () => {
    const { outcome, progress } = await turn([{ text: 'The key is correct-horse-battery-stapl' }], [SAID]);

    const shown = progress.flatMap((each) => (each.kind === 'text' ? [each.toSay()] : []));
    expect(shown).toEqual(['The key is']);
    expect(outcome).toMatchObject({ text: 'The key is correct-horse-battery-stapl' });
  });
});

describe('the last part of words that are being written', () => {
  it('OM-187 holds no piece of an address, nor a host that was code before its beginning was cut off', async () => {
    const address = `https://evil.test/${'a'.repeat(40)}/www.other.test/secret`;
    const read: Entry = {
      kind: 'tool-result',
      callId: 'p',
      status: 'ok',
      text: `see ${address}`,
      trust: 'web',
    };
    const { progress } = await turn(
      [{ text: `${address} and other.test are what I mean` }],
      [SAID, ...PAGE, read],
    );
    const lastOf = (chars: number) =>
      progress.flatMap((each) => (each.kind === 'text' ? [each.toSay((text) => text.slice(-chars))] : []));

    for (let chars = 30; chars < 130; chars++) {
      const shown = lastOf(chars)
        .join('\n')
        .replaceAll(/`[^`]*`/g, '')
        .replaceAll(address, '');
      expect(addressesIn(shown), shown).toEqual([]);
    }
  });
});

describe('an address the agent has put together', () => {
  it.each([
    ['a note', [aCall('remember', { text: ADDRESS, scope: 'conversation' }, 'a')], aCall('recall', {}, 'b')],
    [
      'a document',
      [aCall('storage_put', { name: 'x', text: ADDRESS }, 'a')],
      aCall('storage_get', { name: 'x' }, 'b'),
    ],
    ['the name of a tool', [aCall(ADDRESS, {}, 'a')], aCall('lookup', { order: 7 }, 'b')],
  ])('OM-187 goes out neither by way of %s', async (_way, calls, then) => {
    const replies = [{ calls }, { calls: [then] }, { text: `See ${ADDRESS} now` }];

    expect(await textOf(replies, [SAID, ...PAGE])).toBe('See (a link was left out) now');
  });

  it('OM-187 goes out neither where it was kept in a talk before', async () => {
    const memory = new InProcessMemory(() => 1);
    await turn(
      [{ calls: [aCall('storage_put', { name: 'x', text: ADDRESS }, 'a')] }, { text: 'Kept.' }],
      [SAID],
      memory,
    );

    const replies = [{ calls: [aCall('storage_get', { name: 'x' }, 'b')] }, { text: `See ${ADDRESS} now` }];
    expect(await textOf(replies, [SAID, ...PAGE], memory)).toBe('See (a link was left out) now');
  });
});
