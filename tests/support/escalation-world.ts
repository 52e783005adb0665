/** Random plans, a random small world they are carried out in, and random courses of what people and time do. */
import * as fc from 'fast-check';
import {
  acknowledge,
  cancel,
  close,
  type DeedResult,
  letGo,
  push,
  resolve,
  snooze,
} from '../../src/domain/escalation/answers.ts';
import { type Report, raise, tick, unposted, unreached } from '../../src/domain/escalation/course.ts';
import type { Quiet } from '../../src/domain/escalation/pager.ts';
import {
  EscalationPlan,
  type OnEmpty,
  type PlanStep,
  Severity,
  type Target,
} from '../../src/domain/escalation/plan.ts';
import {
  dueOf,
  type Escalation,
  type EscalationMove,
  type EscalationState,
  type EscalationStep,
  type Link,
} from '../../src/domain/escalation/record.ts';
import type { Surroundings } from '../../src/domain/escalation/surroundings.ts';
import { AccountId, EscalationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { guestIdOf, Importance } from '../../src/domain/person.ts';

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;
/** When everything begins: the midnight that hours and shifts are counted from. */
export const START = Date.UTC(2026, 2, 2);

export const PEOPLE = ['alex', 'dana', 'kim', 'lee'].map((name) => PersonId.parse(name));
/** Everything somebody goes by: themselves, and the account they wrote from before it was known whose it is. */
export const idsOf = (person: PersonId): PersonId[] => [person, accountOf(person)];
export const accountOf = (person: PersonId): PersonId =>
  guestIdOf(AccountId.parse(`slack:T0/${person.toUpperCase()}`));
const PLATFORMS = ['slack', 'email', 'discord'].map((name) => Platform.parse(name));
const HOURS = ['office', 'night'];
const SCHEDULES = ['support', 'boss'];
const ROLES = ['manager', 'nobody'];

// ── The world ────────────────────────────────────────────────────────────────────────────────────────────────

/** Every day the same. */
export interface World {
  /** Open from so many ms after midnight until so many. */
  readonly hours: Readonly<Record<string, readonly [from: number, until: number]>>;
  /** Who takes turns, and how long a turn is; undefined is a turn of nobody. */
  readonly schedules: Readonly<Record<string, { turnMs: number; people: readonly (PersonId | undefined)[] }>>;
  readonly roles: Readonly<Record<string, readonly PersonId[]>>;
  /** How each is reached; nobody has more ways for what matters less. */
  readonly links: Readonly<Record<string, readonly Link[]>>;
  readonly posts: readonly string[];
  /** Who must not be disturbed at night, but for what is urgent; absent: nobody. */
  readonly sleepers?: readonly PersonId[];
}

/** From midnight on. */
export const NIGHT_MS = 6 * HOUR;

export function quietIn({ sleepers = [] }: Pick<World, 'sleepers'>, person: PersonId): Quiet {
  return (importance, atMs) => {
    const sinceMidnight = (atMs - START) % DAY;
    const isQuiet = sleepers.includes(person) && importance !== 'urgent' && sinceMidnight < NIGHT_MS;
    return isQuiet ? atMs - sinceMidnight + NIGHT_MS : atMs;
  };
}

export function surroundings(world: World, nowMs: number): Surroundings {
  const { hours, schedules, roles, links, posts } = world;
  const range = (name: string) => hours[name] ?? [0, DAY];
  const isOpen = (name: string, atMs: number) => {
    const [from, until] = range(name);
    const sinceMidnight = (atMs - START) % DAY;
    return from <= sinceMidnight && sinceMidnight < until;
  };
  const opensAt = (name: string, atMs: number) => {
    if (isOpen(name, atMs)) return atMs;
    const [from] = range(name);
    const midnight = atMs - ((atMs - START) % DAY);
    return midnight + from >= atMs ? midnight + from : midnight + DAY + from;
  };
  return {
    nowMs,
    idsOf,
    isOpen,
    opensAt,
    after: (name, fromMs, forMs) => {
      const [from, until] = range(name);
      let at = opensAt(name, fromMs);
      for (let left = forMs; ; ) {
        const closes = at - ((at - START) % DAY) + until;
        if (left < closes - at) return at + left;
        left -= closes - at;
        at = closes - until + DAY + from;
      }
    },
    peopleOf: (target, atMs) => {
      switch (target.kind) {
        case 'person':
          return [target.person];
        case 'role':
          return roles[target.role] ?? [];
        case 'on-call': {
          const schedule = schedules[target.schedule];
          if (!schedule) return [];
          const turn = Math.floor((atMs - START) / schedule.turnMs);
          const person = schedule.people[turn % schedule.people.length];
          return person === undefined ? [] : [person];
        }
        case 'channel':
        case 'last-owner':
          return [];
        default:
          return target satisfies never;
      }
    },
    changesAt: (target, atMs) => {
      const schedule = target.kind === 'on-call' ? schedules[target.schedule] : undefined;
      if (!schedule) return undefined;
      return START + (Math.floor((atMs - START) / schedule.turnMs) + 1) * schedule.turnMs;
    },
    linksOf: (person) => links[person] ?? [],
    tellableAt: (person, importance, atMs) => quietIn(world, person)(importance, atMs),
    canPost: (platform) => posts.includes(platform),
  };
}

const person = fc.constantFrom(...PEOPLE);

const openRange = fc
  .tuple(fc.integer({ min: 0, max: 23 }), fc.integer({ min: 1, max: 24 }))
  .map(([a, b]) => [Math.min(a, b - 1) * HOUR, b * HOUR] as const);

const schedule = fc.record({
  turnMs: fc.constantFrom(15 * MINUTE, 2 * HOUR, 12 * HOUR),
  people: fc
    .array(fc.option(person, { nil: undefined }), { minLength: 1, maxLength: 4 })
    .map((people) => [...people, PEOPLE[0]]),
});

/** @param fewest ways to each person, at least */
function links(fewest: number): fc.Arbitrary<Link[]> {
  return fc
    .tuple(fc.shuffledSubarray(PLATFORMS, { minLength: fewest }), fc.constantFrom(MINUTE, 5 * MINUTE))
    .map(([platforms, pause]) =>
      platforms.map((platform, index) => ({ platform, afterMs: index === 0 ? 0 : pause })),
    );
}

/** @param reachable whether everybody can be reached somehow */
export function worlds({ reachable = false } = {}): fc.Arbitrary<World> {
  const way = links(reachable ? 1 : 0);
  return fc.record({
    hours: fc.record({ office: openRange, night: openRange }),
    schedules: fc.record({ support: schedule, boss: schedule }),
    roles: fc.record({ manager: fc.subarray(PEOPLE), nobody: fc.constant([]) }),
    links: fc.record({ alex: way, dana: way, kim: way, lee: way }),
    posts: fc.subarray(['slack', 'discord']),
    sleepers: fc.subarray(PEOPLE),
  });
}

// ── Plans ────────────────────────────────────────────────────────────────────────────────────────────────────

const target: fc.Arbitrary<Target> = fc.oneof(
  person.map((each): Target => ({ kind: 'person', person: each })),
  fc.constantFrom(...ROLES).map((role): Target => ({ kind: 'role', role })),
  fc.constantFrom(...SCHEDULES).map((name): Target => ({ kind: 'on-call', schedule: name })),
  fc.constant<Target>({ kind: 'last-owner' }),
  fc.constantFrom(...PLATFORMS).map((platform): Target => ({ kind: 'channel', platform, channel: 'C1' })),
);
const targets = fc.array(target, { minLength: 1, maxLength: 3 });
const severity = fc.constantFrom(...Severity.options);
const hours = fc.constantFrom(...HOURS);

interface PlanWish {
  /** Whether a step may wait until somebody is there; where nobody ever is, it waits for ever. */
  readonly holds?: boolean;
  /** Whether all of it happens at any time of the day. */
  readonly roundTheClock?: boolean;
}

/** Valid ones: branches lead down, gotos anywhere, both to steps that are there. */
export function plans({ holds = true, roundTheClock = false }: PlanWish = {}): fc.Arbitrary<EscalationPlan> {
  const steps = fc
    .integer({ min: 1, max: 7 })
    .chain((count) =>
      fc.tuple(...Array.from({ length: count }, (_, index) => step(index, count, { holds, roundTheClock }))),
    );
  return fc
    .record(
      {
        name: fc.constant('duty'),
        steps,
        rounds: fc.integer({ min: 1, max: 3 }),
        lastResort: fc.record({ who: targets, importance: fc.constant<Importance>('urgent') }),
        nagMs: fc.constantFrom(30 * MINUTE, 4 * HOUR),
        holdMs: fc.constantFrom(MINUTE, 10 * MINUTE),
        settleMs: fc.constantFrom(0, 10 * SECOND),
        acknowledge: fc.record(
          {
            remindMs: fc.constantFrom(10 * MINUTE, HOUR),
            withinMs: fc.constantFrom(5 * MINUTE, 15 * MINUTE),
            goesOnAt: fc.constantFrom<('first' | 'same' | 'next')[]>('first', 'same', 'next'),
          },
          { requiredKeys: ['withinMs', 'goesOnAt'] },
        ),
        maxAgeMs: fc.constantFrom(2 * HOUR, 72 * HOUR),
        onWorse: fc.constantFrom<EscalationPlan['onWorse'][]>(
          { kind: 'keep' },
          { kind: 'restart' },
          { kind: 'step', step: 's0' },
        ),
        ...(roundTheClock ? {} : { onlyIn: hours }),
      },
      {
        requiredKeys: [
          'name',
          'steps',
          'rounds',
          'lastResort',
          'nagMs',
          'holdMs',
          'settleMs',
          'acknowledge',
          'maxAgeMs',
          'onWorse',
        ],
      },
    )
    .map((plan) => EscalationPlan.parse(plan));
}

function step(
  index: number,
  count: number,
  { holds, roundTheClock }: Required<PlanWish>,
): fc.Arbitrary<PlanStep> {
  const id = `s${index}`;
  const anywhere = fc.integer({ min: 0, max: count - 1 }).map((at) => `s${at}`);
  const below = fc.integer({ min: Math.min(index + 1, count - 1), max: count - 1 }).map((at) => `s${at}`);
  const onEmpty = fc.oneof(
    fc.constantFrom<OnEmpty[]>(
      { kind: 'skip' },
      { kind: 'go-on' },
      ...(holds ? [{ kind: 'hold' } as const] : []),
    ),
    targets.map((who): OnEmpty => ({ kind: 'instead', who })),
  );
  const notify = fc
    .record(
      { who: targets, importance: fc.constantFrom(...Importance.options), onEmpty },
      { requiredKeys: ['who', 'onEmpty'] },
    )
    .map((rest): PlanStep => ({ kind: 'notify', id, ...rest }));
  const length = fc.constantFrom(SECOND, MINUTE, 10 * MINUTE, 90 * MINUTE, 9 * HOUR);
  const wait = roundTheClock
    ? length.map((forMs): PlanStep => ({ kind: 'wait', id, forMs }))
    : fc
        .record({ forMs: length, hours }, { requiredKeys: ['forMs'] })
        .map((rest): PlanStep => ({ kind: 'wait', id, ...rest }));
  const always = fc.record(
    { severity, count: fc.integer({ min: 1, max: 3 }) },
    { requiredKeys: ['severity'] },
  );
  const timed = fc.record({ within: hours, outside: hours, severity }, { requiredKeys: [] });
  const branch = fc
    .record(
      { if: roundTheClock ? always : fc.oneof(always, timed), goesTo: below, otherwise: below },
      { requiredKeys: ['if', 'goesTo'] },
    )
    .map((rest): PlanStep => ({ kind: 'branch', id, ...rest }));
  const others: fc.Arbitrary<PlanStep>[] = [
    fc
      .record({ step: anywhere, most: fc.integer({ min: 1, max: 3 }) })
      .map((rest): PlanStep => ({ kind: 'goto', id, ...rest })),
    severity.map((worse): PlanStep => ({ kind: 'severity', id, severity: worse })),
    fc.constantFrom<PlanStep[]>(
      { kind: 'webhook', id, webhook: 'pager' },
      { kind: 'hand-off', id },
      { kind: 'stop', id },
    ),
  ];
  // The last step has nothing below it to branch to.
  const last = index === count - 1;
  return fc.oneof(
    { weight: 4, arbitrary: notify },
    { weight: 4, arbitrary: wait },
    { weight: 1, arbitrary: last ? notify : branch },
    ...others.map((arbitrary) => ({ weight: 1, arbitrary })),
  );
}

// ── Courses ──────────────────────────────────────────────────────────────────────────────────────────────────

/** What somebody or something does, so long after what was before. */
export type Command = { readonly afterMs: number } & (
  | { readonly kind: 'report'; readonly severity: Severity; readonly about?: Pick<Report, 'title' | 'words'> }
  | { readonly kind: 'look' }
  | {
      readonly kind: 'acknowledge';
      readonly by: PersonId;
      readonly instead: boolean;
      readonly permitted: boolean;
    }
  | { readonly kind: 'let-go' | 'resolve' | 'cancel'; readonly by: PersonId; readonly permitted: boolean }
  | { readonly kind: 'snooze'; readonly by: PersonId; readonly forMs: number; readonly instead: boolean }
  | { readonly kind: 'push'; readonly by: PersonId; readonly step: string | undefined }
  | { readonly kind: 'close' }
  | { readonly kind: 'unreached'; readonly person: PersonId; readonly epochsAgo: number }
  | { readonly kind: 'unposted'; readonly platform: Platform; readonly epochsAgo: number }
);

/** `look` at random times, late or early; and exactly when something is due, which `run` does in between. */
export function commands(): fc.Arbitrary<Command[]> {
  const afterMs = fc.oneof(
    fc.constantFrom(0, SECOND, 10 * SECOND, 5 * MINUTE),
    fc.integer({ min: 0, max: 3 * HOUR }),
    fc.integer({ min: 0, max: 3 * DAY }),
  );
  const by = person;
  const permitted = fc.integer({ min: 0, max: 9 }).map((n) => n > 0);
  const report = fc.record({ kind: fc.constant('report' as const), afterMs, severity });
  const look = fc.record({ kind: fc.constant('look' as const), afterMs });
  const people = fc.oneof(
    fc.record({
      kind: fc.constant('acknowledge' as const),
      afterMs,
      by,
      instead: fc.boolean(),
      permitted,
    }),
    fc.record({ kind: fc.constantFrom('let-go' as const, 'resolve' as const), afterMs, by, permitted }),
    fc.record({
      kind: fc.constant('snooze' as const),
      afterMs,
      by,
      forMs: fc.constantFrom(MINUTE, HOUR, DAY),
      instead: fc.boolean(),
    }),
    fc.record({
      kind: fc.constant('push' as const),
      afterMs,
      by,
      step: fc.constantFrom(undefined, 's0', 's2', 'nowhere'),
    }),
    fc.record({
      kind: fc.constant('unreached' as const),
      afterMs,
      person,
      epochsAgo: fc.constantFrom(0, 0, 0, 1),
    }),
    fc.record({
      kind: fc.constant('unposted' as const),
      afterMs,
      platform: fc.constantFrom(...PLATFORMS),
      epochsAgo: fc.constantFrom(0, 0, 0, 1),
    }),
  );
  const ends = fc.oneof(
    fc.record({ kind: fc.constant('cancel' as const), afterMs, by, permitted }),
    fc.record({ kind: fc.constant('close' as const), afterMs }),
  );
  return fc.array(
    fc.oneof(
      { weight: 3, arbitrary: report },
      { weight: 6, arbitrary: look },
      { weight: 8, arbitrary: people },
      { weight: 1, arbitrary: ends },
    ),
    { maxLength: 25 },
  );
}

/** One call of the machine, and what came of it. */
export interface Event {
  readonly atMs: number;
  readonly command: Command | { readonly kind: 'raise' };
  readonly before: Escalation | undefined;
  readonly result: unknown;
  readonly moved: EscalationMove | undefined;
}

export const REPORT: Report = {
  id: EscalationId.parse('esc_p0_0123456789ab'),
  key: 'it',
  subject: { kind: 'trouble' },
  severity: 'warning',
  title: 'It does not work',
  correlation: 'it',
  except: [],
};

/** What looks more often than this is not getting anywhere. */
const MOST_LOOKS = 20_000;

/** Carries commands out, one after the other; `plan` is what the configuration says at that moment. */
export class Run {
  readonly events: Event[] = [];
  current: Escalation | undefined;

  constructor(
    private readonly world: World,
    public plan: EscalationPlan,
    public atMs = START,
  ) {}

  raise(severity: Severity = 'warning', except: readonly PersonId[] = []): this {
    const step = raise(this.current, { ...REPORT, severity, except: [...except] }, this.plan, this.atMs);
    return this.#keep({ kind: 'raise' }, step);
  }

  /** Looks whenever something is due until `untilMs`, or until it has come to this state. */
  pass(untilMs: number, to?: EscalationState): this {
    for (let looks = 0; looks < MOST_LOOKS && this.current?.standing.state !== to; looks++) {
      const due = this.current && dueOf(this.current);
      if (due === undefined || due > untilMs) break;
      this.atMs = Math.max(this.atMs, due);
      this.look();
    }
    return this;
  }

  look(): this {
    const { atMs } = this;
    return this.#keep({ kind: 'look', afterMs: 0 }, tick(this.escalation, surroundings(this.world, atMs)));
  }

  do(command: Command): this {
    this.atMs += command.afterMs;
    return this.#keep(command, this.#carryOut(command));
  }

  /** What something else has brought about. */
  keep(step: EscalationStep<unknown>): this {
    return this.#keep({ kind: 'look', afterMs: 0 }, step);
  }

  get escalation(): Escalation {
    if (!this.current) throw new Error('nothing was raised');
    return this.current;
  }

  #carryOut(command: Command): EscalationStep<unknown> {
    const { atMs } = this;
    const it = this.escalation;
    switch (command.kind) {
      case 'report':
        return raise(it, { ...REPORT, ...command.about, severity: command.severity }, this.plan, atMs);
      case 'look':
        return tick(it, surroundings(this.world, atMs));
      case 'acknowledge':
        return acknowledge(it, deed(command), atMs, { instead: command.instead });
      case 'let-go':
        return letGo(it, deed(command), atMs);
      case 'resolve':
        return resolve(it, deed(command));
      case 'cancel':
        return cancel(it, deed(command));
      case 'snooze':
        return snooze(it, deed({ ...command, permitted: true }), atMs + command.forMs, {
          instead: command.instead,
        });
      case 'push':
        return push(it, deed({ ...command, permitted: true }), atMs, command.step);
      case 'close':
        return close(it, 'it is over');
      case 'unreached':
        return unreached(it, { epoch: it.epoch - command.epochsAgo, person: command.person }, atMs);
      case 'unposted': {
        const place = { platform: command.platform, channel: 'C1' };
        return unposted(it, { epoch: it.epoch - command.epochsAgo, place }, atMs);
      }
      default:
        return command satisfies never;
    }
  }

  #keep(command: Event['command'], { result, moved }: EscalationStep<unknown>): this {
    this.events.push({ atMs: this.atMs, command, before: this.current, result, moved });
    this.current = moved?.next ?? this.current;
    return this;
  }
}

function deed({ by, permitted }: { by: PersonId; permitted: boolean }) {
  return { by: { person: by, name: by }, permitted };
}

/** What whoever acted was told. */
export function codeOf({ result }: Event): DeedResult['code'] | undefined {
  // Deeds alone answer with an object.
  return typeof result === 'object' ? (result as DeedResult).code : undefined;
}

/** A whole course: raised, then the commands; before each of them every due time is looked at, unless it is late. */
export function runOf(world: World, plan: EscalationPlan, course: readonly Command[]): Run {
  const run = new Run(world, plan).raise();
  for (const command of course) {
    // A look is at a random time, early or late; for everything else nobody was late.
    if (command.kind !== 'look') {
      const atMs = run.atMs + command.afterMs;
      run.pass(atMs);
      run.do({ ...command, afterMs: Math.max(0, atMs - run.atMs) });
    } else {
      run.do(command);
    }
  }
  return run;
}
