/** What a run found, as a person reads it and as a machine does. Pure. */
import type { AlarmVerdict } from './alarm-judge.ts';
import type { Commands } from './excuse.ts';
import type { Moment } from './gateway-killed.ts';
import type { Verdict } from './judge.ts';
import type { ScenarioName } from './plan.ts';
import type { Outages } from './redis-lost.ts';
import type { Remains } from './stage.ts';
import type { Standstill, StoodStill } from './takeover-watch.ts';

/** A dead worker's conversations go on within this long, in ms. */
export const LONGEST_TAKEOVER_MS = 5_000;

export interface Spread {
  readonly samples: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** What a scenario came to. */
export interface Outcome {
  readonly scenario: ScenarioName;
  readonly seconds: number;
  readonly messages: number;
  readonly conversations: number;
  /** Processes killed, gateways and Redis alike. */
  readonly kills: number;
  readonly verdict: Verdict;
  readonly alarms: AlarmVerdict;
  readonly remains: Remains;
  readonly commands: Commands;
  /** What was sent beyond the published limits of a platform. */
  readonly broken: readonly string[];
  /** Interactions of Discord that two gateways answered, which could not know of each other: see `excuse.ts`. */
  readonly answeredTwice: number;
  /** How often a person took a conversation over. */
  readonly takeovers: number;
  /** How long conversations of killed gateways stood still while another one was there, and while none was. */
  readonly witnessed: StoodStill;
  readonly unwitnessed: StoodStill;
  /** From spawn to ready. */
  readonly starts: readonly number[];
  /** Gateways that ended without being killed, in their last words. */
  readonly crashes: readonly string[];
  /** Warnings and errors of the gateways, each with how often it came. */
  readonly troubles: Readonly<Record<string, number>>;
  /** Thoughts beyond the first on each message. */
  readonly thoughtAgain: number;
  readonly moments?: Readonly<Record<Moment, number>>;
  readonly outages?: Outages;
}

/** What is wrong, one sentence each; empty when everything is as it must be. */
export function failuresOf(outcome: Outcome): string[] {
  const { verdict, alarms, remains, scenario, commands } = outcome;
  const counts: [readonly unknown[], string][] = [
    [verdict.lost, 'messages were lost'],
    [verdict.reordered, 'messages were out of order'],
    [verdict.doubledEffects, 'effects were doubled'],
    [verdict.doubledDespiteKey, 'replies were doubled where the platform has a key against it'],
    [verdict.falseEffects, 'effects are not what was said'],
    [verdict.staleCards, 'cards offer a choice that was made'],
    [verdict.strayProgress, 'progress messages never became a reply'],
    [outcome.crashes, 'gateways ended by themselves'],
    [verdict.saidOver, 'things were said in a conversation that was a person’s'],
    [alarms.forgotten, 'alarms were forgotten'],
    [alarms.calledTwice, 'people were called twice for one step'],
    [alarms.calledAfter, 'people were called after somebody had taken it'],
    [commands.unanswered, 'commands had no response within 3 s'],
    [outcome.broken, 'requests were beyond the limits of a platform'],
  ];
  const { takeovers, leases } = outcome.witnessed;
  const tooSlow = [...takeovers, ...leases].filter(({ tookMs }) => tookMs > LONGEST_TAKEOVER_MS);
  return [
    ...counts
      .filter(([found]) => found.length > 0)
      .map(([found, words]) => `${found.length} ${words}, the first: ${found[0]}`),
    ...(commands.excused > commands.mostExcused
      ? [
          `${commands.excused} commands were excused, and only ${commands.mostExcused} were in flight at a kill`,
        ]
      : []),
    ...(remains.deadLetters > 0 ? [`${remains.deadLetters} dead letters`] : []),
    ...(remains.leftOver > 0 ? [`${remains.leftOver} lanes were left over`] : []),
    ...(remains.auditOk ? [] : ['the audit is broken']),
    ...tooSlow.map(({ lane, tookMs }) => `taking ${lane} over took ${Math.round(tookMs)} ms`),
    ...((outcome.outages?.acknowledgedMeanwhile ?? 0) > 0
      ? [`${outcome.outages?.acknowledgedMeanwhile} messages were acknowledged while nothing could be stored`]
      : []),
  ].map((sentence) => `${scenario}: ${sentence}`);
}

export function toJson(seed: number, seconds: number, outcomes: readonly Outcome[]): string {
  const sum = (count: (outcome: Outcome) => number) =>
    outcomes.reduce((total, outcome) => total + count(outcome), 0);
  const failures = outcomes.flatMap(failuresOf);
  return JSON.stringify({
    ok: failures.length === 0,
    failures,
    seed,
    accepted: sum(({ verdict }) => verdict.accepted),
    lost: sum(({ verdict }) => verdict.lost.length),
    reordered: sum(({ verdict }) => verdict.reordered.length),
    doubledEffects: sum(({ verdict }) => verdict.doubledEffects.length),
    doubledReplies: sum(({ verdict }) => verdict.doubledReplies.length),
    unknownOutcomes: sum(({ verdict }) => verdict.unknownOutcomes.length),
    takeoverMs: standstillOf(outcomes.flatMap(({ witnessed }) => witnessed.takeovers)),
    kills: sum(({ kills }) => kills),
    messages: sum(({ messages }) => messages),
    seconds: Math.round(seconds),
    scenarios: Object.fromEntries(outcomes.map((outcome) => [outcome.scenario, toFigures(outcome)])),
  });
}

function toFigures(outcome: Outcome): object {
  const {
    verdict,
    alarms,
    remains,
    witnessed,
    unwitnessed,
    starts,
    commands,
    scenario: _,
    ...rest
  } = outcome;
  return {
    ...rest,
    seconds: Math.round(rest.seconds),
    accepted: verdict.accepted,
    lost: verdict.lost.length,
    reordered: verdict.reordered.length,
    doubledEffects: verdict.doubledEffects.length,
    doubledReplies: verdict.doubledReplies.length,
    unknownOutcomes: verdict.unknownOutcomes.length,
    takeoverMs: standstillOf(witnessed.takeovers),
    leaseMs: standstillOf(witnessed.leases),
    takeoverAfterRestartMs: standstillOf(unwitnessed.takeovers),
    startMs: spreadOf(starts),
    commandMs: spreadOf(commands.responses),
    commandsUnanswered: commands.unanswered.length,
    commandsExcused: commands.excused,
    commandsInFlightAtKills: commands.mostExcused,
    commandsKeptWaiting: commands.keptWaiting,
    withheld: verdict.withheld,
    saidOver: verdict.saidOver.length,
    alarms: alarms.raised,
    alarmsTaken: alarms.taken,
    alarmsForgotten: alarms.forgotten.length,
    calledTwice: alarms.calledTwice.length,
    calledAgain: alarms.calledAgain.length,
    calledAfter: alarms.calledAfter.length,
    ...remains,
    details: { ...verdict, accepted: undefined, alarms, commandsUnanswered: commands.unanswered },
  };
}

export function toText(seed: number, seconds: number, outcomes: readonly Outcome[]): string {
  const failures = outcomes.flatMap(failuresOf);
  return [
    ...outcomes.flatMap(toLines),
    '',
    ...failures.map((failure) => `FAILED  ${failure}`),
    ...(failures.length === 0 ? ['ok      nothing lost, nothing out of order, nothing done twice'] : []),
    `seed ${seed}, ${Math.round(seconds)} s`,
    `${outcomes.length - failedOf(outcomes)} passed, ${failedOf(outcomes)} failed`,
  ].join('\n');
}

function failedOf(outcomes: readonly Outcome[]): number {
  return outcomes.filter((outcome) => failuresOf(outcome).length > 0).length;
}

function toLines(outcome: Outcome): string[] {
  const { verdict, alarms, remains, moments, outages } = outcome;
  const lines: [string, string][] = [
    ['', `${outcome.kills} kills, ${outcome.messages} messages in ${outcome.conversations} conversations`],
    ['accepted', String(verdict.accepted)],
    ['lost', listed(verdict.lost)],
    ['reordered', listed(verdict.reordered)],
    ['doubled effects', listed(verdict.doubledEffects)],
    ['false effects', listed(verdict.falseEffects)],
    [
      'doubled replies',
      listed(verdict.doubledReplies.map(({ key, explanation }) => `${key}: ${explanation}`)),
    ],
    [
      'unknown outcomes',
      listed(verdict.unknownOutcomes.map(({ request, explanation }) => `${request}: ${explanation}`)),
    ],
    ['doubled despite a key', listed(verdict.doubledDespiteKey)],
    ['stale cards', listed(verdict.staleCards)],
    ['stray progress', listed(verdict.strayProgress)],
    ['dead letters, left over', `${remains.deadLetters}, ${remains.leftOver}`],
    ['turned away', countsText(remains.turnedAway) || '0'],
    ['thought about again', String(outcome.thoughtAgain)],
    ['takeover', spreadText(standstillOf(outcome.witnessed.takeovers))],
    ['every lane leased anew', spreadText(standstillOf(outcome.witnessed.leases))],
    ['takeover by a new start', spreadText(standstillOf(outcome.unwitnessed.takeovers))],
    ['start to ready', spreadText(spreadOf(outcome.starts))],
    ['command to response', spreadText(spreadOf(outcome.commands.responses))],
    [
      'commands unanswered',
      `${listed(outcome.commands.unanswered)} (and ${outcome.commands.excused} whose gateways were killed, of ${outcome.commands.mostExcused} in flight at a kill; ${outcome.commands.keptWaiting} that the machine had no turn for)`,
    ],
    ['beyond limits', `${listed(outcome.broken)} (and ${outcome.answeredTwice} answered by two gateways)`],
    ['taken over by a person', `${outcome.takeovers} times, ${verdict.withheld} messages not answered`],
    ['said all the same', listed(verdict.saidOver)],
    ['alarms', `${alarms.raised}, of which Dana took ${alarms.taken}`],
    ['forgotten', listed(alarms.forgotten)],
    ['called twice', `${listed(alarms.calledTwice)} (and explained: ${listed(alarms.calledAgain)})`],
    ['called all the same', listed(alarms.calledAfter)],
    ...(moments ? [['moments', countsText(moments)] as [string, string]] : []),
    ...(outages
      ? [
          [
            'meanwhile',
            `${outages.acknowledgedMeanwhile} acknowledged, ${outages.redelivered} delivered again`,
          ] as [string, string],
        ]
      : []),
    ['log', countsText(outcome.troubles)],
    ...outcome.crashes.map((words): [string, string] => ['ended by itself', words]),
  ];
  return ['', outcome.scenario, ...lines.map(([label, value]) => `  ${label.padEnd(24)}${value}`)];
}

function listed(found: readonly string[]): string {
  const shown = found.slice(0, 20).map((each) => `\n      ${each}`);
  return `${found.length}${shown.join('')}`;
}

function countsText(counts: Readonly<Record<string, number>>): string {
  return Object.entries(counts)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ');
}

function spreadText({ samples, p50, p99, max }: Spread): string {
  return samples === 0 ? 'none' : `p50 ${p50} ms, p99 ${p99} ms, max ${max} ms (${samples})`;
}

/** By nearest rank, in whole ms; zeros for no samples. */
function standstillOf(standstills: readonly Standstill[]): Spread {
  return spreadOf(standstills.map(({ tookMs }) => tookMs));
}

export function spreadOf(samples: readonly number[]): Spread {
  const sorted = [...samples].sort((a, b) => a - b);
  const at = (share: number) => Math.round(sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0);
  return { samples: sorted.length, p50: at(0.5), p99: at(0.99), max: at(1) };
}
