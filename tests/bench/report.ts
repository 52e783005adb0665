/** What the benchmark found, as one object and as text. Pure. */
import type { ApprovalsReport } from './approvals.ts';
import type { CommandsReport } from './commands.ts';
import { CONTENDERS, type Contender } from './contender.ts';
import type { CoreReport } from './core.ts';
import type { MentionComparison, MentionReport } from './mention.ts';
import type { SkillsReport } from './skills.ts';
import type { StartReport } from './start.ts';
import { significant } from './statistics.ts';
import { toTable, toVerdictTable } from './table.ts';
import type { TimersReport } from './timers.ts';
import type { TurnsReport } from './turns.ts';

/** What was measured on; ratios can be compared between machines, figures cannot. */
export interface Machine {
  readonly node: string;
  readonly redis: string;
  readonly cpu: string;
  readonly cpus: number;
  readonly packages: Readonly<Record<string, string>>;
}

/** A part that was not asked for is absent; one that could not be measured says why. */
export interface Report {
  readonly machine: Machine;
  readonly mention?: MentionReport | Unmeasured;
  readonly timers?: TimersReport | Unmeasured;
  readonly approvals?: ApprovalsReport | Unmeasured;
  readonly start?: StartReport | Unmeasured;
  readonly core?: CoreReport | Unmeasured;
  readonly commands?: CommandsReport | Unmeasured;
  readonly skills?: SkillsReport | Unmeasured;
  readonly turns?: TurnsReport | Unmeasured;
}

export interface Unmeasured {
  readonly failed: string;
}

/** One JSON object, figures to four digits. What is not a number (nothing to divide by) becomes null. */
export function toJson(report: Report): string {
  return JSON.stringify(report, (_key, value: unknown) =>
    typeof value === 'number' ? significant(value, 4) : value,
  );
}

export function toText(report: Report): string {
  const { machine, mention, timers, approvals, start, core, commands, skills, turns } = report;
  const packages = Object.entries(machine.packages).map(([name, version]) => `${name} ${version}`);
  return [
    `${machine.cpus} x ${machine.cpu}, Node ${machine.node}, Redis ${machine.redis}; ${packages.join(', ')}`,
    ...section('mention: signed Slack event to chat.postMessage', mention, mentionText),
    ...section('timers: lateness with many approvals pending', timers, timersText),
    ...section('approvals: memory and votes', approvals, approvalsText),
    ...section('start', start, startText),
    ...section('commands: first response in Discord', commands, commandsText),
    ...section('skills: many of them', skills, skillsText),
    ...section('turns: CPU beside the model', turns, turnsText),
    ...section('core: multiples of bare Redis', core, coreText),
  ].join('\n');
}

/** True when everything asked for has figures. */
export function isComplete({ machine: _, ...parts }: Report): boolean {
  return Object.values(parts).every((part) => {
    if (part === undefined) return true;
    if ('failed' in part) return false;
    if (!('comparisons' in part)) return true;
    return Object.values(part.comparisons).every(({ failures }) => Object.keys(failures).length === 0);
  });
}

function section<Part extends object>(
  title: string,
  part: Part | Unmeasured | undefined,
  toLines: (part: Part) => string[],
): string[] {
  if (part === undefined) return [];
  return [
    '',
    title.toUpperCase(),
    '',
    ...('failed' in part ? [`not measured: ${part.failed}`] : toLines(part as Part)),
  ]; // the union's other half
}

function mentionText({ threads, inFlight, rounds, comparisons }: MentionReport): string[] {
  return [
    `${threads} threads, ${inFlight} in flight, median of ${rounds} rounds`,
    ...Object.entries(comparisons).flatMap(([fsync, comparison]) => [
      '',
      `appendfsync ${fsync}`,
      mentionTable(comparison),
      ...Object.entries(comparison.failures).map(
        ([contender, failure]) => `${contender} not measured: ${failure}`,
      ),
      '',
      toVerdictTable(comparison.targets),
    ]),
  ];
}

const NAMES: Readonly<Record<Contender, string>> = {
  signalbox: 'Signalbox',
  chatSdk: 'Chat SDK',
  bareBolt: 'bare Bolt',
};

function mentionTable({ figures }: MentionComparison): string {
  return toTable(
    [
      '',
      'msg/s',
      'CPU ms',
      'p50 ms',
      'p99 ms',
      'commands',
      'round trips',
      'Redis CPU ms',
      'RSS MB',
      'repeated',
      'others CPUs',
    ],
    CONTENDERS.flatMap((contender) => {
      const row = figures[contender];
      if (!row) return [];
      return [
        [
          NAMES[contender],
          ...[row.perSecond, row.cpuMs, row.p50Ms, row.p99Ms, row.redisCommands, row.roundTrips],
          ...[row.redisCpuMs, row.rssMb, row.repeated, row.othersCpus],
        ],
      ];
    }),
  );
}

function timersText({ pending, duePerSecond, seconds, figures, targets }: TimersReport): string[] {
  return [
    `${pending} pending, ${duePerSecond} due per second for ${seconds} s, appendfsync always`,
    toTable(
      ['', 'p50 ms', 'p99 ms', 'max ms', 'bytes each', 'Redis RSS MB', 'CPU ms', 'Redis CPU ms', 'opened/s'],
      Object.entries(figures).map(([name, row]) => [
        name === 'signalbox' ? 'Signalbox' : 'BullMQ delayed jobs',
        ...[row.latenessP50Ms, row.latenessP99Ms, row.latenessMaxMs, row.bytesEach, row.redisRssMb],
        ...[row.cpuMs, row.redisCpuMs, row.openedPerSecond],
      ]),
    ),
    '',
    toVerdictTable(targets),
  ];
}

function approvalsText({ pending, bodyBytes, deadlinesEach, figures, targets }: ApprovalsReport): string[] {
  return [
    `${pending} pending, ${bodyBytes}-byte body, ${deadlinesEach} deadlines each, appendfsync always`,
    toTable(
      [
        '',
        'bytes each',
        'Redis RSS MB',
        'opened/s',
        'votes/s',
        'p50 ms',
        'p99 ms',
        'alone p50',
        'alone p99',
        'list p50',
        'list p99',
      ],
      [
        [
          'Signalbox',
          ...[figures.bytesEach, figures.redisRssMb, figures.openedPerSecond, figures.votesPerSecond],
          ...[figures.voteP50Ms, figures.voteP99Ms, figures.loneVoteP50Ms, figures.loneVoteP99Ms],
          ...[figures.listP50Ms, figures.listP99Ms],
        ],
      ],
    ),
    '',
    toTable(
      ['', 'alone p50', 'alone p99', 'list p50', 'list p99'],
      [
        [
          `Signalbox, ${figures.few} pending`,
          ...[figures.fewVoteP50Ms, figures.fewVoteP99Ms, figures.fewListP50Ms, figures.fewListP99Ms],
        ],
        ['one bare value, stored', figures.bareWriteP50Ms, figures.bareWriteP99Ms, '', ''],
      ],
    ),
    '',
    toTable(
      ['', 'first look ms', 'a look ms', 'others wait ms'],
      [['Self-audit', figures.firstLookMs, figures.lookMs, figures.longestWaitMs]],
    ),
    '',
    toVerdictTable(targets),
  ];
}

function startText({ rounds, figures, targets }: StartReport): string[] {
  return [
    `median of ${rounds} starts`,
    toTable(
      ['', 'ready ms', 'idle RSS MB', 'idle CPU %'],
      [['Signalbox', figures.readyMs, figures.idleRssMb, figures.idleCpuPercent]],
    ),
    '',
    toVerdictTable(targets),
  ];
}

function commandsText({ perSecond, seconds, figures, violations, targets }: CommandsReport): string[] {
  return [
    `${perSecond} commands a second for ${seconds} s, appendfsync always; ${violations} requests beyond Discord's limits`,
    toTable(
      ['', 'p50 ms', 'p99 ms', 'slowest ms', 'failed'],
      Object.entries(figures).map(([name, row]) => [
        name === 'signalbox' ? 'Signalbox' : 'bare discord.js, stores nothing',
        ...[row.p50Ms, row.p99Ms, row.maxMs, row.failed],
      ]),
    ),
    '',
    toVerdictTable(targets),
  ];
}

function skillsText({ skills, rounds, figures, targets }: SkillsReport): string[] {
  return [
    `${skills} skills, median of ${rounds} starts`,
    toTable(
      [
        '',
        'ready ms',
        'without ms',
        'CPU ms',
        'without CPU ms',
        'keyword p50',
        'p99 ms',
        'scored p50',
        'p99 ms',
        'choose p50',
      ],
      [
        [
          'Signalbox',
          ...[
            figures.readyMs,
            figures.readyWithoutMs,
            figures.readyCpuMs,
            figures.readyWithoutCpuMs,
            figures.keywordP50Ms,
            figures.keywordP99Ms,
          ],
          ...[figures.scoredP50Ms, figures.scoredP99Ms, figures.chooseP50Ms],
        ],
      ],
    ),
    '',
    toVerdictTable(targets),
  ];
}

function turnsText({ turns, tools, skills, rounds, figures, ratio, targets }: TurnsReport): string[] {
  return [
    `${turns} turns, one after the other, with ${tools} tools and ${skills} skills; requests of ${figures.requestBytes} bytes; median of ${rounds} rounds`,
    toTable(
      ['', 'CPU p50 ms', 'CPU mean ms', 'x'],
      [
        ['Signalbox, a whole message', figures.cpuP50Ms, figures.cpuMeanMs, ratio],
        ['the SDK alone, same bytes', figures.sdkP50Ms, figures.sdkMeanMs, 1],
      ],
    ),
    '',
    toVerdictTable(targets),
  ];
}

function coreText({ everysec, always, targets }: CoreReport): string[] {
  const rows = (fsync: string, paths: CoreReport['always']) =>
    Object.entries(paths).map(([path, row]) => [
      `${path}, ${fsync}`,
      ...[row.perSecond, row.cpuUs, row.redisCommands, row.p50Ms, row.p99Ms],
    ]);
  return [
    toTable(
      ['', 'per second', 'CPU us', 'commands', 'p50 ms', 'p99 ms'],
      [...rows('everysec', everysec), ...rows('always', always)],
    ),
    '',
    toVerdictTable(targets),
  ];
}
