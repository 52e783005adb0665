/**
 * The invariants of escalations (their numbers are those of the specification), each as a predicate over what came of a
 * history: what is wrong, or nothing.
 */
import { tick } from '../../src/domain/escalation/course.ts';
import {
  type EscalationPlan,
  isAtLeast,
  type PlanStep,
  type Severity,
  type Target,
} from '../../src/domain/escalation/plan.ts';
import {
  type Act,
  dueOf,
  type Escalation,
  isLive,
  type StepTaken,
  type Taken,
} from '../../src/domain/escalation/record.ts';
import type { PersonId } from '../../src/domain/ids.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { isSame } from './approval-model.ts';
import { type Happening, type History, IDS } from './escalation-model-history.ts';
import { idsOf, PEOPLE, START } from './escalation-world.ts';

/** What is wrong, in a sentence; undefined when it holds. */
export type Invariant = (history: History) => string | undefined;

type Written = Extract<Happening, { kind: 'written' }>;

/** Whatever kills what was begun. */
const KILLS: ReadonlySet<string> = new Set([
  'acknowledged',
  'let-go',
  'snoozed',
  'woken',
  'pushed',
  'not-confirmed',
  'cancelled',
]);
/** Whoever was told this needs nobody to be called any more. */
const SETTLES: ReadonlySet<string> = new Set(['ACKNOWLEDGED', 'TAKEN', 'SNOOZED', 'RESOLVED', 'CANCELLED']);
/** There is a reply, or somebody decided that it does not matter. */
const ENDS_QUESTION: ReadonlySet<string> = new Set(['answered', 'pushed', 'worse', 'raised']);
/** As in record-store.ts: one that was put off is tried again then. */
const LATE_MS = 61_000;
/** What was woken goes on with the next look, and whose shift has begun meanwhile is called by another. */
const MOST_FURTHER_LOOKS = 3;
const NEVER = Number.POSITIVE_INFINITY;
/** Of one course without anybody who acts; nobody's shift ends in it. */
const MOST_LOOKS = 3_000;

export const INVARIANTS = {
  'E1 nobody is called for what was settled before, once whoever settled it was told so': (history) => {
    const settled = new Map<string, number>();
    return each(history, (happening) => {
      if (happening.kind === 'lost') settled.clear();
      if (happening.kind === 'answered' && SETTLES.has(happening.result.code)) {
        const { id, epoch } = happening.result.escalation;
        settled.set(id, Math.max(epoch, settled.get(id) ?? 0));
      }
      if (happening.kind === 'sent') {
        const { page, current } = happening;
        if (page.epoch < (settled.get(page.escalation) ?? 0))
          return `${page.id} went out after it was settled`;
        return page.epoch === current?.epoch ? undefined : `${page.id} went out under an older epoch`;
      }
      if (happening.kind !== 'written' || !happening.before) return undefined;
      const { before, moved } = happening;
      if (moved.next.epoch < before.epoch) return 'the epoch went back';
      if (!KILLS.has(moved.event)) return undefined;
      return moved.next.epoch === before.epoch + 1 && moved.next.chains.length === 0
        ? undefined
        : `${moved.event} left what was begun`;
    });
  },

  'E2 one that is live stands in the list by the time it is due, and one that is over does not': (
    history,
  ) => {
    let latestMs = 0;
    return each(history, (happening) => {
      if (happening.kind !== 'looked') return undefined;
      latestMs = Math.max(latestMs, happening.nowMs);
      for (const { id, isOver, dueMs = NEVER, atMs } of happening.places) {
        if (isOver && atMs !== undefined) return `${id} is over, and stands in the list`;
        if (isOver) continue;
        if (atMs === undefined) return `${id} does not stand in the list`;
        if (atMs !== dueMs && atMs > Math.max(dueMs, latestMs) + LATE_MS)
          return `${id} is looked at too late`;
      }
      return undefined;
    });
  },

  'E3 the steps are those of the plan, in its order, by its branches and gotos alone': (history) =>
    eachStretch(history, ({ plan, start, steps }) => wrongPath(plan, start, steps)),

  'E4 each step of a round is taken once, but for gotos': (history) => {
    return eachStretch(history, ({ plan, steps }) => {
      const times = new Map<string, number>();
      for (const { round, step } of steps) {
        times.set(`${round}/${step}`, (times.get(`${round}/${step}`) ?? 0) + 1);
      }
      const jumps = plan.steps.reduce((sum, step) => sum + (step.kind === 'goto' ? step.most : 0), 0);
      const [name, count] = [...times].find(([, taken]) => taken > 1 + jumps) ?? [];
      return name === undefined ? undefined : `${name} was taken ${count} times`;
    });
  },

  'E5 if nobody acts it comes to its last resort, or to its end': (history) => {
    const wrong = eachWritten(history, ({ moved: { next } }) => {
      if (next.round >= next.plan.rounds) return `it is in round ${next.round}`;
      const goto = next.plan.steps.find(
        (step) => step.kind === 'goto' && (next.jumps[step.id] ?? 0) > step.most,
      );
      return goto && `${goto.id} was followed too often`;
    });
    return (
      wrong ??
      firstOf(
        IDS.flatMap((id) => history.find(id) ?? []),
        (it) => wrongEnd(history, it),
      )
    );
  },

  'E6 it is never silent: what nobody has taken for good is looked at later': (history) =>
    each(history, (happening) => {
      if (happening.kind === 'written') {
        const { next } = happening.moved;
        // Who is trusted, or has the conversation, is asked when it gets worse, and only then.
        const { standing, plan } = next;
        const isTrusted =
          standing.state === 'ACKED' &&
          standing.nextMs === undefined &&
          (plan.acknowledge.remindMs === undefined || standing.hasConversation === true);
        return (dueOf(next) !== undefined) === (isLive(next) && !isTrusted)
          ? undefined
          : `${next.standing.state} is due ${dueOf(next)}`;
      }
      if (happening.kind !== 'swept' || !happening.escalation || !happening.isUndisturbed) return undefined;
      const it = lookedAt(history, happening.escalation, happening.nowMs, MOST_FURTHER_LOOKS);
      return (dueOf(it) ?? NEVER) > happening.nowMs ? undefined : 'it is due again and again';
    }),

  'E7 no step is taken outside the hours of its plan unless somebody pushes it on, and no wait that counts hours ends outside of them':
    (history) =>
      eachWritten(history, ({ before, moved: { next, taken }, decidedMs }) => {
        const s = history.setting.surroundings(decidedMs);
        const { onlyIn, steps } = next.plan;
        const isPushed = before?.pushed !== undefined;
        if (taken.length > 0 && !isPushed && onlyIn !== undefined && !s.isOpen(onlyIn, decidedMs))
          return 'it went on when closed';
        const last = steps.find(({ id }) => id === taken.at(-1)?.step);
        if (last?.kind !== 'wait' || last.hours === undefined || next.standing.state !== 'ACTIVE')
          return undefined;
        return s.isOpen(last.hours, next.standing.nextMs) ? undefined : 'a wait ends when they are closed';
      }),

  'E8 whoever is called is who the plan names at that instant, and never whom it comes from': (history) =>
    eachWritten(history, ({ before, moved, decidedMs }) => {
      const { next, taken, acts } = moved;
      const known = before?.chains.map(({ person }) => person) ?? [];
      const named = targetsOf(next.plan, taken, before).flatMap((target) =>
        namedBy(history, target, decidedMs, before?.lastOwner),
      );
      for (const act of acts) {
        if (act.kind !== 'page' || act.why === 'still') continue;
        if (isFrom(next, act.person)) return `${act.person} was called about what comes from them`;
        if (!known.includes(act.person) && !named.includes(act.person))
          return `${act.person} was called, and not on call`;
      }
      return undefined;
    }),

  'while a question about it is open nobody is called, unless it is pushed on or gets worse': (history) => {
    const open = new Map<string, number>();
    return each(history, (happening) => {
      if (happening.kind === 'lost') open.clear();
      if (happening.kind !== 'written') return undefined;
      const { before, moved, decidedMs } = happening;
      const { next, event, acts } = moved;
      const isReplied = before?.standing.state === 'HELD' && before.standing.reason === 'asked';
      if (ENDS_QUESTION.has(event) || (event === 'woken' && isReplied)) open.delete(next.id);
      if (event === 'held' && next.askedUntilMs !== undefined) open.set(next.id, next.askedUntilMs);
      if ((open.get(next.id) ?? 0) <= decidedMs) return undefined;
      const call = acts.find((act) => act.kind === 'post' || (act.kind === 'page' && act.why !== 'still'));
      return call && `${call.kind} was made while a question was open`;
    });
  },

  'E9 there is one for one key, and it counts the reports of it': (history) => {
    if (history.isLossy) return undefined;
    const counts = new Map<string, number>();
    return eachWritten(history, ({ before, moved: { next, event } }) => {
      const isReport = event === 'raised' || event === 'reported-again' || event === 'worse';
      if (isReport) counts.set(next.id, event === 'raised' ? 1 : (counts.get(next.id) ?? 0) + 1);
      if (event === 'raised' && before && isLive(before)) return 'a second one began';
      if (event === 'raised' && before && next.epoch <= before.epoch)
        return 'it began again under an older epoch';
      return counts.get(next.id) === next.count
        ? undefined
        : `${next.count} counted, ${counts.get(next.id)} reported`;
    });
  },

  'E10 it has one owner, and whoever comes second is told who came first': (history) => {
    const owners = new Map<string, PersonId>();
    return each(history, (happening) => {
      if (happening.kind === 'lost') owners.clear();
      if (happening.kind === 'written') {
        const { standing, id } = happening.moved.next;
        if (standing.state === 'ACKED') owners.set(id, standing.owner.person);
        else owners.delete(id);
      }
      if (happening.kind !== 'answered' || happening.input.kind !== 'acknowledge') return undefined;
      const { code, escalation } = happening.result;
      const owner = owners.get(escalation.id);
      if (code === 'ACKNOWLEDGED' || code === 'TAKEN') return undefined;
      if (code !== 'ALREADY') return undefined;
      // Who had it before a loss may have it again.
      if (owner === undefined && history.isLossy) return undefined;
      const { standing } = escalation;
      return standing.state === 'ACKED' && standing.owner.person === owner
        ? undefined
        : 'they were told of another owner';
    });
  },

  'E6 it goes on without whoever has it only when they had their time, from when they could be told': (
    history,
  ) => {
    const dueMs = new Map<string, number>();
    return each(history, (happening) => {
      if (happening.kind === 'lost') dueMs.clear();
      if (happening.kind !== 'written') return undefined;
      const { moved, decidedMs } = happening;
      const { next, event, acts } = moved;
      if (event === 'asked-still') {
        const [question] = acts;
        const isAsked = question?.kind === 'page';
        const quiet = isAsked ? history.setting.quietOf(question.person) : undefined;
        const toldMs = isAsked ? (quiet?.(question.importance, decidedMs) ?? decidedMs) : decidedMs;
        dueMs.set(next.id, toldMs + next.plan.acknowledge.withinMs);
      }
      if (event !== 'not-confirmed') return undefined;
      return decidedMs >= (dueMs.get(next.id) ?? 0) ? undefined : 'they had not their time';
    });
  },

  'E6 whoever took what is bad is asked at once, whatever their quiet hours': (history) =>
    eachWritten(history, ({ moved: { next, event, acts }, decidedMs }) => {
      if (event !== 'asked-still' || !isAtLeast(next.severity, 'error')) return undefined;
      const late = acts.find(
        (act) =>
          act.kind === 'page' && history.setting.quietOf(act.person)(act.importance, decidedMs) > decidedMs,
      );
      return late && 'they are asked in the morning';
    }),

  'E10 it is taken from its owner only by whoever says so, who puts it off included': (history) =>
    eachWritten(history, ({ before, moved, input }) => {
      if (before?.standing.state !== 'ACKED') return undefined;
      if (moved.event !== 'acknowledged' && moved.event !== 'snoozed') return undefined;
      if (before.standing.owner.person === moved.actor) return undefined;
      const saysSo = (input?.kind === 'acknowledge' || input?.kind === 'snooze') && input.instead;
      const hasConversation = input?.kind === 'follow' && input.became === 'taken';
      return saysSo || hasConversation ? undefined : 'it was taken from whoever had it';
    }),

  'E6 nobody has it by a conversation but who took that over last, and it does not go on without them while they do':
    (history) =>
      eachWritten(history, ({ before, moved: { event, next }, input }) => {
        const had = before?.standing;
        if (event === 'not-confirmed' && had?.state === 'ACKED' && had.hasConversation)
          return 'it went on without them';
        if (next.standing.state !== 'ACKED' || !next.standing.hasConversation) return undefined;
        const { person } = next.standing.owner;
        const hadIt = had?.state === 'ACKED' && had.hasConversation && had.owner.person === person;
        const isTaken = input?.kind === 'follow' && input.became === 'taken';
        return hadIt || isTaken ? undefined : `${person} has it by ${event}`;
      }),

  'E6 a request that waits for its answer is not over, nor without a time of its own, by what becomes of a conversation':
    (history) =>
      eachWritten(history, ({ moved: { next }, input }) => {
        if (next.subject.kind !== 'approval' || input?.kind !== 'follow') return undefined;
        if (!isLive(next)) return `it is over by ${input.became}`;
        return next.standing.state === 'ACKED' && next.standing.hasConversation
          ? 'nobody is asked about it'
          : undefined;
      }),

  'E6 nobody has a request by its conversation who may not act on it, nor once somebody else has taken that over':
    (history) =>
      eachWritten(history, ({ before, moved: { event, next }, input }) => {
        if (next.subject.kind !== 'approval' || input?.kind !== 'follow' || input.became !== 'taken')
          return undefined;
        const { standing, cameWith } = next;
        if (standing.state !== 'ACKED') return undefined;
        const { person } = standing.owner;
        if (cameWith === person && person !== input.by) return `${person} has it still`;
        if (event !== 'acknowledged') return undefined;
        const isCalled = next.plan.steps.some(({ kind }) => kind === 'hand-off');
        const mayAct = isCalled || input.operates || before?.told.includes(person);
        return mayAct && !isFrom(next, person) ? undefined : `${person} has it, and may not`;
      }),

  'E8 nobody has or ends what comes from them by a conversation, unless it came from them once they had it': (
    history,
  ) => {
    // Of each escalation: whom it came from, and who had it then.
    const from = new Map<string, Map<string, string | undefined>>();
    return each(history, (happening) => {
      if (happening.kind === 'lost') from.clear();
      if (happening.kind !== 'written') return undefined;
      const { before, moved, input } = happening;
      const { next, event } = moved;
      const owner = ownerIn(before);
      const known =
        (event === 'raised' ? undefined : from.get(next.id)) ?? new Map<string, string | undefined>();
      from.set(next.id, known);
      for (const id of next.except) if (!known.has(id)) known.set(id, owner);
      if (input?.kind !== 'follow' || input.became === 'withdrawn' || input.by === 'owner') return undefined;
      const { by } = input;
      const hasNow = ownerIn(next) === by && owner !== by;
      if (!hasNow && isLive(next)) return undefined;
      const isFromThem = idsOf(by).some((id) => known.has(id) && (owner !== by || known.get(id) !== by));
      return isFromThem ? `${by} ${hasNow ? 'has' : 'ended'} it` : undefined;
    });
  },

  'E10 who took a request by a word of their own has it whoever takes its conversation over': (history) => {
    const byWord = new Map<string, string>();
    return each(history, (happening) => {
      if (happening.kind === 'lost') byWord.clear();
      if (happening.kind !== 'written' || happening.moved.next.subject.kind !== 'approval') return undefined;
      const { before, moved, input } = happening;
      const { id, standing } = moved.next;
      const isFollowed = input?.kind === 'follow';
      const owner = byWord.get(id);
      const isLost = standing.state !== 'ACKED' || standing.owner.person !== owner;
      if (isFollowed && owner !== undefined && isLost && before?.standing.state === 'ACKED')
        return `${owner} lost it by ${input.became}`;
      if (isLost) byWord.delete(id);
      if (input?.kind === 'acknowledge' && standing.state === 'ACKED' && standing.owner.person === input.by)
        byWord.set(id, input.by);
      return undefined;
    });
  },

  'E6 whoever let go of it does not close it by handing the conversation back': (history) => {
    const left = new Set<string>();
    return eachWritten(history, ({ moved: { event, next, actor }, input }) => {
      const who = `${next.id} ${actor}`;
      if (event === 'let-go') left.add(who);
      if (input?.kind === 'follow' && input.became === 'taken') left.delete(who);
      if (event === 'acknowledged') left.delete(who);
      const isBack = input?.kind === 'follow' && input.became === 'handed-back';
      return isBack && event === 'resolved' && left.has(who) ? `${actor} let go of it` : undefined;
    });
  },

  'E10 whoever had it and has not any more is known as who had it before': (history) =>
    eachWritten(history, ({ before, moved: { next } }) => {
      if (before?.standing.state !== 'ACKED' || !isLive(next)) return undefined;
      const { person } = before.standing.owner;
      const isStillTheirs = next.standing.state === 'ACKED' && next.standing.owner.person === person;
      return isStillTheirs || next.lastOwner === person ? undefined : `${person} is forgotten`;
    }),

  'E11 one look makes up for whatever was missed, and calls nobody twice': (history) =>
    each(history, (happening) => {
      if (happening.kind === 'swept' && happening.escalation && happening.isUndisturbed) {
        const { escalation: it, nowMs } = happening;
        // What was woken, or taken from whoever had it, begins with the next look.
        const begins =
          it.standing.state === 'ACTIVE' && it.standing.nextMs === nowMs && it.chains.length === 0;
        const again = lookedAt(history, it, nowMs, 1);
        return begins || (again.step === it.step && again.round === it.round)
          ? undefined
          : 'more is due after it';
      }
      if (happening.kind === 'told') {
        const { person, nextMs = NEVER, nowMs } = happening;
        return nextMs > nowMs || sharesPartition(person) ? undefined : `${person} is told again and again`;
      }
      if (happening.kind !== 'written') return undefined;
      const people = happening.moved.acts.flatMap((act) => (act.kind === 'page' ? [act.person] : []));
      return new Set(people).size === people.length ? undefined : 'somebody is called twice';
    }),

  'E3 every call, post, webhook and hand-off says which step it is of, and that step does such things': (
    history,
  ) =>
    each(history, (happening) => {
      if (happening.kind !== 'written') return undefined;
      const { acts, next } = happening.moved;
      const strange = acts.find((act) => !isOfItsStep(act, next));
      return strange && `${JSON.stringify(strange)} is of no step that does so`;
    }),

  'E3 a program is told how bad it is at its own step': (history) =>
    each(history, (happening) => {
      if (happening.kind !== 'written') return undefined;
      const { acts, taken, next } = happening.moved;
      const strange = acts.find(
        (act) =>
          act.kind === 'webhook' &&
          !severitiesAt(act.caller, taken, happening.before ?? next, next).includes(act.severity),
      );
      return strange && `${JSON.stringify(strange)} is as bad as at another step`;
    }),

  'E12 it keeps the plan it began with, and is not lost by any edit': (history) => {
    const begun = new Set<string>();
    return each(history, (happening) => {
      if (happening.kind === 'lost') begun.clear();
      if (happening.kind === 'looked') {
        const gone = happening.places.find(({ id, isThere }) => begun.has(id) && !isThere);
        return gone && `${gone.id} is gone`;
      }
      if (happening.kind !== 'written') return undefined;
      const { before, moved } = happening;
      begun.add(moved.next.id);
      if (!before || !isLive(before)) return undefined;
      return isSame(before.plan, moved.next.plan) ? undefined : 'it has another plan';
    });
  },

  'E13 nothing that is still true is dropped: whoever is called is told, or it is known that they cannot be':
    (history) => {
      if (history.isLossy) return undefined;
      const { pages, told } = history.tellAll();
      const dropped = pages.find(
        ({ id, why, escalation, epoch }) =>
          (why === 'call' || why === 'last') && !told.has(id) && history.find(escalation)?.epoch === epoch,
      );
      return dropped && `${dropped.id} (${dropped.importance}) was dropped`;
    },

  'every change is a revision of its own': (history) =>
    eachWritten(history, ({ before, moved }) =>
      moved.next.rev === (before?.rev ?? 0) + 1 ? undefined : 'a change is no revision of its own',
    ),
} as const satisfies Record<string, Invariant>;

export type InvariantName = keyof typeof INVARIANTS;

// ── Paths ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** Steps taken one after the other within one epoch, and where they began. */
interface Stretch {
  readonly id: string;
  readonly epoch: number;
  readonly plan: EscalationPlan;
  readonly start: { readonly step: number; readonly round: number };
  readonly steps: Taken[];
}

/** What the step before it said last; where none did, what it began with, unless a report made it worse just then. */
function severitiesAt(
  at: StepTaken,
  taken: readonly Taken[],
  before: Escalation,
  { plan: { steps }, severity }: Escalation,
): Severity[] {
  const said = taken.map(({ step }) => steps.find(({ id }) => id === step));
  const places = taken.flatMap(({ round, step }, n) => (round === at.round && step === at.step ? [n] : []));
  return places.flatMap((place) => {
    const last = said.slice(0, place).findLast((step) => step?.kind === 'severity');
    if (last?.kind === 'severity') return [last.severity];
    return said.some((step) => step?.kind === 'severity') ? [before.severity] : [severity];
  });
}

/** Whether the step that something is done by calls that target, posts there, or does that. */
function isOfItsStep(act: Act, { plan: { steps, lastResort } }: Escalation): boolean {
  if (act.kind === 'alarm' || (act.kind === 'page' && act.why === 'still')) return true;
  const caller = act.kind === 'page' ? act.cause?.by?.caller : act.caller;
  const step = caller === 'last' ? undefined : steps.find(({ id }) => id === caller?.step);
  const instead = step?.kind === 'notify' && step.onEmpty.kind === 'instead' ? step.onEmpty.who : [];
  const own = step?.kind === 'notify' ? [...step.who, ...instead] : [];
  const who = caller === 'last' ? lastResort.who : own;
  switch (act.kind) {
    case 'page':
      return who.some((target) => isSame(target, act.cause?.by?.target));
    case 'post':
      return who.some((target) => target.kind === 'channel' && target.channel === act.channel);
    case 'webhook':
      return step?.kind === 'webhook' && step.webhook === act.webhook;
    case 'hand-off':
      return step?.kind === 'hand-off';
    default:
      return act satisfies never;
  }
}

function eachStretch(history: History, check: (stretch: Stretch) => string | undefined): string | undefined {
  const stretches: Stretch[] = [];
  const current = new Map<string, Stretch>();
  for (const happening of history.happenings) {
    // What was lost may be done once more, in another way.
    if (happening.kind === 'lost') current.clear();
    if (happening.kind !== 'written') continue;
    const { before, moved } = happening;
    const { id, epoch, plan } = moved.next;
    let stretch = current.get(id);
    if (stretch?.epoch !== epoch) {
      const from = before?.epoch === epoch ? before : moved.next;
      stretch = { id, epoch, plan, start: { step: from.step, round: from.round }, steps: [] };
      current.set(id, stretch);
      stretches.push(stretch);
    }
    stretch.steps.push(...moved.taken);
  }
  return firstOf(stretches, check);
}

/** Read again from the plan, by rules of its own. */
function wrongPath(
  { steps, rounds }: EscalationPlan,
  start: Stretch['start'],
  taken: readonly Taken[],
): string | undefined {
  let places = placesFrom(start, steps.length, rounds);
  for (const { round, step } of taken) {
    const index = steps.findIndex(({ id }) => id === step);
    if (!places.includes(`${round}/${index}`))
      return `${round}/${step} was taken, and not ${places.join(' or ')}`;
    const current = steps[index];
    if (!current) return `there is no step ${step}`;
    places = followersOf(current, index, steps).flatMap((next) =>
      placesFrom({ step: next, round }, steps.length, rounds),
    );
  }
  return undefined;
}

/** Behind the last step is the first one of the next round. */
function placesFrom({ step, round }: Stretch['start'], length: number, rounds: number): string[] {
  if (step < length) return [`${round}/${step}`];
  return round + 1 < rounds ? [`${round + 1}/0`] : [];
}

function followersOf(step: PlanStep, index: number, steps: readonly PlanStep[]): number[] {
  const at = (id: string): number => steps.findIndex((each) => each.id === id);
  switch (step.kind) {
    case 'stop':
      return [];
    case 'branch':
      return [at(step.goesTo), step.otherwise === undefined ? index + 1 : at(step.otherwise)];
    case 'goto':
      return [at(step.step), index + 1];
    default:
      return [index + 1];
  }
}

/** One look tells one of those whose records lie together. */
function sharesPartition(person: PersonId): boolean {
  return PEOPLE.some((other) => other !== person && partitionOf(other) === partitionOf(person));
}

/** As it is after so many more looks at the same instant. */
function lookedAt(history: History, escalation: Escalation, atMs: number, times: number): Escalation {
  let it = escalation;
  for (let n = 0; n < times; n++) it = tick(it, history.setting.surroundings(atMs)).moved?.next ?? it;
  return it;
}

/** Looks at it whenever it is due, in a world in which everybody stays where they are. */
function wrongEnd(history: History, escalation: Escalation): string | undefined {
  let it = escalation;
  let nowMs = history.store.nowMs;
  for (let looks = 0; looks < MOST_LOOKS; looks++) {
    const { state } = it.standing;
    if (!isLive(it) || state === 'EXHAUSTED') return undefined;
    // Whoever has it is trusted, or asked for as long as it takes.
    if (state === 'ACKED' && (dueOf(it) === undefined || nowMs - it.lastMs > it.plan.maxAgeMs))
      return undefined;
    nowMs = Math.max(nowMs, dueOf(it) ?? nowMs);
    const s = history.setting.surroundings(nowMs);
    it = tick(it, { ...s, changesAt: () => undefined }).moved?.next ?? it;
  }
  return `${escalation.id} comes to nothing but ${it.standing.state}`;
}

// ── Who is called ────────────────────────────────────────────────────────────────────────────────────────────────

function targetsOf(plan: EscalationPlan, taken: readonly Taken[], before: Escalation | undefined): Target[] {
  const steps = plan.steps.filter(({ id }) => taken.some(({ step }) => step === id));
  const notified = steps.flatMap((step) => {
    if (step.kind !== 'notify') return [];
    return step.onEmpty.kind === 'instead' ? [...step.who, ...step.onEmpty.who] : step.who;
  });
  return [...notified, ...plan.lastResort.who, ...(before?.calling?.who ?? [])];
}

function isFrom({ except }: Escalation, person: PersonId): boolean {
  return idsOf(person).some((id) => except.includes(id));
}

function ownerIn(escalation: Escalation | undefined): PersonId | undefined {
  return escalation?.standing.state === 'ACKED' ? escalation.standing.owner.person : undefined;
}

/** Turn by turn from the beginning of a rotation. */
function namedBy(
  { plan: { world } }: History,
  target: Target,
  atMs: number,
  lastOwner: PersonId | undefined,
): readonly (PersonId | undefined)[] {
  switch (target.kind) {
    case 'person':
      return [target.person];
    case 'role':
      return world.roles[target.role] ?? [];
    case 'last-owner':
      return [lastOwner];
    case 'channel':
      return [];
    case 'on-call': {
      const schedule = world.schedules[target.schedule];
      if (!schedule) return [];
      let leftMs = (atMs - START) % (schedule.turnMs * schedule.people.length);
      for (const person of schedule.people) {
        if (leftMs < schedule.turnMs) return [person];
        leftMs -= schedule.turnMs;
      }
      return [];
    }
    default:
      return target satisfies never;
  }
}

// ── Each ─────────────────────────────────────────────────────────────────────────────────────────────────────────

function each(history: History, check: (happening: Happening) => string | undefined): string | undefined {
  return firstOf(history.happenings, check);
}

function eachWritten(history: History, check: (change: Written) => string | undefined): string | undefined {
  return each(history, (happening) => (happening.kind === 'written' ? check(happening) : undefined));
}

function firstOf<Item>(
  items: readonly Item[],
  check: (item: Item) => string | undefined,
): string | undefined {
  for (const item of items) {
    const wrong = check(item);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}
