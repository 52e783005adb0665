/** Links between issues. */
import { z } from 'zod';
import { addCommentTo, CommentBody, checkVisibility } from './comment-operations.ts';
import type { Operation, Surroundings } from './operation.ts';
import { noIssue, Refusal } from './refusal.ts';
import { LINK_TYPES } from './world.ts';

export function linkOperations(around: Surroundings): Operation[] {
  const { world } = around;
  return [
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
        if (wanted.comment) addCommentTo(around, outward, wanted.comment, user);
        return { status: 201 };
      },
    },
  ];
}
