/** What people do in the emulated Jira, for the page and for tests: it changes, and webhooks go out. */
import { BOT, PROJECT } from '../people.ts';
import type { Announcer } from './announcer.ts';
import { STATUSES, TRANSITIONS, userOf } from './catalogue.ts';
import type { Site } from './wire.ts';
import type { Comment, Issue, StoredFile, Visibility, World } from './world.ts';

export interface Wrote {
  readonly id: string;
  /** Resolves once the app has acknowledged; rejects if Jira gives up. */
  readonly acknowledged: Promise<void>;
}

export class Deeds {
  constructor(
    private readonly world: World,
    private readonly announcer: Announcer,
    private readonly flavour: Site['flavour'],
  ) {}

  /** Somebody writes a comment. `@signalbox` becomes a mention of the bot; see `mention` for others. */
  comment(wanted: {
    user: string;
    issue: string;
    text: string;
    visibility?: Visibility;
    /** Of a service desk: for agents only. */
    internal?: boolean;
  }): Wrote {
    const { user, issue, text, visibility, internal } = wanted;
    const comment = this.world.addComment(this.#issue(issue), {
      author: user,
      body: text.replaceAll('@signalbox', this.mention(BOT.jiraAccount)),
      ...(visibility ? { visibility } : {}),
      ...(internal ? { properties: { 'sd.public.comment': { internal: true } } } : {}),
    });
    return { id: comment.id, acknowledged: this.announcer.tell({ kind: 'comment-created', comment }) };
  }

  /** Anybody may edit: an administrator the comment of somebody else, too. */
  editComment({ user, id, text }: { user: string; id: string; text: string }): Wrote {
    const comment = this.world.changeComment(this.#comment(id), { body: text }, user);
    return { id, acknowledged: this.announcer.tell({ kind: 'comment-updated', comment }) };
  }

  removeComment({ id }: { id: string }): Wrote {
    const comment = this.#comment(id);
    this.world.removeComment(comment);
    return { id, acknowledged: this.announcer.tell({ kind: 'comment-deleted', comment }) };
  }

  /** `to` undefined takes the assignee away. */
  assign({ user, issue, to }: { user: string; issue: string; to: string | undefined }): Wrote {
    const before = this.#issue(issue);
    return this.#changed(before, this.world.changeIssue(before, { assignee: to }, user), user);
  }

  /** `to` is the name of a status. */
  transition({ user, issue, to }: { user: string; issue: string; to: string }): Wrote {
    const before = this.#issue(issue);
    const transition = TRANSITIONS.find(({ name }) => name === to);
    if (!transition)
      throw new Error(`no status ${to}; there are ${STATUSES.map(({ name }) => name).join(', ')}`);
    return this.#changed(before, this.world.changeIssue(before, { status: transition.to }, user), user);
  }

  createIssue(wanted: {
    user: string;
    project?: string;
    summary: string;
    description?: string;
    assignee?: string;
  }): Wrote & { key: string } {
    const { user, project = PROJECT.key, summary, description, assignee } = wanted;
    const issue = this.world.addIssue({
      project,
      summary,
      reporter: user,
      ...(description === undefined ? {} : { description }),
      ...(assignee === undefined ? {} : { assignee }),
    });
    const acknowledged = this.announcer.tell({ kind: 'issue-created', issue, by: user });
    return { id: issue.id, key: issue.key, acknowledged };
  }

  removeIssue({ user, issue }: { user: string; issue: string }): Wrote {
    const gone = this.#issue(issue);
    this.world.removeIssue(gone);
    const acknowledged = this.announcer.tell({ kind: 'issue-deleted', issue: gone, by: user });
    return { id: gone.id, acknowledged };
  }

  /** `type` is the name of a type of links, such as Blocks: `inward` blocks `outward`. */
  link({ type, inward, outward }: { type: string; inward: string; outward: string }): Wrote {
    const ends = { inward: this.#issue(inward).id, outward: this.#issue(outward).id };
    const link = this.world.addLink({ type, ...ends });
    return { id: link.id, acknowledged: this.announcer.tell({ kind: 'link-created', link }) };
  }

  attach(wanted: {
    user: string;
    issue: string;
    filename: string;
    mimeType: string;
    bytes: Uint8Array;
  }): StoredFile {
    const { user, issue, filename, mimeType, bytes } = wanted;
    const base64 = Buffer.from(bytes).toString('base64');
    return this.world.addFile({ issue: this.#issue(issue).id, author: user, filename, mimeType, base64 });
  }

  /** What stands for a person in a text. */
  mention(account: string): string {
    return this.flavour === 'cloud'
      ? `[~accountid:${account}]`
      : `[~${userOf(account)?.displayName.toLowerCase().split(' ')[0]}]`;
  }

  #changed(before: Issue, after: Issue, by: string): Wrote {
    const acknowledged = this.announcer.tell({ kind: 'issue-updated', before, after, by });
    return { id: after.id, acknowledged };
  }

  #issue(key: string): Issue {
    const { issues } = this.world;
    const issue = this.world.issue(key);
    if (!issue)
      throw new Error(`there is no issue ${key}; there are ${issues.map((each) => each.key).join(', ')}`);
    return issue;
  }

  #comment(id: string): Comment {
    const comment = this.world.comment(id);
    if (!comment) throw new Error(`there is no comment ${id}`);
    return comment;
  }
}
