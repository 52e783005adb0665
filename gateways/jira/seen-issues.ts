/**
 * What polling has seen of the issues that changed lately: what stands still is not read again and again, and what is
 * gone is noticed.
 *
 * Kept in memory only, for so many issues: what was deleted while nobody looked, or in an issue seen too long ago, is
 * not noticed.
 */
import type { JiraComment, JiraIssue } from './schema.ts';

/** Issues that are remembered, those seen last. */
const MOST_ISSUES = 200;

/** What is known of a comment once it is gone. */
export type SeenComment = Pick<
  JiraComment,
  'id' | 'author' | 'created' | 'updated' | 'visibility' | 'jsdPublic'
>;

export interface Listing {
  readonly comments: readonly JiraComment[];
  /** Ids of comments that are there and cannot be read. */
  readonly unread: readonly string[];
  /** There are no older ones. */
  readonly isWhole: boolean;
}

interface SeenIssue {
  readonly updated: number;
  /** It was the same in two looks: a Jira that keeps whole seconds may have taken more in the first of them. */
  readonly isSettled: boolean;
  readonly comments: readonly SeenComment[];
}

export class SeenIssues {
  /** Those seen last come last. */
  readonly #issues = new Map<string, SeenIssue>();

  /** Whether an issue that was last changed then, as a search says, was seen as it was then or later, twice. */
  isSeen(id: string, updated: string): boolean {
    const seen = this.#issues.get(id);
    return seen?.isSettled === true && Date.parse(updated) <= seen.updated;
  }

  /** What was there the last time and is not any more. */
  goneFrom({ id }: JiraIssue, now: Listing): readonly SeenComment[] {
    return goneSince(this.#issues.get(id)?.comments ?? [], now);
  }

  /** `issue` as it was read before its comments were. */
  remember({ id, fields }: JiraIssue, { comments }: Listing): void {
    const updated = Date.parse(fields.updated ?? '');
    const isSettled = this.#issues.get(id)?.updated === updated;
    this.#issues.delete(id);
    this.#issues.set(id, {
      updated,
      isSettled,
      comments: comments.map(toSeen),
    });
    const [oldest] = this.#issues.keys();
    if (this.#issues.size > MOST_ISSUES && oldest !== undefined) this.#issues.delete(oldest);
  }
}

function toSeen({ id, author, created, updated, visibility, jsdPublic }: JiraComment): SeenComment {
  return {
    id,
    author,
    created,
    updated,
    ...(visibility === undefined ? {} : { visibility }),
    ...(jsdPublic === undefined ? {} : { jsdPublic }),
  };
}

/** Where the listing ends before the oldest, those beyond its end are not gone. Pure. */
export function goneSince(
  before: readonly SeenComment[],
  { comments, unread, isWhole }: Listing,
): SeenComment[] {
  const there = new Set([...comments.map(({ id }) => id), ...unread]);
  const oldest = Math.min(...comments.map(({ created }) => Date.parse(created)));
  return before.filter(({ id, created }) => !there.has(id) && (isWhole || Date.parse(created) > oldest));
}
