/** A small, whole configuration for tests to change one thing in. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { ConfigError, type ConfigProblem } from '../../../src/config/config-error.ts';
import { type Config, type ConfigTexts, parseConfig } from '../../../src/config/load-config.ts';
import type { Environment } from '../../../src/config/references.ts';

/** Stand-ins for what gateways hand in: one with a credential, one with a nested server. */
export const gateways = {
  slack: z.strictObject({
    enabled: z.union([z.literal('auto'), z.boolean()]).default('auto'),
    bot_token: z.string().startsWith('xoxb-').optional(),
    retries: z.int().min(0).default(3),
  }),
  email: z.strictObject({
    smtp: z
      .strictObject({ host: z.string(), port: z.int().default(587), password: z.string().optional() })
      .optional(),
  }),
};

export type TestConfig = Config<typeof gateways>;

export function aConfig(change: Partial<ConfigTexts> = {}): ConfigTexts {
  return {
    purpose: 'name: Signalbox\npurpose: To help.\n',
    authorizations: `roles:
  member: { permissions: [ask] }
  manager: { permissions: [ask, approve] }
  operator: { permissions: [operate, config.change] }
rules:
  - name: large refunds
    tool: refund
    when: { amount: "> 50" }
    decision: ask
    approvers: { role: manager }
`,
    contacts: `people:
  alex:
    name: Alex Kim
    roles: [member]
    accounts: { slack: T0/U0ALEX }
  dana:
    name: Dana Reyes
    roles: [manager, operator]
    accounts: { slack: T0/U0DANA, email: Dana@Corp.test }
    prefers: [email, slack]
`,
    escalation: `# How long things wait.
policies:
  default:
    deadline: 24h # a day
    remind_after: [6h, 18h]
    warn_before: 10m
`,
    schedules: undefined,
    settings: '# Everything else.\nhttp:\n  port: 4000\n',
    ...change,
  };
}

export function parse(change: Partial<ConfigTexts> = {}, env: Environment = {}): TestConfig {
  return parseConfig(aConfig(change), { directory: 'config', env, gateways });
}

/** What is wrong with the configuration; fails when nothing is. */
export function problemsOf(change: Partial<ConfigTexts>, env: Environment = {}): readonly ConfigProblem[] {
  return errorOf(change, env).problems;
}

export function errorOf(change: Partial<ConfigTexts>, env: Environment = {}): ConfigError {
  try {
    parse(change, env);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('the configuration is valid');
}

/** A folder `config` with these files in it, in a folder of its own. */
export function aDirectory(change: Partial<ConfigTexts> = {}): string {
  const directory = join(mkdtempSync(join(tmpdir(), 'signalbox-')), 'config');
  mkdirSync(directory);
  writeTexts(directory, aConfig(change));
  return directory;
}

export function writeTexts(directory: string, texts: Partial<ConfigTexts>): void {
  const { calendars = {}, ...parts } = texts;
  for (const [part, text] of Object.entries(parts)) {
    if (text !== undefined) writeFileSync(join(directory, `${part}.yaml`), text);
  }
  for (const [name, text] of Object.entries(calendars)) writeFileSync(join(directory, name), text);
}
