/** What may be written into an issue, by value or by verb, and what it comes to. Pure. */
import { z } from 'zod';
import { ISSUE_TYPES, PRIORITIES, PROJECTS, TRANSITIONS, USERS } from './catalogue.ts';
import { CommentBody } from './comment-operations.ts';
import { MAX_SUMMARY_CHARS } from './limits.ts';
import { Properties, propertiesOf, Text } from './operation.ts';
import { Refusal } from './refusal.ts';
import { nameOf, type Site } from './wire.ts';
import type { Issue } from './world.ts';

/** One thing of a list, however it is named. */
const Named = z.union([
  z.strictObject({ id: z.string() }),
  z.strictObject({ name: z.string() }),
  z.strictObject({ key: z.string() }),
  z.strictObject({ accountId: z.string().nullable() }),
]);
const Label = z.string().regex(/^\S+$/, 'The label contains spaces which is invalid.');

const Summary = z
  .string()
  .max(MAX_SUMMARY_CHARS)
  .regex(/\S/, 'You must specify a summary of the issue.')
  .regex(/^[^\r\n]*$/, 'The summary is invalid because it contains newline characters.');

/** The fields that are on the screens of the sandbox. */
const IssueFields = z.strictObject({
  project: Named.optional(),
  issuetype: Named.optional(),
  summary: Summary.optional(),
  description: Text.nullable().optional(),
  priority: Named.optional(),
  labels: z.array(Label).optional(),
  assignee: Named.nullable().optional(),
  reporter: Named.optional(),
});
type IssueFields = z.infer<typeof IssueFields>;

const setTo = <Value extends z.ZodType>(value: Value) => z.array(z.strictObject({ set: value })).optional();
/** The other way to change an issue: by verbs. */
const IssueUpdate = z.strictObject({
  issuetype: setTo(Named),
  summary: setTo(IssueFields.shape.summary.unwrap()),
  description: setTo(Text.nullable()),
  priority: setTo(Named),
  assignee: setTo(Named.nullable()),
  reporter: setTo(Named),
  labels: z
    .array(
      z.union([
        z.strictObject({ add: Label }),
        z.strictObject({ remove: Label }),
        z.strictObject({ set: z.array(Label) }),
      ]),
    )
    .optional(),
  comment: z.array(z.strictObject({ add: CommentBody })).optional(),
});
type IssueUpdate = z.infer<typeof IssueUpdate>;

/** `IssueUpdateDetails` of the description: the body of a creation, of an edit and of a transition. */
export const IssueBody = z.strictObject({
  fields: IssueFields.optional(),
  update: IssueUpdate.optional(),
  properties: Properties.optional(),
  transition: z.strictObject({ id: z.string() }).optional(),
  historyMetadata: z.looseObject({}).optional(),
});
export type IssueBody = z.infer<typeof IssueBody>;

export type IssueChange = Partial<
  Pick<
    Issue,
    | 'type'
    | 'summary'
    | 'description'
    | 'priority'
    | 'labels'
    | 'assignee'
    | 'reporter'
    | 'status'
    | 'properties'
  >
>;

/**
 * What a body makes of an issue; `before` without a status is one that is being created.
 *
 * @throws {Refusal} with Jira's sentence about the field that will not do
 */
export function toIssueChange(
  body: IssueBody,
  before: Pick<Issue, 'labels' | 'properties'> & Partial<Pick<Issue, 'status'>>,
  site: Site,
): IssueChange {
  const { fields = {}, update = {} } = body;
  const twice = Object.keys(update).find((name) => name in fields);
  if (twice !== undefined) {
    throw new Refusal(400, [], { [twice]: `Field '${twice}' cannot appear in both 'fields' and 'update'` });
  }
  const wanted: IssueFields = { ...fields, ...setBy(update) };
  const labels = update.labels ? changedLabels(before.labels, update.labels) : wanted.labels;
  return {
    ...(wanted.issuetype ? { type: typeOf(wanted.issuetype) } : {}),
    ...(wanted.summary === undefined ? {} : { summary: wanted.summary }),
    ...(wanted.description === undefined ? {} : { description: wanted.description ?? '' }),
    ...(wanted.priority ? { priority: priorityOf(wanted.priority) } : {}),
    ...(labels ? { labels } : {}),
    ...(wanted.assignee === undefined ? {} : { assignee: assigneeOf(wanted.assignee, site) }),
    ...(wanted.reporter ? { reporter: personOf(wanted.reporter, site, 'reporter') } : {}),
    ...(body.transition ? { status: statusAfter(body.transition.id, before.status) } : {}),
    ...(body.properties ? { properties: { ...before.properties, ...propertiesOf(body.properties) } } : {}),
  };
}

/** The key of the project. @throws {Refusal} */
export function projectOf(wanted: unknown): string {
  const project = PROJECTS.find(({ id, key }) => isNamed(wanted, { id, key }));
  if (!project) throw new Refusal(400, [], { project: 'Specify a valid project ID or key' });
  return project.key;
}

/** Undefined for nobody. @throws {Refusal} */
export function assigneeOf(wanted: unknown, site: Site): string | undefined {
  if (wanted === null) return undefined;
  if (isNamed(wanted, { accountId: null, name: null })) return undefined;
  // The default assignee of a project; ours have none.
  if (isNamed(wanted, { accountId: '-1', name: '-1' })) return undefined;
  return personOf(wanted, site, 'assignee');
}

function personOf(wanted: unknown, { flavour }: Site, field: 'assignee' | 'reporter'): string {
  const user = USERS.find(({ accountId, displayName }) =>
    isNamed(
      wanted,
      flavour === 'cloud' ? { accountId, id: accountId } : { name: nameOf({ displayName }), key: accountId },
    ),
  );
  if (user) return user.accountId;
  const sentence =
    field === 'assignee'
      ? 'User does not exist or cannot be assigned issues.'
      : 'The reporter specified is not a user.';
  throw new Refusal(400, [], { [field]: sentence });
}

/** What the verbs `set` come to: the last one counts. */
function setBy(update: IssueUpdate): IssueFields {
  const names = ['issuetype', 'summary', 'description', 'priority', 'assignee', 'reporter'] as const;
  const last = names.flatMap((name) => {
    const verb = update[name]?.at(-1);
    return verb ? [[name, verb.set]] : [];
  });
  return IssueFields.parse(Object.fromEntries(last));
}

function changedLabels(labels: readonly string[], verbs: NonNullable<IssueUpdate['labels']>): string[] {
  return verbs.reduce<string[]>(
    (held, verb) => {
      if ('set' in verb) return verb.set;
      if ('add' in verb) return held.includes(verb.add) ? held : held.concat(verb.add);
      return held.filter((label) => label !== verb.remove);
    },
    [...labels],
  );
}

function statusAfter(id: string, before: string | undefined): string {
  const transition = TRANSITIONS.find((each) => each.id === id && each.to !== before);
  if (!transition) {
    throw new Refusal(400, ['It seems that you have tried to perform an illegal workflow operation.']);
  }
  return transition.to;
}

function typeOf(wanted: unknown): string {
  const type = ISSUE_TYPES.find(({ id, name }) => isNamed(wanted, { id, name }));
  if (!type) throw new Refusal(400, [], { issuetype: 'Specify a valid issue type' });
  return type.id;
}

function priorityOf(wanted: unknown): string {
  const priority = PRIORITIES.find(({ id, name }) => isNamed(wanted, { id, name }));
  if (!priority) throw new Refusal(400, [], { priority: 'Priority is invalid.' });
  return priority.id;
}

function isNamed(wanted: unknown, names: Readonly<Record<string, string | null>>): boolean {
  if (typeof wanted !== 'object' || wanted === null) return false;
  return Object.entries(wanted).some(([by, value]) => names[by] === value);
}
