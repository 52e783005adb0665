import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ApprovalId, ConversationId, Platform } from '../../../src/domain/ids.ts';
import { isStanding, type Saga, type SagaStep, StepState } from '../../../src/domain/saga.ts';
import { raisedText, sagaText, troubleText } from '../../../src/plans/sentences.ts';
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

  it('makes no markup of what others wrote', () => {
    const saga = { ...aSaga('raised', [DONE, FAILED]), title: '[free money](https://evil.test)' };

    expect(raisedText(saga)).not.toContain('[free money](');
  });
});
