import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { type PermitDesk, type ResumeDeps, runApproved } from '../../../src/agent/resume.ts';
import type { OutputShelf } from '../../../src/agent/tools/output.ts';
import { digestOf } from '../../../src/domain/approval/digest.ts';
import { claim, type Permit } from '../../../src/domain/approval/execution.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import type { Tool, ToolOutput } from '../../../src/domain/tool.ts';
import { anApproval, aVote, LEASE_MS, OPENED_MS } from '../../support/approvals.ts';
import { ManualClock } from '../../support/core.ts';
import { createTestTools, NO_SHELF, type Run } from '../../support/tools.ts';

/** Grants by the machine itself, and writes down what it is told. */
class TestDesk implements PermitDesk {
  readonly told: unknown[] = [];
  stored: Approval | undefined;

  constructor(private readonly onClaim: () => void = () => undefined) {}

  async claim(approval: Approval, digestToRun: string, drift?: string) {
    this.onClaim();
    const { result, moved } = claim(approval, 'w1', digestToRun, OPENED_MS, drift);
    this.stored = moved?.next;
    return result;
  }

  async renew(): Promise<boolean> {
    return true;
  }

  async complete(_permit: Permit, output: ToolOutput) {
    this.told.push(output);
    return 'RECORDED' as const;
  }

  async loseTrack(_permit: Permit, remark: string) {
    this.told.push({ lost: remark });
    return 'RECORDED' as const;
  }
}

function having(desk: PermitDesk, clock = new ManualClock(), outputs = NO_SHELF): ResumeDeps {
  return { desk, clock, outputs, whyGone: () => undefined };
}

function approved(args: unknown = { order: 7, amount: 120 }): Approval {
  const approval = anApproval({ request: { args } });
  return vote(approval, aVote(approval), OPENED_MS).result.approval;
}

const refundOf = (runs: Run[], change: Partial<Tool> = {}): Tool => ({
  ...createTestTools(runs).find(({ name }) => name === 'refund')!,
  ...change,
});

describe('running an approved call', () => {
  it('OM-125 runs exactly what was approved, once, under its own idempotency key, and reports', async () => {
    const runs: Run[] = [];
    const desk = new TestDesk();

    const resumed = await runApproved(having(desk), refundOf(runs), approved());

    expect(resumed).toEqual({ kind: 'ran', output: { status: 'ok', text: 'refund done' } });
    expect(runs.map(({ args }) => args)).toEqual([{ order: 7, amount: 120 }]);
    expect(runs[0]?.context.idempotencyKey).toMatch(/^[\w-]{32}$/);
    expect(desk.told).toEqual([{ status: 'ok', text: 'refund done' }]);
  });

  it('OM-187 keeps with the outcome whose words it tells, and tells the tool what was read before', async () => {
    const runs: Run[] = [];
    const desk = new TestDesk();
    const approval = approved();
    const request = { ...approval.request, strangers: ['a page of the web'] };

    await runApproved(having(desk), refundOf(runs, { tells: 'outsider' }), { ...approval, request });

    expect(desk.told).toEqual([{ status: 'ok', text: 'refund done', trust: 'outsider' }]);
    expect(runs[0]?.context.hasReadStrangers).toBe(true);
  });

  it('OM-187 tells the tool so where nobody but whoever asked had written what was read', async () => {
    const runs: Run[] = [];
    const approval = approved();
    const request = { ...approval.request, heard: ['what Eve wrote (guest.0123456789abcdef)'] };

    await runApproved(having(new TestDesk()), refundOf(runs), { ...approval, request });

    expect(runs[0]?.context.hasReadStrangers).toBe(true);
  });

  it('runs nothing that is not approved', async () => {
    const runs: Run[] = [];

    expect(await runApproved(having(new TestDesk()), refundOf(runs), anApproval())).toEqual({
      kind: 'not-run',
      why: 'REFUSED',
    });
    expect(runs).toEqual([]);
  });

  it('runs nothing whose arguments were changed after the yes', async () => {
    const runs: Run[] = [];
    const approval = approved();
    const args = { order: 7, amount: 12_000 };
    const changed = { ...approval, request: { ...approval.request, args } };
    const stored = { ...changed, digest: digestOf(changed.request) };

    for (const each of [changed, stored]) {
      expect(await runApproved(having(new TestDesk()), refundOf(runs), each)).toEqual({
        kind: 'not-run',
        why: 'MISMATCH',
      });
    }
    expect(runs).toEqual([]);
  });

  it('takes a yes back to a tool whose meaning changed after it', async () => {
    const runs: Run[] = [];
    const desk = new TestDesk();

    expect(await runApproved(having(desk), refundOf(runs, { version: 2 }), approved())).toMatchObject({
      why: 'REFUSED',
    });
    expect(desk.stored).toMatchObject({
      state: 'REVOKED',
      remark: 'refund has changed since it was asked. Ask for it again',
    });
    expect(runs).toEqual([]);
  });

  it('begins nothing when the permit took so long that another may be near', async () => {
    const runs: Run[] = [];
    const clock = new ManualClock();
    const desk = new TestDesk(() => clock.advance(LEASE_MS - 1_000));

    expect(await runApproved(having(desk, clock), refundOf(runs), approved())).toEqual({
      kind: 'not-run',
      why: 'PERMIT_TOO_OLD',
    });
    expect(runs).toEqual([]);
  });

  it('reports a tool that is gone, or arguments that no longer fit, as not run', async () => {
    const desk = new TestDesk();

    await runApproved(having(desk), undefined, approved());
    await runApproved(having(desk), refundOf([]), approved({ order: 'seven' }));

    expect(desk.told).toEqual([
      { status: 'error', text: 'refund was not run: there is no such tool any more' },
      { status: 'error', text: 'refund was not run: its arguments no longer fit' },
    ]);
  });

  it('says of a tool that is only held back why it was not run, not that there is none', async () => {
    const desk = new TestDesk();
    const whyGone = (tool: string) => `${tool} waits for review`;

    await runApproved({ ...having(desk), whyGone }, undefined, approved());

    expect(desk.told).toEqual([{ status: 'error', text: 'refund was not run: refund waits for review' }]);
  });

  it('brings to its end what makes calls of others and was begun, also where it may not be begun any more', async () => {
    const runs: Run[] = [];
    const forbidden = 'no role covers it';
    const begin = approved();
    const begun = { ...begin, execution: { epoch: 1, owner: 'w0', leaseUntilMs: OPENED_MS, attempt: 1 } };
    const drifts: unknown[] = [];
    const desk = new TestDesk();
    const watched: PermitDesk = {
      claim: async (approval, _digest, drift) => {
        drifts.push(drift);
        return desk.claim(approval, approval.digest);
      },
      renew: () => desk.renew(),
      complete: (permit, output) => desk.complete(permit, output),
      loseTrack: (permit, remark) => desk.loseTrack(permit, remark),
    };
    const plan = refundOf(runs, { calls: () => [] });

    await runApproved(having(watched), plan, begun, forbidden);
    await runApproved(having(watched), plan, begin, forbidden);
    await runApproved(having(watched), refundOf(runs), begun, forbidden);

    expect(drifts).toEqual([undefined, forbidden, forbidden]);
  });

  it('does not say of what was begun that it was not run', async () => {
    const desk = new TestDesk();
    const begun = {
      ...approved(),
      execution: { epoch: 1, owner: 'w0', leaseUntilMs: OPENED_MS, attempt: 1 },
    };

    await runApproved(having(desk), undefined, begun);

    expect(desk.told).toEqual([
      { status: 'error', text: expect.stringContaining('was begun before and could not be gone on with') },
    ]);
  });

  it('breaks the call off when its permit is gone, and not when nobody can tell', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    onTestFinished(() => void vi.useRealTimers());
    const desk = new TestDesk();
    const renewals = [() => Promise.reject(new Error('the store is away')), async () => true];
    desk.renew = async () => renewals.shift()?.() ?? false;
    let signal = new AbortController().signal;
    const lasting = refundOf([], {
      execute: (_args, context) => {
        signal = context.signal;
        return new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(signal.reason));
        });
      },
    });

    const running = runApproved(having(desk), lasting, approved());
    await vi.advanceTimersByTimeAsync(LEASE_MS * 0.7);
    const early = signal.aborted;
    await vi.advanceTimersByTimeAsync(LEASE_MS / 3);

    expect(early).toBe(false);
    expect(renewals).toEqual([]);
    expect(signal.aborted).toBe(true);
    expect(await running).toEqual({ kind: 'lost-track', remark: 'the permit to run refund is gone' });
  });

  it('renews the permit of a call that takes longer than two seconds, so that its card says that it runs', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    const desk = new TestDesk();
    const renew = vi.spyOn(desk, 'renew');
    const short = await runApproved(having(desk), refundOf([]), approved());
    let end = (_output: ToolOutput): void => undefined;
    const lasting = refundOf([], { execute: () => new Promise((resolve) => (end = resolve)) });

    const running = runApproved(having(desk), lasting, approved());
    await vi.advanceTimersByTimeAsync(1_999);
    const early = renew.mock.calls.length;
    await vi.advanceTimersByTimeAsync(1);
    const after = renew.mock.calls.length;
    end({ status: 'ok', text: 'done' });

    expect([short.kind, early, after, (await running).kind]).toEqual(['ran', 0, 1, 'ran']);
  });

  it('tells the call which permit it runs under', async () => {
    const runs: Run[] = [];
    const before = { epoch: 2, owner: 'w0', leaseUntilMs: OPENED_MS, attempt: 2 };

    await runApproved(having(new TestDesk()), refundOf(runs), { ...approved(), execution: before });

    expect(runs[0]?.context.permitEpoch).toBe(3);
  });

  it('says that it lost track when the tool broke off', async () => {
    const desk = new TestDesk();
    const broken = refundOf([], {
      execute: async () => {
        throw new Error('socket hang up');
      },
    });

    expect(await runApproved(having(desk), broken, approved())).toEqual({
      kind: 'lost-track',
      remark: 'socket hang up',
    });
    expect(desk.told).toEqual([{ lost: 'socket hang up' }]);
  });

  it('keeps what is too long, records its beginning, and says how to read on', async () => {
    const desk = new TestDesk();
    const kept: string[] = [];
    const shelf: OutputShelf = {
      keep: async (_conversation, _handle, { text }) => {
        kept.push(text);
        return text.length;
      },
    };
    const text = 'x'.repeat(50);
    const wordy = refundOf([], { outputChars: 10, execute: async () => ({ status: 'ok', text }) });

    const resumed = await runApproved(having(desk, new ManualClock(), shelf), wordy, approved());

    expect(kept).toEqual([text]);
    expect(resumed).toMatchObject({
      output: { text: expect.stringMatching(/^x{10}\n\n\[Cut here: .*"out_/) },
    });
    expect(desk.told).toEqual([resumed.kind === 'ran' ? resumed.output : undefined]);
  });
});
