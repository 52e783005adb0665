/** The settings of the Jira gateway. */
import { z } from 'zod';
import { isEncryptedOrLocal } from '../../src/domain/encryption.ts';
import { readUrl } from '../../src/domain/url.ts';

/** OM-190: the token would travel in the clear to anything but this machine. */
const SiteUrl = z.url().refine(isEncryptedOrLocal, 'must be https, or an address of this machine');

const ProjectKey = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{1,9}$/, 'a project key is 2 to 10 capital letters and digits');
const IssueKey = z.string().regex(/^[A-Z][A-Z0-9_]{1,9}-\d+$/, 'an issue key looks like OPS-12');

/** Less than a delivery is remembered at least (`retention.dedupe`, an hour): what is looked at again is known. */
const MOST_OVERLAP_MINUTES = 45;

const Settings = z.strictObject({
  /** `auto`: on when its credentials are there. */
  enabled: z.union([z.literal('auto'), z.boolean()]).default('auto'),
  /** Of the site, as people open it: https://example.atlassian.net, or https://jira.example.com. */
  url: SiteUrl.optional(),
  /** `auto`: Data Center when there is a personal token, Cloud otherwise. */
  flavour: z.enum(['auto', 'cloud', 'data-center']).default('auto'),
  /** Cloud: the address of the account that the API token belongs to. */
  email: z.string().min(3).optional(),
  /** Cloud. */
  api_token: z.string().min(8).optional(),
  /** Cloud, with a scoped token: the id of the cloud. Such tokens work at api.atlassian.com only. */
  cloud_id: z.string().min(8).optional(),
  /** Data Center: a personal access token. */
  personal_token: z.string().min(8).optional(),
  /** `webhook`: Jira calls us. `poll`: Jira is asked again and again, for networks that nobody can call into. */
  mode: z.enum(['webhook', 'poll']).default('webhook'),
  webhook_secret: z
    .string()
    .min(16, 'needs at least 16 characters: requests could not be told from forged ones')
    .optional(),
  /** Where Jira's webhooks arrive. */
  path: z.string().startsWith('/').default('/jira/webhook'),
  poll: z
    .strictObject({
      seconds: z.int().min(5).max(3_600).default(30).describe('Between two questions.'),
      overlap_minutes: z
        .int()
        .min(5)
        .max(MOST_OVERLAP_MINUTES)
        .default(10)
        .describe('Looked at again each time: searches see changes late, and to the minute.'),
    })
    .prefault({}),
  /** Everything in other projects is ignored, and out of reach of the tools. Absent: every project the account can see. */
  projects: z.array(ProjectKey).min(1).optional(),
  /** Where people who prefer Jira are asked for approvals. Absent: in the issue it is about, or elsewhere. */
  approval_issue: IssueKey.optional(),
  /** In service desks, answers are for agents only. */
  answers_internal: z.boolean().default(true),
  /** In an issue in which the agent has a part: somebody spoke to it there, or gave it the issue. */
  follow: z
    .enum(['mentions_only', 'every_comment'])
    .default('mentions_only')
    .describe('Which comments are spoken to it, in an issue in which it has been spoken to.'),
  /** In an issue that is assigned to the bot. The assignment itself is a task either way. */
  assigned: z
    .enum(['mentions_only', 'every_comment'])
    .default('mentions_only')
    .describe('Which comments are spoken to it, in an issue that is assigned to the bot.'),
  /** Apps that may speak to us, by account id; every other app is ignored. */
  bots: z.array(z.string()).default([]),
  /** How often those apps may speak in one issue before a person has to. */
  bot_turns: z.int().min(1).max(100).default(5),
  pace: z
    .strictObject({
      posts: z.int().min(1).max(1_000_000).default(10).describe('Comments and edits in one issue …'),
      seconds: z.int().min(1).max(3_600).default(3).describe('… within so many seconds.'),
    })
    .prefault({})
    .describe('Jira takes 20 writes to one issue in 2 s and 100 in 30 s, from everybody together.'),
});

export const JiraSettings = Settings.refine(
  (jira) => jira.enabled !== true || missingJiraSettings(jira).length === 0,
  {
    error:
      'is enabled but lacks credentials: url, email and api_token (Cloud) or personal_token (Data Center), and webhook_secret (webhook)',
  },
);
export type JiraSettings = z.infer<typeof JiraSettings>;

/** Names of the settings that are needed in this mode and not there. */
export function missingJiraSettings(jira: z.infer<typeof Settings>): string[] {
  const needed = [
    'url' as const,
    ...(flavourOf(jira) === 'cloud' ? (['email', 'api_token'] as const) : (['personal_token'] as const)),
    ...(jira.mode === 'webhook' ? (['webhook_secret'] as const) : []),
  ];
  return needed.filter((name) => !jira[name]);
}

export type Flavour = 'cloud' | 'data-center';

export function flavourOf({
  flavour,
  personal_token: token,
}: Pick<z.infer<typeof Settings>, 'flavour' | 'personal_token'>): Flavour {
  if (flavour !== 'auto') return flavour;
  return token === undefined ? 'cloud' : 'data-center';
}

/** Whether the token is one with scopes: such tokens work at an address of their own. */
export function hasScopes({
  cloud_id: id,
  url = '',
}: Pick<z.infer<typeof Settings>, 'cloud_id' | 'url'>): boolean {
  return id !== undefined || /\/ex\/jira\/[\w-]+\/?$/.test(url);
}

/** What tells this site from others in ids: its host. */
export function siteOf({ url = '' }: Pick<z.infer<typeof Settings>, 'url'>): string {
  return readUrl(url)?.hostname ?? 'nowhere';
}
