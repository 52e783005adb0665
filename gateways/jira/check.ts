/**
 * What `signalbox check` says about Jira: what works, what is missing, and what to do about it.
 *
 * Told apart: a token that is wrong (401), one that lacks a scope (401 with a sentence), an account that may not do
 * something (403, and each permission by name), and an address at which there is nothing (404). What Jira does not
 * show, such as the secret of a webhook, is said to be unknown.
 */
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { CheckFinding } from '../../src/domain/gateway.ts';
import type { AccountId } from '../../src/domain/ids.ts';
import { networkTrouble } from '../../src/observability/network-trouble.ts';
import type { LastRequest } from '../last-request.ts';
import { hiddenProject, judgeApprovalIssue, judgePermissions, PERMISSION_KEYS } from './check-permissions.ts';
import { AGENT_PERMISSION, judgeServiceDesk } from './check-service-desks.ts';
import {
  type CameIn,
  judgeArrival,
  judgeWebhooks,
  unlistedWebhooks,
  WEBHOOK_PAGE,
  WEBHOOKS,
  whatToEnter,
} from './check-webhooks.ts';
import type { JiraClient } from './client.ts';
import { flavourOf, hasScopes, type JiraSettings, missingJiraSettings } from './config.ts';
import { JiraCredentialError, JiraHttpError, JiraScopeError } from './http-error.ts';

/** Scopes of a scoped token (developer.atlassian.com, "Jira scopes"), and what does not work without each. */
const SCOPES = {
  'read:jira-user': 'knowing who the bot and the people are',
  'read:jira-work': 'reading issues and comments',
  'write:jira-work': 'answering, sending files, changing issues',
} as const;

const SCOPE_NAMES = 'read:jira-work, write:jira-work and read:jira-user';
/** Service desks that are looked at: each is a question of its own. */
const MOST_DESKS = 10;
const TOKEN_PAGE = 'https://id.atlassian.com/manage-profile/security/api-tokens';

const WHERE_TO_GET: Readonly<Record<string, string>> = {
  url: 'Set JIRA_URL to the address of your site, such as https://example.atlassian.net.',
  email: 'Set JIRA_EMAIL to the address of the account that is to answer; make one for the bot alone.',
  api_token: `As that account open ${TOKEN_PAGE}, create a token and set JIRA_API_TOKEN to it. A token with scopes needs ${SCOPE_NAMES}, and JIRA_CLOUD_ID.`,
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

/** What is known beside the settings and what Jira says. */
export interface Circumstances {
  /** The webhooks that came in. */
  readonly lastWebhook: Pick<LastRequest, 'read'>;
  /** Accounts of approvers who cannot be asked about what comes from elsewhere. */
  readonly unreached: readonly AccountId[];
}

/** Never throws. */
export async function checkJira(
  settings: JiraSettings,
  client: JiraClient,
  circumstances: Circumstances,
): Promise<CheckFinding[]> {
  const missing = missingJiraSettings(settings);
  if (missing.length > 0) return missing.map(missingFinding);
  const account = await checkAccount(settings, client);
  if (account.status === 'failed') return [account];
  const scopes = hasScopes(settings) ? await checkScopes(client) : [];
  const findings = [account, ...scopes];
  // Everything else would say no more than this, in other words.
  if (findings.some(({ status }) => status !== 'works')) return findings;
  return [
    ...findings,
    ...(await checkPermissions(settings, client)),
    ...(await checkServiceDesks(settings, client)),
    ...(await checkApprovalIssue(settings, client, circumstances)),
    ...(await checkWayIn(settings, client, circumstances)),
  ];
}

async function checkAccount(settings: JiraSettings, client: JiraClient): Promise<CheckFinding> {
  const subject = 'Jira account';
  try {
    const { displayName = 'somebody', accountId, key } = await client.whoAmI();
    const detail = `signed in as ${displayName} (${accountId ?? key ?? 'without an id'})`;
    return { subject, status: 'works', detail };
  } catch (error) {
    if (error instanceof JiraScopeError) {
      return { subject, status: 'works', detail: 'the token is accepted, and may not say whose it is' };
    }
    return failure(subject, error, signInRemedy(settings, statusOf(error)));
  }
}

function signInRemedy(settings: JiraSettings, status: number | undefined): string {
  const isCloud = flavourOf(settings) === 'cloud';
  if (status !== undefined && status >= 500) {
    return `Jira itself, or a proxy before it, is in trouble: try again later${isCloud ? ', and see https://status.atlassian.com' : ''}.`;
  }
  switch (status) {
    case 403:
      return isCloud
        ? 'The token is right, but its account may not use this Jira: at https://admin.atlassian.com, "Users", give it access to Jira.'
        : 'The token is right, but its account may not use this Jira: in "System", "Application access", give a group of it access; if Jira wants a captcha, sign in once as it in a browser.';
    case 404:
      return hasScopes(settings)
        ? `There is no site with this id: set JIRA_CLOUD_ID to what ${siteUrl(settings)}/_edge/tenant_info shows.`
        : 'There is no Jira at this address: set JIRA_URL to the address of its pages, with the path it lives under, such as https://example.com/jira.';
    default: {
      const remedy = WHERE_TO_GET[isCloud ? 'api_token' : 'personal_token'] ?? '';
      return hasScopes(settings)
        ? `${remedy} JIRA_CLOUD_ID must be that of the site: ${siteUrl(settings)}/_edge/tenant_info shows it.`
        : remedy;
    }
  }
}

/** Each by something that needs it. Nothing is changed: what is to be taken away is not there. */
async function checkScopes(client: JiraClient): Promise<CheckFinding[]> {
  const trials = {
    'read:jira-user': () => client.whoAmI(),
    'read:jira-work': () => client.permissions(PERMISSION_KEYS),
    'write:jira-work': () => client.tryToWrite(),
  } as const;
  const names = ['read:jira-user', 'read:jira-work', 'write:jira-work'] as const;
  return Promise.all(names.map((scope) => checkScope(scope, trials[scope])));
}

async function checkScope(
  scope: keyof typeof SCOPES,
  attempt: () => Promise<unknown>,
): Promise<CheckFinding> {
  const subject = `Jira scope ${scope}`;
  try {
    await attempt();
    return { subject, status: 'works', detail: `granted: ${SCOPES[scope]}` };
  } catch (error) {
    if (!(error instanceof JiraScopeError)) {
      return failure(subject, error, 'Run `signalbox check` again; Jira did not answer as it should.');
    }
    return {
      subject,
      status: 'missing',
      detail: `the token has not this scope: no ${SCOPES[scope]}`,
      remedy: `The scopes of a token cannot be changed: as that account open ${TOKEN_PAGE}, create another with ${SCOPE_NAMES}, and set JIRA_API_TOKEN to it.`,
    };
  }
}

/** In each project that is configured; where none is, what is granted in any at all. */
async function checkPermissions(settings: JiraSettings, client: JiraClient): Promise<CheckFinding[]> {
  const projects: readonly (string | undefined)[] = settings.projects ?? [undefined];
  const found = projects.map((project) => checkPermissionsIn(settings, client, project));
  return (await Promise.all(found)).flat();
}

async function checkPermissionsIn(
  settings: JiraSettings,
  client: JiraClient,
  project: string | undefined,
): Promise<CheckFinding[]> {
  const site = siteUrl(settings);
  const inOne = project === undefined ? {} : { project };
  try {
    return judgePermissions(await client.permissions(PERMISSION_KEYS, inOne), { site, ...inOne });
  } catch (error) {
    if (project !== undefined && statusOf(error) === 404) return [hiddenProject(site, project)];
    return [failure('Jira permissions', error, 'The account must be able to see at least one project.')];
  }
}

/** Those that are configured; where nothing is, those that are in sight. */
async function checkServiceDesks(settings: JiraSettings, client: JiraClient): Promise<CheckFinding[]> {
  const { projects, answers_internal: answersInternal } = settings;
  try {
    const seen = await client.serviceDesks();
    const desks = seen.filter((project) => projects === undefined || projects.includes(project));
    return await Promise.all(
      desks.slice(0, MOST_DESKS).map(async (project) => {
        const held = await client.permissions([AGENT_PERMISSION], { project });
        const isAgent = held.get(AGENT_PERMISSION) === true;
        return judgeServiceDesk({ project, isAgent, isConfigured: projects !== undefined }, answersInternal);
      }),
    );
  } catch (error) {
    return [
      failure('Jira service desks', error, 'Run `signalbox check` again; Jira did not answer as it should.'),
    ];
  }
}

async function checkApprovalIssue(
  settings: JiraSettings,
  client: JiraClient,
  { unreached }: Circumstances,
): Promise<CheckFinding[]> {
  const subject = 'Jira approval issue';
  const { approval_issue: key } = settings;
  if (key === undefined && unreached.length > 0) {
    return [
      {
        subject,
        status: 'missing',
        detail: `JIRA_APPROVAL_ISSUE is missing: nobody can ask ${unreached.join(', ')} about what comes from another platform`,
        remedy:
          'Make one issue that the account and these approvers can see and comment on, and set JIRA_APPROVAL_ISSUE to its key, such as OPS-1; or give them an account on another platform in contacts.yaml.',
      },
    ];
  }
  if (key === undefined) {
    const detail =
      'none is set, so people are mentioned in the issue it is about, or asked on another platform; JIRA_APPROVAL_ISSUE names one where they are asked about everything';
    return [{ subject, status: 'works', detail }];
  }
  try {
    const issue = await client.issue(key, ['summary']);
    const held = await client.permissions(PERMISSION_KEYS, { issue: key });
    const project = key.slice(0, key.lastIndexOf('-'));
    const missing = judgeApprovalIssue(held, { site: siteUrl(settings), project });
    if (missing.length > 0) return missing;
    return [{ subject, status: 'works', detail: `${issue.key}: ${issue.fields.summary ?? ''}` }];
  } catch (error) {
    const remedy = `Set JIRA_APPROVAL_ISSUE to an issue that the account and every approver can see and comment on; ${key} is none. Where issues are for some people only, the security level of the issue must let the account in.`;
    return [failure(subject, error, remedy)];
  }
}

async function checkWayIn(
  settings: JiraSettings,
  client: JiraClient,
  { lastWebhook }: Circumstances,
): Promise<CheckFinding[]> {
  const { mode, path, poll } = settings;
  if (mode === 'poll') {
    return [{ subject: 'Jira news', status: 'works', detail: `asked for every ${poll.seconds} s` }];
  }
  const flavour = flavourOf(settings);
  let came: CameIn;
  try {
    came = { atMs: await lastWebhook.read() };
  } catch (error) {
    came = { problem: error instanceof Error ? error.message : String(error) };
  }
  try {
    const webhooks = await client.webhooks();
    const listed = webhooks && judgeWebhooks(webhooks, path, flavour);
    return [listed ?? unlistedWebhooks(path, flavour, came), judgeArrival(came, path)];
  } catch (error) {
    const remedy = `Look at ${WEBHOOK_PAGE} yourself: ${whatToEnter(path, flavour)}.`;
    return [failure(WEBHOOKS, error, remedy), judgeArrival(came, path)];
  }
}

function siteUrl({ url = '' }: JiraSettings): string {
  return url.replace(/\/+$/, '');
}

/** The status that Jira answered, if it did. */
function statusOf(error: unknown): number | undefined {
  const answer = error instanceof Error && error.cause instanceof JiraHttpError ? error.cause : error;
  return answer instanceof JiraHttpError ? answer.status : undefined;
}

function failure(subject: string, error: unknown, remedy: string): CheckFinding {
  // What Jira answered, instead of what it would mean for a message.
  const said = error instanceof UndeliverableError && error.cause instanceof Error ? error.cause : error;
  const detail = said instanceof Error ? said.message : String(said);
  const isAnswer =
    error instanceof JiraCredentialError ||
    error instanceof UndeliverableError ||
    error instanceof JiraHttpError;
  const trouble = isAnswer ? undefined : networkTrouble(error);
  const way = 'Check JIRA_URL, and that this machine can reach Jira (proxy, firewall).';
  return {
    subject,
    status: 'failed',
    detail: trouble ? `Jira cannot be reached: ${trouble.detail}` : detail,
    remedy: isAnswer ? remedy : [way, trouble?.remedy ?? []].flat().join(' '),
  };
}
