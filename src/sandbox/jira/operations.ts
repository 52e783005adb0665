/**
 * What the app may ask of the emulated Jira: each operation of the published REST API v2 that is there, with the
 * query and body it takes. Strict: whatever the reference does not name is refused and noted as a violation.
 *
 * Names of operations are the `operationId`s of Atlassian's OpenAPI description of REST API v2 (Cloud).
 */
import { z } from 'zod';
import { JqlError, parseJql } from './jql.ts';
import { MAX_PROPERTY_CHARS, MAX_RESULTS, MAX_SUMMARY_CHARS, MAX_TEXT_CHARS } from './limits.ts';
import { noComment, noIssue, Refusal } from './refusal.ts';
import {
  fieldFilter,
  nameOf,
  type Site,
  toAttachment,
  toChangelog,
  toComment,
  toIssue,
  toIssueType,
  toProject,
  toProperties,
  toStatus,
  toUser,
} from './wire.ts';
import {
  type Comment,
  ISSUE_TYPES,
  type Issue,
  LINK_TYPES,
  maySee,
  PRIORITIES,
  PROJECTS,
  TRANSITIONS,
  USERS,
  type User,
  Visibility,
  type World,
} from './world.ts';

export interface Call<Query = Readonly<Record<string, string | undefined>>, Body = unknown> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly user: User;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

export interface Operation {
  /** `operationId` of the published description. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/rest`, with `:names`. */
  readonly path: string;
  readonly query: z.ZodType;
  /** Absent: takes no body. */
  readonly body?: z.ZodType;
  /** Counts as a write to the issue of its path. */
  readonly writes?: true;
  run(call: Call): Answer;
}

export interface Surroundings {
  readonly world: World;
  readonly site: () => Site;
  readonly now: () => number;
  /** Told of every change the app made, so that webhooks can go out. */
  readonly happened: (happening: Happening) => void;
  /** How long after a change a search does not see it yet, in ms. */
  readonly searchLagMs: () => number;
}

export type Happening =
  | { readonly kind: 'comment-created' | 'comment-updated' | 'comment-deleted'; readonly comment: Comment }
  | { readonly kind: 'issue-created'; readonly issue: Issue; readonly by: string }
  | { readonly kind: 'issue-updated'; readonly before: Issue; readonly after: Issue; readonly by: string };

const Text = z
  .string()
  .max(
    MAX_TEXT_CHARS,
    `The entered text is too long. It exceeds the allowed limit of ${MAX_TEXT_CHARS} characters.`,
  );
const Property = z.strictObject({
  key: z.string().min(1).max(255),
  value: z.unknown().refine((value) => JSON.stringify(value ?? null).length <= MAX_PROPERTY_CHARS),
});
const Properties = z.array(Property).max(50);
const CommentBody = z.strictObject({
  body: Text.min(1, 'Comment body can not be empty!'),
  visibility: Visibility.optional(),
  properties: Properties.optional(),
});
/** A page of a list. */
const paging = {
  startAt: z.coerce.number().int().min(0).optional(),
  maxResults: z.coerce.number().int().min(0).optional(),
};
const named = z.union([
  z.strictObject({ id: z.string() }),
  z.strictObject({ name: z.string() }),
  z.strictObject({ key: z.string() }),
  z.strictObject({ accountId: z.string().nullable() }),
]);

const IssueFields = z.strictObject({
  project: named.optional(),
  issuetype: named.optional(),
  summary: z.string().min(1).max(MAX_SUMMARY_CHARS).optional(),
  description: Text.nullable().optional(),
  priority: named.optional(),
  labels: z.array(z.string().regex(/^\S+$/, 'The label contains spaces which is invalid.')).optional(),
  assignee: named.nullable().optional(),
  reporter: named.optional(),
});

const setTo = <Value extends z.ZodType>(value: Value) => z.array(z.strictObject({ set: value })).optional();
/** The other way to change an issue: by verbs. */
const IssueUpdate = z.strictObject({
  summary: setTo(IssueFields.shape.summary.unwrap()),
  description: setTo(Text.nullable()),
  priority: setTo(named),
  assignee: setTo(named.nullable()),
  reporter: setTo(named),
  labels: z
    .array(
      z.union([
        z.strictObject({ add: z.string().regex(/^\S+$/) }),
        z.strictObject({ remove: z.string().regex(/^\S+$/) }),
        z.strictObject({ set: z.array(z.string().regex(/^\S+$/)) }),
      ]),
    )
    .optional(),
  comment: z.array(z.strictObject({ add: CommentBody })).optional(),
});
const IssueEdit = z.strictObject({
  fields: IssueFields.omit({ project: true }).optional(),
  update: IssueUpdate.optional(),
  properties: Properties.optional(),
});

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

/** Everything there is. `world` and the rest are looked at when an operation runs. */
export function createOperations(around: Surroundings): Operation[] {
  const { world, happened } = around;
  const site = () => around.site();

  function issueOf({ params }: Call): Issue {
    const issue = world.issue(params.issue ?? '');
    if (!issue) throw noIssue();
    return issue;
  }

  function commentOf({ params, user }: Call): Comment {
    const comment = world.comment(params.comment ?? '');
    const issue = params.issue === undefined ? undefined : world.issue(params.issue);
    if (!comment || !maySee(user, comment) || (params.issue !== undefined && comment.issue !== issue?.id)) {
      throw noComment(params.comment ?? '');
    }
    return comment;
  }

  function writeComment(issue: Issue, wanted: z.infer<typeof CommentBody>, author: User): Comment {
    const { body, visibility, properties = [] } = wanted;
    const comment = world.addComment(world.issue(issue.id) ?? issue, {
      author: author.accountId,
      body,
      properties: Object.fromEntries(properties.map(({ key, value }) => [key, value])),
      ...(visibility ? { visibility } : {}),
    });
    happened({ kind: 'comment-created', comment });
    return comment;
  }

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
    // ── The app itself ─────────────────────────────────────────────────────────────────────────────────────
    {
      id: 'getCurrentUser',
      method: 'GET',
      path: '/api/2/myself',
      query: z.strictObject({ expand: z.string().optional() }),
      run: ({ user }) => ({
        status: 200,
        body: { ...toUser(user, site()), groups: { size: user.groups.length, items: [] } },
      }),
    },
    {
      id: 'getServerInfo',
      method: 'GET',
      path: '/api/2/serverInfo',
      query: z.strictObject({}),
      run: () => ({
        status: 200,
        body: {
          baseUrl: site().url,
          version: '1001.0.0-SNAPSHOT',
          versionNumbers: [1001, 0, 0],
          deploymentType: site().flavour === 'cloud' ? 'Cloud' : 'Server',
          serverTitle: 'Sandbox',
          serverTime: new Date(around.now()).toISOString().replace('Z', '+0000'),
        },
      }),
    },
    {
      id: 'getMyPermissions',
      method: 'GET',
      path: '/api/2/mypermissions',
      query: z.strictObject({
        permissions: z.string().optional(),
        projectKey: z.string().optional(),
        projectId: z.string().optional(),
        issueKey: z.string().optional(),
        issueId: z.string().optional(),
        commentId: z.string().optional(),
      }),
      run: ({ query }) => {
        if (query.permissions === undefined) {
          throw new Refusal(400, ['The "permissions" query parameter is required.']);
        }
        const entries = query.permissions
          .split(',')
          .map((key) => [key, { key, name: key, type: 'PROJECT', havePermission: true }]);
        return { status: 200, body: { permissions: Object.fromEntries(entries) } };
      },
    },

    // ── Searching ──────────────────────────────────────────────────────────────────────────────────────────
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

    // ── Issues ─────────────────────────────────────────────────────────────────────────────────────────────
    {
      id: 'getIssue',
      method: 'GET',
      path: '/api/2/issue/:issue',
      query: z.strictObject({
        fields: z.string().optional(),
        fieldsByKeys: z.string().optional(),
        expand: z.string().optional(),
        properties: z.string().optional(),
        updateHistory: z.string().optional(),
        failFast: z.string().optional(),
      }),
      run: (call) => {
        const wanted = fieldFilter(call.query.fields?.split(',') ?? [], ['*all']);
        const shown = {
          ...toIssue(issueOf(call), world, site(), wanted),
          ...(call.query.expand?.split(',').includes('changelog')
            ? { changelog: toChangelog(issueOf(call), site()) }
            : {}),
        };
        const { comment } = shown.fields;
        if (comment === undefined) return { status: 200, body: shown };
        const comments = world
          .commentsOf(issueOf(call))
          .filter((each) => maySee(call.user, each))
          .map((each) => toComment(each, site()));
        const page = { comments, maxResults: comments.length, total: comments.length, startAt: 0 };
        return { status: 200, body: { ...shown, fields: { ...shown.fields, comment: page } } };
      },
    },
    {
      id: 'createIssue',
      method: 'POST',
      path: '/api/2/issue',
      query: z.strictObject({ updateHistory: z.string().optional() }),
      body: z.strictObject({
        fields: IssueFields,
        update: z.strictObject({}).optional(),
        properties: Properties.optional(),
        historyMetadata: z.unknown().optional(),
        transition: z.unknown().optional(),
      }),
      run: ({ body, user }) => {
        const { fields } = z.object({ fields: IssueFields }).parse(body);
        const project = PROJECTS.find(({ id, key }) => isNamed(fields.project, { id, key }));
        if (!project) throw new Refusal(400, [], { project: 'Specify a valid project ID or key' });
        const type = ISSUE_TYPES.find(({ id, name }) => isNamed(fields.issuetype, { id, name }));
        if (!type) throw new Refusal(400, [], { issuetype: 'Specify an issue type' });
        if (!fields.summary)
          throw new Refusal(400, [], { summary: 'You must specify a summary of the issue.' });
        const issue = world.addIssue({
          project: project.key,
          type: type.id,
          summary: fields.summary,
          reporter: user.accountId,
          ...(fields.description ? { description: fields.description } : {}),
          ...(fields.labels ? { labels: fields.labels } : {}),
          ...(fields.priority ? { priority: priorityOf(fields.priority) } : {}),
          ...(fields.assignee ? { assignee: assigneeOf(fields.assignee, site()) } : {}),
        } as Parameters<World['addIssue']>[0]); // absent stays absent
        happened({ kind: 'issue-created', issue, by: user.accountId });
        const self = `${site().url}/rest/api/2/issue/${issue.id}`;
        return { status: 201, body: { id: issue.id, key: issue.key, self } };
      },
    },
    {
      id: 'editIssue',
      method: 'PUT',
      path: '/api/2/issue/:issue',
      writes: true,
      query: z.strictObject({
        notifyUsers: z.string().optional(),
        overrideScreenSecurity: z.string().optional(),
        overrideEditableFlag: z.string().optional(),
        returnIssue: z.string().optional(),
        expand: z.string().optional(),
      }),
      body: IssueEdit,
      run: (call) => {
        const before = issueOf(call);
        const { fields: given = {}, update = {} } = IssueEdit.parse(call.body);
        const twice = Object.keys(update).find((name) => name in given);
        if (twice !== undefined) {
          throw new Refusal(400, [], {
            [twice]: `Field '${twice}' cannot appear in both 'fields' and 'update'`,
          });
        }
        const fields = { ...given, ...setBy(update) };
        const labels = update.labels ? changedLabels(before.labels, update.labels) : fields.labels;
        const comments = (update.comment ?? []).map(({ add }) => add);
        for (const { visibility } of comments) checkVisibility(visibility, call.user);
        const assignee = fields.assignee ? assigneeOf(fields.assignee, site()) : undefined;
        const changed = world.changeIssue(before, {
          ...(fields.summary === undefined ? {} : { summary: fields.summary }),
          ...(fields.description === undefined ? {} : { description: fields.description ?? '' }),
          ...(labels ? { labels } : {}),
          ...(fields.priority ? { priority: priorityOf(fields.priority) } : {}),
          ...(fields.reporter ? { reporter: assigneeOf(fields.reporter, site()) } : {}),
        });
        const after =
          fields.assignee === undefined ? changed : world.assign(changed, assignee, call.user.accountId);
        happened({ kind: 'issue-updated', before, after, by: call.user.accountId });
        for (const comment of comments) writeComment(after, comment, call.user);
        return { status: 204 };
      },
    },
    {
      id: 'assignIssue',
      method: 'PUT',
      path: '/api/2/issue/:issue/assignee',
      writes: true,
      query: z.strictObject({}),
      body: z.strictObject({
        accountId: z.string().nullable().optional(),
        name: z.string().nullable().optional(),
        key: z.string().optional(),
      }),
      run: (call) => {
        const before = issueOf(call);
        const wanted = z
          .object({ accountId: z.string().nullish(), name: z.string().nullish() })
          .parse(call.body);
        if (site().flavour === 'cloud' && wanted.name) {
          throw new Refusal(400, [
            "'accountId' must be the only user identifying query parameter in GDPR strict mode.",
          ]);
        }
        const isEmpty = wanted.accountId === null || wanted.name === null;
        const assignee = isEmpty
          ? undefined
          : assigneeOf(wanted.name ? { name: wanted.name } : { accountId: wanted.accountId ?? null }, site());
        const after = world.assign(before, assignee, call.user.accountId);
        happened({ kind: 'issue-updated', before, after, by: call.user.accountId });
        return { status: 204 };
      },
    },
    {
      id: 'getTransitions',
      method: 'GET',
      path: '/api/2/issue/:issue/transitions',
      query: z.strictObject({
        expand: z.string().optional(),
        transitionId: z.string().optional(),
        skipRemoteOnlyCondition: z.string().optional(),
        includeUnavailableTransitions: z.string().optional(),
        sortByOpsBarAndStatus: z.string().optional(),
      }),
      run: (call) => {
        const { status } = issueOf(call);
        const transitions = TRANSITIONS.filter(({ to }) => to !== status).map(({ id, name, to }) => ({
          id,
          name,
          to: toStatus(to, site()),
          hasScreen: false,
          isGlobal: true,
          isInitial: false,
          isConditional: false,
          isAvailable: true,
        }));
        return { status: 200, body: { expand: 'transitions', transitions } };
      },
    },
    {
      id: 'doTransition',
      method: 'POST',
      path: '/api/2/issue/:issue/transitions',
      writes: true,
      query: z.strictObject({}),
      body: z.strictObject({
        transition: z.strictObject({ id: z.string() }),
        fields: z.record(z.string(), z.unknown()).optional(),
        update: z.record(z.string(), z.unknown()).optional(),
        historyMetadata: z.unknown().optional(),
        properties: Properties.optional(),
      }),
      run: (call) => {
        const before = issueOf(call);
        const { transition } = z.object({ transition: z.object({ id: z.string() }) }).parse(call.body);
        const known = TRANSITIONS.find(({ id, to }) => id === transition.id && to !== before.status);
        if (!known) {
          throw new Refusal(400, [`It seems that you have tried to perform an illegal workflow operation.`]);
        }
        const after = world.changeIssue(before, { status: known.to });
        happened({ kind: 'issue-updated', before, after, by: call.user.accountId });
        return { status: 204 };
      },
    },

    // ── Comments ───────────────────────────────────────────────────────────────────────────────────────────
    {
      id: 'getComments',
      method: 'GET',
      path: '/api/2/issue/:issue/comment',
      query: z.strictObject({
        ...paging,
        orderBy: z.enum(['created', '-created', '+created']).optional(),
        expand: z.string().optional(),
      }),
      run: (call) => {
        const {
          startAt = 0,
          maxResults = 100,
          orderBy,
          expand,
        } = z
          .object({ ...paging, orderBy: z.string().optional(), expand: z.string().optional() })
          .parse(call.query);
        const all = world.commentsOf(issueOf(call)).filter((comment) => maySee(call.user, comment));
        if (orderBy === '-created') all.reverse();
        const properties = (expand ?? '').split(',').includes('properties');
        const comments = all
          .slice(startAt, startAt + maxResults)
          .map((comment) => toComment(comment, site(), { properties }));
        return { status: 200, body: { startAt, maxResults, total: all.length, comments } };
      },
    },
    {
      id: 'addComment',
      method: 'POST',
      path: '/api/2/issue/:issue/comment',
      writes: true,
      query: z.strictObject({ expand: z.string().optional() }),
      body: CommentBody,
      run: (call) => {
        const wanted = CommentBody.parse(call.body);
        checkVisibility(wanted.visibility, call.user);
        const comment = writeComment(issueOf(call), wanted, call.user);
        return { status: 201, body: toComment(comment, site()) };
      },
    },
    {
      id: 'getComment',
      method: 'GET',
      path: '/api/2/issue/:issue/comment/:comment',
      query: z.strictObject({ expand: z.string().optional() }),
      run: (call) => {
        const properties = (call.query.expand ?? '').split(',').includes('properties');
        return { status: 200, body: toComment(commentOf(call), site(), { properties }) };
      },
    },
    {
      id: 'updateComment',
      method: 'PUT',
      path: '/api/2/issue/:issue/comment/:comment',
      writes: true,
      query: z.strictObject({
        notifyUsers: z.string().optional(),
        overrideEditableFlag: z.string().optional(),
        expand: z.string().optional(),
      }),
      body: CommentBody,
      run: (call) => {
        const { body, visibility, properties = [] } = CommentBody.parse(call.body);
        checkVisibility(visibility, call.user);
        const before = commentOf(call);
        const comment = world.changeComment(
          before,
          {
            body,
            ...(visibility ? { visibility } : {}),
            properties: {
              ...before.properties,
              ...Object.fromEntries(properties.map(({ key, value }) => [key, value])),
            },
          },
          call.user.accountId,
        );
        happened({ kind: 'comment-updated', comment });
        return { status: 200, body: toComment(comment, site()) };
      },
    },
    {
      id: 'deleteComment',
      method: 'DELETE',
      path: '/api/2/issue/:issue/comment/:comment',
      writes: true,
      query: z.strictObject({}),
      run: (call) => {
        const comment = commentOf(call);
        world.removeComment(comment);
        happened({ kind: 'comment-deleted', comment });
        return { status: 204 };
      },
    },
    {
      id: 'getCommentsByIds',
      method: 'POST',
      path: '/api/2/comment/list',
      query: z.strictObject({ expand: z.string().optional() }),
      body: z.strictObject({ ids: z.array(z.number().int()).max(1_000) }),
      run: ({ query, body, user }) => {
        const { ids } = z.object({ ids: z.array(z.number()) }).parse(body);
        const properties = (query.expand ?? '').split(',').includes('properties');
        const values = ids
          .flatMap((id) => world.comment(String(id)) ?? [])
          .filter((comment) => maySee(user, comment))
          .map((comment) => toComment(comment, site(), { properties }));
        return {
          status: 200,
          body: { values, startAt: 0, maxResults: 1_048_576, total: values.length, isLast: true },
        };
      },
    },
    {
      id: 'getCommentPropertyKeys',
      method: 'GET',
      path: '/api/2/comment/:comment/properties',
      query: z.strictObject({}),
      run: (call) => ({
        status: 200,
        body: {
          keys: toProperties(commentOf(call)).map(({ key }) => ({
            key,
            self: `${site().url}/rest/api/2/comment/${call.params.comment}/properties/${key}`,
          })),
        },
      }),
    },
    {
      id: 'getCommentProperty',
      method: 'GET',
      path: '/api/2/comment/:comment/properties/:key',
      query: z.strictObject({}),
      run: (call) => {
        const key = call.params.key ?? '';
        const found = toProperties(commentOf(call)).find((property) => property.key === key);
        if (!found) throw new Refusal(404, [`The property with key '${key}' does not exist.`]);
        return { status: 200, body: found };
      },
    },
    {
      id: 'deleteCommentProperty',
      method: 'DELETE',
      path: '/api/2/comment/:comment/properties/:key',
      query: z.strictObject({}),
      run: (call) => {
        const comment = commentOf(call);
        const { [call.params.key ?? '']: removed, ...properties } = comment.properties;
        if (removed === undefined) {
          throw new Refusal(404, [`The property with key '${call.params.key}' does not exist.`]);
        }
        world.changeComment(comment, { properties });
        return { status: 204 };
      },
    },
    {
      id: 'setCommentProperty',
      method: 'PUT',
      path: '/api/2/comment/:comment/properties/:key',
      query: z.strictObject({}),
      body: z.unknown().refine((value) => JSON.stringify(value ?? null).length <= MAX_PROPERTY_CHARS),
      run: (call) => {
        const comment = commentOf(call);
        const key = call.params.key ?? '';
        const isNew = !(key in comment.properties);
        world.changeComment(comment, { properties: { ...comment.properties, [key]: call.body } });
        return { status: isNew ? 201 : 200, body: '' };
      },
    },

    // ── Links ──────────────────────────────────────────────────────────────────────────────────────────────
    {
      id: 'getIssueLinkTypes',
      method: 'GET',
      path: '/api/2/issueLinkType',
      query: z.strictObject({}),
      run: () => ({ status: 200, body: { issueLinkTypes: LINK_TYPES } }),
    },
    {
      id: 'linkIssues',
      method: 'POST',
      path: '/api/2/issueLink',
      query: z.strictObject({}),
      body: z.strictObject({
        type: z.union([z.strictObject({ name: z.string() }), z.strictObject({ id: z.string() })]),
        inwardIssue: z.union([z.strictObject({ key: z.string() }), z.strictObject({ id: z.string() })]),
        outwardIssue: z.union([z.strictObject({ key: z.string() }), z.strictObject({ id: z.string() })]),
        comment: CommentBody.optional(),
      }),
      run: ({ body, user }) => {
        const wanted = z
          .object({
            comment: CommentBody.optional(),
            type: z.object({ name: z.string().optional(), id: z.string().optional() }),
            inwardIssue: z.object({ key: z.string().optional(), id: z.string().optional() }),
            outwardIssue: z.object({ key: z.string().optional(), id: z.string().optional() }),
          })
          .parse(body);
        const type = LINK_TYPES.find(({ id, name }) => id === wanted.type.id || name === wanted.type.name);
        if (!type)
          throw new Refusal(404, [
            `No issue link type with name '${wanted.type.name ?? wanted.type.id}' found.`,
          ]);
        const [inward, outward] = [wanted.inwardIssue, wanted.outwardIssue].map((each) =>
          world.issue(each.key ?? each.id ?? ''),
        );
        if (!inward || !outward) throw noIssue();
        checkVisibility(wanted.comment?.visibility, user);
        const isThere = world
          .linksOf(inward)
          .some(
            (link) => link.type === type.name && link.inward === inward.id && link.outward === outward.id,
          );
        if (!isThere) world.addLink({ type: type.name, inward: inward.id, outward: outward.id });
        // The reference: the comment goes to the outward issue.
        if (wanted.comment) writeComment(outward, wanted.comment, user);
        return { status: 201 };
      },
    },

    // ── People and projects ────────────────────────────────────────────────────────────────────────────────
    {
      id: 'getUser',
      method: 'GET',
      path: '/api/2/user',
      query: z.strictObject({
        accountId: z.string().optional(),
        key: z.string().optional(),
        username: z.string().optional(),
        expand: z.string().optional(),
      }),
      run: ({ query }) => {
        const user = USERS.find(({ accountId, displayName }) =>
          site().flavour === 'cloud'
            ? accountId === query.accountId
            : accountId === query.key || nameOf({ displayName }) === query.username,
        );
        if (!user) throw new Refusal(404, ['The user does not exist.']);
        return { status: 200, body: toUser(user, site()) };
      },
    },
    ...(['/api/2/user/search', '/api/2/user/assignable/search'] as const).map(
      (path): Operation => ({
        id: path.includes('assignable') ? 'findAssignableUsers' : 'findUsers',
        method: 'GET',
        path,
        query: z.strictObject({
          ...paging,
          query: z.string().optional(),
          accountId: z.string().optional(),
          username: z.string().optional(),
          property: z.string().optional(),
          ...(path.includes('assignable')
            ? {
                project: z.string().optional(),
                issueKey: z.string().optional(),
                issueId: z.string().optional(),
                actionDescriptorId: z.coerce.number().optional(),
                recommend: z.string().optional(),
                sessionId: z.string().optional(),
                accountType: z.string().optional(),
              }
            : {}),
        }),
        run: ({ query }) => {
          if (site().flavour === 'cloud' && query.username !== undefined) {
            throw new Refusal(400, ["The query parameter 'username' is not supported in GDPR strict mode."]);
          }
          const words = (query.query ?? query.username ?? '').toLowerCase();
          const found = USERS.filter(({ accountId, displayName }) =>
            query.accountId === undefined
              ? displayName.toLowerCase().includes(words)
              : accountId === query.accountId,
          );
          return { status: 200, body: found.map((user) => toUser(user, site())) };
        },
      }),
    ),
    {
      id: 'searchProjects',
      method: 'GET',
      path: '/api/2/project/search',
      query: z.strictObject({
        ...paging,
        orderBy: z.string().optional(),
        query: z.string().optional(),
        keys: z.string().optional(),
        id: z.string().optional(),
        typeKey: z.string().optional(),
        expand: z.string().optional(),
        action: z.string().optional(),
        status: z.string().optional(),
      }),
      run: () => ({
        status: 200,
        body: {
          startAt: 0,
          maxResults: 50,
          total: PROJECTS.length,
          isLast: true,
          values: PROJECTS.map((project) => toProject(project, site())),
        },
      }),
    },
    {
      id: 'getAllProjects',
      method: 'GET',
      path: '/api/2/project',
      query: z.strictObject({
        expand: z.string().optional(),
        recent: z.string().optional(),
        properties: z.string().optional(),
      }),
      run: () => ({ status: 200, body: PROJECTS.map((project) => toProject(project, site())) }),
    },
    {
      id: 'getProject',
      method: 'GET',
      path: '/api/2/project/:project',
      query: z.strictObject({ expand: z.string().optional(), properties: z.string().optional() }),
      run: ({ params }) => {
        const project = PROJECTS.find(({ id, key }) => id === params.project || key === params.project);
        if (!project) throw new Refusal(404, [`No project could be found with key '${params.project}'.`]);
        const issueTypes = ISSUE_TYPES.map(({ id }) => toIssueType(id, site()));
        return { status: 200, body: { ...toProject(project, site()), issueTypes } };
      },
    },
    {
      id: 'getCreateIssueMetaIssueTypes',
      method: 'GET',
      path: '/api/2/issue/createmeta/:project/issuetypes',
      query: z.strictObject(paging),
      run: () => ({
        status: 200,
        body: {
          startAt: 0,
          maxResults: 50,
          total: ISSUE_TYPES.length,
          issueTypes: ISSUE_TYPES.map(({ id }) => toIssueType(id, site())),
        },
      }),
    },
    {
      id: 'getIssueAllTypes',
      method: 'GET',
      path: '/api/2/issuetype',
      query: z.strictObject({}),
      run: () => ({ status: 200, body: ISSUE_TYPES.map(({ id }) => toIssueType(id, site())) }),
    },
    {
      id: 'getPriorities',
      method: 'GET',
      path: '/api/2/priority',
      query: z.strictObject({}),
      run: () => ({ status: 200, body: PRIORITIES }),
    },

    // ── Files ──────────────────────────────────────────────────────────────────────────────────────────────
    {
      id: 'getAttachment',
      method: 'GET',
      path: '/api/2/attachment/:file',
      query: z.strictObject({}),
      run: ({ params }) => {
        const file = world.file(params.file ?? '');
        if (!file) throw new Refusal(404, ['The attachment with id does not exist']);
        return { status: 200, body: toAttachment(file, site()) };
      },
    },
  ];
}

function checkVisibility(visibility: Visibility | undefined, user: User): void {
  if (!visibility) return;
  const name = visibility.value ?? visibility.identifier;
  const known = visibility.type === 'role' ? user.roles : user.groups;
  if (name && known.includes(name)) return;
  const what = visibility.type === 'role' ? 'role' : 'group';
  throw new Refusal(400, [], {
    commentLevel: `You are currently not a member of the ${what}: ${name ?? ''}.`,
  });
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
function setBy(update: z.infer<typeof IssueUpdate>): Partial<z.infer<typeof IssueFields>> {
  const [summary, description, priority, assignee, reporter] = [
    update.summary?.at(-1),
    update.description?.at(-1),
    update.priority?.at(-1),
    update.assignee?.at(-1),
    update.reporter?.at(-1),
  ] as const;
  return {
    ...(summary ? { summary: summary.set } : {}),
    ...(description ? { description: description.set } : {}),
    ...(priority ? { priority: priority.set } : {}),
    ...(assignee ? { assignee: assignee.set } : {}),
    ...(reporter ? { reporter: reporter.set } : {}),
  };
}

function changedLabels(
  labels: readonly string[],
  verbs: NonNullable<z.infer<typeof IssueUpdate>['labels']>,
): string[] {
  return verbs.reduce<string[]>(
    (held, verb) => {
      if ('set' in verb) return verb.set;
      if ('add' in verb) return held.includes(verb.add) ? held : held.concat(verb.add);
      return held.filter((label) => label !== verb.remove);
    },
    [...labels],
  );
}

function isNamed(wanted: unknown, names: Readonly<Record<string, string>>): boolean {
  if (typeof wanted !== 'object' || wanted === null) return false;
  return Object.entries(wanted).some(([by, value]) => names[by] === value);
}

function priorityOf(wanted: unknown): string {
  const priority = PRIORITIES.find(({ id, name }) => isNamed(wanted, { id, name }));
  if (!priority) throw new Refusal(400, [], { priority: 'Priority is invalid.' });
  return priority.id;
}

function assigneeOf(wanted: unknown, { flavour }: Site): string {
  const user = USERS.find(({ accountId, displayName }) =>
    isNamed(
      wanted,
      flavour === 'cloud' ? { accountId, id: accountId } : { name: nameOf({ displayName }), key: accountId },
    ),
  );
  if (!user) throw new Refusal(400, [], { assignee: 'User does not exist or cannot be assigned issues.' });
  return user.accountId;
}

function tokenOf(offset: number): string {
  return Buffer.from(`page:${offset}`).toString('base64url');
}

function offsetIn(token: string): number {
  const [, offset] = /^page:(\d+)$/.exec(Buffer.from(token, 'base64url').toString()) ?? [];
  if (offset === undefined) throw new Refusal(400, ['The provided next page token is invalid.']);
  return Number(offset);
}
