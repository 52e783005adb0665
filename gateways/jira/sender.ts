/**
 * Gets messages into Jira: writes comments, edits them, and finds those that are there already.
 *
 * Invariants
 *   1. Every comment of ours carries its key as a property, written in the same request. After an unknown outcome (a
 *      later attempt) the keys are looked up first, and only what is missing is written: Jira has no other guard.
 *   2. An answer is seen by the same people as the question, or by fewer.
 *   3. A file on an issue is for everybody who sees the issue. Where only some are told, its text is, if it has any.
 *   4. What was to be edited and is gone is written anew.
 */
import { UndeliverableError } from '../../src/domain/errors.ts';
import { type OutboundMessage, type OutFile, requireSayable, type Sent } from '../../src/domain/message.ts';
import type { JiraClient, NewComment } from './client.ts';
import { type Told, toldBy, toOutgoing } from './outbound.ts';
import { findOwnComments } from './own-comments.ts';
import { accountOf, type JiraFile, type JiraRoute, type JiraUser, OWN_MARK, type OwnMark } from './schema.ts';

/** How far Jira's clock may be behind ours, in ms. */
const CLOCK_SKEW_MS = 5 * 60_000;

export class JiraSender {
  constructor(
    private readonly client: JiraClient,
    /** Whose comments to look for; asked only when looking. */
    private readonly whoAmI: () => Promise<JiraUser>,
  ) {}

  async send(message: OutboundMessage, signal: AbortSignal): Promise<Sent> {
    const { id, body, attempt } = message;
    const { route, bodies, files } = toOutgoing(message, await this.#mentions(toldBy(message)));
    const replaces = body.kind === 'notice' ? undefined : body.replaces;
    // What a card is about does not change, so only its last comment does; a text begins where it was shown.
    const edited = body.kind === 'card' ? bodies.length - 1 : 0;
    const isEdited = replaces !== undefined && (await this.#edit(route, replaces, bodies[edited] ?? ''));
    if (isEdited && body.kind === 'card') return { ref: replaces };

    const there = attempt > 1 ? await this.#find(route.issue, id) : new Map<number, string>();
    let ref = isEdited ? replaces : '';
    for (const [part, text] of bodies.entries()) {
      if (isEdited && part === edited) continue;
      signal.throwIfAborted();
      const found = there.get(part);
      if (found === undefined && part > 0) await requireSayable(message);
      ref = found ?? (await this.client.addComment(route.issue, toComment(text, route, { id, part }))).id;
    }
    await this.#attach(route.issue, files, message);
    // What was found shows the card as it was then; it is brought up to date by what is sent next.
    return { ref };
  }

  /** How whoever is told is written in a mention. Others who are gone are left out; the rest is told all the same. */
  async #mentions({ account, others }: Told): Promise<string[]> {
    const one = account === undefined ? [] : [await this.client.mentionName(account)];
    const names = await Promise.all(
      others.map((other) =>
        this.client.mentionName(other).catch((error: unknown) => {
          if (error instanceof UndeliverableError) return undefined;
          throw error;
        }),
      ),
    );
    return [...one, ...names.filter((name) => name !== undefined)];
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

  async #find(issue: string, key: string): Promise<ReadonlyMap<number, string>> {
    return findOwnComments(this.client, issue, key, await this.whoAmI());
  }

  async #attach(issue: string, files: readonly OutFile[], message: OutboundMessage): Promise<void> {
    const { attempt, queuedAt = 0 } = message;
    if (files.length === 0) return;
    const there = attempt > 1 ? await this.#attachedSince(issue, queuedAt - CLOCK_SKEW_MS) : [];
    for (const { name, mediaType, base64 } of files) {
      const bytes = Buffer.from(base64, 'base64');
      if (there.some(({ filename, size }) => filename === name && size === bytes.length)) continue;
      await requireSayable(message);
      await this.client.attach(issue, { name, mediaType, bytes });
    }
  }

  /** Files have no mark: those of ours that are no older than the message may be its. */
  async #attachedSince(issue: string, since: number): Promise<JiraFile[]> {
    const us = accountOf(await this.whoAmI());
    return (await this.client.filesOf(issue)).filter(
      ({ author, created = '' }) => accountOf(author ?? {}) === us && Date.parse(created) >= since,
    );
  }
}

function toComment(
  body: string,
  { visibilityType: type, visibilityValue: value, visibilityId: identifier, internal }: JiraRoute,
  mark?: OwnMark,
): NewComment {
  // Without saying for whom, it would be for everybody.
  if (type !== undefined && value === undefined && identifier === undefined)
    throw new UndeliverableError('jira', 'it is for some people only, and Jira does not say for whom');
  const properties = [
    ...(mark ? [{ key: OWN_MARK, value: mark }] : []),
    ...(internal ? [{ key: 'sd.public.comment', value: { internal: true } }] : []),
  ];
  return {
    body,
    ...(type === undefined
      ? {}
      : {
          visibility: {
            type,
            ...(value === undefined ? {} : { value }),
            ...(identifier === undefined ? {} : { identifier }),
          },
        }),
    ...(properties.length > 0 ? { properties } : {}),
  };
}
