/** What every operation of the emulated REST API has, and what more than one of them looks at. */
import { z } from 'zod';
import { MAX_PROPERTY_CHARS, MAX_TEXT_CHARS } from './limits.ts';
import { noComment, noIssue } from './refusal.ts';
import type { ListedWebhook } from './webhooks.ts';
import type { Site } from './wire.ts';
import { type Comment, type Issue, maySee, type User, type World } from './world.ts';

export interface Call<Query = Readonly<Record<string, string | undefined>>, Body = unknown> {
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
  /** Absent: takes no body. */
  readonly body?: z.ZodType;
  /** Counts as a write to the issue of its path. */
  readonly writes?: true;
  run(call: Call): Answer;
}

export interface Surroundings {
  readonly world: World;
  readonly site: () => Site;
  readonly now: () => number;
  /** Told of every change the app made, so that webhooks can go out. */
  readonly happened: (happening: Happening) => void;
  /** Whether the app's account may administer the site. */
  readonly isAdministrator: () => boolean;
  readonly webhooks: () => readonly ListedWebhook[];
  /** How long after a change a search does not see it yet, in ms. */
  readonly searchLagMs: () => number;
}

export type Happening =
  | { readonly kind: 'comment-created' | 'comment-updated' | 'comment-deleted'; readonly comment: Comment }
  | { readonly kind: 'issue-created'; readonly issue: Issue; readonly by: string }
  | { readonly kind: 'issue-updated'; readonly before: Issue; readonly after: Issue; readonly by: string };

export const Text = z
  .string()
  .max(
    MAX_TEXT_CHARS,
    `The entered text is too long. It exceeds the allowed limit of ${MAX_TEXT_CHARS} characters.`,
  );
const Property = z.strictObject({
  key: z.string().min(1).max(255),
  value: z.unknown().refine((value) => JSON.stringify(value ?? null).length <= MAX_PROPERTY_CHARS),
});
export const Properties = z.array(Property).max(50);
/** A page of a list. */
export const paging = {
  startAt: z.coerce.number().int().min(0).optional(),
  maxResults: z.coerce.number().int().min(0).optional(),
};

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
