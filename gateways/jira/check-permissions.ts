/** What `signalbox check` says about permissions: each that is missing, what it is for, and where to grant it. Pure. */
import type { CheckFinding } from '../../src/domain/gateway.ts';

interface Permission {
  readonly key: string;
  /** As Jira shows it where it is granted. */
  readonly label: string;
  /** What does not work without it. */
  readonly use: string;
  /** Of the whole site instead of a project. */
  readonly isGlobal?: true;
}

/** Without these the bot does not do its work. */
const NEEDED: readonly Permission[] = [
  { key: 'BROWSE_PROJECTS', label: 'Browse Projects', use: 'reading issues and comments' },
  { key: 'ADD_COMMENTS', label: 'Add Comments', use: 'answering' },
  { key: 'EDIT_OWN_COMMENTS', label: 'Edit Own Comments', use: 'bringing cards up to date' },
  { key: 'CREATE_ATTACHMENTS', label: 'Create Attachments', use: 'sending files' },
];

/** Without these Jira refuses one thing each. */
const OPTIONAL: readonly Permission[] = [
  { key: 'CREATE_ISSUES', label: 'Create Issues', use: 'jira_create_issue' },
  { key: 'TRANSITION_ISSUES', label: 'Transition Issues', use: 'jira_transition' },
  { key: 'ASSIGN_ISSUES', label: 'Assign Issues', use: 'jira_assign' },
  { key: 'LINK_ISSUES', label: 'Link Issues', use: 'jira_link' },
  { key: 'ASSIGNABLE_USER', label: 'Assignable User', use: 'issues that are assigned to the bot' },
  {
    key: 'USER_PICKER',
    label: 'Browse users and groups',
    use: 'telling people by a mention',
    isGlobal: true,
  },
];

/** What is asked for people who are asked in an issue. */
const IN_APPROVAL_ISSUE: readonly string[] = ['ADD_COMMENTS', 'EDIT_OWN_COMMENTS'];

export const PERMISSION_KEYS: readonly string[] = [...NEEDED, ...OPTIONAL].map(({ key }) => key);

export interface Place {
  /** Address of the site, without a slash at the end. */
  readonly site: string;
  /** Absent: any project at all. */
  readonly project?: string;
}

/** `held`: what Jira says of each key, in that place. */
export function judgePermissions(held: ReadonlyMap<string, boolean>, place: Place): CheckFinding[] {
  const lacks = ({ key }: Permission) => held.get(key) !== true;
  const missing = NEEDED.filter(lacks);
  if (missing.length > 0) return missing.map((permission) => missingPermission(permission, place));
  const refused = OPTIONAL.filter(lacks);
  const where = place.project === undefined ? 'in at least one project' : 'there';
  const detail = `all that are needed are granted ${where}`;
  return [
    {
      subject: subjectOf('Jira permissions', place),
      status: 'works',
      detail:
        refused.length === 0
          ? detail
          : `${detail}; Jira will refuse ${refused.map((each) => refusal(each, place)).join('; ')}`,
    },
  ];
}

/** The same for the issue in which people are asked. */
export function judgeApprovalIssue(held: ReadonlyMap<string, boolean>, place: Place): CheckFinding[] {
  return NEEDED.filter(({ key }) => IN_APPROVAL_ISSUE.includes(key) && held.get(key) !== true).map(
    (permission) => ({ ...missingPermission(permission, place), subject: 'Jira approval issue' }),
  );
}

/** A project that Jira does not show to the account. */
export function hiddenProject(site: string, project: string): CheckFinding {
  const [browse] = NEEDED;
  return {
    subject: `Jira project ${project}`,
    status: 'missing',
    detail: `there is no project ${project}, or the account has not the permission BROWSE_PROJECTS there`,
    remedy: `Correct gateways.jira.projects, or ${browse ? grant(browse, { site, project }) : ''}.`,
  };
}

function missingPermission(permission: Permission, place: Place): CheckFinding {
  const { key, label, use } = permission;
  return {
    subject: subjectOf(`Jira permission ${key}`, place),
    status: 'missing',
    detail: `"${label}" is not granted: no ${use}`,
    remedy: `As an administrator ${grant(permission, place)}.`,
  };
}

function refusal(permission: Permission, place: Place): string {
  const { key, label, use } = permission;
  return `${use} (${key}, "${label}": ${whereOf(permission, place)})`;
}

/** Goes on after "As an administrator". */
function grant(permission: Permission, place: Place): string {
  return `grant "${permission.label}" to the account, or to a role or group of it: ${whereOf(permission, place)}`;
}

function whereOf({ isGlobal }: Permission, { site, project }: Place): string {
  if (isGlobal) return `${site}/secure/admin/GlobalPermissions!default.jspa`;
  if (project === undefined) return '"Project settings", "Permissions" of each project it is to work in';
  return `${site}/plugins/servlet/project-config/${project}/permissions, in a team-managed project "Project settings", "Access"`;
}

function subjectOf(what: string, { project }: Place): string {
  return project === undefined ? what : `${what} in ${project}`;
}
