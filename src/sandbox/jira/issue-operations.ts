/** Issues: reading, writing, assigning, moving through the workflow. */
import { z } from 'zod';
import { addCommentTo, CommentBody, checkVisibility } from './comment-operations.ts';
import { MAX_SUMMARY_CHARS } from './limits.ts';
import { issueOf, type Operation, Properties, type Surroundings, Text } from './operation.ts';
import { Refusal } from './refusal.ts';
import { fieldFilter, nameOf, type Site, toChangelog, toComment, toIssue, toStatus } from './wire.ts';
import { ISSUE_TYPES, maySee, PRIORITIES, PROJECTS, TRANSITIONS, USERS, type World } from './world.ts';

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

export function issueOperations(around: Surroundings): Operation[] {
  const { world, site, happened } = around;
  return [
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
          ...toIssue(issueOf(world, call), world, site(), wanted),
          ...(call.query.expand?.split(',').includes('changelog')
            ? { changelog: toChangelog(issueOf(world, call), site()) }
            : {}),
        };
        const { comment } = shown.fields;
        if (comment === undefined) return { status: 200, body: shown };
        const comments = world
          .commentsOf(issueOf(world, call))
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
        const before = issueOf(world, call);
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
        for (const comment of comments) addCommentTo(around, after, comment, call.user);
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
        const before = issueOf(world, call);
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
        const { status } = issueOf(world, call);
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
        const before = issueOf(world, call);
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
  ];
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
