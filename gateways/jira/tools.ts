/**
 * What the agent can look up and do in Jira.
 *
 * Each says truthfully what is known afterwards:
 *   refused by Jira, or asked to wait   an error in the output: nothing was done
 *   no clear answer                     thrown: it may or may not have been done, and nobody here can tell
 *
 * What cannot work is told to the agent before anybody is asked about it: a call that waits for people is looked at by
 * its `foresee` first, which changes nothing.
 *
 * Nothing here decides whether it may be done; `authorizations.yaml` does.
 */
import { z } from 'zod';
import { FutileCallError, RateLimitedError, UndeliverableError } from '../../src/domain/errors.ts';
import type { Preview, Tool, ToolContext, ToolOutput } from '../../src/domain/tool.ts';
import type { JiraClient } from './client.ts';
import { hasField, lookUpScreen, obstacleOf } from './create-screen.ts';
import { JiraCredentialError, JiraScopeError } from './http-error.ts';
import { isAmong } from './jql.ts';
import { findOwnComments } from './own-comments.ts';
import { findOwnIssue, toIssueMark } from './own-issues.ts';
import { accountOf, type JiraComment, JiraFile, JiraUser, OWN_MARK } from './schema.ts';
import { fromWiki, MAX_COMMENT_CHARS, toWiki } from './wiki.ts';

/** By which rules hold all of them at once. */
const JIRA_FAMILY = 'jira';

const TIMEOUT_MS = 30_000;
/** Issues of one answer to a search. */
const MOST_FOUND = 20;
/** Newest comments shown with an issue. */
const MOST_COMMENTS = 10;
/** Newest files named with an issue. */
const MOST_FILES = 20;
/** Longest description or comment shown, in characters; what is left off is said. */
const MAX_SHOWN_CHARS = 4_000;

const IssueKey = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{1,9}-\d{1,9}$/, 'an issue key looks like OPS-12')
  .describe('Key of the issue, such as OPS-12.');
const ProjectKey = z
  .string()
  .regex(/^[A-Z][A-Z0-9_]{1,9}$/, 'a project key looks like OPS')
  .describe('Key of the project, such as OPS.');
const Account = z.string().min(3).max(128).describe('Account id of the person, never a name.');
const Markdown = z.string().min(1).max(30_000);

const Search = z.object({
  jql: z
    .string()
    .min(1)
    .max(2_000)
    .describe('A query in JQL. Name a project or a time, or it finds too much.'),
});
const GetIssue = z.object({ issue: IssueKey });
const AddComment = z.object({ issue: IssueKey, text: Markdown.describe('The comment, in markdown.') });
const CreateIssue = z.object({
  project: ProjectKey,
  type: z.string().min(1).max(60).default('Task').describe('Name of the issue type.'),
  summary: z
    .string()
    .trim()
    .min(1)
    .max(254)
    .regex(/^[^\r\n]*$/, 'is one line')
    .describe('One line.'),
  description: Markdown.optional().describe('In markdown.'),
});
const Transition = z.object({
  issue: IssueKey,
  to: z.string().min(1).max(60).describe('Name of the status it is to have, such as Done.'),
});
const Assign = z.object({
  issue: IssueKey,
  account: Account.nullable().describe('Account id, or null for nobody.'),
});
const LinkIssues = z.object({
  from: IssueKey,
  to: IssueKey,
  type: z.string().min(1).max(60).describe('Name of the link type, such as Blocks: `from` blocks `to`.'),
});

const SUMMARY_FIELDS = ['summary', 'status', 'assignee', 'priority', 'updated'] as const;

export interface JiraToolOptions {
  /** In service desks, what is written is for agents only. */
  readonly answersInternal: boolean;
  /** Keys of the only projects that are looked at and worked in; absent: all the account can see. */
  readonly projects?: readonly string[] | undefined;
}

export function createJiraTools(client: JiraClient, { answersInternal, projects }: JiraToolOptions): Tool[] {
  /** Also of issues that have moved: Jira goes on answering to their old keys. */
  const mustBeOpen = async (...issues: readonly string[]): Promise<void> => {
    if (projects === undefined) return;
    for (const issue of issues) {
      mustBeAmong(projects, projectOf(issue), issue);
      const { project } = (await client.issue(issue, ['project'])).fields;
      mustBeAmong(projects, project?.key, issue);
    }
  };

  /** What an issue needs to be created. */
  const screenFor = async ({ project, type, description }: z.output<typeof CreateIssue>) => {
    if (projects) mustBeAmong(projects, project, project);
    const found = await lookUpScreen(client, project, type);
    if (found.kind === 'none') throw new Refused(found.why);
    const obstacle = obstacleOf(found.screen, { description: description !== undefined });
    if (obstacle !== undefined)
      throw new Refused(`a ${type} in ${project} cannot be created like this: ${obstacle}`);
    return found.screen;
  };

  /** The status an issue has, and the transition to the one it is to have; without one it has that already. */
  const wayTo = async (issue: string, to: string) => {
    await mustBeOpen(issue);
    const { fields } = z.object({ fields: ShownFields }).parse(await client.issueAsIs(issue, ['status']));
    const status = fields.status?.name ?? 'unknown';
    if (same(status, to)) return { status };
    const known = await client.transitions(issue);
    // Where it leads counts; what it is called only where nothing leads there.
    const wanted =
      known.find((each) => same(each.to?.name ?? '', to)) ?? known.find((each) => same(each.name, to));
    if (wanted) return { status, wanted };
    const names = known.map((each) => each.to?.name ?? each.name).join(', ');
    throw new Refused(`from here ${issue} can only become: ${names || 'nothing'}`);
  };

  const search = tool({
    name: 'jira_search',
    group: 'messaging',
    description: `Finds issues in Jira by JQL, at most ${MOST_FOUND}, with status and assignee.`,
    input: Search,
    risk: 'low',
    effect: 'read',
    reversible: true,
    run: async ({ jql }) => {
      const found = await client.search(projects ? withinProjects(jql, projects) : jql, {
        fields: SUMMARY_FIELDS,
        most: MOST_FOUND,
      });
      const { isLast } = found;
      // What the query says of projects may be outwitted by what was asked; the keys may not.
      const issues = found.issues.filter(
        ({ key = '' }) => projects === undefined || projects.includes(projectOf(key)),
      );
      if (issues.length === 0) return 'No issue fits.';
      const more = isLast === false ? [`(There are more; these are the first ${issues.length}.)`] : [];
      return [
        ...issues.map(({ key, fields }) => line(key ?? '?', ShownFields.parse(fields ?? {}))),
        ...more,
      ].join('\n');
    },
  });

  const getIssue = tool({
    name: 'jira_get_issue',
    group: 'messaging',
    description: `Shows one issue of Jira: its fields, its description and its newest ${MOST_COMMENTS} comments, without those that only some people may read.`,
    input: GetIssue,
    risk: 'low',
    effect: 'read',
    reversible: true,
    run: async ({ issue }) => {
      await mustBeOpen(issue);
      const [shown, { comments }] = await Promise.all([
        client.issueAsIs(issue, [...SUMMARY_FIELDS, 'description', 'reporter', 'issuetype', 'attachment']),
        client.comments(issue, { most: MOST_COMMENTS }),
      ]);
      const { key, fields } = z.object({ key: z.string(), fields: ShownFields }).parse(shown);
      // This account may read more than whoever asks, wherever they ask.
      const open = comments.filter(isForEverybody);
      const hidden = comments.length - open.length;
      return [
        line(key, fields),
        `Reporter: ${nameOf(fields.reporter)}. Type: ${fields.issuetype?.name ?? 'unknown'}.`,
        `Description:\n${shortened(fromWiki(fields.description ?? '')) || '(none)'}`,
        ...filesLine(fields.attachment),
        ...(hidden === 0
          ? []
          : [`(Left off, because only some people may read them: ${hidden} of the comments.)`]),
        ...open
          .toReversed()
          .map(
            ({ author, body, created }) => `${nameOf(author)} on ${created}:\n${shortened(fromWiki(body))}`,
          ),
      ].join('\n\n');
    },
  });

  const addComment = tool({
    name: 'jira_add_comment',
    group: 'messaging',
    description: answersInternal
      ? 'Writes a comment to an issue of Jira. Everybody who sees the issue can read it; in a service desk only its agents.'
      : 'Writes a comment to an issue of Jira that everybody who sees the issue can read, customers of a service desk included.',
    input: AddComment,
    risk: 'medium',
    // Its mark is written in the same request, so a second run finds the first.
    effect: 'idempotent',
    reversible: true,
    foresee: async ({ issue }) => {
      await mustBeOpen(issue);
      await client.issue(issue, ['project']);
      return AS_IT_SAYS;
    },
    run: async ({ issue, text }, { idempotencyKey }) => {
      await mustBeOpen(issue);
      const parts = toWiki(text);
      const there = await findOwnComments(client, issue, idempotencyKey, await client.whoAmI());
      const { project } = (await client.issue(issue, ['project'])).fields;
      const isInternal = answersInternal && project?.projectTypeKey === 'service_desk';
      let written = there.size;
      for (const [part, body] of parts.entries()) {
        if (there.has(part)) continue;
        await client
          .addComment(issue, {
            body,
            properties: [
              { key: OWN_MARK, value: { id: idempotencyKey, part } },
              ...(isInternal ? [{ key: 'sd.public.comment', value: { internal: true } }] : []),
            ],
          })
          .catch((error: unknown) => {
            if (written === 0) throw error;
            throw new PartlyDone(`${written} of ${parts.length} comments`, { cause: error });
          });
        written++;
      }
      return `The comment is on ${issue}.`;
    },
  });

  const createIssue = tool({
    name: 'jira_create_issue',
    group: 'automation',
    description: 'Creates an issue in Jira.',
    input: CreateIssue,
    risk: 'medium',
    // Its mark finds what an attempt before has created, but a search may see it late: no guarantee.
    effect: 'once',
    reversible: true,
    foresee: async (wanted) => {
      descriptionOf(wanted);
      await screenFor(wanted);
      return AS_IT_SAYS;
    },
    run: async (wanted, { idempotencyKey }) => {
      const { project, summary } = wanted;
      const description = descriptionOf(wanted);
      const screen = await screenFor(wanted);
      const byLabel = hasField(screen, 'labels');
      const known = await findOwnIssue(client, project, idempotencyKey, { byLabel });
      if (known !== undefined) return `It was created as ${known}.`;
      const mark = toIssueMark(idempotencyKey, { byLabel });
      const created = await client.createIssue({
        fields: {
          project: { key: project },
          issuetype: { id: screen.typeId },
          summary,
          ...(description === undefined ? {} : { description }),
          ...mark.fields,
        },
        properties: mark.properties,
      });
      return `${created.key} was created.`;
    },
  });

  const transition = tool({
    name: 'jira_transition',
    group: 'automation',
    description: 'Moves an issue of Jira to another status of its workflow.',
    input: Transition,
    risk: 'medium',
    effect: 'idempotent',
    reversible: true,
    foresee: async ({ issue, to }) => {
      const { status, wanted } = await wayTo(issue, to);
      if (!wanted) throw new Refused(`${issue} is ${status} already`);
      const after = wanted.to?.name ?? wanted.name;
      return { changes: [{ label: 'status', before: status, after }], basis: `${issue} is ${status}` };
    },
    run: async ({ issue, to }) => {
      const { status, wanted } = await wayTo(issue, to);
      if (!wanted) return `${issue} is ${status} already.`;
      await client.transition(issue, wanted.id);
      const after = wanted.to?.name ?? to;
      return same(after, to) ? `${issue} is ${after} now.` : `${issue} has gone the way “${to}”.`;
    },
  });

  const assign = tool({
    name: 'jira_assign',
    group: 'automation',
    description: 'Gives an issue of Jira to a person, or takes it from everybody.',
    input: Assign,
    risk: 'medium',
    effect: 'idempotent',
    reversible: true,
    foresee: async ({ issue, account }) => {
      await mustBeOpen(issue);
      const before = nameOf((await client.issue(issue, ['assignee'])).fields.assignee);
      const to = account === null ? null : await client.assignable(issue, account);
      if (to === 'nobody')
        throw new Refused(
          `${issue} cannot be assigned to ${account}: no account id of somebody who may have it`,
        );
      const after = to === 'unknown' ? `${account}` : nameOf(to);
      return {
        changes: [{ label: 'assignee', before, after }],
        basis: `${issue} is assigned to ${before}`,
      };
    },
    run: async ({ issue, account }) => {
      await mustBeOpen(issue);
      await client.assign(issue, account ?? undefined);
      return account === null ? `${issue} is assigned to nobody.` : `${issue} is assigned to ${account}.`;
    },
  });

  const link = tool({
    name: 'jira_link',
    group: 'automation',
    description: 'Links two issues of Jira.',
    input: LinkIssues,
    risk: 'low',
    // The same link twice is one link.
    effect: 'idempotent',
    reversible: true,
    foresee: async ({ from, to, type }) => {
      await mustBeOpen(from, to);
      for (const issue of [from, to]) await client.issue(issue, ['project']);
      const types = await client.linkTypes();
      if (!types.includes(type))
        throw new Refused(`there is no link type ${type}, only: ${types.join(', ')}`);
      return AS_IT_SAYS;
    },
    run: async ({ from, to, type }) => {
      await mustBeOpen(from, to);
      await client.link({ type, inward: from, outward: to });
      return `${from} and ${to} are linked (${type}).`;
    },
  });

  return [search, getIssue, addComment, createIssue, transition, assign, link];
}

/** Nothing was done, for a reason the agent can act on. */
class Refused extends Error {}

/** Some of it was done, which the message names; the cause is why the rest was not. */
class PartlyDone extends Error {}

function mustBeAmong(projects: readonly string[], project: string | undefined, what: string): void {
  if (project !== undefined && projects.includes(project)) return;
  throw new Refused(`${what} is not in a project I work in (${projects.join(', ')})`);
}

function projectOf(issueKey: string): string {
  return issueKey.slice(0, issueKey.lastIndexOf('-'));
}

/** So that what is found among other projects does not use up the places of the answer. */
function withinProjects(jql: string, projects: readonly string[]): string {
  const [, condition = jql, order = ''] = /^([\s\S]*?)(\border\s+by\b[^"']*)$/i.exec(jql) ?? [];
  const wanted = condition.trim() === '' ? '' : ` AND (${condition.trim()})`;
  return `${isAmong(projects)}${wanted} ${order}`.trim();
}

/**
 * In wiki markup, which may be longer than the markdown it is made of.
 *
 * @throws {Refused} when it is longer than a field of Jira may be
 */
function descriptionOf({ description }: z.output<typeof CreateIssue>): string | undefined {
  if (description === undefined) return undefined;
  const [text = '', ...rest] = toWiki(description);
  if (rest.length === 0) return text;
  throw new Refused(
    `the description is longer than the ${MAX_COMMENT_CHARS} characters that Jira takes, as Jira writes it: shorten it, and add the rest in comments`,
  );
}

interface Plan<Input extends z.ZodType>
  extends Pick<Tool<Input>, 'name' | 'group' | 'description' | 'input' | 'risk' | 'effect' | 'reversible'> {
  /** Throws what `run` would throw before it changed anything. */
  foresee?(input: z.output<Input>): Promise<Preview>;
  run(input: z.output<Input>, context: ToolContext): Promise<string>;
}

/** How long what was read of Jira is told again, unless Jira tells of something new before: a turn or two, in ms. */
const READ_AGAIN_MS = 15_000;

/** Nothing is changed but what the arguments say, whatever else changes meanwhile. */
const AS_IT_SAYS: Preview = { changes: [], basis: 'as it says' };

function tool<Input extends z.ZodType>({ run, foresee, ...plan }: Plan<Input>): Tool {
  const made: Tool<Input> = {
    ...plan,
    // What is read is written by others; so is why something could not be done: statuses, types of links, errors.
    tells: 'outsider',
    ...(foresee ? { preview: (input, { signal }) => until(signal, foresee(input).catch(asFutile)) } : {}),
    family: JIRA_FAMILY,
    // Whoever asks, it is the bot's account that reads.
    ...(plan.effect === 'read'
      ? { cache: { ttlMs: READ_AGAIN_MS, tags: [JIRA_FAMILY], isSameForAll: true as const } }
      : {}),
    version: 1,
    timeoutMs: TIMEOUT_MS,
    execute: async (input, context): Promise<ToolOutput> => {
      try {
        const text = await run(input, context);
        // That it was done is said in our own words, and those of the call.
        return { status: 'ok', text, ...(plan.effect === 'read' ? {} : { trust: 'tool' as const }) };
      } catch (error) {
        const text =
          error instanceof PartlyDone
            ? `Only ${error.message} were written; the rest was not: ${reasonOf(error.cause)}.`
            : `Nothing was done: ${reasonOf(error)}.`;
        return { status: 'error', text };
      }
    },
  };
  // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
  return made as unknown as Tool;
}

/** @throws {FutileCallError} for what Jira would refuse; anything else as it is */
function asFutile(error: unknown): never {
  if (error instanceof Refused) throw new FutileCallError(error.message, { cause: error });
  if (error instanceof UndeliverableError) throw new FutileCallError(error.reason, { cause: error });
  throw error;
}

/** Rejects when the signal aborts; the calls under way end by themselves. */
async function until<Value>(signal: AbortSignal, promise: Promise<Value>): Promise<Value> {
  signal.throwIfAborted();
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true });
  });
  return Promise.race([promise, aborted]);
}

/** @throws what leaves it open whether something was done */
function reasonOf(error: unknown): string {
  if (error instanceof Refused) return error.message;
  if (error instanceof UndeliverableError) return error.reason;
  if (error instanceof JiraScopeError) return 'the token of this gateway lacks a scope for it';
  if (error instanceof JiraCredentialError) return 'Jira does not accept the credentials of this gateway';
  if (error instanceof RateLimitedError)
    return `Jira asks to wait ${Math.ceil(error.retryAfterMs / 1_000)} s`;
  throw error;
}

function isForEverybody({ visibility, jsdPublic }: JiraComment): boolean {
  return visibility === undefined && jsdPublic !== false;
}

const Named = z.object({ name: z.string() });
const ShownFields = z.object({
  summary: z.string().nullish(),
  description: z.string().nullish(),
  status: Named.nullish(),
  priority: Named.nullish(),
  issuetype: Named.nullish(),
  assignee: JiraUser.nullish(),
  reporter: JiraUser.nullish(),
  attachment: z.array(JiraFile).default([]),
  updated: z.string().nullish(),
});

function line(
  key: string,
  { summary, status, assignee, priority, updated }: z.infer<typeof ShownFields>,
): string {
  return `${key} · ${status?.name ?? 'unknown'} · ${priority?.name ?? 'no priority'} · ${nameOf(assignee)} · ${summary ?? ''} (changed ${updated ?? 'at an unknown time'})`;
}

/** A file comes along with a comment that shows it, and with an issue that is assigned to the bot. */
function filesLine(files: readonly JiraFile[]): string[] {
  const newest = files.slice(-MOST_FILES);
  const last = newest.at(-1);
  if (!last) return [];
  const names = newest.map(
    ({ filename, mimeType, size }) => `${filename} (${mimeType ?? 'unknown'}, ${size ?? '?'} bytes)`,
  );
  const left = files.length - newest.length;
  const more = left === 0 ? '' : `, and ${left} older ones`;
  return [
    `Files: ${names.join(', ')}${more}. You are given one when somebody shows it in a comment to you, as [^${last.filename}].`,
  ];
}

/** With the id, because names are not unique and people are assigned by id. */
function nameOf(user: JiraUser | null | undefined): string {
  if (!user) return 'nobody';
  return `${user.displayName ?? 'somebody'} [${accountOf(user) ?? 'no id'}]`;
}

function shortened(text: string): string {
  if (text.length <= MAX_SHOWN_CHARS) return text;
  const left = text.length - MAX_SHOWN_CHARS;
  return `${text.slice(0, MAX_SHOWN_CHARS).replace(/[\uD800-\uDBFF]$/, '')}\n(${left} more characters are left off.)`;
}

function same(one: string, other: string): boolean {
  return one.trim().toLowerCase() === other.trim().toLowerCase();
}
