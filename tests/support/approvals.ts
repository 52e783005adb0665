/** Approvals for tests: a refund that Alex asked for and a manager decides. Each builder shows only what matters. */

import { type Opening, open } from '../../src/domain/approval/opening.ts';
import type {
  Approval,
  ApprovalPolicy,
  ApprovalRequest,
  CardCopy,
} from '../../src/domain/approval/record.ts';
import type { Vote } from '../../src/domain/approval/voting.ts';
import { AccountId, ApprovalId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import type { Address } from '../../src/domain/message.ts';
import { partitionOf } from '../../src/redis/keys.ts';

export const OPENED_MS = Date.parse('2026-01-01T00:00:00Z');
export const DEADLINE_MS = 60_000;
export const VALID_FOR_MS = 30_000;
export const LEASE_MS = 10_000;

export const SLACK = Platform.parse('slack');
export const EMAIL = Platform.parse('email');
export const ALEX = PersonId.parse('alex');
export const DANA = PersonId.parse('dana');

/** Where nobody has given a standing yes. */
export const NO_STANDING_YES = { whyNot: async () => undefined };

export interface ApprovalWish {
  readonly conversation?: string;
  readonly tail?: string;
  readonly request?: Partial<ApprovalRequest>;
  readonly policy?: Partial<ApprovalPolicy>;
  readonly copies?: readonly CardCopy[];
  readonly openedMs?: number;
  readonly deadlineMs?: number;
  readonly verdict?: Opening['verdict'];
}

export function anApproval(wish: ApprovalWish = {}): Approval {
  const conversationId = ConversationId.parse(wish.conversation ?? 'slack:T0:C0:1');
  const openedMs = wish.openedMs ?? OPENED_MS;
  return open({
    id: ApprovalId.parse(`apr_p${partitionOf(conversationId)}_${wish.tail ?? '0123456789ab'}`),
    conversationId,
    origin: anAddress('slack'),
    request: { ...REFUND, ...wish.request },
    policy: { ...POLICY, ...wish.policy },
    deadlineMs: wish.deadlineMs ?? openedMs + DEADLINE_MS,
    copies: wish.copies ?? [
      { id: 'conversation', to: anAddress('slack') },
      { id: 'dana', to: anAddress('email'), person: DANA, outcomeOnly: true },
    ],
    nowMs: openedMs,
    verdict: wish.verdict ?? 'human',
  });
}

const REFUND: ApprovalRequest = {
  tool: 'refund',
  version: 1,
  args: { order: 7, amount: 120, currency: 'EUR' },
  risk: 'high',
  effect: 'once',
  reversible: false,
  requester: ALEX,
  requesterName: 'Alex Kim',
  callId: 'toolu_1',
  correlation: 'slack:T0:C0:1.1',
};

const POLICY: ApprovalPolicy = {
  name: 'default',
  rule: 'refunds above 50',
  approvers: { role: 'manager' },
  choices: ['approve', 'deny', 'answer'],
  remindAfterMs: [10_000, 40_000],
  validForMs: VALID_FOR_MS,
  leaseMs: LEASE_MS,
};

/** Their account, of those that they vote from here. */
export function accountOf(person: string): AccountId {
  return AccountId.parse(`slack:T0/U0${person.toUpperCase()}`);
}

/** Whose it is. */
export function ownerOf(account: AccountId): PersonId | undefined {
  const name = /^slack:T0\/U0(.+)$/.exec(account)?.[1];
  return name === undefined ? undefined : PersonId.parse(name.toLowerCase());
}

/** Dana's yes, in Slack, to the card as it stands. */
export function aVote(approval: Approval, wish: Partial<Omit<Vote, 'by'>> & { person?: string } = {}): Vote {
  const { person = 'dana', ...rest } = wish;
  return {
    key: `slack:click:${person}:${wish.choice ?? 'approve'}`,
    choice: 'approve',
    text: undefined,
    gen: approval.gen,
    digest: approval.digest,
    by: {
      person: PersonId.parse(person),
      name: person === 'dana' ? 'Dana' : person,
      account: accountOf(person),
    },
    roles: ['manager'],
    permitted: true,
    via: SLACK,
    ...rest,
  };
}

export function anAddress(platform: string): Address {
  return platform === 'email'
    ? { platform: EMAIL, route: { to: 'dana@corp.test' } }
    : { platform: SLACK, route: { team: 'T0', channel: 'C0', thread: '1' } };
}
