/** How a held call becomes an approval: who is asked, where, until when. Pure, given who is who. */
import type { NamedHours } from '../calendar/calendar.ts';
import type { EscalationPolicy } from '../config/escalation.ts';
import type { Config } from '../config/load-config.ts';
import { askedBy, MOST_COPIES } from '../domain/approval/copies.ts';
import type { Excluded } from '../domain/approval/exclusion.ts';
import { type Opening, open } from '../domain/approval/opening.ts';
import type { Approval, ApprovalPolicy, ApprovalRequest, CardCopy } from '../domain/approval/record.ts';
import type { Grant } from '../domain/grant.ts';
import type { ApprovalId, ConversationId, PersonId } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import { type Person, RoleName } from '../domain/person.ts';
import { type Approvers, isQuorum, leavesOf, type Voter } from '../domain/quorum.ts';
import type { Directory } from '../identity/directory.ts';
import type { LengthOf } from './joint-policy.ts';

/** How long one permit to run a call lasts, unless it is renewed, in ms. */
const LEASE_MS = 60_000;

export interface Ask {
  readonly id: ApprovalId;
  readonly conversationId: ConversationId;
  readonly origin: Address;
  readonly request: ApprovalRequest;
  readonly rule: string;
  readonly nowMs: number;
}

export interface Asked {
  readonly approvers: Approvers;
  /** How those are called who may decide it by name. */
  readonly called?: ApprovalPolicy['called'];
  readonly policyName: string;
  readonly policy: EscalationPolicy;
  /** Who may answer, now, each with where to ask them, if there is such a place. */
  readonly eligible: readonly {
    readonly person: Person;
    readonly place: { readonly to: Address; readonly cannotEdit: boolean } | undefined;
  }[];
  /** Others may come to be among them by a group of their platform. */
  readonly mayBeOthers: boolean;
  /** Of the platform the request came from. */
  readonly originCannotEdit: boolean;
  /** Where everybody is shown it, and which of those who may answer are named there; absent: where it came from. */
  readonly shown?: { readonly to: Address; readonly named: readonly PersonId[] };
  /** What the time has to do with it; absent: nothing. */
  readonly times?: Times | undefined;
  /** A rule denies it, and lets these people make an exception. */
  readonly exception?: true;
}

/** What the time has to do with a question. */
export interface Times {
  /** Those that count; undefined when time is time. */
  readonly hours: NamedHours | undefined;
  /** Everybody whose yes could count before it ends: also whoever comes on call until then. */
  readonly voters: readonly Voter[];
  /** When others come to be asked. */
  readonly lookAgainMs: number | undefined;
}

/** By whose hours a question is counted, who could answer it in that time, when others come to it. */
export function timesOf(
  {
    approvers,
    policy,
    excluded,
    nowMs,
  }: {
    readonly approvers: Approvers;
    readonly policy: EscalationPolicy;
    readonly excluded: Excluded;
    readonly nowMs: number;
  },
  { calendar }: Pick<Config, 'calendar'>,
  directory: Directory,
): Times {
  const hours = hoursOf(policy, calendar);
  return {
    hours,
    voters: directory.votersFor(approvers, excluded, nowMs, {
      untilMs: later(hours, nowMs, policy.deadline),
      from: policy.approve_from,
    }),
    lookAgainMs: directory.nextChange(approvers, nowMs),
  };
}

/** How those are called who may decide it by name, at once or when time is up; absent where nobody is named. */
export function namesAsked(
  { approvers, policy }: Pick<Asked, 'approvers' | 'policy'>,
  directory: Pick<Directory, 'find'>,
): Pick<Asked, 'called'> {
  const further = policy.on_timeout.flatMap((rung) => (rung.kind === 'escalate' ? [rung.approvers] : []));
  const named = [approvers, ...further].flatMap((each) =>
    leavesOf(each).flatMap((leaf) => ('person' in leaf ? (directory.find(leaf.person) ?? []) : [])),
  );
  return named.length === 0 ? {} : { called: Object.fromEntries(named.map(({ id, name }) => [id, name])) };
}

/** How long a question that is asked now waits by a policy. */
export function lengthsAt(nowMs: number, { calendar }: Pick<Config, 'calendar'>): LengthOf {
  return (policy) => later(hoursOf(policy, calendar), nowMs, policy.deadline) - nowMs;
}

function hoursOf(
  { clock }: Pick<EscalationPolicy, 'clock'>,
  calendar: Config['calendar'],
): NamedHours | undefined {
  return clock === 'wall' ? undefined : calendar.hoursNamed(clock.working);
}

/** When so much time is over, in ms since the epoch. Hours that never come again count for nothing. */
export function later(hours: NamedHours | undefined, fromMs: number, lengthMs: number): number {
  return hours?.hours.add(fromMs, lengthMs) ?? fromMs + lengthMs;
}

/** How much of a time counts, in ms. */
export function elapsed(hours: NamedHours | undefined, fromMs: number, untilMs: number): number {
  return hours?.hours.elapsed(fromMs, untilMs) ?? untilMs - fromMs;
}

export function askHumans(ask: Ask, asked: Asked): Approval {
  const { policy, times } = asked;
  const { hours } = times ?? {};
  // An exception, or what may be a stranger's wish: nothing but a yes to just this lets it run.
  const isOnce = asked.exception === true || ask.request.strangers !== undefined;
  const deadlineMs = later(hours, ask.nowMs, policy.deadline);
  return open({
    ...base(ask),
    policy: {
      ...basePolicy(ask.rule),
      name: asked.policyName,
      approvers: asked.approvers,
      ...(asked.called ? { called: asked.called } : {}),
      remindAfterMs: remindersOf(policy, hours, ask.nowMs),
      ...(policy.warn_before === undefined ? {} : { warnBeforeMs: policy.warn_before }),
      validForMs: policy.valid_for,
      catchUp: policy.catch_up_reminders,
      ...(policy.refuse_by === 'enough' ? { denyRule: 'enough' } : {}),
      ...(asked.exception ? { exception: true as const } : {}),
      ...(policy.standing_yes && !isOnce ? { standingYes: toStandingYes(policy.standing_yes) } : {}),
      ...ladderOf(policy, isOnce),
      ...(policy.min_visible > 0 ? { minVisibleMs: visibleFor(policy) } : {}),
      hardDeadlineMs: Math.max(policy.hard_deadline, deadlineMs - ask.nowMs),
      ...(hours ? { hours: { name: hours.name, zone: hours.zone } } : {}),
      ...(policy.pause_for_questions > 0 ? { pauseMs: policy.pause_for_questions } : {}),
      ...(policy.approve_from ? { approveFrom: policy.approve_from } : {}),
      ...(policy.on_new_message === 'keep' ? {} : { onNewMessage: policy.on_new_message }),
      ...(policy.escalation === undefined ? {} : { escalation: policy.escalation }),
    },
    deadlineMs,
    warnMs: warningOf(policy, hours, { nowMs: ask.nowMs, deadlineMs }),
    lookAgainMs: times?.lookAgainMs,
    copies: copiesOf(ask, asked),
    verdict: asked.mayBeOthers || canBeReached(asked) ? 'human' : 'nobody',
  });
}

/** Whether those who may answer could say yes together. */
function canBeReached({ approvers, eligible, times }: Asked): boolean {
  return isQuorum(approvers, times?.voters ?? eligible.map(toVoter));
}

function toVoter({ person: { id, roles } }: { readonly person: Person }): Voter {
  return { person: id, roles };
}

/** A call the policy lets run by itself: recorded all the same, so that it runs once. */
export function allowAtOnce(ask: Ask): Approval {
  return askNobody(ask, 'allowed');
}

/** A call that somebody has said yes to before it was made. @param policyName by which people would be asked */
export function allowByGrant(ask: Ask, granted: Pick<Grant, 'id' | 'by'>, policyName: string): Approval {
  return askNobody(ask, { granted }, policyName);
}

function askNobody(ask: Ask, verdict: Opening['verdict'], policyName: string = NO_POLICY): Approval {
  const policy = { ...basePolicy(ask.rule), name: policyName };
  return open({ ...base(ask), policy, deadlineMs: ask.nowMs + policy.validForMs, copies: [], verdict });
}

function base({
  id,
  conversationId,
  origin,
  request,
  nowMs,
}: Ask): Pick<Opening, 'id' | 'conversationId' | 'origin' | 'request' | 'nowMs'> {
  return { id, conversationId, origin, request, nowMs };
}

/** Of what nobody is asked about, or not known by which. */
export const NO_POLICY = 'none';

function basePolicy(rule: string): ApprovalPolicy {
  return {
    name: NO_POLICY,
    rule,
    // Nobody has to be asked; the requester could not answer anyway.
    approvers: { role: RoleName.parse('nobody') },
    choices: ['approve', 'deny', 'answer', 'edit', 'ask', 'take-back'],
    remindAfterMs: [],
    validForMs: 15 * 60_000,
    leaseMs: LEASE_MS,
  };
}

/** Silence makes no exception. */
function ladderOf({ on_timeout }: EscalationPolicy, isOnce: boolean): Pick<ApprovalPolicy, 'ladder'> {
  const ladder = isOnce ? on_timeout.filter(({ kind }) => kind !== 'approve') : on_timeout;
  return ladder.length > 0 ? { ladder } : {};
}

function toStandingYes({
  rules,
  longest,
  most_times,
}: NonNullable<EscalationPolicy['standing_yes']>): NonNullable<ApprovalPolicy['standingYes']> {
  return { rules, longestMs: longest, mostTimes: most_times };
}

/** What is asked for an hour cannot be in front of somebody for a day. */
function visibleFor({ min_visible, deadline }: EscalationPolicy): number {
  return Math.min(min_visible, Math.floor(deadline / 2));
}

/** In ms after the question. By hours several may come to be one, or to be none: what falls on the deadline is late. */
function remindersOf(
  { remind_after, deadline }: EscalationPolicy,
  hours: NamedHours | undefined,
  nowMs: number,
): number[] {
  const after = (lengthMs: number) => later(hours, nowMs, lengthMs) - nowMs;
  const all = remind_after.map(after).filter((ms) => ms < after(deadline));
  return [...new Set(all)].toSorted((a, b) => a - b);
}

/** When the first deadline is warned of; undefined where that is not wanted, or would be on the deadline itself. */
function warningOf(
  { warn_before, deadline }: EscalationPolicy,
  hours: NamedHours | undefined,
  { nowMs, deadlineMs }: { readonly nowMs: number; readonly deadlineMs: number },
): number | undefined {
  if (warn_before === undefined) return undefined;
  const warnMs = later(hours, nowMs, deadline - warn_before);
  return warnMs < deadlineMs ? warnMs : undefined;
}

/** One card in the conversation, and one for each approver where they prefer to be asked. */
function copiesOf({ origin }: Ask, { eligible, originCannotEdit, shown }: Asked): CardCopy[] {
  const { to, named } = shown ?? { to: origin, named: [] };
  const direct = eligible
    .slice(0, MOST_COPIES)
    .flatMap(({ person, place }): CardCopy[] => (place ? [copyFor(person.id, place, person.id)] : []));
  const forAll: CardCopy = {
    id: 'conversation',
    to,
    ...(named.length > 0 ? { named: [...named] } : {}),
    ...(originCannotEdit ? { outcomeOnly: true } : {}),
  };
  return [forAll, ...direct];
}

/** Those of the eligible whom no copy reaches; nobody, where the others could say yes without them. */
export function unaskedOf(
  { policy, copies }: Pick<Approval, 'policy' | 'copies'>,
  eligible: readonly Person[],
  voterOf: (person: Person) => Voter,
): readonly Person[] {
  const reached = new Set(copies.flatMap(askedBy));
  const unasked = eligible.filter(({ id }) => !reached.has(id));
  if (unasked.length === 0) return [];
  const voters = eligible.filter(({ id }) => reached.has(id)).map(voterOf);
  return isQuorum(policy.approvers, voters) ? [] : unasked;
}

/**
 * Copies for those who have to find out what came of a call: whoever may decide it was asked already, and those who
 * run the gateway come to it. Nobody twice.
 */
export function copiesForOwners(
  { copies }: Approval,
  owners: readonly {
    readonly person: PersonId;
    readonly place: { readonly to: Address; readonly cannotEdit: boolean } | undefined;
  }[],
): CardCopy[] {
  const asked = new Set(copies.map(({ person }) => person));
  return owners
    .filter(({ person }) => !asked.has(person))
    .flatMap(({ person, place }) => (place ? [copyFor(person, place, person)] : []))
    .slice(0, MOST_COPIES);
}

/** The copy of the card that one person gets. */
export function copyFor(
  person: PersonId,
  { to, cannotEdit }: { readonly to: Address; readonly cannotEdit: boolean },
  id: string,
): CardCopy {
  return { id, to, person, ...(cannotEdit ? { outcomeOnly: true } : {}) };
}
