import { type Command, InvalidArgumentError, Option } from 'commander';
import type { ApiKeysOptions, KeyWish } from '../api-keys.ts';
import type { Run } from '../command.ts';

/** As `ApiScope` has them; not imported, so that the help needs nothing. */
export const SCOPES = [
  'approvals:create',
  'approvals:read',
  'approvals:answer',
  'approvals:cancel',
  'approvals:execute',
] as const;
type Scope = (typeof SCOPES)[number];

type Options = Pick<ApiKeysOptions, 'json'>;
type Work = typeof import('../api-keys.ts');

export function addApi(program: Command, run: Run): void {
  const api = program
    .command('api')
    .summary('keys of programs that ask people over HTTP')
    .description('The API by which other programs ask people: its keys, and its description.');

  api
    .command('openapi')
    .summary('print the OpenAPI document')
    .description('Prints the OpenAPI document, made from the very schemas that are enforced.')
    .action(() => run(async () => (await import('../api-keys.ts')).printOpenApi()));

  const keys = api
    .command('keys')
    .summary('make, see and revoke keys')
    .description(
      'Keys of programs. A key belongs to a client of api.clients in settings.yaml, and can do what its scopes say. It is shown once, and kept as a hash. Takes the permission operate; who made or revoked one is recorded.',
    )
    .addHelpText(
      'after',
      `
Examples:
  signalbox api keys create --client billing --name ci --scope approvals:create --scope approvals:read
  signalbox api keys list
  signalbox api keys revoke 0123456789ab`,
    );

  command('create', 'make a key and print it, once')
    .requiredOption('--name <name>', 'what it is called in the audit: lower-case letters, digits and hyphens')
    .option('--client <client>', 'the client it belongs to; may be left out if there is one only')
    .addOption(
      new Option('--scope <scope...>', 'what it may be used for')
        .choices(SCOPES)
        .makeOptionMandatory()
        .argParser((scope: string, before: readonly Scope[] | undefined) => [
          ...(before ?? []),
          toScope(scope),
        ]),
    )
    .option('--expires <duration>', 'how long it is valid: 90d; for good, if left out')
    .action((options: Options & Omit<KeyWish, 'scopes'> & { scope: Scope[] }) =>
      work((its, all) => its.createKey({ ...options, scopes: [...new Set(options.scope)] }, all), options),
    );
  command('list', 'all keys that were made, oldest first').action((options: Options) =>
    work((its, all) => its.listKeys(all), options),
  );
  command('revoke <id>', 'let a key open nothing from now on').action((id: string, options: Options) =>
    work((its, all) => its.revokeKey(id, all), options),
  );

  function command(usage: string, summary: string): Command {
    return keys
      .command(usage)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
      .option('--json', 'JSON instead of words', false);
  }

  function work(act: (its: Work, all: ApiKeysOptions) => Promise<number>, { json }: Options): Promise<void> {
    return run(async ({ config }) => act(await import('../api-keys.ts'), { config, json }));
  }
}

function toScope(text: string): Scope {
  const scope = SCOPES.find((each) => each === text);
  if (scope) return scope;
  throw new InvalidArgumentError(`Allowed choices are ${SCOPES.join(', ')}.`);
}
