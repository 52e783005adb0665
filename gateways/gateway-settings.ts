/**
 * What each gateway is configured by, and what it lacks; apart from the gateways themselves, so that a command that only
 * reads the configuration loads none of their libraries.
 */
import { DiscordSettings, missingDiscordSettings } from './discord/config.ts';
import { EmailSettings, missingEmailSettings } from './email/config.ts';
import { JiraSettings, missingJiraSettings } from './jira/config.ts';
import { missingCredentials, SlackSettings } from './slack/config.ts';
import { missingWebSettings, WebSettings } from './web/config.ts';

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

/** What each switched-off or incomplete gateway lacks, for people who wonder why it does not run. */
export function missingOf({
  slack,
  discord,
  jira,
  email,
  web,
}: GatewaysConfig): Readonly<Record<keyof GatewaysConfig, readonly string[]>> {
  return {
    slack: missingCredentials(slack),
    discord: missingDiscordSettings(discord),
    jira: missingJiraSettings(jira),
    email: missingEmailSettings(email),
    web: missingWebSettings(web),
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
    const lacks = missing[name].length;
    return (
      { slack, discord, jira, email, web }[name].enabled === 'auto' &&
      lacks > 0 &&
      lacks < atFirst[name].length
    );
  };
  return new Set((['slack', 'discord', 'jira', 'email', 'web'] as const).filter(isBegun));
}
