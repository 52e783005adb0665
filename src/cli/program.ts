/** The commands of `signalbox`, their options and their help. One file per command does the work. */
import { Command, InvalidArgumentError } from 'commander';
import { ConfigError } from '../config/config-error.ts';
import { AppError, StartupError } from '../domain/errors.ts';

/** Resolves with the exit code. */
export async function runCli(args: readonly string[]): Promise<number> {
  let exitCode = 0;
  const program = new Command('signalbox')
    .description('One agent on Slack and e-mail that asks a human before it does anything that matters.')
    .option('-c, --config <folder>', 'folder of the five configuration files', 'config')
    .showHelpAfterError('(signalbox --help lists the commands)')
    .configureHelp({ showGlobalOptions: true });

  program
    .command('start', { isDefault: true })
    .description('start the gateway; platforms without credentials are played by a local sandbox')
    .option('--no-sandbox', 'leave platforms without credentials off')
    .option('--sandbox-port <port>', 'where the sandbox page is (default: 4080, or a free one)', toPort)
    .action(async (options: { sandbox: boolean; sandboxPort?: number }) => {
      const { start } = await import('./start.ts');
      exitCode = await start({
        config: program.opts<{ config: string }>().config,
        sandbox: options.sandbox,
        sandboxPort: options.sandboxPort,
      });
    });

  program
    .command('sandbox', { hidden: true })
    .description('the sandbox alone, as a process of its own')
    .allowUnknownOption()
    .allowExcessArguments()
    .action(async () => {
      await import('../sandbox/main.ts');
    });

  try {
    await program.parseAsync([...args], { from: 'user' });
    return exitCode;
  } catch (error) {
    process.stderr.write(`${explain(error)}\n`);
    return 1;
  }
}

function toPort(text: string): number {
  const port = Number(text);
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    throw new InvalidArgumentError('A port is 0 to 65535.');
  return port;
}

/** What a person needs to go on: the problem, and the next step. */
function explain(error: unknown): string {
  if (error instanceof ConfigError) return error.message;
  if (error instanceof StartupError) return `${error.message}\n  What to do: ${error.remedy}`;
  if (error instanceof AppError) return error.message;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
