import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  inboxesFor,
  inboxesOf,
  inboxOfConversation,
  inboxOfHeld,
  movesBetween,
} from '../../../src/approvals/inbox.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { ConversationId, PersonId } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { type Approvers, isApprover, ScheduleName, type Voter } from '../../../src/domain/quorum.ts';
import { anApproval, DEADLINE_MS, OPENED_MS } from '../../support/approvals.ts';

const MANAGER = RoleName.parse('manager');
const DIRECTOR = RoleName.parse('director');
const SUPPORT = ScheduleName.parse('support');
/** Of the conversation the approvals here belong to. */
const HELD = 'held:"slack:T0:C0:1"';
const [DANA, EVE] = [PersonId.parse('dana'), PersonId.parse('eve')];

const leaf = fc.constantFrom<Approvers[]>(
  { role: MANAGER },
  { role: DIRECTOR, count: 2 },
  { person: DANA },
  { onCall: SUPPORT },
);
const approvers: fc.Arbitrary<Approvers> = fc.oneof(
  leaf,
  fc.record({ atLeast: fc.constant(1), of: fc.array(leaf, { minLength: 1, maxLength: 3 }) }),
);
const word = fc.record({
  person: fc.constantFrom(DANA, EVE),
  roles: fc.subarray<string>([MANAGER, DIRECTOR]),
  onCall: fc.subarray<string>([SUPPORT]),
});
const voter: fc.Arbitrary<Voter> = fc
  .tuple(word, fc.array(word, { maxLength: 1 }))
  .map(([own, standsFor]) => ({ ...own, standsFor }));

describe('an inbox', () => {
  it('is looked into by everybody who may answer what lies in it', () => {
    fc.assert(
      fc.property(approvers, voter, (wanted, somebody) => {
        const lies = inboxesOf(anApproval({ policy: { approvers: wanted } }));
        const looked = inboxesFor(somebody);

        expect(lies.some((name) => looked.includes(name))).toBe(isApprover(wanted, somebody));
      }),
    );
  });

  it('holds what somebody was given the word for', () => {
    const approval = anApproval();
    const delegations = [{ from: DANA, to: EVE, by: DANA, atMs: OPENED_MS }];

    expect(inboxesOf({ ...approval, delegations })).toEqual(['role:manager', 'person:eve', HELD]);
  });

  it('holds what others are asked for further', () => {
    const ladder: Approval['policy']['ladder'] = [
      { kind: 'escalate', approvers: { role: DIRECTOR }, forMs: DEADLINE_MS },
    ];
    const before = anApproval({ policy: { ladder } });
    const next = { ...before, rung: 1, deadlineMs: before.deadlineMs + DEADLINE_MS };

    expect(movesBetween(undefined, before)).toBe(`+role:manager\n+${HELD}`);
    expect(movesBetween(before, next)).toBe(`+role:manager\n+role:director\n+${HELD}`);
  });

  it('is left by what is decided, and untouched by what changes neither who may answer nor until when', () => {
    const before = anApproval();

    expect(movesBetween(before, { ...before, rev: 2, reminded: 1 })).toBe('');
    expect(movesBetween(before, { ...before, rev: 2, state: 'APPROVED' })).toBe('-role:manager');
    expect(movesBetween(undefined, { ...before, state: 'DENIED' })).toBe('');
  });

  it('of a conversation holds what waits in it, or runs because somebody agreed to it, until that has ended', () => {
    const states = ['OPEN', 'NEEDS_INFO', 'APPROVED', 'EXECUTING', 'UNKNOWN'] as const;
    const opened = anApproval();

    for (const state of states) expect(inboxesOf({ ...opened, state })).toContain(HELD);
    expect(inboxesOf({ ...opened, state: 'EXECUTED' })).toEqual([]);
    expect(
      inboxesOf({ ...opened, client: { name: 'billing', key: 'k1', permit: false, fingerprint: '' } }),
    ).toEqual(['role:manager']);
  });

  it('of what nobody knows the end of holds nothing else', () => {
    const unknown: Approval = { ...anApproval(), state: 'UNKNOWN' };

    expect(inboxesOf(unknown)).toEqual([HELD, 'unknown']);
    expect(movesBetween(unknown, { ...unknown, rev: 9, state: 'EXECUTED' })).toBe(`-${HELD}\n-unknown`);
  });

  it('of a conversation holds what a new message may end, until it begins to run', () => {
    const inbox = '-conversation:"slack:T0:C0:1"';
    const before = anApproval({ policy: { onNewMessage: 'supersede' } });
    const approved: Approval = { ...before, rev: 2, state: 'APPROVED' };

    expect(inboxesOf(before)).toEqual(['role:manager', HELD, inbox.slice(1)]);
    expect(movesBetween(before, approved)).toBe('-role:manager');
    expect(movesBetween(approved, { ...approved, rev: 3, state: 'EXECUTING' })).toBe(inbox);
    expect(movesBetween(before, { ...before, state: 'SUPERSEDED' })).toBe(
      `-role:manager\n-${HELD}\n${inbox}`,
    );
  });

  it('of a conversation has a name of one line, whatever the conversation is called', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (name) => {
        const conversationId = ConversationId.parse(name.slice(0, 200));
        expect(inboxOfConversation(conversationId)).not.toContain('\n');
        expect(inboxOfHeld(conversationId)).not.toContain('\n');
      }),
    );
  });
});
