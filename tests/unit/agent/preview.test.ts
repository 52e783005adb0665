import { describe, expect, it } from 'vitest';
import { driftOf, previewOf } from '../../../src/agent/preview.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { FutileCallError } from '../../../src/domain/errors.ts';
import type { Preview, Tool } from '../../../src/domain/tool.ts';
import { anApproval } from '../../support/approvals.ts';
import { createTestTools } from '../../support/tools.ts';

const SEEN: Preview = { changes: [{ label: 'refunded', before: '0', after: '120' }], basis: 'nothing yet' };
const AWAY = () => Promise.reject(new Error('the shop is away'));
const CONTEXT = { conversationId: anApproval().conversationId, requester: anApproval().request.requester };

function refund(preview: () => Promise<Preview>): Tool {
  return { ...createTestTools([]).find(({ name }) => name === 'refund')!, preview };
}

/** Asked for while the tool said this of it. */
async function asked(preview: () => Promise<Preview>): Promise<Approval> {
  const seen = await previewOf(refund(preview), {}, CONTEXT);
  return anApproval({ request: seen ? { preview: seen } : {} });
}

async function whyOf(tool: Tool, approval: Approval): Promise<string | undefined> {
  return (await driftOf(tool, approval))?.why;
}

describe('what a call would change', () => {
  it('is not asked about again where the tool had nothing to say', async () => {
    expect(await whyOf(refund(AWAY), anApproval())).toBeUndefined();
  });

  it('is what people are to be shown now, where that can be said', async () => {
    const approval = await asked(async () => SEEN);
    const now = { changes: [{ label: 'refunded', before: '40', after: '160' }], basis: '40' };

    const changed = await driftOf(
      refund(async () => now),
      approval,
    );
    const unknown = await driftOf(refund(AWAY), approval);

    expect(changed?.now).toEqual(now);
    expect(unknown).toEqual({ why: expect.stringContaining('could not be checked') });
  });

  it('has to be what people were shown', async () => {
    const approval = await asked(async () => SEEN);

    expect(
      await whyOf(
        refund(async () => SEEN),
        approval,
      ),
    ).toBeUndefined();
    expect(
      await whyOf(
        refund(async () => ({ ...SEEN, basis: '40' })),
        approval,
      ),
    ).toContain('things have changed since it was asked (it was: nothing yet; it is: 40)');
    expect(await whyOf(refund(AWAY), approval)).toContain('could not be checked');
    expect(
      await whyOf(
        refund(() => Promise.reject(new FutileCallError('no order'))),
        approval,
      ),
    ).toBe('it cannot work any more: no order');
  });

  it('is named where it has changed, as people were shown it', async () => {
    const change = { label: 'refunded of order 7', before: '80.00 EUR', after: '200.00 EUR' };
    const approval = await asked(async () => ({ changes: [change], basis: '80.00 EUR' }));
    const now = refund(async () => ({ changes: [change], basis: '245.00 EUR' }));

    expect(await whyOf(now, approval)).toBe(
      'things have changed since it was asked (refunded of order 7 was: 80.00 EUR; it is: 245.00 EUR)',
    );
  });

  it('is told from what it was by all of it, however long it is', async () => {
    const whole = (end: string) => async () => ({ ...SEEN, basis: `${'row '.repeat(1_000)}${end}` });
    const approval = await asked(whole('40'));

    expect(approval.request.preview?.basis).toHaveLength(500);
    expect(await whyOf(refund(whole('40')), approval)).toBeUndefined();
    expect(await whyOf(refund(whole('41')), approval)).toMatch(/things have changed.*further on/);
  });

  it('was agreed to by nobody when it could not be found out, whether or not it can be now', async () => {
    const approval = await asked(AWAY);

    expect(
      await whyOf(
        refund(async () => SEEN),
        approval,
      ),
    ).toBe(
      'what it would change could not be found out when it was asked (the shop is away), so nobody has agreed to that; now it can be (it is: nothing yet). Ask for it again',
    );
    expect(await whyOf(refund(AWAY), approval)).toMatch(
      /so nobody has agreed to that, and it cannot be found out now: the shop is away\. Ask for it again$/,
    );
  });

  it('cannot be compared where a part of it could not be found out, not even when the same part cannot be now', async () => {
    const partly = async () => ({ ...SEEN, problem: 'step 2 (deploy): the shop is away' });
    const approval = await asked(partly);

    expect(approval.request.preview).toMatchObject({ changes: SEEN.changes, problem: expect.anything() });
    expect(approval.request.preview?.basis).toBeUndefined();
    expect(await whyOf(refund(partly), approval)).toContain('nobody has agreed to that');
  });

  it('is not asked about again once the call was begun, which may have changed it', async () => {
    const approval = await asked(AWAY);
    const begun = { ...approval, execution: { epoch: 1, owner: 'w', leaseUntilMs: 0, attempt: 1 } };

    expect(await whyOf(refund(AWAY), begun)).toBeUndefined();
  });
});
