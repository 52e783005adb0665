/** Every command that a sentence of ours names, typed as each platform shows it, is understood there. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { commandIn, typedWords } from '../../gateways/command-words.ts';
import { commandsFor } from '../../gateways/discord/commands.ts';
import { isInMenu } from '../../gateways/discord/menu.ts';
import type { InboundMessage } from '../../src/domain/message.ts';
import { readMessageDirectives } from '../../src/router/message-directives.ts';
import { type Opening, readOpening } from '../../src/router/opening.ts';
import { ALEX } from '../../src/sandbox/people.ts';
import { type DiscordFixture, GENERAL, inChannel, openDiscord } from '../support/discord-gateway.ts';
import { openSlack, type SlackFixture } from '../support/slack-gateway.ts';

const REQUEST = 'apr_p7_0123456789ab.1';
const ESCALATION = 'esc_p7_0123456789ab';
const CONVERSATION = 'con_p7_0123456789ab';

/** Each of our words as it would be typed; what stands in a sentence holds tickets of its own. */
const EXAMPLES: Readonly<Record<string, string>> = {
  ack: `/ack ${ESCALATION}`,
  always: `/always ${REQUEST} exact 7d 5x`,
  answer: `/answer ${REQUEST} use the voucher`,
  approvals: '/approvals',
  approve: `/approve ${REQUEST}`,
  cancel: `/cancel ${REQUEST}`,
  confirm: '/confirm k7qmx4rt',
  coding: '/coding',
  delegate: `/delegate ${REQUEST} dana`,
  deny: `/deny ${REQUEST} not today`,
  'did-not-happen': `/did-not-happen ${REQUEST}`,
  edit: `/edit ${REQUEST} amount=40`,
  elevated: '/elevated',
  escalate: `/escalate ${ESCALATION}`,
  escalations: '/escalations',
  full: '/full',
  grants: '/grants revoke grt_1',
  handback: '/handback it is paid',
  happened: `/happened ${REQUEST}`,
  help: '/help',
  human: '/human it is urgent',
  link: '/link T2C9-7QKD',
  memory: '/memory off',
  messaging: '/messaging',
  minimal: '/minimal',
  new: '/new',
  pair: '/pair',
  question: `/question ${REQUEST} why?`,
  quiet: '/quiet',
  reasoning: '/reasoning',
  reassign: `/reassign ${REQUEST} dana`,
  release: `/release ${ESCALATION}`,
  reopen: `/reopen ${REQUEST}`,
  reply: `/reply ${REQUEST} because`,
  resolve: `/resolve ${ESCALATION}`,
  retry: `/retry ${REQUEST}`,
  say: `/say ${CONVERSATION} we are on it`,
  silent: '/silent',
  snooze: `/snooze ${ESCALATION} 1h`,
  status: '/status',
  stop: '/stop',
  takeover: `/takeover ${CONVERSATION}`,
  think: '/think',
  undo: `/undo ${REQUEST}`,
  unlink: '/unlink',
  verbose: '/verbose',
  withdraw: `/withdraw ${REQUEST}`,
};

/** In code in a sentence, and no command. */
const PATHS: ReadonlySet<string> = new Set(['proc', 'signalbox']);

/** What the core makes of a text, whichever mark stands in front of it; undefined for what the agent would read. */
function understood(text: string): Opening | ReturnType<typeof readMessageDirectives> {
  const opening = readOpening(text);
  if (!('text' in opening)) return opening;
  return opening.kind === 'message'
    ? readMessageDirectives(opening.text)
    : { ...opening, text: opening.text.trim().replace(/^[/!]/, '/') };
}

/** Words in code in the strings of a file; what is told of them in its comments is for those who read the code. */
function wordsNamedIn(source: string): string[] {
  const strings = source.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
  return [...strings.matchAll(/`\/([a-z][a-z-]*)(?=[\s`\\])/g)].flatMap(([, word]) => word ?? []);
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => join(folder, path));
}

/** What was shown in code. */
function codeIn(shown: string): string {
  const code = /`([^`]+)`/.exec(shown)?.[1];
  if (code === undefined) throw new Error(`nothing in code: ${shown}`);
  return code;
}

describe('the words of ours', () => {
  it('are known to the core, each of them', () => {
    for (const code of Object.values(EXAMPLES)) {
      expect([code, understood(code)]).not.toEqual([code, undefined]);
      expect([code, understood(code)]).toEqual([code, understood(`!${code.slice(1)}`)]);
    }
  });

  it('are all those that a sentence names', () => {
    const folders = ['src', 'gateways'].flatMap(filesBelow);
    const named = new Set(folders.flatMap((path) => wordsNamedIn(readFileSync(path, 'utf8'))));

    expect(named.size).toBeGreaterThan(30);
    for (const word of [...named].filter(
      (each) => !PATHS.has(each) && each !== 'signalbox' && each !== 'ask',
    )) {
      expect([word, commandIn(`/${word}`), EXAMPLES[word] !== undefined]).toEqual([
        word,
        { word, rest: '' },
        true,
      ]);
    }
  });

  it.each(['/var/log', '/status/health', '/handbacks', 'signalbox start', '!help', '/', '/unknown'])(
    'are not seen in “%s”, which is shown as it stands',
    (code) => {
      expect(typedWords(code)).toBe(code);
    },
  );

  it('in the menu of Discord are those that are registered there', () => {
    const registered = commandsFor(undefined).filter(({ type }) => type === 1);

    const names = registered.map(({ name }) => name);
    expect(Object.keys(EXAMPLES).filter((word) => isInMenu({ word, rest: '' }))).toEqual(
      names.filter((name) => name !== 'ask').toSorted(),
    );
    for (const command of registered) {
      const takesWords = 'options' in command && (command.options ?? []).length > 0;
      expect([command.name, isInMenu({ word: command.name, rest: 'more' })]).toEqual([
        command.name,
        takesWords,
      ]);
    }
  });
});

describe('in Slack', () => {
  let slack: SlackFixture;
  afterEach(async () => slack.close());

  const last = () => slack.messages().at(-1)!;

  it('every command that is named can be typed as it is shown', async () => {
    slack = await openSlack({ mode: 'http' });
    const to = slack.gateway.channelAddress('D0ALEX');

    for (const code of Object.values(EXAMPLES)) {
      await slack.send({ to, body: { kind: 'text', markdown: `**Write** \`${code}\`.` } });
      const shown = codeIn(slack.sandbox.messages('D0ALEX').at(-1)!.text);
      await (await slack.sandbox.dm({ user: 'U0ALEX', text: shown })).acknowledged;

      expect(shown).toMatch(/^!/); // Slack refuses a slash it does not know
      expect([shown, understood(last().text)]).toEqual([shown, understood(code)]);
    }
  });

  it.each(['text', 'notice'] as const)(
    'every command that a %s names where a command was typed can be typed as it is shown',
    async (kind) => {
      slack = await openSlack({ mode: 'http' });
      const type = async (text: string): Promise<InboundMessage> => {
        await slack.sandbox.command({ user: 'U0ALEX', channel: 'C0GENERAL', command: '/signalbox', text });
        return last();
      };

      // What links an account is typed from another one.
      for (const code of Object.values(EXAMPLES).filter((each) => !each.startsWith('/link'))) {
        const { replyTo, sender } = await type('status');
        const markdown = `**Write** \`${code}\`.`;
        const body = kind === 'text' ? { kind, markdown } : { kind, markdown, onlyFor: sender.account };
        await slack.send({ to: replyTo, body });
        const shown = codeIn(slack.sandbox.ephemerals('U0ALEX').at(-1)!.text);
        const { text } = await type(shown.replace(/^\/signalbox /, ''));

        expect(shown).toMatch(/^\/signalbox /);
        expect([shown, understood(text)]).toEqual([shown, understood(code)]);
      }
    },
  );
});

describe('in Discord', () => {
  let discord: DiscordFixture;
  afterEach(async () => discord.close());

  it('every command that is named can be typed as it is shown', async () => {
    discord = await openDiscord();
    const user = ALEX.discordUser;
    const fieldsOf = (word: string) =>
      commandsFor(undefined).flatMap((each) =>
        each.name === word && 'options' in each ? (each.options ?? []) : [],
      );

    const codes = Object.values(EXAMPLES);
    const markdown = codes.map((code) => `- \`${code}\``).join('\n');
    await discord.send({ to: inChannel(GENERAL.id), body: { kind: 'text', markdown } });
    const written = discord.sandbox.messages(GENERAL.id).map(({ content }) => content);
    const typed = written.join('\n').split('\n').map(codeIn);

    expect(typed).toHaveLength(codes.length);
    for (const [index, shown] of typed.entries()) {
      const code = codes[index]!;
      const before = discord.messages().length;
      const [, word = '', rest = ''] = /^\/(\S+)\s*(.*)$/.exec(shown) ?? [];
      if (shown.startsWith('/')) {
        // People fill the first field with what stands behind the name.
        const [field] = fieldsOf(word);
        const options = field && rest !== '' ? { [field.name]: rest } : {};
        await discord.sandbox.slash({ user, channel: GENERAL.id, command: word, options });
      } else {
        await discord.sandbox.say({ user, channel: GENERAL.id, text: `@signalbox ${shown}` });
      }
      const { text } = await discord.until(() => discord.messages()[before]);

      expect(shown).toMatch(/^[/!]/);
      expect([shown, understood(text)]).toEqual([shown, understood(code)]);
    }
  });
});
