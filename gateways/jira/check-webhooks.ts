/** What `signalbox check` says about the way in: which webhooks point here, with which events, and what came. Pure. */
import type { CheckFinding } from '../../src/domain/gateway.ts';
import { readUrl } from '../../src/domain/url.ts';
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

/** What is known of webhooks that came: when the last one did, if any did; or why that is not known. */
export type CameIn = { readonly atMs: number | undefined } | { readonly problem: string };

/** For an account that is no administrator: what is entered is not known, only what came of it. */
export function unlistedWebhooks(path: string, flavour: Flavour, came: CameIn): CheckFinding {
  const detail = 'could not be looked at (needs the global permission "Administer Jira")';
  if ('atMs' in came && came.atMs !== undefined) {
    return { subject: WEBHOOKS, status: 'works', detail: `${detail}, but they come in` };
  }
  return {
    subject: WEBHOOKS,
    status: 'missing',
    detail: `${detail}, and none is known to have come in`,
    remedy: `Let an administrator of Jira look at ${WEBHOOK_PAGE}: ${whatToEnter(path, flavour)}. ${TRY_IT}`,
  };
}

/** Jira shows its secret to nobody; that it is the same, and that Jira reaches us, is seen by what comes. */
export function judgeArrival(came: CameIn, path: string): CheckFinding {
  const subject = 'Jira webhook secret';
  if ('problem' in came) {
    return {
      subject,
      status: 'failed',
      detail: `whether one signed with it ever reached ${path} is not known, because the store did not answer: ${came.problem}`,
      remedy: 'Mend the store first, then run `signalbox check` again.',
    };
  }
  if (came.atMs === undefined) {
    return {
      subject,
      status: 'missing',
      detail: `no webhook that is signed with it has reached ${path} yet`,
      remedy: `${TRY_IT} One that is signed with another secret, or not at all, is answered with 401 and logged as refused (${WEBHOOK_PAGE}, "Secret").`,
    };
  }
  const at = new Date(came.atMs).toISOString();
  return {
    subject,
    status: 'works',
    detail: `Jira has the same: the last webhook signed with it reached ${path} at ${at}`,
  };
}

const TRY_IT = 'Start the gateway, write a comment that mentions the bot, and run `signalbox check` again.';

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
  const read = readUrl(url);
  return read ? read.origin + read.pathname : 'an address that cannot be read';
}

function pathOf(url: string): string {
  return readUrl(url)?.pathname ?? '';
}
