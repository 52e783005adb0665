import { type Command, Option } from 'commander';
import type { EscalationAct } from '../../escalation/escalation-desk.ts';
import type { Run } from '../command.ts';
import type { EscalationsOptions } from '../escalations.ts';

/** As `Severity` has them; not imported, so that the help needs nothing. */
export const SEVERITIES = ['info', 'warning', 'error', 'critical'] as const;

type Work = typeof import('../escalations.ts');

interface ActOptions {
  readonly json: boolean;
  readonly as?: string;
}

interface RaiseChoice {
  readonly policy: string;
  readonly severity: (typeof SEVERITIES)[number];
}

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
    .summary('who is called when nobody comes: what waits, what the policies would do')
    .description(
      'What waits for somebody to look after it, and acting on it; and the policies of escalation.yaml: what is wrong with them, and who would be called, when and why. You act as the person whose cli account is cli.account of settings.yaml; somebody with the permission operate may act for another person with --as, and both names are recorded.',
    )
    .addHelpText(
      'after',
      `
Examples:
  signalbox escalation list
  signalbox escalation ack esc_p7_0123456789ab
  signalbox escalation raise --policy duty --severity error the printer burns
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

  acting('list', 'what waits for somebody to look after it').action((options: ActOptions) =>
    work((its, all) => its.listEscalations(all), options),
  );
  acting('ack <ticket>', 'look after one, so that nobody else is called')
    .option('--instead', 'take it from whoever has it', false)
    .action((ticket: string, { instead, ...options }: ActOptions & { instead: boolean }) =>
      act(ticket, { kind: 'acknowledge', instead }, options),
    );
  acting('release <ticket>', 'let go of one, so that others are called').action(
    (ticket: string, options: ActOptions) => act(ticket, { kind: 'let-go' }, options),
  );
  acting('snooze <ticket> [duration]', 'call nobody about one for a while; an hour, if left out')
    .option('--instead', 'also where somebody else has it', false)
    .action(
      async (
        ticket: string,
        length: string | undefined,
        { instead, ...options }: ActOptions & { instead: boolean },
      ) => {
        const { parseLength } = await import('../local-moment.ts');
        return act(ticket, { kind: 'snooze', forMs: parseLength(length ?? '1h'), instead }, options);
      },
    );
  acting('next <ticket> [step]', 'call the next at once, or those of a step by its id').action(
    (ticket: string, step: string | undefined, options: ActOptions) =>
      act(ticket, { kind: 'push', ...(step === undefined ? {} : { step }) }, options),
  );
  acting('resolve <ticket> [remark...]', 'close one, perhaps with a word for those who were called').action(
    (ticket: string, remark: string[], options: ActOptions) =>
      act(ticket, { kind: 'resolve', ...(remark.length === 0 ? {} : { remark: remark.join(' ') }) }, options),
  );
  acting('cancel <ticket>', 'call one off: it was nothing').action((ticket: string, options: ActOptions) =>
    act(ticket, { kind: 'cancel' }, options),
  );
  acting('raise <words...>', 'call people by a policy, about something in your words')
    .requiredOption('--policy <name>', 'a policy under escalations of escalation.yaml')
    .addOption(new Option('--severity <severity>', 'how bad it is').choices(SEVERITIES).default('warning'))
    .action((words: string[], { policy, severity, ...options }: ActOptions & RaiseChoice) =>
      work((its, all) => its.raiseEscalation(words.join(' '), { ...all, policy, severity }), options),
    );

  function acting(usage: string, summary: string): Command {
    return escalation
      .command(usage)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
      .option('--as <person>', 'act for this person of contacts.yaml; takes the permission operate')
      .addOption(json());
  }

  function act(ticket: string, deed: EscalationAct, options: ActOptions): Promise<void> {
    return work((its, all) => its.actOnEscalation(ticket, deed, all), options);
  }

  function work(
    does: (its: Work, all: EscalationsOptions) => Promise<number>,
    { json, as }: ActOptions,
  ): Promise<void> {
    return run(async ({ config }) => does(await import('../escalations.ts'), { config, json, as }));
  }
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
