/** What a run of the crash suite does, and how much of it; from the command line. Pure. */
import { parseArgs } from 'node:util';

export const SCENARIOS = ['gateway', 'redis-restart', 'redis-away'] as const;
export type ScenarioName = (typeof SCENARIOS)[number];

/** How much is said, by how many, and how often something is taken away meanwhile. */
export interface Load {
  readonly messages: number;
  readonly conversations: number;
  /** Kills, restarts or outages. */
  readonly blows: number;
  /** Calls of tools are asked for, and conversations change hands, in this first part of the messages, as a share: what became of a call whose
   * process died is known a minute later, and nobody wants to wait for that after the last message. */
  readonly callsUntil: number;
}

export interface Plan {
  readonly json: boolean;
  readonly help: boolean;
  readonly seed: number;
  readonly scenarios: readonly ScenarioName[];
  readonly loads: Readonly<Record<ScenarioName, Load>>;
}

export const HELP = `npm run crash -- [options]

  --only SCENARIO     one scenario: ${SCENARIOS.join(', ')}; may be given more than once
  --kills N           kills of the gateway (default ${200}; ${20} with --quick)
  --messages N        messages written meanwhile (default ${5_000}; ${500} with --quick)
  --conversations N   conversations they belong to (default ${200}; ${50} with --quick)
  --seed S            the same choices again; the seed of a run is in its report
  --quick             a small run, under 90 s
  --json              one JSON object on standard output instead of a table
  --help              this`;

const FULL: Plan['loads'] = {
  gateway: { messages: 5_000, conversations: 200, blows: 200, callsUntil: 0.85 },
  'redis-restart': { messages: 600, conversations: 60, blows: 6, callsUntil: 1 },
  'redis-away': { messages: 400, conversations: 40, blows: 2, callsUntil: 1 },
};

const QUICK: Plan['loads'] = {
  gateway: { messages: 500, conversations: 50, blows: 20, callsUntil: 0.3 },
  'redis-restart': { messages: 120, conversations: 20, blows: 2, callsUntil: 1 },
  'redis-away': { messages: 80, conversations: 20, blows: 1, callsUntil: 1 },
};

const LARGEST_SEED = 2 ** 32 - 1;

/**
 * @param freshSeed used when none is given
 * @throws {TypeError} with a sentence for an unknown or wrong option
 */
export function toPlan(args: readonly string[], freshSeed: number): Plan {
  const { values } = parseArgs({
    args: [...args],
    options: {
      json: { type: 'boolean', default: false },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      only: { type: 'string', multiple: true, default: [] },
      kills: { type: 'string' },
      messages: { type: 'string' },
      conversations: { type: 'string' },
      seed: { type: 'string' },
    },
  });
  const loads = values.quick ? QUICK : FULL;
  const { gateway } = loads;
  const scenarios = values.only.map(toScenario);
  const plan: Plan = {
    json: values.json,
    help: values.help,
    seed: toNumber('seed', values.seed, { min: 0, max: LARGEST_SEED }) ?? freshSeed,
    scenarios: scenarios.length > 0 ? scenarios : SCENARIOS,
    loads: {
      ...loads,
      gateway: {
        ...gateway,
        blows: toNumber('kills', values.kills, { min: 1, max: 10_000 }) ?? gateway.blows,
        messages: toNumber('messages', values.messages, { min: 1, max: 100_000 }) ?? gateway.messages,
        conversations:
          toNumber('conversations', values.conversations, { min: 1, max: 999 }) ?? gateway.conversations,
      },
    },
  };
  const { messages, conversations } = plan.loads.gateway;
  if (messages < conversations)
    throw new TypeError(`${conversations} conversations need at least ${conversations} messages`);
  return plan;
}

function toScenario(name: string): ScenarioName {
  const scenario = SCENARIOS.find((known) => known === name);
  if (scenario === undefined) throw new TypeError(`--only takes one of ${SCENARIOS.join(', ')}, not ${name}`);
  return scenario;
}

function toNumber(
  option: string,
  text: string | undefined,
  { min, max }: { min: number; max: number },
): number | undefined {
  if (text === undefined) return undefined;
  const number = Number(text);
  if (!Number.isInteger(number) || number < min || number > max) {
    throw new TypeError(`--${option} takes a whole number from ${min} to ${max}, not ${text}`);
  }
  return number;
}
