/** The commands of `signalbox`: one file each in `commands/` says what can be typed, one beside this does it. */
import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { AppError, StartupError } from '../domain/errors.ts';
import type { Globals, Run } from './command.ts';
import { addApi } from './commands/api.ts';
import { addApprovals } from './commands/approvals.ts';
import { addAudit } from './commands/audit.ts';
import { addChat } from './commands/chat.ts';
import { addCheck } from './commands/check.ts';
import { addCompletion } from './commands/completion.ts';
import { addConfig } from './commands/config.ts';
import { addConversations } from './commands/conversations.ts';
import { addDeadLetters } from './commands/dead-letters.ts';
import { addEscalation } from './commands/escalation.ts';
import { addMcp } from './commands/mcp.ts';
import { addMemory } from './commands/memory.ts';
import { addPeople } from './commands/people.ts';
import { addPrompt } from './commands/prompt.ts';
import { addSkills } from './commands/skills.ts';
import { addStart } from './commands/start.ts';
import { addTools } from './commands/tools.ts';
import { addUsage } from './commands/usage.ts';

/** What a shell expects of a command that was called in a wrong way. */
const WRONG_USE = 2;

/** Resolves with the exit code. */
export async function runCli(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = createProgram(async (work) => {
    exitCode = await work(program.opts<Globals>());
  });
  try {
    await program.parseAsync(args.length === 0 ? ['--help'] : [...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    // Commander has said what is wrong already.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : WRONG_USE;
    process.stderr.write(`${explain(error)}\n`);
    return 1;
  }
}

export function createProgram(run: Run): Command {
  const program = new Command('signalbox')
    .description(
      'One agent on Slack, Discord, Jira and by e-mail that asks a human before it does anything that matters.',
    )
    .version(versionOfPackage(), '-V, --version', 'print the version')
    .option('-c, --config <folder>', 'folder of the six configuration files', 'config')
    .helpOption('-h, --help', 'print this')
    .helpCommand('help [command]', 'print the help of a command')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ outputError: (text, write) => write(wrongUse(text)) })
    .exitOverride()
    .addHelpText(
      'after',
      `
Examples:
  signalbox start                  run it, with a sandbox for what has no credentials
  signalbox check                  what works, what is missing and how to get it
  signalbox chat                   talk to the agent here
  signalbox approvals list         what waits for a human`,
    );

  addStart(program, run);
  addCheck(program, run);
  addChat(program, run);
  addApprovals(program, run);
  addConversations(program, run);
  addDeadLetters(program, run);
  addEscalation(program, run);
  addMemory(program, run);
  addPeople(program, run);
  addSkills(program, run);
  addMcp(program, run);
  addTools(program, run);
  addPrompt(program, run);
  addUsage(program, run);
  addAudit(program, run);
  addConfig(program, run);
  addApi(program, run);
  addCompletion(program, run);
  addSandbox(program);
  return program;
}

function addSandbox(program: Command): void {
  program
    .command('sandbox', { hidden: true })
    .description('the sandbox alone, as a process of its own')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async () => {
      await import('../sandbox/main.ts');
    });
}

/** One sentence, and where to read on. */
function wrongUse(text: string): string {
  const sentence = text
    .replace(/^error: /, '')
    .replace(/\s*\n\s*\(Did you mean (.+?)\?\)/, '. Did you mean $1?')
    .trim();
  const stop = /[.?!]$/.test(sentence) ? '' : '.';
  return `signalbox: ${sentence}${stop} \`signalbox --help\` lists the commands.\n`;
}

/** What a person needs to go on: the problem, and the next step. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof StartupError) return `${error.message}\n  What to do: ${error.remedy}`;
  if (error instanceof AppError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function versionOfPackage(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return String(version);
}
