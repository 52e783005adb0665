/** What is gone from a list of comments, decided without Jira. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JiraComment } from '../../../../gateways/jira/schema.ts';
import { goneSince, SeenIssues } from '../../../../gateways/jira/seen-issues.ts';

/** The `n`th comment of an issue. */
function aComment(n: number): JiraComment {
  const time = new Date(n * 1_000).toISOString();
  return { id: String(n), author: { accountId: 'alex' }, body: 'x', created: time, updated: time };
}

function anIssue(id: string, updated: number) {
  return { id, key: `OPS-${id}`, fields: { updated: new Date(updated).toISOString() } };
}

describe('what is gone from a list of comments', () => {
  it('is what is not in a list that goes back as far as there are any', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(500)), fc.func(fc.boolean()), (numbers, isKept) => {
        const before = numbers.map(aComment);
        const comments = before.filter(({ id }) => isKept(id));

        const gone = goneSince(before, { comments, unread: [], isWhole: true });
        expect(gone).toEqual(before.filter(({ id }) => !isKept(id)));
      }),
    );
  });

  it('is never beyond the end of a list that stops before the oldest', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(500), { minLength: 1 }), fc.nat(), (numbers, keep) => {
        const before = numbers.toSorted((one, other) => other - one).map(aComment);
        const comments = before.slice(0, keep % before.length);

        expect(goneSince(before, { comments, unread: [], isWhole: false })).toEqual([]);
      }),
    );
  });

  it('is nothing that is there and only cannot be read', () => {
    const before = [aComment(1), aComment(2)];

    expect(goneSince(before, { comments: [], unread: ['1'], isWhole: true })).toEqual([aComment(2)]);
  });
});

describe('an issue that was seen', () => {
  const listing = { comments: [], unread: [], isWhole: true };

  it('is seen as it was then or before, and not as it is later', () => {
    const seen = new SeenIssues();
    for (let look = 0; look < 2; look++) seen.remember(anIssue('1', 5_000), listing);

    const times = [4_999, 5_000, 5_001].map((at) => seen.isSeen('1', new Date(at).toISOString()));
    expect(times).toEqual([true, true, false]);
    expect(seen.isSeen('2', new Date(0).toISOString())).toBe(false);
  });

  it('is not taken for seen before it was the same in two looks', () => {
    const seen = new SeenIssues();
    const isSeen = [4_000, 5_000, 5_000].map((updated) => {
      seen.remember(anIssue('1', updated), listing);
      return seen.isSeen('1', new Date(updated).toISOString());
    });

    expect(isSeen).toEqual([false, false, true]);
  });

  it('is forgotten after two hundred others', () => {
    const seen = new SeenIssues();
    for (let n = 0; n <= 200; n++) {
      for (let look = 0; look < 2; look++) seen.remember(anIssue(String(n), 1_000), listing);
    }

    const at = new Date(0).toISOString();
    expect([seen.isSeen('0', at), seen.isSeen('1', at), seen.isSeen('200', at)]).toEqual([false, true, true]);
  });
});
