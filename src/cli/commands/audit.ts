import type { Command } from 'commander';
import type { AuditOptions } from '../audit.ts';
import type { Run } from '../command.ts';
import { toCount } from './count.ts';

type Options = Pick<AuditOptions, 'json'>;
type Work = typeof import('../audit.ts');

export function addAudit(program: Command, run: Run): void {
  const audit = program
    .command('audit')
    .summary('read what was recorded, and prove that nobody changed it')
    .description(
      'Who did what, when, where, and under which rule. Takes the permission audit.read. Each line ends with its correlation, which ties the entries of one request together.',
    )
    .addHelpText(
      'after',
      `
Examples:
  signalbox audit tail -n 50
  signalbox audit tail -f --json
  signalbox audit trace slack:T0SANDBOX:C0GENERAL:1760000000.000100
  signalbox audit trace apr_p7_0123456789ab
  signalbox audit verify`,
    );

  command('verify', 'recompute every hash; exit code 1 if an entry was changed, removed or put in').action(
    (options: Options) => work((its, all) => its.verifyAudit(all), options),
  );
  command('tail', 'the newest entries, oldest first')
    .option('-n, --count <number>', 'how many', toCount, 20)
    .option('-f, --follow', 'go on with what is recorded from now on, until Ctrl+C', false)
    .action((options: Options & { count: number; follow: boolean }) =>
      work((its, all) => its.tailAudit({ ...all, count: options.count, follow: options.follow }), options),
    );
  command(
    'trace <id>',
    'every entry of one request, in order: by its correlation, or the id of an approval or an escalation',
  ).action((id: string, options: Options) => work((its, all) => its.traceAudit(id, all), options));

  function command(usage: string, summary: string): Command {
    return audit.command(usage).description(summary).option('--json', 'JSON, one object per line', false);
  }

  function work(act: (its: Work, all: AuditOptions) => Promise<number>, { json }: Options): Promise<void> {
    return run(async ({ config }) => act(await import('../audit.ts'), { config, json }));
  }
}
