import type { Command } from 'commander';
import type { Run } from '../command.ts';

export function addCheck(program: Command, run: Run): void {
  program
    .command('check')
    .summary('say what works, what is missing and how to get it')
    .description(
      'Checks the configuration and tries every connection: the store, the model, each platform. Ends with exit code 1 when something that is configured does not work.',
    )
    .option('--json', 'one JSON object instead of words', false)
    .addHelpText(
      'after',
      `
Examples:
  signalbox check
  signalbox check --json | jq '.findings[] | select(.status == "failed")'`,
    )
    .action((options: { json: boolean }) =>
      run(async ({ config }) => {
        const { check } = await import('../check.ts');
        return check({ config, json: options.json });
      }),
    );
}
