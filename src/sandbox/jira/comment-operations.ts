/** Comments, who may see them, and their properties. */
import { z } from 'zod';
import { audienceName, type User } from './catalogue.ts';
import { MAX_COMMENT_PAGE } from './limits.ts';
import {
  commentOf,
  defineOperation,
  Flag,
  issueOf,
  type Operation,
  Properties,
  PropertyValue,
  pageOf,
  paging,
  propertiesOf,
  type Surroundings,
  Text,
} from './operation.ts';
import { Refusal } from './refusal.ts';
import { toComment, toProperties } from './wire.ts';
import { type Comment, type Issue, maySee, Visibility } from './world.ts';

export const CommentBody = z.strictObject({
  body: Text.min(1, 'Comment body can not be empty!'),
  visibility: Visibility.optional(),
  properties: Properties.optional(),
});

export function commentOperations(around: Surroundings): Operation[] {
  const { world, site, happened } = around;
  return [
    defineOperation({
      id: 'getComments',
      method: 'GET',
      path: '/api/2/issue/:issue/comment',
      query: z.strictObject({
        ...paging,
        orderBy: z.enum(['created', '-created', '+created']).optional(),
        expand: z.string().optional(),
      }),
      run: (call) => {
        const { orderBy, expand } = call.query;
        const seen = world.commentsOf(issueOf(world, call)).filter((comment) => maySee(call.user, comment));
        const page = pageOf(
          orderBy === '-created' ? seen.toReversed() : seen,
          { maxResults: 100, ...call.query },
          MAX_COMMENT_PAGE,
        );
        const { startAt, maxResults, total } = page;
        const properties = hasProperties(expand);
        const comments = page.values.map((comment) => toComment(comment, site(), { properties }));
        return { status: 200, body: { startAt, maxResults, total, comments } };
      },
    }),
    defineOperation({
      id: 'addComment',
      method: 'POST',
      path: '/api/2/issue/:issue/comment',
      writes: true,
      query: z.strictObject({ expand: z.string().optional() }),
      body: CommentBody,
      run: (call) => {
        const wanted = call.body;
        checkVisibility(wanted.visibility, call.user);
        const comment = addCommentTo(around, issueOf(world, call), wanted, call.user);
        return { status: 201, body: toComment(comment, site()) };
      },
    }),
    defineOperation({
      id: 'getComment',
      method: 'GET',
      path: '/api/2/issue/:issue/comment/:comment',
      query: z.strictObject({ expand: z.string().optional() }),
      run: (call) => {
        const properties = hasProperties(call.query.expand);
        return { status: 200, body: toComment(commentOf(world, call), site(), { properties }) };
      },
    }),
    defineOperation({
      id: 'updateComment',
      method: 'PUT',
      path: '/api/2/issue/:issue/comment/:comment',
      writes: true,
      query: z.strictObject({
        notifyUsers: Flag.optional(),
        overrideEditableFlag: Flag.optional(),
        expand: z.string().optional(),
      }),
      serverQuery: z.strictObject({ expand: z.string().optional() }),
      body: CommentBody,
      run: (call) => {
        const { body, visibility, properties = [] } = call.body;
        checkVisibility(visibility, call.user);
        const before = commentOf(world, call);
        const comment = world.changeComment(
          before,
          {
            body,
            // Whoever leaves it out makes the comment one for everybody.
            visibility,
            properties: {
              ...before.properties,
              ...propertiesOf(properties),
            },
          },
          call.user.accountId,
        );
        happened({ kind: 'comment-updated', comment });
        return { status: 200, body: toComment(comment, site()) };
      },
    }),
    defineOperation({
      id: 'deleteComment',
      method: 'DELETE',
      path: '/api/2/issue/:issue/comment/:comment',
      writes: true,
      query: z.strictObject({}),
      run: (call) => {
        const comment = commentOf(world, call);
        world.removeComment(comment);
        happened({ kind: 'comment-deleted', comment });
        return { status: 204 };
      },
    }),
    defineOperation({
      id: 'getCommentsByIds',
      method: 'POST',
      scope: 'read:jira-work',
      path: '/api/2/comment/list',
      on: 'cloud',
      query: z.strictObject({ expand: z.string().optional() }),
      body: z.strictObject({ ids: z.array(z.number().int()).max(1_000) }),
      run: ({ query, body, user }) => {
        const { ids } = body;
        const properties = hasProperties(query.expand);
        const values = ids
          .flatMap((id) => world.comment(String(id)) ?? [])
          .filter((comment) => maySee(user, comment))
          .map((comment) => toComment(comment, site(), { properties }));
        return {
          status: 200,
          body: { values, startAt: 0, maxResults: 1_048_576, total: values.length, isLast: true },
        };
      },
    }),
    defineOperation({
      id: 'getCommentPropertyKeys',
      method: 'GET',
      path: '/api/2/comment/:comment/properties',
      query: z.strictObject({}),
      run: (call) => ({
        status: 200,
        body: {
          keys: toProperties(commentOf(world, call)).map(({ key }) => ({
            key,
            self: `${site().url}/rest/api/2/comment/${call.params.comment}/properties/${key}`,
          })),
        },
      }),
    }),
    defineOperation({
      id: 'getCommentProperty',
      method: 'GET',
      path: '/api/2/comment/:comment/properties/:key',
      query: z.strictObject({}),
      run: (call) => {
        const key = call.params.key ?? '';
        const found = toProperties(commentOf(world, call)).find((property) => property.key === key);
        if (!found) throw new Refusal(404, [`The property with key '${key}' does not exist.`]);
        return { status: 200, body: found };
      },
    }),
    defineOperation({
      id: 'deleteCommentProperty',
      method: 'DELETE',
      path: '/api/2/comment/:comment/properties/:key',
      query: z.strictObject({}),
      run: (call) => {
        const comment = commentOf(world, call);
        const { [call.params.key ?? '']: removed, ...properties } = comment.properties;
        if (removed === undefined) {
          throw new Refusal(404, [`The property with key '${call.params.key}' does not exist.`]);
        }
        world.changeComment(comment, { properties });
        return { status: 204 };
      },
    }),
    defineOperation({
      id: 'setCommentProperty',
      method: 'PUT',
      path: '/api/2/comment/:comment/properties/:key',
      query: z.strictObject({}),
      body: PropertyValue,
      run: (call) => {
        const comment = commentOf(world, call);
        const key = call.params.key ?? '';
        const isNew = !(key in comment.properties);
        world.changeComment(comment, { properties: { ...comment.properties, [key]: call.body } });
        return { status: isNew ? 201 : 200, body: '' };
      },
    }),
  ];
}

function hasProperties(expand = ''): boolean {
  return expand.split(',').includes('properties');
}

/** Writes it and says so. */
export function addCommentTo(
  { world, happened }: Surroundings,
  issue: Issue,
  wanted: z.infer<typeof CommentBody>,
  author: User,
): Comment {
  const { body, visibility, properties = [] } = wanted;
  const comment = world.addComment(world.issue(issue.id) ?? issue, {
    author: author.accountId,
    body,
    properties: propertiesOf(properties),
    ...(visibility ? { visibility } : {}),
  });
  happened({ kind: 'comment-created', comment });
  return comment;
}

/** @throws {Refusal} when somebody writes for a role or a group they are not in */
export function checkVisibility(visibility: Visibility | undefined, user: User): void {
  if (!visibility) return;
  const name = audienceName(visibility);
  const known = visibility.type === 'role' ? user.roles : user.groups;
  if (name && known.includes(name)) return;
  const what = visibility.type === 'role' ? 'role' : 'group';
  throw new Refusal(400, [], {
    commentLevel: `You are currently not a member of the ${what}: ${name ?? ''}.`,
  });
}
