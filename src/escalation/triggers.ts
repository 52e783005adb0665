/** What makes people be called by itself: which triggers of the configuration fit what happened. Pure. */
import type { EscalationTrigger, TriggerCondition } from '../config/escalation-triggers.ts';
import { lengthText } from '../control/sentences.ts';
import { fits } from '../control/takeover-rules.ts';
import { escalationIdOf, toCloseOf, toReport } from '../delivery/escalation-item.ts';
import type { Subject } from '../domain/escalation/record.ts';
import type { ConversationId, EscalationId, PersonId } from '../domain/ids.ts';
import type { Address, InboundMessage } from '../domain/message.ts';
import type { Effect } from '../redis/effects.ts';

/** Most characters of what somebody wrote that whoever is called is shown. */
const MOST_WORDS = 500;

/** Something that may make people be called. */
export type Happening =
  /** Somebody, or the agent, asked for a human; `words` is why. */
  | { readonly kind: 'handoff'; readonly title: string; readonly words?: string }
  /** A turn failed, for so many times in a row. */
  | { readonly kind: 'turn-failed'; readonly times: number }
  /** The model cannot be reached, and that for so long, in ms; `words` is why. */
  | { readonly kind: 'model-away'; readonly forMs: number; readonly words: string }
  | { readonly kind: 'tool-failed'; readonly tool: string; readonly times: number }
  /** Between 0 and 1. */
  | { readonly kind: 'low-confidence'; readonly confidence: number; readonly words: string }
  | {
      readonly kind: 'message';
      readonly message: Pick<InboundMessage, 'text' | 'replyTo'>;
      readonly roles: readonly string[];
    }
  | { readonly kind: 'dead-letter'; readonly queue: string; readonly words: string }
  /** A plan ended done only in part, or so that nobody knows; `words` say what is to be done by hand. */
  | { readonly kind: 'plan-raised'; readonly plan: string; readonly title: string; readonly words: string }
  /** So much of what a turn may take was taken; or, where a quota is named, of that. */
  | { readonly kind: 'budget'; readonly percent: number; readonly quota?: Quota };

/** What is not to be used up: of a person, a conversation, or everybody, in a day or a month. */
export interface Quota {
  /** The same in each of its days or months. */
  readonly name: string;
  /** What people are told of it. */
  readonly title: string;
}

/** Something that people may have been called about works again. */
export type Recovery =
  | { readonly kind: 'tool-works'; readonly conversationId: ConversationId; readonly tool: string }
  | { readonly kind: 'turn-works'; readonly conversationId: ConversationId }
  | { readonly kind: 'model-works' }
  /** There is something left of it again. */
  | { readonly kind: 'quota-left'; readonly quota: Quota }
  /** Nothing of this queue is in the dead letters any more. */
  | { readonly kind: 'letters-settled'; readonly queue: string };

/** Where and for whom it happened. */
export interface Scene {
  /** Of this happening; the same whenever it is looked at. */
  readonly id: string;
  readonly conversationId: ConversationId;
  readonly origin?: Address;
  /** Leads to the conversation, for whoever is called to it; of our own making. */
  readonly link?: string | undefined;
  readonly correlation: string;
  /** Whoever it comes from is not called. */
  readonly person?: PersonId;
  readonly nowMs: number;
}

/** A report for every trigger that fits. */
export function reportsOf(
  triggers: readonly EscalationTrigger[],
  happening: Happening,
  scene: Scene,
): Effect[] {
  return triggers.flatMap((trigger, index) => {
    if (!isFitting(trigger.when, happening)) return [];
    const { title, words } = told(happening);
    const link = isOfAll(happening) ? undefined : scene.link;
    const key = keyOf(happening, trigger, scene.conversationId);
    return [
      toReport(
        {
          key,
          subject: subjectOf(happening, scene.conversationId),
          severity: trigger.severity,
          title: trigger.name === undefined ? title : `${trigger.name}: ${title}`,
          ...(words === undefined ? {} : { words: words.slice(0, MOST_WORDS) }),
          ...(link === undefined ? {} : { link }),
          ...(scene.origin ? { origin: scene.origin } : {}),
          correlation: scene.correlation,
          except: scene.person === undefined ? [] : [scene.person],
          reportId: `${scene.id}:${index}`,
          policy: trigger.raise,
          ...(mayMend(happening) ? { trouble: troubleOf(happening, scene.conversationId) } : {}),
        },
        scene.nowMs,
      ),
    ];
  });
}

/** The end of what a trigger may have begun. */
export interface Closing {
  readonly escalation: EscalationId;
  /** What works again, in a part of a sentence. */
  readonly remark: string;
  readonly effect: Effect;
}

/**
 * What a recovery puts an end to: an escalation for each policy, whether or not it was begun.
 *
 * @param begun what the trouble has begun besides, by policies that no trigger may name any more
 */
export function closingsOf(
  triggers: readonly EscalationTrigger[],
  recovery: Recovery,
  { id, nowMs }: Pick<Scene, 'id' | 'nowMs'>,
  begun: readonly EscalationId[] = [],
): Closing[] {
  const { trouble, subject, place, remark } = mendedBy(recovery);
  const fitting = triggers.filter(({ when }) => when.kind === trouble.kind);
  const named = fitting.map((trigger) => escalationIdOf(keyOf(trouble, trigger, place), subject));
  return [...new Set([...named, ...begun])].map((escalation) => ({
    escalation,
    remark,
    effect: toCloseOf(escalation, { remark, cause: id, atMs: nowMs }),
  }));
}

/** What a recovery puts an end to, as `troubleOf` says it. */
export function troubleMendedBy(recovery: Recovery): string {
  const { trouble, place } = mendedBy(recovery);
  return troubleOf(trouble, place);
}

/** As much of a happening as it is known by. */
type Known = Pick<Happening, 'kind'> & {
  readonly tool?: string;
  readonly queue?: string;
  readonly plan?: string;
  readonly quota?: Quota;
};

/**
 * What the same thing is known by: for one conversation, policy and kind there is one escalation; for each plan and each
 * quota one; one for the model, wherever it was missed. What one trigger watches messages for is no less than what
 * another does.
 */
export function keyOf(
  happening: Known,
  { raise, name, when }: Pick<EscalationTrigger, 'raise' | 'name' | 'when'>,
  conversationId: string,
): string {
  const of = happening.kind === 'message' ? (name ?? JSON.stringify(when)) : happening.tool;
  const what = whatOf(happening, conversationId);
  return [happening.kind, raise, what, ...(of === undefined ? [] : [of])].join(':');
}

/**
 * What a rule is known by to something that is seen again and again: a message is one thing to it, however bad; an outage
 * a further one after each time the configuration names.
 */
export function onceKeyOf(
  happening: Known,
  trigger: Pick<EscalationTrigger, 'raise' | 'name' | 'when'>,
  conversationId: string,
): string {
  const key = keyOf(happening, trigger, conversationId);
  return trigger.when.kind === 'model-away' ? `${key}:${trigger.when.afterMs}` : key;
}

/** What the same trouble is known by, whichever policies it begins. */
export function troubleOf(happening: Known, conversationId: string): string {
  const { kind, tool } = happening;
  return [kind, whatOf(happening, conversationId), ...(tool === undefined ? [] : [tool])].join(':');
}

/** What everything that people are called to one conversation for is known by, whatever it is and whoever began it. */
export function callsTo(conversationId: ConversationId): string {
  return `calls:${conversationId}`;
}

function whatOf(happening: Known, conversationId: string): string {
  if (!isOfAll(happening)) return happening.plan ?? conversationId;
  return happening.queue ?? happening.quota?.name ?? '';
}

/** Whether it may be over by itself; what a turn used up is not, but a quota has something left again. */
function mayMend({ kind, ...happening }: Happening): boolean {
  switch (kind) {
    case 'handoff':
    case 'turn-failed':
    case 'tool-failed':
    case 'model-away':
    case 'dead-letter':
      return true;
    case 'budget':
      return 'quota' in happening && happening.quota !== undefined;
    case 'low-confidence':
    case 'message':
    case 'plan-raised':
      return false;
    default:
      return kind satisfies never;
  }
}

/** Whether what is known by this key is that a conversation waits for a human. */
export function isOfHandoff(key: string): boolean {
  return key.startsWith('handoff:');
}

/** Whether what is known by this key is that a plan needs a human. */
export function isOfPlan(key: string): boolean {
  return key.startsWith('plan-raised:');
}

/** Whether what is known by this key was raised at a terminal. */
export function isRaisedByHand(key: string): boolean {
  return key.startsWith('manual:');
}

/** Whether what is known by this key is what of a budget one of these people has used. */
export function isOfBudgetOf(key: string, people: readonly PersonId[]): boolean {
  return key.startsWith('budget:') && people.some((person) => key.includes(`:person:${person}:`));
}

/** The queue whose dead letters are known by this key; undefined when it is not about dead letters. */
export function queueOfLetters(key: string): string | undefined {
  return /^dead-letter:.+:([^:]+)$/.exec(key)?.[1];
}

function isFitting(when: TriggerCondition, happening: Happening): boolean {
  switch (when.kind) {
    case 'handoff':
    case 'dead-letter':
    case 'plan-raised':
      return happening.kind === when.kind;
    case 'turn-failed':
      return happening.kind === 'turn-failed' && happening.times >= when.times;
    case 'model-away':
      return happening.kind === 'model-away' && happening.forMs >= when.afterMs;
    case 'tool-failed':
      return (
        happening.kind === 'tool-failed' &&
        happening.times >= when.times &&
        (when.tools?.includes(happening.tool) ?? true)
      );
    case 'low-confidence':
      return happening.kind === 'low-confidence' && happening.confidence < when.below;
    case 'message': {
      const { kind: _, ...condition } = when;
      return happening.kind === 'message' && fits(condition, happening.message, happening.roles);
    }
    case 'budget':
      return happening.kind === 'budget' && happening.percent >= when.percent;
    default:
      return when satisfies never;
  }
}

/** What works again: as `keyOf` needs it, and for those who were called, in a part of a sentence. */
interface Mended {
  readonly trouble: Pick<Happening, 'kind'> & {
    readonly tool?: string;
    readonly queue?: string;
    readonly quota?: Quota;
  };
  readonly subject: Subject;
  readonly place: string;
  readonly remark: string;
}

function mendedBy(recovery: Recovery): Mended {
  switch (recovery.kind) {
    case 'tool-works': {
      const { conversationId, tool } = recovery;
      return {
        trouble: { kind: 'tool-failed', tool },
        subject: { kind: 'conversation', conversationId },
        place: conversationId,
        remark: `the tool ${tool} works again`,
      };
    }
    case 'turn-works': {
      const { conversationId } = recovery;
      return {
        trouble: { kind: 'turn-failed' },
        subject: { kind: 'conversation', conversationId },
        place: conversationId,
        remark: 'the agent answers there again',
      };
    }
    case 'model-works':
      return {
        trouble: { kind: 'model-away' },
        subject: { kind: 'trouble' },
        place: '',
        remark: 'the language model answers again',
      };
    case 'quota-left':
      return {
        trouble: { kind: 'budget', quota: recovery.quota },
        subject: { kind: 'trouble' },
        place: '',
        remark: `there is something left of it again (${recovery.quota.title})`,
      };
    case 'letters-settled':
      return {
        trouble: { kind: 'dead-letter', queue: recovery.queue },
        subject: { kind: 'trouble' },
        place: '',
        remark: 'everything that was kept is settled',
      };
    default:
      return recovery satisfies never;
  }
}

function subjectOf(happening: Happening, conversationId: ConversationId): Subject {
  return isOfAll(happening) ? { kind: 'trouble' } : { kind: 'conversation', conversationId };
}

/** Whether it is no matter of one conversation. */
function isOfAll({ kind, quota }: Pick<Happening, 'kind'> & { quota?: Quota }): boolean {
  return kind === 'dead-letter' || kind === 'model-away' || quota !== undefined;
}

/** What people are told of it; `words` are somebody else's. */
function told(happening: Happening): { title: string; words?: string } {
  switch (happening.kind) {
    case 'handoff':
      return {
        title: happening.title,
        ...(happening.words === undefined ? {} : { words: happening.words }),
      };
    case 'turn-failed':
      return { title: `The agent could not answer ${timesText(happening.times)}` };
    case 'model-away':
      return {
        title: `The language model has not answered for ${lengthText(happening.forMs)}`,
        words: happening.words,
      };
    case 'tool-failed':
      return { title: `The tool ${happening.tool} failed ${timesText(happening.times)}` };
    case 'low-confidence':
      return {
        title: `The agent is not sure of its answer (${Math.round(happening.confidence * 100)} %)`,
        words: happening.words,
      };
    case 'message':
      return { title: 'Somebody wrote what a rule watches for', words: happening.message.text };
    case 'dead-letter':
      return { title: 'Something could not be handled or delivered', words: happening.words };
    case 'plan-raised':
      return { title: `A plan needs a human: ${happening.title}`, words: happening.words };
    case 'budget':
      if (happening.quota) return { title: happening.quota.title };
      return { title: `A turn has used ${happening.percent} % of the steps it may take` };
    default:
      return happening satisfies never;
  }
}

function timesText(times: number): string {
  return times === 1 ? 'once' : `${times} times in a row`;
}
