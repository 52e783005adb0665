/** Which platforms the sandbox plays, and what they and the gateway have to know of each other. Pure. */
import type { gatewaySettings } from '../../gateways/gateway-settings.ts';
import { missingOf } from '../../gateways/gateway-settings.ts';
import type { WebhookListener } from '../../gateways/webhook-listener.ts';
import type { Config } from '../config/load-config.ts';
import type { Gateway } from '../domain/gateway.ts';
import { BOT, PEOPLE, PROJECT } from '../sandbox/people.ts';

/** What can be played. */
export type Played = 'slack' | 'discord' | 'jira' | 'email' | 'web' | 'claude';

/** The variables by which a platform is reached; a real one is told by the same. */
const VARIABLES: Readonly<Record<Played, RegExp>> = {
  slack: /^SLACK_/,
  discord: /^DISCORD_/,
  jira: /^JIRA_/,
  email: /^(SMTP|MAIL)_/,
  // Of the programs of the sandbox's people; a real program has a token of its own.
  web: /^WEB_TOKEN_/,
  claude: /^ANTHROPIC_/,
};

/**
 * Everything that is left to `auto` and has no credentials.
 *
 * Programs come along with a platform that is played, and never by themselves: a gateway whose platforms are real lets
 * nobody in whom its owner has not given a token.
 */
export function playedBySandbox({ settings }: Config<typeof gatewaySettings>): Played[] {
  const missing = missingOf(settings.gateways);
  const played: Played[] = [];
  for (const platform of ['slack', 'discord', 'jira', 'email'] as const) {
    const lacks = (missing[platform] ?? []).length > 0;
    if (settings.gateways[platform].enabled === 'auto' && lacks) played.push(platform);
  }
  const isOpen = (missing.web ?? []).length > 0 && settings.gateways.web.enabled === 'auto';
  if (played.length > 0 && isOpen) played.push('web');
  if (settings.model.provider === 'claude' && !settings.model.api_key) played.push('claude');
  return played;
}

/** The part of the sandbox's environment that stands for what it plays, and the shop, which has no real one. */
export function sandboxEnvironment(
  played: readonly Played[],
  env: Readonly<Record<string, string>>,
): Record<string, string> {
  const wanted = Object.entries(env).filter(
    ([name]) => name === 'SANDBOX_URL' || played.some((each) => VARIABLES[each].test(name)),
  );
  // Mail from the sandbox is delivered to the gateway directly, on whatever port is free.
  const listen = played.includes('email') ? { MAIL_LISTEN_PROTOCOL: 'smtp', MAIL_LISTEN_PORT: '0' } : {};
  return { ...Object.fromEntries(wanted), ...listen };
}

/**
 * The same for a process beside the one that has the sandbox: nothing connects by it, and it says all that is needed to
 * know where the sandbox's people are reached.
 */
export function environmentBeside(played: readonly Played[]): Record<string, string> {
  const tokens = PEOPLE.flatMap(({ webTokenVariable: name }) => (name ? [[name, unusable(name)]] : []));
  return sandboxEnvironment(played, {
    SLACK_BOT_TOKEN: unusable('xoxb-'),
    SLACK_APP_TOKEN: unusable('xapp-'),
    SLACK_SIGNING_SECRET: '0'.repeat(32),
    DISCORD_BOT_TOKEN: `${unusable('discord')}.a.b`,
    DISCORD_APPLICATION_ID: BOT.discordApplication,
    DISCORD_PUBLIC_KEY: '0'.repeat(64),
    JIRA_URL: 'https://jira.invalid',
    JIRA_EMAIL: BOT.mail,
    JIRA_API_TOKEN: unusable('jira'),
    JIRA_WEBHOOK_SECRET: unusable('jira'),
    JIRA_APPROVAL_ISSUE: PROJECT.approvalIssue,
    MAIL_ADDRESS: BOT.mail,
    SMTP_HOST: '127.0.0.1',
    ...Object.fromEntries(tokens),
  });
}

/** As long as a token has to be, unlike every other, and of no use. */
function unusable(name: string): string {
  return `${name}-of-another-process`.padEnd(40, '0');
}

export interface GatewayTargets {
  readonly smtp?: { readonly host: string; readonly port: number };
  readonly slackUrl?: string;
  readonly discordUrl?: string;
  readonly jiraUrl?: string;
  readonly webUrl?: string;
}

/** Where the sandbox finds the gateway. */
export function targetsOf(
  gateways: ReadonlyMap<string, Gateway>,
  listener: Pick<WebhookListener, 'url'>,
  { settings }: Config<typeof gatewaySettings>,
): GatewayTargets {
  const email = gateways.get('email');
  const listening = email && 'listening' in email ? (email.listening as GatewayTargets['smtp']) : undefined;
  const { slack, discord, jira, web } = settings.gateways;
  const calls = (platform: string, mode: boolean) => mode && gateways.has(platform);
  return {
    ...(listening ? { smtp: listening } : {}),
    ...(calls('slack', slack.mode === 'http') ? { slackUrl: `${listener.url}${slack.path}` } : {}),
    ...(calls('discord', discord.mode === 'http') ? { discordUrl: `${listener.url}${discord.path}` } : {}),
    ...(calls('jira', jira.mode === 'webhook') ? { jiraUrl: `${listener.url}${jira.path}` } : {}),
    ...(gateways.has('web') ? { webUrl: `${listener.url}${web.path}` } : {}),
  };
}
