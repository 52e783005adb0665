import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { grantText } from '../../../src/approvals/sentences.ts';
import {
  covers,
  type Grant,
  type GrantedCall,
  isSpent,
  revokeGrant,
  toScope,
  use,
} from '../../../src/domain/grant.ts';
import { AccountId, ApprovalId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { parseGrantWish, wishText } from '../../../src/router/grant-wish.ts';
import { ALEX, DANA, OPENED_MS, SLACK } from '../../support/approvals.ts';
import { runs } from '../../support/property-runs.ts';

const MANAGER = { role: RoleName.parse('manager') };
const ARGS = { order: 7, amount: 40, currency: 'EUR' };

function aCall(change: Partial<GrantedCall> = {}): GrantedCall {
  return {
    tool: 'refund',
    version: 1,
    args: ARGS,
    requester: ALEX,
    risk: 'medium',
    reversible: true,
    approvers: MANAGER,
    ...change,
  };
}

function aGrant(change: Partial<Grant> = {}): Grant {
  return {
    id: 'gr_0123456789',
    rev: 1,
    tool: 'refund',
    version: 1,
    requester: ALEX,
    scope: { kind: 'like', fixed: { currency: 'EUR' }, free: ['order'], most: { amount: 50 } },
    approvers: MANAGER,
    by: { person: DANA, name: 'Dana', account: AccountId.parse('slack:T0/U0DANA') },
    via: SLACK,
    given: idOf(0),
    atMs: OPENED_MS,
    untilMs: OPENED_MS + 60_000,
    times: 3,
    sum: { argument: 'amount', most: 100 },
    uses: [],
    ...change,
  };
}

function idOf(n: number): ApprovalId {
  return ApprovalId.parse(`apr_p0_${String(n).padStart(12, '0')}`);
}

describe('a standing yes', () => {
  it('A17 counts what was asked for last, where a turn is done over under the same request', () => {
    const first = use(aGrant(), idOf(1), aCall({ args: { ...ARGS, amount: 10 } }), OPENED_MS).next!;

    const again = use(first, idOf(1), aCall({ args: { ...ARGS, amount: 45 } }), OPENED_MS);
    const tooMuch = use(
      { ...first, sum: { argument: 'amount', most: 40 } },
      idOf(1),
      aCall({ args: { ...ARGS, amount: 45 } }),
      OPENED_MS,
    );

    expect(again.next?.uses).toMatchObject([{ approval: idOf(1), amount: 45 }]);
    expect(tooMuch).toEqual({ result: 'SPENT' });
  });

  it('A17 is never used beyond its budget, whatever is asked in whatever order, and once for each request', () => {
    const step = fc.record({
      n: fc.nat(6),
      amount: fc.constantFrom(0, 10, 40, 50, 60),
      order: fc.nat(3),
      later: fc.nat(40_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let grant = aGrant();
        let nowMs = OPENED_MS;
        for (const { n, amount, order, later } of steps) {
          nowMs += later;
          const { next } = use(grant, idOf(n), aCall({ args: { ...ARGS, amount, order } }), nowMs);
          if (next) expect([amount <= 50, nowMs < grant.untilMs]).toEqual([true, true]);
          grant = next ?? grant;
          expect(grant.uses.length).toBeLessThanOrEqual(3);
          expect(grant.uses.reduce((sum, each) => sum + each.amount, 0)).toBeLessThanOrEqual(100);
          expect(new Set(grant.uses.map(({ approval }) => approval)).size).toBe(grant.uses.length);
        }
      }),
      { numRuns: runs(500) },
    );
  });

  it.each<[string, Partial<GrantedCall>]>([
    ['another tool', { tool: 'deploy' }],
    ['another version of the tool', { version: 2 }],
    ['somebody else’s call', { requester: DANA }],
    ['more than its limit', { args: { ...ARGS, amount: 51 } }],
    ['a limit that is no number', { args: { ...ARGS, amount: '40' } }],
    ['a negative number', { args: { ...ARGS, amount: -1 } }],
    ['another value where nothing may differ', { args: { ...ARGS, currency: 'USD' } }],
    ['an argument more', { args: { ...ARGS, express: true } }],
    ['what others have to be asked for now', { approvers: { role: RoleName.parse('director') } }],
    ['what is of high risk and cannot be undone', { risk: 'high', reversible: false }],
  ])('A17 covers no %s', (_what, change) => {
    expect(covers(aGrant(), aCall(), OPENED_MS)).toBe(true);
    expect(covers(aGrant(), aCall(change), OPENED_MS)).toBe(false);
  });

  it('is over at its end, and once it was taken back, by its giver or who runs the gateway', () => {
    expect(covers(aGrant(), aCall(), OPENED_MS + 60_000)).toBe(false);
    expect(revokeGrant(aGrant(), { person: ALEX, operates: false }, OPENED_MS).result).toBe('NOT_ELIGIBLE');
    const { next } = revokeGrant(aGrant(), { person: ALEX, operates: true }, OPENED_MS);
    expect(covers(next!, aCall(), OPENED_MS)).toBe(false);
    expect(isSpent(aGrant({ times: 1, uses: [{ approval: idOf(1), amount: 0, atMs: 0 }] }))).toBe(true);
  });

  it('is written in one way that is read as it was meant', () => {
    const parsed = parseGrantWish('like order,reason amount<=120 7d 5x sum amount<=500 KXQ4');
    expect(parsed).toEqual({
      wish: {
        kind: 'like',
        free: ['order', 'reason'],
        most: { amount: 120 },
        forMs: 7 * 24 * 3_600_000,
        times: 5,
        sum: { argument: 'amount', most: 500 },
      },
      code: 'KXQ4',
    });
    if (typeof parsed === 'string') throw new Error(parsed);
    expect(parseGrantWish(wishText(parsed.wish))).toEqual({ wish: parsed.wish, code: undefined });
    for (const text of [
      '',
      'exact',
      'exact 7d',
      'exact 7d 0x',
      'everything 7d 5x',
      'tool 7d 5x please',
      'exact a<=1 7d 5x',
    ]) {
      expect(parseGrantWish(text)).toEqual(expect.stringContaining('always TICKET exact 7d 5x'));
    }
  });

  it('names no argument the call does not have', () => {
    expect(toScope({ kind: 'like', free: ['colour'], most: {} }, ARGS)).toContain('no argument colour');
    expect(toScope({ kind: 'like', free: [], most: {} }, ARGS)).toContain('which arguments may differ');
    expect(toScope({ kind: 'like', free: ['toString'], most: {} }, ARGS)).toContain('no argument toString');
  });

  const KINDS = ['exact', 'like', 'tool'] as const;

  it.each(KINDS)(
    'of %s calls limits the sum of no argument the call does not have, or that is no number',
    (kind) => {
      const limit = (argument: string, args: unknown = ARGS) =>
        toScope(
          { kind, free: ['order'].filter(() => kind === 'like'), most: {}, sum: { argument, most: 50 } },
          args,
        );

      expect(limit('replicas')).toBe('the call has no argument replicas; it has order, amount, currency');
      expect(limit('replicas', {})).toContain(kind === 'like' ? 'no argument order' : 'it has none');
      expect(limit('currency')).toBe('currency of the call is no number from 0 up, so it can have no limit');
      expect(limit('amount')).toMatchObject({ kind });
    },
  );

  it('A17 that is given covers the call it was given with, unless it limits what may differ to less', () => {
    const names = [...Object.keys(ARGS), 'replicas'];
    const wish = fc.record(
      {
        kind: fc.constantFrom(...KINDS),
        free: fc.subarray(names),
        most: fc.constant({}),
        sum: fc.record({ argument: fc.constantFrom(...names), most: fc.nat(100) }),
      },
      { requiredKeys: ['kind', 'free', 'most'] },
    );
    fc.assert(
      fc.property(wish, (each) => {
        const scope = toScope(each, ARGS);
        if (typeof scope === 'string') return;
        const { sum } = each;
        const { sum: _, ...grant } = aGrant({ scope });
        const mayDiffer =
          each.kind === 'tool' || (each.kind === 'like' && each.free.includes(sum?.argument ?? ''));
        // A smaller one may come.
        const args = sum && mayDiffer ? { ...ARGS, [sum.argument]: Math.min(7, sum.most) } : ARGS;

        const used = use({ ...grant, ...(sum ? { sum } : {}) }, idOf(1), aCall({ args }), OPENED_MS);

        expect(used.result).toBe('USED');
      }),
      { numRuns: runs(300) },
    );
  });

  it.each([
    ['1d', '1d'],
    ['7d', '7d'],
    ['1w', '7d'],
    ['24h', '1d'],
    ['36h', '36h'],
    ['60m', '1h'],
    ['90s', '90s'],
  ])('for %s is said again as %s', (written, said) => {
    const parsed = parseGrantWish(`exact ${written} 2x`);
    if (typeof parsed === 'string') throw new Error(parsed);

    expect(wishText(parsed.wish)).toBe(`exact ${said} 2x`);
  });

  it('names whoever asks by their name', () => {
    expect(grantText(aGrant({ requesterName: 'Alex Asker' }))).toContain('asked for by Alex Asker, 3 times');
  });
});
