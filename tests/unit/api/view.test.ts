import { expect, it } from 'vitest';
import { toView } from '../../../src/api/view.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { anApproval, OPENED_MS } from '../../support/approvals.ts';

it('OM-094 tells a program whole what came of a call, also what its tool says of it', () => {
  const told = { status: 'ok', text: 'Output:\n42', atMs: OPENED_MS } as const;
  const by = { source: 'the script sum', heading: 'sum has run.' };
  const textOf = (result: Approval['result']) => toView({ ...anApproval(), result }).result?.text;

  expect(textOf(told)).toBe('Output:\n42');
  expect(textOf({ ...told, ...by })).toBe('sum has run.\nOutput:\n42');
});
