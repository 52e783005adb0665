/**
 * What a turn is told of what was written down: about the conversation, and about the one who asks, nobody else.
 *
 * Invariant: what is known of a person is told where they alone read what is said, and nowhere else: it is made of what
 * they said in other places, too.
 */
import { type Held, type MemorySettings, summarises } from '../config/memory.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import type { IsAlone } from './alone.ts';
import type { MemoryStore } from './memory-store.ts';

export interface Remembered {
  /** Of whoever asks. */
  readonly person?: string;
  readonly conversation?: string;
  /** What of strangers the latter was made of, in words for people. */
  readonly strangers?: readonly string[];
  /** Up to where the latter tells; see `Summary`. */
  readonly summarisedThrough?: string;
}

/** A conversation, with where it is held: the channels may have a strategy of their own. */
export type HeldConversation = Held & { readonly conversationId: ConversationId };

export class Recollection {
  constructor(
    private readonly memory: Pick<MemoryStore, 'summaryOf' | 'profileOf'>,
    private readonly settings: () => MemorySettings,
    /** Whether nobody but this person has ever said something there. */
    private readonly isAlone: IsAlone,
  ) {}

  /**
   * What is switched off is not looked up.
   *
   * @param person who asks, where nobody else reads the answer
   */
  async forTurn(held: HeldConversation, person: PersonId | undefined): Promise<Remembered> {
    const settings = this.settings();
    const [summary, profile] = await Promise.all([
      summarises(settings, held) ? this.memory.summaryOf(held.conversationId) : undefined,
      person !== undefined && settings.summaries.people ? this.memory.profileOf(person) : undefined,
    ]);
    const known = profile?.consent.given ? profile.text : undefined;
    // What a turn is shown of a conversation may begin behind what somebody else said in it.
    const isTheirs =
      known !== undefined &&
      person !== undefined &&
      (await this.isAlone({ conversationId: held.conversationId, requester: person, isPrivate: true }));
    return {
      ...(isTheirs ? { person: known } : {}),
      ...(summary
        ? {
            conversation: summary.text,
            strangers: summary.strangers ?? [],
            summarisedThrough: summary.through,
          }
        : {}),
    };
  }
}
