/** Finds comments of ours by the key they were written under: the only guard against writing one twice. */
import type { JiraClient } from './client.ts';
import { accountOf, type JiraComment, type JiraUser, OWN_MARK, OwnMark } from './schema.ts';

/** Comments of an issue that are looked through, newest first. */
const LOOKED_THROUGH = 100;

/** Ids of the comments with this key, by part. Reads; nothing is written. */
export async function findOwnComments(
  client: JiraClient,
  issue: string,
  key: string,
  us: JiraUser,
): Promise<ReadonlyMap<number, string>> {
  const { comments } = await client.comments(issue, { most: LOOKED_THROUGH });
  const ours = comments.filter(({ author }) => author && accountOf(author) === accountOf(us));
  const marks = await Promise.all(ours.map((comment) => markOf(client, comment)));
  return new Map(
    marks.flatMap((mark, index) => {
      const comment = ours[index];
      return mark?.id === key && comment ? [[mark.part, comment.id] as const] : [];
    }),
  );
}

/** In the list where Jira tells properties there; asked for one by one where it does not. */
async function markOf(client: JiraClient, { id, properties }: JiraComment): Promise<OwnMark | undefined> {
  const value =
    properties === undefined
      ? await client.commentProperty(id, OWN_MARK)
      : properties.find(({ key }) => key === OWN_MARK)?.value;
  const mark = OwnMark.safeParse(value);
  return mark.success ? mark.data : undefined;
}
