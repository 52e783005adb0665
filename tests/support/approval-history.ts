import { addCopy, noteCopy } from '../../src/domain/approval/copies.ts';
import { delegate } from '../../src/domain/approval/delegation.ts';
import { delegatorsOf } from '../../src/domain/approval/delegation-chain.ts';
import {
  type ClaimResult,
  claim,
  complete,
  loseTrack,
  type Permit,
  renew,
} from '../../src/domain/approval/execution.ts';
import { holdYes } from '../../src/domain/approval/holding.ts';
import { reconcile } from '../../src/domain/approval/reconciliation.ts';
import { type Approval, type CardCopy, isEnded } from '../../src/domain/approval/record.ts';
import { callOff, type Newer, supersede } from '../../src/domain/approval/replacement.ts';
import { ask, reply } from '../../src/domain/approval/talk.ts';
import { dueOf, tick } from '../../src/domain/approval/time.ts';
import type { PeopleNow } from '../../src/domain/approval/validity.ts';
import { type Vote, vote } from '../../src/domain/approval/voting.ts';
import { cancel, revoke } from '../../src/domain/approval/withdrawal.ts';
import { AccountId, ApprovalId, PersonId, Platform } from '../../src/domain/ids.ts';
import type { RoleName } from '../../src/domain/person.ts';
import type { Voter } from '../../src/domain/quorum.ts';
import {
  ApprovalModel,
  type Decide,
  type Fate,
  type Intent,
  isSame,
  type Outcome,
  type PartitionView,
  type Written,
} from './approval-model.ts';
import {
  AMOUNT_TOO_LATE,
  BEGIN_MS,
  type Command,
  type Delivery,
  HARD_MS,
  type HistoryPlan,
  type Input,
  LONG_MS,
  MANAGER,
  MOST_AMOUNT,
  PAUSE_MS,
  ROLES,
  sensibleIn,
  VISIBLE_MS,
  type Wish,
} from './approval-plan.ts';
import { accountOf, anAddress, anApproval, aVote, DEADLINE_MS, EMAIL, ownerOf, SLACK } from './approvals.ts';

// ── What came of it ──────────────────────────────────────────────────────────────────────────────────────────────

/** In the order in which it happened. */
export type Happening =
  | ({ readonly kind: 'written' } & Cause & Written)
  /** Somebody was told. */
  | {
      readonly kind: 'answered';
      readonly input: Input;
      readonly key: string;
      readonly result: unknown;
      readonly before: Approval;
      readonly nowMs: number;
    }
  /** An effect began in the world. */
  | { readonly kind: 'began'; readonly permit: Permit; readonly approval: Approval; readonly nowMs: number }
  | { readonly kind: 'granted'; readonly permit: Permit; readonly digest: string }
  | { readonly kind: 'passed'; readonly nowMs: number }
  | { readonly kind: 'lost' };

/** The store on a real Redis, as a history needs it. */
export interface World {
  open(approvals: readonly Approval[]): Promise<void>;
  openAgain(approval: Approval): Promise<void>;
  apply(
    process: number,
    id: Approval['id'],
    decide: Decide,
    fate: Fate,
  ): Promise<{ outcome: Outcome; held?: Held }>;
  /** What fell due, ticked one after the other; the fate is that of the first. */
  sweep(
    process: number,
    tick: Decide,
    fate: Fate,
  ): Promise<{ due: Due; ticks: { outcome: Outcome; held?: Held }[] }>;
  pass(nowMs: number): Promise<void>;
  loseTimer(approval: Approval): Promise<void>;
  hear(approval: Approval): Promise<void>;
  rearm(approval: Approval, dueMs: number | undefined): Promise<boolean>;
  view(ids: readonly Approval['id'][]): Promise<PartitionView>;
  mark(): Promise<void>;
  lose(): Promise<void>;
}

export interface Due {
  readonly ids: readonly string[];
  readonly nextMs: number | undefined;
}

/** A process that stands still over a write. */
export interface Held {
  release(fate: 'done' | 'reply-lost'): Promise<Outcome>;
}

/** What is put to the machine, by whom. */
interface Cause {
  readonly input: Input | { readonly kind: 'sweep' };
  readonly key: string;
  /** The card that was answered. */
  readonly seen?: Card;
  /** Of the permit that it is about. */
  readonly epoch?: number;
  /** Of a look at what is due: whether its conversation had not come to it yet. */
  readonly unheard?: boolean;
  /** Of a vote: everybody who might approve anything when it was judged. */
  readonly able?: readonly string[];
}

interface HeldOn extends Cause {
  readonly intent: Intent;
  readonly world: Held | undefined;
}

/** What somebody who looks at it answers. */
type Card = Pick<Approval, 'gen' | 'digest' | 'face'>;

interface Given extends Cause {
  readonly input: Input;
  readonly approval: number;
  readonly decide: Decide;
}

/** Says what differs between the model and the world; nothing, when there is no world. */
export type Compare = (what: string, expected: unknown, actual: unknown) => void;

/** One play of a plan. */
export class History {
  readonly happenings: Happening[] = [];
  readonly model: ApprovalModel;
  readonly opened: readonly Approval[];
  isLossy = false;

  readonly #roles: Record<string, readonly RoleName[]> = { ...ROLES };
  readonly #given: Given[] = [];
  readonly #permits: { permit: Permit; owner: string; approval: number }[] = [];
  readonly #cards: Card[][];
  readonly #held: HeldOn[] = [];
  /** By the key of a vote. */
  readonly #able = new Map<string, readonly string[]>();
  #marked: ApprovalModel | undefined;
  #count = 0;
  /** What is being put to the machine now, for those who hear of what is written. */
  #current: Cause = {
    input: { kind: 'sweep' },
    key: '',
  };

  constructor(
    private readonly plan: HistoryPlan,
    conversation: string,
    private readonly world?: World,
    private readonly compare: Compare = () => undefined,
  ) {
    this.opened = plan.wishes.map((each, n) => toApproval(each, conversation, n));
    this.#cards = this.opened.map((each) => [toCard(each)]);
    this.model = new ApprovalModel(BEGIN_MS, copiesFor, (change) => this.#note(change));
  }

  async play(afterEach: () => Promise<void> | void = () => undefined): Promise<this> {
    for (const approval of this.opened) this.model.open(approval);
    await this.world?.open(this.opened);
    for (const command of this.plan.commands) {
      await this.#do(command);
      if (this.world) await afterEach();
    }
    for (const held of this.#held.splice(0)) await this.#release(held, 'done');
    return this;
  }

  /** Time passes, nobody does anything any more, and what is due is seen to. False when that leads nowhere. */
  drain(): boolean {
    const model = this.model.clone({ isFollowed: false });
    const isOver = ({ id }: Approval): boolean => {
      const { state } = model.find(id)!;
      return isEnded(state) || state === 'UNKNOWN';
    };
    for (let n = 0; n < MOST_DUE && !this.opened.every(isOver); n++) {
      const { ids, nextMs } = model.due(BATCH);
      for (const id of ids) model.apply(id, tick, 'done');
      if (ids.length === 0) model.nowMs = nextMs ?? model.nowMs;
    }
    return this.opened.every(isOver);
  }

  #all(): Approval[] {
    return this.opened.flatMap(({ id }) => this.model.find(id) ?? []);
  }

  async #do(command: Command): Promise<void> {
    switch (command.kind) {
      case 'deliver':
        return this.#deliver(command);
      case 'together':
        return this.#deliverTogether(command.deliveries);
      case 'while-held':
        return this.#whileHeld(command);
      case 'release': {
        const [held] = this.#held.splice(command.which, 1);
        return held && this.#release(held, command.fate);
      }
      case 'sweep':
        return this.#sweep(command.process, command.fate);
      case 'pass':
        return this.#pass(this.model.nowMs + command.ms);
      case 'pass-to-due': {
        const next = this.#all().flatMap((each) => dueOf(each) ?? []);
        const dueMs = Math.min(...next, this.model.nowMs + HARD_MS) + command.offMs;
        await this.#pass(Math.max(this.model.nowMs, dueMs));
        if (command.isSwept) await this.#sweep(0, 'done');
        return;
      }
      case 'begin':
        return this.#begin(command.back, command.behindMs);
      case 'promote':
        this.#roles[command.who] = this.#roles[command.who]?.length ? [] : [MANAGER];
        return;
      case 'open-again': {
        const opened = this.#opened(command.approval);
        this.model.openAgain(opened);
        return this.world?.openAgain(opened);
      }
      case 'timer-lost':
        return this.#loseTimer(this.#opened(command.approval));
      case 'hear': {
        const approval = this.model.find(this.#opened(command.approval).id)!;
        this.model.hear(approval.id);
        return this.world?.hear(approval);
      }
      case 'mark':
        this.#marked = this.model.clone();
        return this.world?.mark();
      case 'lose':
        return this.#lose();
      default:
        return command satisfies never;
    }
  }

  // ── Deliveries ───────────────────────────────────────────────────────────────────────────────────────────────

  async #deliver({ input, approval, process, fate }: Delivery): Promise<void> {
    const given = this.#toGiven(input, approval);
    if (!given) return;
    const { id } = this.#opened(given.approval);
    this.#current = given;
    const before = this.model.find(id)!;
    const { outcome, intent } = this.model.apply(id, given.decide, fate);
    const real = await this.world?.apply(process, id, given.decide, fate);
    if (real) this.compare(given.input.kind, outcome, real.outcome);
    this.#settle(given, before, outcome);
    if (intent) this.#held.push({ intent, ...given, world: real?.held });
  }

  /** At once, where that can be; whatever comes of it has to be what some order of them would have led to. */
  async #deliverTogether(deliveries: readonly Delivery[]): Promise<void> {
    const given = deliveries.flatMap(({ input, approval, process }) => {
      const each = this.#toGiven(input, approval);
      return each ? [{ ...each, process }] : [];
    });
    const { world } = this;
    const real =
      world &&
      (await Promise.all(
        given.map(({ process, approval, decide }) =>
          world.apply(process, this.#opened(approval).id, decide, 'done'),
        ),
      ));
    const seen = await world?.view(this.opened.map(({ id }) => id));
    const order = real
      ? this.#orderOf(
          given,
          real.map(({ outcome }) => outcome),
          seen,
        )
      : given.keys();
    if (!order) {
      this.compare('what several did at once', 'the results of some order', real);
      return;
    }
    for (const n of order) {
      const each = given[n]!;
      const { id } = this.#opened(each.approval);
      this.#current = each;
      const before = this.model.find(id)!;
      this.#settle(each, before, this.model.apply(id, each.decide, 'done').outcome);
    }
  }

  /** In which order they must have come for these results, and for what is there now; undefined when there is none. */
  #orderOf(given: readonly Given[], outcomes: readonly Outcome[], seen: unknown): number[] | undefined {
    return permutations([...given.keys()]).find((order) => {
      const trial = this.model.clone();
      const isSo = order.every((n) => {
        const { approval, decide } = given[n]!;
        const { outcome } = trial.apply(this.#opened(approval).id, decide, 'done');
        return isSame(outcome, outcomes[n]);
      });
      return isSo && isSame(trial.view(), seen);
    });
  }

  #settle({ input, key }: Given, before: Approval, outcome: Outcome): void {
    if (outcome.kind !== 'answered') return;
    const { nowMs } = this.model;
    const { result } = outcome;
    this.happenings.push({ kind: 'answered', input, key, result, before, nowMs });
    if (input.kind !== 'claim') {
      if (input.kind === 'renew' && result === 'RENEWED') this.#extend(key);
      return;
    }
    const claimed = result as ClaimResult; // what `claim` answers
    if (claimed.code !== 'GRANTED') return;
    const { permit } = claimed;
    const approval = this.opened.findIndex(({ id }) => id === permit.approvalId);
    this.#permits.push({ permit, owner: key, approval });
    this.happenings.push({ kind: 'granted', permit, digest: claimed.approval.digest });
  }

  /** The executor is told how long it may go on: not from when it is told, which may be much later than it was decided. */
  #extend(key: string): void {
    const at = Number(key.split(':').at(-1));
    const held = this.#permits[at];
    const { execution } = (held && this.model.find(held.permit.approvalId)) ?? {};
    if (held && execution) held.permit = { ...held.permit, leaseUntilMs: execution.leaseUntilMs };
  }

  #begin(back: number, behindMs: number): void {
    const { permit } = this.#permits.at(-1 - back) ?? {};
    const approval = permit && this.model.find(permit.approvalId);
    // Its clock may be behind by less than the margin that everybody keeps.
    if (!approval || this.model.nowMs - behindMs >= permit.leaseUntilMs) return;
    this.happenings.push({ kind: 'began', permit, approval, nowMs: this.model.nowMs });
  }

  async #whileHeld({ delivery, meanwhile, fate }: Extract<Command, { kind: 'while-held' }>): Promise<void> {
    const before = this.#held.length;
    await this.#deliver({ ...delivery, fate: 'held' });
    const held = this.#held[before];
    for (const each of meanwhile) await this.#do(each);
    const at = held ? this.#held.indexOf(held) : -1;
    if (!held || at === -1) return; // nothing was to be written, or it was released meanwhile
    this.#held.splice(at, 1);
    await this.#release(held, fate);
  }

  async #release(held: HeldOn, fate: 'done' | 'reply-lost'): Promise<void> {
    this.#current = held;
    const { intent, input, key, world } = held;
    const before = this.model.find(intent.id)!;
    const outcome = this.model.release(intent, fate);
    if (world) this.compare(`what was held of ${input.kind}`, outcome, await world.release(fate));
    if (input.kind !== 'sweep')
      this.#settle({ input, key, approval: 0, decide: intent.decide }, before, outcome);
  }

  // ── Time and misfortune ──────────────────────────────────────────────────────────────────────────────────────

  async #sweep(process: number, fate: Fate): Promise<void> {
    const due = this.model.due(BATCH);
    const real = await this.world?.sweep(process, tick, fate);
    if (real) this.compare('what is due', { ids: due.ids, nextMs: due.nextMs }, real.due);
    const key = `sweep:${this.#count++}`;
    for (const [n, id] of due.ids.entries()) {
      const unheard = this.model.isUnheard(id);
      this.#current = { input: { kind: 'sweep' }, key, unheard };
      const decide: Decide = (approval, nowMs, world) => tick(approval, nowMs, { ...world, unheard });
      const { outcome, intent } = this.model.apply(id, decide, n === 0 ? fate : 'done');
      if (real) this.compare(`the tick of ${id}`, outcome, real.ticks[n]?.outcome);
      if (intent) this.#held.push({ intent, ...this.#current, world: real?.ticks[n]?.held });
    }
  }

  async #pass(nowMs: number): Promise<void> {
    this.model.nowMs = nowMs;
    this.happenings.push({ kind: 'passed', nowMs });
    await this.world?.pass(nowMs);
  }

  /** Nothing of ours loses a timer; should one be gone, whoever looks after them puts it back. */
  async #loseTimer({ id }: Approval): Promise<void> {
    const approval = this.model.find(id)!;
    const stale = { id, rev: approval.rev - 1 };
    this.model.loseTimer(id);
    await this.world?.loseTimer(approval);
    for (const seen of [stale, approval]) {
      const done = this.model.rearm(seen, dueOf(approval));
      if (this.world)
        this.compare(
          'the timer put back',
          done,
          await this.world.rearm({ ...approval, ...seen }, dueOf(approval)),
        );
    }
  }

  async #lose(): Promise<void> {
    if (!this.#marked) return;
    this.isLossy = true;
    this.model.restore(this.#marked);
    this.happenings.push({ kind: 'lost' });
    await this.world?.lose();
  }

  // ── What is delivered ────────────────────────────────────────────────────────────────────────────────────────

  #opened(n: number): Approval {
    return this.opened[n % this.opened.length]!;
  }

  #toGiven(wanted: Input, approval: number): Given | undefined {
    const n = approval % this.opened.length;
    const input = wanted.kind === 'sensible' ? this.#leadingOn(n, wanted.pick) : wanted;
    if (input.kind === 'again') return this.#given.at(-1 - input.back);
    const key = `${input.kind}:${this.#count++}`;
    const seen = this.#card(n, 'back' in input ? input.back : 0);
    const given: Given = { input, key, approval: n, seen, decide: this.#toDecide(input, n, seen, key) };
    const named = this.#isAboutPermit(input) ? { ...given, ...this.#ofPermit(input) } : given;
    this.#given.push(named);
    return named;
  }

  #leadingOn(n: number, pick: number): Exclude<Input, { kind: 'sensible' }> {
    const { state } = this.model.find(this.#opened(n).id)!;
    const inputs = sensibleIn(state);
    return inputs[pick % inputs.length]!;
  }

  #isAboutPermit(input: Input): input is Extract<Input, { kind: 'renew' | 'complete' | 'lose-track' }> {
    return input.kind === 'renew' || input.kind === 'complete' || input.kind === 'lose-track';
  }

  /** About the call that one of the permits is for, whichever approval that belongs to. */
  #ofPermit(input: Extract<Input, { kind: 'renew' | 'complete' | 'lose-track' }>): Partial<Given> {
    const at = this.#permits.length - 1 - input.back;
    const held = this.#permits[at];
    if (!held) return {};
    const { epoch } = held.permit;
    const key = `${input.kind}:${this.#count++}:${at}`;
    const about = { key, epoch, approval: held.approval };
    switch (input.kind) {
      case 'renew':
        return { ...about, decide: (current, nowMs) => renew(current, epoch, nowMs) };
      case 'lose-track':
        return { ...about, decide: (current) => loseTrack(current, epoch, 'the line broke') };
      case 'complete': {
        const outcome = { status: input.status, text: key };
        return { ...about, decide: (current, nowMs) => complete(current, epoch, outcome, nowMs) };
      }
      default:
        return input satisfies never;
    }
  }

  #toDecide(
    input: Exclude<Input, { kind: 'again' | 'sensible' }>,
    n: number,
    seen: Card,
    key: string,
  ): Decide {
    switch (input.kind) {
      case 'vote':
        return this.#toVote(input, seen, key);
      case 'ask': {
        const { choice: _, ...question } = aVote(this.opened[n]!, {
          ...seen,
          ...this.#speaker(input.who),
          key,
          text: 'why?',
        });
        return (current, nowMs, world) =>
          ask(current, { ...question, ...this.#standing(current, input.who) }, nowMs, world);
      }
      case 'reply': {
        const said = {
          key,
          by: { person: idOf(input.who), name: input.who },
          via: SLACK,
          text: 'so',
          operates: false,
        };
        return (current, nowMs) => reply(current, said, nowMs);
      }
      case 'delegate':
        return (current, nowMs) =>
          delegate(
            current,
            {
              from: this.#voter(current, input.from),
              to: { person: idOf(input.to) },
              by: {
                person: idOf(input.from),
                accounts: [AccountId.parse(`slack:T0/U0${input.from.toUpperCase()}`)],
              },
              operates: false,
              copies: [],
            },
            nowMs,
          );
      case 'cancel':
        return (current, nowMs) => cancel(current, settler(input), 'no longer needed', nowMs);
      case 'revoke':
        return (current, nowMs) => revoke(current, settler(input), 'changed my mind', nowMs);
      case 'claim': {
        const owner = input.again ? (this.#permits.at(-1)?.owner ?? key) : key;
        const digest = input.right ? undefined : 'of something else';
        const drift = input.drifted ? 'the order is another one now' : undefined;
        return (current, nowMs, { outages }) =>
          claim(current, owner, digest ?? current.digest, nowMs, drift, { outages, unheard: input.inLine });
      }
      case 'reconcile':
        return (current, nowMs) =>
          reconcile(
            current,
            { ...settler(input), account: accountOf(input.who), roles: [...(this.#roles[input.who] ?? [])] },
            input.finding,
            nowMs,
          );
      case 'call-off':
        return (current, nowMs) => callOff(current, settler({ ...input, operates: false }), nowMs);
      case 'supersede': {
        const newer = toNewer(this.opened[n]!, input.isOther);
        return (current, nowMs) => supersede(current, newer, nowMs);
      }
      case 'card':
        return (current, nowMs) => noteCopy(current, input.copy, { ref: `${key}`, shown: seen.face }, nowMs);
      case 'hold':
        return (current, nowMs) => holdYes(current, nowMs);
      case 'reroute':
        return (current) =>
          addCopy(current, { id: 'mona-mail', to: anAddress('email'), person: idOf('mona') });
      case 'tick':
        return tick;
      // Without a permit there is nothing to say about one.
      case 'renew':
      case 'lose-track':
        return (current) => loseTrack(current, 99, 'of nobody');
      case 'complete':
        return (current, nowMs) => complete(current, 99, { status: input.status, text: 'of nobody' }, nowMs);
      default:
        return input satisfies never;
    }
  }

  #toVote(
    input: Extract<Input, { kind: 'vote' }>,
    seen: { gen: number; digest: string },
    key: string,
  ): Decide {
    const cast = aVote(this.opened[0]!, {
      ...this.#speaker(input.who),
      gen: seen.gen,
      digest: seen.digest,
      key,
      choice: input.choice,
      ...(input.operator === undefined ? {} : { operator: { person: idOf(input.operator) } }),
      via: input.via === 'slack' ? SLACK : EMAIL,
      text: 'because',
      ...(input.choice === 'edit' ? { edit: editOf(input.amount, key) } : {}),
    });
    return (current, nowMs, world) => {
      const digest = { seen: seen.digest, number: current.digest, 'something-else': 'of something else' }[
        input.about
      ];
      const others = NAMES.map((name) => this.#voter(current, name));
      const said = { ...cast, digest, ...this.#standing(current, input.who), others };
      this.#able.set(
        key,
        NAMES.filter((name) => this.#rolesOf(name).length > 0),
      );
      return vote(current, said, nowMs, { ...world, people: this.#people() });
    };
  }

  /** Max has an account that was Alex's; whoever has no role is there, and may not approve. */
  #people(): PeopleNow {
    return {
      find: (person) => {
        const roles = this.#rolesOf(person);
        const accounts = person === 'max' ? [AccountId.parse('slack:T0/U0MAX')] : [];
        return { accounts, roles, permitted: roles.length > 0 };
      },
      ownerOf,
      isProgramOf: () => false,
    };
  }

  #rolesOf(name: string): readonly RoleName[] {
    return this.#roles[name] ?? [];
  }

  /** What stood on the card so many changes ago. */
  #card(n: number, back: number): Card {
    const cards = this.#cards[n]!;
    return cards.at(-1 - back) ?? cards[0]!;
  }

  #speaker(name: string): Pick<Vote, 'roles'> & { person: string } {
    return { person: name, roles: [...(this.#roles[name] ?? [])] };
  }

  /** Roles and stand-ins as they are when it counts, not when it was said. */
  #standing(
    current: Approval,
    name: string,
  ): Pick<Vote, 'roles' | 'mute' | 'permitted'> & { standsFor: Voter[] } {
    const { roles, mute, standsFor } = this.#voter(current, name);
    return { roles, mute, standsFor: [...standsFor], permitted: roles.length > 0 || standsFor.length > 0 };
  }

  #voter(current: Approval, name: string): Voter & { standsFor: readonly Voter[] } {
    const roles = [...(this.#roles[name] ?? [])];
    const givers = roles.length > 0 ? delegatorsOf(current, idOf(name)) : [];
    const standsFor = givers.map((person) => ({ person, roles: [...(this.#roles[person] ?? [])] }));
    return { person: idOf(name), roles, standsFor, ...(roles.length === 0 ? { mute: true } : {}) };
  }

  #note(change: Written): void {
    const n = this.opened.findIndex(({ id }) => id === change.after.id);
    const { input, key, seen, epoch, unheard } = this.#current;
    const cause = {
      input,
      key,
      ...(seen ? { seen } : {}),
      ...(epoch === undefined ? {} : { epoch }),
      ...(unheard === undefined ? {} : { unheard }),
    };
    const able = this.#able.get(key);
    this.happenings.push({ kind: 'written', ...cause, ...(able ? { able } : {}), ...change });
    this.#cards[n]?.push(toCard(change.after));
  }
}

const NAMES = Object.keys(ROLES);

const BATCH = 200;
/** Everything that can fall due of two approvals, one that nobody ever gets to see put off again and again included. */
const MOST_DUE = 4 * (HARD_MS / VISIBLE_MS) + 50;

function toApproval(wish: Wish, conversation: string, n: number): Approval {
  const { count, enough, fair, pause, slackOnly, plain, risk, effect, verdict, ladder, copies } = wish;
  const reversible = risk === 'low';
  return anApproval({
    conversation,
    tail: `00000000000${n}`,
    openedMs: BEGIN_MS,
    deadlineMs: BEGIN_MS + (wish.isLong ? LONG_MS : DEADLINE_MS),
    request: {
      risk,
      reversible,
      effect,
      lineage: [idOf('lee')],
      accounts: [AccountId.parse('slack:T0/U0MAX')],
    },
    policy: {
      approvers: { role: MANAGER, count },
      choices: plain ? ['approve', 'deny'] : ['approve', 'deny', 'answer', 'edit', 'ask', 'take-back'],
      ...(enough ? { denyRule: 'enough' as const } : {}),
      ...(fair ? { minVisibleMs: VISIBLE_MS } : {}),
      ...(pause ? { pauseMs: PAUSE_MS } : {}),
      ...(slackOnly ? { approveFrom: [SLACK] } : {}),
      ...(ladder.length > 0 ? { ladder: [...ladder] } : {}),
      ...(wish.onNewMessage === undefined || wish.onNewMessage === 'keep'
        ? {}
        : { onNewMessage: wish.onNewMessage }),
      hardDeadlineMs: HARD_MS,
    },
    copies: copies === 'conversation' ? COPIES.slice(0, 1) : COPIES,
    verdict:
      verdict === 'granted'
        ? {
            granted: {
              id: 'gr_0123456789',
              by: { person: idOf('dana'), name: 'Dana', account: AccountId.parse('slack:T0/U0DANA') },
            },
          }
        : verdict,
  });
}

const COPIES: CardCopy[] = [
  { id: 'conversation', to: anAddress('slack') },
  { id: 'dana', to: anAddress('email'), person: idOf('dana'), outcomeOnly: true },
  { id: 'max', to: { platform: SLACK, route: { user: 'U0MAX' } }, person: idOf('max') },
];

/** Rita is asked when it comes to directors. */
export function copiesFor(): CardCopy[] {
  return [{ id: 'rita', to: anAddress('email'), person: idOf('rita') }];
}

function editOf(amount: number, key: string): NonNullable<Vote['edit']> {
  if (amount === AMOUNT_TOO_LATE) {
    return { why: 'things have changed', preview: { changes: [], basis: `as ${key} found it` } };
  }
  return amount > MOST_AMOUNT
    ? 'that is more than anybody may spend'
    : { args: { order: 7, amount, currency: 'EUR' } };
}

/** Asked for by the same person, or for another tool. */
function toNewer({ id, conversationId, origin, request }: Approval, isOther: boolean): Newer {
  return {
    id: ApprovalId.parse(`${id.slice(0, -1)}n`),
    conversationId,
    origin,
    request: isOther ? { ...request, tool: 'something-else' } : request,
  };
}

function settler({ who, operates }: { who: string; operates: boolean }) {
  return { person: idOf(who), name: who, via: Platform.parse('cli'), operates };
}

function toCard({ gen, digest, face }: Approval): Card {
  return { gen, digest, face };
}

function idOf(name: string): PersonId {
  return PersonId.parse(name);
}

function permutations(list: readonly number[]): number[][] {
  if (list.length < 2) return [[...list]];
  return list.flatMap((first) =>
    permutations(list.filter((each) => each !== first)).map((rest) => [first, ...rest]),
  );
}
