import { type Command, Option } from 'commander';
import type { Run } from '../command.ts';
import type { MemoryOptions } from '../memory.ts';

type Options = Pick<MemoryOptions, 'json'>;
type Work = typeof import('../memory.ts');

export function addMemory(program: Command, run: Run): void {
  const memory = program
    .command('memory')
    .summary('what is remembered of a person: show, export, keep a copy, erase')
    .description(
      'Everything that is remembered of one person, by whichever account they spoke: notes, profile, messages, and the summaries of conversations they spoke in. Your own is yours; that of others takes the permission operate. Each use but `show` is recorded.',
    )
    .addHelpText(
      'after',
      `
Examples:
  signalbox memory show dana
  signalbox memory export dana --file dana.json
  signalbox memory snapshot dana dana-notes.json
  signalbox memory restore dana dana-notes.json
  signalbox memory erase dana                     counts what would go
  signalbox memory erase dana --yes               erases it`,
    );

  command('show <person>', 'what there is, in numbers, with notes and profile').action(
    (person: string, options: Options) => work((its, all) => its.showMemory(person, all), options),
  );
  command('export <person>', 'all of it, as JSON')
    .option('--file <file>', 'write it to a file only you can read')
    .action((person: string, options: Options & { readonly file?: string }) =>
      work((its, all) => its.exportMemory(person, options.file, all), options),
    );
  command('snapshot <person> <file>', 'keep a copy of notes and profile').action(
    (person: string, file: string, options: Options) =>
      work((its, all) => its.snapshotMemory(person, file, all), options),
  );
  command('restore <person> <file>', 'put notes and profile back as they were').action(
    (person: string, file: string, options: Options) =>
      work((its, all) => its.restoreMemory(person, file, all), options),
  );
  command('erase <person>', 'count what would be erased; with --yes, erase it')
    .option('--yes', 'erase it; there is no way back', false)
    .action((person: string, options: Options & { readonly yes: boolean }) =>
      work((its, all) => its.eraseMemory(person, options.yes, all), options),
    );

  function command(usage: string, summary: string): Command {
    return memory
      .command(usage)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
      .addOption(new Option('--json', 'JSON instead of words').default(false, 'words'));
  }

  function work(act: (its: Work, all: MemoryOptions) => Promise<number>, { json }: Options): Promise<void> {
    return run(async ({ config }) => act(await import('../memory.ts'), { config, json }));
  }
}
