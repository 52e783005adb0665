import { describe, expect, it } from 'vitest';
import { NoRoomError } from '../../../src/agent/compaction/shorten.ts';
import { toHistory } from '../../../src/agent/history.ts';
import { runTurn, type TurnProgress } from '../../../src/agent/turn.ts';
import { createFileTools } from '../../../src/delivery/file-tools.ts';
import { FutileCallError, ModelUnavailableError, RequestTooLongError } from '../../../src/domain/errors.ts';
import type { Trust } from '../../../src/domain/provenance.ts';
import type { Entry } from '../../../src/domain/transcript.ts';
import { ALEX } from '../../support/approvals.ts';
import { aCall, ScriptedModel, type ScriptedReply, usageOf } from '../../support/scripted-model.ts';
import { ASK_MANAGER, aToolbox, createTestTools, type Run, rules } from '../../support/tools.ts';

const SAID: Entry = {
  kind: 'user',
  from: { person: ALEX, name: 'Alex Kim' },
  text: 'refund order 7',
  at: '2026-01-01T00:00:00Z',
};

const RULES = rules(
  { name: 'notes', tool: 'note', decision: 'allow' },
  { name: 'refunds', tool: 'refund', ...ASK_MANAGER },
  { name: 'deploys', tool: 'deploy', decision: 'allow' },
);

async function turn(
  replies: readonly ScriptedReply[],
  { maxSteps = 5, signal = new AbortController().signal } = {},
) {
  const runs: Run[] = [];
  const progress: TurnProgress[] = [];
  const model = new ScriptedModel(replies);
  const outcome = await runTurn(
    {
      model,
      systemPrompt: 'You are a test.',
      tools: aToolbox(RULES, { tools: createTestTools(runs) }),
      maxSteps,
      key: 'item-1',
      answerHeld: async ({ tool }, index) => `${tool.name} waits (${index})`,
      onProgress: (each) => progress.push(each),
    },
    [SAID],
    signal,
  );
  return { outcome, runs, progress, model };
}

const kinds = (entries: readonly Entry[]) => entries.map(({ kind }) => kind);
const results = (entries: readonly Entry[]) =>
  entries.flatMap((entry) =>
    entry.kind === 'tool-result' ? [[entry.callId, entry.status, entry.text]] : [],
  );

describe('a turn', () => {
  it('ends with a reply when the model asks for nothing more', async () => {
    const { outcome, progress } = await turn([{ text: 'Hello.' }]);

    expect(outcome).toMatchObject({ kind: 'replied', text: 'Hello.', cut: false, screened: [] });
    expect(kinds(outcome.entries)).toEqual(['assistant']);
    expect(progress.map((each) => (each.kind === 'text' ? each.toSay() : each.tool))).toEqual(['Hello.']);
  });

  it('runs what it may, and goes on with the results', async () => {
    const { outcome, runs, model } = await turn([
      {
        text: 'Let me look.',
        calls: [aCall('lookup', { order: 7 }, 'a'), aCall('note', { text: 'x' }, 'b')],
      },
      { text: 'It cost 120 EUR.' },
    ]);

    expect(outcome).toMatchObject({ kind: 'replied', text: 'It cost 120 EUR.' });
    expect(kinds(outcome.entries)).toEqual(['assistant', 'tool-result', 'tool-result', 'assistant']);
    expect(runs.map(({ tool, args }) => [tool, args])).toEqual([
      ['lookup', { order: 7 }],
      ['note', { text: 'x' }],
    ]);
    expect(model.requests[1]?.entries).toEqual([SAID, ...outcome.entries.slice(0, 3)]);
  });

  it('gives each call an idempotency key that is the same when the turn is done again', async () => {
    const replies = [
      { calls: [aCall('lookup', { order: 7 }, 'a')] },
      { calls: [aCall('lookup', { order: 7 }, 'a')] },
      { text: '.' },
    ];

    const [first, second] = [await turn(replies), await turn(replies)];

    const keys = first.runs.map(({ context }) => context.idempotencyKey);
    expect(new Set(keys).size).toBe(2);
    expect(second.runs.map(({ context }) => context.idempotencyKey)).toEqual(keys);
  });

  it('OM-120 is suspended by a call that must wait, after the others of the same reply have run', async () => {
    const { outcome, runs } = await turn([
      {
        text: 'I will refund it.',
        calls: [
          aCall('refund', { order: 7, amount: 120 }, 'a'),
          aCall('lookup', { order: 7 }, 'b'),
          aCall('deploy', { service: 'web' }, 'c'),
        ],
      },
    ]);

    expect(outcome).toMatchObject({ kind: 'suspended', text: 'I will refund it.' });
    expect(outcome.kind === 'suspended' && outcome.held.map(({ tool }) => tool.name)).toEqual([
      'refund',
      'deploy',
    ]);
    expect(results(outcome.entries)).toEqual([
      ['a', 'waiting', 'refund waits (0)'],
      ['b', 'ok', 'lookup done'],
      ['c', 'waiting', 'deploy waits (1)'],
    ]);
    expect(runs.map(({ tool }) => tool)).toEqual(['lookup']);
  });

  it('OM-183 reports every call that was checked, with the rule', async () => {
    const { outcome } = await turn([
      { calls: [aCall('lookup', { order: 7 }, 'a'), aCall('nothing', {}, 'b'), aCall('refund', {}, 'c')] },
      { text: '.' },
    ]);

    expect(outcome.screened.map(({ kind, call }) => [kind, call.tool])).toEqual([
      ['run', 'lookup'],
      ['refused', 'nothing'],
      ['refused', 'refund'],
    ]);
  });

  it('tells the model about a tool there is not, and arguments that do not fit, and goes on', async () => {
    const { outcome } = await turn([
      { calls: [aCall('format_disk', {}, 'a'), aCall('lookup', { order: 'seven' }, 'b')] },
      { text: 'I cannot do that.' },
    ]);

    expect(outcome.kind).toBe('replied');
    expect(results(outcome.entries)).toEqual([
      ['a', 'error', expect.stringContaining('There is no tool "format_disk"')],
      ['b', 'error', expect.stringContaining('The arguments do not fit')],
    ]);
  });

  it('ends at its step limit, with every call answered', async () => {
    const { outcome, model } = await turn(
      Array.from({ length: 9 }, (_, n) => ({ calls: [aCall('lookup', { order: n }, `call-${n}`)] })),
      { maxSteps: 3 },
    );

    expect(outcome.kind).toBe('exhausted');
    expect(model.requests).toHaveLength(3);
    expect(outcome.entries.at(-1)?.kind).toBe('tool-result');
  });

  it('keeps the last it said, though it went on without a word', async () => {
    const { outcome } = await turn(
      [
        { text: 'The first half is 42.', calls: [aCall('lookup', { order: 1 }, 'a')] },
        { text: ' ', calls: [aCall('lookup', { order: 2 }, 'b')] },
      ],
      { maxSteps: 2 },
    );

    expect(outcome).toMatchObject({ kind: 'exhausted', text: 'The first half is 42.' });
  });

  it.each([new NoRoomError(924.5), new RequestTooLongError()])(
    'ends with what it has when it has become more than the model can be shown: %s',
    async (error) => {
      const { outcome, model } = await turn([
        { text: 'The first half is 42.', calls: [aCall('lookup', { order: 1 })], usage: usageOf(100) },
        error,
      ]);

      expect(outcome).toMatchObject({
        kind: 'exhausted',
        by: 'room',
        text: 'The first half is 42.',
        usage: usageOf(100),
      });
      expect(kinds(outcome.entries)).toEqual(['assistant', 'tool-result']);
      expect(model.requests).toHaveLength(2);
    },
  );

  it('fails when not even its beginning can be shown', async () => {
    await expect(turn([new NoRoomError(924.5)])).rejects.toThrow('leave 924 tokens');
  });

  it('adds up what its calls to the model used', async () => {
    const { outcome } = await turn([
      { calls: [aCall('lookup', { order: 7 })], usage: usageOf(100) },
      { text: '.', usage: usageOf(11) },
    ]);

    expect(outcome.usage).toEqual(usageOf(111));
  });

  it('says that an answer was cut', async () => {
    const { outcome } = await turn([{ text: 'Once upon a', stopped: 'length' }]);

    expect(outcome).toMatchObject({ kind: 'replied', cut: true });
  });

  it('ends without an answer when the model declines, and shows nobody what it had begun to say', async () => {
    const { outcome } = await turn([
      { calls: [aCall('lookup', { order: 7 })], usage: usageOf(100) },
      { text: 'First you take', stopped: 'refusal', usage: usageOf(11) },
    ]);

    expect(outcome).toMatchObject({ kind: 'declined', usage: usageOf(111) });
    expect('text' in outcome).toBe(false);
    expect(outcome.entries.at(-1)).toMatchObject({ kind: 'assistant', text: '', usage: usageOf(11) });
  });

  it('OM-140 keeps nothing when the model is away, and passes on how long to wait', async () => {
    const away = new ModelUnavailableError('it answered 529', 7_000);

    await expect(turn([{ calls: [aCall('lookup', { order: 7 })] }, away])).rejects.toBe(away);
  });

  it('sends what stays the same first and unchanged from step to step', async () => {
    const { model } = await turn([{ calls: [aCall('lookup', { order: 7 })] }, { text: '.' }]);

    const [first, second] = model.requests;
    expect(second?.system).toBe(first?.system);
    expect(JSON.stringify(second?.tools)).toBe(JSON.stringify(first?.tools));
    expect(second?.entries.slice(0, first?.entries.length)).toEqual(first?.entries);
  });

  it('stops when its lease is lost', async () => {
    await expect(
      turn([{ text: '.' }], { signal: AbortSignal.abort(new Error('lease lost')) }),
    ).rejects.toThrow('lease lost');
  });
});

describe('the part of a transcript the model is shown', () => {
  const event: Entry = { kind: 'event', text: 'approved', at: '2026-01-01T00:00:00Z' };
  const assistant: Entry = { kind: 'assistant', text: '', calls: [aCall('lookup', {}, 'a')], model: 'm' };
  const result: Entry = { kind: 'tool-result', callId: 'a', status: 'ok', text: 'x' };

  it('begins with somebody speaking, never between a call and its result', () => {
    const stored = [result, assistant, result, SAID, assistant, result].map((entry) => JSON.stringify(entry));

    expect(toHistory(stored)).toEqual([SAID, assistant, result]);
    expect(toHistory([result, event].map((entry) => JSON.stringify(entry)))).toEqual([event]);
    expect(toHistory([JSON.stringify(result)])).toEqual([]);
  });

  it.each([['not JSON'], ['{"kind":"future"}'], ['null']])(
    'begins behind an entry that cannot be read: %s',
    (broken) => {
      const stored = [SAID, assistant, result].map((entry) => JSON.stringify(entry));

      expect(toHistory([broken, ...stored])).toEqual([SAID, assistant, result]);
      expect(toHistory([...stored.slice(0, 1), broken, ...stored.slice(2), JSON.stringify(event)])).toEqual([
        event,
      ]);
    },
  );
});

describe('a held call that cannot work', () => {
  const asking = (futile: string, trust?: Trust) =>
    runTurn(
      {
        model: new ScriptedModel([
          {
            calls: [
              aCall('refund', { order: 7, amount: 1 }, 'a'),
              aCall('refund', { order: 8, amount: 1 }, 'b'),
            ],
          },
          { text: 'That does not work.' },
        ]),
        systemPrompt: 'You are a test.',
        tools: aToolbox(RULES),
        maxSteps: 5,
        key: 'item-1',
        answerHeld: async ({ call }, index) => {
          if (futile.includes(call.id)) throw new FutileCallError('there is no such order', { trust });
          return `waits (${index})`;
        },
        onProgress: () => undefined,
      },
      [SAID],
      new AbortController().signal,
    );
  const REFUSED = 'Nobody was asked about this, because it cannot work: there is no such order.';

  it('is refused to the agent, which goes on', async () => {
    const outcome = await asking('ab');

    expect(outcome).toMatchObject({ kind: 'replied', text: 'That does not work.' });
    expect(results(outcome.entries)).toEqual([
      ['a', 'error', REFUSED],
      ['b', 'error', REFUSED],
    ]);
    expect(outcome.screened).toMatchObject([
      { kind: 'refused', rule: 'refunds' },
      { kind: 'refused', rule: 'refunds' },
    ]);
  });

  it('OM-187 is refused in words that may be anybody’s, unless whoever says so knows them for our own', async () => {
    const unknown = await asking('ab');
    const own = await asking('ab', 'tool');

    const trusts = ({ entries }: typeof own) =>
      entries.flatMap((entry) => (entry.kind === 'tool-result' ? [entry.trust] : []));
    expect(trusts(unknown)).toEqual(['outsider', 'outsider']);
    expect(trusts(own)).toEqual(['tool', 'tool']);
  });

  it('leaves the others of its turn waiting, counted without it', async () => {
    const outcome = await asking('a');

    expect(outcome).toMatchObject({ kind: 'suspended', held: [{ call: { id: 'b' } }] });
    expect(results(outcome.entries)).toEqual([
      ['a', 'error', REFUSED],
      ['b', 'waiting', 'waits (0)'],
    ]);
  });
});

describe('files that a turn attaches', () => {
  const attach = (name: string, text: string, id = `toolu_${name}`) =>
    aCall('attach_file', { name, text }, id);

  async function attaching(...calls: ReturnType<typeof aCall>[][]) {
    const outcome = await runTurn(
      {
        model: new ScriptedModel([...calls.map((each) => ({ calls: each })), { text: 'Here it is.' }]),
        systemPrompt: 'You are a test.',
        tools: aToolbox(rules({ name: 'files', tool: 'attach_file', decision: 'allow' }), {
          tools: createFileTools(),
        }),
        maxSteps: 20,
        key: 'item-1',
        answerHeld: async () => '',
        onProgress: () => undefined,
      },
      [SAID],
      new AbortController().signal,
    );
    const files = outcome.files.map(({ name, base64 }) => [name, Buffer.from(base64, 'base64').toString()]);
    return { files, results: results(outcome.entries) };
  }

  it('go out with its reply, the last one of a name', async () => {
    const { files } = await attaching(
      [attach('a.csv', 'one'), attach('../b.md', '# größe')],
      [attach('a.csv', 'two', 'again')],
    );
    expect(files).toEqual([
      ['a.csv', 'two'],
      ['b.md', '# größe'],
    ]);
  });

  it('are ten at most, and the model is told so', async () => {
    const { files, results: told } = await attaching(
      Array.from({ length: 12 }, (_, n) => attach(`${n}.txt`, 'x')),
    );
    expect(files).toHaveLength(10);
    expect(told.slice(-2).map(([, status]) => status)).toEqual(['error', 'error']);
    expect(told.at(-1)?.[2]).toMatch(/at most 10 files/);
  });

  it('are no larger together than a message may carry', async () => {
    const large = '€'.repeat(200_000);
    const { files, results: told } = await attaching([attach('a.txt', large), attach('b.txt', large)]);
    expect(files.map(([name]) => name)).toEqual(['a.txt']);
    expect(told.at(-1)?.[2]).toMatch(/at most 1000000 bytes together; these would have 1200000/);
  });

  it.each([
    ['nothing in it', { name: 'a.txt', text: '' }],
    ['no name', { name: '', text: 'x' }],
    ['a media type that could end a header', { name: 'a', text: 'x', media_type: 'text/plain\r\nX: y' }],
    ['more than a file may have', { name: 'a', text: 'x'.repeat(200_001) }],
  ])('are refused with %s', async (_, input) => {
    const { files, results: told } = await attaching([aCall('attach_file', input)]);
    expect(files).toEqual([]);
    expect(told[0]?.[1]).toBe('error');
  });
});
