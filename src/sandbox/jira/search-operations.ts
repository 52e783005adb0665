/** Finding issues by JQL: the search that Cloud has, and the one that only Data Center has left. */
import { z } from 'zod';
import { JqlError, parseJql } from './jql.ts';
import { MAX_RESULTS } from './limits.ts';
import type { Answer, Operation, Surroundings } from './operation.ts';
import { Refusal } from './refusal.ts';
import { fieldFilter, toIssue } from './wire.ts';
import type { Issue, User } from './world.ts';

const Search = z.strictObject({
  jql: z.string().min(1),
  nextPageToken: z.string().optional(),
  maxResults: z.coerce.number().int().min(0).max(MAX_RESULTS).optional(),
  fields: z.union([z.string().transform((list) => list.split(',')), z.array(z.string())]).optional(),
  expand: z.string().optional(),
  properties: z.union([z.string(), z.array(z.string())]).optional(),
  fieldsByKeys: z.union([z.boolean(), z.enum(['true', 'false'])]).optional(),
  failFast: z.union([z.boolean(), z.enum(['true', 'false'])]).optional(),
  reconcileIssues: z
    .union([z.array(z.number().int()), z.string().transform((list) => list.split(',').map(Number))])
    .optional(),
});

export function searchOperations(around: Surroundings): Operation[] {
  const { world, site } = around;

  function search(asked: z.infer<typeof Search>, user: User): Answer {
    // Data Center never had this search.
    if (site().flavour !== 'cloud') throw new Refusal(404, ['null for uri: /rest/api/2/search/jql']);
    const now = around.now();
    const seenAt = now - around.searchLagMs();
    const reconciled = new Set((asked.reconcileIssues ?? []).map(String));
    const query = queryOf(asked.jql, { world, user, now });
    const isIndexed = (issue: Issue) => issue.updated <= seenAt || reconciled.has(issue.id);
    const all = world.issues.filter(isIndexed).filter(query.matches).sort(query.compare);
    const from = asked.nextPageToken === undefined ? 0 : offsetIn(asked.nextPageToken);
    const size = asked.maxResults ?? 50;
    const wanted = fieldFilter(asked.fields ?? [], ['id']);
    const issues = all.slice(from, from + size).map((issue) => toIssue(issue, world, site(), wanted));
    const isLast = from + size >= all.length;
    const shown = asked.fields === undefined ? issues.map(({ id }) => ({ id })) : issues;
    return {
      status: 200,
      body: { issues: shown, isLast, ...(isLast ? {} : { nextPageToken: tokenOf(from + size) }) },
    };
  }

  const gone: Pick<Operation, 'query' | 'run'> = {
    query: z.looseObject({}),
    run: ({ query: words, body, user }) => {
      if (site().flavour === 'cloud') {
        throw new Refusal(410, [
          'The requested API has been removed. Please migrate to the /rest/api/3/search/jql API. A full migration guideline is available at https://developer.atlassian.com/changelog/#CHANGE-2046',
        ]);
      }
      const read = z
        .looseObject({
          jql: z.string(),
          startAt: z.coerce.number().default(0),
          maxResults: z.coerce.number().default(50),
          fields: z.union([z.string().transform((list) => list.split(',')), z.array(z.string())]).optional(),
        })
        .safeParse(body ?? words);
      if (!read.success) throw new Refusal(400, [z.prettifyError(read.error)]);
      const asked = read.data;
      const query = queryOf(asked.jql, { world, user, now: around.now() });
      const all = world.issues.filter(query.matches).sort(query.compare);
      const wanted = fieldFilter(asked.fields ?? [], ['*navigable']);
      const issues = all.slice(asked.startAt, asked.startAt + asked.maxResults);
      return {
        status: 200,
        body: {
          startAt: asked.startAt,
          maxResults: asked.maxResults,
          total: all.length,
          issues: issues.map((issue) => toIssue(issue, world, site(), wanted)),
        },
      };
    },
  };

  return [
    ...(['/api/2/search/jql', '/api/3/search/jql'] as const).flatMap((path): Operation[] => [
      {
        id: 'searchAndReconsileIssuesUsingJqlPost',
        method: 'POST',
        path,
        query: z.strictObject({}),
        body: Search,
        run: ({ body, user }) => search(Search.parse(body), user),
      },
      {
        id: 'searchAndReconsileIssuesUsingJql',
        method: 'GET',
        path,
        query: Search,
        run: ({ query, user }) => search(Search.parse(query), user),
      },
    ]),
    {
      id: 'searchForIssuesUsingJqlPost',
      method: 'POST',
      path: '/api/2/search',
      body: z.looseObject({}),
      ...gone,
    },
    { id: 'searchForIssuesUsingJql', method: 'GET', path: '/api/2/search', ...gone },
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

/** What the verbs `set` come to: the last one counts. */
function tokenOf(offset: number): string {
  return Buffer.from(`page:${offset}`).toString('base64url');
}

function offsetIn(token: string): number {
  const [, offset] = /^page:(\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  if (offset === undefined) throw new Refusal(400, ['The provided next page token is invalid.']);
  return Number(offset);
}
