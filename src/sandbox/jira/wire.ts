/** What the emulated Jira shows of its world, in the shapes of REST API v2 and of its webhooks. Pure. */
import {
  audienceName,
  GROUPS,
  ISSUE_TYPES,
  LINK_TYPES,
  PRIORITIES,
  PROJECTS,
  STATUSES,
  type User,
  userOf,
} from './catalogue.ts';
import type { Comment, HistoryEntry, HistoryItem, Issue, Link, StoredFile, World } from './world.ts';

export interface Site {
  /** Without a slash at the end. */
  readonly url: string;
  readonly flavour: 'cloud' | 'data-center';
  /** Three numbers, such as 10.3.0. */
  readonly version: string;
}

/** `2026-11-21T05:44:01.123+0100`: with the offset of the server, not of the reader. */
export function toJiraTime(ms: number): string {
  return new Date(ms).toISOString().replace('Z', '+0000');
}

export function toUser(user: User, { url, flavour }: Site) {
  const shown = { displayName: user.displayName, active: true, timeZone: user.timeZone };
  if (flavour === 'data-center') {
    const self = `${url}/rest/api/2/user?username=${encodeURIComponent(nameOf(user))}`;
    return { self, name: nameOf(user), key: user.accountId, ...shown };
  }
  const self = `${url}/rest/api/2/user?accountId=${encodeURIComponent(user.accountId)}`;
  return { self, accountId: user.accountId, accountType: user.accountType, ...shown };
}

/** The name of Data Center; on Cloud nobody has one. */
export function nameOf(user: Pick<User, 'displayName'>): string {
  return user.displayName.toLowerCase().split(' ')[0] ?? user.displayName;
}

function toUserOrNull(id: string | undefined, site: Site) {
  const user = userOf(id);
  return user ? toUser(user, site) : null;
}

export function toComment(comment: Comment, site: Site, { properties = false } = {}) {
  return {
    self: `${site.url}/rest/api/2/issue/${comment.issue}/comment/${comment.id}`,
    id: comment.id,
    author: toUserOrNull(comment.author, site),
    body: comment.body,
    updateAuthor: toUserOrNull(comment.updateAuthor, site),
    created: toJiraTime(comment.created),
    updated: toJiraTime(comment.updated),
    ...(comment.visibility ? { visibility: toVisibility(comment.visibility, site) } : {}),
    jsdPublic: !isInternal(comment),
    ...(properties ? { properties: toProperties(comment) } : {}),
  };
}

/** Data Center tells names only; Cloud tells a group by its id, and by its name where it was written so. */
function toVisibility(visibility: NonNullable<Comment['visibility']>, { flavour }: Site) {
  const { type, value } = visibility;
  const name = audienceName(visibility) ?? '';
  if (flavour === 'data-center') return { type, value: name };
  if (type === 'role') return { type, value: name, identifier: name };
  const identifier = GROUPS.find((group) => group.name === name)?.id ?? null;
  return { type, ...(value === undefined ? {} : { value }), identifier };
}

export function toProperties({ properties }: Comment) {
  return Object.entries(properties).map(([key, value]) => ({ key, value }));
}

/** Service desk comments with this property are for agents only. */
export function isInternal({ properties }: Pick<Comment, 'properties'>): boolean {
  const mark = properties['sd.public.comment'];
  return typeof mark === 'object' && mark !== null && 'internal' in mark && mark.internal === true;
}

export function toIssue(issue: Issue, world: World, site: Site, wanted: FieldFilter = () => true) {
  const fields = fieldsOf(issue, world, site);
  return {
    id: issue.id,
    self: `${site.url}/rest/api/2/issue/${issue.id}`,
    key: issue.key,
    fields: Object.fromEntries(Object.entries(fields).filter(([name]) => wanted(name))),
  };
}

/** Those of the properties that are asked for by name, or all of them; nothing when none are. */
export function toAskedProperties({ properties }: Issue, names: readonly string[] = []) {
  if (names.length === 0) return {};
  const asked = Object.entries(properties).filter(([key]) => names.includes(key) || names.includes('*all'));
  return { properties: Object.fromEntries(asked) };
}

/** Newest first, as Cloud lists it in an issue. */
export function toChangelog({ history }: Issue, site: Site) {
  const histories = history.toReversed().map((entry) => toHistory(entry, site));
  return { startAt: 0, maxResults: histories.length, total: histories.length, histories };
}

export function toHistory({ id, by, at, items }: HistoryEntry, site: Site) {
  return { id, author: toUserOrNull(by, site), created: toJiraTime(at), items: items.map(toHistoryItem) };
}

/** As in the history, and in the webhook about it. */
export function toHistoryItem({ field, from, to }: HistoryItem) {
  const nameOfId = NAMES_OF_IDS[field];
  return {
    field,
    fieldtype: 'jira',
    fieldId: field,
    from: nameOfId ? (from ?? null) : null,
    fromString: (nameOfId ? nameOfId(from) : from) ?? null,
    to: nameOfId ? (to ?? null) : null,
    toString: (nameOfId ? nameOfId(to) : to) ?? null,
  };
}

const named = (list: readonly { readonly id: string; readonly name: string }[]) => (id: string | undefined) =>
  list.find((each) => each.id === id)?.name;
const personNamed = (id: string | undefined) => userOf(id)?.displayName;

/** Fields whose values are kept by id. */
const NAMES_OF_IDS: Readonly<
  Partial<Record<HistoryItem['field'], (id: string | undefined) => string | undefined>>
> = {
  assignee: personNamed,
  reporter: personNamed,
  status: named(STATUSES),
  priority: named(PRIORITIES),
  issuetype: named(ISSUE_TYPES),
};

export type FieldFilter = (field: string) => boolean;

/**
 * Which fields a request wants: a list of names, `*all`, `*navigable`, and `-name` to leave one out.
 * Without any, `otherwise` says.
 */
export function fieldFilter(names: readonly string[], otherwise: readonly string[]): FieldFilter {
  const asked = names.length > 0 ? names : otherwise;
  const refused = new Set(asked.filter((name) => name.startsWith('-')).map((name) => name.slice(1)));
  const isAll = asked.some((name) => name === '*all') || asked.every((name) => name.startsWith('-'));
  const isNavigable = asked.includes('*navigable');
  return (field) => {
    if (refused.has(field)) return false;
    if (isAll || asked.includes(field)) return true;
    return isNavigable && !NOT_NAVIGABLE.has(field);
  };
}

const NOT_NAVIGABLE: ReadonlySet<string> = new Set(['comment', 'attachment']);

function fieldsOf(issue: Issue, world: World, site: Site): Record<string, unknown> {
  const project = PROJECTS.find(({ key }) => key === issue.project);
  const comments = world.commentsOf(issue);
  return {
    summary: issue.summary,
    description: issue.description || null,
    issuetype: toIssueType(issue.type, site),
    project: project && toProject(project, site),
    status: toStatus(issue.status, site),
    priority: PRIORITIES.find(({ id }) => id === issue.priority) ?? null,
    labels: issue.labels,
    assignee: toUserOrNull(issue.assignee, site),
    reporter: toUserOrNull(issue.reporter, site),
    creator: toUserOrNull(issue.reporter, site),
    created: toJiraTime(issue.created),
    updated: toJiraTime(issue.updated),
    duedate: null,
    resolution: null,
    components: [],
    fixVersions: [],
    subtasks: [],
    // Each names the other end alone.
    issuelinks: world.linksOf(issue).map((link) => {
      const { inwardIssue, outwardIssue, ...rest } = toLink(link, world, site);
      return { ...rest, ...(link.inward === issue.id ? { outwardIssue } : { inwardIssue }) };
    }),
    attachment: world.filesOf(issue).map((file) => toAttachment(file, site)),
    comment: {
      comments: comments.map((comment) => toComment(comment, site)),
      maxResults: comments.length,
      total: comments.length,
      startAt: 0,
    },
  };
}

export function toIssueType(typeId: string, { url }: Site) {
  const type = ISSUE_TYPES.find(({ id }) => id === typeId);
  return type && { self: `${url}/rest/api/2/issuetype/${type.id}`, ...type };
}

export function toStatus(statusId: string, { url }: Site) {
  const status = STATUSES.find(({ id }) => id === statusId);
  if (!status) return null;
  const { id, name, category } = status;
  return { self: `${url}/rest/api/2/status/${id}`, id, name, statusCategory: { key: category } };
}

export function toProject({ id, key, name, type }: (typeof PROJECTS)[number], { url }: Site) {
  return { self: `${url}/rest/api/2/project/${id}`, id, key, name, projectTypeKey: type, simplified: false };
}

export function toAttachment(file: StoredFile, site: Site) {
  const { id, filename, mimeType, base64, author, created } = file;
  return {
    self: `${site.url}/rest/api/2/attachment/${id}`,
    id,
    filename,
    author: toUserOrNull(author, site),
    created: toJiraTime(created),
    size: Buffer.byteLength(base64, 'base64'),
    mimeType,
    content:
      site.flavour === 'cloud'
        ? `${site.url}/rest/api/2/attachment/content/${id}`
        : `${site.url}/secure/attachment/${id}/${encodeURIComponent(filename)}`,
  };
}

/** A link with both ends. */
export function toLink({ id, type, inward, outward }: Link, world: World, site: Site) {
  return {
    id,
    self: `${site.url}/rest/api/2/issueLink/${id}`,
    type: LINK_TYPES.find(({ name }) => name === type),
    inwardIssue: toLinkedIssue(world.issue(inward), site),
    outwardIssue: toLinkedIssue(world.issue(outward), site),
  };
}

function toLinkedIssue(issue: Issue | undefined, site: Site) {
  if (!issue) return undefined;
  const { id, key, summary, status } = issue;
  return {
    id,
    key,
    self: `${site.url}/rest/api/2/issue/${id}`,
    fields: { summary, status: toStatus(status, site) },
  };
}

/** What a webhook tells of a link: from the issue that blocks to the one that is blocked, by numbers. */
export function toWebhookLink({ id, type: name, inward, outward }: Link) {
  const type = LINK_TYPES.find((each) => each.name === name);
  return {
    id: Number(id),
    sourceIssueId: Number(inward),
    destinationIssueId: Number(outward),
    issueLinkType: type && {
      id: Number(type.id),
      name,
      outwardName: type.outward,
      inwardName: type.inward,
      isSubTaskLinkType: false,
      isSystemLinkType: false,
    },
    systemLink: false,
  };
}

/** What a webhook tells of an issue: the fields people filter by, and no comments. */
export function toWebhookIssue(issue: Issue, world: World, site: Site) {
  const told = [
    'summary',
    'description',
    'issuetype',
    'project',
    'assignee',
    'reporter',
    'priority',
    'status',
    'labels',
    'created',
    'updated',
  ];
  return toIssue(issue, world, site, fieldFilter(told, []));
}
