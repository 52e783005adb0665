/** What `start` prints when everything runs: where it is, what is missing, and what to try. Pure. */
import { missingOf } from '../../gateways/gateway-settings.ts';
import type { GatewayConfig } from './prepare.ts';
import type { Played } from './sandbox-plan.ts';

export interface BannerFacts {
  readonly config: GatewayConfig;
  /** Platforms that run. */
  readonly gateways: readonly string[];
  readonly sandboxUrl: string | undefined;
  readonly played: readonly Played[];
  /** The store is a server of our own. */
  readonly embedded: boolean;
}

const NAMES: Readonly<Record<string, string>> = {
  slack: 'Slack',
  discord: 'Discord',
  jira: 'Jira',
  email: 'E-mail',
  web: 'Web',
  claude: 'Claude',
  cli: 'Terminal',
};

/** A platform as people say it. */
export function platformName(platform: string): string {
  return NAMES[platform] ?? platform;
}

export function banner(facts: BannerFacts): string {
  const { config, gateways, sandboxUrl, played, embedded } = facts;
  const { settings, purpose } = config;
  const isPlayed = (name: string) => played.some((each) => each === name);
  const lines = [
    '',
    `  ${purpose.name} is ready.`,
    '',
    ...gateways.map(
      (name) => `    ${pad(platformName(name))}${isPlayed(name) ? 'played by the sandbox' : 'connected'}`,
    ),
    `    ${pad('Model')}${modelOf(config, isPlayed('claude'))}`,
    `    ${pad('Store')}${embedded ? `own Redis, data in ${settings.redis.data_directory}/` : 'the Redis of REDIS_URL'}`,
    '',
  ];
  const help = (sandboxUrl === undefined ? undefined : tryIt(sandboxUrl, played)) ?? whatToDo(gateways);
  return `${[...lines, ...[...help, ...missing(facts)].map((line) => `  ${line}`), ''].join('\n')}\n`;
}

function modelOf({ settings: { model } }: GatewayConfig, isPlayed: boolean): string {
  if (isPlayed) return 'a stand-in for Claude, played by the sandbox';
  if (model.provider === 'echo') return 'none: the echo model repeats what it is told';
  return model.api_key ? `Claude (${model.name})` : 'none: there is no API key, so nothing is answered';
}

/** How the story is told on a platform: who asks where, what is to be seen, and how Dana answers there. */
interface Stage {
  readonly ask: string;
  readonly seen: string;
  readonly answer: string;
  readonly result: string;
}

/** Best first. */
const STAGES: readonly (readonly [Played, Stage])[] = [
  [
    'slack',
    {
      ask: 'As Alex, write in #general:  @signalbox refund order 7',
      seen: 'A card appears in the thread',
      answer: 'As Dana, press Approve on the card.',
      result: 'in the thread',
    },
  ],
  [
    'discord',
    {
      ask: 'On the tab Discord, as Alex, write in #general:  /ask refund order 7',
      seen: 'A card appears there',
      answer: 'As Dana, press Approve on the card.',
      result: 'below the card',
    },
  ],
  [
    'jira',
    {
      ask: 'On the tab Jira, as Alex, comment on OPS-2:  @signalbox refund order 7',
      seen: 'A comment of the bot asks for a yes',
      answer: 'As Dana, comment with the line it names:  approve …',
      result: 'in the next comment',
    },
  ],
  [
    'email',
    {
      ask: "In Alex's mailbox press Write, and send:  refund order 7",
      seen: 'Alex is told that it waits',
      answer: '',
      result: "in Alex's mailbox",
    },
  ],
];

/** Undefined when the sandbox plays nothing that people write on. */
function tryIt(url: string, played: readonly Played[]): string[] | undefined {
  const [, stage] = STAGES.find(([platform]) => played.includes(platform)) ?? [];
  if (!stage) return undefined;
  const byMail = played.includes('email');
  return [
    `Open ${url} and try it, no account needed:`,
    `  1. ${stage.ask}`,
    `  2. ${stage.seen}${byMail ? ", and a mail in Dana's mailbox" : ''}.`,
    `  3. ${byMail ? 'As Dana, reply to the mail with the line it names, e.g.  approve 7K4PX' : stage.answer}`,
    `  4. Read the result ${stage.result}; the ledger shows one refund.`,
    '  5. Kill me at any moment and start me again: nothing is lost. Ctrl+C stops.',
  ];
}

function whatToDo(gateways: readonly string[]): string[] {
  const ways = [
    ...(gateways.includes('slack') ? ['Mention the bot in a Slack channel it was invited to.'] : []),
    ...(gateways.includes('discord') ? ['Use /ask on Discord.'] : []),
    ...(gateways.includes('jira') ? ['Mention it in a comment in Jira.'] : []),
    ...(gateways.includes('email') ? ['Write it a mail.'] : []),
    ...(gateways.length === 0 ? ['No platform is connected.'] : []),
    '`signalbox chat` talks to it here. Ctrl+C stops.',
  ];
  return [ways.join(' ')];
}

/** In one line: what has no credentials yet, and who tells how to get them. */
function missing({ config, played }: BannerFacts): string[] {
  const { gateways, model } = config.settings;
  const off = Object.entries(missingOf(gateways))
    // A way in for programs is something to want, not something that is missing.
    .filter(([platform, lacks]) => lacks.length > 0 && platform !== 'web')
    .map(([platform]) => platform);
  if (model.provider === 'claude' && !model.api_key) off.push('claude');
  const names = [...new Set([...played, ...off])].map(platformName);
  if (names.length === 0) return [];
  return [`Without credentials: ${names.join(', ')}. \`signalbox check\` says which, and how to get them.`];
}

function pad(name: string): string {
  return `${name}:`.padEnd(10);
}
