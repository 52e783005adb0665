/**
 * The invariants of approvals (their numbers are those of the state machine's header), each as a predicate over what
 * came of a history: what is wrong, or nothing.
 */
import { replay } from '../../src/approvals/consequences.ts';
import { digestOf } from '../../src/domain/approval/digest.ts';
import { HELD_YES_MS } from '../../src/domain/approval/holding.ts';
import {
  type Approval,
  approversOf,
  deadlineOf,
  hardDeadlineOf,
  isEnded,
  QUIET_MS,
} from '../../src/domain/approval/record.ts';
import { dueOf, tick } from '../../src/domain/approval/time.ts';
import type { VoteResult } from '../../src/domain/approval/voting.ts';
import { isQuorum } from '../../src/domain/quorum.ts';
import type { Happening, History } from './approval-history.ts';
import { isSame } from './approval-model.ts';
import { BEGIN_MS, EXCLUDED, MOST_AMOUNT } from './approval-plan.ts';

/** What is wrong, in a sentence; undefined when it holds. */
export type Invariant = (history: History) => string | undefined;

type Written = Extract<Happening, { kind: 'written' }>;

/** A word of somebody, as an event. */
const BY_WORD: ReadonlySet<string> = new Set([
  'assented',
  'dissented',
  'taken-back',
  'edited',
  'refreshed',
  'approved',
  'denied',
  'answered',
  'asked',
  'replied',
]);

export const INVARIANTS = {
  'A1 a decision, once made, never changes, and an ended state is never left': (history) =>
    eachWritten(history, ({ before, after, moved }) => {
      if (before.decision && !isSame(before.decision, after.decision)) return 'the decision is another one';
      if (!isEnded(before.state)) return undefined;
      if (after.state !== before.state) return `${before.state} became ${after.state}`;
      return moved.event === 'card-sent' ? undefined : `${moved.event} happened to what had ended`;
    }),

  'A2 one report at most is accepted, and that from the newest claim; nothing that may run once is claimed anew by itself':
    (history) => {
      const accepted = new Set<string>();
      return each(history, (happening) => {
        if (happening.kind === 'lost') accepted.clear();
        if (happening.kind !== 'written') return undefined;
        const { before, after, moved, input, epoch } = happening;
        if (moved.event === 'released' && after.request.effect === 'once') return 'it may run a second time';
        const earlier = before.execution?.epoch ?? 0;
        if (moved.event === 'claimed' && after.execution?.epoch !== earlier + 1)
          return 'two claims have one epoch';
        if (epoch !== undefined && epoch !== before.execution?.epoch)
          return `a ${input.kind} of an older claim counted`;
        if (input.kind !== 'complete' || moved.event === 'reported-late') return undefined;
        if (before.state !== 'EXECUTING') return `a report was accepted in ${before.state}`;
        if (accepted.has(after.id)) return 'a second report was accepted';
        accepted.add(after.id);
        return undefined;
      });
    },

  'A3 nothing runs but what was agreed to, by a decision that was made': (history) =>
    eachWritten(history, ({ before, after, input }) => {
      const isSilence = after.decision?.source === 'timeout' && after.decision.choice === 'approve';
      if (isSilence && (after.request.risk !== 'low' || !after.request.reversible))
        return 'silence was a yes';
      if (after.state !== 'EXECUTING' || before.state === 'EXECUTING') return undefined;
      if (before.state !== 'APPROVED') return `${before.state} became EXECUTING`;
      if (input.kind === 'claim' && !input.right) return 'something else was asked for';
      const { decision, digest, request } = after;
      if (decision?.choice !== 'approve') return 'it runs without a yes';
      return decision.digest === digest && digest === digestOf(request)
        ? undefined
        : 'it runs something else';
    }),

  'A4 a yes is that of a quorum of humans who may, each once, none of those on whose behalf it is asked': (
    history,
  ) =>
    eachWritten(history, ({ before, after, input, moved, able }) => {
      const { decision, assents = [] } = after;
      const { requester, lineage = [] } = after.request;
      const trusted = after.delegations?.find(({ to }) => to === requester || lineage.includes(to));
      if (trusted) return `${trusted.to} was given the word of ${trusted.from}`;
      const isOperated = input.kind === 'vote' && moved.actor !== 'system' && input.operator !== undefined;
      if (isOperated && EXCLUDED.includes(input.operator ?? '')) return `${input.operator} said something`;
      const humans = [...assents, ...(after.dissents ?? [])].map(
        ({ by, enteredBy }) => enteredBy ?? by.person,
      );
      if (new Set(humans).size !== humans.length) return 'one human has two words';
      if (before.decision || decision?.source !== 'human' || decision.choice !== 'approve') return undefined;
      const from = [decision.via, ...assents.map(({ via }) => via)];
      const { approveFrom } = after.policy;
      if (approveFrom && from.some((via) => via && !approveFrom.includes(via)))
        return 'a yes came from elsewhere';
      const said =
        assents.length > 0
          ? assents.map(({ by, roles, mute, standsFor, enteredBy }) => ({
              person: by.person,
              roles,
              mute,
              standsFor,
              enteredBy,
            }))
          : [];
      const people =
        said.length > 0 ? said.map(({ person }) => String(person)) : [String(decision.by?.person)];
      if (people.some((person) => EXCLUDED.includes(person))) return `${people.join(', ')} decided`;
      if (new Set(people).size !== people.length) return 'somebody counts twice';
      const isAble = (person: string) =>
        able === undefined || moved.actor === 'system' || able.includes(person);
      const late = said.find(
        ({ person, mute, standsFor = [] }) =>
          !isAble(person) || (mute && !standsFor.some((each) => isAble(each.person))),
      );
      if (late) return `${late.person} decided, who may not any more`;
      const usable = said.map((voter) => ({
        ...voter,
        standsFor: voter.standsFor?.filter(({ person }) => !EXCLUDED.includes(person)),
      }));
      if (said.length === 0)
        return placesOf(after) > 1 ? 'one word was enough for several places' : undefined;
      return isQuorum(approversOf(after), usable) ? undefined : `${people.join(', ')} are no quorum`;
    }),

  'A4 no time that passes makes a yes of what somebody has asked about and nobody has replied to': (
    history,
  ) =>
    eachWritten(history, ({ before, after, moved }) => {
      const isByTime =
        moved.actor === 'system' && before.state === 'NEEDS_INFO' && after.state === 'APPROVED';
      return isByTime ? 'silence agreed to it, and somebody had asked' : undefined;
    }),

  'A4 what somebody has said themselves is changed by nobody who says something in their name': (history) =>
    eachWritten(history, ({ before, after, input, moved, able }) => {
      if (input.kind !== 'vote' || input.operator === undefined || input.operator === input.who)
        return undefined;
      if (moved.actor === 'system') return undefined;
      const own = (said: Approval['assents'] = []) =>
        said.filter(({ by, enteredBy }) => by.person === input.who && enteredBy === undefined);
      const isKept =
        own(after.assents).length === own(before.assents).length &&
        own(after.dissents).length === own(before.dissents).length;
      // Whoever may not decide by themselves any more has no word of their own any more.
      const isVoided =
        after.voided?.some(({ by }) => by.person === input.who) || able?.includes(input.who) === false;
      return isKept || isVoided ? undefined : `${input.operator} changed the word of ${input.who}`;
    }),

  'A5 a word that is delivered again counts once, and changes nothing later either': (history) => {
    const counted = new Set<string>();
    return each(history, (happening) => {
      if (happening.kind === 'lost') counted.clear();
      if (happening.kind !== 'written' || !BY_WORD.has(happening.moved.event)) return undefined;
      if (happening.moved.actor === 'system') return undefined;
      const once = `${happening.after.id} ${happening.key}`;
      if (counted.has(once)) return `${happening.key} counted twice`;
      counted.add(once);
      return undefined;
    });
  },

  'A6 an answer to an older card, or about something else, never counts': (history) =>
    eachWritten(history, ({ before, after, moved, input, seen }) => {
      const said = [...(after.assents ?? []), ...(after.dissents ?? [])];
      if (said.some(({ digest }) => digest !== after.digest)) return 'a word about something else counts';
      if (after.decision && after.decision.digest !== after.digest) return 'something else was decided on';
      const isOther =
        after.digest !== before.digest || !isSame(after.request.preview, before.request.preview);
      if (moved.event === 'refreshed' && (said.length > 0 || after.decision)) return 'a word was kept';
      if (after.gen !== before.gen + (isOther ? 1 : 0)) return 'a generation was not counted as one';
      if (!isAnswer(input) || !BY_WORD.has(moved.event) || moved.actor === 'system') return undefined;
      if (seen?.gen !== before.gen) return 'an answer to an older card counted';
      const isAbout = !('about' in input) || input.about !== 'something-else';
      return isAbout ? undefined : 'an answer about something else counted';
    }),

  'A8 it waits for a time in every state but the ended ones': (history) =>
    eachWritten(history, ({ after }) =>
      (dueOf(after) === undefined) === isEnded(after.state)
        ? undefined
        : `${after.state} is due ${dueOf(after)}`,
    ),

  'A9 it expires only when somebody could have seen it long enough, and was not kept from it by us, or at its hard deadline':
    (history) =>
      eachWritten(history, ({ before, after, decidedMs, nowMs }) => {
        if (after.state !== 'EXPIRED' || before.state === 'EXPIRED' || nowMs >= hardDeadlineOf(before)!)
          return undefined;
        const seenMs = before.visibleMs === undefined ? 0 : nowMs - before.visibleMs;
        if (seenMs < (before.policy.minVisibleMs ?? 0)) return `it was seen for ${seenMs} ms`;
        if (history.isLossy || (before.rung ?? 0) > 0) return undefined;
        const opened = history.opened.find(({ id }) => id === after.id)!;
        const owedMs = opened.deadlineMs + awayBy(history, decidedMs);
        return nowMs >= owedMs ? undefined : `it ended ${owedMs - nowMs} ms early`;
      }),

  'A10 it expires at its deadline at the earliest, and no answer before that is refused as late': (history) =>
    each(history, (happening) => {
      if (
        happening.kind === 'written' &&
        happening.after.state === 'EXPIRED' &&
        happening.before.state !== 'EXPIRED'
      ) {
        return happening.nowMs >= happening.before.deadlineMs ? undefined : 'it expired early';
      }
      if (happening.kind !== 'answered' || happening.input.kind !== 'vote') return undefined;
      const { code } = happening.result as VoteResult; // what `vote` answers
      const { before, nowMs } = happening;
      if (before.state === 'EXPIRED') return undefined;
      return code === 'LATE' && nowMs < deadlineOf(before, nowMs) ? 'an answer in time was late' : undefined;
    }),

  'A11 if nobody does anything any more it ends, or somebody is asked what came of it': (history) =>
    history.drain() ? undefined : 'it goes nowhere',

  'A12 whoever waits hears of every outcome, once': (history) => {
    if (history.isLossy) return undefined;
    const told = history.model.itemsOf('m|').map((item) => (item as { id: string }).id);
    if (new Set(told).size !== told.length) return 'the same was told twice';
    const expected = history.opened.filter(isNews).map(toWakeUp);
    for (const { before, after } of written(history)) {
      if (before.state !== after.state && isNews(after)) expected.push(toWakeUp(after));
    }
    return isSame(told, expected) ? undefined : `told ${told.join(' ')} instead of ${expected.join(' ')}`;
  },

  'A13 every card is on its way to what is true in the end': (history) => {
    if (history.isLossy) return undefined;
    const sent = new Set(history.model.itemsOf('o.').map((item) => (item as { id: string }).id));
    for (const { id } of history.opened) {
      const { copies, face } = history.model.find(id)!;
      // One that ended before anybody was asked was never shown.
      if (!sent.has(`card:${id}:conversation:1`)) continue;
      for (const copy of copies) {
        if (copy.outcomeOnly || copy.id === 'mona-mail') continue;
        if (!sent.has(`card:${id}:${copy.id}:${face}`)) return `${copy.id} shows an old face`;
      }
    }
    return undefined;
  },

  'A14 its audit entries rebuild it exactly': (history) => {
    for (const { id } of history.opened) {
      const entries = history.model.audit.filter(({ subject }) => subject === id);
      if (!isSame(replay(entries), history.model.find(id))) return 'the entries tell of something else';
    }
    return undefined;
  },

  'A15 it is denied by people, or because there is nobody, never by silence': (history) =>
    eachWritten(history, ({ before, after, input, moved }) => {
      if (after.state !== 'DENIED' || before.state === 'DENIED') return undefined;
      if (input.kind !== 'vote' || input.choice !== 'deny' || moved.actor === 'system')
        return `${input.kind} denied it`;
      return after.decision?.source === 'human' ? undefined : 'nobody denied it';
    }),

  'A16 nothing is asked that nobody who is asked may approve': (history) =>
    eachWritten(history, ({ after }) => {
      const { amount } = after.request.args as { amount: number };
      return amount <= MOST_AMOUNT ? undefined : `${amount} was agreed to`;
    }),

  'A19 a call is never made under two keys, whatever writes are lost': (history) => {
    const keys = new Map<string, string>();
    return each(history, (happening) => {
      if (happening.kind !== 'granted') return undefined;
      const { approvalId, idempotencyKey } = happening.permit;
      // While nothing that was acknowledged is lost it is one call; after that, one for each thing agreed to.
      const call = history.isLossy ? `${approvalId} ${happening.digest}` : approvalId;
      const known = keys.get(call) ?? idempotencyKey;
      keys.set(call, known);
      return known === idempotencyKey ? undefined : 'there are two keys for one call';
    });
  },

  'A20 nothing is moved by time that runs backwards, and no time is noted before an earlier one': (
    history,
  ) => {
    let latestMs = 0;
    return eachWritten(history, ({ after, nowMs }) => {
      if (nowMs < latestMs) return 'it was written at an earlier time';
      latestMs = nowMs;
      const dueMs = dueOf(after);
      if (dueMs !== undefined && tick(after, dueMs - 1).moved) return 'it moved before its time';
      return tick(after, after.openedMs - 1).moved ? 'it was moved by the past' : undefined;
    });
  },

  'A21 no effect begins after somebody was told that it will not': (history) => {
    const told = new Set<string>();
    return eachKept(history, (happening) => {
      if (happening.kind === 'answered')
        for (const { id, state } of approvalsIn(happening.result)) if (isNo(state)) told.add(id);
      // What ends tells everybody by its cards.
      if (happening.kind === 'written' && isNo(happening.after.state)) told.add(happening.after.id);
      return happening.kind === 'began' && told.has(happening.permit.approvalId)
        ? 'it began all the same'
        : undefined;
    });
  },

  'nothing gives way to a newer request or message but as its policy says, and nothing that may have run': (
    history,
  ) =>
    eachWritten(history, ({ before, after, input, moved }) => {
      const { onNewMessage } = before.policy;
      if (moved.event === 'superseded') {
        if (input.kind !== 'supersede' || input.isOther) return `${input.kind} replaced it`;
        if (onNewMessage !== 'supersede') return 'its policy does not let it be replaced';
        if (before.execution) return 'it may have run';
        return after.supersededBy === undefined ? 'nobody knows by what' : undefined;
      }
      if (input.kind !== 'call-off' || moved.actor === 'system') return undefined;
      if (onNewMessage !== 'cancel') return 'its policy does not let it be called off';
      return moved.actor === after.request.requester ? undefined : 'somebody else called it off';
    }),

  'A22 no call begins under a permit when a later one was granted, nor is one granted before the last is over':
    (history) => {
      return eachKept(history, (happening) => {
        if (happening.kind === 'began') {
          const { permit, approval } = happening;
          return approval.execution?.epoch === permit.epoch ? undefined : 'it began under an older permit';
        }
        if (happening.kind !== 'written' || happening.after.state !== 'APPROVED') return undefined;
        const { before, nowMs } = happening;
        if (!before.execution || before.state === 'APPROVED') return undefined;
        return nowMs >= before.execution.leaseUntilMs + QUIET_MS
          ? undefined
          : 'it could be claimed too early';
      });
    },

  'a yes its conversation has not come to lapses only when nobody of ours was there for so long, after a week, or at the end of all; one it has come to is not held':
    (history) =>
      eachWritten(history, ({ before, after, moved, input, unheard, decidedMs, nowMs }) => {
        if (input.kind !== 'sweep' || before.state !== 'APPROVED') return undefined;
        if (moved.event === 'held') return unheard ? undefined : 'it was held for nothing';
        if (after.state !== 'REVOKED' || !unheard || history.isLossy) return undefined;
        const givenMs = (before.heldFromMs ?? before.validUntilMs!) - before.policy.validForMs;
        const awayMs = awaySince(history, givenMs, decidedMs);
        const isOld = nowMs >= givenMs + before.policy.validForMs + HELD_YES_MS;
        if (isOld || nowMs >= hardDeadlineOf(before)!) return undefined;
        return awayMs >= before.policy.validForMs ? undefined : 'it lapsed while it waited in line';
      }),

  'every change is a revision of its own, and has a new face where people are to see something new': (
    history,
  ) =>
    eachWritten(history, ({ before, after }) => {
      if (after.rev <= before.rev) return 'a change is no revision of its own';
      const isShown = after.execution?.shown === true && before.execution?.shown === undefined;
      const isNews = (after.state !== before.state && after.state !== 'EXECUTING') || isShown;
      return isNews && after.face <= before.face ? 'nobody would see it' : undefined;
    }),
} as const satisfies Record<string, Invariant>;

export type InvariantName = keyof typeof INVARIANTS;

function each(history: History, check: (happening: Happening) => string | undefined): string | undefined {
  return firstOf(history.happenings, check);
}

/** What two people were told cannot both stay true once something acknowledged is lost; up to there it does. */
function eachKept(history: History, check: (happening: Happening) => string | undefined): string | undefined {
  const lost = history.happenings.findIndex(({ kind }) => kind === 'lost');
  const kept = lost === -1 ? history.happenings : history.happenings.slice(0, lost);
  return firstOf(kept, check);
}

function eachWritten(history: History, check: (change: Written) => string | undefined): string | undefined {
  return each(history, (happening) => (happening.kind === 'written' ? check(happening) : undefined));
}

function written(history: History): Written[] {
  return history.happenings.filter((happening) => happening.kind === 'written');
}

function isAnswer(input: Written['input']): input is Extract<Written['input'], { kind: 'vote' | 'ask' }> {
  return input.kind === 'vote' || input.kind === 'ask';
}

/** How long nobody of ours was there, as far as was known by then, in ms. */
function awayBy({ model }: History, ms: number): number {
  const known = model.outages.filter(({ untilMs }) => untilMs <= ms);
  return known.reduce((sum, { fromMs, untilMs }) => sum + untilMs - Math.max(fromMs, BEGIN_MS), 0);
}

/** How much of a time nobody of ours was there, in ms. */
function awaySince({ model }: History, fromMs: number, untilMs: number): number {
  return model.outages.reduce(
    (sum, outage) => sum + Math.max(0, Math.min(outage.untilMs, untilMs) - Math.max(outage.fromMs, fromMs)),
    0,
  );
}

/** How many people it takes, at least. */
function placesOf(approval: Approval): number {
  const { rung = 0, policy } = approval;
  if (rung > 0) return 1;
  return 'role' in policy.approvers ? (policy.approvers.count ?? 1) : 1;
}

function isNews({ state }: Approval): boolean {
  return state === 'APPROVED' || state === 'UNKNOWN' || isEnded(state);
}

function toWakeUp({ id, rev }: Approval): string {
  return `approval:${id}:${rev}`;
}

/** What somebody who reads it takes for: it will not happen. */
const NO: ReadonlySet<string> = new Set(['DENIED', 'REVOKED', 'EXPIRED', 'CANCELLED', 'SUPERSEDED']);

function isNo(state: Approval['state']): boolean {
  return NO.has(state);
}

function approvalsIn(result: unknown): Approval[] {
  if (typeof result !== 'object' || result === null || !('approval' in result)) return [];
  return [result.approval as Approval]; // what every answer of the machine carries
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
