/**
 * Breaks a turn off when somebody else speaks for the conversation: nothing it says could go out any more.
 *
 * Looking is deliberate: whoever takes a conversation over may do so in any process, and a message that is lost on
 * the way to the others would let a turn run on. What keeps its words in is the check before they are sent; this
 * only spares the model the work.
 */
import { ControlMovedError } from '../domain/errors.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { ControlStore } from './control-store.ts';

const LOOK_EVERY_MS = 300;

export class TurnWatch {
  readonly #moved = new AbortController();
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(
    private readonly controls: Pick<ControlStore, 'epochOf'>,
    private readonly conversationId: ConversationId,
    private readonly epoch: number,
  ) {}

  /** Aborts when the turn is of an older epoch than the conversation. */
  get signal(): AbortSignal {
    return this.#moved.signal;
  }

  start(): void {
    this.#timer = setTimeout(() => void this.#look(), LOOK_EVERY_MS);
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  async #look(): Promise<void> {
    // A store that is away says nothing about who speaks; the turn's commit waits for it anyhow.
    const now = await this.controls.epochOf(this.conversationId).catch(() => this.epoch);
    if (this.#stopped) return;
    if (now === this.epoch) this.start();
    else this.#moved.abort(new ControlMovedError(this.conversationId));
  }
}
