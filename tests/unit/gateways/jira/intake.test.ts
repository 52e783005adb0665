/** Whose word an assignment is, by what the history of the issue says. */
import { describe, expect, it } from 'vitest';
import { giftIn } from '../../../../gateways/jira/intake.ts';
import type { HistoryEntry, JiraIssue } from '../../../../gateways/jira/schema.ts';

const US = { accountId: 'bot' };
const ISSUE: JiraIssue = {
  id: '1',
  key: 'OPS-1',
  fields: {
    assignee: US,
    creator: { accountId: 'creator' },
    created: '2026-03-01T09:00:00.000+0000',
  },
};

let entries = 0;

function given(by: string, from: string | null, to: string | null): HistoryEntry {
  const created = '2026-03-02T09:00:00.000+0000';
  return {
    id: String(++entries),
    author: { accountId: by },
    created,
    items: [{ field: 'assignee', from, to }],
  };
}

function giver(history: readonly HistoryEntry[], isWhole = true): string | undefined {
  return giftIn({ entries: history, isWhole }, ISSUE, US)?.by.accountId;
}

describe('who gave us an issue', () => {
  it('is who assigned it to us last', () => {
    const history = [given('dana', null, 'bot'), given('dana', 'bot', 'alex'), given('eve', 'alex', 'bot')];
    expect(giver(history)).toBe('eve');
  });

  it('is not who gave it to somebody else after that', () => {
    expect(giver([given('eve', null, 'bot'), given('dana', 'bot', 'alex')])).toBe('eve');
  });

  it('is who created it where nobody has assigned it since', () => {
    expect(giver([])).toBe('creator');
    expect(giver([given('dana', 'bot', null)])).toBe('creator');
  });

  it('is nobody we can name where the history tells of other assignments only, or not of all', () => {
    expect(giver([given('dana', null, 'alex')])).toBeUndefined();
    expect(giver([], false)).toBeUndefined();
  });
});
