import type { Command } from 'commander';
import type { Run } from '../command.ts';
import type { DeadLettersOptions } from '../dead-letters.ts';
import { toCount } from './count.ts';

type Options = Pick<DeadLettersOptions, 'json'>;
type Work = typeof import('../dead-letters.ts');

export function addDeadLetters(program: Command, run: Run): void {
  const letters = program
    .command('dead-letters')
    .summary('see and settle what could not be handled or delivered')
    .description(
      'What could not be handled or delivered is kept until somebody decides about it. Takes the permission operate; who settled what is recorded.',
    )
    .addHelpText(
      'after',
      `
Examples:
  signalbox dead-letters list
  signalbox dead-letters retry p3.1760000000000-0`,
    );

  command('list', 'what is kept, oldest first')
    .option('-n, --count <number>', 'most letters listed', toCount, 100)
    .action((options: Options & { count: number }) =>
      work((its, all) => its.listDeadLetters({ ...all, count: options.count }), options),
    );
  command('show <id>', 'one letter, whole').action((id: string, options: Options) =>
    work((its, all) => its.showDeadLetter(id, all), options),
  );
  command('retry <id>', 'put it back in line').action((id: string, options: Options) =>
    work((its, all) => its.retryDeadLetter(id, all), options),
  );
  command('discard <id>', 'remove it for good').action((id: string, options: Options) =>
    work((its, all) => its.discardDeadLetter(id, all), options),
  );

  function command(usage: string, summary: string): Command {
    return letters.command(usage).description(summary).option('--json', 'JSON instead of words', false);
  }

  function work(
    act: (its: Work, all: DeadLettersOptions) => Promise<number>,
    { json }: Options,
  ): Promise<void> {
    return run(async ({ config }) => act(await import('../dead-letters.ts'), { config, json }));
  }
}
