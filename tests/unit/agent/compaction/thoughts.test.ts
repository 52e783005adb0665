/** What a model thought in a turn goes back to it with each further request of that turn, and takes room there. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BudgetedModel, type ContextBudget } from '../../../../src/agent/compaction/budgeted-model.ts';
import { COMPACTIONS, type StrategyName } from '../../../../src/agent/compaction/compaction.ts';
import { NoRoomError } from '../../../../src/agent/compaction/shorten.ts';
import { estimateEntry, estimateOverhead } from '../../../../src/agent/compaction/token-estimate.ts';
import {
  type ModelClient,
  type ModelReply,
  type ModelRequest,
  thoughtsOf,
} from '../../../../src/agent/model/model-client.ts';
import { runTurn, type TurnOutcome } from '../../../../src/agent/turn.ts';
import { RequestTooLongError } from '../../../../src/domain/errors.ts';
import type { Entry } from '../../../../src/domain/transcript.ts';
import { silent } from '../../../support/core.ts';
import { runs } from '../../../support/property-runs.ts';
import { aCall, whole } from '../../../support/scripted-model.ts';
import { aToolbox, rules } from '../../../support/tools.ts';
import { answered, called, conversation, gave, said } from '../../../support/transcripts.ts';

const STRATEGIES = Object.keys(COMPACTIONS) as StrategyName[];
const { signal } = new AbortController();

/** As it is configured where nothing else is said. */
const BUDGET: ContextBudget = {
  strategy: 'adaptive',
  contextTokens: 100_000,
  answerTokens: 4_096,
  thinkingTokens: 16_000,
  cutTo: 0.7,
};

interface Wish {
  /** What each step is thought about, in tokens; it thinks only where it is asked to. */
  readonly thought: (step: number) => number;
  /** Calls of a turn, until it answers. */
  readonly calls: number;
  /** What a text really comes to, of what is estimated. */
  readonly share?: number;
  readonly counts?: boolean;
  /** Most tokens it takes, whatever the budget says. */
  readonly reads?: number;
  /** At this step another model answers, which is shown none of the thoughts and has none of its own. */
  readonly awayAt?: number;
}

/** A service that hands thoughts out with its calls, and says what it was sent and what it wrote. */
class ThinkingService implements ModelClient {
  readonly requests: ModelRequest[] = [];
  #calls = 0;

  constructor(private readonly wish: Wish) {}

  async complete(request: ModelRequest): Promise<ModelReply> {
    if (this.tokensOf(request) > (this.wish.reads ?? Number.POSITIVE_INFINITY))
      throw new RequestTooLongError();
    const step = this.requests.push(request) - 1;
    const isAway = step === this.wish.awayAt;
    const thought = request.thinking && !isAway ? this.wish.thought(step) : 0;
    const { thoughts: _, ...bare } = request;
    const usage = {
      inputTokens: this.tokensOf(isAway ? bare : request),
      outputTokens: thought + 50,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
    };
    if (this.#calls === this.wish.calls) return whole({ text: 'That is all.', model: 'm', usage });
    const call = aCall('lookup', { order: 7 }, `toolu_thought_${this.#calls++}`);
    const thoughts = { model: 'm', blocks: [], tokens: usage.outputTokens };
    return whole({ calls: [call], model: 'm', usage, ...(thought > 0 ? { thoughts } : {}) });
  }

  async countTokens(request: ModelRequest): Promise<number | undefined> {
    return this.wish.counts === true ? this.tokensOf(request) : undefined;
  }

  async check(): Promise<{ ok: boolean; detail: string }> {
    return { ok: true, detail: 'it thinks' };
  }

  /** Of a request without its answer. */
  tokensOf(request: ModelRequest): number {
    const ofEntries = request.entries.reduce((sum, entry) => {
      const thought = thoughtsOf(entry, request.thoughts);
      return sum + (thought ? thought.tokens : Math.floor(estimateEntry(entry) * (this.wish.share ?? 0.8)));
    }, 0);
    return estimateOverhead(request) + ofEntries;
  }

  /** Of the largest of its requests, with the room for its answer. */
  mostWith({ answerTokens, thinkingTokens }: ContextBudget): number {
    return Math.max(
      ...this.requests.map(
        (request) => this.tokensOf(request) + answerTokens + (request.thinking ? thinkingTokens : 0),
      ),
    );
  }
}

function think(
  service: ThinkingService,
  history: readonly Entry[],
  budget: Partial<ContextBudget> = {},
  setup: { readonly maxSteps?: number; readonly thinking?: boolean } = {},
): Promise<TurnOutcome> {
  return runTurn(
    {
      model: new BudgetedModel(service, { ...BUDGET, ...budget }, silent),
      systemPrompt: 'You are a test.',
      tools: aToolbox(rules()),
      maxSteps: 12,
      thinking: true,
      key: 'item',
      answerHeld: async () => 'waits for a human',
      onProgress: () => undefined,
      ...setup,
    },
    history,
    signal,
  );
}

const whatIsThought = ({ requests }: ThinkingService) =>
  requests.map(({ thinking, thoughts }) => [thinking === true, thoughts !== undefined]);

describe('C-33 a turn that thinks longer', () => {
  it.each([true, false])(
    'C-33 comes to its end though its thoughts do not fit any more, without thinking from there on (counted: %s)',
    async (counts) => {
      const history = [said('what came before', 1), answered('Fine.'), said('look them all up', 2)];
      const service = new ThinkingService({ thought: () => 12_000, calls: 11, counts });

      const outcome = await think(service, history);

      expect(outcome).toMatchObject({ kind: 'replied', text: 'That is all.' });
      expect(service.mostWith(BUDGET)).toBeLessThanOrEqual(BUDGET.contextTokens);
      // Six steps with what was thought before them fit beside 16,000 tokens for the next thought.
      expect(whatIsThought(service)).toEqual([
        ...Array(7).fill([true, true]),
        ...Array(5).fill([false, false]),
      ]);
      // Nothing that was said, called or found is cut for it.
      expect(service.requests.at(-1)?.entries).toEqual([...history, ...outcome.entries.slice(0, -1)]);
    },
  );

  it('C-33 thinks to its end where there is room', async () => {
    const service = new ThinkingService({ thought: () => 3_000, calls: 11 });

    await think(service, [said('look them all up')]);

    expect(whatIsThought(service)).toEqual(Array(12).fill([true, true]));
  });

  it('costs the turn behind it nothing of what is shown, for its thoughts are gone then', async () => {
    const history = [
      ...Array.from({ length: 40 }, (_, n) => [said(`${n} ${'word '.repeat(120)}`, n), answered('Fine.')]),
    ].flat();
    const opening = said('look them all up', 50);
    const first = new ThinkingService({ thought: () => 11_000, calls: 5 });
    const { entries } = await think(first, [...history, opening]);
    const next = new ThinkingService({ thought: () => 0, calls: 0 });
    const after = [...history, opening, ...entries, said(`and ${'then '.repeat(9_000)}`, 60)];

    await think(next, after, {}, { thinking: false });

    expect(first.tokensOf(first.requests.at(-1)!)).toBeGreaterThan(60_000);
    expect(next.requests[0]?.entries).toEqual(after);
  });

  it('costs it nothing either by what was thought before the answer itself', async () => {
    const history = Array.from({ length: 200 }, (_, n) => [
      said(`${n} ${'word '.repeat(150)}`, n),
      answered('Fine.'),
    ]).flat();
    const opening = said('what do you think?', 500);
    const first = new ThinkingService({ thought: () => 16_000, calls: 0 });
    const { entries } = await think(first, [...history, opening]);
    const next = new ThinkingService({ thought: () => 0, calls: 0 });
    const after = [...history, opening, ...entries, said(`and ${'then '.repeat(12_000)}`, 600)];

    await think(next, after, {}, { thinking: false });

    expect(first.requests[0]?.entries).toHaveLength(history.length + 1);
    expect(next.requests[0]?.entries).toEqual(after);
  });

  it('is answered without where only thinking leaves it too little room', async () => {
    const tight = { contextTokens: 40_000, answerTokens: 4_000, thinkingTokens: 28_000 };
    const history = [said('I want all of it. '.repeat(5), 1)];
    const service = new ThinkingService({ thought: () => 1, calls: 0 });
    const system = 'You are helpful. '.repeat(2_000);

    const reply = await new BudgetedModel(service, { ...BUDGET, ...tight }, silent).complete(
      { system, entries: history, tools: [], thinking: true, thoughts: new Map() },
      () => undefined,
      signal,
    );

    expect(estimateOverhead({ system, tools: [] })).toBeGreaterThan(8_000);
    expect(reply.text).toBe('That is all.');
    expect(whatIsThought(service)).toEqual([[false, false]]);
  });

  it('counts them also where the step before was answered by another model, which was shown none of them', async () => {
    const service = new ThinkingService({ thought: () => 0, calls: 0 });
    const model = new BudgetedModel(service, BUDGET, silent);
    const lookup = (id: string) => ({ ...called(id), model: 'm' });
    const thoughts = new Map([['a', { model: 'm', blocks: [], tokens: 60_000 }]]);
    const before = [said('look them all up'), lookup('a'), gave('a', 'paid')];
    const { shown } = await model.complete(
      { system: '', entries: before, tools: [], thinking: true, thoughts },
      () => undefined,
      signal,
    );
    const usage = { inputTokens: 200, outputTokens: 50, cacheReadTokens: 0, cacheWriteTokens: 0 };
    const standIn = { ...lookup('b'), usage, ...(shown ? { shown } : {}) };
    const entries = [...before, standIn, gave('b', 'row '.repeat(24_000))];

    await model.complete(
      { system: '', entries, tools: [], thinking: true, thoughts },
      () => undefined,
      signal,
    );

    expect(whatIsThought(service)).toEqual([
      [true, true],
      [false, false],
    ]);
  });

  it('goes on without them when the model reads less than was thought', async () => {
    const service = new ThinkingService({ thought: () => 12_000, calls: 4, reads: 30_000 });

    const outcome = await think(service, [said('look them all up')]);

    expect(outcome).toMatchObject({ kind: 'replied', text: 'That is all.' });
    expect(Math.max(...service.requests.map((request) => service.tokensOf(request)))).toBeLessThan(30_000);
    expect(whatIsThought(service).at(-1)).toEqual([false, false]);
  });
});

describe('any turn that thinks longer', () => {
  const limits = fc
    .record({
      answerTokens: fc.integer({ min: 1, max: 64_000 }),
      thinkingTokens: fc.integer({ min: 1_024, max: 64_000 }),
      beside: fc.integer({ min: 8_000, max: 100_000 }),
      cutTo: fc.double({ min: 0.2, max: 0.9, noNaN: true }),
    })
    .map(({ beside, ...each }) => ({
      ...each,
      contextTokens: each.answerTokens + each.thinkingTokens + beside,
    }));

  it.each(STRATEGIES)(
    'C-33 OB-049 is, by %s, never asked more than the budget, and never ends for what it thought',
    async (strategy) => {
      await fc.assert(
        fc.asyncProperty(
          conversation,
          limits,
          fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 1, maxLength: 12 }),
          fc.double({ min: 0.3, max: 1, noNaN: true }),
          fc.record({ counts: fc.boolean(), awayAt: fc.nat(12) }),
          async (history, limit, shares, share, how) => {
            const budget = { ...limit, strategy };
            const most = limit.answerTokens + limit.thinkingTokens - 50;
            const thought = (step: number) => Math.floor((shares[step] ?? 0) * most);
            const wish = { calls: shares.length - 1, share, ...how };
            const thoughtful = new ThinkingService({ ...wish, thought });
            const quick = new ThinkingService({ ...wish, thought });

            const outcome = await endOf(think(thoughtful, history, budget));
            const without = await endOf(think(quick, history, budget, { thinking: false }));

            // What can be asked without thoughts can be asked.
            if (without === 'replied') expect(outcome).toBe('replied');
            if (thoughtful.requests.length === 0) return;
            expect(thoughtful.mostWith({ ...budget })).toBeLessThanOrEqual(limit.contextTokens);
            for (const { thinking, thoughts } of thoughtful.requests) {
              if (!thinking) expect(thoughts).toBeUndefined();
            }
          },
        ),
        { numRuns: runs(40) },
      );
    },
    60_000,
  );
});

async function endOf(turn: Promise<TurnOutcome>): Promise<TurnOutcome['kind'] | 'no-room'> {
  try {
    return (await turn).kind;
  } catch (error) {
    expect(error).toBeInstanceOf(NoRoomError);
    return 'no-room';
  }
}
