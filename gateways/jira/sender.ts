/**
 * Gets messages into Jira: writes comments, edits them, and finds those that are there already.
 *
 * Invariants
 *   1. Every comment of ours carries its key as a property, written in the same request. After an unknown outcome (a
 *      later attempt) the keys are looked up first, and only what is missing is written: Jira has no other guard.
 *   2. An answer is seen by the same people as the question, or by fewer.
 *   3. What was to be edited and is gone is written anew.
 */
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { OutboundMessage, OutFile, Sent } from '../../src/domain/message.ts';
import type { JiraClient, NewComment } from './client.ts';
import { toOutgoing } from './outbound.ts';
import { accountOf, type JiraComment, type JiraRoute, type JiraUser, OWN_MARK, OwnMark } from './schema.ts';

/** Comments of an issue that are looked through for one of ours, newest first. */
const LOOKED_THROUGH = 100;

export class JiraSender {
  constructor(
    private readonly client: JiraClient,
    /** Whose comments to look for; asked only when looking. */
    private readonly whoAmI: () => Promise<JiraUser>,
  ) {}

  async send(message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
    const { route, bodies, files } = toOutgoing(message, this.client.isCloud);
    const { id, body, attempt } = message;
    const replaces = body.kind === 'notice' ? undefined : body.replaces;
    const [last = ''] = bodies.slice(-1);
    if (replaces !== undefined && (await this.#edit(route, replaces, last))) return { ref: replaces };

    const there = attempt > 1 ? await this.#find(route.issue, id) : new Map<number, string>();
    let ref = '';
    for (const [part, text] of bodies.entries()) {
      signal.throwIfAborted();
      const found = there.get(part);
      ref = found ?? (await this.client.addComment(route.issue, toComment(text, route, { id, part }))).id;
    }
    await this.#attach(route.issue, files, attempt);
    // What was found shows the card as it was then; it is brought up to date by what is sent next.
    return { ref };
  }

  /** False when it is gone. */
  async #edit(route: JiraRoute, comment: string, body: string): Promise<boolean> {
    try {
      await this.client.updateComment(route.issue, comment, toComment(body, route));
      return true;
    } catch (error) {
      if (error instanceof UndeliverableError && /does not exist/.test(error.reason)) return false;
      throw error;
    }
  }

  /** Our comments with this key, by part. */
  async #find(issue: string, id: string): Promise<Map<number, string>> {
    const us = accountOf(await this.whoAmI());
    const ours = (await this.client.comments(issue, { most: LOOKED_THROUGH })).filter(
      ({ author }) => author && accountOf(author) === us,
    );
    const marks = await Promise.all(ours.map((comment) => this.#markOf(comment)));
    return new Map(
      marks.flatMap((mark, index) => {
        const comment = ours[index];
        return mark?.id === id && comment ? [[mark.part, comment.id] as const] : [];
      }),
    );
  }

  /** In the list where Jira tells properties there; asked for one by one where it does not. */
  async #markOf({ id, properties }: JiraComment): Promise<OwnMark | undefined> {
    const value =
      properties === undefined
        ? await this.client.commentProperty(id, OWN_MARK)
        : properties.find(({ key }) => key === OWN_MARK)?.value;
    const mark = OwnMark.safeParse(value);
    return mark.success ? mark.data : undefined;
  }

  async #attach(issue: string, files: readonly OutFile[], attempt: number): Promise<void> {
    if (files.length === 0) return;
    const there = attempt > 1 ? await this.client.filesOf(issue) : [];
    for (const { name, mediaType, base64 } of files) {
      const bytes = Buffer.from(base64, 'base64');
      if (there.some(({ filename, size }) => filename === name && size === bytes.length)) continue;
      await this.client.attach(issue, { name, mediaType, bytes });
    }
  }
}

function toComment(
  body: string,
  { visibilityType: type, visibilityValue: value, internal }: JiraRoute,
  mark?: OwnMark,
): NewComment {
  const properties = [
    ...(mark ? [{ key: OWN_MARK, value: mark }] : []),
    ...(internal ? [{ key: 'sd.public.comment', value: { internal: true } }] : []),
  ];
  return {
    body,
    ...(type !== undefined && value !== undefined ? { visibility: { type, value } } : {}),
    ...(properties.length > 0 ? { properties } : {}),
  };
}
