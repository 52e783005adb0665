/**
 * The invariants of who has a conversation (their numbers are those of the specification), each as a predicate over what
 * came of a history: what is wrong, or nothing.
 */

import { SAID_PREFIX } from '../../src/control/saying.ts';
import { type Control, endOf } from '../../src/domain/control.ts';
import { CALLS, mayTakeOver } from './control-model.ts';
import type { Happening, History } from './control-model-history.ts';

/** What is wrong, in a sentence; undefined when it holds. */
export type Invariant = (history: History) => string | undefined;

type Written = Extract<Happening, { kind: 'written' }>;

/** Changes that leave everybody where they are. */
const SAME_CONTROLLER: ReadonlySet<string> = new Set([
  'active',
  'said',
  'place-learned',
  'place-moved',
  'looked-after',
  'let-go',
  'settled-in-part',
  'unanswered-in-part',
]);

const UNANSWERED: ReadonlySet<string> = new Set(['handoff-unanswered', 'unanswered-in-part']);

export const INVARIANTS = {
  'C1 nothing that was begun before goes out once somebody was told that they have the conversation': (
    history,
  ) => {
    let told = 0;
    return each(history, (happening) => {
      if (happening.kind === 'lost') told = 0;
      if (happening.kind === 'answered') {
        const { result } = happening;
        if (result.code === 'TAKEN') told = Math.max(told, result.control.epoch);
      }
      if (happening.kind !== 'said' || happening.item.epoch === undefined) return undefined;
      const { item, current } = happening;
      if (happening.item.epoch < told) return `${item.id} went out after it was taken over`;
      return happening.item.epoch < current.epoch && !history.isLossy
        ? `${item.id} went out under an older epoch`
        : undefined;
    });
  },

  'C1 every change of control raises the epoch by one, and nothing else does': (history) =>
    eachWritten(history, ({ before, moved }) => {
      const by = SAME_CONTROLLER.has(moved.event) ? 0 : 1;
      if (moved.next.epoch !== before.epoch + by) return `${moved.event} came to epoch ${moved.next.epoch}`;
      return moved.next.rev === before.rev + 1 ? undefined : 'a change is no revision of its own';
    }),

  'C2 there is one controller in each epoch, and whoever else was told so has had a later one': (history) => {
    const controllers = new Map<number, string>();
    return each(history, (happening) => {
      if (happening.kind === 'lost') controllers.clear();
      if (happening.kind === 'written') {
        const { epoch } = happening.moved.next;
        const who = controllerOf(happening.moved.next);
        const known = controllers.get(epoch) ?? who;
        controllers.set(epoch, who);
        return known === who ? undefined : `${known} and ${who} have epoch ${epoch}`;
      }
      if (happening.kind !== 'answered' || happening.result.code !== 'TAKEN') return undefined;
      const { control } = happening.result;
      const who = controllers.get(control.epoch);
      return who === undefined || who === controllerOf(control)
        ? undefined
        : `somebody else has ${control.epoch}`;
    });
  },

  'C2 a person has it who may, and nobody else has taken it': (history) =>
    eachWritten(history, ({ before, moved: { next, event, actor } }) => {
      if (event === 'handed-back' && before.state === 'HUMAN' && before.owner.person !== actor) {
        return mayTakeOver(before.owner.person) && actor !== 'alex' ? undefined : `${actor} gave it back`;
      }
      if (next.state !== 'HUMAN') return undefined;
      return mayTakeOver(next.owner.person) ? undefined : `${next.owner.person} has it`;
    }),

  'C2 a person speaks there who has it, and as long as they have it': (history) =>
    each(history, (happening) => {
      if (happening.kind === 'written' && happening.moved.event === 'said') {
        const { before, moved } = happening;
        const isTheirs = before.state === 'HUMAN' && before.owner.person === moved.actor;
        return isTheirs ? undefined : `${moved.actor} spoke in ${before.state}`;
      }
      if (happening.kind !== 'said' || !happening.item.id.startsWith(SAID_PREFIX)) return undefined;
      const { item, current } = happening;
      const isTheirs = current.state === 'HUMAN' && current.owner.person === item.requester;
      return isTheirs || history.isLossy ? undefined : `${item.id} went out in ${current.state}`;
    }),

  'C3 what is written where they are not is brought to whoever has it then, and to nobody else': (history) =>
    each(history, (happening) => {
      if (happening.kind !== 'said' || !happening.item.id.startsWith('brought:')) return undefined;
      const { item } = happening;
      const had = history.happenings.some(
        (each) =>
          each.kind === 'written' &&
          each.moved.next.state === 'HUMAN' &&
          each.moved.next.owner.person === item.requester,
      );
      return had && item.to.route.to === item.requester
        ? undefined
        : `${item.id} was brought to ${item.to.route.to}`;
    }),

  'C2 the agent answers only what is its own': (history) =>
    eachHandled(history, ({ became, current, epoch, item }) => {
      // Written under this epoch; somebody may have taken it over since.
      if (became !== 'turn' || current.epoch !== epoch) return undefined;
      return current.state === 'BOT' ? undefined : `${item.id} was answered in ${current.state}`;
    }),

  'C3 what comes in is handled once, by whoever has the conversation then': (history) => {
    if (history.isLossy) return undefined;
    const done = new Map<string, string>();
    return eachHandled(history, ({ became, place, epoch, item }) => {
      if (became !== 'turn' && became !== 'keep' && became !== 'hold') return undefined;
      if (done.has(place)) return `${item.id} was handled twice`;
      done.set(place, became);
      const who = controllerIn(history, epoch);
      if (who === undefined) return undefined;
      return (became === 'turn') === (who === 'BOT')
        ? undefined
        : `${item.id} came to ${became}, and ${who} had it`;
    });
  },

  'C3 nothing that came in is lost: in the end all of it was handled, and what was held back came back in order':
    (history) => {
      if (history.isLossy) return undefined;
      const { handled } = history.drain();
      const all = [
        ...history.happenings.flatMap((each) => (each.kind === 'handled' ? [each] : [])),
        ...handled,
      ];
      const ends = new Map<string, string>();
      for (const { item, became } of all) if (FINAL.has(became)) ends.set(item.id, became);
      for (const happening of history.happenings) {
        if (happening.kind !== 'posted') continue;
        const end = ends.get(happening.item.id);
        if (end === undefined) return `${happening.item.id} was lost`;
        if (end === 'hold') return `${happening.item.id} was kept aside for good`;
      }
      return undefined;
    },

  'C4 whoever has it, it comes back to the agent by time alone, and the time stands in the list': (
    history,
  ) => {
    const wrong = each(history, (happening) => {
      if (happening.kind !== 'looked') return undefined;
      const { control, atMs } = happening;
      return atMs === endOf(control)
        ? undefined
        : `${control.state} ends at ${endOf(control)}, and is due ${atMs}`;
    });
    if (wrong !== undefined) return wrong;
    const { control } = history.drain();
    return control.state === 'BOT' ? undefined : `it stays ${control.state}`;
  },

  'C4 whoever says that they look after it is noted, also beside others': (history) => {
    let changes = 0;
    return each(history, (happening) => {
      if (happening.kind === 'looked') changes = 0;
      if (happening.kind === 'written') changes++;
      if (happening.kind !== 'answered' || happening.input.kind !== 'look-after') return undefined;
      const { input, current } = happening;
      // Something else may have happened at the same moment, behind it.
      if (changes > 1 || current.state !== 'HANDOFF_PENDING') return undefined;
      const isNoted = current.helpers.some(
        ({ escalation, person }) => escalation === input.call && person === input.by,
      );
      return isNoted ? undefined : `nobody knows that ${input.by} looks after it by ${input.call}`;
    });
  },

  'C4 nobody gives up on somebody who looks after it, and what was left of the wait is left once they do not':
    (history) =>
      eachWritten(history, ({ before, moved: { next, event }, nowMs }) => {
        if (before.state !== 'HANDOFF_PENDING') return undefined;
        if (UNANSWERED.has(event) && nowMs < before.untilMs) return 'it was given up before its time';
        // Nobody has been heard of who said so; it is waited for another from then on, for its own time.
        if (next.state !== 'HANDOFF_PENDING' || event === 'unanswered-in-part') return undefined;
        const gone = before.helpers.filter(
          ({ escalation }) => !next.helpers.some((helper) => helper.escalation === escalation),
        );
        if (gone.length > 1) return `${gone.length} were let go at once`;
        const late = next.helpers.find(({ untilMs }) => untilMs > next.untilMs);
        if (late) return `it is given up before ${late.person} is`;
        const left = new Set(next.helpers.map(({ leftMs }) => leftMs));
        if (left.size > 1) return 'what would be left of the wait is not the same for all';
        const [last] = next.helpers.length === 0 ? gone : [];
        // It is waited for another from then on, with what is left of its own time.
        if (event === 'settled-in-part') return undefined;
        if (last && next.untilMs !== nowMs + last.leftMs) return `it waits until ${next.untilMs}`;
        const isGone = before.helpers.some(
          ({ person }) => !next.helpers.some((helper) => helper.person === person),
        );
        return event === 'let-go' && !isGone ? 'it is said that somebody let go who has it' : undefined;
      }),

  'E1 the escalation that wanted a human is known until whoever came has handed back, or somebody who may says that nobody need come':
    (history) =>
      eachWritten(history, ({ before, moved: { next, event, calledOff } }) => {
        const isOver = event === 'handed-back' || event === 'handoff-requested' || calledOff !== undefined;
        const left = (before.calledBy ?? []).filter((each) => !next.calledBy?.includes(each));
        if (event === 'settled-in-part' && left.length === 1) return undefined;
        return isOver || left.length === 0 ? undefined : `${event} forgot ${left}`;
      }),

  'E1 the agent does not speak because one that wanted a human is settled, while another waits for one': (
    history,
  ) => {
    let changes: Written[] = [];
    return each(history, (happening) => {
      if (happening.kind === 'looked') changes = [];
      if (happening.kind === 'written') changes.push(happening);
      if (happening.kind !== 'answered') return undefined;
      const { input } = happening;
      const [change, ...more] = changes;
      // Something else may have happened at the same moment, behind it, or in its place.
      if (!change || more.length > 0 || happening.result.code !== 'SETTLED') return undefined;
      if (input.kind !== 'settle' && input.kind !== 'cancel') return undefined;
      const { before, moved, nowMs } = change;
      if (before.state !== 'HANDOFF_PENDING') return undefined;
      const waits = before.further.some(
        ({ request: { by }, untilMs }) =>
          by.kind === 'escalation' && by.escalation !== input.call && untilMs > nowMs,
      );
      return waits && moved.next.state === 'BOT'
        ? 'the agent speaks, though a human is waited for'
        : undefined;
    });
  },

  'E1 the agent does not speak because nobody came, while another that wanted a human waits for one': (
    history,
  ) =>
    eachWritten(history, ({ before, moved: { next, event }, nowMs }) => {
      if (before.state !== 'HANDOFF_PENDING' || !UNANSWERED.has(event)) return undefined;
      const waits = before.further.filter(({ untilMs }) => untilMs > nowMs);
      if ((next.state === 'BOT') === (waits.length === 0)) return undefined;
      return `${next.state}, though ${waits.length} wait`;
    }),

  'E1 whoever calls the wait off for all who were called may take the conversation over': (history) =>
    eachWritten(history, ({ moved: { event, calledOff } }) =>
      calledOff === undefined || (event === 'handoff-withdrawn' && mayTakeOver(calledOff.person))
        ? undefined
        : `${calledOff.person} called off by ${event}`,
    ),

  'E1 an escalation that wants a human where one is waited for is known, too': (history) => {
    let changes = 0;
    return each(history, (happening) => {
      if (happening.kind === 'looked') changes = 0;
      if (happening.kind === 'written') changes++;
      if (happening.kind !== 'answered' || happening.input.kind !== 'call-human') return undefined;
      const { input, current } = happening;
      // Something else may have happened at the same moment, behind it.
      if (changes > 1 || input.by !== 'escalation' || current.state !== 'HANDOFF_PENDING') return undefined;
      const wanting = [current.request, ...current.further.map(({ request }) => request)];
      const isWaitedFor = wanting.some(({ by }) => by.kind === 'escalation' && by.escalation === CALLS[0]);
      return CALLS[0] && current.calledBy?.includes(CALLS[0]) && isWaitedFor
        ? undefined
        : 'nobody knows that it wants a human here';
    });
  },

  'C5 after it was handed back the agent answers the next message': (history) => {
    const { handled } = history.drain();
    const last = handled.at(-1);
    // What outlived the loss of its lease may have taken the place of it; a real commit would have been refused.
    if (history.isLossy && last === undefined) return undefined;
    return last?.became === 'turn' ? undefined : `the last message came to ${last?.became}`;
  },

  'C5 a hand-back leads to the agent, or to another person, and to nothing else': (history) =>
    eachWritten(history, ({ before, moved: { next } }) => {
      if (before.state !== 'HANDBACK_PENDING') return undefined;
      const isOn = next.state === 'BOT' || next.state === 'HUMAN';
      return isOn || next.epoch === before.epoch ? undefined : `it led to ${next.state}`;
    }),

  'C5 it comes back with what was said before its own hand-back, not before an older one': (history) => {
    let back: Written | undefined;
    return each(history, (happening) => {
      // Once its time has come, a look may have ended it while this item was in hand.
      if (happening.kind === 'written') back = isReturnedByItem(happening) ? happening : undefined;
      if (happening.kind !== 'handled' || happening.item.kind !== 'handback') return undefined;
      const { item, became } = happening;
      const from = became === 'done' ? back?.before.epoch : undefined;
      back = undefined;
      return from === undefined || from === item.epoch
        ? undefined
        : `${item.id} ended the hand-back of ${from}`;
    });
  },

  'what somebody does counts once, however often it is delivered': (history) => {
    if (history.isLossy) return undefined;
    const seen = new Set<number>();
    return eachWritten(history, ({ moved: { next } }) => {
      if (seen.has(next.rev)) return `revision ${next.rev} came twice`;
      seen.add(next.rev);
      return undefined;
    });
  },
} as const satisfies Record<string, Invariant>;

export type InvariantName = keyof typeof INVARIANTS;

function isReturnedByItem({ before, moved, nowMs }: Written): boolean {
  return moved.event === 'returned' && before.state === 'HANDBACK_PENDING' && nowMs < before.untilMs;
}

/** After which nothing more becomes of an item where it lies. */
const FINAL: ReadonlySet<string> = new Set(['turn', 'keep', 'hold', 'done']);

/** One name for each controller there can be. */
function controllerOf(control: Control): string {
  return control.state === 'HUMAN' || control.state === 'HANDBACK_PENDING'
    ? `${control.state} ${control.owner.person}`
    : control.state;
}

/** Who had it in an epoch, as far as it was written; in the first nobody but the agent has. */
function controllerIn(history: History, epoch: number): string | undefined {
  if (epoch === 0) return 'BOT';
  const change = history.happenings.find(
    (each) => each.kind === 'written' && each.moved.next.epoch === epoch,
  );
  return change?.kind === 'written' ? change.moved.next.state : undefined;
}

function each(history: History, check: (happening: Happening) => string | undefined): string | undefined {
  for (const happening of history.happenings) {
    const wrong = check(happening);
    if (wrong !== undefined) return wrong;
  }
  return undefined;
}

function eachWritten(history: History, check: (change: Written) => string | undefined): string | undefined {
  return each(history, (happening) => (happening.kind === 'written' ? check(happening) : undefined));
}

function eachHandled(
  history: History,
  check: (handled: Extract<Happening, { kind: 'handled' }>) => string | undefined,
): string | undefined {
  return each(history, (happening) => (happening.kind === 'handled' ? check(happening) : undefined));
}
