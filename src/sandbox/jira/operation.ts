/** What every operation of the emulated REST API has, and what more than one of them looks at. */
import { z } from 'zod';
import type { Scope } from './app-account.ts';
import type { User } from './catalogue.ts';
import type { CreateScreen } from './create-screen.ts';
import { MAX_PROPERTY_CHARS, MAX_TEXT_CHARS } from './limits.ts';
import { noComment, noIssue } from './refusal.ts';
import type { ListedWebhook } from './webhooks.ts';
import type { Site } from './wire.ts';
import { type Comment, type Issue, type Link, maySee, type World } from './world.ts';

export interface Call<Query = unknown, Body = unknown> {
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly user: User;
}

export interface Answer {
  readonly status: number;
  readonly body?: unknown;
}

export interface Operation {
  /** `operationId` of the published description. */
  readonly id: string;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** Below `/rest`, with `:names`. */
  readonly path: string;
  readonly query: z.ZodType;
  /** Instead of `query`, where Data Center has other parameters. */
  readonly serverQuery?: z.ZodType;
  /** Absent: takes no body. */
  readonly body?: z.ZodType;
  /** What a scoped token needs. Default: to read work for a GET, to write it for the rest. */
  readonly scope?: Scope;
  /** Counts as a write to the issue of its path. */
  readonly writes?: true;
  /** Where it is; absent: on Cloud and on Data Center. */
  readonly on?: Site['flavour'];
  run(call: Call): Answer;
}

export function scopeOf({ method, scope }: Pick<Operation, 'method' | 'scope'>): Scope {
  return scope ?? (method === 'GET' ? 'read:jira-work' : 'write:jira-work');
}

/** An operation whose `run` is given what its own schemas made of the request. */
export function defineOperation<Query extends z.ZodType, Body extends z.ZodType = z.ZodUndefined>(
  definition: Omit<Operation, 'query' | 'body' | 'run'> & {
    readonly query: Query;
    readonly body?: Body;
    run(call: Call<z.infer<Query>, z.infer<Body>>): Answer;
  },
): Operation {
  return definition;
}

export interface Surroundings {
  readonly world: World;
  readonly site: () => Site;
  readonly now: () => number;
  /** Told of every change the app made, so that webhooks can go out. */
  readonly happened: (happening: Happening) => void;
  /** Whether the app's account has a permission in a project, or without one anywhere. */
  readonly holds: (permission: string, project?: string) => boolean;
  readonly createScreen: CreateScreen;
  readonly webhooks: () => readonly ListedWebhook[];
  /** How long after a change a search does not see it yet, in ms. */
  readonly searchLagMs: () => number;
}

export type Happening =
  | { readonly kind: 'comment-created' | 'comment-updated' | 'comment-deleted'; readonly comment: Comment }
  | { readonly kind: 'issue-created' | 'issue-deleted'; readonly issue: Issue; readonly by: string }
  | { readonly kind: 'link-created' | 'link-deleted'; readonly link: Link }
  | { readonly kind: 'issue-updated'; readonly before: Issue; readonly after: Issue; readonly by: string };

export const Text = z
  .string()
  .max(
    MAX_TEXT_CHARS,
    `The entered text is too long. It exceeds the allowed limit of ${MAX_TEXT_CHARS} characters.`,
  );
/** Any JSON, up to a length. */
export const PropertyValue = z
  .unknown()
  .refine((value) => JSON.stringify(value ?? null).length <= MAX_PROPERTY_CHARS);
const Property = z.strictObject({ key: z.string().min(1).max(255), value: PropertyValue });
export const Properties = z.array(Property).max(50);
export type Properties = z.infer<typeof Properties>;

/** Yes or no in a query. */
export const Flag = z.enum(['true', 'false']);
/** A whole number in a query; bounds are the caller's. */
export const Count = z
  .string()
  .regex(/^\d{1,9}$/, 'must be a whole number, from 0')
  .transform(Number);
/** Several in a query: repeated, with commas, or both. */
export const List = z
  .union([z.string(), z.array(z.string())])
  .transform((given) => [given].flat().flatMap((text) => text.split(',')));
/** A page of a list. */
export const paging = { startAt: Count.optional(), maxResults: Count.optional() };

/** What is on one page; `most` is what the operation gives at most, whatever is asked for. */
export function pageOf<Item>(
  all: readonly Item[],
  { startAt = 0, maxResults }: { startAt?: number | undefined; maxResults?: number | undefined },
  most: number,
) {
  const size = Math.min(maxResults ?? most, most);
  const values = all.slice(startAt, startAt + size);
  return { startAt, maxResults: size, total: all.length, isLast: startAt + size >= all.length, values };
}

export function propertiesOf(properties: Properties = []): Record<string, unknown> {
  return Object.fromEntries(properties.map(({ key, value }) => [key, value]));
}

/** @throws {Refusal} when there is none, or none that this account may see */
export function issueOf(world: World, { params }: Call): Issue {
  const issue = world.issue(params.issue ?? '');
  if (!issue) throw noIssue();
  return issue;
}

/** @throws {Refusal} when there is none, or none that this account may see */
export function commentOf(world: World, { params, user }: Call): Comment {
  const comment = world.comment(params.comment ?? '');
  const issue = params.issue === undefined ? undefined : world.issue(params.issue);
  if (!comment || !maySee(user, comment) || (params.issue !== undefined && comment.issue !== issue?.id)) {
    throw noComment(params.comment ?? '');
  }
  return comment;
}
