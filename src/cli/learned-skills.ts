/** `signalbox skills learned`: the skills the agent proposed and somebody agreed to, and what came of them. */
import { dropUnreadable } from '../domain/file-name.ts';
import { timeLimit } from '../domain/time-limit.ts';
import type { LearningRecord } from '../skills/learning-store.ts';
import { callsFor } from '../skills/proposal.ts';
import type { Measured } from '../skills/turn-measure.ts';
import { type MeasureWish, measureTurns } from '../skills/turn-scan.ts';
import { actorOf, demand } from './actor.ts';
import type { SkillsOptions } from './skills.ts';
import { table } from './table.ts';
import { withKnownStores } from './with-stores.ts';

/** Longest beginning of a pattern in the table, in characters; `--json` has all of it. */
const MAX_PATTERN_CHARS = 60;
/** Longest wait for what turns came to since. */
const MEASURE_TIMEOUT_MS = 60_000;

const NONE =
  'No skill was learned yet. The agent proposes one with propose_skill, where a rule of authorizations.yaml says who agrees to it.';
const MEANING =
  'Before: the 30 days until it was learned. After: since then. Both are the mean of turns whose message calls for the skill; less is better.';
const PART = 'There are more conversations than are looked through: the numbers are made of a part of them.';

/** @throws {NotPermittedError} when whoever asks may not operate the gateway */
export async function showLearned({ config: folder, json }: SkillsOptions): Promise<number> {
  return withKnownStores(folder, async ({ config, directory, learning, transcripts }) => {
    demand(directory, actorOf(config, directory), 'operate', 'see what was learned');
    const records = await learning.list();
    const wishes = records.map((record) => toWish(record, records, Date.now()));
    const after = await measureTurns(transcripts, wishes, timeLimit(MEASURE_TIMEOUT_MS));
    const learned = records.map((record, index) => ({ record, after: after[index] ?? { turns: 0 } }));
    if (json) return say(JSON.stringify(learned.map(toJson), undefined, 2));
    if (learned.length === 0) return say(NONE);
    const rows = learned.map(({ record, after }) => [
      `${record.skill} ${record.version}`,
      new Date(record.atMs).toISOString().slice(0, 10),
      record.approvedBy.map(({ name }) => name).join(', '),
      shortened(record.pattern),
      record.measure.replaceAll('_', ' '),
      measuredText(record.before),
      measuredText(after),
    ]);
    const heading = ['skill', 'since', 'approved by', 'pattern', 'measure', 'before', 'after'];
    const isPart = learned.some(({ record, after }) => record.before.isPart || after.isPart);
    return say([table(heading, rows), '', MEANING, ...(isPart ? [PART] : [])].join('\n'));
  });
}

/** Turns since it was learned, until the next version of it was. */
function toWish(
  { skill: name, measure, calledBy, atMs: fromMs }: LearningRecord,
  records: readonly LearningRecord[],
  nowMs: number,
): MeasureWish {
  const later = records.filter(({ skill, atMs }) => skill === name && atMs > fromMs).map(({ atMs }) => atMs);
  return {
    measure,
    fromMs,
    untilMs: Math.min(nowMs, ...later),
    fits: callsFor({ name, ...calledBy }, calledBy.matcher),
  };
}

function toJson({ record, after }: { readonly record: LearningRecord; readonly after: Measured }): object {
  const { id, skill, version, proposed, approvedBy, pattern, measure, before, atMs } = record;
  return {
    skill,
    version,
    since: new Date(atMs).toISOString(),
    approval: id,
    proposed,
    approvedBy,
    pattern,
    measure,
    before: measuredToJson(before),
    after: measuredToJson(after),
  };
}

function measuredToJson(measured: Measured): object {
  return { ...measured, value: measured.value ?? null };
}

function measuredText({ value, turns }: Measured): string {
  if (value === undefined) return 'not known';
  return `${value} (of ${turns} ${turns === 1 ? 'turn' : 'turns'})`;
}

function shortened(text: string): string {
  const [...characters] = text;
  return characters.length <= MAX_PATTERN_CHARS
    ? text
    : `${characters.slice(0, MAX_PATTERN_CHARS - 1).join('')}…`;
}

/** What others wrote does not steer the terminal. */
function say(text: string): number {
  process.stdout.write(`${dropUnreadable(text)}\n`);
  return 0;
}
