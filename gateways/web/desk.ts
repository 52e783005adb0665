/**
 * What a client can ask for, whichever way it came in.
 *
 * Owns      the order of the steps from a request to its outcome, and what is under way.
 * Not here  who the client is (`access`), how an outcome is written down (`http-door`, `connection`).
 *
 * Invariant: an outcome is there after `receive` resolved and never before; when it could not be stored, or not in
 * time, the call rejects and the client sends the same again.
 */
import type { Clock } from '../../src/domain/clock.ts';
import type { FormOffer } from '../../src/domain/form.ts';
import type { ClientLog, Lookup, Receive, WaitingApproval } from '../../src/domain/gateway.ts';
import type { Button, Inbound, Receipt } from '../../src/domain/message.ts';
import { timeLimit } from '../../src/domain/time-limit.ts';
import { within } from '../within.ts';
import { toAnswer, toMessage, toSender } from './inbound.ts';
import type { AnswerRequest, FormRequest, MessageRequest } from './schema.ts';

/** Most events handed over at once; each may carry files. */
const EVENTS_AT_ONCE = 20;
const MOST_APPROVALS = 50;

export interface DeskDeps {
  readonly receive: Receive;
  readonly lookup: Lookup;
  readonly clientLog: ClientLog;
  readonly clock: Clock;
  readonly storeWithinMs: number;
}

/** What a form over the web holds: as much of a field as an answer takes. */
const FORM_BOUNDS = { fields: 50, chars: 4_000 };
const NO_FORMS: FormOffer = { kind: 'refused', notice: 'There are no forms here.' };

/** A message without an id cannot be told from its repetition. */
type IdentifiedMessage = MessageRequest & { readonly id: string };

/** What became of a request. */
export interface Outcome {
  readonly status: Receipt['kind'];
  /** It had been taken in before. */
  readonly duplicate: boolean;
  readonly reason?: string;
  readonly code?: string;
  readonly notice?: string;
  /** What can be said next; to press one is to say it. */
  readonly buttons?: readonly Button[];
}

export interface Batch {
  readonly events: readonly object[];
  /** Where to read on. */
  readonly next: number;
  readonly missed: boolean;
}

export class ClientDesk {
  readonly #underWay = new Set<Promise<unknown>>();

  constructor(private readonly deps: DeskDeps) {}

  async message(client: string, request: IdentifiedMessage): Promise<Outcome & { readonly id: string }> {
    return {
      id: request.id,
      ...(await this.#hand(toMessage(client, request, this.deps.clock.now()))),
    };
  }

  async answer(client: string, request: AnswerRequest): Promise<Outcome & { readonly id: string }> {
    return { id: request.id, ...(await this.#hand(toAnswer(client, request))) };
  }

  /** The form for an answer, or why there is none for them. */
  async form(client: string, request: FormRequest): Promise<FormOffer> {
    const { lookup } = this.deps;
    const wish = { ...request, sender: toSender(client), bounds: FORM_BOUNDS };
    return this.#within(lookup.formFor?.(wish) ?? Promise.resolve(NO_FORMS));
  }

  async approvals(client: string): Promise<{ readonly approvals: readonly WaitingApproval[] }> {
    const found = this.deps.lookup.approvalsFor(toSender(client), MOST_APPROVALS);
    return { approvals: await this.#within(found) };
  }

  /** What there is after a position; none after `waitMs`, or when the signal aborts. */
  async events(client: string, after: number, waitMs: number, signal: AbortSignal): Promise<Batch> {
    const { clientLog } = this.deps;
    const batch = await this.#read(client, after);
    if (batch.events.length > 0 || batch.missed || waitMs === 0 || signal.aborted) return batch;
    await clientLog.changed(client, after, AbortSignal.any([signal, timeLimit(waitMs)]));
    return this.#read(client, after);
  }

  /** Resolves when everything that was taken is stored, or has failed. */
  async drain(): Promise<void> {
    await Promise.allSettled(this.#underWay);
  }

  async #hand(inbound: Inbound): Promise<Outcome> {
    return toOutcome(await this.#within(this.deps.receive(inbound)));
  }

  async #within<Value>(work: Promise<Value>): Promise<Value> {
    const bounded = within(this.deps.storeWithinMs, work);
    this.#underWay.add(bounded);
    try {
      return await bounded;
    } finally {
      this.#underWay.delete(bounded);
    }
  }

  async #read(client: string, after: number): Promise<Batch> {
    const { events, missed, next } = await this.deps.clientLog.read(client, after, EVENTS_AT_ONCE);
    return {
      events: events.map(({ position, event }): object => ({ position, ...JSON.parse(event) })),
      next,
      missed,
    };
  }
}

function toOutcome(receipt: Receipt): Outcome {
  switch (receipt.kind) {
    case 'stored':
      return { status: 'stored', duplicate: false };
    case 'duplicate':
      return { status: 'duplicate', duplicate: true };
    case 'ignored':
      return { status: 'ignored', duplicate: false, reason: receipt.reason };
    case 'answered':
      return { status: 'answered', duplicate: false, ...answerOf(receipt) };
    default:
      return receipt satisfies never;
  }
}

function answerOf({
  code,
  notice,
  buttons,
}: Extract<Receipt, { kind: 'answered' }>): Pick<Outcome, 'code' | 'notice' | 'buttons'> {
  return { code, notice, ...(buttons ? { buttons } : {}) };
}
