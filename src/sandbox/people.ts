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
}

export const TEAM = { id: 'T0SANDBOX', name: 'Sandbox', domain: 'sandbox' } as const;

/** The bot as Slack and as mail know it. */
export const BOT = {
  name: 'signalbox',
  user: 'U0SIGNALBOX',
  botId: 'B0SIGNALBOX',
  app: 'A0SANDBOX',
  mail: 'signalbox@gateway.test',
} as const;

export const ALEX: SandboxPerson = {
  name: 'Alex Kim',
  firstName: 'Alex',
  part: 'asks',
  slackUser: 'U0ALEX',
  slackDm: 'D0ALEX',
  mail: 'alex@corp.test',
};

export const DANA: SandboxPerson = {
  name: 'Dana Reyes',
  firstName: 'Dana',
  part: 'manager',
  slackUser: 'U0DANA',
  slackDm: 'D0DANA',
  mail: 'dana@corp.test',
};

/** A member of the Slack team whom no contacts file names. */
export const EVE: SandboxPerson = {
  name: 'Eve Stone',
  firstName: 'Eve',
  part: 'outsider',
  slackUser: 'U0EVE',
  slackDm: 'D0EVE',
  mail: 'eve@evil.test',
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
