/** What the emulated site is set up with, and nobody changes: people, groups, projects, and what issues are made of. */
import { BOT, DANA, PEOPLE, PROJECT } from '../people.ts';

export interface User {
  readonly accountId: string;
  readonly displayName: string;
  /** `app` for machines. */
  readonly accountType: 'atlassian' | 'app';
  readonly timeZone: string;
  readonly groups: readonly string[];
  /** Project roles, the same in every project. */
  readonly roles: readonly string[];
}

/** A machine that is none of the app's. */
export const OTHER_APP = '70121:00000000-0000-4000-8000-000000000008';

export const USERS: readonly User[] = [
  ...PEOPLE.map((person) => ({
    accountId: person.jiraAccount,
    displayName: person.name,
    accountType: 'atlassian' as const,
    timeZone: 'Europe/Berlin',
    groups: ['jira-users', ...(person === DANA ? ['leads'] : [])],
    roles: person === DANA ? ['Users', 'Administrators'] : ['Users'],
  })),
  {
    accountId: BOT.jiraAccount,
    displayName: BOT.name,
    accountType: 'app',
    timeZone: 'Europe/Berlin',
    groups: ['jira-users'],
    roles: ['Users', 'Administrators'],
  },
  {
    accountId: OTHER_APP,
    displayName: 'Other App',
    accountType: 'app',
    timeZone: 'Etc/UTC',
    groups: ['jira-users'],
    roles: ['Users'],
  },
];

export interface Project {
  readonly id: string;
  readonly key: string;
  readonly name: string;
  readonly type: 'software' | 'service_desk';
}

/** What `groups` of people name; on Cloud a group has an id, too. */
export const GROUPS = [
  { id: '276f955c-63d7-42c8-9520-92d01dca0610', name: 'jira-users' },
  { id: '6e87dc72-4f1f-421f-9382-2fee8b652487', name: 'leads' },
] as const;

/** Who reads a comment for some people only: the name of a role, or of a group that may be told by its id alone. */
export function audienceName(visibility: {
  readonly type: 'role' | 'group';
  readonly value?: string | undefined;
  readonly identifier?: string | null | undefined;
}): string | undefined {
  const { type, value, identifier } = visibility;
  if (type === 'role') return value ?? identifier ?? undefined;
  return GROUPS.find(({ id }) => id === identifier)?.name ?? value;
}

export const PROJECTS: readonly Project[] = [
  { id: '10000', key: PROJECT.key, name: PROJECT.name, type: 'software' },
  { id: '10001', key: 'HELP', name: 'Help desk', type: 'service_desk' },
];

export const ISSUE_TYPES = [
  { id: '10001', name: 'Task', subtask: false },
  { id: '10002', name: 'Bug', subtask: false },
  { id: '10003', name: 'Story', subtask: false },
] as const;

export const STATUSES = [
  { id: '10100', name: 'To Do', category: 'new' },
  { id: '10101', name: 'In Progress', category: 'indeterminate' },
  { id: '10102', name: 'Done', category: 'done' },
] as const;

/** From every status to every other one. */
export const TRANSITIONS = [
  { id: '11', name: 'To Do', to: '10100' },
  { id: '21', name: 'In Progress', to: '10101' },
  { id: '31', name: 'Done', to: '10102' },
] as const;

export const PRIORITIES = [
  { id: '2', name: 'High' },
  { id: '3', name: 'Medium' },
  { id: '4', name: 'Low' },
] as const;

export const LINK_TYPES = [
  { id: '10200', name: 'Blocks', inward: 'is blocked by', outward: 'blocks' },
  { id: '10201', name: 'Relates', inward: 'relates to', outward: 'relates to' },
  { id: '10202', name: 'Duplicate', inward: 'is duplicated by', outward: 'duplicates' },
] as const;

/** A field of an issue, as the administration of Jira knows it. */
export interface Field {
  readonly id: string;
  readonly name: string;
  readonly type: string;
  /** It is on the screens for creating and editing. */
  readonly canBeSet: boolean;
  readonly isRequired?: boolean;
}

export const FIELDS: readonly Field[] = [
  { id: 'project', name: 'Project', type: 'project', canBeSet: true, isRequired: true },
  { id: 'issuetype', name: 'Issue Type', type: 'issuetype', canBeSet: true, isRequired: true },
  { id: 'summary', name: 'Summary', type: 'string', canBeSet: true, isRequired: true },
  { id: 'description', name: 'Description', type: 'string', canBeSet: true },
  { id: 'priority', name: 'Priority', type: 'priority', canBeSet: true },
  { id: 'labels', name: 'Labels', type: 'array', canBeSet: true },
  { id: 'assignee', name: 'Assignee', type: 'user', canBeSet: true },
  { id: 'reporter', name: 'Reporter', type: 'user', canBeSet: true },
  { id: 'status', name: 'Status', type: 'status', canBeSet: false },
  { id: 'created', name: 'Created', type: 'datetime', canBeSet: false },
  { id: 'updated', name: 'Updated', type: 'datetime', canBeSet: false },
  { id: 'issuelinks', name: 'Linked Issues', type: 'array', canBeSet: false },
  { id: 'attachment', name: 'Attachment', type: 'array', canBeSet: false },
  { id: 'comment', name: 'Comment', type: 'comments-page', canBeSet: false },
];

/** Permissions that there are: of the whole site, and of a project. */
export const PERMISSIONS = {
  GLOBAL: ['ADMINISTER', 'SYSTEM_ADMIN', 'USER_PICKER'],
  PROJECT: [
    'ADD_COMMENTS',
    'ADMINISTER_PROJECTS',
    'ASSIGNABLE_USER',
    'ASSIGN_ISSUES',
    'BROWSE_PROJECTS',
    'CLOSE_ISSUES',
    'CREATE_ATTACHMENTS',
    'CREATE_ISSUES',
    'DELETE_ALL_COMMENTS',
    'DELETE_ISSUES',
    'DELETE_OWN_COMMENTS',
    'EDIT_ALL_COMMENTS',
    'EDIT_ISSUES',
    'EDIT_OWN_COMMENTS',
    'LINK_ISSUES',
    'MODIFY_REPORTER',
    'RESOLVE_ISSUES',
    'SCHEDULE_ISSUES',
    'SERVICEDESK_AGENT',
    'TRANSITION_ISSUES',
  ],
} as const;

export function userOf(accountId: string | undefined): User | undefined {
  return USERS.find((user) => user.accountId === accountId);
}
