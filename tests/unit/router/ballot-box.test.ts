import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ToolCatalog } from '../../../src/agent/tools/tool-catalog.ts';
import type { ApprovalStore } from '../../../src/approvals/approval-store.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { AccountId } from '../../../src/domain/ids.ts';
import { EMPTY_LEDGER, type LinkLedger } from '../../../src/domain/link.ts';
import type { Tool } from '../../../src/domain/tool.ts';
import { Directory } from '../../../src/identity/directory.ts';
import { BallotBox, type BallotDeps, type Said } from '../../../src/router/ballot-box.ts';
import { anApproval, DANA } from '../../support/approvals.ts';
import { parse } from '../config/config-texts.ts';

const NEW = AccountId.parse('discord:1');
const LINKED: LinkLedger = {
  ...EMPTY_LEDGER,
  rev: 1,
  links: [{ account: NEW, person: DANA, name: 'dana', confirmedBy: 'slack:T0/U0DANA', atMs: 0 }],
};

/** Dana answers from an account that was hers when it was looked up, and is not when it is to count. */
async function castTooLate(said: Said) {
  const approval = anApproval();
  let ledger = LINKED;
  const config = parse();
  const directory = new Directory(() => config, {
    snapshot: () => ledger,
    now: async () => {
      ledger = EMPTY_LEDGER;
      return ledger;
    },
  });
  const written: string[] = [];
  const approvals = {
    find: async () => approval,
    apply: async () => {
      written.push('a decision');
    },
  } as unknown as ApprovalStore; // all that a ballot uses of it
  const unused = {} as Pick<BallotDeps, 'grants' | 'reach'> & BallotDeps; // nothing gets so far
  const box = new BallotBox({
    ...unused,
    approvals,
    directory,
    tools: new ToolCatalog([]),
    config: () => config,
  });
  const speaker = { person: directory.find(DANA)!, account: NEW, linked: true as const };
  const ballot = { key: 'gesture-1', said, gen: approval.gen, digest: approval.digest };
  return { counted: await box.cast(approval.id, speaker, ballot), written };
}

describe('an answer from an account that was unlinked between the click and the count', () => {
  it.each<Said>([
    { kind: 'approve' },
    { kind: 'deny', reason: '' },
    { kind: 'answer', text: 'yes' },
    { kind: 'question', text: 'why?' },
    { kind: 'undo' },
    { kind: 'reply', text: 'because' },
    { kind: 'delegate', to: 'alex' },
    { kind: 'always', text: 'exact 1d 1x' },
  ])('OM-182 changes nothing: $kind', async (said) => {
    const { counted, written } = await castTooLate(said);

    expect(counted).toMatchObject({
      code: 'NOT_ELIGIBLE',
      notice: expect.stringContaining('nobody’s I know'),
    });
    expect(written).toEqual([]);
  });
});

describe('other arguments than the tool has', () => {
  it('OM-124 are named, where the tool would pass over them, and are no yes', async () => {
    const asked = anApproval();
    const approval: Approval = {
      ...asked,
      policy: { ...asked.policy, choices: ['approve', 'edit', 'deny'] },
      request: { ...asked.request, tool: 'set_quota', args: { to: 14 } },
    };
    const config = parse();
    const directory = new Directory(() => config);
    const approvals = {
      find: async () => approval,
      apply: async (_id: unknown, step: (each: Approval, nowMs: number) => { result: unknown }) =>
        step(approval, approval.openedMs).result,
    } as unknown as ApprovalStore; // all that a ballot uses of it
    const rest = {} as Pick<BallotDeps, 'grants' | 'reach' | 'holdOf'>;
    const tools = new ToolCatalog([setQuota]);
    const box = new BallotBox({
      ...rest,
      holdOf: async () => undefined,
      approvals,
      directory,
      tools,
      config: () => config,
    });
    const dana = directory.find(DANA)!;

    const counted = await box.cast(
      approval.id,
      { person: dana, account: dana.accounts[0]! },
      { key: 'k', said: { kind: 'edit', changes: { foo: '1' } }, gen: approval.gen, digest: approval.digest },
    );

    expect(counted).toMatchObject({
      code: 'INVALID',
      notice: expect.stringContaining('foo is not one of the arguments, which are to'),
    });
  });
});

const setQuota = {
  name: 'set_quota',
  group: 'automation',
  version: 1,
  description: 'Sets it.',
  input: z.object({ to: z.number() }),
  risk: 'low',
  effect: 'idempotent',
  reversible: true,
  timeoutMs: 1_000,
  execute: async () => ({ status: 'ok', text: 'done' }),
} as const satisfies Tool;
