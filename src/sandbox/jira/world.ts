/**
 * What is in the emulated Jira, and how it changes.
 *
 * Owns      issues with their comments, links and files, and the order of ids.
 * Not here  who may do what (`operations.ts`), what it looks like on the wire (`wire.ts`), who is told (`webhooks.ts`).
 *
 * Invariants
 *   1. Everything changes through `record`, which keeps the change in the journal before it is applied; applying the
 *      journal again gives the same world.
 *   2. Ids grow, across restarts, too; none is given twice.
 */
import { z } from 'zod';
import type { Clock } from '../../domain/clock.ts';
import type { Journal } from '../journal.ts';
import { ALEX, BOT, PROJECT } from '../people.ts';
import { audienceName, ISSUE_TYPES, PRIORITIES, STATUSES, type User } from './catalogue.ts';

const JOURNAL_KIND = 'jira';

export const Visibility = z.strictObject({
  type: z.enum(['role', 'group']),
  value: z.string().optional(),
  identifier: z.string().nullable().optional(),
});
export type Visibility = z.infer<typeof Visibility>;

export const Comment = z.object({
  id: z.string(),
  issue: z.string(),
  author: z.string(),
  updateAuthor: z.string(),
  body: z.string(),
  created: z.number(),
  updated: z.number(),
  visibility: Visibility.optional(),
  properties: z.record(z.string(), z.unknown()),
});
export type Comment = z.infer<typeof Comment>;

export const StoredFile = z.object({
  id: z.string(),
  issue: z.string(),
  author: z.string(),
  filename: z.string(),
  mimeType: z.string(),
  base64: z.string(),
  created: z.number(),
});
export type StoredFile = z.infer<typeof StoredFile>;

export const Link = z.object({ id: z.string(), type: z.string(), inward: z.string(), outward: z.string() });
export type Link = z.infer<typeof Link>;

/** One field that was changed, by its name in Jira; people, statuses and the like by id. */
export const HistoryItem = z.object({
  field: z.enum([
    'assignee',
    'description',
    'issuetype',
    'labels',
    'priority',
    'reporter',
    'status',
    'summary',
  ]),
  from: z.string().optional(),
  to: z.string().optional(),
});
export type HistoryItem = z.infer<typeof HistoryItem>;

/** What somebody changed in an issue at once. */
export const HistoryEntry = z.object({
  id: z.string(),
  by: z.string(),
  at: z.number(),
  items: z.array(HistoryItem),
});
export type HistoryEntry = z.infer<typeof HistoryEntry>;

export const Issue = z.object({
  id: z.string(),
  key: z.string(),
  project: z.string(),
  type: z.string(),
  summary: z.string(),
  description: z.string().optional(),
  status: z.string(),
  priority: z.string(),
  labels: z.array(z.string()),
  assignee: z.string().optional(),
  reporter: z.string(),
  created: z.number(),
  updated: z.number(),
  /** Oldest first. */
  history: z.array(HistoryEntry).default([]),
  properties: z.record(z.string(), z.unknown()).default({}),
});
export type Issue = z.infer<typeof Issue>;

const Change = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('issue'), issue: Issue }),
  z.object({ kind: z.literal('issue-removed'), id: z.string() }),
  z.object({ kind: z.literal('comment'), comment: Comment }),
  z.object({ kind: z.literal('comment-removed'), id: z.string() }),
  z.object({ kind: z.literal('file'), file: StoredFile }),
  z.object({ kind: z.literal('file-removed'), id: z.string() }),
  z.object({ kind: z.literal('link'), link: Link }),
  z.object({ kind: z.literal('link-removed'), id: z.string() }),
]);
type Change = z.infer<typeof Change>;

export class World {
  readonly #issues = new Map<string, Issue>();
  readonly #comments = new Map<string, Comment>();
  readonly #files = new Map<string, StoredFile>();
  readonly #links = new Map<string, Link>();
  readonly #listeners = new Set<() => void>();
  /** Of the keys of each project. */
  readonly #lastNumbers = new Map<string, number>();
  #lastId = 20_000;

  constructor(
    private readonly journal: Journal,
    private readonly clock: Clock,
  ) {}

  /** Reads the journal back; the first time, there is what every sandbox begins with. */
  start(): void {
    const changes = this.journal.replay(JOURNAL_KIND);
    for (const change of changes) this.#apply(Change.parse(change));
    if (changes.length > 0) return;
    this.addIssue({ project: PROJECT.key, summary: 'Approvals', reporter: BOT.jiraAccount });
    this.addIssue({
      project: PROJECT.key,
      summary: 'Parcel of order 7 arrived broken',
      reporter: ALEX.jiraAccount,
    });
    this.addIssue({
      project: PROJECT.key,
      summary: 'Release 2.4 of api to production',
      reporter: ALEX.jiraAccount,
    });
    this.addIssue({ project: 'HELP', summary: 'My invoice is wrong', reporter: ALEX.jiraAccount });
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  // ── Reading ────────────────────────────────────────────────────────────────────────────────────────────────

  get issues(): Issue[] {
    return [...this.#issues.values()];
  }

  /** By id or key. */
  issue(idOrKey: string): Issue | undefined {
    return this.#issues.get(idOrKey) ?? this.issues.find(({ key }) => key === idOrKey.toUpperCase());
  }

  comment(id: string): Comment | undefined {
    return this.#comments.get(id);
  }

  /** Oldest first. */
  commentsOf({ id }: Issue): Comment[] {
    return [...this.#comments.values()].filter(({ issue }) => issue === id);
  }

  file(id: string): StoredFile | undefined {
    return this.#files.get(id);
  }

  filesOf({ id }: Issue): StoredFile[] {
    return [...this.#files.values()].filter(({ issue }) => issue === id);
  }

  link(id: string): Link | undefined {
    return this.#links.get(id);
  }

  linksOf({ id }: Issue): Link[] {
    return [...this.#links.values()].filter(({ inward, outward }) => inward === id || outward === id);
  }

  // ── Changing ───────────────────────────────────────────────────────────────────────────────────────────────

  addIssue(
    wanted: Pick<Issue, 'project' | 'summary' | 'reporter'> &
      Partial<
        Pick<Issue, 'description' | 'type' | 'status' | 'priority' | 'labels' | 'assignee' | 'properties'>
      >,
  ): Issue {
    const number = (this.#lastNumbers.get(wanted.project) ?? 0) + 1;
    const now = this.clock.now();
    const issue: Issue = {
      id: this.nextId(),
      key: `${wanted.project}-${number}`,
      type: ISSUE_TYPES[0].id,
      status: STATUSES[0].id,
      priority: PRIORITIES[1].id,
      labels: [],
      created: now,
      updated: now,
      history: [],
      properties: {},
      ...wanted,
    };
    this.#record({ kind: 'issue', issue });
    return issue;
  }

  /** `by` is remembered in the history, if there was a change at all; without it something beside the fields was. */
  changeIssue(issue: Issue, change: Partial<Omit<Issue, 'id' | 'key' | 'project'>>, by?: string): Issue {
    const at = this.clock.now();
    const next: Issue = { ...issue, ...change, updated: at };
    const items = by === undefined ? [] : changedItems(issue, next);
    const entries = by === undefined || items.length === 0 ? [] : [{ id: this.nextId(), by, at, items }];
    const remembered = { ...next, history: [...issue.history, ...entries] };
    this.#record({ kind: 'issue', issue: remembered });
    return remembered;
  }

  /** Properties are beside the fields: neither the history nor the time of the last change tells of them. */
  keepInIssue(issue: Issue, properties: Issue['properties']): void {
    this.#record({ kind: 'issue', issue: { ...issue, properties } });
  }

  /** With everything in it, and its links. Its key is not given again. */
  removeIssue({ id }: Issue): void {
    this.#record({ kind: 'issue-removed', id });
  }

  addComment(
    issue: Issue,
    wanted: Pick<Comment, 'author' | 'body'> & Partial<Pick<Comment, 'visibility' | 'properties'>>,
  ): Comment {
    const now = this.clock.now();
    const comment: Comment = {
      id: this.nextId(),
      issue: issue.id,
      updateAuthor: wanted.author,
      created: now,
      updated: now,
      properties: {},
      ...wanted,
    };
    this.#record({ kind: 'comment', comment });
    this.changeIssue(issue, {});
    return comment;
  }

  /** `by` undefined: a change that is no edit, such as of a property. */
  changeComment(
    comment: Comment,
    change: Partial<Pick<Comment, 'body' | 'visibility' | 'properties'>>,
    by?: string,
  ): Comment {
    const edited =
      by === undefined ? {} : { updateAuthor: by, updated: Math.max(this.clock.now(), comment.created + 1) };
    const next = { ...comment, ...change, ...edited };
    this.#record({ kind: 'comment', comment: next });
    const issue = this.#issues.get(comment.issue);
    if (issue && by !== undefined) this.changeIssue(issue, {});
    return next;
  }

  removeComment({ id, issue: issueId }: Comment): void {
    this.#record({ kind: 'comment-removed', id });
    const issue = this.#issues.get(issueId);
    if (issue) this.changeIssue(issue, {});
  }

  addFile(wanted: Omit<StoredFile, 'id' | 'created'>): StoredFile {
    const file = { ...wanted, id: this.nextId(), created: this.clock.now() };
    this.#record({ kind: 'file', file });
    return file;
  }

  removeFile({ id }: StoredFile): void {
    this.#record({ kind: 'file-removed', id });
  }

  addLink(wanted: Omit<Link, 'id'>): Link {
    const link = { ...wanted, id: this.nextId() };
    this.#record({ kind: 'link', link });
    return link;
  }

  removeLink({ id }: Link): void {
    this.#record({ kind: 'link-removed', id });
  }

  nextId(): string {
    this.#lastId += 1;
    return String(this.#lastId);
  }

  #record(change: Change): void {
    this.journal.append(JOURNAL_KIND, change);
    this.#apply(change);
    for (const listener of this.#listeners) listener();
  }

  #apply(change: Change): void {
    switch (change.kind) {
      case 'issue': {
        const { id, key, project, history } = change.issue;
        this.#issues.set(id, change.issue);
        const number = Number(key.slice(project.length + 1));
        this.#lastNumbers.set(project, Math.max(this.#lastNumbers.get(project) ?? 0, number));
        this.#seen(id, ...history.map((entry) => entry.id));
        break;
      }
      case 'issue-removed':
        this.#drop(change.id);
        break;
      case 'comment':
        this.#comments.set(change.comment.id, change.comment);
        this.#seen(change.comment.id);
        break;
      case 'comment-removed':
        this.#comments.delete(change.id);
        break;
      case 'file':
        this.#files.set(change.file.id, change.file);
        this.#seen(change.file.id);
        break;
      case 'file-removed':
        this.#files.delete(change.id);
        break;
      case 'link':
        this.#links.set(change.link.id, change.link);
        this.#seen(change.link.id);
        break;
      case 'link-removed':
        this.#links.delete(change.id);
        break;
      default:
        change satisfies never;
    }
  }

  #drop(id: string): void {
    this.#issues.delete(id);
    for (const kept of [this.#comments, this.#files]) {
      for (const each of kept.values()) if (each.issue === id) kept.delete(each.id);
    }
    for (const link of this.#links.values()) {
      if (link.inward === id || link.outward === id) this.#links.delete(link.id);
    }
  }

  #seen(...ids: string[]): void {
    this.#lastId = Math.max(this.#lastId, ...ids.map(Number));
  }
}

/** Pure. */
function changedItems(before: Issue, after: Issue): HistoryItem[] {
  const fields = {
    assignee: ({ assignee }: Issue) => assignee,
    description: ({ description }: Issue) => description || undefined,
    issuetype: ({ type }: Issue) => type,
    labels: ({ labels }: Issue) => labels.join(' '),
    priority: ({ priority }: Issue) => priority,
    reporter: ({ reporter }: Issue) => reporter,
    status: ({ status }: Issue) => status,
    summary: ({ summary }: Issue) => summary,
  };
  return HistoryItem.shape.field.options.flatMap((field) => {
    const [from, to] = [fields[field](before), fields[field](after)];
    return from === to ? [] : [{ field, from, to }];
  });
}

/** Whether somebody sees a comment that is for a role or a group only. */
export function maySee(user: User, { visibility }: Pick<Comment, 'visibility'>): boolean {
  if (!visibility) return true;
  const name = audienceName(visibility) ?? '';
  return (visibility.type === 'role' ? user.roles : user.groups).includes(name);
}
