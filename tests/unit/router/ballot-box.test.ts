import { describe, expect, it } from 'vitest';
import { ToolCatalog } from '../../../src/agent/tools/tool-catalog.ts';
import type { ApprovalStore } from '../../../src/approvals/approval-store.ts';
import { AccountId } from '../../../src/domain/ids.ts';
import { EMPTY_LEDGER, type LinkLedger } from '../../../src/domain/link.ts';
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
