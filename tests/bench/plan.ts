/** What a run of the benchmark measures, and how much of it; from the command line. Pure. */
import { parseArgs } from 'node:util';

export const PARTS = [
  'mention',
  'timers',
  'approvals',
  'start',
  'core',
  'commands',
  'skills',
  'turns',
] as const;
export type Part = (typeof PARTS)[number];

export interface Plan {
  readonly json: boolean;
  readonly help: boolean;
  readonly parts: readonly Part[];
  readonly rounds: number;
  readonly mention: { readonly threads: number; readonly warmUp: number; readonly inFlight: number };
  readonly timers: { readonly pending: number; readonly perSecond: number; readonly seconds: number };
  readonly approvals: { readonly pending: number; readonly votes: number; readonly inFlight: number };
  readonly start: { readonly idleMs: number };
  readonly commands: { readonly perSecond: number; readonly seconds: number };
  readonly skills: { readonly skills: number; readonly messages: number };
  readonly turns: {
    readonly turns: number;
    readonly warmUp: number;
    readonly tools: number;
    readonly skills: number;
  };
  readonly core: { readonly messages: number; readonly inFlight: number; readonly steadySeconds: number };
}

export const HELP = `npm run bench -- [options]

  --only PART   measure one part: ${PARTS.join(', ')}; may be given more than once
  --rounds N    rounds of the parts that are measured side by side (default 3; 1 with --quick)
  --quick       smaller sizes, under two minutes: shows that it runs, not how fast it is
  --json        one JSON object on standard output instead of tables
  --help        this`;

const MOST_ROUNDS = 50;

/** @throws {TypeError} with a sentence for an unknown or wrong option */
export function toPlan(args: readonly string[]): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string' },
    },
  });
  const parts = values.only.map(toPart);
  return {
    json: values.json,
    help: values.help,
    parts: parts.length > 0 ? parts : PARTS,
    ...(values.quick ? QUICK : FULL),
    ...(values.rounds === undefined ? {} : { rounds: toRounds(values.rounds) }),
  };
}

type Sizes = Omit<Plan, 'json' | 'help' | 'parts'>;

const FULL: Sizes = {
  rounds: 3,
  mention: { threads: 5_000, warmUp: 3_000, inFlight: 50 },
  timers: { pending: 1_000_000, perSecond: 1_000, seconds: 20 },
  approvals: { pending: 1_000_000, votes: 20_000, inFlight: 50 },
  start: { idleMs: 10_000 },
  commands: { perSecond: 50, seconds: 20 },
  skills: { skills: 500, messages: 2_000 },
  turns: { turns: 400, warmUp: 1_500, tools: 50, skills: 500 },
  core: { messages: 20_000, inFlight: 64, steadySeconds: 10 },
};

const QUICK: Sizes = {
  rounds: 1,
  mention: { threads: 1_000, warmUp: 1_000, inFlight: 50 },
  timers: { pending: 20_000, perSecond: 1_000, seconds: 3 },
  approvals: { pending: 20_000, votes: 2_000, inFlight: 50 },
  start: { idleMs: 2_000 },
  commands: { perSecond: 50, seconds: 3 },
  skills: { skills: 500, messages: 500 },
  turns: { turns: 100, warmUp: 100, tools: 50, skills: 500 },
  core: { messages: 3_000, inFlight: 64, steadySeconds: 2 },
};

function toPart(name: string): Part {
  const part = PARTS.find((known) => known === name);
  if (part === undefined) throw new TypeError(`--only takes one of ${PARTS.join(', ')}, not ${name}`);
  return part;
}

function toRounds(text: string): number {
  const rounds = Number(text);
  if (!Number.isInteger(rounds) || rounds < 1 || rounds > MOST_ROUNDS) {
    throw new TypeError(`--rounds takes a whole number from 1 to ${MOST_ROUNDS}, not ${text}`);
  }
  return rounds;
}
