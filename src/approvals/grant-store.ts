/**
 * Where grants live: all of them in one place, because a call may be made in any conversation.
 *
 * A use is reserved before the commit that makes the approval it is for. If that commit never comes, the use stays
 * counted: a grant may end early by that, never late.
 */

import type { AuditEvent } from '../domain/audit-event.ts';
import type { Clock } from '../domain/clock.ts';
import { Grant, type GrantedCall, type GrantStep, isInForce, use } from '../domain/grant.ts';
import type { ApprovalId } from '../domain/ids.ts';
import type { RedisClient } from '../redis/client.ts';
import { toArguments } from '../redis/effects.ts';
import { fingerprintOf } from '../redis/fingerprint.ts';
import type { Keys } from '../redis/keys.ts';
import { loadScript, runScript } from '../redis/script.ts';

const writeScript = loadScript('grant-write', import.meta.url);

/** The partition in which all grants are kept. */
const PARTITION = 0;
/** Times a decision is taken anew before the caller hears that it could not be recorded. */
const MOST_TRIES = 50;

export class GrantStore {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
    private readonly clock: Clock,
  ) {}

  /** Every grant there is, the newest first; those that ended among them. */
  async list(): Promise<Grant[]> {
    const documents = await this.redis.hvals(this.keys.grants(PARTITION));
    return documents.map(fromDocument).toSorted((a, b) => b.atMs - a.atMs);
  }

  async find(id: string): Promise<Grant | undefined> {
    return (await this.#look(id)).grant;
  }

  /** @returns false when it was given before */
  async give(grant: Grant): Promise<boolean> {
    return this.#write('', grant, toAudit(grant, 'grant.given', grant.by.person));
  }

  /**
   * Uses a grant for a call, if one covers it and has something left. The same approval gets the same answer.
   *
   * @param stands whether whoever gave it could agree to this call now
   */
  async useFor(
    approval: ApprovalId,
    call: GrantedCall,
    stands: (grant: Grant) => boolean,
  ): Promise<Grant | undefined> {
    const nowMs = this.clock.now();
    const candidates = (await this.list()).filter((grant) => isInForce(grant, nowMs) && stands(grant));
    for (const { id } of candidates) {
      const used = await this.apply(id, 'grant.used', 'system', (grant) => use(grant, approval, call, nowMs));
      if (used?.result === 'USED') return used.grant;
    }
    return undefined;
  }

  /** Undefined if there is no such grant. */
  async apply<Result>(
    id: string,
    event: string,
    actor: string,
    decide: (grant: Grant) => GrantStep<Result>,
  ): Promise<{ readonly result: Result; readonly grant: Grant } | undefined> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const { grant, seen } = await this.#look(id);
      if (!grant) return undefined;
      const { result, next } = decide(grant);
      if (!next) return { result, grant };
      if (await this.#write(seen, next, toAudit(next, event, actor))) return { result, grant: next };
    }
    throw new Error(`${id} was changed by others ${MOST_TRIES} times in a row`);
  }

  /** What is there, and what it is told by. */
  async #look(id: string): Promise<{ grant: Grant | undefined; seen: string }> {
    const document = await this.redis.hget(this.keys.grants(PARTITION), id);
    return {
      grant: document === null ? undefined : fromDocument(document),
      seen: fingerprintOf(document),
    };
  }

  async #write(seen: string, next: Grant, event: AuditEvent): Promise<boolean> {
    const written = await runScript(
      this.redis,
      writeScript,
      [this.keys.grants(PARTITION)],
      [
        this.keys.partition(PARTITION),
        next.id,
        seen,
        toDocument(next),
        ...toArguments([{ kind: 'audit', event }]),
      ],
    );
    return Number(written) === 1;
  }
}

/** @throws when nobody could read it again: one such would keep all the others from being looked at */
function toDocument(grant: Grant): string {
  return `${grant.rev} ${JSON.stringify(Grant.parse(grant))}`;
}

function fromDocument(document: string): Grant {
  return Grant.parse(JSON.parse(document.slice(document.indexOf(' ') + 1)));
}

function toAudit(grant: Grant, event: string, actor: string): AuditEvent {
  const { id, tool, requester, scope, uses, times, given } = grant;
  const latest = uses.at(-1);
  return {
    event,
    actor,
    subject: id,
    correlation: latest?.approval ?? given,
    detail: {
      tool,
      requester,
      used: uses.length,
      times,
      ...(latest ? { approval: latest.approval } : {}),
    },
    words: { scope },
  };
}
