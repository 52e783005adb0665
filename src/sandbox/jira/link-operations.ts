/** Links between issues. */
import { z } from 'zod';
import { LINK_TYPES } from './catalogue.ts';
import { addCommentTo, CommentBody, checkVisibility } from './comment-operations.ts';
import { type Call, defineOperation, type Operation, type Surroundings } from './operation.ts';
import { noIssue, Refusal } from './refusal.ts';
import { toLink } from './wire.ts';
import type { Link } from './world.ts';

/** By id or by name. */
const OneOfTypes = z.strictObject({ id: z.string().optional(), name: z.string().optional() });
/** By id or by key. */
const OneOfIssues = z.strictObject({ id: z.string().optional(), key: z.string().optional() });

export function linkOperations(around: Surroundings): Operation[] {
  const { world, site, happened } = around;

  function linkOf({ params }: Call): Link {
    const link = world.link(params.link ?? '');
    if (!link) throw new Refusal(404, [`No issue link with id '${params.link}' exists.`]);
    return link;
  }

  return [
    defineOperation({
      id: 'getIssueLinkTypes',
      method: 'GET',
      path: '/api/2/issueLinkType',
      query: z.strictObject({}),
      run: () => ({ status: 200, body: { issueLinkTypes: LINK_TYPES } }),
    }),
    defineOperation({
      id: 'linkIssues',
      method: 'POST',
      path: '/api/2/issueLink',
      query: z.strictObject({}),
      body: z.strictObject({
        type: OneOfTypes,
        inwardIssue: OneOfIssues,
        outwardIssue: OneOfIssues,
        comment: CommentBody.optional(),
      }),
      run: ({ body, user }) => {
        const wanted = body;
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
        if (!isThere) {
          const link = world.addLink({ type: type.name, inward: inward.id, outward: outward.id });
          happened({ kind: 'link-created', link });
        }
        // The reference: the comment goes to the outward issue.
        if (wanted.comment) addCommentTo(around, outward, wanted.comment, user);
        return { status: 201 };
      },
    }),
    defineOperation({
      id: 'getIssueLink',
      method: 'GET',
      path: '/api/2/issueLink/:link',
      query: z.strictObject({}),
      run: (call) => ({ status: 200, body: toLink(linkOf(call), world, site()) }),
    }),
    defineOperation({
      id: 'deleteIssueLink',
      method: 'DELETE',
      path: '/api/2/issueLink/:link',
      query: z.strictObject({}),
      run: (call) => {
        const link = linkOf(call);
        world.removeLink(link);
        happened({ kind: 'link-deleted', link });
        return { status: 204 };
      },
    }),
  ];
}
