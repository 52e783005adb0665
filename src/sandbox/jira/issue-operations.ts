/** Issues: reading, writing, assigning, moving through the workflow, deleting. */
import { z } from 'zod';
import { TRANSITIONS, type User } from './catalogue.ts';
import { addCommentTo, checkVisibility } from './comment-operations.ts';
import { checkScreen } from './create-screen.ts';
import { assigneeOf, IssueBody, projectOf, toIssueChange } from './issue-fields.ts';
import { MAX_CHANGELOG_PAGE } from './limits.ts';
import {
  type Answer,
  type Call,
  defineOperation,
  Flag,
  issueOf,
  List,
  type Operation,
  pageOf,
  paging,
  type Surroundings,
} from './operation.ts';
import { Refusal } from './refusal.ts';
import {
  fieldFilter,
  toAskedProperties,
  toChangelog,
  toComment,
  toHistory,
  toIssue,
  toStatus,
} from './wire.ts';
import { type Issue, maySee } from './world.ts';

export function issueOperations(around: Surroundings): Operation[] {
  const { world, site, happened } = around;

  function changeBy({ user }: Call, before: Issue, body: IssueBody): Issue {
    const comments = commentsIn(body, user);
    const after = world.changeIssue(before, toIssueChange(body, before, site()), user.accountId);
    happened({ kind: 'issue-updated', before, after, by: user.accountId });
    for (const comment of comments) addCommentTo(around, after, comment, user);
    return after;
  }

  function shown(issue: Issue, asked: z.infer<typeof Reading>, user: User): Answer {
    const expand = asked.expand?.split(',') ?? [];
    const wanted = fieldFilter(asked.fields ?? [], ['*all']);
    const { fields, ...rest } = toIssue(issue, world, site(), wanted);
    const comments = world
      .commentsOf(issue)
      .filter((each) => maySee(user, each))
      .map((each) => toComment(each, site()));
    const comment = { comments, maxResults: comments.length, total: comments.length, startAt: 0 };
    return {
      status: 200,
      body: {
        ...rest,
        fields: { ...fields, ...(fields.comment === undefined ? {} : { comment }) },
        ...toAskedProperties(issue, asked.properties),
        ...(expand.includes('changelog') ? { changelog: toChangelog(issue, site()) } : {}),
      },
    };
  }

  return [
    defineOperation({
      id: 'getIssue',
      method: 'GET',
      path: '/api/2/issue/:issue',
      query: Reading,
      serverQuery: Reading.omit({ fieldsByKeys: true, failFast: true }),
      run: (call) => shown(issueOf(world, call), call.query, call.user),
    }),
    defineOperation({
      id: 'createIssue',
      method: 'POST',
      path: '/api/2/issue',
      query: z.strictObject({ updateHistory: Flag.optional() }),
      body: IssueBody,
      run: ({ body, user }) => {
        const project = projectOf(body.fields?.project);
        checkScreen(Object.keys({ ...body.fields, ...body.update }), around.createScreen);
        const change = toIssueChange(body, { labels: [], properties: {} }, site());
        const { summary, type } = change;
        if (type === undefined) throw new Refusal(400, [], { issuetype: 'Specify an issue type' });
        if (summary === undefined) {
          throw new Refusal(400, [], { summary: 'You must specify a summary of the issue.' });
        }
        const comments = commentsIn(body, user);
        const issue = world.addIssue({ reporter: user.accountId, ...change, project, summary });
        happened({ kind: 'issue-created', issue, by: user.accountId });
        for (const comment of comments) addCommentTo(around, issue, comment, user);
        const self = `${site().url}/rest/api/2/issue/${issue.id}`;
        return { status: 201, body: { id: issue.id, key: issue.key, self } };
      },
    }),
    defineOperation({
      id: 'editIssue',
      method: 'PUT',
      path: '/api/2/issue/:issue',
      writes: true,
      query: z.strictObject({
        notifyUsers: Flag.optional(),
        overrideScreenSecurity: Flag.optional(),
        overrideEditableFlag: Flag.optional(),
        returnIssue: Flag.optional(),
        expand: z.string().optional(),
      }),
      serverQuery: z.strictObject({ notifyUsers: Flag.optional() }),
      body: IssueBody,
      run: (call) => {
        const before = issueOf(world, call);
        if (call.body.fields?.project) {
          throw new Refusal(400, [], { project: 'An issue is not moved to another project by an edit.' });
        }
        const after = changeBy(call, before, call.body);
        const { returnIssue, expand } = call.query;
        return returnIssue === 'true' ? shown(after, { expand }, call.user) : { status: 204 };
      },
    }),
    defineOperation({
      id: 'deleteIssue',
      method: 'DELETE',
      path: '/api/2/issue/:issue',
      writes: true,
      query: z.strictObject({ deleteSubtasks: Flag.optional() }),
      run: (call) => {
        const issue = issueOf(world, call);
        world.removeIssue(issue);
        happened({ kind: 'issue-deleted', issue, by: call.user.accountId });
        return { status: 204 };
      },
    }),
    defineOperation({
      id: 'getChangeLogs',
      method: 'GET',
      path: '/api/2/issue/:issue/changelog',
      on: 'cloud',
      query: z.strictObject(paging),
      run: (call) => {
        const { id, history } = issueOf(world, call);
        const page = pageOf(history, call.query, MAX_CHANGELOG_PAGE);
        const self = `${site().url}/rest/api/2/issue/${id}/changelog`;
        const values = page.values.map((entry) => toHistory(entry, site()));
        return { status: 200, body: { self, ...page, values } };
      },
    }),
    defineOperation({
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
        const { body, user } = call;
        const before = issueOf(world, call);
        if (site().flavour === 'cloud' && typeof body.name === 'string') {
          throw new Refusal(400, [
            "'accountId' must be the only user identifying query parameter in GDPR strict mode.",
          ]);
        }
        const assignee = assigneeOf(body, site());
        const after = world.changeIssue(before, { assignee }, user.accountId);
        happened({ kind: 'issue-updated', before, after, by: user.accountId });
        return { status: 204 };
      },
    }),
    defineOperation({
      id: 'getTransitions',
      method: 'GET',
      path: '/api/2/issue/:issue/transitions',
      query: z.strictObject({
        expand: z.string().optional(),
        transitionId: z.string().optional(),
        skipRemoteOnlyCondition: Flag.optional(),
        includeUnavailableTransitions: Flag.optional(),
        sortByOpsBarAndStatus: Flag.optional(),
      }),
      serverQuery: z.strictObject({ expand: z.string().optional(), transitionId: z.string().optional() }),
      run: (call) => {
        const { status } = issueOf(world, call);
        const { expand, transitionId } = call.query;
        const withFields = expand?.split(',').includes('transitions.fields');
        const transitions = TRANSITIONS.filter(({ to }) => to !== status)
          .filter(({ id }) => transitionId === undefined || id === transitionId)
          .map(({ id, name, to }) => ({
            id,
            name,
            to: toStatus(to, site()),
            hasScreen: false,
            isGlobal: true,
            isInitial: false,
            isConditional: false,
            isAvailable: true,
            ...(withFields ? { fields: {} } : {}),
          }));
        return { status: 200, body: { expand: 'transitions', transitions } };
      },
    }),
    defineOperation({
      id: 'doTransition',
      method: 'POST',
      path: '/api/2/issue/:issue/transitions',
      writes: true,
      query: z.strictObject({}),
      body: IssueBody,
      run: (call) => {
        if (!call.body.transition) throw new Refusal(400, ['Missing transition.']);
        changeBy(call, issueOf(world, call), call.body);
        return { status: 204 };
      },
    }),
  ];
}

const Reading = z.strictObject({
  fields: List.optional(),
  fieldsByKeys: Flag.optional(),
  expand: z.string().optional(),
  properties: List.optional(),
  updateHistory: Flag.optional(),
  failFast: Flag.optional(),
});

/** The comments that come with a change. @throws {Refusal} when one is for people the writer is not one of */
function commentsIn({ update }: IssueBody, user: User) {
  const comments = (update?.comment ?? []).map(({ add }) => add);
  for (const { visibility } of comments) checkVisibility(visibility, user);
  return comments;
}
