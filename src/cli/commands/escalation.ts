import { type Command, Option } from 'commander';
import type { Run } from '../command.ts';

/** As `Severity` has them; not imported, so that the help needs nothing. */
export const SEVERITIES = ['info', 'warning', 'error', 'critical'] as const;

interface SimulateChoice {
  readonly policy: string;
  readonly at: string | undefined;
  readonly severity: (typeof SEVERITIES)[number];
  readonly for: string;
  readonly json: boolean;
}

export function addEscalation(program: Command, run: Run): void {
  const escalation = program
    .command('escalation')
    .summary('see what the escalation policies would do')
    .description(
      'Policies of escalation.yaml: what is wrong with them, and who would be called, when and why. Nobody is called, and no gateway has to run.',
    )
    .addHelpText(
      'after',
      `
Examples:
  signalbox escalation lint
  signalbox escalation simulate --policy duty
  signalbox escalation simulate --policy duty --at "2027-03-28T02:40 Europe/Paris" --severity critical`,
    );

  escalation
    .command('lint')
    .summary('what is wrong with the policies')
    .description(
      'Says what is wrong with the policies, and what should be looked at: nobody there at night, a policy nothing uses, people who may not do what they are called for. Exit code 1 if somebody would wait in vain.',
    )
    .addOption(json())
    .action((options: { json: boolean }) =>
      run(async ({ config }) => {
        const { lintPolicies } = await import('../escalation.ts');
        return lintPolicies({ config, nowMs: Date.now(), zone: hereZone(), json: options.json });
      }),
    );

  escalation
    .command('simulate')
    .summary('who would be called, when and why')
    .description(
      'Plays one policy through as if nobody took it, and prints who is called, when, by which way and why: who is on call, who is away, whose quiet hours put it off. The clock is that of the zone given with --at.',
    )
    .requiredOption('--policy <name>', 'a policy under escalations of escalation.yaml')
    .option('--at <moment>', 'when it is reported: "2027-03-28T02:40 Europe/Paris"; now, if left out')
    .addOption(new Option('--severity <severity>', 'how bad it is').choices(SEVERITIES).default('warning'))
    .option('--for <duration>', 'how long it is watched: 48h, 7d', '48h')
    .addOption(json())
    .action((options: SimulateChoice) => run(({ config }) => simulate(options, config)));
}

async function simulate(options: SimulateChoice, config: string): Promise<number> {
  const [{ simulatePolicy }, { parseLength, parseMoment }] = await Promise.all([
    import('../escalation.ts'),
    import('../local-moment.ts'),
  ]);
  const at =
    options.at === undefined ? { atMs: Date.now(), zone: hereZone() } : parseMoment(options.at, hereZone());
  return simulatePolicy({ ...options, config, at, forMs: parseLength(options.for) });
}

function hereZone(): string {
  return Intl.DateTimeFormat().resolvedOptions().timeZone;
}

function json(): Option {
  return new Option('--json', 'JSON instead of words').default(false, 'words');
}
