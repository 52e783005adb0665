/**
 * Finds an issue of ours by the key it was created under: the only guard against creating one twice.
 *
 * The mark goes along in the request that creates the issue, as a label where the screen has labels, and as a property
 * of the issue where it has none. A label is found however old the issue is; properties cannot be searched for, so the
 * newest issues of our own are looked through. Searches see an issue a little late, so finding none proves nothing.
 */
import { createHash } from 'node:crypto';
import type { JiraClient } from './client.ts';
import { OWN_MARK, OwnMark } from './schema.ts';

/** Newest issues of ours that are looked through for a property. */
const LOOKED_THROUGH = 50;
/** How far back; a call that is made again is made again soon. */
const LOOKED_BACK = '-7d';

export interface IssueMark {
  readonly fields: object;
  readonly properties: readonly { readonly key: string; readonly value: OwnMark }[];
}

/** What marks the issue that is created under this key. Pure. */
export function toIssueMark(key: string, { byLabel }: { byLabel: boolean }): IssueMark {
  return byLabel
    ? { fields: { labels: [labelOf(key)] }, properties: [] }
    : { fields: {}, properties: [{ key: OWN_MARK, value: { id: key, part: 0 } }] };
}

/** Key of the issue, or undefined. Reads; nothing is written. */
export async function findOwnIssue(
  client: JiraClient,
  project: string,
  key: string,
  { byLabel }: { byLabel: boolean },
): Promise<string | undefined> {
  const mark = byLabel
    ? `labels = "${labelOf(key)}"`
    : `creator = currentUser() AND created >= ${LOOKED_BACK} ORDER BY created DESC`;
  const { issues } = await client.search(`project = "${project}" AND ${mark}`, {
    fields: ['summary'],
    most: byLabel ? 1 : LOOKED_THROUGH,
    properties: byLabel ? [] : [OWN_MARK],
  });
  const found = byLabel
    ? issues[0]
    : issues.find(({ properties = {} }) => isUnder(key, properties[OWN_MARK]));
  return found && (found.key ?? found.id);
}

function isUnder(key: string, value: unknown): boolean {
  const mark = OwnMark.safeParse(value);
  return mark.success && mark.data.id === key;
}

/** Keys may be of any length, and hold spaces. */
function labelOf(key: string): string {
  return `signalbox-${createHash('sha256').update(key).digest('hex').slice(0, 20)}`;
}
