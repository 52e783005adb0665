/**
 * One answer to several requests at once.
 *
 *   approve T1 T2 T3          ─▶ all of them, as they stand, to be read; "to agree write … KXQ4"
 *   approve T1 T2 KXQ4        ─▶ a yes to each, by itself
 *
 * Invariants
 *   1. Each is answered like a request answered alone: what holds one up holds up no other.
 *   2. The word at the end belongs to the person, the answer and every request as it was shown, so nobody answers what
 *      they were not shown.
 *   3. What is of high risk is answered alone.
 */
import type { ApprovalStore } from '../approvals/approval-store.ts';
import type { BatchReply } from '../approvals/reply-parser.ts';
import { literal, noticeFor, titleOf } from '../approvals/sentences.ts';
import type { Approval } from '../domain/approval/record.ts';
import { ticketOf } from '../domain/card.ts';
import type { Clock } from '../domain/clock.ts';
import type { BallotBox, Speaker } from './ballot-box.ts';
import { signOf } from './confirmations.ts';

/** Of a digest, what people can compare. */
const SHOWN_DIGEST_CHARS = 12;

export interface BatchDeps {
  readonly approvals: ApprovalStore;
  readonly ballots: BallotBox;
  readonly clock: Clock;
}

/** What became of one of them; undefined: it was not answered. */
export interface BatchItem {
  readonly approval: Approval;
  readonly code: string;
}

export interface BatchResult {
  readonly code: 'TO_CONFIRM' | 'NOTHING_TO_ANSWER' | 'ANSWERED';
  /** In markdown. */
  readonly notice: string;
  readonly confirm?: string;
  readonly items: readonly BatchItem[];
}

type Named = BatchReply['tickets'][number];
type Verdict = Extract<BatchReply['said'], { kind: 'approve' | 'deny' }>;

/** An answer to several that can be read. */
export interface SaidToSeveral extends Omit<BatchReply, 'said'> {
  readonly said: Verdict;
}

export class BatchDesk {
  constructor(private readonly deps: BatchDeps) {}

  /** @param key of the gesture; each answer has its own, made of it */
  async answer(
    speaker: Speaker,
    { tickets, sign, said, unsigned }: SaidToSeveral,
    key: string,
  ): Promise<BatchResult> {
    const found = await Promise.all(tickets.map((each) => this.#look(each, speaker, said)));
    if (sign !== undefined && sign === signFor(speaker, said, found)) {
      return this.#cast(speaker, said, found, key);
    }
    return toConfirm(speaker, said.kind === 'deny' ? { ...said, reason: unsigned } : said, found);
  }

  async #look(named: Named, speaker: Speaker, { kind }: Verdict): Promise<Looked> {
    const { approvals, ballots, clock } = this.deps;
    const ticket = ticketOf(named);
    const approval = await approvals.find(named.approvalId);
    if (!approval) return { ticket, approval: undefined, gen: named.gen, why: 'I have no such request' };
    const seen = { gen: named.gen, digest: approval.digest, choice: kind };
    const refusal = ballots.refusalOf(approval, speaker, seen, clock.now());
    const why =
      approval.request.risk === 'high'
        ? 'it is of high risk, and answered alone'
        : refusal && noticeFor(refusal);
    return { ticket, approval, gen: named.gen, why };
  }

  async #cast(speaker: Speaker, said: Verdict, found: readonly Looked[], key: string): Promise<BatchResult> {
    const items: BatchItem[] = [];
    const lines: string[] = [];
    for (const { ticket, approval, gen, why } of found) {
      if (!approval || (why !== undefined && approval.request.risk === 'high')) {
        lines.push(`- \`${ticket}\`: ${why}`);
        continue;
      }
      const ballot = { key: `${key}#${approval.id}`, said, gen, digest: approval.digest };
      const counted = await this.deps.ballots.cast(approval.id, speaker, ballot);
      if (!counted) continue;
      items.push({ approval, code: counted.code });
      lines.push(`- ${literal(titleOf(counted.approval))}: ${itemText(counted.code, counted.notice)}`);
    }
    return { code: 'ANSWERED', notice: `**Each by itself**\n\n${lines.join('\n')}`, items };
  }
}

/** A request as it stands, and in words why it cannot be answered so. */
interface Looked {
  readonly ticket: string;
  readonly approval: Approval | undefined;
  readonly gen: number;
  readonly why: string | undefined;
}

function toConfirm(speaker: Speaker, said: Verdict, found: readonly Looked[]): BatchResult {
  const answerable = found.filter(({ why }) => why === undefined);
  const left = found
    .filter(({ why }) => why !== undefined)
    .map(
      ({ ticket, approval, why }) => `- ${approval ? literal(titleOf(approval)) : `\`${ticket}\``}: ${why}`,
    );
  const others = left.length === 0 ? [] : [`Not among them:\n\n${left.join('\n')}`];
  if (answerable.length === 0) {
    const notice = ['None of them can be answered so. Nothing was decided.', ...others].join('\n\n');
    return { code: 'NOTHING_TO_ANSWER', notice, items: [] };
  }
  const confirm = [
    said.kind,
    ...answerable.map(({ ticket }) => ticket),
    signFor(speaker, said, answerable),
    ...(said.kind === 'deny' && said.reason !== '' ? [said.reason] : []),
  ].join(' ');
  const shown = answerable.flatMap(({ approval }) => (approval ? [`- ${shownText(approval)}`] : []));
  const verb = said.kind === 'approve' ? 'Yes' : 'No';
  const notice = [
    `**${verb} to ${answerable.length === 1 ? 'this one' : `these ${answerable.length}`}?** Nothing was decided yet.`,
    shown.join('\n'),
    ...others,
    `To agree, write \`${confirm}\`.`,
  ].join('\n\n');
  return { code: 'TO_CONFIRM', notice, confirm, items: [] };
}

function shownText(approval: Approval): string {
  const { request, digest } = approval;
  return `${literal(titleOf(approval))} (for ${literal(request.requesterName)}, ${request.risk} risk, \`${digest.slice(0, SHOWN_DIGEST_CHARS)}\`)`;
}

/** Why it was not counted is said as to an answer that came alone. */
function itemText(code: string, notice: string): string {
  switch (code) {
    case 'DECIDED':
    case 'RECORDED':
    case 'REPLAY':
      return 'recorded';
    default:
      return `not counted. ${notice}`;
  }
}

function signFor({ person }: Speaker, said: Verdict, found: readonly Looked[]): string {
  const about = found.map(({ ticket, approval }) => `${ticket} ${approval?.digest ?? ''}`);
  const reason = said.kind === 'deny' ? said.reason : '';
  return signOf(JSON.stringify([person.id, said.kind, reason, about]));
}
