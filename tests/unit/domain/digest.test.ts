/** What a yes is bound to: the same action always, in whatever words or order it was written, and no other. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromDocument, toDocument } from '../../../src/approvals/approval-codec.ts';
import { digestOf } from '../../../src/domain/approval/digest.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { ALEX, anApproval } from '../../support/approvals.ts';
import { runs } from '../../support/property-runs.ts';

const of = (args: unknown) => digestOf({ tool: 'refund', version: 1, args, requester: ALEX });

describe('the digest of an action', () => {
  it('is the same in whatever order the arguments stand, however deep', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (args) => {
        expect(of(reversed(args))).toBe(of(args));
      }),
      { numRuns: runs(300) },
    );
  });

  it('is the same for the same number, however it was written', () => {
    expect(of({ amount: JSON.parse('1e2') })).toBe(of({ amount: 100 }));
    expect(of({ amount: JSON.parse('100.0') })).toBe(of({ amount: 100 }));
    expect(of({ amount: -0 })).toBe(of({ amount: 0 }));
    expect(of({ amount: '100' })).not.toBe(of({ amount: 100 }));
  });

  it('is the same for the same text, however its accents are encoded', () => {
    expect(of({ 'caf\u00E9': 'Zo\u00EB' })).toBe(of({ 'cafe\u0301': 'Zoe\u0308' }));
  });

  it('is another for any other arguments', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        fc.pre(JSON.stringify(normal(one)) !== JSON.stringify(normal(other)));
        expect(of(one)).not.toBe(of(other));
      }),
      { numRuns: runs(300) },
    );
  });

  it('is another for another tool, another version of it, or another person', () => {
    const request = { tool: 'refund', version: 1, args: { order: 7 }, requester: ALEX };
    const digests = [
      digestOf(request),
      digestOf({ ...request, tool: 'deploy' }),
      digestOf({ ...request, version: 2 }),
      digestOf({ ...request, requester: PersonId.parse('dana') }),
    ];

    expect(new Set(digests).size).toBe(4);
  });

  it('does not depend on what the model says about it', () => {
    expect(anApproval({ request: { summary: 'harmless' } }).digest).toBe(anApproval().digest);
  });

  it('can be made of whatever a model may send, and is the same after it was stored', () => {
    fc.assert(
      fc.property(
        fc.jsonValue({ stringUnit: 'binary' }),
        fc.constantFrom('', '\uD83D', '\u0000'),
        (args, odd) => {
          const approval = anApproval({ request: { args: { args, odd } } });
          expect(fromDocument(toDocument(approval)).digest).toBe(approval.digest);
        },
      ),
      { numRuns: runs(300) },
    );
  });

  it('of dates and the like is that of what is stored of them', () => {
    const at = new Date('2026-01-01T00:00:00Z');
    const approval = anApproval({ request: { args: { at } } });

    expect(fromDocument(toDocument(approval)).digest).toBe(approval.digest);
    expect(of({ at })).not.toBe(of({ at: new Date(0) }));
  });
});

function reversed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversed);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, inner]) => [key, reversed(inner)] as const)
      .toReversed(),
  );
}

/** Keys in order, texts composed: two values that differ after this are different actions. */
function normal(value: unknown): unknown {
  if (typeof value === 'string') return value.normalize('NFC');
  if (Array.isArray(value)) return value.map(normal);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .map(([key, inner]) => [key.normalize('NFC'), normal(inner)] as const)
    .toSorted(([a], [b]) => (a < b ? -1 : 1));
}
