/**
 * What the escalation engine has to do: items of its own queue, written in the step of whatever brought them about,
 * so that a report is as durable as its cause. Each is done once, however often it is taken up.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { Controller } from '../domain/control.ts';
import { Report } from '../domain/escalation/course.ts';
import { Page } from '../domain/escalation/pager.ts';
import { Place } from '../domain/escalation/record.ts';
import { ConversationId, EscalationId, PersonId, Platform } from '../domain/ids.ts';
import { Address } from '../domain/message.ts';
import type { Effect } from '../redis/effects.ts';
import { partitionOf } from '../redis/keys.ts';

/** The queue of the engine. */
export const ESCALATION_QUEUE = 'e';

const common = {
  id: z.string(),
  atMs: z.int(),
  /** Whose words it may hold: by this, whoever erases them is told of it. */
  from: z.array(PersonId).optional(),
};

/** What is said in place of the whole where others read it, and only one person reads what is said at `origin`. */
const IfPrivate = z.object({ origin: Address, markdown: z.string() });
export type IfPrivate = z.infer<typeof IfPrivate>;

export const EscalationItem = z.discriminatedUnion('kind', [
  /** Somebody has to look after something. */
  z.object({
    ...common,
    kind: z.literal('report'),
    policy: z.string(),
    report: Report,
    /** What it is about, whichever policy it begins, where that may be over by itself. */
    trouble: z.string().optional(),
  }),
  /** What it was about is over by itself. */
  z.object({
    ...common,
    kind: z.literal('close'),
    escalation: EscalationId,
    remark: z.string(),
    /** Whose doing that is, who need not be told; absent: nobody's. */
    actor: z.string().optional(),
  }),
  /** The same for whatever this trouble began, also by policies that no trigger names any more. */
  z.object({
    ...common,
    kind: z.literal('close-all'),
    trouble: z.string(),
    remark: z.string(),
    actor: z.string().optional(),
  }),
  /** What it is about waits for a reply until then, at most. */
  z.object({ ...common, kind: z.literal('hold'), escalation: EscalationId, untilMs: z.int() }),
  /** There is a reply, or it is waited for no longer. */
  z.object({ ...common, kind: z.literal('go-on'), escalation: EscalationId }),
  /** What it is about was changed, and is called otherwise now. */
  z.object({ ...common, kind: z.literal('retitle'), escalation: EscalationId, title: z.string() }),
  /** A call did not arrive. */
  z.object({
    ...common,
    kind: z.literal('unreached'),
    escalation: EscalationId,
    epoch: z.int(),
    person: PersonId,
  }),
  /** A post did not arrive. */
  z.object({
    ...common,
    kind: z.literal('unposted'),
    escalation: EscalationId,
    epoch: z.int(),
    place: Place,
  }),
  /** Somebody is to be told something. */
  z.object({
    ...common,
    kind: z.literal('page'),
    person: PersonId,
    page: Page,
    ifPrivate: IfPrivate.optional(),
  }),
  /** A channel is to be told. */
  z.object({
    ...common,
    kind: z.literal('post'),
    escalation: EscalationId,
    epoch: z.int(),
    platform: Platform,
    channel: z.string(),
    /** `news`: it is over, or somebody has it. */
    why: z.enum(['call', 'news']).default('call'),
    markdown: z.string(),
    ifPrivate: IfPrivate.optional(),
  }),
  /** A program is to be told. */
  z.object({
    ...common,
    kind: z.literal('webhook'),
    escalation: EscalationId,
    /** Once the escalation is at a later one, it is not called any more. */
    epoch: z.int(),
    webhook: z.string(),
    body: z.record(z.string(), z.unknown()),
  }),
  /** A conversation is to wait for a human. */
  z.object({
    ...common,
    kind: z.literal('hand-off'),
    escalation: EscalationId,
    /** Once the escalation is at a later one, the agent does not fall silent any more. */
    epoch: z.int(),
    conversationId: ConversationId,
    policy: z.string(),
  }),
  /**
   * Somebody has taken over a conversation, has handed it back, was quiet in it, or says that nobody need come: for
   * whatever people are called to it for.
   */
  z.object({
    ...common,
    kind: z.literal('takeover-all'),
    conversationId: ConversationId,
    by: Controller,
    became: z.enum(['taken', 'handed-back', 'quiet', 'withdrawn']),
    /** Those that wanted the agent silent there. */
    called: z.array(EscalationId),
  }),
  /** The same for one alone, as an earlier version wrote it. */
  z.object({
    ...common,
    kind: z.literal('takeover'),
    escalation: EscalationId,
    by: Controller,
    became: z.enum(['taken', 'handed-back', 'quiet']),
  }),
  /** A conversation that waits for a human is to know how that stands. */
  z.object({ ...common, kind: z.literal('wait'), escalation: EscalationId, conversationId: ConversationId }),
]);
export type EscalationItem = z.infer<typeof EscalationItem>;

/** What somebody has to look after; the same `key` is the same thing. */
export interface Trouble extends Omit<Report, 'id' | 'except'> {
  readonly except?: readonly PersonId[];
  /** Of the report; the same on every delivery. */
  readonly reportId: string;
  /** Name of the escalation policy. */
  readonly policy: string;
  /** What it is about, whichever policy it begins; absent: somebody has to close it. */
  readonly trouble?: string;
}

/** Reports something, in the step that brought it about. */
export function toReport(
  { reportId, policy, trouble, except = [], ...about }: Trouble,
  atMs: number,
): Effect {
  const id = escalationIdOf(about.key, about.subject);
  return toItem({
    kind: 'report',
    id: `report:${reportId}`,
    atMs,
    policy,
    ...(trouble === undefined ? {} : { trouble }),
    report: { ...about, id, except: [...except] },
  });
}

/** Says that what a key stands for is over. */
export function toClose(
  key: string,
  subject: Report['subject'],
  remark: string,
  cause: string,
  atMs: number,
): Effect {
  return toCloseOf(escalationIdOf(key, subject), { remark, cause, atMs });
}

/** Says that what an escalation is about is over. */
export function toCloseOf(
  escalation: EscalationId,
  {
    remark,
    cause,
    actor,
    atMs,
  }: {
    readonly remark: string;
    readonly cause: string;
    readonly actor?: string | undefined;
    readonly atMs: number;
  },
): Effect {
  const id = `close:${escalation}:${cause}`;
  return toItem({ kind: 'close', id, atMs, escalation, remark, ...(actor === undefined ? {} : { actor }) });
}

export function toItem(item: EscalationItem): Effect {
  return { kind: 'out', queue: ESCALATION_QUEUE, lane: laneOf(item), item };
}

/**
 * What happens to one escalation, what one person is told, and what one program is told of one escalation, each keeps
 * its order: a call that a program does not take holds up no other.
 */
function laneOf(item: EscalationItem): string {
  switch (item.kind) {
    case 'report':
      return item.report.id;
    case 'page':
      return `page:${item.person}`;
    case 'close-all':
      return `close-all:${item.trouble}`;
    case 'takeover-all':
      return `takeover-all:${item.conversationId}`;
    case 'webhook':
      return `webhook:${item.webhook}:${item.escalation}`;
    case 'close':
    case 'unreached':
    case 'unposted':
    case 'hold':
    case 'go-on':
    case 'retitle':
    case 'hand-off':
    case 'takeover':
    case 'wait':
    case 'post':
      return item.escalation;
    default:
      return item satisfies never;
  }
}

/** Derived from its key, in the partition of what it is about. */
export function escalationIdOf(key: string, subject: Report['subject']): EscalationId {
  const digest = createHash('sha256').update(key).digest();
  const tail = BigInt(`0x${digest.subarray(0, 8).toString('hex')}`)
    .toString(36)
    .padStart(13, '0')
    .slice(-12);
  const partition = partitionOf(subject.kind === 'trouble' ? key : subject.conversationId);
  return EscalationId.parse(`esc_p${partition}_${tail}`);
}

export function partitionOfEscalation(id: string): number {
  return Number.parseInt(id.slice('esc_p'.length), 10);
}
