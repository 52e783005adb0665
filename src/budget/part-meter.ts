/** The part of a turn's budget that one question beside it may use. Whatever it uses is used by the turn. */
import type { Usage } from '../domain/transcript.ts';
import type { Ceiling } from './limits.ts';
import { tokensOf } from './price.ts';
import type { TurnMeter } from './turn-meter.ts';

export class PartMeter {
  /** What `reached` tells when it is this part that is used up, not the turn's whole. */
  readonly own: Ceiling;
  #spent = 0;
  #last = 0;

  /** @param most in tokens of all kinds */
  constructor(
    most: number,
    private readonly whole?: Pick<TurnMeter, 'note' | 'reached'>,
  ) {
    this.own = { of: 'tokens', most, by: 'turn' };
  }

  async note(model: string, usage: Usage): Promise<void> {
    this.#last = tokensOf(usage);
    this.#spent += this.#last;
    await this.whole?.note(model, usage);
  }

  async reached(): Promise<Ceiling | undefined> {
    return this.#spent >= this.own.most ? this.own : this.whole?.reached();
  }

  /** Whether what is left of it may not do for two more answers like the last one. */
  isNearEnd(): boolean {
    return this.#last > 0 && this.#spent + 2 * this.#last > this.own.most;
  }
}
