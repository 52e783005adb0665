import { Argument, type Command, Option } from 'commander';
import type { ApprovalsOptions } from '../approvals.ts';
import type { Run } from '../command.ts';

type Options = Pick<ApprovalsOptions, 'json'> & { readonly as?: string };
type Work = typeof import('../approvals.ts');

const FINDINGS = ['happened', 'did-not-happen', 'retry'] as const;

export function addApprovals(program: Command, run: Run): void {
  const approvals = program
    .command('approvals')
    .summary('see and answer what waits for a human')
    .description(
      'What waits for a human, and answers from this terminal.\n\nYou act as the person whose cli account is cli.account of settings.yaml, with their rights and no others. Somebody with the permission operate may act for another person with --as; both names are recorded and shown, nobody decides what they asked for themselves, in whosever name, and all that one human says about a request is one word.\n\nA request is named by its ticket, which `list`, `show` and the card give. It stands for what was asked when you looked: when somebody has changed the request since, your answer decides nothing. The id without the number at its end is the ticket of what was asked first. To cancel, revoke and reassign a request, any ticket of it will do.',
    )
    .addHelpText(
      'after',
      `
Examples:
  signalbox approvals list
  signalbox approvals approve apr_p7_0123456789ab.1
  signalbox approvals deny apr_p7_0123456789ab.1 "that order was never paid"
  signalbox approvals reassign apr_p7_0123456789ab.1 lee --for dana
  signalbox approvals reconcile apr_p7_0123456789ab.1 did-not-happen`,
    );

  command('list', 'what waits, soonest due first').action((options: Options) =>
    work((its, all) => its.listApprovals(all), options),
  );
  command(
    'show <ticket>',
    'one request: what exactly would happen, who may decide, and what became of it',
  ).action((ticket: string, options: Options) => work((its, all) => its.showApproval(ticket, all), options));
  answer('approve <ticket>', 'say yes', 'approve');
  answer('deny <ticket> [reason...]', 'say no', 'deny');
  answer('answer <ticket> <text...>', 'say something else instead of yes or no', 'answer');
  command('cancel <ticket> [reason...]', 'take a request back, as the one who asked or an operator').action(
    (ticket: string, reason: string[], options: Options) =>
      work((its, all) => its.cancelApproval(ticket, sentence(reason), all), options),
  );
  command('revoke <ticket> [reason...]', 'take a yes back before it is acted on').action(
    (ticket: string, reason: string[], options: Options) =>
      work((its, all) => its.revokeApproval(ticket, sentence(reason), all), options),
  );
  command('reconcile <ticket>', 'say what really came of a call whose outcome is unknown')
    .addArgument(new Argument('<finding>', 'what you found out').choices(FINDINGS))
    .action((ticket: string, finding: (typeof FINDINGS)[number], options: Options) =>
      work((its, all) => its.reconcileApproval(ticket, finding, all), options),
    );

  command(
    'reassign <ticket> <person>',
    'let somebody decide in the place of one who was asked, as an operator',
  )
    .option('--for <person>', 'in whose place; needed where several were asked')
    .action((ticket: string, to: string, options: Options & { readonly for?: string }) =>
      work((its, all) => its.reassignApproval(ticket, { to, from: options.for }, all), options),
    );

  function command(usage: string, summary: string): Command {
    return approvals
      .command(usage)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
      .option('--as <person>', 'act for this person of contacts.yaml; takes the permission operate')
      .addOption(new Option('--json', 'JSON instead of words').default(false, 'words'));
  }

  function answer(usage: string, summary: string, choice: 'approve' | 'deny' | 'answer'): void {
    const added = command(usage, summary);
    const withText = usage.includes('...');
    added.action((ticket: string, ...rest: unknown[]) => {
      const text = withText && Array.isArray(rest[0]) ? rest[0].join(' ') : '';
      return work(
        (its, all) => its.answerApproval(ticket, { choice, text: text || undefined }, all),
        added.opts<Options>(),
      );
    });
  }

  function work(
    act: (its: Work, all: ApprovalsOptions) => Promise<number>,
    { json, as }: Options,
  ): Promise<void> {
    return run(async ({ config }) => act(await import('../approvals.ts'), { config, json, as }));
  }
}

/** Of `cancel` and `revoke`, which want a reason on record. */
function sentence(words: readonly string[]): string {
  return words.join(' ') || 'no reason was given';
}
