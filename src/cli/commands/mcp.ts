import { type Command, Option } from 'commander';
import type { Run } from '../command.ts';

type Work = typeof import('../mcp.ts');

interface Options {
  readonly json: boolean;
}

export function addMcp(program: Command, run: Run): void {
  const mcp = program
    .command('mcp')
    .summary('tools of MCP servers, and agreeing to them')
    .description(
      'Tools of the servers under mcp.servers of settings.yaml. A tool is held back until somebody has read what its server says of it, and again whenever that changes.',
    )
    .addHelpText(
      'after',
      `
Examples:
  signalbox mcp list
  signalbox mcp review tracker
  signalbox mcp accept tracker search --hash 0123456789ab`,
    );

  command('list', 'every tool, and whether the agent is offered it').action((options: Options) =>
    work((its, config) => its.listMcp({ ...options, config })),
  );
  command('review <server> [tool]', 'what waits to be agreed to, with what has changed').action(
    (server: string, tool: string | undefined, options: Options) =>
      work((its, config) => its.reviewMcp(server, tool, { ...options, config })),
  );
  command('accept <server> [tool]', 'agree to what waits; of all tools, or of one')
    .option('--hash <hash>', 'only if it still is what was looked at; as `mcp review` prints it')
    .action((server: string, tool: string | undefined, options: Options & { readonly hash?: string }) =>
      work((its, config) => its.acceptMcp(server, tool, { ...options, config })),
    );

  function command(usage: string, summary: string): Command {
    return mcp
      .command(usage)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
      .addOption(new Option('--json', 'JSON instead of words').default(false, 'words'));
  }

  function work(act: (its: Work, config: string) => Promise<number>): Promise<void> {
    return run(async ({ config }) => act(await import('../mcp.ts'), config));
  }
}
