/** Who and what exists in the sandbox's small world, the same on every start. */

export interface SandboxPerson {
  readonly name: string;
  readonly firstName: string;
  /** What they do in the story that the page tells. */
  readonly part: string;
  readonly slackUser: string;
  /** Their direct messages with the bot. */
  readonly slackDm: string;
  readonly mail: string;
  readonly discordUser: string;
  /** Their direct messages with the bot. */
  readonly discordDm: string;
  /** Atlassian account id. */
  readonly jiraAccount: string;
  /** Their program at the web gateway: the name of its client. */
  readonly webClient: string;
  /** The variable by which the gateway learns that program's token; without one, no gateway knows it. */
  readonly webTokenVariable: string | undefined;
}

export const TEAM = { id: 'T0SANDBOX', name: 'Sandbox', domain: 'sandbox' } as const;

/** The bot as each platform knows it. */
export const BOT = {
  name: 'signalbox',
  user: 'U0SIGNALBOX',
  botId: 'B0SIGNALBOX',
  app: 'A0SANDBOX',
  mail: 'signalbox@gateway.test',
  discordUser: '900000000000000001',
  /** Discord's application id; for a bot it is the id of its user. */
  discordApplication: '900000000000000001',
  jiraAccount: '70121:00000000-0000-4000-8000-000000000009',
} as const;

export const ALEX: SandboxPerson = {
  name: 'Alex Kim',
  firstName: 'Alex',
  part: 'asks',
  slackUser: 'U0ALEX',
  slackDm: 'D0ALEX',
  mail: 'alex@corp.test',
  discordUser: '900000000000000101',
  discordDm: '900000000000000201',
  jiraAccount: '70121:00000000-0000-4000-8000-000000000001',
  webClient: 'alex',
  webTokenVariable: 'WEB_TOKEN_ALEX',
};

export const DANA: SandboxPerson = {
  name: 'Dana Reyes',
  firstName: 'Dana',
  part: 'manager',
  slackUser: 'U0DANA',
  slackDm: 'D0DANA',
  mail: 'dana@corp.test',
  discordUser: '900000000000000102',
  discordDm: '900000000000000202',
  jiraAccount: '70121:00000000-0000-4000-8000-000000000002',
  webClient: 'dana',
  webTokenVariable: 'WEB_TOKEN_DANA',
};

/** A member of the Slack team whom no contacts file names. */
export const EVE: SandboxPerson = {
  name: 'Eve Stone',
  firstName: 'Eve',
  part: 'outsider',
  slackUser: 'U0EVE',
  slackDm: 'D0EVE',
  mail: 'eve@evil.test',
  discordUser: '900000000000000103',
  discordDm: '900000000000000203',
  jiraAccount: '70121:00000000-0000-4000-8000-000000000003',
  webClient: 'eve',
  webTokenVariable: undefined,
};

export const PEOPLE: readonly SandboxPerson[] = [ALEX, DANA, EVE];

export interface SandboxChannel {
  readonly id: string;
  readonly name: string;
  /** Slack delivers `message` events only from channels the bot has joined, and lets it post only there. */
  readonly botIsMember: boolean;
}

export const CHANNELS: readonly SandboxChannel[] = [
  { id: 'C0GENERAL', name: 'general', botIsMember: true },
  { id: 'C0OPS', name: 'ops', botIsMember: true },
  { id: 'C0LOUNGE', name: 'lounge', botIsMember: false },
];

/** Discord's guild. */
export const GUILD = { id: '900000000000000300', name: 'Sandbox' } as const;

/** Roles of the guild's members. */
export const GUILD_ROLES = [
  { id: '900000000000000401', name: 'Managers', members: [DANA.discordUser] },
  { id: '900000000000000402', name: 'Engineers', members: [ALEX.discordUser] },
] as const;

export const DISCORD_CHANNELS = [
  { id: '900000000000000501', name: 'general' },
  { id: '900000000000000502', name: 'ops' },
] as const;

/** Jira's project; approvals are asked in the issue that is made for them. */
export const PROJECT = { key: 'OPS', name: 'Operations', approvalIssue: 'OPS-1' } as const;
