/** What `signalbox check` says about Jira: what works, what is missing, and what to do about it. */
import type { CheckFinding } from '../../src/domain/gateway.ts';
import { type JiraClient, JiraCredentialError } from './client.ts';
import { flavourOf, type JiraSettings, missingJiraSettings } from './config.ts';

/** Permissions of the account, and what does not work without each. */
const NEEDED_PERMISSIONS: Readonly<Record<string, string>> = {
  BROWSE_PROJECTS: 'reading issues and comments',
  ADD_COMMENTS: 'answering',
  EDIT_OWN_COMMENTS: 'bringing cards up to date',
  CREATE_ATTACHMENTS: 'sending files',
};

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
    await checkPermissions(client),
    ...(settings.approval_issue === undefined
      ? [noApprovalIssue()]
      : [await checkIssue(client, settings.approval_issue)]),
    wayIn(settings),
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

async function checkPermissions(client: JiraClient): Promise<CheckFinding> {
  const subject = 'Jira permissions';
  try {
    const held = await client.permissions(Object.keys(NEEDED_PERMISSIONS));
    const lacking = Object.entries(NEEDED_PERMISSIONS).filter(([name]) => held.get(name) !== true);
    if (lacking.length === 0) return { subject, status: 'works', detail: 'all that are needed are granted' };
    return {
      subject,
      status: 'missing',
      detail: lacking.map(([name, use]) => `${name} (${use})`).join(', '),
      remedy:
        'Give the account a role with these permissions in the project ("Project settings", "People"), or change its permission scheme.',
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

function wayIn({ mode, path, poll }: JiraSettings): CheckFinding {
  return mode === 'poll'
    ? { subject: 'Jira news', status: 'works', detail: `asked for every ${poll.seconds} s` }
    : {
        subject: 'Jira webhooks',
        status: 'works',
        detail: `signed webhooks are expected at ${path}; only Jira can tell whether it reaches that address ("System", "WebHooks": events Comment created, updated, deleted, Issue created, updated, and the secret)`,
      };
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
