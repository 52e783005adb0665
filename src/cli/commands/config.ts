import { Argument, type Command } from 'commander';
import type { Run } from '../command.ts';

/** What `config schema` can print: the six files, and what passes between the parts. */
export const SCHEMA_PARTS = [
  'purpose',
  'authorizations',
  'contacts',
  'schedules',
  'escalation',
  'settings',
  'inbound',
  'mailbox-item',
  'outbox-item',
  'approval',
  'card',
  'audit-event',
] as const;

export function addConfig(program: Command, run: Run): void {
  const config = program
    .command('config')
    .summary('see what may be configured, and change one key')
    .description('The configuration files: what may stand in them, and changing one key.')
    .addHelpText(
      'after',
      `
Examples:
  signalbox config schema settings > settings.schema.json
  signalbox config set escalation.policies.default.deadline 48h
  signalbox config set "authorizations.rules[1].decision" deny`,
    );

  config
    .command('schema')
    .summary('print JSON Schema')
    .description(
      'Prints JSON Schema, made from the very schemas that are enforced: of one file, of one kind of message, or of all of them by name.',
    )
    .addArgument(new Argument('[part]', 'which; all when left out').choices(SCHEMA_PARTS))
    .action((part: string | undefined) =>
      run(async () => {
        const { printSchema } = await import('../config.ts');
        return printSchema(part);
      }),
    );

  config
    .command('set')
    .summary('change one key, as an editor would')
    .description(
      'Changes one key of one file; comments and layout stay. The whole configuration is checked first, and nothing is written that could not be loaded. Takes the permission config.change; changes and refusals are recorded.',
    )
    .argument('<key>', 'the file, then the key: settings.log.level')
    .argument('<value>', 'as it would stand in the file: 48h, 32, [6h, 18h]')
    .option('--json', 'JSON instead of words', false)
    .action((key: string, value: string, options: { json: boolean }) =>
      run(async ({ config: folder }) => {
        const { setSetting } = await import('../config.ts');
        return setSetting(key, value, { config: folder, json: options.json });
      }),
    );
}
