/**
 * What the model was used for: counters by person, conversation, model and tool, for each day and month.
 *
 * Owns      the names of the counters and where they are; what may be spent is another matter (`limits.ts`).
 *
 * Invariants
 *   1. A turn is counted by the very write that takes its item off the mailbox: once, however often it was begun, and
 *      never without what came of it. What it used of the model is counted answer by answer, as they come.
 *   2. The counters of a conversation are in its partition, so those of a person or of everybody are the sum over all
 *      partitions.
 *   3. What is counted only grows. Of a period that is over, what one person used may be forgotten; what all did stays.
 */
import type { PersonId } from '../domain/ids.ts';
import type { Usage } from '../domain/transcript.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Effect } from '../redis/effects.ts';
import { scanKeys } from '../redis/key-scan.ts';
import { type Keys, partitionOf } from '../redis/keys.ts';
import { type Amount, NOTHING, type Spender, SUBJECT_KINDS, type SubjectKind, sumOf } from './limits.ts';
import { PERIOD_KINDS, type Period, type PeriodKind, periodAt } from './period.ts';

/** Of all spenders together: the subject of a counter has a name. */
const EVERYBODY = 'all';

const HOUR_MS = 60 * 60 * 1000;
const DAY_MS = 24 * HOUR_MS;
/** By which the clock of the last time zone on earth is behind. */
const LATEST_ZONE_MS = 12 * HOUR_MS;
/** So that the days of a month can be looked at until the next is over, and the months of a year. */
const KEEP_MS: Record<PeriodKind, number> = { day: 62 * DAY_MS, month: 400 * DAY_MS };

/** One call to the model: what it read and wrote, and what that cost. */
export interface ModelUse {
  readonly model: string;
  readonly usage: Usage;
  readonly amount: Amount;
}

export interface TurnUse {
  /** That were done. */
  readonly turns: number;
  readonly models: readonly ModelUse[];
  /** Names of the tools that were called, one for each call. */
  readonly tools: readonly string[];
}

/** What is counted. `tokens` are of all kinds; `money` is in millionths of the currency. */
export const COUNTS = ['turns', 'tokens', 'money', 'input', 'output', 'cached', 'stored', 'calls'] as const;
export type Count = (typeof COUNTS)[number];

export type UsageKind = SubjectKind | 'model' | 'tool';

/** What was used for one subject in one period. */
export interface UsageLine {
  readonly kind: UsageKind;
  readonly subject: string;
  readonly counts: Readonly<Partial<Record<Count, number>>>;
}

export class UsageLedger {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /** What this spender has spent in the period, as one of these. */
  async spent(subject: SubjectKind, spender: Spender, period: Period): Promise<Amount> {
    const name = nameOf(subject, spender);
    if (name === undefined) return NOTHING;
    const counters = [counterOf('tokens', subject, name), counterOf('money', subject, name)];
    // A conversation has all of its counters where it is itself.
    const partitions = subject === 'conversation' ? [partitionOf(name)] : this.keys.partitions();
    const found = await Promise.all(
      partitions.map((partition) => this.redis.hmget(this.keys.usage(partition, keyOf(period)), ...counters)),
    );
    const sum = (index: number) => found.reduce((total, counts) => total + Number(counts[index] ?? 0), 0);
    return { tokens: sum(0), money: sum(1) };
  }

  /** Everything that was used in a period, whoever used most first. */
  async lines(period: Pick<Period, 'kind' | 'name'>): Promise<UsageLine[]> {
    const lines = new Map<
      string,
      { kind: UsageKind; subject: string; counts: Partial<Record<Count, number>> }
    >();
    for (const partition of this.keys.partitions()) {
      const counters = await this.redis.hgetall(this.keys.usage(partition, keyOf(period)));
      for (const [counter, value] of Object.entries(counters)) {
        const read = toCounter(counter);
        if (!read) continue;
        const { count, kind, subject } = read;
        const line = lines.get(`${kind} ${subject}`) ?? { kind, subject, counts: {} };
        line.counts[count] = (line.counts[count] ?? 0) + Number(value);
        lines.set(`${kind} ${subject}`, line);
      }
    }
    const weight = ({ counts }: UsageLine) => counts.tokens ?? counts.calls ?? 0;
    return [...lines.values()].toSorted((a, b) => weight(b) - weight(a) || (a.subject < b.subject ? -1 : 1));
  }

  /** What these people used together, as long as that is kept, in order of time. */
  async of(
    people: readonly PersonId[],
  ): Promise<{ readonly period: string; readonly counts: UsageLine['counts'] }[]> {
    const used = new Map<string, Partial<Record<Count, number>>>();
    for await (const page of scanKeys(this.redis, this.keys.everyUsage())) {
      for (const key of page) {
        const [, period = ''] = periodIn(key).split(':');
        for (const [counter, value] of Object.entries(await this.redis.hgetall(key))) {
          const read = toCounter(counter);
          if (!read || !isOf(people, read)) continue;
          const counts = used.get(period) ?? {};
          counts[read.count] = (counts[read.count] ?? 0) + Number(value);
          used.set(period, counts);
        }
      }
    }
    return [...used]
      .map(([period, counts]) => ({ period, counts }))
      .toSorted((a, b) => (a.period < b.period ? -1 : 1));
  }

  /** Forgets what these people used in periods that are over everywhere; limits are held against the others. */
  async forget(people: readonly PersonId[], nowMs: number): Promise<void> {
    const isTheirs = (counter: string) => {
      const read = toCounter(counter);
      return read !== undefined && isOf(people, read);
    };
    for await (const page of scanKeys(this.redis, this.keys.everyUsage())) {
      for (const key of page.filter((each) => isOver(each, nowMs))) {
        const theirs = (await this.redis.hkeys(key)).filter(isTheirs);
        if (theirs.length > 0) await this.redis.hdel(key, ...theirs);
      }
    }
  }
}

function isOf(
  people: readonly PersonId[],
  { kind, subject }: { readonly kind: UsageKind; readonly subject: string },
): boolean {
  return kind === 'person' && people.some((person) => person === subject);
}

/** `day:2026-11-21`. */
function periodIn(key: string): string {
  return key.slice(key.indexOf('}:use:') + '}:use:'.length);
}

/** Whether a key of usage is of a period that has ended in every time zone. */
function isOver(key: string, nowMs: number): boolean {
  const period = periodIn(key);
  return PERIOD_KINDS.some((kind) => {
    const running = keyOf(periodAt(kind, nowMs - LATEST_ZONE_MS, 'UTC'));
    return period.startsWith(`${kind}:`) && period < running;
  });
}

/** Counts what was used. `at`: the periods it is counted in. */
export function toUsageEffects(spender: Spender, use: TurnUse, at: readonly Period[]): Effect[] {
  return at.flatMap((period): Effect[] => {
    const counts = (period.kind === 'day' ? dayCounts : spendingCounts)(spender, use).filter(
      ([, more]) => more > 0,
    );
    return [{ kind: 'usage', period: keyOf(period), keepMs: KEEP_MS[period.kind], counts }];
  });
}

export function spentOn(used: readonly ModelUse[]): Amount {
  return used.reduce((sum, { amount }) => sumOf(sum, amount), NOTHING);
}

type Counted = readonly [counter: string, more: number];

/** What limits are held against, and the number of turns. */
function spendingCounts(spender: Spender, { models, turns }: TurnUse): Counted[] {
  const total = spentOn(models);
  return SUBJECT_KINDS.flatMap((subject): Counted[] => {
    const name = nameOf(subject, spender);
    if (name === undefined) return [];
    return [
      [counterOf('turns', subject, name), turns],
      [counterOf('tokens', subject, name), total.tokens],
      [counterOf('money', subject, name), total.money],
    ];
  });
}

function dayCounts(spender: Spender, used: TurnUse): Counted[] {
  return [
    ...spendingCounts(spender, used),
    ...used.models.flatMap(({ model, usage, amount }): Counted[] => [
      [counterOf('calls', 'model', model), 1],
      [counterOf('tokens', 'model', model), amount.tokens],
      [counterOf('money', 'model', model), amount.money],
      [counterOf('input', 'model', model), usage.inputTokens],
      [counterOf('output', 'model', model), usage.outputTokens],
      [counterOf('cached', 'model', model), usage.cacheReadTokens],
      [counterOf('stored', 'model', model), usage.cacheWriteTokens],
    ]),
    ...used.tools.map((tool): Counted => [counterOf('calls', 'tool', tool), 1]),
  ];
}

function nameOf(subject: SubjectKind, { person, conversationId }: Spender): string | undefined {
  switch (subject) {
    case 'conversation':
      return conversationId;
    case 'person':
      return person;
    case 'team':
      return EVERYBODY;
    default:
      return subject satisfies never;
  }
}

/** `tokens person alex`. A subject may have blanks in its name; the words before it have none. */
function counterOf(count: Count, kind: UsageKind, subject: string): string {
  return `${count} ${kind} ${subject}`;
}

function toCounter(counter: string): { count: Count; kind: UsageKind; subject: string } | undefined {
  const [word = '', of = '', ...rest] = counter.split(' ');
  const count = COUNTS.find((each) => each === word);
  const kind = USAGE_KINDS.find((each) => each === of);
  return count && kind && { count, kind, subject: rest.join(' ') };
}

export const USAGE_KINDS: readonly UsageKind[] = ['team', 'person', 'conversation', 'model', 'tool'];

function keyOf({ kind, name }: Pick<Period, 'kind' | 'name'>): string {
  return `${kind}:${name}`;
}
