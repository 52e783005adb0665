/** Finding issues by JQL: the search that Cloud has, and the one that only Data Center has left. */
import { z } from 'zod';
import type { User } from './catalogue.ts';
import { JqlError, parseJql } from './jql.ts';
import { MAX_RECONCILED, MAX_RESULTS, MAX_SERVER_RESULTS } from './limits.ts';
import {
  type Answer,
  Count,
  defineOperation,
  Flag,
  List,
  type Operation,
  type Surroundings,
} from './operation.ts';
import { Refusal } from './refusal.ts';
import { fieldFilter, toAskedProperties, toChangelog, toIssue } from './wire.ts';
import type { Issue } from './world.ts';

/** What a search of Cloud comes to, however it was asked for. */
interface Asked {
  readonly jql?: string | undefined;
  readonly nextPageToken?: string | undefined;
  readonly maxResults?: number | undefined;
  readonly fields?: readonly string[] | undefined;
  readonly expand?: string | undefined;
  readonly properties?: readonly string[] | undefined;
  readonly reconcileIssues?: readonly number[] | undefined;
}

/** What a search of Data Center comes to. */
interface AskedServer {
  readonly jql?: string | undefined;
  readonly startAt?: number | undefined;
  readonly maxResults?: number | undefined;
  readonly fields?: readonly string[] | undefined;
  readonly expand?: readonly string[] | undefined;
  readonly properties?: readonly string[] | undefined;
}

const JqlQuery = z.strictObject({
  jql: z.string().optional(),
  nextPageToken: z.string().optional(),
  maxResults: Count.optional(),
  fields: List.optional(),
  expand: z.string().optional(),
  properties: List.pipe(z.array(z.string()).max(5)).optional(),
  fieldsByKeys: Flag.optional(),
  failFast: Flag.optional(),
  reconcileIssues: List.pipe(z.array(Count).max(MAX_RECONCILED)).optional(),
});
const JqlBody = z.strictObject({
  jql: z.string().optional(),
  nextPageToken: z.string().optional(),
  maxResults: z.int().optional(),
  fields: z.array(z.string()).optional(),
  expand: z.string().optional(),
  properties: z.array(z.string()).max(5).optional(),
  fieldsByKeys: z.boolean().optional(),
  reconcileIssues: z.array(z.int()).max(MAX_RECONCILED).optional(),
});

/** Of both kinds of Jira, so that the right request is told on Cloud that it comes too late. */
const OldQuery = z.strictObject({
  jql: z.string().optional(),
  startAt: Count.optional(),
  maxResults: Count.optional(),
  validateQuery: z.string().optional(),
  fields: List.optional(),
  expand: List.optional(),
  properties: List.optional(),
  fieldsByKeys: Flag.optional(),
  failFast: Flag.optional(),
});
const OldBody = z.strictObject({
  jql: z.string().optional(),
  startAt: z.int().min(0).optional(),
  maxResults: z.int().min(0).optional(),
  validateQuery: z.union([z.boolean(), z.string()]).optional(),
  fields: z.array(z.string()).optional(),
  expand: z.array(z.string()).optional(),
  properties: z.array(z.string()).optional(),
  fieldsByKeys: z.boolean().optional(),
});

export function searchOperations(around: Surroundings): Operation[] {
  const { world, site } = around;

  function search(asked: Asked, user: User): Answer {
    const { jql = '', maxResults: size = 50 } = asked;
    if (size < 0 || size > MAX_RESULTS) {
      throw new Refusal(400, [`The maxResults parameter must be between 0 and ${MAX_RESULTS}.`]);
    }
    const now = around.now();
    const seenAt = now - around.searchLagMs();
    const reconciled = new Set((asked.reconcileIssues ?? []).map(String));
    const query = queryOf(jql, { world, user, now });
    if (!query.isBounded) {
      throw new Refusal(400, [
        'Unbounded JQL queries are not allowed here. Please add a search restriction to your query.',
      ]);
    }
    const isIndexed = (issue: Issue) => issue.updated <= seenAt || reconciled.has(issue.id);
    const all = world.issues.filter(isIndexed).filter(query.matches).sort(query.compare);
    const from = asked.nextPageToken === undefined ? 0 : offsetIn(asked.nextPageToken);
    const withChangelog = asked.expand?.split(',').includes('changelog');
    const wanted = fieldFilter(asked.fields ?? [], ['id']);
    const issues = all.slice(from, from + size).map((issue) =>
      asked.fields === undefined
        ? { id: issue.id }
        : {
            ...toIssue(issue, world, site(), wanted),
            ...(withChangelog ? { changelog: toChangelog(issue, site()) } : {}),
            ...toAskedProperties(issue, asked.properties),
          },
    );
    const isLast = from + size >= all.length;
    return {
      status: 200,
      body: { issues, isLast, ...(isLast ? {} : { nextPageToken: tokenOf(from + size) }) },
    };
  }

  function oldSearch(asked: AskedServer, user: User): Answer {
    if (site().flavour === 'cloud') {
      throw new Refusal(410, [
        'The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046',
      ]);
    }
    const { jql = '', startAt = 0 } = asked;
    const maxResults = Math.min(asked.maxResults ?? 50, MAX_SERVER_RESULTS);
    const query = queryOf(jql, { world, user, now: around.now() });
    const all = world.issues.filter(query.matches).sort(query.compare);
    const wanted = fieldFilter(asked.fields ?? [], ['*navigable']);
    const withChangelog = asked.expand?.includes('changelog');
    const issues = all.slice(startAt, startAt + maxResults).map((issue) => ({
      ...toIssue(issue, world, site(), wanted),
      ...(withChangelog ? { changelog: toChangelog(issue, site()) } : {}),
      ...toAskedProperties(issue, asked.properties),
    }));
    return { status: 200, body: { startAt, maxResults, total: all.length, issues } };
  }

  return [
    ...(['/api/2/search/jql', '/api/3/search/jql'] as const).flatMap((path): Operation[] => [
      defineOperation({
        id: 'searchAndReconsileIssuesUsingJqlPost',
        method: 'POST',
        scope: 'read:jira-work',
        path,
        on: 'cloud',
        query: z.strictObject({}),
        body: JqlBody,
        run: ({ body, user }) => search(body, user),
      }),
      defineOperation({
        id: 'searchAndReconsileIssuesUsingJql',
        method: 'GET',
        path,
        on: 'cloud',
        query: JqlQuery,
        run: ({ query, user }) => search(query, user),
      }),
    ]),
    defineOperation({
      id: 'searchForIssuesUsingJqlPost',
      method: 'POST',
      scope: 'read:jira-work',
      path: '/api/2/search',
      query: z.strictObject({}),
      body: OldBody,
      run: ({ body, user }) => oldSearch(body, user),
    }),
    defineOperation({
      id: 'searchForIssuesUsingJql',
      method: 'GET',
      path: '/api/2/search',
      query: OldQuery,
      run: ({ query, user }) => oldSearch(query, user),
    }),
  ];
}

function queryOf(...asked: Parameters<typeof parseJql>): ReturnType<typeof parseJql> {
  try {
    return parseJql(...asked);
  } catch (error) {
    if (error instanceof JqlError) throw new Refusal(400, [error.message]);
    throw error;
  }
}

function tokenOf(offset: number): string {
  return Buffer.from(`page:${offset}`).toString('base64url');
}

function offsetIn(token: string): number {
  const [, offset] = /^page:(\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  if (offset === undefined) throw new Refusal(400, ['The provided next page token is invalid.']);
  return Number(offset);
}
