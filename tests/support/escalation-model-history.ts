/** Plays a history of escalations on the model, and where there is one, on the real engine beside it. */
import { type EscalationItem, escalationIdOf } from '../../src/delivery/escalation-item.ts';
import type { OutboxItem } from '../../src/delivery/outbox.ts';
import {
  acknowledge,
  cancel,
  type DeedResult,
  letGo,
  push,
  resolve,
  snooze,
} from '../../src/domain/escalation/answers.ts';
import { type Report, tick } from '../../src/domain/escalation/course.ts';
import type { Page, Quiet } from '../../src/domain/escalation/pager.ts';
import type { EscalationPlan } from '../../src/domain/escalation/plan.ts';
import { dueOf, type Escalation } from '../../src/domain/escalation/record.ts';
import type { Surroundings } from '../../src/domain/escalation/surroundings.ts';
import {
  ApprovalId,
  ConversationId,
  type EscalationId,
  type PersonId,
  type Platform,
} from '../../src/domain/ids.ts';
import type { Address } from '../../src/domain/message.ts';
import { followTakeover } from '../../src/escalation/human-wait.ts';
import type { Effect } from '../../src/redis/effects.ts';
import { Keys, partitionOf } from '../../src/redis/keys.ts';
import {
  type Decide,
  ESCALATIONS,
  type EscalationChange,
  EscalationModel,
  itemsIn,
  PAGERS,
  type Setting,
} from './escalation-model.ts';
import {
  BEGIN_MS,
  type Command,
  type Delivery,
  type HistoryPlan,
  type Input,
  type Who,
} from './escalation-model-plan.ts';
import { accountOf, DAY, HOUR, idsOf, PEOPLE, quietIn, surroundings } from './escalation-world.ts';
import { type Doing, type RealSide, SideBySide } from './side-by-side.ts';
import { type Flow, type ModelFamily, play, StoreModel } from './store-model.ts';

const KEYS = new Keys('');
const [ALEX] = PEOPLE as [PersonId]; // there are four of them

const CONVERSATION = ConversationId.parse('slack:T0:C0:1');
/** In a partition of its own, as each of them is: one look is at one. */
const OTHER = ConversationId.parse('slack:T0:C0:2');
/** As long as two of the things they are told, and three are longer, as a rule. */
const SHORT = 500;
const APPROVAL = ApprovalId.parse('apr_p0_0123456789ab');
const SUBJECTS = [
  { key: 'it does not work', subject: { kind: 'conversation' as const, conversationId: CONVERSATION } },
  { key: 'it', subject: { kind: 'trouble' as const } },
  {
    key: 'approval:duty',
    subject: { kind: 'approval' as const, approvalId: APPROVAL, conversationId: OTHER },
  },
];
/** What is reported. */
export const IDS: readonly EscalationId[] = SUBJECTS.map(({ key, subject }) => escalationIdOf(key, subject));
export const PARTITIONS: readonly number[] = [
  ...new Set([...IDS.map(ESCALATIONS.partitionOf), ...PEOPLE.map(partitionOf)]),
];
/** Compared even where nothing is expected there. */
export const WATCHED: readonly string[] = PARTITIONS.flatMap((each) => [
  KEYS.recordTimers(each, 'esc'),
  KEYS.recordTimers(each, 'pgr'),
  ...(['e', 'o.slack', 'o.email', 'o.discord', 'm'] as const).map((queue) => KEYS.ready(each, queue)),
  KEYS.audit(each),
]);

// ── What came of it ──────────────────────────────────────────────────────────────────────────────────────────────

/** In the order in which it happened. */
export type Happening =
  | ({ readonly kind: 'written'; readonly input: Input | undefined } & EscalationChange)
  /** Whoever acted was told. */
  | {
      readonly kind: 'answered';
      readonly input: Input;
      readonly result: DeedResult;
      readonly current: Escalation | undefined;
    }
  /** A page goes out; `current` is how it stood then. */
  | {
      readonly kind: 'sent';
      readonly person: PersonId | undefined;
      readonly page: Page;
      readonly current: Escalation | undefined;
    }
  /** Everything that was due at `nowMs` was looked at, once. */
  | {
      readonly kind: 'swept';
      readonly escalation: Escalation | undefined;
      readonly nowMs: number;
      readonly isUndisturbed: boolean;
    }
  | { readonly kind: 'looked'; readonly places: readonly Place[]; readonly nowMs: number }
  /** What waited for somebody and was due at `nowMs` was told. */
  | {
      readonly kind: 'told';
      readonly person: PersonId;
      readonly nextMs: number | undefined;
      readonly nowMs: number;
    }
  | { readonly kind: 'lost' };

/** A record, and where it stands in the list of what is due. */
export interface Place {
  readonly id: string;
  readonly isThere: boolean;
  readonly isOver: boolean;
  readonly dueMs: number | undefined;
  readonly atMs: number | undefined;
}

/** The real engine, as one process of it has it. */
export interface EngineProcess {
  apply(id: EscalationId, decide: Decide, onceKey?: string, also?: readonly Effect[]): Promise<unknown>;
  report(itemId: string, report: Report, plan: EscalationPlan): Promise<unknown>;
  handle(item: EscalationItem): Promise<unknown>;
  sweep(partition: number): Promise<unknown>;
  tell(partition: number): Promise<unknown>;
  /** The texts that go out. */
  deliver(item: OutboxItem, arrives: boolean): Promise<readonly string[]>;
  /** What an audit finds. */
  prove(): Promise<readonly { id: string; kind: string }[]>;
}

/** The world of a plan. */
export class PlannedSetting implements Setting {
  constructor(private readonly plan: Pick<HistoryPlan, 'world'>) {}

  surroundings(nowMs: number): Surroundings {
    return surroundings(this.plan.world, nowMs);
  }

  quietOf(person: PersonId): Quiet {
    return quietIn(this.plan.world, person);
  }

  /** Kim has left Slack, which nobody has noticed. */
  placeOn(person: PersonId, platform: Platform): Address | undefined {
    return person === 'kim' && platform === 'slack' ? undefined : { platform, route: { to: person } };
  }

  channelOn(platform: Platform, channel: string): Address | undefined {
    return platform === 'discord' ? undefined : { platform, route: { channel } };
  }

  /** Two of them may take a conversation over. */
  mayHold(person: PersonId): boolean {
    return person === 'dana' || person === 'lee';
  }

  /** One thing a message on one platform, on another as many as fit. */
  isOneMessage(platform: Platform, markdown: string): boolean {
    return platform !== 'discord' && (platform !== 'email' || markdown.length < SHORT);
  }
}

// ── Playing ──────────────────────────────────────────────────────────────────────────────────────────────────────

/** One play of a plan. */
export class History {
  readonly happenings: Happening[] = [];
  readonly setting: PlannedSetting;
  readonly sides: SideBySide<EngineProcess>;
  isLossy = false;

  readonly #given: Doing<EngineProcess>[] = [];
  #done = new Set<string>();
  #markedDone: ReadonlySet<string> = new Set();
  #policy = 0;
  #count = 0;

  constructor(
    readonly plan: HistoryPlan,
    real?: RealSide<EngineProcess>,
    private readonly auditor?: () => EngineProcess,
  ) {
    this.setting = new PlannedSetting(plan);
    this.sides = new SideBySide(new StoreModel(BEGIN_MS), real);
  }

  get store(): StoreModel {
    return this.sides.model;
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

  find(id: EscalationId): Escalation | undefined {
    return this.store.find(ESCALATIONS, id);
  }

  /**
   * Nobody acts any more, everything that is asked for is done, and time passes until nobody waits to be told anything.
   *
   * @returns the pages that came to their people, and those whose people could not be told
   */
  tellAll(): { pages: readonly Page[]; told: ReadonlySet<string> } {
    const store = this.store.clone();
    const model = new EscalationModel(store, this.setting);
    const done = new Set(this.#done);
    const told = new Set<string>();
    for (const happening of this.happenings) if (happening.kind === 'sent') told.add(happening.page.id);
    for (let rounds = 0; rounds < MOST_ROUNDS; rounds++) {
      for (const item of askedIn(store, done, false)) {
        play(model.handle(item), 'done');
        done.add(item.id);
      }
      for (const person of PEOPLE) play(model.tell(partitionOf(person)), 'done');
      for (const item of outgoingIn(store, done, false)) {
        for (const { id } of model.deliver(item, true)) told.add(id);
        done.add(sentKey(item));
      }
      const next = PEOPLE.flatMap((each) => store.find(PAGERS, each)?.nextMs ?? []);
      if (next.length === 0 && askedIn(store, done, false).length === 0) break;
      store.nowMs = Math.max(store.nowMs, ...(next.length === 0 ? [] : [Math.min(...next)]));
    }
    const { asked } = itemsIn(store);
    for (const item of asked) if (item.kind === 'unreached') told.add(item.id.slice('unreached:'.length));
    return { pages: asked.flatMap((item) => (item.kind === 'page' ? [item.page] : [])), told };
  }

  /** The configuration as it was first, or as it is since it was edited. */
  get policy(): EscalationPlan {
    return this.plan.plans[this.#policy] ?? this.plan.plans[0];
  }

  async #do(command: Command): Promise<void> {
    switch (command.kind) {
      case 'deliver':
        return this.#deliver(command);
      case 'together':
        return this.#deliverTogether(command.deliveries);
      case 'while-held': {
        const doing = this.#toDoing(command.delivery);
        if (!doing) return;
        return this.sides.doWhileHeld(
          doing,
          command.meanwhile.map((each) => () => this.#do(each)),
          { how: command.how, isEarly: command.isEarly && command.delivery.input.kind === 'sweep' },
        );
      }
      case 'work':
        return this.#work(command.arrives);
      case 'pass':
        return this.sides.pass(Math.max(BEGIN_MS, this.store.nowMs + command.ms));
      case 'pass-to-due':
        return this.sides.pass(Math.max(this.store.nowMs, this.#nextDue() + command.offMs));
      case 'edit':
        this.#policy = 1 - this.#policy;
        return;
      case 'misplace':
        return this.#misplace(command);
      case 'mark':
        this.#markedDone = new Set(this.#done);
        return this.sides.mark();
      case 'lose':
        if (!(await this.sides.lose())) return;
        this.isLossy = true;
        this.#done = new Set(this.#markedDone);
        this.happenings.push({ kind: 'lost' });
        return;
      default:
        return command satisfies never;
    }
  }

  #nextDue(): number {
    const records = [
      ...IDS.flatMap((id) => this.find(id) ?? []).flatMap((each) => dueOf(each) ?? []),
      ...PEOPLE.flatMap((each) => this.store.find(PAGERS, each)?.nextMs ?? []),
    ];
    const later = records.filter((ms) => ms > this.store.nowMs);
    return later.length === 0 ? this.store.nowMs + HOUR : Math.min(...later);
  }

  async #deliver(delivery: Delivery): Promise<void> {
    if (delivery.input.kind === 'send') return this.#send(delivery.input);
    const doing = this.#toDoing(delivery);
    if (doing) await this.sides.do(doing, delivery.fate);
  }

  async #deliverTogether(deliveries: readonly Delivery[]): Promise<void> {
    const doings = deliveries.flatMap((each) => this.#toDoing(each) ?? []);
    await this.sides.doTogether(doings);
  }

  /** In the order of the queues, until nothing is left. */
  async #work(arrives: boolean): Promise<void> {
    for (let rounds = 0; rounds < MOST_ROUNDS; rounds++) {
      const [item] = this.#asked(false);
      const [outgoing] = this.#outgoing(false);
      if (!item && !outgoing) return;
      if (item) await this.sides.do(this.#toHandle(item), 'done');
      if (outgoing) await this.#sendOne(outgoing, arrives);
    }
  }

  async #look(): Promise<void> {
    await this.sides.look();
    this.happenings.push({ kind: 'looked', places: placesIn(this.store), nowMs: this.store.nowMs });
  }

  /** Nothing of ours does that; should it be so all the same, whoever audits puts it right. */
  async #misplace({ what, how, escalation }: Extract<Command, { kind: 'misplace' }>): Promise<void> {
    const id = what === 'escalation' ? (IDS[escalation] ?? IDS[0]) : what;
    if (id === undefined) return;
    const family = what === 'escalation' ? ESCALATIONS : PAGERS;
    const list = KEYS.recordTimers(family.partitionOf(id), family.family);
    const atMs = this.store.placeIn(list, id);
    const wanted = {
      lost: undefined,
      late: this.store.nowMs + 30 * DAY,
      early: BEGIN_MS - DAY,
      'left-over': BEGIN_MS,
    }[how];
    // Too early only where it is in the list at all, and left over only where it is not.
    if ((how === 'left-over') === (atMs !== undefined)) return;
    await this.sides.place(list, id, wanted);
    const found = [...IDS, ...PEOPLE].flatMap((each) => {
      const one = IDS.some((other) => other === each);
      const kind = one ? this.store.prove(ESCALATIONS, each) : this.store.prove(PAGERS, each);
      return kind === undefined ? [] : [{ id: String(each), kind }];
    });
    await this.sides.same('what an audit finds', byId(found), async () =>
      byId((await this.auditor?.().prove()) ?? []),
    );
    if (how !== 'early') return;
    // Nobody has to put that right: it is looked at, and stands where it should.
    for (const each of IDS) await this.sides.do(this.#toSweep(each), 'done');
    for (const each of PEOPLE) await this.sides.do(this.#toTell(each), 'done');
  }

  // ── What is delivered ────────────────────────────────────────────────────────────────────────────────────────

  #toDoing({ input, escalation }: Delivery): Doing<EngineProcess> | undefined {
    const id = IDS[escalation] ?? IDS[0];
    if (id === undefined) return undefined;
    switch (input.kind) {
      case 'again':
        return this.#given.at(-1 - input.back);
      case 'sweep':
        return this.#toSweep(id);
      case 'tick':
        return this.#toTick(id);
      case 'tell':
        return this.#toTell(input.person);
      case 'item': {
        const items = this.#asked(input.isDone);
        const item = items[input.back % Math.max(items.length, 1)];
        return item && this.#toHandle(item);
      }
      case 'send':
        return undefined; // no process of its own
      case 'close':
        return this.#toHandle({ ...this.#itemAbout(id, 'close'), kind: 'close', remark: 'it is over' });
      case 'hold': {
        const item = this.#itemAbout(id, 'hold');
        return this.#toHandle({ ...item, kind: 'hold', untilMs: item.atMs + input.forMs });
      }
      case 'go-on':
        return this.#toHandle({ ...this.#itemAbout(id, 'go-on'), kind: 'go-on' });
      case 'unreached': {
        const epoch = (this.find(id)?.epoch ?? 1) - input.epochsAgo;
        const item = this.#itemAbout(id, 'unreached:by-hand');
        return this.#toHandle({ ...item, kind: 'unreached', epoch, person: input.person });
      }
      case 'report':
        return this.#remembered(this.#toReport(input, escalation));
      default:
        return this.#remembered(this.#toDeed({ ...input, by: this.#personOf(input.by, id) }, id));
    }
  }

  #itemAbout(escalation: EscalationId, name: string): { id: string; atMs: number; escalation: EscalationId } {
    return { id: `${name}:${this.#count++}`, atMs: this.store.nowMs, escalation };
  }

  #personOf(by: Who, id: EscalationId): PersonId {
    if (by !== 'owner') return by;
    const { standing } = this.find(id) ?? {};
    return standing?.state === 'ACKED' ? standing.owner.person : ALEX;
  }

  #remembered(doing: Doing<EngineProcess>): Doing<EngineProcess> {
    this.#given.push(doing);
    return doing;
  }

  #toReport(input: Extract<Input, { kind: 'report' }>, escalation: number): Doing<EngineProcess> {
    const { key, subject } = SUBJECTS[escalation] ?? { key: 'it', subject: { kind: 'trouble' as const } };
    const report: Report = {
      id: escalationIdOf(key, subject),
      key,
      subject,
      severity: input.severity,
      title: 'It does not work',
      correlation: 'it',
      except: this.#fromOf(input, escalationIdOf(key, subject)),
    };
    const itemId = `report:${this.#count++}`;
    // By the configuration of the moment in which it is taken up.
    return {
      name: 'report',
      flow: (store, isTold) =>
        this.#told(input, store, isTold, (model) => model.report(itemId, report, this.policy)),
      work: (process) => process.report(itemId, report, this.policy),
    };
  }

  #fromOf({ from, byAccount }: Extract<Input, { kind: 'report' }>, id: EscalationId): PersonId[] {
    if (from === undefined) return [];
    const person = this.#personOf(from, id);
    return [byAccount ? accountOf(person) : person];
  }

  #toDeed(input: Deed, id: EscalationId): Doing<EngineProcess> {
    const onceKey = `escalation:${this.#count++}`;
    const audit = {
      event: 'authorization.allow',
      actor: input.by,
      subject: id,
      correlation: onceKey,
      detail: {},
    };
    const also: readonly Effect[] = [{ kind: 'audit', event: audit }];
    const decide = toDecide(input);
    return {
      name: input.kind,
      flow: (store, isTold) =>
        this.#told(input, store, isTold, (model) => model.apply(id, decide, onceKey, also)),
      work: (process) => process.apply(id, decide, onceKey, also),
      settled: (outcome) => {
        // What comes of a conversation is told to nobody.
        if (outcome.kind !== 'answered' || typeof outcome.result !== 'object') return;
        const result = outcome.result as DeedResult; // what a deed answers
        this.happenings.push({ kind: 'answered', input, result, current: this.find(id) });
      },
    };
  }

  #toSweep(id: EscalationId): Doing<EngineProcess> {
    const partition = ESCALATIONS.partitionOf(id);
    const input: Input = { kind: 'sweep' };
    let nowMs = this.store.nowMs;
    return {
      name: 'sweep',
      flow: (store, isTold) => {
        nowMs = store.nowMs;
        return this.#told(input, store, isTold, (model) => model.sweep(partition));
      },
      work: (process) => process.sweep(partition),
      settled: ({ kind }) => {
        // One that stood still meanwhile has looked at another time than this.
        if (kind !== 'answered' || this.store.nowMs !== nowMs) return;
        const list = KEYS.recordTimers(partition, 'esc');
        const isUndisturbed = this.store.placeIn(list, id) === dueIn(this.store, id);
        this.happenings.push({
          kind: 'swept',
          escalation: this.find(id),
          nowMs,
          isUndisturbed,
        });
      },
    };
  }

  /** One look at one escalation, whether it is due or not. */
  #toTick(id: EscalationId): Doing<EngineProcess> {
    const decide: Decide = (it, nowMs) => it && tick(it, this.setting.surroundings(nowMs));
    return {
      name: 'tick',
      flow: (store, isTold) =>
        this.#told({ kind: 'tick' }, store, isTold, (model) => model.apply(id, decide)),
      work: (process) => process.apply(id, decide),
    };
  }

  #toTell(person: PersonId): Doing<EngineProcess> {
    const partition = partitionOf(person);
    let nowMs = this.store.nowMs;
    return {
      name: 'tell',
      flow: (store) => {
        nowMs = store.nowMs;
        return new EscalationModel(store, this.setting).tell(partition);
      },
      work: (process) => process.tell(partition),
      settled: ({ kind }) => {
        const nextMs = this.store.find(PAGERS, person)?.nextMs;
        const isUndisturbed = this.store.placeIn(KEYS.recordTimers(partition, 'pgr'), person) === nextMs;
        const isNow = this.store.nowMs === nowMs;
        if (kind === 'answered' && isUndisturbed && isNow)
          this.happenings.push({ kind: 'told', person, nextMs, nowMs });
      },
    };
  }

  #toHandle(item: EscalationItem): Doing<EngineProcess> {
    return {
      name: item.kind,
      flow: (store, isTold) => this.#told(undefined, store, isTold, (model) => model.handle(item)),
      work: (process) => process.handle(item),
      // What ends with its process is taken up again.
      settled: (outcome) => {
        if (outcome.kind === 'answered' && outcome.result === 'done') this.#done.add(item.id);
      },
    };
  }

  *#told(
    input: Input | undefined,
    store: StoreModel,
    isTold: boolean,
    flow: (model: EscalationModel) => Flow<unknown>,
  ): Flow<unknown> {
    const written = (change: EscalationChange): void => {
      if (isTold) this.happenings.push({ kind: 'written', input, ...change });
    };
    return yield* flow(new EscalationModel(store, this.setting, written));
  }

  #asked(isDone: boolean): EscalationItem[] {
    return askedIn(this.store, this.#done, isDone);
  }

  #outgoing(isDone: boolean): PageItem[] {
    return outgoingIn(this.store, this.#done, isDone);
  }

  async #send(input: Extract<Input, { kind: 'send' }>): Promise<void> {
    const items = this.#outgoing(input.isDone);
    const item = items[input.back % Math.max(items.length, 1)];
    if (item) await this.#sendOne(item, input.arrives);
  }

  async #sendOne(item: PageItem, arrives: boolean): Promise<void> {
    const pages = new EscalationModel(this.store, this.setting).deliver(item, arrives);
    this.#done.add(sentKey(item));
    for (const page of pages) {
      this.happenings.push({ kind: 'sent', person: item.person, page, current: this.find(page.escalation) });
    }
    const texts = pages.length === 0 ? [] : [pages.map(({ markdown }) => markdown).join('\n\n---\n\n')];
    await this.sides.same(
      'what goes out',
      texts,
      async () => (await this.auditor?.().deliver(item, arrives)) ?? [],
    );
  }
}

type Deed = Extract<Input, { by: Who }> & { readonly by: PersonId };
type PageItem = Extract<OutboxItem, { kind: 'page' }>;

/** Calls of programs, and what a conversation waits for, are not done here. */
const DOABLE: ReadonlySet<string> = new Set([
  'close',
  'hold',
  'go-on',
  'unreached',
  'unposted',
  'page',
  'post',
]);
/** Of work in one go. */
const MOST_ROUNDS = 200;

function askedIn(store: StoreModel, done: ReadonlySet<string>, isDone: boolean): EscalationItem[] {
  return itemsIn(store).asked.filter(({ id, kind }) => done.has(id) === isDone && DOABLE.has(kind));
}

function outgoingIn(store: StoreModel, done: ReadonlySet<string>, isDone: boolean): PageItem[] {
  return itemsIn(store).outgoing.flatMap((item) =>
    item.kind === 'page' && done.has(sentKey(item)) === isDone ? [item] : [],
  );
}

function sentKey({ id }: PageItem): string {
  return `sent:${id}`;
}

function toDecide(input: Deed): Decide {
  const by = { person: input.by, name: input.by };
  const deed = { by, permitted: !('permitted' in input) || input.permitted };
  return (it, nowMs) => {
    if (!it) return undefined;
    switch (input.kind) {
      case 'acknowledge':
        return acknowledge(it, deed, nowMs, { instead: input.instead });
      case 'let-go':
        return letGo(it, deed, nowMs);
      case 'resolve':
        return resolve(it, deed);
      case 'cancel':
        return cancel(it, deed);
      case 'snooze':
        return snooze(it, deed, nowMs + input.forMs, { instead: input.instead });
      case 'push':
        return push(it, deed, nowMs, input.step);
      case 'follow':
        return followTakeover(
          it,
          { by, became: input.became, ids: idsOf(by.person), operates: input.operates },
          nowMs,
        );
      default:
        return input satisfies never;
    }
  };
}

function dueIn(store: StoreModel, id: EscalationId): number | undefined {
  const found = store.find(ESCALATIONS, id);
  if (!found || ESCALATIONS.isOver(found)) return undefined;
  return dueOf(found) ?? Number.POSITIVE_INFINITY;
}

function placesIn(store: StoreModel): Place[] {
  return [
    ...IDS.map((id) => placeOf(store, ESCALATIONS, id)),
    ...PEOPLE.map((id) => placeOf(store, PAGERS, id)),
  ];
}

function placeOf<Stored extends { readonly rev: number }>(
  store: StoreModel,
  family: ModelFamily<Stored>,
  id: string,
): Place {
  const stored = store.find(family, id);
  return {
    id,
    isThere: stored !== undefined,
    isOver: stored === undefined || family.isOver(stored),
    dueMs: stored && family.dueOf(stored),
    atMs: store.placeIn(KEYS.recordTimers(family.partitionOf(id), family.family), id),
  };
}

function byId(found: readonly { id: string; kind: string }[]): object[] {
  return found.map(({ id, kind }) => ({ id, kind })).toSorted((a, b) => (a.id < b.id ? -1 : 1));
}
