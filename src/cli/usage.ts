/** `signalbox usage` and `signalbox budget`: what the model was used for, what that cost, and what may still be spent. */
import { isUsedUp, type Limit, limitsIn, percentOf } from '../budget/limits.ts';
import { type Period, periodAt } from '../budget/period.ts';
import { moneyText, numberText, spentText } from '../budget/sentences.ts';
import { USAGE_KINDS, type UsageKind, UsageLedger, type UsageLine } from '../budget/usage-ledger.ts';
import { dropUnreadable } from '../domain/file-name.ts';
import { actorOf, demand } from './actor.ts';
import { relative, table } from './table.ts';
import { type StoreSession, withKnownStores } from './with-stores.ts';

/** Of each kind, at most: whoever used most stands first. */
const MOST_LISTED = 20;

const HEADING: Record<UsageKind, string> = {
  team: 'everybody',
  person: 'person',
  conversation: 'conversation',
  model: 'model',
  tool: 'tool',
};

export interface UsageOptions {
  readonly config: string;
  readonly json: boolean;
  /** The person to act for. */
  readonly as: string | undefined;
}

/** @param period a day or a month by its name; undefined: today */
export async function showUsage(
  options: UsageOptions & { readonly period: string | undefined },
): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    demandOperator(session, options, 'see what was used');
    const { budgets } = session.config.settings;
    const period = options.period ?? periodAt('day', Date.now(), budgets.time_zone).name;
    const ledger = new UsageLedger(session.redis, session.keys);
    const lines = await ledger.lines({ kind: period.length > 7 ? 'day' : 'month', name: period });
    if (options.json) {
      return say(
        JSON.stringify({ period, currency: budgets.currency, lines: lines.map(toJson) }, undefined, 2),
      );
    }
    const where = `${period} (${budgets.time_zone})`;
    if (lines.length === 0) return say(`Nothing was used ${period.length > 7 ? 'on' : 'in'} ${where}.`);
    const blocks = USAGE_KINDS.map((kind) =>
      block(
        kind,
        lines.filter((line) => line.kind === kind),
        budgets.currency,
      ),
    );
    return say([where, ...blocks.filter((each) => each !== undefined)].join('\n\n'));
  });
}

export async function showBudgets(options: UsageOptions): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    demandOperator(session, options, 'see the budgets');
    const { budgets } = session.config.settings;
    const nowMs = Date.now();
    const ledger = new UsageLedger(session.redis, session.keys);
    const each: Row[][] = [];
    for (const limit of limitsIn(budgets)) {
      const period = periodAt(limit.period, nowMs, budgets.time_zone);
      each.push(await rowsOf(limit, period, ledger));
    }
    const rows = each.flat();
    if (options.json) return say(JSON.stringify({ currency: budgets.currency, budgets: rows }, undefined, 2));
    if (rows.length === 0) {
      const said = limitsIn(budgets).length === 0 ? NO_BUDGETS : 'Nothing was used yet.';
      return say(said);
    }
    const shown = each.flatMap((some) => some.slice(0, MOST_LISTED));
    const cells = shown.map((row) => [
      row.subject === 'team' ? 'everybody' : `${row.subject} ${row.name}`,
      row.period,
      spentText(row, budgets.currency),
      shareText(row),
      relative(row.resetMs, nowMs),
    ]);
    const rest = restText(rows.length - shown.length);
    return say(table(['whose', 'for a', 'spent', '', 'begins anew'], cells) + rest);
  });
}

/** Far beyond its limit a number of percent tells nothing, and is hard to read. */
function shareText(row: Row): string {
  if (!isUsedUp(row)) return `${percentOf(row)} %`;
  return row.spent > row.most * MOST_TIMES
    ? `used up, more than ${MOST_TIMES} times over`
    : `${percentOf(row)} % used up`;
}

const MOST_TIMES = 10;
const NO_BUDGETS = 'There are no budgets: budgets of settings.yaml limits nobody. See docs/budgets.md.';

interface Row extends Limit {
  readonly name: string;
  readonly spent: number;
  readonly resetMs: number;
}

function restText(left: number): string {
  return left === 0 ? '' : `\n… and ${left} more: --json lists all of them`;
}

/** Of everybody who used something in the period, whoever used most first; of the team also when it used nothing. */
async function rowsOf(limit: Limit, period: Period, ledger: UsageLedger): Promise<Row[]> {
  const lines = (await ledger.lines(period)).filter(({ kind }) => kind === limit.subject);
  const rows = lines.map(({ subject, counts }) => ({
    ...limit,
    name: subject,
    spent: counts[limit.of] ?? 0,
    resetMs: period.endsMs,
  }));
  if (limit.subject === 'team' && rows.length === 0) {
    return [{ ...limit, name: 'all', spent: 0, resetMs: period.endsMs }];
  }
  return rows.toSorted((a, b) => b.spent - a.spent);
}

function block(kind: UsageKind, lines: readonly UsageLine[], currency: string): string | undefined {
  if (lines.length === 0) return undefined;
  const shown = lines.slice(0, MOST_LISTED);
  const count = (value: number | undefined) => numberText(value ?? 0);
  const rest = restText(lines.length - shown.length);
  if (kind === 'tool') {
    const rows = shown.map(({ subject, counts }) => [subject, count(counts.calls)]);
    return table([HEADING.tool, 'calls'], rows) + rest;
  }
  if (kind === 'model') {
    const rows = shown.map(({ subject, counts }) => [
      subject,
      count(counts.calls),
      count(counts.input),
      count(counts.output),
      count(counts.cached),
      count(counts.stored),
      costText(counts, currency),
    ]);
    return table([HEADING.model, 'calls', 'read', 'written', 'from cache', 'to cache', 'cost'], rows) + rest;
  }
  const rows = shown.map(({ subject, counts }) => [
    kind === 'team' ? 'all' : subject,
    count(counts.turns),
    count(counts.tokens),
    costText(counts, currency),
  ]);
  return table([HEADING[kind], 'turns', 'tokens', 'cost'], rows) + rest;
}

/** What was used while there was no price is not known to have cost nothing. */
function costText({ money, tokens = 0, calls = 0 }: UsageLine['counts'], currency: string): string {
  return money === undefined && tokens + calls > 0 ? 'no price' : moneyText(money ?? 0, currency);
}

/** Money as it is counted: in millionths. */
function toJson({ kind, subject, counts }: UsageLine): object {
  const { money, ...others } = counts;
  return { kind, subject, ...others, ...(money === undefined ? {} : { micro_money: money }) };
}

export function demandOperator(
  { config, directory }: StoreSession,
  { as }: UsageOptions,
  what: string,
): void {
  demand(directory, actorOf(config, directory, as), 'operate', what);
}

/** What others named does not steer the terminal. */
export function say(text: string): number {
  process.stdout.write(`${dropUnreadable(text)}\n`);
  return 0;
}
