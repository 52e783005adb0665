import { type Command, Option } from 'commander';
import type { Run } from '../command.ts';
import type { PeopleOptions } from '../people.ts';

type Options = Pick<PeopleOptions, 'json'>;
type Work = typeof import('../people.ts');

export function addPeople(program: Command, run: Run): void {
  const people = program
    .command('people')
    .summary('whose account is whose, and strangers who wait to be let in')
    .description(
      'The people of contacts.yaml with their accounts, also those that were linked; guests; strangers who wait. To link and unlink takes the permission operate; to let strangers in, or turn them away, the permission pair or operate. Each change is recorded with who made it.',
    )
    .addHelpText(
      'after',
      `
Examples:
  signalbox people list
  signalbox people link dana discord:900000000000000102
  signalbox people link lee K7PM-3QXWH-9TRCD      the stranger who was given this code
  signalbox people unlink discord:900000000000000102
  signalbox people admit K7PM-3QXWH-9TRCD --for 7d
  signalbox people refuse K7PM-3QXWH-9TRCD`,
    );

  command('list', 'everybody, with their accounts; guests; strangers who wait').action((options: Options) =>
    work((its, all) => its.listPeople(all), options),
  );
  command(
    'link <person> <account>',
    'say whose an account is, by the account or by the code of a stranger',
  ).action((person: string, account: string, options: Options) =>
    work((its, all) => its.linkAccount(person, account, all), options),
  );
  command('unlink <account>', 'take a linked account, or a guest, back').action(
    (account: string, options: Options) => work((its, all) => its.unlinkAccount(account, all), options),
  );
  command(
    'admit <code>',
    'let a stranger in as a guest, by the code they were given, or what `list` shows before them',
  )
    .option('--for <duration>', 'how long: 7d; as in authorizations.yaml, if left out')
    .action((code: string, options: Options & { readonly for?: string }) =>
      work((its, all) => its.admitStranger(code, options.for, all), options),
    );
  command('refuse <code>', 'turn a stranger away: they are not heard for a day').action(
    (code: string, options: Options) => work((its, all) => its.refuseStranger(code, all), options),
  );

  function command(usage: string, summary: string): Command {
    return people
      .command(usage)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
      .addOption(new Option('--json', 'JSON instead of words').default(false, 'words'));
  }

  function work(act: (its: Work, all: PeopleOptions) => Promise<number>, { json }: Options): Promise<void> {
    return run(async ({ config }) => act(await import('../people.ts'), { config, json }));
  }
}
