import { type Command, Option } from 'commander';
import type { Run } from '../command.ts';
import type { ConversationsOptions } from '../conversations.ts';

type Options = Pick<ConversationsOptions, 'json'> & { readonly as?: string };
type Work = typeof import('../conversations.ts');

export function addConversations(program: Command, run: Run): void {
  const conversations = program
    .command('conversations')
    .summary('see who speaks in which conversation, take over, speak there, hand back')
    .description(
      'Which conversations a person has taken over from the agent, or waits for one. Takes the permission take-over. You act as the person whose cli account is cli.account of settings.yaml; somebody with the permission operate may act for another person with --as, and both names are recorded.',
    )
    .addHelpText(
      'after',
      `
Examples:
  signalbox conversations list
  signalbox conversations take con_p7_0123456789ab
  signalbox conversations say con_p7_0123456789ab "I have found your order"
  signalbox conversations hand-back con_p7_0123456789ab "refunded by hand, tell them it takes two days"`,
    );

  command('list', 'those the agent does not speak in now, beginning with the one that ends first').action(
    (options: Options) => work((its, all) => its.listConversations(all), options),
  );
  command('take <conversation>', 'take one over, by its ticket or its id').action(
    (name: string, options: Options) => work((its, all) => its.takeConversation(name, all), options),
  );
  command('say <conversation> <words...>', 'say something in one that you have, in your name').action(
    (name: string, words: string[], options: Options) =>
      work((its, all) => its.sayInConversation(name, words.join(' '), all), options),
  );
  command(
    'hand-back <conversation> [summary...]',
    'give one back, perhaps with a word for the agent; or call off the wait for a human',
  ).action((name: string, summary: string[], options: Options) =>
    work((its, all) => its.handBackConversation(name, summary.join(' '), all), options),
  );

  function command(usage: string, summary: string): Command {
    return conversations
      .command(usage)
      .summary(summary)
      .description(`${summary.charAt(0).toUpperCase()}${summary.slice(1)}.`)
      .option('--as <person>', 'act for this person of contacts.yaml; takes the permission operate')
      .addOption(new Option('--json', 'JSON instead of words').default(false, 'words'));
  }

  function work(
    act: (its: Work, all: ConversationsOptions) => Promise<number>,
    { json, as }: Options,
  ): Promise<void> {
    return run(async ({ config }) => act(await import('../conversations.ts'), { config, json, as }));
  }
}
