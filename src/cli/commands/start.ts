import { type Command, InvalidArgumentError } from 'commander';
import type { Run } from '../command.ts';

interface Options {
  readonly sandbox: boolean;
  readonly sandboxPort?: number;
}

export function addStart(program: Command, run: Run): void {
  program
    .command('start')
    .summary('run the gateway')
    .description(
      'Runs the gateway until Ctrl+C. Platforms without credentials are played by a local sandbox, so that everything can be tried without an account.',
    )
    .option('--no-sandbox', 'leave platforms without credentials off')
    .option('--sandbox-port <port>', 'where the sandbox page is (default: 4080, or a free one)', toPort)
    .addHelpText(
      'after',
      `
Examples:
  signalbox start
  signalbox start --no-sandbox
  REDIS_URL=redis://localhost:6379 signalbox start`,
    )
    .action((options: Options) =>
      run(async ({ config }) => {
        const { start } = await import('../start.ts');
        return start({ config, sandbox: options.sandbox, sandboxPort: options.sandboxPort });
      }),
    );
}

export function toPort(text: string): number {
  const port = Number(text);
  if (!/^\d+$/.test(text) || port > 65_535) throw new InvalidArgumentError('A port is 0 to 65535.');
  return port;
}
