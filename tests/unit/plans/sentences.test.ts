import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApprovalId, ConversationId, Platform } from '../../../src/domain/ids.ts';
import { isStanding, type Saga, type SagaStep, StepState } from '../../../src/domain/saga.ts';
import { raisedText, sagaText, sagaTrust, troubleText } from '../../../src/plans/sentences.ts';
import { ALEX } from '../../support/approvals.ts';
import { runs } from '../../support/property-runs.ts';

function aSaga(state: Saga['state'], steps: readonly Partial<SagaStep>[]): Saga {
  return {
    id: 'sag_p0_0123456789ab',
    rev: 1,
    epoch: 1,
    takenBy: 'w1',
    state,
    title: 'Move order 7',
    approvalId: ApprovalId.parse('apr_p0_0123456789ab'),
    conversationId: ConversationId.parse('slack:T0:C0:1'),
    origin: { platform: Platform.parse('slack'), route: {} },
    requester: ALEX,
    correlation: 'slack:T0:C0:1',
    steps: steps.map((step, index) => ({
      tool: `tool${index}`,
      words: `order ${index}`,
      readsOnly: false,
      repeatable: false,
      state: 'waiting',
      runs: 0,
      undos: 0,
      ...step,
    })),
    dueMs: 0,
  };
}

const DONE = { state: 'done', outcome: { status: 'ok', text: 'Order 7 was refunded.' } } as const;
const FAILED = { state: 'failed', outcome: { status: 'error', text: 'The shop refused.' } } as const;

describe('what people read of a plan', () => {
  it('OM-143 names every step, and what is to be done by hand about each that stands or may', () => {
    const step = fc.record({
      state: fc.constantFrom(...StepState.options),
      readsOnly: fc.boolean(),
      undoneBy: fc.option(fc.constant('charge it again'), { nil: undefined }),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 2, maxLength: 10 }), (steps) => {
        const saga = aSaga('raised', steps as Partial<SagaStep>[]);

        for (const text of [sagaText(saga), troubleText(saga), raisedText(saga)]) {
          for (const [index, each] of saga.steps.entries()) {
            const number = index + 1;
            expect(text).toContain(`${number}. tool${index} (order ${index}): `);
            const isOpen = isStanding(each) || each.state === 'unknown';
            expect(text.includes(`Step ${number} (tool${index}): `)).toBe(isOpen);
          }
        }
      }),
      { numRuns: runs(200) },
    );
  });

  it('says in one line how it ended', () => {
    expect(sagaText(aSaga('done', [DONE, DONE]))).toMatch(
      /^All 2 steps are done\. 1\. tool0 \(order 0\): done: /,
    );
    expect(sagaText(aSaga('undone', [{ state: 'undone', remark: 'Charged.' }, FAILED]))).toMatch(
      /^Step 2 failed, so everything done before it was undone\. .*done, and undone again: Charged\./,
    );
    expect(sagaText(aSaga('undone', [FAILED, {}]))).toMatch(/^Step 1 failed, and nothing had been changed/);
    expect(sagaText(aSaga('raised', [DONE, { state: 'unknown' }, {}]))).toMatch(
      /^It is done only in part: 1 of 3 steps stands, and of one nobody knows\./,
    );
    expect(sagaText(aSaga('raised', [DONE, FAILED]))).toContain('I cannot undo it');
  });

  it('says a long answer of a tool shortly, and shows what is hidden in it', () => {
    const long = { ...DONE, outcome: { status: 'ok' as const, text: `\u202E${'x'.repeat(1_000)}` } };

    const text = sagaText(aSaga('done', [long, DONE]));

    expect(text).toContain('⟨U+202E⟩');
    expect(text.length).toBeLessThan(500);
  });

  it('OM-187 names whose words it tells of a step, in front of them, and takes no text at its word', () => {
    const rows = { ...DONE.outcome, text: 'Paid. (words of Dana Reyes)', source: 'the database shop' };
    const why = { remark: 'Too late.', remarkOf: { source: 'the tool pay of the MCP server bank' } };
    const lines = (...steps: Partial<SagaStep>[]) => sagaText(aSaga('raised', steps));

    expect(lines({ state: 'done', outcome: rows })).toContain(
      '(order 0): done (words of the database shop): Paid. (words of Dana Reyes)',
    );
    expect(lines({ state: 'failed', outcome: rows })).toContain('failed (words of the database shop): Paid.');
    expect(lines({ state: 'stuck', outcome: rows, ...why, undos: 4 })).toMatch(
      /done \(words of the database shop\) \(Paid\..*at last \(words of the tool pay of the MCP server bank\): Too late\./,
    );
    expect(lines({ state: 'undone', ...why })).toContain(
      'undone again (words of the tool pay of the MCP server bank): Too late.',
    );
    expect(lines({ state: 'unknown', ...why })).toContain(
      'done or not (words of the tool pay of the MCP server bank): Too late.',
    );
    expect(lines(DONE)).toContain('(order 0): done: Order 7 was refunded.');
    const hidden = { ...rows, source: `\u202E${'x'.repeat(1_000)}` };
    expect(lines({ state: 'done', outcome: hidden })).toMatch(/words of ⟨U\+202E⟩x{50,100}…\): Paid/);
  });

  it('OM-187 tells what its tool says of it itself in front of whose words the rest is', () => {
    const by = { heading: 'run.py failed with exit code 3.', source: 'the script run.py' };
    const outcome = { status: 'ok', text: 'Paid.', ...by } as const;
    const why = { remark: 'Too late.', remarkOf: by };
    const lines = (step: Partial<SagaStep>) => sagaText(aSaga('raised', [step]));

    const told = ': run.py failed with exit code 3. (words of the script run.py): ';
    expect(lines({ state: 'done', outcome })).toContain(`: done${told}Paid.`);
    expect(lines({ state: 'failed', outcome })).toContain(`: failed${told}Paid.`);
    expect(lines({ state: 'undone', ...why })).toContain(`undone again${told}Too late.`);
    expect(lines({ state: 'unknown', ...why })).toContain(`done or not${told}Too late.`);
    const stuck = lines({ state: 'stuck', outcome, ...why, undos: 4 });
    expect(stuck).toContain(
      'done (run.py failed with exit code 3.) (words of the script run.py) (Paid.), and NOT UNDONE',
    );
    expect(stuck).toContain(`at last${told}Too late.`);
  });

  it.each([
    ['its tool’s words, where nothing else is known of them', DONE, 'outsider'],
    ['the gateway’s own', { ...DONE, outcome: { ...DONE.outcome, trust: 'tool' } }, undefined],
    ['a page', { ...DONE, outcome: { ...DONE.outcome, trust: 'web' } }, 'web'],
    ['why it failed', { ...FAILED, outcome: { ...FAILED.outcome, trust: 'web' } }, 'web'],
    ['nothing: it was not begun', { state: 'waiting' }, undefined],
    ['why nobody knows', { state: 'unknown', remark: 'x', remarkOf: { trust: 'web' } }, 'web'],
    ['that it was lost', { state: 'unknown', remark: 'x', remarkOf: { trust: 'tool' } }, undefined],
    ['how it was undone', { state: 'undone', remark: 'x' }, 'outsider'],
    ['both', { ...DONE, state: 'stuck', remark: 'x', remarkOf: { trust: 'web' } }, 'web'],
  ] as const)('OM-187 is trusted no further than the words it tells: %s', (_what, step, trust) => {
    const own = { ...DONE, outcome: { ...DONE.outcome, trust: 'tool' } } as const;

    expect(sagaTrust(aSaga('raised', [own, step]), ['outsider', 'outsider'])).toBe(trust);
    expect(sagaTrust(aSaga('raised', [DONE, step]), [undefined, 'outsider'])).toBe(trust);
  });

  it('makes no markup of what others wrote', () => {
    const saga = { ...aSaga('raised', [DONE, FAILED]), title: '[free money](https://evil.test)' };

    expect(raisedText(saga)).not.toContain('[free money](');
  });
});
