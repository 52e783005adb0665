/** The list of gateways: which of them run, and what to get for the others. */
import type { Clock } from '../src/domain/clock.ts';
import type { Bookmarks, CheckFinding, ClientLog, Gateway, Places } from '../src/domain/gateway.ts';
import type { Logger } from '../src/observability/logger.ts';
import { missingFinding } from './discord/check.ts';
import { DiscordGateway } from './discord/gateway.ts';
import { EmailGateway } from './email/gateway.ts';
import { type GatewaysConfig, missingOf } from './gateway-settings.ts';
import { missingFinding as missingJiraFinding } from './jira/check.ts';
import { JiraGateway } from './jira/gateway.ts';
import { SlackGateway } from './slack/gateway.ts';
import { missingFinding as missingWebFinding } from './web/check.ts';
import { WebGateway } from './web/gateway.ts';
import type { WebhookListener } from './webhook-listener.ts';

export interface GatewayDeps {
  readonly listener: WebhookListener;
  readonly bookmarks: Bookmarks;
  readonly places: Places;
  readonly clientLog: ClientLog;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Those that are switched on: said so, or with credentials there and nothing said against it. */
export function createGateways(config: GatewaysConfig, deps: GatewayDeps): Gateway[] {
  const { slack, discord, jira, email, web } = config;
  const missing = missingOf(config);
  const log = (gateway: string) => deps.log.child({ gateway });
  const gateways: Gateway[] = [];
  if (isOn(slack.enabled, missing.slack)) {
    gateways.push(new SlackGateway(slack, { ...deps, log: log('slack') }));
  }
  if (isOn(discord.enabled, missing.discord)) {
    gateways.push(new DiscordGateway(discord, { ...deps, log: log('discord') }));
  }
  if (isOn(jira.enabled, missing.jira)) {
    gateways.push(new JiraGateway(jira, { ...deps, log: log('jira') }));
  }
  if (isOn(email.enabled, missing.email)) {
    gateways.push(new EmailGateway(email, { ...deps, log: log('email') }));
  }
  if (isOn(web.enabled, missing.web)) {
    gateways.push(new WebGateway(web, { ...deps, log: log('web') }));
  }
  return gateways;
}

/** The same as findings of `signalbox check`: what to get, and where to put it. */
export async function explainMissing(
  config: GatewaysConfig,
  deps: GatewayDeps,
): Promise<Readonly<Record<string, readonly CheckFinding[]>>> {
  const missing = missingOf(config);
  return {
    slack: missing.slack.length === 0 ? [] : await new SlackGateway(config.slack, deps).check(),
    discord: missing.discord.map(missingFinding),
    jira: missing.jira.map(missingJiraFinding),
    email: missing.email.map((setting) => ({
      subject: `E-mail ${setting}`,
      status: 'missing',
      detail: 'not set',
      remedy: EMAIL_REMEDIES[setting] ?? `Set gateways.email.${setting} in settings.yaml.`,
    })),
    web: missing.web.map(missingWebFinding),
  };
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
