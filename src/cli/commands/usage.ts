import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Run } from '../command.ts';
import type { UsageOptions } from '../usage.ts';

type Options = Pick<UsageOptions, 'json'> & { readonly as?: string };

export function addUsage(program: Command, run: Run): void {
  command('usage', 'what the model was used for and what it cost, today or on another day')
    .addOption(new Option('--of <period>', 'a day (2026-11-21) or a month (2026-11)').argParser(toPeriod))
    .addHelpText(
      'after',
      `
Examples:
  signalbox usage
  signalbox usage --of 2026-11
  signalbox usage --json`,
    )
    .action(({ of, ...options }: Options & { readonly of?: string }) =>
      run(async ({ config }) => {
        const { showUsage } = await import('../usage.ts');
        return showUsage({ as: undefined, ...options, config, period: of });
      }),
    );

  command('budget', 'what may be spent, how much of it is, and when it begins anew').action(
    (options: Options) =>
      run(async ({ config }) => {
        const { showBudgets } = await import('../usage.ts');
        return showBudgets({ as: undefined, ...options, config });
      }),
  );

  command('status', 'whether the gateway runs, and which services it has cut off').action(
    (options: Options) =>
      run(async ({ config }) => {
        const { showStatus } = await import('../status.ts');
        return showStatus({ as: undefined, ...options, config });
      }),
  );

  function command(name: string, summary: string): Command {
    return program
      .command(name)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}. Takes the permission operate.`)
      .option('--as <person>', 'act for this person of contacts.yaml; takes the permission operate')
      .addOption(new Option('--json', 'JSON instead of words').default(false, 'words'));
  }
}

function toPeriod(text: string): string {
  if (/^\d{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01]))?$/.test(text) && isInCalendar(text)) return text;
  throw new InvalidArgumentError('A day such as 2026-11-21, or a month such as 2026-11, is expected.');
}

/** A day that a month does not have would be read as one of the next. */
function isInCalendar(day: string): boolean {
  const ms = Date.parse(day);
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(day);
}
