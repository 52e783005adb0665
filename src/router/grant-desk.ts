/**
 * Standing yes: proposes the rule somebody asks for, in words, and gives it once they have read it.
 *
 *   always TICKET exact 7d 5x            ─▶ "that would let … run without asking; to agree write … KXQ4"
 *   always TICKET exact 7d 5x KXQ4       ─▶ given, and the request is approved
 *
 * Invariant: the word at the end belongs to the rule, the request and the person, so nobody agrees to a rule they
 * were not shown.
 */
import { createHash } from 'node:crypto';
import type { GrantStore } from '../approvals/grant-store.ts';
import { askedOf, grantText, literal } from '../approvals/sentences.ts';
import { lengthText } from '../control/sentences.ts';
import { type Approval, isWaiting } from '../domain/approval/record.ts';
import { decidesAlone, mayDecide } from '../domain/approval/voting.ts';
import { ticketOf } from '../domain/card.ts';
import type { Clock } from '../domain/clock.ts';
import { type Grant, type GrantWish, isGrantable, isSpent, revokeGrant, toScope } from '../domain/grant.ts';
import { type AccountId, platformOf } from '../domain/ids.ts';
import type { Person } from '../domain/person.ts';
import type { Directory } from '../identity/directory.ts';
import { signOf } from './confirmations.ts';
import { parseGrantWish, wishText } from './grant-wish.ts';

type Proposal =
  /** `confirm`: the line that agrees to what the notice says. */
  | { readonly kind: 'told'; readonly code: string; readonly notice: string; readonly confirm?: string }
  | { readonly kind: 'confirmed'; readonly grant: Grant };

export class GrantDesk {
  constructor(
    private readonly grants: GrantStore,
    private readonly directory: Directory,
    private readonly clock: Clock,
  ) {}

  /** @param gesture by which it is said: where that has decided the request already, it is said once more */
  async propose(
    approval: Approval,
    { person, account }: { readonly person: Person; readonly account: AccountId },
    { key, gen }: { readonly key: string; readonly gen: number },
    text: string,
  ): Promise<Proposal> {
    const refusal = this.#refusal(approval, person, { gen, isDecidedByThis: approval.decision?.key === key });
    if (refusal) return { kind: 'told', ...refusal };
    const parsed = parseGrantWish(text);
    if (typeof parsed === 'string') return told('NOT_UNDERSTOOD', parsed);
    const { wish, code } = parsed;
    const bounds = boundsOf(approval, wish);
    if (bounds !== undefined) return told('NOT_OFFERED', bounds);
    const scope = toScope(wish, approval.request.args);
    if (typeof scope === 'string') return told('INVALID', `Nothing was decided: ${literal(scope)}.`);

    const atMs = this.clock.now();
    const lent = this.directory.lentRoles(person.id, person.roles);
    const wanted = wishText(wish);
    const read = `${approval.id} ${approval.gen} ${person.id} ${wanted} ${JSON.stringify(scope)}`;
    const seal = digest(read);
    const grant: Grant = {
      id: `gr_${BigInt(`0x${seal}`).toString(36).slice(0, 10).padStart(10, '0')}`,
      rev: 1,
      tool: approval.request.tool,
      version: approval.request.version,
      requester: approval.request.requester,
      requesterName: approval.request.requesterName,
      scope,
      approvers: approval.policy.approvers,
      by: { person: person.id, name: person.name, account },
      ...(lent.length > 0 ? { roles: lent } : {}),
      via: platformOf(account),
      given: approval.id,
      atMs,
      untilMs: atMs + wish.forMs,
      times: wish.times,
      ...(wish.sum ? { sum: wish.sum } : {}),
      uses: [],
    };
    if (code?.toUpperCase() === signOf(read)) return { kind: 'confirmed', grant };
    const ticket = ticketOf({ approvalId: approval.id, gen: approval.gen });
    const confirm = `always ${ticket} ${wanted} ${signOf(read)}`;
    const notice = `That would let run without asking, beside this request: **${literal(grantText(grant))}**. Nothing was decided yet. To agree to both, write \`${confirm}\`.`;
    return { ...told('TO_CONFIRM', notice), confirm };
  }

  /** @returns what to say about it, in markdown */
  async give(grant: Grant): Promise<string> {
    await this.grants.give(grant);
    return `From now on this runs without asking: ${literal(grantText(grant))}. \`/grants\` lists it; \`/grants revoke ${grant.id}\` takes it back.`;
  }

  /**
   * What comes of those somebody gave by their yes to a request when they unsay that: where the yes is taken back, they
   * are, too. Undefined where they gave none that still holds.
   *
   * @returns what to say about it, in markdown
   */
  async unsay(approval: Approval, { id, roles }: Pick<Person, 'id' | 'roles'>): Promise<string | undefined> {
    const nowMs = this.clock.now();
    const given = (await this.grants.list()).filter(
      (grant) =>
        grant.given === approval.id && grant.by.person === id && !grant.revoked && nowMs < grant.untilMs,
    );
    if (given.length === 0) return undefined;
    const names = given.map((grant) => `\`${grant.id}\``).join(', ');
    if (approval.state !== 'REVOKED' || approval.settledBy?.person !== id) {
      return `The standing yes you gave with it goes on: ${names}. \`/grants revoke <id>\` takes it back.`;
    }
    for (const grant of given) await this.revoke(grant.id, { id, roles });
    return `The standing yes you gave with it is taken back as well: ${names}.`;
  }

  /** Those somebody gave, or all of them for who runs the gateway; in markdown. */
  async listFor(person: Pick<Person, 'id' | 'roles'>): Promise<string> {
    const operates = this.directory.may(person.roles, 'operate');
    const nowMs = this.clock.now();
    const listed = (await this.grants.list()).filter(({ by }) => operates || by.person === person.id);
    if (listed.length === 0) return 'There is no standing yes.';
    const lines = listed.map(
      (grant) => `- \`${grant.id}\` ${literal(grantText(grant))}: ${literal(this.#stateOf(grant, nowMs))}`,
    );
    return `**Standing yes**\n\n${lines.join('\n')}\n\n\`/grants revoke <id>\` takes one back.`;
  }

  async revoke(id: string, person: Pick<Person, 'id' | 'roles'>): Promise<{ code: string; notice: string }> {
    const operates = this.directory.may(person.roles, 'operate');
    const nowMs = this.clock.now();
    const revoked = await this.grants.apply(id, 'grant.revoked', person.id, (grant) =>
      revokeGrant(grant, { person: person.id, operates }, nowMs),
    );
    if (!revoked) return { code: 'NOT_FOUND', notice: `There is no standing yes ${literal(id)}.` };
    return { code: revoked.result, notice: REVOKED[revoked.result] };
  }

  #stateOf(grant: Grant, nowMs: number): string {
    if (grant.revoked) {
      const { by } = grant.revoked;
      return `taken back by ${this.directory.find(by)?.name ?? by}`;
    }
    if (nowMs >= grant.untilMs) return 'over';
    return isSpent(grant) ? 'used up' : `used ${grant.uses.length} of ${grant.times} times`;
  }

  #refusal(
    approval: Approval,
    { id, roles }: Person,
    { gen, isDecidedByThis }: { readonly gen: number; readonly isDecidedByThis: boolean },
  ): { code: string; notice: string } | undefined {
    const { state, policy, request } = approval;
    if (!isWaiting(state) && !isDecidedByThis)
      return { code: 'ALREADY', notice: 'This was settled before. Nothing has changed.' };
    if (gen !== approval.gen) {
      return {
        code: 'STALE_CARD',
        notice: 'What is asked now is something else. Please look at the newest card.',
      };
    }
    const voter = this.directory.voterOf({ id, roles }, this.clock.now());
    if (!this.directory.may(roles, 'approve') || !mayDecide(approval, voter)) {
      return {
        code: 'NOT_ELIGIBLE',
        notice: `You are not one of those who may decide this (${literal(askedOf(approval))}).`,
      };
    }
    if (!decidesAlone(approval, voter)) {
      return {
        code: 'NOT_OFFERED',
        notice: 'Several people have to agree to such calls, so nobody alone can do it for all of them.',
      };
    }
    if (!policy.standingYes || approval.client) {
      return {
        code: 'NOT_OFFERED',
        notice: 'The policy asks every time; it takes no standing yes. `approve` says yes to this one.',
      };
    }
    if (!isGrantable(request)) {
      return {
        code: 'NOT_OFFERED',
        notice: 'This is of high risk and cannot be undone, so it is asked every time.',
      };
    }
    return undefined;
  }
}

function told(code: string, notice: string): Extract<Proposal, { kind: 'told' }> {
  return { kind: 'told', code, notice };
}

/** What of a wish goes beyond the policy, in words. */
function boundsOf({ policy }: Approval, { kind, forMs, times }: GrantWish): string | undefined {
  const { rules, longestMs, mostTimes } = policy.standingYes ?? { rules: [], longestMs: 0, mostTimes: 0 };
  if (!rules.includes(kind))
    return `The policy takes a standing yes of these kinds only: ${rules.join(', ')}. Nothing was decided.`;
  if (forMs > longestMs)
    return `The policy lets a standing yes hold for ${lengthText(longestMs)} at most. Nothing was decided.`;
  if (times > mostTimes)
    return `The policy lets a standing yes be used ${mostTimes} times at most. Nothing was decided.`;
  return undefined;
}

const REVOKED: Readonly<Record<'DONE' | 'ALREADY' | 'NOT_ELIGIBLE', string>> = {
  DONE: 'Taken back. From now on such calls are asked for again.',
  ALREADY: 'It was taken back before.',
  NOT_ELIGIBLE: 'Only the one who gave it, or somebody who runs me, can take it back.',
};

function digest(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, 20);
}
