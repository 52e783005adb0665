/**
 * Takes Jira's events in: finds what they are about, asks Jira how that stands now, and hands it to the core.
 *
 * Invariants
 *   1. An event is only a hint. What is handed over is what Jira itself says when it is asked.
 *   2. Resolves when everything was stored, or was nothing of ours; rejects when it has to come again.
 *   3. Apps cannot keep us talking: those not listed are automatic, those listed run out of turns.
 */
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { Receive } from '../../src/domain/gateway.ts';
import type { Inbound, InboundMessage } from '../../src/domain/message.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { BotBudget } from '../bot-budget.ts';
import type { JiraClient } from './client.ts';
import type { JiraSettings } from './config.ts';
import { type Standpoint, toAssignment, toMessage, toRevision } from './inbound.ts';
import { accountOf, type JiraComment, type JiraIssue, type WebhookEvent } from './schema.ts';

/** What is read of an issue. */
const FIELDS = ['summary', 'description', 'assignee', 'project', 'attachment', 'created', 'updated'] as const;

/** What a webhook means, whatever it is called: Data Center says `jira:issue_updated` for most things. */
const MEANINGS: Readonly<Record<string, 'comment' | 'edited' | 'deleted'>> = {
  comment_created: 'comment',
  issue_commented: 'comment',
  comment_updated: 'edited',
  issue_comment_edited: 'edited',
  comment_deleted: 'deleted',
  issue_comment_deleted: 'deleted',
};

const ISSUE_CREATED = 'jira:issue_created';

/** What is left to say of a comment that cannot be asked for any more. */
export type GoneComment = Pick<NonNullable<WebhookEvent['comment']>, 'id' | 'author' | 'updated'>;

export interface IntakeDeps {
  readonly client: JiraClient;
  readonly settings: JiraSettings;
  readonly standpoint: Standpoint;
  readonly receive: Receive;
  readonly log: Logger;
}

export class JiraIntake {
  readonly #bots: BotBudget;

  constructor(private readonly deps: IntakeDeps) {
    this.#bots = new BotBudget(deps.settings.bot_turns);
  }

  /** `delivery`: what tells this event from others that say no more than it does; see `webhook.ts`. */
  async takeEvent(event: WebhookEvent, delivery: string): Promise<void> {
    const meaning = MEANINGS[event.webhookEvent] ?? MEANINGS[event.issue_event_type_name ?? ''];
    const issueId = event.issue?.id ?? /\/issue\/(\d+)\/comment\//.exec(event.comment?.self ?? '')?.[1];
    if (issueId === undefined) return;
    if (meaning !== undefined) return this.#commentEvent(event, issueId, meaning);
    if (isAssignment(event)) return this.#assignment(event, issueId, delivery);
  }

  async #commentEvent(
    { comment: hint }: WebhookEvent,
    issueId: string,
    meaning: 'comment' | 'edited' | 'deleted',
  ): Promise<void> {
    if (!hint) return;
    if (meaning === 'deleted') return this.takeDeleted(hint, { id: issueId });
    const found = await this.#look(issueId, hint.id);
    if (!found) return; // deleted meanwhile, or for others only
    const { issue, comment } = found;
    return meaning === 'comment' ? this.takeComment(comment, issue) : this.takeEdited(comment, issue);
  }

  /** A comment as Jira shows it now. */
  async takeComment(comment: JiraComment, issue: JiraIssue): Promise<void> {
    if (!this.#isOpen(issue)) return;
    const message = toMessage(comment, issue, this.deps.standpoint);
    await this.#hand(message && this.#withBotsBounded(message));
  }

  async takeEdited(comment: JiraComment, issue: JiraIssue): Promise<void> {
    if (!this.#isOpen(issue)) return;
    const changed = { id: comment.id, updated: comment.updated, author: comment.updateAuthor ?? {} };
    await this.#hand(toRevision(changed, issue, 'edited', this.deps.standpoint));
  }

  /** A comment that was there and is gone, or is for others only now. */
  async takeDeleted(gone: GoneComment, issue: Pick<JiraIssue, 'id'>): Promise<void> {
    const { id, updated, author } = gone;
    const was = { id, updated, author: author ?? {} };
    await this.#hand(toRevision(was, issue, 'deleted', this.deps.standpoint));
  }

  /** An issue that is ours now, seen without the event that says so; handed on if that came after `since`. */
  async takeAssigned(issue: JiraIssue, since: number): Promise<void> {
    if (!this.#isOpen(issue)) return;
    const { assignee } = issue.fields;
    const us = this.deps.standpoint.us;
    if (!assignee || accountOf(assignee) !== accountOf(us)) return;
    // Who gave it to us, not who wrote it: what is asked is asked in their name.
    const given = await this.deps.client.lastAssignment(issue.id);
    const by = (given ? given.author : issue.fields.creator) ?? {};
    const key = given?.id ?? 'created';
    const at = Date.parse(given?.created ?? issue.fields.created ?? '');
    if (at >= since) await this.#hand(toAssignment(issue, by, { key, at }, this.deps.standpoint));
  }

  async issue(id: string): Promise<JiraIssue> {
    return this.deps.client.issue(id, [...FIELDS, 'creator']);
  }

  async #assignment(event: WebhookEvent, issueId: string, delivery: string): Promise<void> {
    const issue = await this.issue(issueId);
    if (!this.#isOpen(issue)) return;
    // An issue is created once, so its own id says which creation it was.
    const key = event.webhookEvent === ISSUE_CREATED ? 'created' : (event.changelog?.id ?? delivery);
    const at = event.timestamp ?? Date.parse(issue.fields.updated ?? '');
    await this.#hand(toAssignment(issue, event.user ?? {}, { key, at }, this.deps.standpoint));
  }

  async #look(
    issueId: string,
    commentId: string,
  ): Promise<{ issue: JiraIssue; comment: JiraComment } | undefined> {
    try {
      const [issue, comment] = await Promise.all([
        this.issue(issueId),
        this.deps.client.comment(issueId, commentId),
      ]);
      return { issue, comment };
    } catch (error) {
      if (!(error instanceof UndeliverableError)) throw error;
      this.deps.log.info({ issue: issueId, comment: commentId }, 'a comment is gone, or not for us');
      return undefined;
    }
  }

  async #hand(inbound: Inbound | undefined): Promise<void> {
    if (inbound) await this.deps.receive(inbound);
  }

  #isOpen({ fields }: JiraIssue): boolean {
    const { projects } = this.deps.settings;
    return projects === undefined || (fields.project != null && projects.includes(fields.project.key));
  }

  /** An app we listen to counts as a person while its issue's budget lasts; every other app never does. */
  #withBotsBounded(message: InboundMessage): InboundMessage {
    // Data Center does not tell apps from people; the list does.
    const isListed = this.deps.settings.bots.includes(message.sender.account.slice('jira:'.length));
    if (!message.sender.automatic && !isListed) {
      this.#bots.renew(message.conversationId);
      return message;
    }
    if (!isListed) return message;
    if (!this.#bots.spend(message.conversationId)) {
      this.deps.log.warn(
        { conversation: message.conversationId },
        'apps have talked long enough here; a person has to speak first',
      );
      return { ...message, sender: { ...message.sender, automatic: true } };
    }
    return { ...message, sender: { ...message.sender, automatic: false } };
  }
}

function isAssignment({ webhookEvent, issue_event_type_name: name, changelog }: WebhookEvent): boolean {
  if (webhookEvent === ISSUE_CREATED) return true;
  if (webhookEvent !== 'jira:issue_updated') return false;
  return changelog ? changelog.items.some(({ field }) => field === 'assignee') : name === 'issue_assigned';
}
