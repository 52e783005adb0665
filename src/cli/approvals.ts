/**
 * `signalbox approvals …`: what waits for a human, and the answers given at the terminal.
 *
 * An answer goes through the state machine every other answer goes through; here is only who gives it.
 *
 * Invariants
 *   1. Whoever really sits at the terminal is recorded with what they say, in whosever name: what they asked for
 *      themselves they never decide, and all they say is one word.
 *   2. What an answer led to is said as it is: decided, too late, not yours.
 *   3. What decides counts for what was seen: for the generation of the ticket, as in a chat. An id alone is the
 *      ticket of what was asked first.
 */
import { randomUUID } from 'node:crypto';
import { toCard } from '../approvals/card.ts';
import {
  askedOf,
  endText,
  noticeFor,
  type ReassignedNames,
  reassignText,
  reconcileText,
  standing,
  titleOf,
} from '../approvals/sentences.ts';
import { createHoldOf, type HoldOf } from '../control/hold.ts';
import { type DelegateResult, delegate } from '../domain/approval/delegation.ts';
import { delegatorsOf } from '../domain/approval/delegation-chain.ts';
import { excludedFrom, isExcluded, type Known } from '../domain/approval/exclusion.ts';
import { type Finding, type ReconcileResult, reconcile } from '../domain/approval/reconciliation.ts';
import { type Approval, approversOf, isEnded, type Step } from '../domain/approval/record.ts';
import type { Circumstances } from '../domain/approval/time.ts';
import { mayDecide, type Vote, type VoteResult, vote } from '../domain/approval/voting.ts';
import { cancel, revoke, type Settler, type WithdrawResult } from '../domain/approval/withdrawal.ts';
import { type Card, parseTicket, ticketOf } from '../domain/card.ts';
import { systemClock } from '../domain/clock.ts';
import { StartupError } from '../domain/errors.ts';
import { PersonId } from '../domain/ids.ts';
import type { Person } from '../domain/person.ts';
import type { Voter } from '../domain/quorum.ts';
import { CLI_PLATFORM, type Directory } from '../identity/directory.ts';
import { partitionOfApproval } from '../redis/keys.ts';
import { type Actor, actorOf, auditName, shownName } from './actor.ts';
import { auditLine } from './audit.ts';
import { facts, relative, table } from './table.ts';
import { type StoreSession, withKnownStores } from './with-stores.ts';

/** Approvals listed, at most. */
const MOST_LISTED = 1_000;

export interface ApprovalsOptions {
  readonly config: string;
  readonly json: boolean;
  /** The person to act for. */
  readonly as: string | undefined;
}

export async function listApprovals(options: ApprovalsOptions): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    const actor = actorOf(session.config, session.directory, options.as);
    const pending = await session.approvals.pending(MOST_LISTED, (approval) =>
      maySee(session.directory, actor, approval),
    );
    if (options.json) return print(JSON.stringify(pending.map(withTicket), undefined, 2));
    if (pending.length === 0) return print('Nothing waits for a human.');
    const rows = pending.map((approval) => [
      ticketFor(approval),
      approval.state.toLowerCase(),
      titleOf(approval),
      approval.request.requesterName,
      askedOf(approval),
      approval.state === 'OPEN' ? relative(approval.deadlineMs, Date.now()) : '',
    ]);
    return print(table(['ticket', 'state', 'what', 'asked by', 'who may answer', 'expires'], rows));
  });
}

/** @param named the ticket, or the id, as in all of these */
export async function showApproval(named: string, options: ApprovalsOptions): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    const actor = actorOf(session.config, session.directory, options.as);
    const { approval } = await find(session, actor, named);
    const history = await session.audit.about(approval.id, partitionOfApproval(approval.id));
    if (options.json) return print(JSON.stringify({ ...withTicket(approval), history }, undefined, 2));
    const hold = await holdIn(session)(approval);
    return print(`${describe(approval, hold)}\n\n${history.map(auditLine).join('\n')}`);
  });
}

export async function answerApproval(
  named: string,
  answer: { readonly choice: 'approve' | 'deny' | 'answer'; readonly text: string | undefined },
  options: ApprovalsOptions,
): Promise<number> {
  return act(named, options, {
    verb: answer.choice,
    step: (actor, directory, gen) => {
      const key = `cli:${randomUUID()}`;
      return (approval, nowMs, circumstances) =>
        voteAt(approval, actor, directory, {
          ...answer,
          gen,
          key,
          nowMs,
          circumstances: { ...circumstances, people: directory.peopleNow() },
        });
    },
    ok: ({ code }) => code === 'DECIDED' || code === 'RECORDED',
    sentence: (result, hold) => [noticeFor(result, hold), newerOf(result)].join(' ').trim(),
  });
}

export async function cancelApproval(
  named: string,
  reason: string,
  options: ApprovalsOptions,
): Promise<number> {
  return act(named, options, {
    verb: 'cancel',
    step: (actor, directory) => (approval, nowMs) =>
      cancel(approval, settler(actor, directory), reason, nowMs),
    ok: ({ code }) => code === 'DONE',
    sentence: (result, hold) =>
      withdrawn(result, 'Only the one who asked, or an operator, can cancel this.', hold),
  });
}

export async function revokeApproval(
  named: string,
  reason: string,
  options: ApprovalsOptions,
): Promise<number> {
  return act(named, options, {
    verb: 'revoke',
    step: (actor, directory) => (approval, nowMs) =>
      revoke(approval, settler(actor, directory), reason, nowMs),
    ok: ({ code }) => code === 'DONE',
    sentence: (result, hold) =>
      withdrawn(result, 'Only the one who said yes, or an operator, can take it back.', hold),
  });
}

export async function reconcileApproval(
  named: string,
  finding: Finding,
  options: ApprovalsOptions,
): Promise<number> {
  return act<ReconcileResult>(named, options, {
    verb: `reconcile ${finding}`,
    step: (actor, directory, gen) => (approval, nowMs) => {
      if (gen !== approval.gen) return { result: { code: 'STALE_CARD', approval } };
      const wasHuman = approval.decision?.source === 'human';
      if (finding === 'retry' && wasHuman && isOwnRequest(approval, actor)) {
        return { result: { code: 'NOT_ELIGIBLE', approval } };
      }
      const { permitted, ...rights } = rightsOf(directory, actor.person, approval, nowMs);
      if (finding === 'retry' && wasHuman && !permitted) {
        return { result: { code: 'NOT_ELIGIBLE', approval } };
      }
      const { account } = actor;
      const { accounts } = actor.person;
      const by = { ...settler(actor, directory), account, accounts, operator: operatorOf(actor), ...rights };
      return reconcile(approval, by, finding, nowMs, directory.peopleNow());
    },
    ok: ({ code }) => code === 'DONE' || code === 'RECORDED',
    sentence: (result) => [reconcileText(result), newerOf(result)].join(' ').trim(),
  });
}

/** An operator lets somebody decide in the place of one who was asked; where one alone was, that is they. */
export async function reassignApproval(
  named: string,
  { to, from }: { readonly to: string; readonly from: string | undefined },
  options: ApprovalsOptions,
): Promise<number> {
  return act<DelegateResult & { readonly names: ReassignedNames }>(named, options, {
    verb: 'reassign',
    step: (actor, directory) => (approval, nowMs) => {
      const next = personCalled(directory, to);
      const asked = directory.approversOf(approversOf(approval), excludedFrom(approval), nowMs);
      const giver = from === undefined ? onlyOne(asked) : personCalled(directory, from);
      const names = { to: next.name, from: giver?.name ?? '', isSame: next.id === giver?.id };
      if (!giver) throw whosePlace(asked);
      const { standsFor: awayFor, ...own } = directory.voterOf(giver, nowMs);
      const { moved, result } = delegate(
        approval,
        {
          from: { ...own, standsFor: directory.wordsPassedTo(giver.id, approval, nowMs) },
          awayFor,
          lent: directory.lentRoles(giver.id, giver.roles),
          to: {
            person: next.id,
            accounts: next.accounts,
            decides: decides(directory, next, approval, nowMs),
            mute: !directory.mayBePassed(next.id),
          },
          operator: operatorOf(actor),
          by: { person: actor.person.id, accounts: [actor.account, ...actor.person.accounts] },
          operates: directory.may(actor.person.roles, 'operate'),
          called: { to: names.to, from: names.from, by: actor.person.name },
          // Where they can be written to is known where the gateways run.
          copies: undefined,
        },
        nowMs,
      );
      return { result: { ...result, names }, ...(moved ? { moved } : {}) };
    },
    ok: ({ code }) => code === 'DONE' || code === 'PASSED_BEFORE',
    sentence: (result) => reassignText(result, result.names),
    later: () => 'No gateway is running; they are asked when it is started.',
  });
}

/** @throws {StartupError} when nobody is called that */
function personCalled(directory: Directory, name: string): Person {
  const parsed = PersonId.safeParse(name.toLowerCase());
  const person = parsed.success ? directory.find(parsed.data) : undefined;
  if (person) return person;
  throw new StartupError(`there is nobody called ${name}`, 'name people as contacts.yaml does');
}

function onlyOne(people: readonly Person[]): Person | undefined {
  return people.length === 1 ? people[0] : undefined;
}

function whosePlace(asked: readonly Person[]): StartupError {
  const names = asked.map(({ id }) => id).join(', ') || 'nobody';
  return new StartupError(
    `${asked.length} people may decide this: ${names}`,
    'say with --for in whose place somebody decides',
  );
}

/** Who may look at an approval: those concerned, and those who run the gateway. Pure. */
export function maySee(directory: Directory, { person }: Pick<Actor, 'person'>, approval: Approval): boolean {
  return (
    approval.request.requester === person.id ||
    mayDecide(approval, directory.voterOf(person, systemClock.now())) ||
    delegatorsOf(approval, person.id).length > 0 ||
    directory.may(person.roles, 'operate') ||
    directory.may(person.roles, 'audit.read')
  );
}

interface Act<Result extends { readonly code: string; readonly approval: Approval }> {
  readonly verb: string;
  /** Made once, so that a decision taken anew is the same gesture; `gen` is what was seen. */
  readonly step: (
    actor: Actor,
    directory: Directory,
    gen: number,
  ) => (approval: Approval, nowMs: number, circumstances: Circumstances) => Step<Result>;
  readonly ok: (result: Result) => boolean;
  /** `hold`: when it runs once it is agreed to, in a part of a sentence; undefined where nothing holds it. */
  readonly sentence: (result: Result, hold: string | undefined) => string;
  /** What waits for a gateway, where none is running; undefined when nothing does. */
  readonly later?: (approval: Approval) => string | undefined;
}

async function act<Result extends { readonly code: string; readonly approval: Approval }>(
  named: string,
  options: ApprovalsOptions,
  { verb, step, ok, sentence, later = runsLater }: Act<Result>,
): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    const actor = actorOf(session.config, session.directory, options.as);
    const { approval, gen } = await find(session, actor, named);
    const result = await session.approvals.apply(approval.id, step(actor, session.directory, gen));
    if (!result) throw notThere(named);
    await recordAnswer(session, actor, result, verb);

    const done = ok(result);
    const { approval: after } = result;
    const hold = await holdIn(session)(after);
    const waits = done && hold === undefined ? later(after) : undefined;
    const note = waits !== undefined && !(await session.isGatewayRunning()) ? [waits] : [];
    if (options.json) print(JSON.stringify({ ok: done, code: result.code, approval: after }, undefined, 2));
    else {
      (done ? print : complain)(`${titleOf(after)}\n${[sentence(result, hold), ...note].join(' ')}`);
    }
    return done ? 0 : 1;
  });
}

function holdIn({ controls, config }: StoreSession): HoldOf {
  return createHoldOf(controls, () => config);
}

function runsLater({ state }: Approval): string | undefined {
  return state === 'APPROVED' ? 'No gateway is running; it runs the call when it is started.' : undefined;
}

/** What somebody says, and when: by the store's time, and by when nobody of ours was there. */
interface Said {
  readonly choice: 'approve' | 'deny' | 'answer';
  readonly text: string | undefined;
  readonly gen: number;
  readonly key: string;
  readonly nowMs: number;
  readonly circumstances: Circumstances;
}

function voteAt(
  approval: Approval,
  actor: Actor,
  directory: Directory,
  { choice, text, gen, key, nowMs, circumstances }: Said,
): Step<VoteResult> {
  const { person, account } = actor;
  return vote(
    approval,
    {
      key,
      choice,
      text,
      gen,
      digest: approval.digest,
      by: { person: person.id, name: shownName(actor), account },
      accounts: person.accounts,
      operator: operatorOf(actor),
      ...rightsOf(directory, person, approval, nowMs),
      via: CLI_PLATFORM,
      others: othersOf(directory, approval, nowMs),
    },
    nowMs,
    circumstances,
  );
}

/** Invariant 1: acting for somebody else does not make one's own request somebody else's. */
function isOwnRequest(approval: Approval, { person, account, operator }: Actor): boolean {
  return [person, operator].some(
    (each) => each && isExcluded(approval, { person: each.id, accounts: [account, ...each.accounts] }),
  );
}

/** Whoever really sits there, when that is somebody else. */
function operatorOf({ operator, account }: Actor): Known | undefined {
  return operator && { person: operator.id, accounts: [account, ...operator.accounts] };
}

/** Whether somebody may decide it as it is. */
function decides(
  directory: Directory,
  person: Pick<Person, 'id' | 'roles'>,
  approval: Approval,
  nowMs: number,
): boolean {
  const word = wordOf(directory, person, approval, nowMs);
  return rightsOf(directory, person, approval, nowMs).permitted && mayDecide(approval, word);
}

/** What the time says of somebody's word as well: on call, standing in, or trusted with this one request. */
function rightsOf(
  directory: Directory,
  person: Pick<Person, 'id' | 'roles'>,
  approval: Approval,
  nowMs: number,
): Pick<Vote, 'roles' | 'onCall' | 'standsFor' | 'mute' | 'permitted'> {
  const { roles, onCall, mute, standsFor = [] } = wordOf(directory, person, approval, nowMs);
  const permitted = directory.may(roles, 'approve') || standsFor.length > 0;
  return { roles, onCall, mute, standsFor, permitted };
}

function wordOf(
  directory: Directory,
  person: Pick<Person, 'id' | 'roles'>,
  approval: Approval,
  nowMs: number,
): Voter {
  const { standsFor = [], ...own } = directory.voterOf(person, nowMs);
  return { ...own, standsFor: [...standsFor, ...directory.wordsPassedTo(person.id, approval, nowMs)] };
}

/** Everybody who could still say yes, where one no is not enough; undefined when nobody can tell. */
function othersOf(directory: Directory, approval: Approval, nowMs: number): Vote['others'] {
  return approval.policy.denyRule === 'enough' ? directory.votersOn(approval, nowMs) : undefined;
}

function settler(actor: Actor, directory: Directory): Settler {
  const { person } = actor;
  return {
    person: person.id,
    name: shownName(actor),
    via: CLI_PLATFORM,
    operates: directory.may(person.roles, 'operate'),
  };
}

async function recordAnswer(
  { writer }: StoreSession,
  actor: Actor,
  { code, approval }: { code: string; approval: Approval },
  verb: string,
): Promise<void> {
  await writer.writeIn(partitionOfApproval(approval.id), [
    {
      kind: 'audit',
      event: {
        event: 'answer.received',
        actor: auditName(actor),
        subject: approval.id,
        correlation: approval.request.correlation,
        channel: CLI_PLATFORM,
        detail: { choice: verb, result: code, rule: approval.policy.rule, account: actor.account },
      },
    },
  ]);
}

/**
 * With the generation that is named.
 *
 * @throws {StartupError} when there is none, or none for these eyes
 */
async function find(
  session: StoreSession,
  actor: Actor,
  named: string,
): Promise<{ readonly approval: Approval; readonly gen: number }> {
  const ticket = parseTicket(named);
  if (!ticket) {
    throw new StartupError(
      `${named} is not the ticket of an approval`,
      'take one from `signalbox approvals list`, or from the card',
    );
  }
  const approval = await session.approvals.find(ticket.approvalId);
  if (!approval || !maySee(session.directory, actor, approval)) throw notThere(named);
  return { approval, gen: ticket.gen };
}

function notThere(named: string): StartupError {
  return new StartupError(
    `there is no approval ${named} for you to see`,
    '`signalbox approvals list` shows those that wait; settled ones are kept for as long as retention.approvals says',
  );
}

function describe(approval: Approval, hold: string | undefined): string {
  const { request, policy, decision } = approval;
  const card = toCard(approval, undefined);
  const entries: [string, string][] = [
    ['approval', approval.id],
    ['ticket', ticketFor(approval)],
    ['state', `${approval.state.toLowerCase()}. ${standing(approval, hold)}`],
    ['call', request.tool],
    ...card.facts.map(({ label, value }): [string, string] => [`  ${label}`, value]),
    ...(card.modelSays ? [['the agent says', card.modelSays.replaceAll('\n', ' ')] as [string, string]] : []),
    ['risk', `${request.risk}, ${request.reversible ? 'can be undone' : 'cannot be undone'}`],
    ['asked by', `${request.requesterName} (${request.requester}) on ${approval.origin.platform}`],
    ['who may answer', askedOf(approval)],
    ...(card.choices.length === 0 ? [] : [['what it takes', choicesText(card.choices)] as [string, string]]),
    ...(policy.options ?? []).map(({ id, label }, n): [string, string] => [
      n === 0 ? 'one of' : '',
      `${id}: ${label}`,
    ]),
    ['because of', `rule “${policy.rule}”, policy ${policy.name}`],
    ['expires', isEnded(approval.state) ? 'settled' : endText(approval)],
    ...(decision?.text
      ? [[decision.choice === 'answer' ? 'answer' : 'reason', decision.text] as [string, string]]
      : []),
    ['digest', approval.digest],
  ];
  return facts(entries);
}

/** `deny-with-reason` is a no like the other: whoever types gives the reason with it. */
function choicesText(choices: Card['choices']): string {
  return choices.filter((choice) => choice !== 'deny-with-reason').join(', ');
}

function ticketFor({ id, gen }: Approval): string {
  return ticketOf({ approvalId: id, gen });
}

/** For programs, which answer by the same ticket as people. */
function withTicket(approval: Approval): Approval & { readonly ticket: string } {
  return { ...approval, ticket: ticketFor(approval) };
}

/** Where to read what is asked now, when something else was answered. */
function newerOf({ code, approval }: { readonly code: string; readonly approval: Approval }): string {
  return code === 'STALE_CARD'
    ? `\`signalbox approvals show ${approval.id}\` says what that is, with its ticket.`
    : '';
}

function withdrawn(result: WithdrawResult, notEligible: string, hold: string | undefined): string {
  const { code, approval } = result;
  const stands = standing(approval, hold);
  switch (code) {
    case 'DONE':
      return `Recorded. ${stands}`;
    case 'ALREADY':
      return `It was settled before, so nothing changed. ${stands}`;
    case 'TOO_LATE':
      return `It cannot be taken back at this point. ${stands}`;
    case 'NOT_ELIGIBLE':
      return `${notEligible} Nothing changed.`;
    default:
      return code satisfies never;
  }
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}

function complain(text: string): number {
  process.stderr.write(`${text}\n`);
  return 1;
}
