/**
 * What is promised about who has a conversation, on the model of the store: the oracle for `src/control`, and for what
 * becomes of a message and of an answer meanwhile (`router/standby.ts`, the last hop of `router/delivery-worker.ts`).
 *
 * What an event does to the control of a conversation is the state machine's own business (`src/domain/control.ts`).
 */
import { createConsequences } from '../../src/control/consequences.ts';
import { type AlsoOf, ticketFor } from '../../src/control/control-store.ts';
import { HandoffCall } from '../../src/control/handoff-call.ts';
import { waitingText } from '../../src/control/sentences.ts';
import { type OutboxItem, toOutEffect } from '../../src/delivery/outbox.ts';
import {
  type Control,
  type ControlMove,
  type ControlStep,
  finishHandback,
  learnPlace,
  movePlace,
  noteActivity,
  requestHandoff,
  takeOver,
  tick,
} from '../../src/domain/control.ts';
import { AccountId, ConversationId, EscalationId, PersonId, Platform } from '../../src/domain/ids.ts';
import type { MailboxItem } from '../../src/domain/mailbox-item.ts';
import type { Address } from '../../src/domain/message.ts';
import type { Entry } from '../../src/domain/transcript.ts';
import { type Effect, namelessOnce } from '../../src/redis/effects.ts';
import { Keys, partitionOf } from '../../src/redis/keys.ts';
import { Bridge } from '../../src/router/bridge.ts';
import { silent } from './core.ts';
import { type Flow, LineBroke, type StoreModel, seenOf, toControlEffect } from './store-model.ts';

const KEYS = new Keys('');
/** Longer than any test. */
export const REMEMBER_MS = 3_600_000;
const SAID_MS = 7 * 24 * REMEMBER_MS;

export const TALK = ConversationId.parse('slack:T0:C0:1');
export const PARTITION = partitionOf(TALK);
export const PLACE: Address = { platform: Platform.parse('slack'), route: { channel: 'C0', thread: '1' } };
/** Where nobody reads but this person. */
export function placeAlone(person: PersonId): Address {
  return { platform: Platform.parse('slack'), route: { channel: `D-${person}` } };
}
/** Of the configuration. */
export const WAIT_MS = 600_000;
export const IDLE_MS = 1_800_000;
/** Whoever looks after it has for so long. */
export const DUTY_MS = 4_500_000;
/** By which people are called: one for each policy that is about it. */
export const CALLS = ['esc_p0_000000000000', 'esc_p0_111111111111'].map((id) => EscalationId.parse(id));
/** A message with this word calls a human; Dana, who may, has the conversation by saying the other. */
export const HELP = 'help';
export const MINE = 'mine';

/** Dana and Oskar may take over, Alex may not. */
export const PEOPLE = ['alex', 'dana', 'oskar'].map((name) => PersonId.parse(name));

export function mayTakeOver(person: PersonId): boolean {
  return person !== 'alex';
}

const handoffs = new HandoffCall(
  () => [
    { person: 'dana', name: 'dana', to: { platform: Platform.parse('email'), route: { to: 'dana' } } },
    { person: 'oskar', name: 'oskar', to: undefined },
  ],
  () => ({ text: 'on Slack', isPrivate: false }),
);

/** Brings what is written alone to whoever has the conversation, by mail; the same for both sides. */
export const bridge = new Bridge({
  directory: {
    find: (id) => ({ id, name: id, roles: [], prefers: [], accounts: [AccountId.parse(`slack:T0/${id}`)] }),
  },
  reach: {
    isPrivate: isAlone,
    privatePlaceOf: ({ id, accounts: [account = AccountId.parse('slack:T0/none')] }) => ({
      account,
      to: { platform: Platform.parse('email'), route: { to: id } },
      cannotEdit: true,
    }),
  },
});

function isAlone({ route }: Address): boolean {
  return route.channel?.startsWith('D') === true;
}

/** What follows from a change, the same for both sides. */
export const consequencesOf = createConsequences({
  handoffs,
  keepTranscriptMs: () => REMEMBER_MS,
  standingOf: () => ({ trust: 'member' }),
});

/** A change that became visible. */
export interface ControlChange {
  readonly before: Control;
  readonly moved: ControlMove;
  /** When it was decided. */
  readonly nowMs: number;
}

export type Decide = (control: Control, nowMs: number) => ControlStep<unknown>;

/** What became of an item of the mailbox. `moved`: somebody else speaks meanwhile, and it is judged anew. */
export type Became = 'turn' | 'keep' | 'hold' | 'later' | 'done' | 'redirected' | 'moved' | 'used' | 'again';

export interface Handled {
  readonly item: MailboxItem;
  /** Taken by whoever has done it, where it lies. */
  readonly place: string;
  readonly became: Became;
  /** Under which it was written. */
  readonly epoch: number;
}

/** Who hears of what was written, in order. */
interface Listener {
  written?(change: ControlChange): void;
  handled?(handled: Handled): void;
}

export class ControlModel {
  constructor(
    readonly store: StoreModel,
    private readonly told: Listener = {},
  ) {}

  get control(): Control {
    return this.store.control(TALK);
  }

  *apply(decide: Decide, onceKey?: string, also: AlsoOf = () => []): Flow<unknown> {
    const once = onceKey === undefined ? undefined : { key: onceKey, forMs: REMEMBER_MS };
    const all = (before: Control, moved: ControlMove, nowMs: number) => [
      ...effectsOf(before, moved, nowMs),
      ...also(moved.next, nowMs),
    ];
    return yield* this.store.applyControl(TALK, decide, all, {
      once,
      written: (before, moved, nowMs) => this.told.written?.({ before, moved, nowMs }),
    });
  }

  *post(item: MailboxItem): Flow<unknown> {
    const once = { key: item.id, forMs: REMEMBER_MS };
    const effect: Effect = { kind: 'mail', conversationId: TALK, item };
    return (yield* this.store.write(PARTITION, [effect], once)) === 'written';
  }

  /** What time brings about. One that cannot be moved on stays due. */
  *sweep(): Flow<unknown> {
    const list = KEYS.controlTimers(PARTITION);
    const atMs = this.store.nowMs;
    const { ids, nextMs } = this.store.due(list, 1);
    for (const id of ids) {
      try {
        yield 'look';
        const seen = this.control;
        if (seen.state === 'BOT') yield* this.#leave(list, id, seen);
        else yield* this.apply(tick);
      } catch (error) {
        if (!(error instanceof LineBroke)) throw error;
      }
    }
    return { moved: ids.length, nextInMs: (nextMs ?? Number.POSITIVE_INFINITY) - atMs };
  }

  /**
   * One item of the mailbox, once.
   *
   * @param doneKey taken by whoever has done it
   */
  *handle(item: MailboxItem, doneKey: string): Flow<Handled> {
    const control = this.control;
    const { nowMs } = this.store;
    const { became, effects, moved } = judge(item, control, nowMs);
    const once = became === 'later' ? undefined : { key: doneKey, forMs: REMEMBER_MS };
    const handled = { item, place: doneKey, became, epoch: (moved?.next ?? control).epoch };
    try {
      const reply = yield* this.store.write(PARTITION, effects, once, () => {
        if (moved) this.told.written?.({ before: control, moved, nowMs });
        this.told.handled?.(handled);
      });
      return reply === 'written' ? handled : { ...handled, became: reply };
    } catch (error) {
      if (!(error instanceof LineBroke)) throw error;
      return { ...handled, became: 'again' };
    }
  }

  /** The last hop. */
  maySay(item: Extract<OutboxItem, { kind: 'text' }>): boolean {
    return item.epoch === undefined || item.epoch >= this.control.epoch;
  }

  /** Unless it has changed since it was looked at. */
  *#leave(list: string, id: string, seen: Control): Flow<void> {
    yield* this.store.change(() => {
      if (seenOf(this.control) === seenOf(seen)) this.store.setPlace(list, id, undefined);
    });
  }
}

function effectsOf(before: Control, moved: ControlMove, nowMs: number): readonly Effect[] {
  const { next } = moved;
  return [
    toControlEffect(before, next, ticketFor(next.conversationId)),
    ...consequencesOf(before, moved, { nowMs, waiting: [] }),
  ];
}

// ── What becomes of an item ──────────────────────────────────────────────────────────────────────────────────────

interface Judged {
  readonly became: Exclude<Became, 'moved' | 'used' | 'again'>;
  readonly effects: readonly Effect[];
  readonly moved?: ControlMove | undefined;
}

function judge(item: MailboxItem, control: Control, nowMs: number): Judged {
  const guard: Effect = { kind: 'guard', conversationId: TALK, from: seenOf(control) };
  if (item.kind === 'handback') {
    const { moved } = finishHandback(control, item.epoch, nowMs);
    return { became: 'done', moved, effects: moved ? effectsOf(control, moved, nowMs) : [] };
  }
  switch (control.state) {
    case 'BOT': {
      const byRule = item.kind === 'message' ? ruled(item, control, nowMs) : undefined;
      return byRule ?? { became: 'turn', effects: [...turnEffects(item, control.epoch, nowMs), guard] };
    }
    case 'HANDOFF_PENDING': {
      const isNews = item.kind === 'message' && control.actedOn !== item.id;
      return { became: 'later', effects: [guard, ...(isNews ? noticeOf(item, control, nowMs) : [])] };
    }
    case 'HUMAN':
    case 'HANDBACK_PENDING': {
      if (item.kind !== 'message')
        return { became: 'hold', effects: [guard, { kind: 'hold', conversationId: TALK, item }] };
      const { moved } = heard(item, control, nowMs);
      const effects = moved ? effectsOf(control, moved, nowMs) : [guard];
      const brought = control.state === 'HUMAN' ? bridge.bring(item, control, nowMs, silent) : [];
      return { became: 'keep', moved, effects: [...effects, ...brought, ...keptEffects(item)] };
    }
    default:
      return control satisfies never;
  }
}

type MessageItem = Extract<MailboxItem, { kind: 'message' }>;

/** Where others are is learnt from them; of several places in which they are alone it is the last. */
function heard(
  { message: { replyTo }, requester: { person } }: MessageItem,
  control: Extract<Control, { state: 'HUMAN' | 'HANDBACK_PENDING' }>,
  nowMs: number,
): ControlStep<unknown> {
  const { origin, owner } = control;
  const isOthers = person !== owner.person;
  if (origin === undefined) {
    return isOthers || !isAlone(replyTo)
      ? learnPlace(control, replyTo, person, nowMs)
      : noteActivity(control, person, nowMs);
  }
  const isElsewhere = isAlone(origin) && isAlone(replyTo) && origin.route.channel !== replyTo.route.channel;
  return isOthers && isElsewhere ? movePlace(control, replyTo) : noteActivity(control, person, nowMs);
}

/** By the words of a message; nothing is done twice about the same one. */
function ruled(item: MessageItem, control: Control, nowMs: number): Judged | undefined {
  if (control.actedOn === item.id) return undefined;
  const { text, replyTo } = item.message;
  const { person, name } = item.requester;
  const cause = { origin: text === MINE && isAlone(replyTo) ? undefined : replyTo, actedOn: item.id };
  const isMine = text === MINE && mayTakeOver(person) && othersSpoke(person);
  if (!isMine && text !== HELP) return undefined;
  const { moved }: ControlStep<unknown> = isMine
    ? takeOver(control, { by: { person, name }, permitted: true, idleMs: IDLE_MS, ...cause }, nowMs)
    : requestHandoff(
        control,
        { by: { kind: 'rule', rule: HELP }, from: person },
        { waitMs: WAIT_MS, ...cause },
        nowMs,
      );
  if (!moved) return undefined;
  const audit: Effect = {
    kind: 'audit',
    event: {
      event: 'authorization.allow',
      actor: person,
      subject: TALK,
      correlation: item.correlation,
      channel: replyTo.platform,
      detail: { action: isMine ? 'take-over' : 'call-human', rule: `takeover rule ${isMine ? MINE : HELP}` },
    },
  };
  return { became: 'later', moved, effects: [...effectsOf(control, moved, nowMs), audit] };
}

/** Alex has spoken before in every conversation of these histories. */
export const SPOKEN: Entry = {
  kind: 'user',
  from: { person: PersonId.parse('alex'), name: 'alex' },
  text: 'hello',
  at: '2100-01-01T00:00:00.000Z',
};

function othersSpoke(person: PersonId): boolean {
  return SPOKEN.kind === 'user' && SPOKEN.from.person !== person;
}

function noticeOf(
  item: MessageItem,
  control: Extract<Control, { state: 'HANDOFF_PENDING' }>,
  nowMs: number,
): Effect[] {
  const { epoch } = control;
  const id = `handoff-waits:${TALK}:${epoch}`;
  const once = namelessOnce(id, SAID_MS);
  const { correlation } = item;
  const to = item.message.replyTo;
  const markdown = waitingText(control);
  return [
    toOutEffect(
      { kind: 'text', id, correlation, conversationId: TALK, to, markdown, epoch, atMs: nowMs },
      { once },
    ),
  ];
}

// ── What whoever handles it adds, the same on both sides ─────────────────────────────────────────────────────────

/** What the agent says, in the epoch in which its turn began. */
export function turnEffects(item: MailboxItem, epoch: number, nowMs: number): Effect[] {
  const said: Effect[] = item.kind === 'message' ? keptEffects(item) : [];
  const { correlation } = item;
  return [
    ...said,
    toOutEffect({
      kind: 'text',
      id: `reply:${item.id}`,
      correlation,
      conversationId: TALK,
      to: PLACE,
      markdown: 'so it is',
      epoch,
      atMs: nowMs,
    }),
  ];
}

/** What somebody said stands in the transcript, whoever answers. */
export function keptEffects({ message, requester: { person, name } }: MessageItem): Effect[] {
  const entry: Entry = { kind: 'user', from: { person, name }, text: message.text, at: message.sentAt };
  return [{ kind: 'entry', conversationId: TALK, entry, keepMs: REMEMBER_MS }];
}
