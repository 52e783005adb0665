/** The list of gateways: what each is configured by, and which of them run. */
import type { Clock } from '../src/domain/clock.ts';
import type { Bookmarks, CheckFinding, ClientLog, Gateway, Places } from '../src/domain/gateway.ts';
import type { Logger } from '../src/observability/logger.ts';
import { missingFinding } from './discord/check.ts';
import { DiscordSettings, missingDiscordSettings } from './discord/config.ts';
import { DiscordGateway } from './discord/gateway.ts';
import { EmailSettings, missingEmailSettings } from './email/config.ts';
import { EmailGateway } from './email/gateway.ts';
import { missingFinding as missingJiraFinding } from './jira/check.ts';
import { JiraSettings, missingJiraSettings } from './jira/config.ts';
import { JiraGateway } from './jira/gateway.ts';
import { missingCredentials, SlackSettings } from './slack/config.ts';
import { SlackGateway } from './slack/gateway.ts';
import { missingFinding as missingWebFinding } from './web/check.ts';
import { missingWebSettings, WebSettings } from './web/config.ts';
import { WebGateway } from './web/gateway.ts';
import type { WebhookListener } from './webhook-listener.ts';

/** One schema per gateway, by platform name; `settings.yaml` has a section for each. */
export const gatewaySettings = {
  slack: SlackSettings,
  discord: DiscordSettings,
  jira: JiraSettings,
  email: EmailSettings,
  web: WebSettings,
};

export interface GatewaysConfig {
  readonly slack: SlackSettings;
  readonly discord: DiscordSettings;
  readonly jira: JiraSettings;
  readonly email: EmailSettings;
  readonly web: WebSettings;
}

export interface GatewayDeps {
  readonly listener: WebhookListener;
  readonly bookmarks: Bookmarks;
  readonly places: Places;
  readonly clientLog: ClientLog;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Those that are switched on: said so, or with credentials there and nothing said against it. */
export function createGateways(
  { slack, discord, jira, email, web }: GatewaysConfig,
  deps: GatewayDeps,
): Gateway[] {
  const log = (gateway: string) => deps.log.child({ gateway });
  const gateways: Gateway[] = [];
  if (isOn(slack.enabled, missingCredentials(slack))) {
    gateways.push(new SlackGateway(slack, { ...deps, log: log('slack') }));
  }
  if (isOn(discord.enabled, missingDiscordSettings(discord))) {
    gateways.push(new DiscordGateway(discord, { ...deps, log: log('discord') }));
  }
  if (isOn(jira.enabled, missingJiraSettings(jira))) {
    gateways.push(new JiraGateway(jira, { ...deps, log: log('jira') }));
  }
  if (isOn(email.enabled, missingEmailSettings(email))) {
    gateways.push(new EmailGateway(email, { ...deps, log: log('email') }));
  }
  if (isOn(web.enabled, missingWebSettings(web))) {
    gateways.push(new WebGateway(web, { ...deps, log: log('web') }));
  }
  return gateways;
}

/** What each switched-off or incomplete gateway lacks, for people who wonder why it does not run. */
export function missingOf({
  slack,
  discord,
  jira,
  email,
  web,
}: GatewaysConfig): Readonly<Record<string, readonly string[]>> {
  return {
    slack: missingCredentials(slack),
    discord: missingDiscordSettings(discord),
    jira: missingJiraSettings(jira),
    email: missingEmailSettings(email),
    web: missingWebSettings(web),
  };
}

/** The same as findings of `signalbox check`: what to get, and where to put it. */
export async function explainMissing(
  config: GatewaysConfig,
  deps: GatewayDeps,
): Promise<Readonly<Record<string, readonly CheckFinding[]>>> {
  const missing = missingOf(config);
  return {
    slack: (missing.slack ?? []).length === 0 ? [] : await new SlackGateway(config.slack, deps).check(),
    discord: (missing.discord ?? []).map(missingFinding),
    jira: (missing.jira ?? []).map(missingJiraFinding),
    email: (missing.email ?? []).map((setting) => ({
      subject: `E-mail ${setting}`,
      status: 'missing',
      detail: 'not set',
      remedy: EMAIL_REMEDIES[setting] ?? `Set gateways.email.${setting} in settings.yaml.`,
    })),
    web: (missing.web ?? []).map(missingWebFinding),
  };
}

/** Platforms with some of what they need: somebody has begun to set them up. Switched off, one is as it should be. */
export function begunIn(config: GatewaysConfig): ReadonlySet<string> {
  const { slack, discord, jira, email, web } = config;
  const missing = missingOf(config);
  const atFirst = missingOf({
    slack: SlackSettings.parse({ mode: slack.mode }),
    discord: DiscordSettings.parse({ mode: discord.mode }),
    jira: JiraSettings.parse({ mode: jira.mode }),
    email: EmailSettings.parse({}),
    web: WebSettings.parse({}),
  });
  const isBegun = (name: keyof GatewaysConfig) => {
    const lacks = missing[name]?.length ?? 0;
    return (
      { slack, discord, jira, email, web }[name].enabled === 'auto' &&
      lacks > 0 &&
      lacks < (atFirst[name]?.length ?? 0)
    );
  };
  return new Set((['slack', 'discord', 'jira', 'email', 'web'] as const).filter(isBegun));
}

const EMAIL_REMEDIES: Readonly<Record<string, string>> = {
  address: 'Set MAIL_ADDRESS to the address people are to write to; it needs a mailbox of its own.',
  smtp: 'Set SMTP_HOST, SMTP_USER and SMTP_PASSWORD to the server that sends for this address; its provider names them.',
  'inbound.imap or inbound.listen':
    'Set IMAP_HOST, IMAP_USER and IMAP_PASSWORD to read that mailbox, or MAIL_LISTEN_PORT to have a mail server deliver here.',
};

function isOn(enabled: boolean | 'auto', missing: readonly string[]): boolean {
  return enabled === 'auto' ? missing.length === 0 : enabled;
}
