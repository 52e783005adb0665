/**
 * Takes Jira's events in: finds what they are about, asks Jira how that stands now, and hands it to the core.
 *
 * Invariants
 *   1. An event is only a hint. What is handed over, and in whose name, is what Jira itself says when it is asked.
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
import {
  type Gift,
  isAssigned,
  namesOf,
  type Standpoint,
  toAssignment,
  toMessage,
  toRevision,
} from './inbound.ts';
import type { History, JiraComment, JiraIssue, JiraUser, WebhookEvent } from './schema.ts';

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

/** The field of an issue's history that says whose it is. */
const ASSIGNEE = 'assignee';

/** What is left to say of a comment that cannot be asked for any more. */
export type GoneComment = Pick<
  NonNullable<WebhookEvent['comment']>,
  'id' | 'author' | 'updated' | 'visibility' | 'jsdPublic'
>;

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

  async takeEvent(event: WebhookEvent): Promise<void> {
    const meaning = MEANINGS[event.webhookEvent] ?? MEANINGS[event.issue_event_type_name ?? ''];
    const issueId = event.issue?.id ?? /\/issue\/(\d+)\/comment\//.exec(event.comment?.self ?? '')?.[1];
    if (issueId === undefined) return;
    if (meaning !== undefined) return this.#commentEvent(event, issueId, meaning);
    // Whoever the event names may have assigned it to somebody else, or assigned nothing: Jira's history says who did.
    if (mayAssign(event)) return this.takeAssigned(await this.issue(issueId), 0);
  }

  async #commentEvent(
    { comment: hint }: WebhookEvent,
    issueId: string,
    meaning: 'comment' | 'edited' | 'deleted',
  ): Promise<void> {
    if (!hint) return;
    if (meaning === 'deleted') return this.#deletedEvent(hint, issueId);
    const found = await this.#look(issueId, hint.id);
    if (!found) return; // deleted meanwhile, or for others only
    const { issue, comment } = found;
    return meaning === 'comment' ? this.takeComment(comment, issue) : this.takeEdited(comment, issue);
  }

  /** Asks for the issue only where it matters in which project it is: it may be gone, too. */
  async #deletedEvent(gone: GoneComment, issueId: string): Promise<void> {
    if (this.deps.settings.projects === undefined) return this.takeDeleted(gone, { id: issueId });
    try {
      const issue = await this.issue(issueId);
      if (this.#isOpen(issue)) await this.takeDeleted(gone, issue);
    } catch (error) {
      if (!(error instanceof UndeliverableError)) throw error;
      this.deps.log.info({ issue: issueId, comment: gone.id }, 'a comment is gone, and its issue, too');
    }
  }

  /** A comment as Jira shows it now. */
  async takeComment(comment: JiraComment, issue: JiraIssue): Promise<void> {
    if (!this.#isOpen(issue)) return;
    const message = toMessage(comment, issue, this.deps.standpoint);
    await this.#hand(message && this.#withBotsBounded(message));
  }

  async takeEdited(comment: JiraComment, issue: JiraIssue): Promise<void> {
    if (!this.#isOpen(issue)) return;
    const changed = { ...comment, author: comment.updateAuthor ?? {} };
    await this.#hand(toRevision(changed, issue, 'edited', this.deps.standpoint));
  }

  /** A comment that was there and is gone, or is for others only now. */
  async takeDeleted(gone: GoneComment, issue: Pick<JiraIssue, 'id'>): Promise<void> {
    const was = { ...gone, updated: gone.updated, author: gone.author ?? {} };
    await this.#hand(toRevision(was, issue, 'deleted', this.deps.standpoint));
  }

  /**
   * An issue that may be ours now, handed on if it was given to us after `since`, in ms: in the name of whoever gave it,
   * under the id of that entry of its history.
   *
   * @throws {UndeliverableError} when its history does not say who that was
   */
  async takeAssigned(issue: JiraIssue, since: number): Promise<void> {
    const { client, standpoint } = this.deps;
    if (!this.#isOpen(issue) || !isAssigned(issue, standpoint.us)) return;
    const given = giftIn(await client.history(issue.id), issue, standpoint.us);
    if (!given)
      throw new UndeliverableError('jira', `the history of ${issue.key} does not say who assigned it`);
    if (given.at >= since) await this.#hand(toAssignment(issue, given, standpoint));
  }

  async issue(id: string): Promise<JiraIssue> {
    return this.deps.client.issue(id, [...FIELDS, 'creator']);
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

/** Whether it is worth a look who the issue belongs to now. */
function mayAssign({ webhookEvent, issue_event_type_name: name, changelog }: WebhookEvent): boolean {
  if (webhookEvent === 'jira:issue_created') return true;
  if (webhookEvent !== 'jira:issue_updated') return false;
  return changelog ? changelog.items.some(({ field }) => field === ASSIGNEE) : name === 'issue_assigned';
}

/**
 * Who gave it to us last; undefined when nobody can tell. An issue that nobody has assigned since it was created was
 * given to us by who created it, and `created` tells that gift from others.
 */
export function giftIn({ entries, isWhole }: History, { fields }: JiraIssue, us: JiraUser): Gift | undefined {
  const ours = namesOf(us);
  const changes = entries.flatMap(({ id, author, created, items }) =>
    items
      .filter(({ field }) => field === ASSIGNEE)
      .map(({ from, to }) => ({ by: author ?? {}, key: id, at: Date.parse(created), from, to })),
  );
  const given = changes.findLast(({ to }) => to != null && ours.includes(to));
  if (given) return given;
  const [first] = changes;
  const wasOursAtFirst = isWhole && (!first || (first.from != null && ours.includes(first.from)));
  if (!wasOursAtFirst) return undefined;
  return { by: fields.creator ?? {}, key: 'created', at: Date.parse(fields.created ?? '') };
}
