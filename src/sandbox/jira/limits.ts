/** Limits of Jira that the emulation keeps; each with its source. */
import type { Window } from './rate-limit.ts';

/** Longest comment or description, in characters (Jira support, "character limit of text fields", 32,767). */
export const MAX_TEXT_CHARS = 32_767;

/** Longest summary, in characters (Jira: "Summary must be less than 255 characters"). */
export const MAX_SUMMARY_CHARS = 255;

/** Largest attachment, in bytes (Jira Cloud's default is 1 GB; smaller here, so that nobody fills a disk with it). */
export const MAX_ATTACHMENT_BYTES = 10 * 1_024 * 1_024;

/** Writes to one issue (developer.atlassian.com, "Rate limiting", per issue on write). */
export const ISSUE_WRITES: readonly Window[] = [
  { most: 20, withinMs: 2_000 },
  { most: 100, withinMs: 30_000 },
];

/** Calls of one endpoint by one method, from everybody together (the same page, burst limit: each second). */
export const BURSTS: Readonly<Record<'GET' | 'POST' | 'PUT' | 'DELETE', readonly Window[]>> = {
  GET: [{ most: 100, withinMs: 1_000 }],
  POST: [{ most: 100, withinMs: 1_000 }],
  PUT: [{ most: 50, withinMs: 1_000 }],
  DELETE: [{ most: 50, withinMs: 1_000 }],
};

/**
 * Points of a quota that one call uses up (the same page, "points-based quota": one for the call, and for a read one for
 * each object it is about; counted here as one object). Quotas begin anew with each hour.
 */
export const POINTS: Readonly<Record<'read' | 'write', number>> = { read: 2, write: 1 };
export const QUOTA_WINDOW_MS = 60 * 60_000;

/** Longest value of an entity property, in characters of JSON (REST API reference, "Set comment property"). */
export const MAX_PROPERTY_CHARS = 32_768;

/** A webhook without an answer after this long counts as failed, in ms (Atlassian support, "webhook timeouts"). */
export const WEBHOOK_TIMEOUT_MS = 20_000;

/** A failed webhook is sent again up to five times, 5 to 15 minutes apart (developer.atlassian.com, "Webhooks"). */
export const WEBHOOK_RETRY_DELAYS_MS: readonly number[] = [300_000, 450_000, 600_000, 750_000, 900_000];

/** Answers on which a webhook is sent again, beside every 5xx (developer.atlassian.com, "Webhooks"). */
export const RETRIED_STATUSES: ReadonlySet<number> = new Set([408, 409, 425, 429]);

/** Most results of one page of a search (REST API reference, "Search for issues using JQL enhanced search"). */
export const MAX_RESULTS = 5_000;

/** Most issues that a search may be told to look at afresh (the same page, `reconcileIssues`). */
export const MAX_RECONCILED = 50;

/** Most results of one page of Data Center's search (its default of `jira.search.views.default.max`). */
export const MAX_SERVER_RESULTS = 1_000;

/** Most entries of one page of a history (REST API reference, "Get changelogs": default 100). */
export const MAX_CHANGELOG_PAGE = 100;

/** Most people of one page of a group (REST API reference, "Get users from group": 50). */
export const MAX_GROUP_PAGE = 50;

/** Most groups of a suggestion (REST API reference, "Find groups": default 20, `jira.ajax.autocomplete.limit`). */
export const MAX_GROUPS = 20;

/** Most people of one page of a search for people (REST API reference, "Find users": default 50, up to 1,000). */
export const MAX_PEOPLE_PAGE = 1_000;

/** Most projects, types or fields of one page (REST API reference, "Get projects paginated": up to 100). */
export const MAX_PROJECT_PAGE = 100;

/** Most comments of one page (REST API reference, "Get comments": default 100, up to 5,000). */
export const MAX_COMMENT_PAGE = 5_000;
