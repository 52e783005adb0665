/** What `start` prints when everything runs: where it is, and what to try. Pure. */
import type { gatewaySettings } from '../../gateways/index.ts';
import type { Config } from '../config/load-config.ts';
import type { Played } from './sandbox-plan.ts';

export interface BannerFacts {
  readonly config: Config<typeof gatewaySettings>;
  /** Platforms that run. */
  readonly gateways: readonly string[];
  readonly sandboxUrl: string | undefined;
  readonly played: readonly Played[];
  /** The store is a server of our own. */
  readonly embedded: boolean;
}

const NAMES: Readonly<Record<string, string>> = {
  slack: 'Slack',
  email: 'E-mail',
  claude: 'Claude',
  cli: 'Terminal',
};

/** A platform as people say it. */
export function platformName(platform: string): string {
  return NAMES[platform] ?? platform;
}

export function banner({ config, gateways, sandboxUrl, played, embedded }: BannerFacts): string {
  const { settings, purpose } = config;
  const where = (name: Played | string) =>
    played.some((each) => each === name) ? 'played by the sandbox' : 'connected';
  const lines = [
    '',
    `  ${purpose.name} is ready.`,
    '',
    ...gateways.map((name) => `    ${pad(platformName(name))}${where(name)}`),
    `    ${pad('Model')}${played.includes('claude') ? 'a stand-in for Claude, played by the sandbox' : `${settings.model.provider} ${settings.model.name}`}`,
    `    ${pad('Store')}${embedded ? `own Redis, data in ${settings.redis.data_directory}/` : 'the Redis of REDIS_URL'}`,
    '',
  ];
  const help = sandboxUrl === undefined ? REAL : tryIt(sandboxUrl);
  return `${[...lines, ...help.map((line) => `  ${line}`), ''].join('\n')}\n`;
}

function tryIt(url: string): string[] {
  return [
    `Open ${url} and try it, no account needed:`,
    '  1. As Alex, write in #general:  @signalbox refund order 7',
    "  2. A card appears in the thread, and a mail in Dana's mailbox.",
    '  3. As Dana, reply to the mail with the line it names, e.g.  approve 7K4PX',
    '  4. Read the result in the thread; the ledger shows one refund.',
    '  5. Kill me at any moment and start me again: nothing is lost. Ctrl+C stops.',
  ];
}

const REAL = [
  'Mention the bot in a channel it was invited to. `signalbox check` tells what works. Ctrl+C stops.',
];

function pad(name: string): string {
  return `${name}:`.padEnd(10);
}
