/**
 * Does what programs ask for: opens approvals, shows them, records answers and acts on them.
 *
 * Owns      which approvals a client sees, and what it is told became of each act.
 * Not here  who calls (`access.ts`), what an answer does (`domain/approval/`), how the end reaches the client
 *           (`client-delivery.ts`).
 *
 * Invariants
 *   1. An approval is placed by the hash of its client and idempotency key; the same key again is the same approval.
 *      What is said about one is bound to its key as well: the same again changes nothing, something else is refused.
 *   2. What a client may not see it is told does not exist.
 *   3. Nothing is opened that nobody could ever approve; it is refused, loudly, and never a yes. What nobody can be asked
 *      about is opened, and said loudly: to the client as well.
 *   4. Reading writes nothing.
 *   5. Every act leaves an audit entry with the name of its key.
 */

import { createHash, randomUUID } from 'node:crypto';
import canonicalize from 'canonicalize';
import { UnreadableApprovalError } from '../approvals/approval-codec.ts';
import { type ApprovalStore, approvalIdFor, toOpenEffect } from '../approvals/approval-store.ts';
import { consequencesOfOpening } from '../approvals/consequences.ts';
import { askHumans, namesAsked, timesOf } from '../approvals/plan.ts';
import { askedOf, literal, replyText, standing, viaText } from '../approvals/sentences.ts';
import { THE_AGENT } from '../config/api.ts';
import type { Config } from '../config/load-config.ts';
import type { HoldOf } from '../control/hold.ts';
import { addressOf } from '../delivery/client-event.ts';
import { excludedFrom } from '../domain/approval/exclusion.ts';
import {
  type ClaimResult,
  type CompleteResult,
  claim,
  complete,
  loseTrack,
  renew,
} from '../domain/approval/execution.ts';
import { type Approval, type ApprovalRequest, isEnded } from '../domain/approval/record.ts';
import { reply } from '../domain/approval/talk.ts';
import { cancel, type Settler } from '../domain/approval/withdrawal.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { importanceOfRisk } from '../domain/escalation/plan.ts';
import { AccountId, API_PLATFORM, type ApprovalId, ConversationId, PersonId } from '../domain/ids.ts';
import type { Person } from '../domain/person.ts';
import type { Directory } from '../identity/directory.ts';
import type { Logger } from '../observability/logger.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import { partitionOfApproval } from '../redis/keys.ts';
import { type BallotBox, saidBy } from '../router/ballot-box.ts';
import type { Reach } from '../router/reach.ts';
import { sayUnasked } from '../router/unasked.ts';
import type { Caller } from './access.ts';
import { AgentList } from './agent-list.ts';
import type { AnswerBook } from './answer-book.ts';
import type { AskedIndex } from './asked-index.ts';
import type { ApprovalBell } from './bell.ts';
import { isProblemCode, Problem, type ProblemCode } from './problem.ts';
import { checkSilence, groundsOf } from './request-check.ts';
import type {
  Act,
  AnswerRequest,
  ApprovalView,
  CancelRequest,
  Claimed,
  ClaimRequest,
  CompleteRequest,
  CreateRequest,
  ListQuery,
  Page,
  RenewRequest,
  ReplyRequest,
  Waited,
  WaitQuery,
} from './schema.ts';
import { isOver, toView } from './view.ts';

/** Two requests under one key that arrive together are told apart from a repetition within this time, in ms. */
const OPENING_MS = 60_000;
/** Entries looked through for one page; beyond it the page ends early, with a cursor to go on from. */
const MOST_LOOKED_AT = 500;
/** Of these, read at a time. */
const PAGE = 100;
/** A yes that is handed over at once is acted on by then, however long no process of ours ran. */
const HAND_OVER_WITHIN_MS = 7 * 24 * 60 * 60 * 1_000;

export interface DeskDeps {
  readonly approvals: ApprovalStore;
  readonly ballots: BallotBox;
  readonly directory: Directory;
  readonly reach: Reach;
  readonly writer: EffectWriter;
  readonly index: AskedIndex;
  readonly answers: AnswerBook;
  readonly bell: ApprovalBell;
  readonly holdOf: HoldOf;
  readonly config: () => Config;
  readonly log: Logger;
}

export interface Created {
  readonly kind: 'created' | 'duplicate';
  readonly act: Act;
}

export class ApprovalDesk {
  readonly #ofAgent: AgentList;

  constructor(private readonly deps: DeskDeps) {
    this.#ofAgent = new AgentList(deps.approvals);
  }

  // ── Asking ─────────────────────────────────────────────────────────────────────────────────────────────────

  /** @throws {Problem} when it may not be asked, or something else was asked under this key */
  async create(caller: Caller, request: CreateRequest, idempotencyKey: string): Promise<Created> {
    const { approvals, directory, index, writer, config, log } = this.deps;
    const conversationId = conversationOf(caller.client, idempotencyKey);
    const id = approvalIdFor(conversationId, idempotencyKey, 0);
    const fingerprint = fingerprintOf(request);
    const before = await approvals.find(id);
    if (before) return repeated(before, fingerprint, idempotencyKey);

    const nowMs = await approvals.nowMs(conversationId);
    const approval = this.#opened(caller, request, { id, conversationId, fingerprint, nowMs });
    const unasked = sayUnasked(approval, { directory, log, atMs: nowMs });
    await index.add(caller.client, id, nowMs);
    const isFirst = await writer.write(
      conversationId,
      [
        ...consequencesOfOpening(approval, nowMs),
        toOpenEffect(approval, config().settings.retention.approvals),
        { kind: 'audit', event: toAudit(caller, 'create', approval, 'CREATED') },
        ...(unasked?.effects ?? []),
      ],
      { key: `open:${id}`, forMs: OPENING_MS },
    );
    if (isFirst) {
      const sentence = [literal(standing(approval)), unasked?.notice ?? ''].join('\n\n').trim();
      return { kind: 'created', act: toAct('CREATED', approval, sentence) };
    }
    const winner = await approvals.find(id);
    if (!winner) throw new Error(`${id} was opened by another request and is gone`);
    return repeated(winner, fingerprint, idempotencyKey);
  }

  #opened(
    caller: Caller,
    request: CreateRequest,
    { id, conversationId, fingerprint, nowMs }: Opening,
  ): Approval {
    const { directory, reach, config, log } = this.deps;
    const { client, settings, key } = caller;
    const grounds = groundsOf(client, settings, request, config().escalation.policies);
    checkSilence(grounds, request);
    const requester = this.#requester(caller, request.requester);
    const origin = addressOf(client);
    const asked = {
      id,
      conversationId,
      origin,
      rule: grounds.rule,
      nowMs,
      request: toRequest(request, requester, { id, fingerprint }),
    };
    const excluded = excludedFrom(asked);
    const places = directory.approversOf(grounds.approvers, excluded, nowMs).map((person) => ({
      person,
      place: reach.placesOf(person, { importance: importanceOfRisk(request.risk) })[0],
    }));
    const planned = askHumans(asked, {
      ...grounds,
      ...namesAsked(grounds, directory),
      eligible: places,
      mayBeOthers: directory.isGranted(grounds.approvers),
      originCannotEdit: false,
      times: timesOf({ ...grounds, excluded, nowMs }, config(), directory),
    });
    if (planned.state === 'DENIED') {
      log.error(
        { client, rule: grounds.rule, asked: askedOf(planned) },
        'a client asked for what nobody could ever approve; it was refused. Give somebody the role',
      );
      const { approve_from: from } = grounds.policy;
      const taken = from ? `, a yes is taken ${from.map(viaText).join(' or ')} only` : '';
      throw new Problem({
        code: 'UNSATISFIABLE',
        detail: `Nobody, or not enough people, could say yes: it needs ${askedOf(planned)}${taken}, and whoever asks does not count.`,
        remedy: `Ask others, or give more people the role${from ? ', or an account there,' : ''} in contacts.yaml; then send the same again.`,
      });
    }
    const { permit } = request;
    // A yes to further calls would be one to calls of the agent, which are no business of a program.
    const { standingYes: _, ...policy } = planned.policy;
    return {
      ...planned,
      // A program has no place of its own where a card could be shown.
      copies: planned.copies.filter(({ person }) => person !== undefined),
      policy: {
        ...policy,
        choices: [...request.choices, 'take-back'],
        ...(request.options ? { options: request.options } : {}),
        ...(permit ? {} : { validForMs: HAND_OVER_WITHIN_MS }),
      },
      client: { name: client, key, fingerprint, permit },
    };
  }

  /** Those on whose behalf it is asked: a person, or the program, which is then a requester like any other. */
  #requester({ client, settings }: Caller, id: PersonId | undefined): Requester {
    const { directory } = this.deps;
    const own = settings.answers_own ? [] : [accountOf(client)];
    if (id === undefined) {
      const itself = personOf(client);
      if (directory.find(itself)) {
        throw new Problem({
          code: 'NOT_ALLOWED',
          detail: `contacts.yaml has a person ${itself}, which is what the client ${client} is called when it asks for itself.`,
          remedy: 'Call that person something else.',
        });
      }
      return { id: itself, name: `${client} (a program)`, accounts: own };
    }
    const person = directory.find(id);
    if (!person) throw unknownPerson(id);
    return { id, name: `${person.name} (through ${client})`, accounts: [...person.accounts, ...own] };
  }

  // ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────

  /** @throws {Problem} when there is none that this client may see */
  async find(caller: Caller, id: ApprovalId): Promise<Approval> {
    const approval = await this.deps.approvals.find(id);
    if (!approval || !mayRead(caller, approval)) throw notFound(id);
    return approval;
  }

  async show(caller: Caller, id: ApprovalId): Promise<ApprovalView> {
    return this.#viewOf(await this.find(caller, id));
  }

  async list(caller: Caller, { state, client, cursor, limit }: ListQuery): Promise<Page> {
    const wanted = client === undefined ? caller.client : client;
    if (wanted !== caller.client && caller.settings.sees !== 'all') {
      throw new Problem({
        code: 'NOT_ALLOWED',
        detail: `The client ${caller.client} sees what it asked itself, and nothing else.`,
        remedy: `Leave \`client\` out, or set api.clients.${caller.client}.sees in settings.yaml to all.`,
      });
    }
    if (wanted === THE_AGENT) {
      // What the agent asked belongs to conversations; of that, what waits can be found.
      const page = await this.#ofAgent.page((each) => isIn(each, state), decodeCursor(cursor), limit);
      return this.#page(page.found, page.place);
    }
    const found: Approval[] = [];
    let place = decodeCursor(cursor);
    for (let looked = 0; looked < MOST_LOOKED_AT; looked += PAGE) {
      const listed = await this.deps.index.list(wanted === '*' ? undefined : wanted, place, PAGE);
      // One that cannot be read hides no other.
      const read = await Promise.all(
        listed.map(({ id }) => this.deps.approvals.find(id).catch(unlessUnreadable)),
      );
      for (const [n, approval] of read.entries()) {
        place = listed[n]?.cursor;
        if (approval && isIn(approval, state)) found.push(approval);
        if (found.length >= limit) return this.#page(found, place);
      }
      if (listed.length < PAGE) return this.#page(found, undefined);
    }
    return this.#page(found, place);
  }

  async #page(found: readonly Approval[], place: string | undefined): Promise<Page> {
    const next = place === undefined ? null : Buffer.from(place).toString('base64url');
    return { approvals: await Promise.all(found.map((approval) => this.#viewOf(approval))), next };
  }

  async #viewOf(approval: Approval): Promise<ApprovalView> {
    return toView(approval, await this.deps.holdOf(approval));
  }

  /**
   * Resolves when there is nothing left to wait for, or with what there is when time is up.
   *
   * @param callerNow who waits, asked at every look: a key may be taken away meanwhile
   * @throws {Problem} when it is not, or no longer, for them; and what `callerNow` throws
   */
  async wait(
    callerNow: () => Promise<Caller>,
    id: ApprovalId,
    { until, after }: Pick<WaitQuery, 'until' | 'after'>,
    enough: AbortSignal,
  ): Promise<Waited> {
    for (;;) {
      const bell = this.deps.bell.listen(id, enough);
      try {
        const approval = await this.find(await callerNow(), id);
        const code = isOver(approval, until)
          ? 'SETTLED'
          : after !== undefined && approval.rev > after
            ? 'CHANGED'
            : 'WAITING';
        if (code !== 'WAITING' || enough.aborted) return { code, approval: await this.#viewOf(approval) };
        await bell.rung;
      } finally {
        bell.silence();
      }
    }
  }

  // ── Answers of people ──────────────────────────────────────────────────────────────────────────────────────

  /** Records what a person said, by the rules that hold everywhere. */
  async answer(
    caller: Caller,
    id: ApprovalId,
    request: AnswerRequest,
    idempotencyKey: string | undefined,
  ): Promise<Act> {
    const approval = await this.find(caller, id);
    const person = this.#speaker(caller, request.person);
    const fingerprint = fingerprintOf(request);
    const told = await this.#once({ caller, approval, idempotencyKey, fingerprint }, async (key) => {
      const counted = await this.deps.ballots.cast(
        id,
        { person, account: accountOf(caller.client) },
        { key, said: saidBy(request), gen: request.gen, digest: request.digest },
      );
      if (!counted) throw notFound(id);
      const event: AuditEvent = {
        ...toAudit(caller, 'answer', counted.approval, counted.code),
        event: 'answer.received',
        actor: person.id,
      };
      await this.deps.writer.writeIn(partitionOfApproval(id), [
        { kind: 'audit', event: { ...event, detail: { ...event.detail, choice: request.choice } } },
      ]);
      // The words are for the person, and a program reads them; unless it is the program that may not answer.
      const isMeant = approval.client?.name === caller.client && !caller.settings.answers_own;
      if (isMeant || !isProblemCode(counted.code)) return counted;
      return { ...counted, notice: `Said to ${literal(person.name)}: ${counted.notice}` };
    });
    return this.#told(told, told.untilReply ? QUESTION_REMEDY : ANSWER_REMEDY);
  }

  /**
   * Says it once under its key: whatever it was judged then it stays, even if who may decide has changed since.
   *
   * @throws {Problem} when something else was said under the key
   */
  async #once(
    { caller, approval, idempotencyKey, fingerprint }: Saying,
    say: (key: string) => Promise<Told>,
  ): Promise<Told> {
    const { answers } = this.deps;
    const { client } = caller;
    if (idempotencyKey === undefined) return say(`api:${client}:${randomUUID()}`);
    const place = { client, id: approval.id, key: idempotencyKey };
    const before = await answers.bind(place, fingerprint);
    if (before && before.fingerprint !== fingerprint) throw saidOtherwise(place.key, approval);
    if (before?.code !== undefined) {
      const stands = literal(standing(approval, await this.deps.holdOf(approval)));
      const notice = `This was said before (${before.code}) and changes nothing. ${stands}`;
      return { code: 'REPLAY', approval, notice };
    }
    const told = await say(`api:${client}:${idempotencyKey}`);
    if (isProblemCode(told.code)) await answers.free(place);
    else await answers.settle(place, { fingerprint, code: told.code });
    return told;
  }

  #speaker({ client, settings: { answers_for } }: Caller, id: PersonId): Person {
    if (answers_for !== 'everybody' && !answers_for.includes(id)) {
      throw new Problem({
        code: 'NOT_ALLOWED',
        detail: `The client ${client} may not record answers of ${id}.`,
        remedy: `Add them to api.clients.${client}.answers_for in settings.yaml.`,
      });
    }
    const person = this.deps.directory.find(id);
    if (!person) throw unknownPerson(id);
    return person;
  }

  /** Replies to what was asked back, as the one who asked. */
  async reply(
    caller: Caller,
    id: ApprovalId,
    request: ReplyRequest,
    idempotencyKey: string | undefined,
  ): Promise<Act> {
    const approval = await this.#own(caller, id);
    const { client } = caller;
    const by = { person: personOf(client), name: `${client} (a program)` };
    const { text } = request;
    const fingerprint = fingerprintOf(request);
    const told = await this.#once({ caller, approval, idempotencyKey, fingerprint }, async (key) => {
      const result = await this.deps.approvals.apply(id, (current, nowMs, circumstances) =>
        // It asked, on whosever behalf that was.
        reply(current, { key, by, via: API_PLATFORM, text, operates: true }, nowMs, circumstances),
      );
      if (!result) throw notFound(id);
      await this.#audit(caller, 'reply', result.approval, result.code);
      return { ...result, notice: replyText(result) };
    });
    return this.#told(told, 'A reply counts while the state is NEEDS_INFO.');
  }

  // ── The client's own approval ──────────────────────────────────────────────────────────────────────────────

  async cancel(caller: Caller, id: ApprovalId, { reason }: CancelRequest): Promise<Act> {
    await this.#own(caller, id);
    const by: Settler = {
      person: personOf(caller.client),
      name: `${caller.client} (a program)`,
      via: API_PLATFORM,
      // It is the one who asked, on whosever behalf that was.
      operates: true,
    };
    const result = await this.deps.approvals.apply(id, (approval, nowMs) =>
      cancel(approval, by, reason, nowMs),
    );
    if (!result) throw notFound(id);
    await this.#audit(caller, 'cancel', result.approval, result.code);
    const { code, approval } = result;
    return this.#told(
      { code, approval, notice: literal(standing(approval)) },
      code === 'TOO_LATE'
        ? 'Whoever acts on it has to stop by themselves; see what comes of it.'
        : 'Nothing is left to take back.',
    );
  }

  /** Grants the permit to act on a yes, once. */
  async claim(caller: Caller, id: ApprovalId, { digest, attempt }: ClaimRequest): Promise<Claimed> {
    await this.#permitted(caller, id);
    const owner = `api:${caller.client}:${attempt ?? randomUUID()}`;
    const result = await this.deps.approvals.apply(id, (approval, nowMs) =>
      claim(approval, owner, digest, nowMs),
    );
    if (!result) throw notFound(id);
    const { code, approval } = result;
    await this.#audit(caller, 'claim', approval, code);
    if (result.code !== 'GRANTED') {
      throw new Problem({ ...CLAIM_REFUSED[result.code], code: result.code, approval });
    }
    const { epoch, idempotencyKey, leaseUntilMs } = result.permit;
    const { leaseMs } = approval.policy;
    return {
      ...toAct('GRANTED', approval),
      permit: { epoch, idempotencyKey, leaseUntil: new Date(leaseUntilMs).toISOString(), leaseMs },
    };
  }

  async renew(caller: Caller, id: ApprovalId, { epoch }: RenewRequest): Promise<Act> {
    await this.#permitted(caller, id);
    const code = await this.deps.approvals.apply(id, (approval, nowMs) => renew(approval, epoch, nowMs));
    const approval = await this.find(caller, id);
    await this.#audit(caller, 'renew', approval, code ?? 'FENCED');
    // What is told is theirs: meanwhile it may have ended, and another permit begun.
    if (code !== 'RENEWED' || approval.execution?.epoch !== epoch) throw fenced(epoch, approval);
    return toAct('RENEWED', approval);
  }

  async complete(caller: Caller, id: ApprovalId, { epoch, status, text }: CompleteRequest): Promise<Act> {
    await this.#permitted(caller, id);
    const code: CompleteResult =
      (await this.deps.approvals.apply(id, (approval, nowMs) =>
        status === 'unknown'
          ? loseTrack(approval, epoch, text)
          : complete(approval, epoch, { status, text }, nowMs),
      )) ?? 'FENCED';
    const approval = await this.find(caller, id);
    await this.#audit(caller, 'complete', approval, code);
    if (code === 'FENCED') throw fenced(epoch, approval);
    const notice =
      code === 'LATE'
        ? `Nobody could tell any more what had come of it, so your report is kept for the person who finds out. ${literal(standing(approval))}`
        : undefined;
    return toAct(code, approval, notice);
  }

  /** @throws {Problem} unless this client asked it: others see it, and do no more */
  async #own(caller: Caller, id: ApprovalId): Promise<Approval> {
    const approval = await this.find(caller, id);
    if (approval.client?.name === caller.client) return approval;
    throw new Problem({
      code: 'NOT_ALLOWED',
      detail: `${id} was not asked by the client ${caller.client}.`,
      remedy: 'Use a key of the client that asked it.',
    });
  }

  async #permitted(caller: Caller, id: ApprovalId): Promise<void> {
    const approval = await this.#own(caller, id);
    if (approval.client?.permit) return;
    throw new Problem({
      code: 'NO_PERMIT',
      detail: `${id} was asked without \`permit\`: with a yes it is yours to act on, and that is the end of it here.`,
      remedy: 'Act when the outcome is approved; or ask with `permit: true` to be held to once.',
      approval,
    });
  }

  async #told({ code, approval, notice }: Told, remedy: string): Promise<Act> {
    const hold = await this.deps.holdOf(approval);
    if (isProblemCode(code)) throw new Problem({ code, detail: notice, remedy, approval, hold });
    return { code, sentence: notice, approval: toView(approval, hold) };
  }

  async #audit(caller: Caller, act: string, approval: Approval, code: string): Promise<void> {
    const event = toAudit(caller, act, approval, code);
    await this.deps.writer.writeIn(partitionOfApproval(approval.id), [{ kind: 'audit', event }]);
  }
}

/** What became of what was said. */
interface Told {
  readonly code: string;
  readonly approval: Approval;
  readonly notice: string;
  /** A question is open: the same counts once there is a reply. */
  readonly untilReply?: true;
}

/** Words about an approval. */
interface Saying {
  readonly caller: Caller;
  readonly approval: Approval;
  readonly idempotencyKey: string | undefined;
  readonly fingerprint: string;
}

interface Opening {
  readonly id: ApprovalId;
  readonly conversationId: ConversationId;
  readonly fingerprint: string;
  readonly nowMs: number;
}

interface Requester {
  readonly id: PersonId;
  readonly name: string;
  readonly accounts: readonly AccountId[];
}

function toRequest(
  request: CreateRequest,
  requester: Requester,
  { id, fingerprint }: Pick<Opening, 'id' | 'fingerprint'>,
): ApprovalRequest {
  const { title, tool, args, facts, risk, reversible, permit, idempotent } = request;
  return {
    tool: tool ?? title ?? '',
    version: 1,
    args: args ?? (facts ? Object.fromEntries(facts.map(({ label, value }) => [label, value])) : {}),
    ...(facts ? { labels: facts.map(({ label }) => label) } : {}),
    risk,
    // Handing a yes over again is harmless.
    effect: idempotent || !permit ? 'idempotent' : 'once',
    reversible,
    requester: requester.id,
    requesterName: requester.name,
    ...(requester.accounts.length > 0 ? { accounts: [...requester.accounts] } : {}),
    callId: fingerprint,
    correlation: id,
  };
}

function repeated(approval: Approval, fingerprint: string, idempotencyKey: string): Created {
  if (approval.client?.fingerprint === fingerprint)
    return { kind: 'duplicate', act: toAct('DUPLICATE', approval) };
  throw new Problem({
    code: 'OTHER_REQUEST',
    detail: `The idempotency key "${idempotencyKey}" was used for another request, ${approval.id}.`,
    remedy: 'Take a new key for a new request; to repeat one, send exactly the same.',
    approval,
  });
}

function saidOtherwise(idempotencyKey: string, approval: Approval): Problem {
  return new Problem({
    code: 'OTHER_REQUEST',
    detail: `The idempotency key "${idempotencyKey}" was used for other words about ${approval.id}.`,
    remedy: 'Take a new key for something new; to repeat what was said, send exactly the same.',
    approval,
  });
}

/** Of what was asked, with everything that was left out; so a repetition may leave out what the first one said. */
function fingerprintOf({
  idempotencyKey: _,
  ...request
}: CreateRequest | AnswerRequest | ReplyRequest): string {
  const stored: unknown = JSON.parse(JSON.stringify(request));
  return createHash('sha256')
    .update(String(canonicalize(stored)))
    .digest('base64url');
}

/** One for each approval: whatever else is said about it is in the same partition. */
function conversationOf(client: string, idempotencyKey: string): ConversationId {
  const hash = createHash('sha256').update(idempotencyKey).digest('base64url').slice(0, 22);
  return ConversationId.parse(`api:${client}:${hash}`);
}

/** @throws whatever else went wrong */
function unlessUnreadable(error: unknown): undefined {
  if (!(error instanceof UnreadableApprovalError)) throw error;
}

function accountOf(client: string): AccountId {
  return AccountId.parse(`${API_PLATFORM}:${client}`);
}

/** What a client is called among people, when it asks for itself. */
function personOf(client: string): PersonId {
  return PersonId.parse(`${API_PLATFORM}.${client}`);
}

function mayRead({ client, settings: { sees } }: Caller, approval: Approval): boolean {
  return sees === 'all' || approval.client?.name === client;
}

function isIn({ state }: Approval, wanted: ListQuery['state']): boolean {
  return wanted === undefined || wanted.includes(state);
}

function toAct(code: string, approval: Approval, notice = literal(standing(approval))): Act {
  return { code, sentence: notice, approval: toView(approval) };
}

function toAudit({ client, key }: Caller, act: string, approval: Approval, code: string): AuditEvent {
  return {
    event: `api.${act}`,
    actor: accountOf(client),
    subject: approval.id,
    correlation: approval.request.correlation,
    channel: API_PLATFORM,
    detail: { key, client, result: code, rule: approval.policy.rule },
  };
}

function notFound(id: ApprovalId): Problem {
  return new Problem({
    code: 'NOT_FOUND',
    detail: `There is no approval ${id} that this client may see.`,
    remedy:
      'Take the id from the answer to the request; one that ended is kept as long as retention.approvals says.',
  });
}

function unknownPerson(id: PersonId): Problem {
  return new Problem({
    code: 'UNKNOWN_PERSON',
    detail: `There is no person ${id}.`,
    remedy: 'People are named by their id in contacts.yaml.',
  });
}

function fenced(epoch: number, approval: Approval): Problem {
  return new Problem({
    code: 'FENCED',
    detail: `The permit of epoch ${epoch} is no longer valid, or another report came under it. ${standing(approval)}`,
    remedy: isEnded(approval.state)
      ? 'See what is recorded.'
      : 'Stop, if you can; do not begin anything under it.',
    approval,
  });
}

const QUESTION_REMEDY =
  'A question is open: it waits for a reply of whoever asks for this (`POST …/replies`, where that is a client), or for whoever put it to decide. A no counts at any time.';
const ANSWER_REMEDY = 'Read the approval again, and show the person what is asked now.';

const CLAIM_REFUSED: Readonly<
  Record<Exclude<ClaimResult['code'], 'GRANTED'>, { readonly detail: string; readonly remedy: string }>
> = {
  REFUSED: {
    detail: 'It is not approved, or the yes is no longer valid. Nothing may be done.',
    remedy: 'Wait for a yes; one that has lapsed has to be asked for again.',
  },
  MISMATCH: {
    detail: 'The digest is not that of what was approved. Nothing may be done.',
    remedy: 'Read the approval again and do what it says now, if that is what you want.',
  },
  HELD: {
    detail: 'Somebody acts on it, or did, and what came of it is not known yet. Nothing may be done.',
    remedy: 'Read the approval to see what comes of it.',
  },
} satisfies Partial<Record<ProblemCode, unknown>>;

function decodeCursor(cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined;
  const place = Buffer.from(cursor, 'base64url').toString('utf8');
  if (/^\d{1,16}\.apr_p\d{1,2}_[0-9a-z]{12}$/.test(place)) return place;
  throw new Problem({
    code: 'MALFORMED',
    detail: 'The query does not fit: /cursor is none of ours',
    remedy: 'Send `next` of the page before, as it is, or leave it out.',
    errors: [{ at: '/cursor', problem: 'is none of ours' }],
  });
}
