/**
 * Says something to one person where they typed a command.
 *
 *   the address that came with the command ──used up, too old──▶ ephemeral ──not there──▶ direct messages
 *
 * What one person alone was shown cannot be looked up, so after an unknown outcome it is said again.
 */
import { UndeliverableError } from '../../src/domain/errors.ts';
import { Seal } from '../seal.ts';
import type { Shown, SlackClient } from './client.ts';
import { RESPONSE_SEAL, sealedFor } from './commands.ts';
import { refOf } from './inbound.ts';
import type { AlonePlace, Post } from './outbound.ts';

export class Whisperer {
  readonly #seal: Seal;

  constructor(
    private readonly client: SlackClient,
    botToken: string,
    /** The channel of a person's direct messages. */
    private readonly directOf: (user: string) => Promise<string>,
  ) {
    this.#seal = new Seal(botToken, RESPONSE_SEAL);
  }

  /** Resolves with the reference to the last of them; empty where Slack gives none. */
  async say(posts: readonly Post[], place: AlonePlace, signal: AbortSignal): Promise<string> {
    let ref = '';
    for (const post of posts) {
      signal.throwIfAborted();
      ref = await this.#say(post, place);
    }
    return ref;
  }

  async #say(post: Post, place: AlonePlace): Promise<string> {
    const { channel, user, sealed } = place;
    const address = sealed === undefined ? undefined : this.#seal.open(sealedFor(place), sealed);
    if (address !== undefined && (await this.client.respond(address, shownOf(post)))) return '';
    try {
      return refOf(
        channel,
        await this.client.postEphemeral({ channel, thread: undefined, user }, shownOf(post)),
      );
    } catch (error) {
      // A command works everywhere; we are a member only where we were invited.
      if (!(error instanceof UndeliverableError)) throw error;
      const direct = await this.directOf(user);
      return refOf(direct, await this.client.post(direct, undefined, post, 'final'));
    }
  }
}

function shownOf({ text, blocks }: Post): Shown {
  return { text, ...(blocks === undefined ? {} : { blocks }) };
}
