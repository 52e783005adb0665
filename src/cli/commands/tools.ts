import { type Command, Option } from 'commander';
import { ToolProfile } from '../../domain/directive.ts';
import type { Run } from '../command.ts';

interface Options {
  readonly as?: string;
  readonly on?: string;
  readonly elevated: boolean;
  readonly json: boolean;
}

export function addTools(program: Command, run: Run): void {
  program
    .command('tools')
    .argument('[profile]', ToolProfile.options.join(', '))
    .summary('profiles, their groups and tools, and which of them somebody has')
    .description(
      'What the agent can do: each profile with its groups and their tools, and how risky each is; or what one person has somewhere, and why not the rest. Needs no store and no platform.',
    )
    .option('--as <person>', 'what a message of this person has, by their name in contacts.yaml')
    .option('--on <place>', 'where it is written: slack, or slack:C0123ABC')
    .option('--elevated', 'as an elevated message has it', false)
    .addOption(new Option('--json', 'JSON instead of words').default(false, 'words'))
    .addHelpText(
      'after',
      `
Examples:
  signalbox tools
  signalbox tools coding
  signalbox tools --as alex --on slack
  signalbox tools minimal --as alex --on slack:C0123ABC`,
    )
    .action((profile: string | undefined, options: Options) =>
      run(async ({ config }) => (await import('../tools.ts')).showTools(profile, { ...options, config })),
    );
}
