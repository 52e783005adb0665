import { type Command, Option } from 'commander';
import { PromptMode } from '../../domain/directive.ts';
import type { Run } from '../command.ts';
import type { PromptOptions } from '../prompt.ts';

export function addPrompt(program: Command, run: Run): void {
  program
    .command('prompt')
    .summary('the instructions a message would be answered with, section by section')
    .description(
      'The instructions the agent would be given: each section with its place, whether it is said, and what it comes to. Made by the code that makes them for a turn. Needs no store and no platform; with --conversation it reads what is stored of that one, which takes the permission operate.',
    )
    .option('--person <person>', 'who asks, by their name in contacts.yaml; somebody unknown, if left out')
    .option('--platform <platform>', 'where: slack, discord, jira, email, web', 'cli')
    .option('--channel <channel>', "the channel there, by the platform's id; in Jira the project")
    .option('--message <text>', 'what is said; directives and skills are matched as in a turn')
    .addOption(new Option('--mode <mode>', 'in the place of prompt.mode').choices(PromptMode.options))
    .option('--conversation <conversation>', 'with what is remembered of it, by its id or its ticket')
    .option('--full', 'the text itself, too', false)
    .addOption(new Option('--json', 'JSON instead of words').default(false, 'words'))
    .addHelpText(
      'after',
      `
Examples:
  signalbox prompt
  signalbox prompt --person alex --platform slack --message "/quiet please refund order 7"
  signalbox prompt --message "please refund order 7" --full
  signalbox prompt --mode minimal --json | jq '.sections[] | select(.said == null)'`,
    )
    .action((options: Omit<PromptOptions, 'config'>) =>
      run(async ({ config }) => (await import('../prompt.ts')).showPrompt({ ...options, config })),
    );
}
