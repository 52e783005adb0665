/** Jira's events as `Inbound`. Pure: what has to be asked of Jira was asked before. */
import { createHash } from 'node:crypto';
import { AccountId, ConversationId, MessageId, Platform } from '../../src/domain/ids.ts';
import type {
  Address,
  Attachment,
  InboundMessage,
  InboundRevision,
  Sender,
} from '../../src/domain/message.ts';
import {
  accountOf,
  type JiraComment,
  type JiraIssue,
  type JiraRoute,
  type JiraUser,
  OWN_MARK,
} from './schema.ts';
import { fromWiki, mentions, quotedLines, withoutMention } from './wiki.ts';

export const JIRA = Platform.parse('jira');

/** Who we are on this site, and what we were told about answers. */
export interface Standpoint {
  readonly site: string;
  readonly us: JiraUser;
  readonly answersInternal: boolean;
  /** In an issue that is assigned to us, every comment is spoken to us. */
  readonly hearsAssigned: boolean;
  /** In an issue in which we have a part, every comment is. */
  readonly hearsFollowUps: boolean;
}

/** Files of one message that are carried, at most. */
const MAX_FILES = 10;

/**
 * A comment, as Jira shows it now; undefined when it is our own. One that was edited after it was written never
 * decides, and one that somebody else edited is nobody's word.
 */
export function toMessage(
  comment: JiraComment,
  issue: JiraIssue,
  standpoint: Standpoint,
): InboundMessage | undefined {
  const author = comment.author ?? {};
  const account = accountOf(author);
  if (account === undefined || account === accountOf(standpoint.us) || isOurs(comment)) return undefined;
  const names = namesOf(standpoint.us);
  const isEdited = comment.created !== comment.updated;
  const isToUs =
    mentions(comment.body, names) || (standpoint.hearsAssigned && isAssigned(issue, standpoint.us));
  const isAuthors = !isEdited || accountOf(comment.updateAuthor ?? {}) === account;
  return {
    kind: 'message',
    id: MessageId.parse(`${issueId(standpoint, issue)}:${comment.id}`),
    conversationId: ConversationId.parse(`${issueId(standpoint, issue)}${audienceOf(comment)}`),
    sender: { ...toSender(author, account), authenticated: isAuthors },
    text: fromWiki(withoutMention(comment.body, names)),
    ...withFiles(filesIn(comment.body, issue)),
    addressedToBot: isToUs,
    ...(isToUs || standpoint.hearsFollowUps ? {} : { overheard: true as const }),
    ...(isEdited ? { edited: true as const } : {}),
    sentAt: new Date(comment.created).toISOString(),
    replyTo: toAddress({
      issue: issue.key,
      ...visibilityOf(comment),
      ...(isInternal(comment, issue, standpoint) ? { internal: 'true' as const } : {}),
    }),
  };
}

/** Who reads a comment. */
export type Audience = Pick<JiraComment, 'visibility' | 'jsdPublic'>;

/**
 * What only some people may read is a conversation of its own: nothing of it is shown to the model when somebody else
 * asks in the same issue.
 */
function audienceOf({ visibility, jsdPublic }: Audience): string {
  if (visibility === undefined) return jsdPublic === false ? ':internal' : '';
  const { type, value, identifier } = visibility;
  const digest = createHash('sha256')
    .update(JSON.stringify([type, identifier ?? value]))
    .digest('hex');
  return `:only:${digest.slice(0, 16)}`;
}

/** How an issue came to be ours. */
export interface Gift {
  readonly by: JiraUser;
  /** What tells it from others: the id of its entry in the issue's history, or `created`. */
  readonly key: string;
  /** In ms. */
  readonly at: number;
}

/** An issue that was given to us. */
export function toAssignment(
  issue: JiraIssue,
  { by, key, at }: Gift,
  standpoint: Standpoint,
): InboundMessage | undefined {
  const account = accountOf(by);
  if (account === undefined || account === accountOf(standpoint.us)) return undefined;
  const { summary, description, project, attachment = [] } = issue.fields;
  const internal = standpoint.answersInternal && project?.projectTypeKey === 'service_desk';
  return {
    kind: 'message',
    id: MessageId.parse(`${issueId(standpoint, issue)}:assigned:${key}`),
    conversationId: ConversationId.parse(issueId(standpoint, issue)),
    sender: toSender(by, account),
    text: [
      `${issue.key} was assigned to you. Its summary and description, as they stand there:`,
      `> ${(summary ?? '').replaceAll('\n', ' ')}`,
      ...(description ? [quotedLines(fromWiki(description))] : []),
    ].join('\n\n'),
    ...withFiles(attachment.map(toAttachment)),
    addressedToBot: true,
    sentAt: new Date(at).toISOString(),
    replyTo: toAddress({ issue: issue.key, ...(internal ? { internal: 'true' as const } : {}) }),
  };
}

/** A comment that was changed or taken away after it was written. */
export function toRevision(
  comment: { id: string; updated: string | undefined; author: JiraUser } & Audience,
  issue: Pick<JiraIssue, 'id'>,
  change: InboundRevision['change'],
  standpoint: Standpoint,
): InboundRevision | undefined {
  const { id, updated, author } = comment;
  const account = accountOf(author);
  if (account === undefined || account === accountOf(standpoint.us)) return undefined;
  const of = `${issueId(standpoint, issue)}:${id}`;
  return {
    kind: 'revision',
    id: MessageId.parse(`${of}:${change}${change === 'edited' ? `:${updated ?? ''}` : ''}`),
    conversationId: ConversationId.parse(`${issueId(standpoint, issue)}${audienceOf(comment)}`),
    sender: toSender(author, account),
    of: MessageId.parse(of),
    change,
  };
}

export function toAddress(route: JiraRoute): Address {
  // Keys that are absent stay absent.
  const entries = Object.entries(route).flatMap(([key, value]) =>
    value === undefined ? [] : [[key, value] as const],
  );
  return { platform: JIRA, route: Object.fromEntries(entries) };
}

/** How an account is written in a mention: the account id on Cloud, the name on Data Center. */
export function namesOf({ accountId, key, name }: JiraUser): string[] {
  return [
    ...(accountId === undefined ? [] : [`accountid:${accountId}`, accountId]),
    ...(name === undefined ? [] : [name]),
    ...(key === undefined ? [] : [key]),
  ];
}

function issueId({ site }: Standpoint, { id }: Pick<JiraIssue, 'id'>): string {
  return `jira:${site}:${id}`;
}

function toSender(user: JiraUser, account: string): Sender {
  return {
    account: AccountId.parse(`jira:${account}`),
    displayName: user.displayName ?? account,
    authenticated: true,
    automatic: user.accountType === 'app',
  };
}

export function isAssigned({ fields }: JiraIssue, us: JiraUser): boolean {
  const assignee = fields.assignee ? accountOf(fields.assignee) : undefined;
  return assignee !== undefined && assignee === accountOf(us);
}

function isOurs({ properties = [] }: JiraComment): boolean {
  return properties.some(({ key }) => key === OWN_MARK);
}

function visibilityOf({ visibility }: JiraComment): Partial<JiraRoute> {
  if (!visibility) return {};
  const { type: visibilityType, value, identifier } = visibility;
  if (visibilityType === 'role') return { visibilityType, visibilityValue: value ?? identifier ?? undefined };
  return { visibilityType, visibilityValue: value, visibilityId: identifier ?? undefined };
}

function isInternal(comment: JiraComment, { fields }: JiraIssue, { answersInternal }: Standpoint): boolean {
  if (fields.project?.projectTypeKey !== 'service_desk') return false;
  return answersInternal || comment.jsdPublic === false;
}

/** Files of the issue that the comment shows or names. */
function filesIn(body: string, { fields }: JiraIssue): Attachment[] {
  const named = [...body.matchAll(/!([^!\n|]+)(?:\|[^!\n]*)?!|\[\^([^\]\n]+)\]/g)].map(
    ([, shown, linked]) => shown ?? linked,
  );
  return (fields.attachment ?? []).filter(({ filename }) => named.includes(filename)).map(toAttachment);
}

function toAttachment({
  id,
  filename,
  mimeType,
  size,
}: NonNullable<JiraIssue['fields']['attachment']>[number]): Attachment {
  return {
    name: filename.slice(0, 255),
    mediaType: mimeType ?? 'application/octet-stream',
    bytes: size ?? 0,
    ref: id,
  };
}

function withFiles(files: readonly Attachment[]): { attachments?: Attachment[] } {
  return files.length === 0 ? {} : { attachments: files.slice(0, MAX_FILES) };
}
