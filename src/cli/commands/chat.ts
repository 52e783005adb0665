import { type Command, InvalidArgumentError } from 'commander';
import type { Run } from '../command.ts';
import { toPort } from './start.ts';

interface Options {
  readonly session?: string;
  readonly sandbox: boolean;
  readonly sandboxPort?: number;
}

export function addChat(program: Command, run: Run): void {
  program
    .command('chat')
    .summary('talk to the agent in this terminal')
    .description(
      'Talks to the agent as the person whose cli account is cli.account of settings.yaml. Uses the gateway that runs; when none does, this terminal runs it until you leave.',
    )
    .option('--session <name>', 'go on with an earlier conversation; it was named when you left', toSession)
    .option('--no-sandbox', 'when this terminal runs the gateway: leave platforms without credentials off')
    .option('--sandbox-port <port>', 'when this terminal runs the gateway: where the sandbox page is', toPort)
    .addHelpText(
      'after',
      `
In the conversation:
  /approvals            what waits for your answer
  /approve <id>         say yes     /deny <id> [reason]     say no     /answer <id> <text>
  /help, /quit          a line that ends with \\ goes on in the next

Examples:
  signalbox chat
  echo "what do you know about Dana?" | signalbox chat`,
    )
    .action((options: Options) =>
      run(async ({ config }) => {
        const { chat } = await import('../chat.ts');
        return chat({
          config,
          session: options.session,
          sandbox: options.sandbox,
          sandboxPort: options.sandboxPort,
        });
      }),
    );
}

function toSession(text: string): string {
  if (!/^[a-z0-9]{1,20}$/.test(text)) {
    throw new InvalidArgumentError('A session is up to 20 lower-case letters and digits.');
  }
  return text;
}
