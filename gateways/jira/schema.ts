/** The parts of Jira's payloads that are read; everything else is ignored. */
import { z } from 'zod';

/** Cloud has account ids, Data Center keys and names. */
export const JiraUser = z.object({
  accountId: z.string().optional(),
  key: z.string().optional(),
  name: z.string().optional(),
  displayName: z.string().optional(),
  accountType: z.string().optional(),
});
export type JiraUser = z.infer<typeof JiraUser>;

export const Visibility = z.object({
  type: z.enum(['role', 'group']),
  value: z.string().optional(),
  identifier: z.string().nullish(),
});
export type Visibility = z.infer<typeof Visibility>;

export const CommentProperty = z.object({ key: z.string(), value: z.unknown() });

export const JiraComment = z.object({
  id: z.string(),
  author: JiraUser.nullish(),
  updateAuthor: JiraUser.nullish(),
  body: z.string(),
  created: z.string(),
  updated: z.string(),
  visibility: Visibility.optional(),
  /** False: for the agents of a service desk alone. */
  jsdPublic: z.boolean().optional(),
  properties: z.array(CommentProperty).optional(),
});
export type JiraComment = z.infer<typeof JiraComment>;

/** Each is parsed by itself. */
export const CommentPage = z.object({
  comments: z.array(z.unknown()),
  startAt: z.int(),
  total: z.int(),
});

export const JiraFile = z.object({
  id: z.string(),
  filename: z.string(),
  mimeType: z.string().optional(),
  size: z.int().nonnegative().optional(),
  author: JiraUser.nullish(),
  created: z.string().optional(),
});
export type JiraFile = z.infer<typeof JiraFile>;

export const JiraIssue = z.object({
  id: z.string(),
  key: z.string(),
  fields: z.object({
    summary: z.string().nullish(),
    description: z.string().nullish(),
    assignee: JiraUser.nullish(),
    creator: JiraUser.nullish(),
    project: z.object({ key: z.string(), projectTypeKey: z.string().optional() }).nullish(),
    attachment: z.array(JiraFile).optional(),
    created: z.string().optional(),
    updated: z.string().optional(),
  }),
});
export type JiraIssue = z.infer<typeof JiraIssue>;

/** One entry of an issue's history. People are told by their ids: the account id, on Data Center the key. */
export const HistoryEntry = z.object({
  id: z.string(),
  author: JiraUser.nullish(),
  created: z.string(),
  items: z.array(z.object({ field: z.string(), from: z.string().nullish(), to: z.string().nullish() })),
});
export type HistoryEntry = z.infer<typeof HistoryEntry>;

export const WithHistory = z.object({
  changelog: z.object({ histories: z.array(HistoryEntry), total: z.int().optional() }),
});

export interface History {
  /** Oldest first. */
  readonly entries: readonly HistoryEntry[];
  /** There are no older ones. */
  readonly isWhole: boolean;
}

/** A webhook, of Cloud or of Data Center. `self` names the issue where `issue` is missing. */
export const WebhookEvent = z.object({
  webhookEvent: z.string(),
  issue_event_type_name: z.string().optional(),
  issue: z.object({ id: z.string(), key: z.string().optional() }).nullish(),
  comment: z
    .object({
      id: z.string(),
      self: z.string().optional(),
      author: JiraUser.nullish(),
      updateAuthor: JiraUser.nullish(),
      updated: z.string().optional(),
      visibility: Visibility.optional().catch(undefined),
      jsdPublic: z.boolean().optional().catch(undefined),
    })
    .nullish(),
  changelog: z.object({ items: z.array(z.object({ field: z.string() })) }).nullish(),
});
export type WebhookEvent = z.infer<typeof WebhookEvent>;

export const CreatedIssue = z.object({ id: z.string(), key: z.string() });

/** A type of issues that may be created in a project. */
export const CreateType = z.object({ id: z.string(), name: z.string() });
export type CreateType = z.infer<typeof CreateType>;

/** A field of the screen on which issues are created. */
export const CreateField = z.object({
  fieldId: z.string(),
  name: z.string().default(''),
  required: z.boolean(),
  hasDefaultValue: z.boolean().default(false),
});
export type CreateField = z.infer<typeof CreateField>;

/** One page of what is needed to create an issue; Data Center calls every list `values`. */
export const CreatePage = z.object({
  issueTypes: z.array(z.unknown()).optional(),
  fields: z.array(z.unknown()).optional(),
  values: z.array(z.unknown()).optional(),
  total: z.int().optional(),
  isLast: z.boolean().optional(),
});

export const SearchPage = z.object({
  issues: z.array(
    z.object({
      id: z.string(),
      key: z.string().optional(),
      fields: z.record(z.string(), z.unknown()).optional(),
      properties: z.record(z.string(), z.unknown()).optional(),
    }),
  ),
  nextPageToken: z.string().optional(),
  isLast: z.boolean().optional(),
  total: z.int().optional(),
});

export const Transitions = z.object({
  transitions: z.array(
    z.object({ id: z.string(), name: z.string(), to: z.object({ name: z.string() }).nullish() }),
  ),
});

export const LinkTypes = z.object({ issueLinkTypes: z.array(z.object({ name: z.string() })) });

export const Permissions = z.object({
  permissions: z.record(z.string(), z.object({ havePermission: z.boolean() })),
});

/** Projects, as Cloud searches for them and as Data Center lists them. */
export const ProjectList = z.union([
  z.object({ values: z.array(z.unknown()) }).transform(({ values }) => values),
  z.array(z.unknown()),
]);

export const JiraProject = z.object({ key: z.string(), projectTypeKey: z.string().optional() });

/**
 * A webhook in the list that administrators see. Data Center has had other names since 10: `active`, and the rest in
 * a `configuration` of strings.
 */
export const JiraWebhook = z
  .object({
    name: z.string().default(''),
    url: z.string(),
    events: z.array(z.string()).default([]),
    filters: z.record(z.string(), z.unknown()).nullish(),
    excludeBody: z.boolean().optional(),
    enabled: z.boolean().optional(),
    active: z.boolean().optional(),
    configuration: z.record(z.string(), z.unknown()).nullish(),
  })
  .transform(({ name, url, events, filters, excludeBody, enabled, active, configuration }) => ({
    name,
    url,
    events,
    excludeBody: excludeBody ?? configuration?.EXCLUDE_BODY === 'true',
    enabled: enabled ?? active ?? true,
    isLimited: isFilter(filters ?? configuration?.FILTERS),
  }));
export type JiraWebhook = z.infer<typeof JiraWebhook>;

/** Where something is written in Jira; opaque to everybody else. */
export const JiraRoute = z.object({
  issue: z.string(),
  /** Who is to be told by a mention. */
  mention: z.string().optional(),
  /** Who else is to be told by a mention, with commas between; what is written there is for everybody. */
  named: z.string().optional(),
  visibilityType: z.enum(['role', 'group']).optional(),
  /** By name. */
  visibilityValue: z.string().optional(),
  /** Of a group, on Cloud: names change. */
  visibilityId: z.string().optional(),
  /** For the agents of a service desk alone. */
  internal: z.literal('true').optional(),
});
export type JiraRoute = z.infer<typeof JiraRoute>;

/** What marks a comment as ours, and which one it is. */
export const OwnMark = z.object({ id: z.string(), part: z.int() });
export type OwnMark = z.infer<typeof OwnMark>;

/** Key of the comment property that holds an `OwnMark`. */
export const OWN_MARK = 'signalbox';

/** Filters are JQL by section of the form, on Data Center as a text of JSON; an empty one is none. */
function isFilter(filters: unknown): boolean {
  if (typeof filters === 'string') return !['', '{}'].includes(filters.trim());
  return Object.values(filters ?? {}).some((jql) => jql !== '' && jql !== null);
}

/** The account as it stands in ids and in contacts.yaml: the account id, or on Data Center the key. */
export function accountOf({ accountId, key }: JiraUser): string | undefined {
  return accountId ?? key;
}
