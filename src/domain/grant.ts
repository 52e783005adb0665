/**
 * A yes to calls that have not been made yet: of one tool, for one person, within a rule that was shown before it was
 * given, up to a number of times, a sum and a moment.
 *
 * The functions here decide; the store applies what they return if the revision they saw still stands. Pure.
 *
 * Invariants
 *   A17  What was used never exceeds the budget, and a grant covers no call outside the rule that was shown.
 *   1.   One approval uses a grant once, however often it asks.
 *   2.   A grant holds while the same people would be asked, by a policy that takes such a one, and whoever gave it
 *        could still agree alone: where the rules name others, or it was taken from the giver, people are asked. A role that a group of their platform
 *        carried when they gave it counts as long as a group may carry it.
 *   3.   It never covers what cannot be undone and is of high risk.
 */
import canonicalize from 'canonicalize';
import { z } from 'zod';
import type { ApprovalRequest } from './approval/record.ts';
import { AccountId, ApprovalId, PersonId, Platform } from './ids.ts';
import { Approvers } from './quorum.ts';

/** Each wider than the one before. */
export const GrantScope = z.discriminatedUnion('kind', [
  /** The very same arguments. */
  z.object({ kind: z.literal('exact'), args: z.unknown() }),
  /** The same arguments but for some, which may be anything, or a number up to a limit. */
  z.object({
    kind: z.literal('like'),
    fixed: z.record(z.string(), z.unknown()),
    free: z.array(z.string()),
    most: z.record(z.string(), z.number()),
  }),
  z.object({ kind: z.literal('tool') }),
]);
export type GrantScope = z.infer<typeof GrantScope>;

export const Grant = z.object({
  id: z.string().regex(/^gr_[0-9a-z]{10}$/, 'a grant looks like gr_0123456789'),
  rev: z.int(),
  tool: z.string(),
  version: z.int(),
  /** Whose calls it covers. */
  requester: PersonId,
  /** What they are called; not there for those given before it was kept. */
  requesterName: z.string().optional(),
  scope: GrantScope,
  /** Who would be asked without it. */
  approvers: Approvers,
  by: z.object({ person: PersonId, name: z.string(), account: AccountId }),
  /** Their roles then that a group of their platform carried. */
  roles: z.array(z.string()).optional(),
  via: Platform,
  /** The request with which it was given. */
  given: ApprovalId,
  atMs: z.int(),
  untilMs: z.int(),
  /** Times it may be used. */
  times: z.int().min(1),
  /** The sum of one argument over all uses. */
  sum: z.object({ argument: z.string(), most: z.number() }).optional(),
  uses: z.array(z.object({ approval: ApprovalId, amount: z.number(), atMs: z.int() })),
  revoked: z.object({ by: PersonId, atMs: z.int() }).optional(),
});
export type Grant = z.infer<typeof Grant>;

export type GrantStep<Result> = { readonly result: Result; readonly next?: Grant };

/** Whether a grant may be given for such a call at all. */
export function isGrantable({ risk, reversible }: Pick<ApprovalRequest, 'risk' | 'reversible'>): boolean {
  return risk !== 'high' || reversible;
}

/** Uses it for one call, once. */
export function use(
  grant: Grant,
  approval: ApprovalId,
  call: GrantedCall,
  nowMs: number,
): GrantStep<'USED' | 'NOT_COVERED' | 'SPENT'> {
  if (!covers(grant, call, nowMs)) return { result: 'NOT_COVERED' };
  const amount = amountOf(grant, call.args);
  const others = grant.uses.filter((each) => each.approval !== approval);
  if (amount === undefined || isSpent({ ...grant, uses: others }, amount)) return { result: 'SPENT' };
  // A turn that is done over may ask for another amount under the same id.
  const counted = grant.uses.find((each) => each.approval === approval);
  if (counted?.amount === amount) return { result: 'USED' };
  return {
    result: 'USED',
    next: { ...grant, rev: grant.rev + 1, uses: [...others, { approval, amount, atMs: nowMs }] },
  };
}

export interface GrantedCall
  extends Pick<ApprovalRequest, 'tool' | 'version' | 'args' | 'requester' | 'risk' | 'reversible'> {
  /** Who would be asked. */
  readonly approvers: Approvers;
}

/** Whether it is in force and is about such a call; its budget is another matter. */
export function covers(grant: Grant, call: GrantedCall, nowMs: number): boolean {
  return (
    isInForce(grant, nowMs) &&
    isGrantable(call) &&
    call.tool === grant.tool &&
    call.version === grant.version &&
    call.requester === grant.requester &&
    same(call.approvers, grant.approvers) &&
    isWithin(grant.scope, call.args)
  );
}

export function isInForce({ revoked, untilMs }: Grant, nowMs: number): boolean {
  return revoked === undefined && nowMs < untilMs;
}

export function isSpent({ uses, times, sum }: Grant, amount = 0): boolean {
  const used = uses.reduce((total, each) => total + each.amount, 0);
  return uses.length >= times || (sum !== undefined && used + amount > sum.most);
}

/** What a use costs; undefined when it cannot be told, and so cannot be allowed. */
function amountOf({ sum }: Grant, args: unknown): number | undefined {
  if (!sum) return 0;
  const amount = argumentsOf(args)[sum.argument];
  return isAmount(amount) ? amount : undefined;
}

function isAmount(value: unknown): value is number {
  return typeof value === 'number' && value >= 0;
}

function isWithin(scope: GrantScope, args: unknown): boolean {
  switch (scope.kind) {
    case 'exact':
      return same(scope.args, args);
    case 'tool':
      return true;
    case 'like': {
      const given = argumentsOf(args);
      const open = new Set([...scope.free, ...Object.keys(scope.most)]);
      const fixed = Object.fromEntries(Object.entries(given).filter(([name]) => !open.has(name)));
      const withinLimits = Object.entries(scope.most).every(([name, most]) => {
        const value = given[name];
        return isAmount(value) && value <= most;
      });
      return withinLimits && same(scope.fixed, fixed);
    }
    default:
      return scope satisfies never;
  }
}

function argumentsOf(args: unknown): Record<string, unknown> {
  return typeof args === 'object' && args !== null && !Array.isArray(args) ? { ...args } : {};
}

function same(one: unknown, other: unknown): boolean {
  return canonicalize(stored(one)) === canonicalize(stored(other));
}

/** As it is kept: what is undefined is not there. */
function stored(value: unknown): unknown {
  return value === undefined ? null : JSON.parse(JSON.stringify(value));
}

/** The one who gave it, or somebody who runs the gateway, takes it back. */
export function revokeGrant(
  grant: Grant,
  by: { readonly person: PersonId; readonly operates: boolean },
  nowMs: number,
): GrantStep<'DONE' | 'ALREADY' | 'NOT_ELIGIBLE'> {
  if (by.person !== grant.by.person && !by.operates) return { result: 'NOT_ELIGIBLE' };
  if (grant.revoked) return { result: 'ALREADY' };
  return { result: 'DONE', next: { ...grant, rev: grant.rev + 1, revoked: { by: by.person, atMs: nowMs } } };
}

/** A wish for a grant, in words: `exact 7d 5x`, `like order,reason amount<=120 7d 5x sum amount<=500`, `tool 1d 3x`. */
export interface GrantWish {
  readonly kind: GrantScope['kind'];
  readonly free: readonly string[];
  readonly most: Readonly<Record<string, number>>;
  readonly forMs: number;
  readonly times: number;
  readonly sum?: { readonly argument: string; readonly most: number };
}

/** The rule that a wish comes to for a call, or in words why it comes to none, or to one under which nothing ever runs. */
export function toScope(
  { kind, free, most, sum }: Pick<GrantWish, 'kind' | 'free' | 'most' | 'sum'>,
  args: unknown,
): GrantScope | string {
  const given = argumentsOf(args);
  const named = [...free, ...Object.keys(most), ...(sum ? [sum.argument] : [])];
  const unknown = named.find((name) => !Object.hasOwn(given, name));
  if (unknown !== undefined)
    return `the call has no argument ${unknown}; it has ${Object.keys(given).join(', ') || 'none'}`;
  const uncountable = [...Object.keys(most), ...(sum ? [sum.argument] : [])].find(
    (name) => !isAmount(given[name]),
  );
  if (uncountable !== undefined) {
    return `${uncountable} of the call is no number from 0 up, so it can have no limit`;
  }
  const open = new Set([...free, ...Object.keys(most)]);
  const isFixed = sum && (kind === 'exact' || (kind === 'like' && !open.has(sum.argument)));
  if (isFixed && Number(given[sum.argument]) > sum.most) {
    return `the call has ${sum.argument} ${given[sum.argument]} already, and all of them together may have ${sum.most}`;
  }
  if (kind === 'exact') return { kind, args };
  if (kind === 'tool') return { kind };
  if (free.length + Object.keys(most).length === 0) return 'it is not said which arguments may differ';
  const fixed = Object.fromEntries(Object.entries(given).filter(([name]) => !open.has(name)));
  return { kind, fixed, free: [...free], most: { ...most } };
}
