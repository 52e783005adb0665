/** What a webhook says of what happened, on Cloud and on Data Center. Pure, but for the ids it takes. */
import { userOf } from './catalogue.ts';
import type { Happening } from './operation.ts';
import type { WebhookPayload } from './webhooks.ts';
import { type Site, toComment, toHistoryItem, toUser, toWebhookIssue, toWebhookLink } from './wire.ts';
import type { Comment, Issue, World } from './world.ts';

export interface Teller {
  readonly world: World;
  readonly site: Site;
  readonly now: number;
  readonly options: PayloadOptions;
}

export interface PayloadOptions {
  /** Leave the issue out of `comment_created`, as some sites do. Default false. */
  readonly webhooksWithoutIssue?: boolean;
  /** Leave out what was changed, as senders between Jira and the app may. Default false. */
  readonly webhooksWithoutChangelog?: boolean;
}

export interface Told {
  /** What it is, whatever this kind of Jira calls it. */
  readonly event: string;
  readonly payload: WebhookPayload;
  /** Which one it is about; absent when it is not about one. */
  readonly issue?: Issue;
}

/** Undefined when there is nothing left to tell of. */
export function toWebhook(happening: Happening, teller: Teller): Told | undefined {
  const { world, site, now: timestamp } = teller;
  switch (happening.kind) {
    case 'issue-created':
    case 'issue-deleted': {
      const { kind, issue, by } = happening;
      const isNew = kind === 'issue-created';
      const webhookEvent = isNew ? 'jira:issue_created' : 'jira:issue_deleted';
      const payload: WebhookPayload = {
        timestamp,
        webhookEvent,
        ...(isNew ? { issue_event_type_name: 'issue_created' } : {}),
        user: toActor(by, site),
        issue: toWebhookIssue(issue, world, site),
      };
      return { event: webhookEvent, payload, issue };
    }
    case 'issue-updated':
      return { event: 'jira:issue_updated', payload: toUpdate(happening, teller), issue: happening.after };
    case 'link-created':
    case 'link-deleted': {
      const webhookEvent = happening.kind === 'link-created' ? 'issuelink_created' : 'issuelink_deleted';
      const issueLink = toWebhookLink(happening.link);
      return { event: webhookEvent, payload: { timestamp, webhookEvent, issueLink } };
    }
    default:
      return toCommentEvent(happening, teller);
  }
}

const COMMENT_EVENTS = {
  'comment-created': 'comment_created',
  'comment-updated': 'comment_updated',
  'comment-deleted': 'comment_deleted',
} as const;

/** Data Center tells of comments as updates of their issue. */
const SERVER_NAMES = {
  comment_created: 'issue_commented',
  comment_updated: 'issue_comment_edited',
  comment_deleted: 'issue_comment_deleted',
} as const;

function toCommentEvent(
  { kind, comment }: Extract<Happening, { comment: Comment }>,
  { world, site, now: timestamp, options }: Teller,
): Told | undefined {
  const issue = world.issue(comment.issue);
  if (!issue) return undefined;
  const event = COMMENT_EVENTS[kind];
  const shown = toWebhookIssue(issue, world, site);
  const payload: WebhookPayload =
    site.flavour === 'data-center'
      ? {
          timestamp,
          webhookEvent: 'jira:issue_updated',
          issue_event_type_name: SERVER_NAMES[event],
          user: toActor(comment.updateAuthor, site),
          issue: shown,
          comment: toComment(comment, site),
        }
      : {
          timestamp,
          webhookEvent: event,
          comment: toComment(comment, site),
          ...(options.webhooksWithoutIssue ? {} : { issue: shown }),
          eventType: 'primaryAction',
        };
  return { event, payload, issue };
}

function toUpdate(
  { before, after, by }: Extract<Happening, { kind: 'issue-updated' }>,
  { world, site, now: timestamp, options }: Teller,
): WebhookPayload {
  const entry = after.history.length > before.history.length ? after.history.at(-1) : undefined;
  return {
    timestamp,
    webhookEvent: 'jira:issue_updated',
    issue_event_type_name: updateName(before, after),
    user: toActor(by, site),
    issue: toWebhookIssue(after, world, site),
    ...(options.webhooksWithoutChangelog
      ? {}
      : { changelog: { id: entry?.id ?? world.nextId(), items: (entry?.items ?? []).map(toHistoryItem) } }),
  };
}

function updateName(before: Issue, after: Issue): string {
  if (before.assignee !== after.assignee) return 'issue_assigned';
  return before.status === after.status ? 'issue_updated' : 'issue_generic';
}

function toActor(account: string, site: Site): object | null {
  const user = userOf(account);
  return user ? toUser(user, site) : null;
}
