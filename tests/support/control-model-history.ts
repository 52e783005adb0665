/** Plays a history of who has a conversation on the model, and where there is one, on the real store beside it. */
import type { AlsoOf } from '../../src/control/control-store.ts';
import { type Saying, toSaid } from '../../src/control/saying.ts';
import type { OutboxItem } from '../../src/delivery/outbox.ts';
import {
  type Control,
  endOf,
  handBack,
  letGo,
  lookAfter,
  requestHandoff,
  say,
  settle,
  type TakeOverResult,
  takeOver,
} from '../../src/domain/control.ts';
import { AccountId, ApprovalId, MessageId, PersonId, Platform } from '../../src/domain/ids.ts';
import { MailboxItem } from '../../src/domain/mailbox-item.ts';
import { Keys } from '../../src/redis/keys.ts';
import {
  CALLS,
  type ControlChange,
  ControlModel,
  type Decide,
  DUTY_MS,
  type Handled,
  IDLE_MS,
  mayTakeOver,
  PARTITION,
  PLACE,
  placeAlone,
  REMEMBER_MS,
  TALK,
  WAIT_MS,
} from './control-model.ts';
import { BEGIN_MS, type Command, type Delivery, type HistoryPlan, type Input } from './control-model-plan.ts';
import { type Doing, type RealSide, SideBySide } from './side-by-side.ts';
import { play, StoreModel } from './store-model.ts';

const KEYS = new Keys('');
const PARKED = KEYS.parked(PARTITION);
const MAILBOX = KEYS.items(PARTITION, 'm', TALK);

export const PARTITIONS: readonly number[] = [PARTITION];
/** Compared even where nothing is expected there. */
export const WATCHED: readonly string[] = [
  KEYS.controlTimers(PARTITION),
  KEYS.control(TALK),
  KEYS.heldBack(TALK),
  KEYS.transcript(TALK),
  KEYS.audit(PARTITION),
  PARKED,
  MAILBOX,
  ...(['m', 'e', 'o.slack', 'o.email'] as const).map((queue) => KEYS.ready(PARTITION, queue)),
];

// ── What came of it ──────────────────────────────────────────────────────────────────────────────────────────────

/** In the order in which it happened. */
export type Happening =
  | ({ readonly kind: 'written' } & ControlChange)
  /** Whoever did something was told. */
  | {
      readonly kind: 'answered';
      readonly input: Input;
      readonly result: Answer;
      readonly current: Control;
    }
  | { readonly kind: 'posted'; readonly item: MailboxItem }
  | ({ readonly kind: 'handled'; readonly current: Control } & Handled)
  /** Something of the agent's goes out; `epoch` is that of the conversation then. */
  | { readonly kind: 'said'; readonly item: TextItem; readonly current: Control }
  | {
      readonly kind: 'looked';
      readonly control: Control;
      readonly atMs: number | undefined;
      readonly nowMs: number;
    }
  | { readonly kind: 'lost' };

/** What whoever did something was told. */
export type Answer =
  | TakeOverResult
  | { readonly code: 'SETTLED' | 'IN_PART' | 'NOTHING' | 'NOTED' | 'LET_GO' };

export type TextItem = Extract<OutboxItem, { kind: 'text' }>;

/** The real store, as one process has it. */
export interface ControlProcess {
  apply(decide: Decide, onceKey: string, also: AlsoOf): Promise<unknown>;
  post(item: MailboxItem): Promise<boolean>;
  handle(item: MailboxItem, doneKey: string): Promise<Handled>;
  sweep(): Promise<unknown>;
  /** The texts that go out. */
  say(item: TextItem): Promise<readonly string[]>;
}

// ── Playing ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** One play of a plan. */
export class History {
  readonly happenings: Happening[] = [];
  readonly sides: SideBySide<ControlProcess>;
  isLossy = false;

  readonly #given: Doing<ControlProcess>[] = [];
  #said = new Set<string>();
  #markedSaid: ReadonlySet<string> = new Set();
  #count = 0;

  constructor(
    private readonly plan: HistoryPlan,
    real?: RealSide<ControlProcess>,
    private readonly sender?: () => ControlProcess,
  ) {
    this.sides = new SideBySide(new StoreModel(BEGIN_MS), real);
  }

  get store(): StoreModel {
    return this.sides.model;
  }

  get control(): Control {
    return this.store.control(TALK);
  }

  async play(): Promise<this> {
    await this.sides.begin();
    for (const command of this.plan.commands) {
      await this.#do(command);
      await this.#look();
      if (this.sides.wrong !== undefined) return this;
    }
    await this.sides.releaseAll();
    await this.#look();
    return this;
  }

  /**
   * Nobody does anything any more, time passes until the agent has it, everything in the mailbox is handled, and then
   * somebody writes once more.
   *
   * @returns what became of each item, the last message last, and how it stands in the end
   */
  drain(): { handled: readonly Handled[]; control: Control } {
    const store = this.store.clone();
    const handled: Handled[] = [];
    const model = new ControlModel(store, { handled: (each) => handled.push(each) });
    settleAll(model);
    play(
      model.post(toMessage('after it all', { by: ALEX, text: 'hello', isAlone: false }, store.nowMs)),
      'done',
    );
    settleAll(model);
    return { handled, control: model.control };
  }

  async #do(command: Command): Promise<void> {
    switch (command.kind) {
      case 'deliver': {
        const doing = this.#toDoing(command.input);
        return doing && this.sides.do(doing, command.fate);
      }
      case 'together':
        return this.#together(command.deliveries);
      case 'while-held': {
        const doing = this.#toDoing(command.delivery.input);
        const meanwhile = command.meanwhile.map((each) => () => this.#do(each));
        const isEarly = command.isEarly && command.delivery.input.kind === 'sweep';
        return doing && this.sides.doWhileHeld(doing, meanwhile, { how: command.how, isEarly });
      }
      case 'work':
        for (const { item, key } of leftIn(this.store))
          await this.sides.do(this.#toHandle(item, key), 'done');
        return;
      case 'say': {
        const items = this.#texts(command.isSaid);
        const item = items[command.back % Math.max(items.length, 1)];
        return item && this.#say(item);
      }
      case 'say-all':
        for (const item of this.#texts(false)) await this.#say(item);
        return;
      case 'park':
        if (this.store.items(MAILBOX).length === 0) return;
        return this.sides.place(PARKED, `m|${TALK}`, this.store.nowMs + WAIT_MS);
      case 'pass':
        return this.sides.pass(Math.max(BEGIN_MS, this.store.nowMs + command.ms));
      case 'pass-to-end': {
        const endMs = endOf(this.control) ?? this.store.nowMs;
        return this.sides.pass(Math.max(this.store.nowMs, endMs + command.offMs));
      }
      case 'mark':
        this.#markedSaid = new Set(this.#said);
        return this.sides.mark();
      case 'lose':
        if (!(await this.sides.lose())) return;
        this.isLossy = true;
        this.#said = new Set(this.#markedSaid);
        this.happenings.push({ kind: 'lost' });
        return;
      default:
        return command satisfies never;
    }
  }

  async #together(deliveries: readonly Delivery[]): Promise<void> {
    await this.sides.doTogether(deliveries.flatMap(({ input }) => this.#toDoing(input) ?? []));
  }

  async #look(): Promise<void> {
    await this.sides.look();
    const atMs = this.store.placeIn(KEYS.controlTimers(PARTITION), TALK);
    this.happenings.push({ kind: 'looked', control: this.control, atMs, nowMs: this.store.nowMs });
  }

  // ── What is delivered ────────────────────────────────────────────────────────────────────────────────────────

  #toDoing(input: Input): Doing<ControlProcess> | undefined {
    switch (input.kind) {
      case 'again':
        return this.#given.at(-1 - input.back);
      case 'sweep':
        return {
          name: 'sweep',
          flow: (store, isTold) => this.#told(store, isTold).sweep(),
          work: (process) => process.sweep(),
        };
      case 'write':
        return this.#toPost(toMessage(`message:${this.#count++}`, input, this.store.nowMs));
      case 'approved': {
        const id = `approved:${this.#count++}`;
        const approvalId = ApprovalId.parse('apr_p0_000000000000');
        return this.#toPost({ kind: 'approval', id, correlation: id, approvalId, state: 'APPROVED' });
      }
      case 'handle': {
        const items = input.isDone ? doneIn(this.store) : leftIn(this.store);
        const found = items[input.back % Math.max(items.length, 1)];
        return found && this.#toHandle(found.item, found.key);
      }
      default:
        return this.#toGesture(input);
    }
  }

  #toGesture(input: Gesture): Doing<ControlProcess> {
    const onceKey = `control:${this.#count++}`;
    const audit = {
      event: 'authorization.allow',
      actor: input.by,
      subject: TALK,
      correlation: onceKey,
      detail: {},
    };
    const also: AlsoOf = (next, nowMs) => [
      { kind: 'audit', event: audit },
      ...(input.kind === 'say-there' && next.state === 'HUMAN'
        ? toSaid(next, onceKey, SAYING, { keepMs: REMEMBER_MS, nowMs })
        : []),
    ];
    const decide = toDecide(input);
    return this.#remembered({
      name: input.kind,
      flow: (store, isTold) => this.#told(store, isTold).apply(decide, onceKey, also),
      work: (process) => process.apply(decide, onceKey, also),
      settled: (outcome) => {
        if (outcome.kind !== 'answered' || outcome.result === undefined) return;
        const told = outcome.result as TakeOverResult | Exclude<Answer, TakeOverResult>['code']; // whatever was done
        const result = typeof told === 'string' ? { code: told } : told;
        this.happenings.push({ kind: 'answered', input, result, current: this.control });
      },
    });
  }

  #toPost(item: MailboxItem): Doing<ControlProcess> {
    return this.#remembered({
      name: 'post',
      flow: (store) => new ControlModel(store).post(item),
      work: (process) => process.post(item),
      settled: (outcome) => {
        if (outcome.kind === 'answered' && outcome.result === true)
          this.happenings.push({ kind: 'posted', item });
      },
    });
  }

  #toHandle(item: MailboxItem, key: string): Doing<ControlProcess> {
    return {
      name: `handling of ${item.kind}`,
      flow: (store, isTold) => this.#told(store, isTold).handle(item, key),
      work: (process) => process.handle(item, key),
      settled: (outcome) => {
        if (outcome.kind !== 'answered') return;
        const handled = outcome.result as Handled; // what a handling answers
        // What was written was heard of then, whether or not its process lived to tell.
        if (!WRITTEN.has(handled.became)) this.#note(handled);
      },
    };
  }

  #remembered(doing: Doing<ControlProcess>): Doing<ControlProcess> {
    this.#given.push(doing);
    return doing;
  }

  #told(store: StoreModel, isTold: boolean): ControlModel {
    if (!isTold) return new ControlModel(store);
    return new ControlModel(store, {
      written: (change) => this.happenings.push({ kind: 'written', ...change }),
      handled: (handled) => this.#note(handled),
    });
  }

  #note(handled: Handled): void {
    this.happenings.push({ kind: 'handled', current: this.control, ...handled });
  }

  #texts(isSaid: boolean): TextItem[] {
    return textsIn(this.store).filter(({ id }) => this.#said.has(id) === isSaid);
  }

  async #say(item: TextItem): Promise<void> {
    const maySay = new ControlModel(this.store).maySay(item);
    this.#said.add(item.id);
    if (maySay) this.happenings.push({ kind: 'said', item, current: this.control });
    const texts = maySay ? [item.markdown] : [];
    await this.sides.same('what goes out', texts, async () => (await this.sender?.().say(item)) ?? []);
  }
}

/** By which the agent falls silent. */
const [CALLED] = CALLS;
const MOST_ROUNDS = 200;
/** Of what may become of an item, that which is written. */
const WRITTEN: ReadonlySet<string> = new Set(['turn', 'keep', 'hold', 'later', 'done']);
const ALEX = PersonId.parse('alex');

/** Until the agent has it, and nothing is left in the mailbox. */
function settleAll(model: ControlModel): void {
  const { store } = model;
  for (let rounds = 0; rounds < MOST_ROUNDS; rounds++) {
    play(model.sweep(), 'done');
    const [next] = leftIn(store);
    const { outcome } = next ? play(model.handle(next.item, next.key), 'done') : { outcome: undefined };
    if (!next && model.control.state === 'BOT') return;
    const result = outcome?.kind === 'answered' ? (outcome.result as Handled) : undefined; // what a handling answers
    const isIdle = !next || result?.became === 'later';
    if (isIdle) store.nowMs = Math.max(store.nowMs, endOf(model.control) ?? 0);
  }
}

type Gesture = Exclude<Input, { kind: 'again' | 'sweep' | 'write' | 'approved' | 'handle' }>;

function toDecide(input: Gesture): Decide {
  if (input.kind === 'call-human') {
    const by = toAsker(input.by);
    const origin = input.isAlone && by.kind === 'person' ? placeAlone(by.person) : PLACE;
    return (control, nowMs) => requestHandoff(control, { by }, { waitMs: WAIT_MS, origin }, nowMs);
  }
  const by = { person: input.by, name: input.by };
  switch (input.kind) {
    case 'look-after':
      return (control, nowMs) =>
        lookAfter(control, { ...by, escalation: input.call }, nowMs + DUTY_MS, nowMs);
    case 'let-go':
      return (control, nowMs) => letGo(control, input.call, nowMs);
    case 'settle':
    case 'cancel': {
      const { call: escalation } = input;
      const note = { by, summary: 'it is done', escalation, isCancelled: input.kind === 'cancel' };
      return (control, nowMs) => settle(control, note, nowMs);
    }
    case 'say-there':
      return (control, nowMs) => say(control, { by, permitted: mayTakeOver(input.by) }, nowMs);
    default:
      return toDecideOfOwner(input);
  }
}

function toDecideOfOwner(input: Extract<Input, { kind: 'take-over' | 'hand-back' }>): Decide {
  const by = { person: input.by, name: input.by };
  const permitted = mayTakeOver(input.by);
  const place = input.isHere ? { origin: PLACE } : {};
  return input.kind === 'take-over'
    ? (control, nowMs) => takeOver(control, { by, permitted, idleMs: IDLE_MS, ...place }, nowMs)
    : (control, nowMs) => handBack(control, { by, permitted, summary: 'it is done' }, nowMs);
}

function toAsker(by: PersonId | 'agent' | 'escalation'): Parameters<typeof requestHandoff>[1]['by'] {
  if (by === 'agent') return { kind: 'agent' };
  if (by === 'escalation') return { kind: 'escalation', policy: 'duty', escalation: CALLED };
  return { kind: 'person', person: by, name: by };
}

/** Whoever says it hears by mail if it does not arrive. */
const SAYING: Saying = {
  words: 'I see to it',
  trust: 'member',
  passesOn: false,
  answerTo: { platform: Platform.parse('email'), route: { to: 'whoever' } },
};

function toMessage(
  id: string,
  { by, text, isAlone }: Pick<Extract<Input, { kind: 'write' }>, 'by' | 'text' | 'isAlone'>,
  atMs: number,
): MailboxItem {
  const at = new Date(atMs).toISOString();
  return MailboxItem.parse({
    kind: 'message',
    id,
    correlation: id,
    receivedAt: at,
    requester: { person: by, name: by, roles: ['member'] },
    message: {
      kind: 'message',
      id: MessageId.parse(id),
      conversationId: TALK,
      sender: {
        account: AccountId.parse(`slack:T0/${by}`),
        displayName: by,
        authenticated: true,
        automatic: false,
      },
      text,
      addressedToBot: true,
      sentAt: at,
      replyTo: isAlone ? placeAlone(by) : PLACE,
    },
  });
}

/** An item at its place in the mailbox: what was held back comes to another place. */
interface Placed {
  readonly item: MailboxItem;
  /** Taken by whoever has done it. */
  readonly key: string;
}

function leftIn(store: StoreModel): Placed[] {
  return placedIn(store).filter(({ key }) => !store.wasWritten(PARTITION, key));
}

function doneIn(store: StoreModel): Placed[] {
  return placedIn(store).filter(({ key }) => store.wasWritten(PARTITION, key));
}

function placedIn(store: StoreModel): Placed[] {
  // Ours, as it was written.
  return store.items(MAILBOX).map((json, n) => ({ item: JSON.parse(json) as MailboxItem, key: `done:${n}` }));
}

function textsIn({ lists }: StoreModel): TextItem[] {
  const found: TextItem[] = [];
  for (const [name, items] of lists) {
    if (/\}:o\.\w+:q:/.test(name)) for (const json of items) found.push(JSON.parse(json) as TextItem); // nothing else is written
  }
  return found;
}
