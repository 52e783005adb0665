/**
 * What follows from a change of an escalation: whom to call, whom to tell that they need not come, the programs and the
 * conversation it concerns, the audit. Written in the same step as the change. Pure.
 */
import { ticketFor } from '../control/control-store.ts';
import { type IfPrivate, toItem } from '../delivery/escalation-item.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import type { Page } from '../domain/escalation/pager.ts';
import { type Act, type Escalation, type EscalationMove, isLive } from '../domain/escalation/record.ts';
import { API_PLATFORM, type PersonId, type Platform } from '../domain/ids.ts';
import type { Effect } from '../redis/effects.ts';
import { conversationToTake, toWait } from './human-wait.ts';
import { callText, lostText, newsText } from './sentences.ts';

/** Steps that one entry of the audit names: after a long outage there may be thousands. */
const MOST_STEPS_NOTED = 50;

export function consequencesOf(
  before: Escalation | undefined,
  moved: EscalationMove,
  nowMs: number,
): Effect[] {
  return [
    { kind: 'audit', event: toAudit(before, moved) },
    ...moved.acts.flatMap((act, index) => effectsOf(act, index, moved.next, nowMs)),
    ...news(before, moved, nowMs),
    ...lost(before, moved, nowMs),
    ...toWait(before, moved, nowMs),
  ];
}

function effectsOf(act: Act, index: number, escalation: Escalation, nowMs: number): Effect[] {
  const { id, rev, epoch, subject, origin, plan, title, count, except } = escalation;
  const key = `${id}:${rev}:${index}`;
  switch (act.kind) {
    case 'page': {
      const { person, platform, importance, why } = act;
      const words = wordsOf(escalation, callText(escalation, why), callText(escalation, why, 'apart'));
      return [toPage(escalation, person, { id: key, platform, importance, why }, words, nowMs)];
    }
    case 'post':
      return [
        toItem({
          kind: 'post',
          id: `post:${key}`,
          atMs: nowMs,
          escalation: id,
          epoch,
          platform: act.platform,
          channel: act.channel,
          why: 'call',
          ...wordsOf(escalation, callText(escalation, act.why), callText(escalation, act.why, 'apart')),
        }),
      ];
    case 'webhook': {
      const data = { escalation: id, title, severity: act.severity, count, policy: plan.name, subject };
      const body = { type: 'escalation.called', timestamp: new Date(nowMs).toISOString(), data };
      return [
        toItem({
          kind: 'webhook',
          id: `webhook:${key}`,
          atMs: nowMs,
          escalation: id,
          epoch,
          webhook: act.webhook,
          body,
          ...whose(except),
        }),
      ];
    }
    case 'hand-off': {
      // Nobody speaks in the conversation of a program.
      if (subject.kind === 'trouble' || origin?.platform === API_PLATFORM) return [];
      const { conversationId } = subject;
      return [
        toItem({
          kind: 'hand-off',
          id: `hand-off:${key}`,
          atMs: nowMs,
          escalation: id,
          epoch,
          conversationId,
          policy: plan.name,
        }),
      ];
    }
    case 'alarm':
      return []; // stands in the audit, and the self-audit does not call that in order
    default:
      return act satisfies never;
  }
}

/** Those who were called hear that they need not come, and it stands wherever they were called; whoever acted knows. */
function news(before: Escalation | undefined, moved: EscalationMove, nowMs: number): Effect[] {
  const markdown = newsText(moved);
  if (before === undefined || markdown === undefined) return [];
  const { next } = moved;
  const words = wordsOf(next, markdown, newsText(moved, 'apart'));
  const owner = before.standing.state === 'ACKED' ? before.standing.owner.person : before.lastOwner;
  // Who has heard of an owner, or of a pause, hears of the end as well.
  const called = isLive(next) ? before.chains.map(({ person }) => person) : before.told;
  // That it goes on without them may not have come to whoever had it before.
  const heard = [...new Set([...called, ...(owner === undefined ? [] : [owner])])];
  const posts = (before.posted ?? []).map(({ platform, channel }) =>
    toItem({
      kind: 'post',
      id: `post:${next.id}:${next.rev}:news:${platform}:${channel}`,
      atMs: nowMs,
      escalation: next.id,
      epoch: next.epoch,
      platform,
      channel,
      why: 'news',
      ...words,
    }),
  );
  const pages = heard
    .filter((person) => person !== moved.actor)
    .flatMap((person) => toNews(before, next, person, words, nowMs));
  return [...posts, ...pages];
}

/** Whoever had it hears that it goes on without them, unless that is their own doing. */
function lost(before: Escalation | undefined, moved: EscalationMove, nowMs: number): Effect[] {
  if (before?.standing.state !== 'ACKED' || moved.next.standing.state === 'ACKED') return [];
  const { person } = before.standing.owner;
  const markdown = lostText(moved);
  if (markdown === undefined || person === moved.actor) return [];
  const words = wordsOf(moved.next, markdown, lostText(moved, 'apart'));
  return toNews(before, moved.next, person, words, nowMs);
}

/** Nothing where they were never written to. */
function toNews(
  before: Escalation,
  next: Escalation,
  person: PersonId,
  words: Words,
  nowMs: number,
): Effect[] {
  const platform = whereCalled(before, person);
  if (platform === undefined) return [];
  const id = `${next.id}:${next.rev}:news`;
  return [toPage(next, person, { id, platform, importance: 'low', why: 'news' }, words, nowMs)];
}

/** What is said of an escalation, and what in its place where others than those it was said to read it. */
interface Words {
  readonly markdown: string;
  /** Whoever it comes from; absent: nobody. */
  readonly from?: PersonId[];
  readonly ifPrivate?: IfPrivate;
}

/** Who reads at the origin, its gateway knows; what has none comes from nobody's words. */
function wordsOf({ origin, except }: Escalation, markdown: string, apart = markdown): Words {
  const said = { markdown, ...whose(except) };
  return origin === undefined ? said : { ...said, ifPrivate: { origin, markdown: apart } };
}

/** Whoever it comes from is called about nothing of it, and is whom it may quote. */
function whose(except: readonly PersonId[]): Pick<Words, 'from'> {
  return except.length === 0 ? {} : { from: [...except] };
}

/** Where somebody was called last; undefined when they were not yet. */
function whereCalled({ chains, calledOn }: Escalation, person: PersonId): Platform | undefined {
  const chain = chains.find((each) => each.person === person);
  return chain?.links[chain.link - 1]?.platform ?? calledOn?.[person];
}

function toPage(
  escalation: Escalation,
  person: PersonId,
  page: Pick<Page, 'id' | 'platform' | 'importance' | 'why'>,
  { markdown, from, ifPrivate }: Words,
  atMs: number,
): Effect {
  const { id, epoch } = escalation;
  return toItem({
    kind: 'page',
    id: `page:${page.id}:${person}`,
    atMs,
    person,
    page: {
      ...page,
      markdown,
      ...(from ? { from } : {}),
      id: `page:${page.id}:${person}`,
      escalation: id,
      epoch,
      ...(page.why === 'news' ? {} : whereOf(escalation)),
      atMs,
    },
    ...(ifPrivate ? { ifPrivate } : {}),
  });
}

/** What whoever is called can act on at once. */
function whereOf(escalation: Escalation): Pick<Page, 'approvalId' | 'conversation'> {
  const { subject } = escalation;
  const conversation = conversationToTake(escalation);
  return {
    ...(subject.kind === 'approval' ? { approvalId: subject.approvalId } : {}),
    ...(conversation === undefined ? {} : { conversation: ticketFor(conversation) }),
  };
}

/** Who was called by which step; what people wrote is no part of the audit. */
function toAudit(
  before: Escalation | undefined,
  { next, event, actor, acts, taken }: EscalationMove,
): AuditEvent {
  const { id, correlation, plan, severity, epoch, standing } = next;
  return {
    event: `escalation.${event}`,
    actor,
    subject: id,
    correlation,
    detail: {
      from: before?.standing.state ?? 'NONE',
      to: standing.state,
      epoch,
      policy: plan.name,
      severity,
      about: aboutOf(next),
      ...(taken.length === 0
        ? {}
        : {
            steps: taken
              .slice(-MOST_STEPS_NOTED)
              .map(({ round, step, how }) => `${round + 1}/${step} ${how}`),
          }),
      ...(acts.length === 0 ? {} : { acts: acts.map(actText) }),
    },
  };
}

function aboutOf({ subject, key }: Escalation): string {
  if (subject.kind === 'approval') return subject.approvalId;
  return subject.kind === 'conversation' ? subject.conversationId : key;
}

function actText(act: Act): string {
  switch (act.kind) {
    case 'page':
      return `${act.why} ${act.person} on ${act.platform}, ${act.importance}`;
    case 'post':
      return `post in ${act.platform} ${act.channel}`;
    case 'webhook':
      return `webhook ${act.webhook}`;
    case 'hand-off':
      return 'hand-off';
    case 'alarm':
      return 'nobody is left who could be called';
    default:
      return act satisfies never;
  }
}
