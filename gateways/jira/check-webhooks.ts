/** What the list of webhooks in Jira says about the way in: which points here, with which events. Pure. */
import type { CheckFinding } from '../../src/domain/gateway.ts';
import type { Flavour } from './config.ts';
import type { JiraWebhook } from './schema.ts';

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
export const WEBHOOK_PAGE = '"System", "WebHooks"';

export const WEBHOOKS = 'Jira webhooks';

/** For an account that is no administrator: nothing is wrong, and nothing is known. */
export function unseenWebhooks(path: string, flavour: Flavour): CheckFinding {
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
    const needed = Object.keys(NEEDED_EVENTS[flavour]).join(', ');
    const detail = `${working.map(describe).join(' and ')} for all that is needed: ${needed}`;
    return { subject: WEBHOOKS, status: 'works', detail };
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

export function whatToEnter(path: string, flavour: Flavour): string {
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
