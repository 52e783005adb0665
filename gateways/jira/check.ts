/** What `signalbox check` says about Jira: what works, what is missing, and what to do about it. */
import type { CheckFinding } from '../../src/domain/gateway.ts';
import { type JiraClient, JiraCredentialError } from './client.ts';
import { type Flavour, flavourOf, type JiraSettings, missingJiraSettings } from './config.ts';
import type { JiraWebhook } from './schema.ts';

/** Permissions of the account, and what does not work without each. */
const NEEDED_PERMISSIONS: Readonly<Record<string, string>> = {
  BROWSE_PROJECTS: 'reading issues and comments',
  ADD_COMMENTS: 'answering',
  EDIT_OWN_COMMENTS: 'bringing cards up to date',
  CREATE_ATTACHMENTS: 'sending files',
};

/** Permissions without which a tool of the agent is refused by Jira. */
const TOOL_PERMISSIONS: Readonly<Record<string, string>> = {
  CREATE_ISSUES: 'jira_create_issue',
  TRANSITION_ISSUES: 'jira_transition',
  ASSIGN_ISSUES: 'jira_assign',
  LINK_ISSUES: 'jira_link',
};

/**
 * Events that have to come in, and what they are called where they are ticked. Data Center tells of comments as
 * updates of their issue.
 */
const NEEDED_EVENTS: Readonly<Record<Flavour, Readonly<Record<string, string>>>> = {
  cloud: {
    'jira:issue_created': 'Issue: created',
    'jira:issue_updated': 'Issue: updated',
    comment_created: 'Comment: created',
    comment_updated: 'Comment: updated',
    comment_deleted: 'Comment: deleted',
  },
  'data-center': {
    'jira:issue_created': 'Issue: created',
    'jira:issue_updated': 'Issue: updated',
  },
};

/** The page on which administrators enter webhooks. */
const WEBHOOK_PAGE = '"System", "WebHooks"';

/** Scopes of a scoped token (developer.atlassian.com, "Jira scopes"). */
const SCOPES = 'read:jira-work, write:jira-work and read:jira-user';

const WHERE_TO_GET: Readonly<Record<string, string>> = {
  url: 'Set JIRA_URL to the address of your site, such as https://example.atlassian.net.',
  email: 'Set JIRA_EMAIL to the address of the account that is to answer; make one for the bot alone.',
  api_token: `As that account open https://id.atlassian.com/manage-profile/security/api-tokens, create a token and set JIRA_API_TOKEN to it. A token with scopes needs ${SCOPES}, and JIRA_CLOUD_ID.`,
  personal_token:
    'In Jira, under your profile, "Personal Access Tokens", create one and set JIRA_PERSONAL_TOKEN to it.',
  webhook_secret:
    'Make up at least 16 characters, set JIRA_WEBHOOK_SECRET to them, and enter the same under "Secret" of the webhook in Jira. Without a way in from Jira, set JIRA_MODE=poll instead.',
};

export function missingFinding(setting: string): CheckFinding {
  return {
    subject: `Jira ${setting.replaceAll('_', ' ')}`,
    status: 'missing',
    detail: `${setting} is not set`,
    remedy: WHERE_TO_GET[setting] ?? `Set gateways.jira.${setting} in settings.yaml.`,
  };
}

/** Never throws. */
export async function checkJira(settings: JiraSettings, client: JiraClient): Promise<CheckFinding[]> {
  const missing = missingJiraSettings(settings);
  if (missing.length > 0) return missing.map(missingFinding);
  const account = await checkAccount(settings, client);
  if (account.status !== 'works') return [account];
  return [
    account,
    ...(await checkPermissions(client, settings.projects)),
    ...(settings.approval_issue === undefined
      ? [noApprovalIssue()]
      : [await checkIssue(client, settings.approval_issue)]),
    await checkWayIn(settings, client),
  ];
}

async function checkAccount(settings: JiraSettings, client: JiraClient): Promise<CheckFinding> {
  const subject = 'Jira account';
  try {
    const { displayName = 'somebody', accountId, key } = await client.whoAmI();
    return {
      subject,
      status: 'works',
      detail: `signed in as ${displayName} (${accountId ?? key ?? 'without an id'})`,
    };
  } catch (error) {
    const token = flavourOf(settings) === 'cloud' ? 'api_token' : 'personal_token';
    return failure(subject, error, WHERE_TO_GET[token] ?? '');
  }
}

/** In each project that is configured; where none is, what is granted in any at all. */
async function checkPermissions(
  client: JiraClient,
  projects: readonly string[] = [],
): Promise<CheckFinding[]> {
  const places = projects.length === 0 ? [undefined] : projects;
  return Promise.all(places.map((project) => checkPermissionsIn(client, project)));
}

async function checkPermissionsIn(client: JiraClient, project: string | undefined): Promise<CheckFinding> {
  const subject = project === undefined ? 'Jira permissions' : `Jira permissions in ${project}`;
  const names = [...Object.keys(NEEDED_PERMISSIONS), ...Object.keys(TOOL_PERMISSIONS)];
  try {
    const held = await client.permissions(names, project);
    const lacking = Object.entries(NEEDED_PERMISSIONS).filter(([name]) => held.get(name) !== true);
    if (lacking.length > 0) {
      return {
        subject,
        status: 'missing',
        detail: lacking.map(([name, use]) => `${name} (${use})`).join(', '),
        remedy:
          'Give the account a role with these permissions in the project ("Project settings", "People"), or change its permission scheme.',
      };
    }
    const refused = Object.entries(TOOL_PERMISSIONS).filter(([name]) => held.get(name) !== true);
    const tools = refused.map(([name, tool]) => `${tool} (${name})`).join(', ');
    const detail = 'all that are needed are granted';
    return {
      subject,
      status: 'works',
      detail: tools === '' ? detail : `${detail}; Jira will refuse ${tools}`,
    };
  } catch (error) {
    return failure(subject, error, 'The account must be able to see at least one project.');
  }
}

async function checkIssue(client: JiraClient, key: string): Promise<CheckFinding> {
  const subject = 'Jira approval issue';
  try {
    const issue = await client.issue(key, ['summary']);
    return { subject, status: 'works', detail: `${issue.key}: ${issue.fields.summary ?? ''}` };
  } catch (error) {
    return failure(
      subject,
      error,
      `Set JIRA_APPROVAL_ISSUE to an issue that the account and every approver can see and comment on; ${key} is none.`,
    );
  }
}

function noApprovalIssue(): CheckFinding {
  return {
    subject: 'Jira approval issue',
    status: 'works',
    detail:
      'none is set, so people are asked in the issue it is about, or on another platform; JIRA_APPROVAL_ISSUE names one where they are asked directly',
  };
}

async function checkWayIn(settings: JiraSettings, client: JiraClient): Promise<CheckFinding> {
  const { mode, path, poll } = settings;
  if (mode === 'poll') {
    return { subject: 'Jira news', status: 'works', detail: `asked for every ${poll.seconds} s` };
  }
  const flavour = flavourOf(settings);
  try {
    const webhooks = await client.webhooks();
    return webhooks === undefined ? unseenWebhooks(path, flavour) : judgeWebhooks(webhooks, path, flavour);
  } catch (error) {
    return failure(WEBHOOKS, error, `Look at ${WEBHOOK_PAGE} yourself: ${whatToEnter(path, flavour)}.`);
  }
}

const WEBHOOKS = 'Jira webhooks';

/** For an account that is no administrator: nothing is wrong, and nothing is known. */
function unseenWebhooks(path: string, flavour: Flavour): CheckFinding {
  return {
    subject: WEBHOOKS,
    status: 'works',
    detail: `signed webhooks are expected at ${path}; only an administrator of Jira sees whether one points there (${WEBHOOK_PAGE}: ${whatToEnter(path, flavour)})`,
  };
}

/** What the list of webhooks says about the way in. Several may share the events among them. */
export function judgeWebhooks(
  webhooks: readonly JiraWebhook[],
  path: string,
  flavour: Flavour,
): CheckFinding {
  const ours = webhooks.filter(({ url }) => pathOf(url).endsWith(path));
  if (ours.length === 0) {
    return {
      subject: WEBHOOKS,
      status: 'missing',
      detail: `none of the ${webhooks.length} webhooks in Jira points to an address that ends with ${path}`,
      remedy: `As an administrator of Jira open ${WEBHOOK_PAGE}, "Create a WebHook", and enter ${whatToEnter(path, flavour)}.`,
    };
  }
  const working = ours.filter(({ enabled, excludeBody }) => enabled && !excludeBody);
  const told = new Set(working.flatMap(({ events }) => events));
  const lacking = Object.entries(NEEDED_EVENTS[flavour]).filter(([event]) => !told.has(event));
  if (lacking.length === 0) {
    const detail = working.map(describe).join(' and ');
    return { subject: WEBHOOKS, status: 'works', detail: `${detail} for all that is needed` };
  }
  const faults = working.length > 0 ? [lacksEvents(working, lacking)] : ours.map(faultOf);
  return {
    subject: WEBHOOKS,
    status: 'missing',
    detail: faults.map(({ detail }) => detail).join('; '),
    remedy: `As an administrator of Jira open ${WEBHOOK_PAGE} and ${faults.map(({ mend }) => mend).join('; ')}.`,
  };
}

interface Fault {
  readonly detail: string;
  /** Goes on after "open the page and". */
  readonly mend: string;
}

function lacksEvents(webhooks: readonly JiraWebhook[], lacking: readonly [string, string][]): Fault {
  const names = webhooks.map(({ name }) => `"${name}"`).join(', ');
  return {
    detail: `${webhooks.map(describe).join(' and ')}, but not for ${lacking.map(([event]) => event).join(', ')}`,
    mend: `tick ${lacking.map(([, label]) => `"${label}"`).join(', ')} in ${names}`,
  };
}

function faultOf({ name, url, enabled, excludeBody }: JiraWebhook): Fault {
  const faults = [
    ...(enabled ? [] : [{ is: 'is disabled', mend: 'enable it' }]),
    ...(excludeBody ? [{ is: 'leaves out the body', mend: 'switch "Exclude body" off' }] : []),
  ];
  return {
    detail: `"${name}", which points to ${shown(url)}, ${faults.map(({ is }) => is).join(' and ')}`,
    mend: `edit "${name}": ${faults.map(({ mend }) => mend).join(', ')}`,
  };
}

function describe({ name, url, isLimited }: JiraWebhook): string {
  return `"${name}" calls ${shown(url)}${isLimited ? ', for the issues that match its JQL only,' : ''}`;
}

function whatToEnter(path: string, flavour: Flavour): string {
  const labels = Object.values(NEEDED_EVENTS[flavour]).map((label) => `"${label}"`);
  return `the address of this server with ${path}, the secret JIRA_WEBHOOK_SECRET, the events ${labels.join(', ')}, and "Exclude body" off`;
}

/** Without what may be secret in it: a password, or a query. */
function shown(url: string): string {
  return URL.canParse(url) ? new URL(url).origin + new URL(url).pathname : 'an address that cannot be read';
}

function pathOf(url: string): string {
  return URL.canParse(url) ? new URL(url).pathname : '';
}

function failure(subject: string, error: unknown, remedy: string): CheckFinding {
  const detail = error instanceof Error ? error.message : String(error);
  const isOurs = error instanceof JiraCredentialError || /will not take|answered/.test(detail);
  return {
    subject,
    status: 'failed',
    detail,
    remedy: isOurs ? remedy : 'Check JIRA_URL, and that this machine can reach Jira (proxy, firewall).',
  };
}
