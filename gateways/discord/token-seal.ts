/** Interaction tokens, sealed: who holds one can write in our name for 15 minutes. */
import { Seal } from '../seal.ts';

export class TokenSeal {
  readonly #seal: Seal;

  constructor(botToken: string) {
    this.#seal = new Seal(botToken, 'signalbox interaction token');
  }

  /** The same for the same interaction, so that its address is the same however often it is delivered. */
  seal({ id, token }: { readonly id: string; readonly token: string }): string {
    return this.#seal.seal(id, token);
  }

  /** Undefined when it was not sealed with this bot's token, or for another interaction. */
  open({ id, sealed }: { readonly id: string; readonly sealed: string }): string | undefined {
    return this.#seal.open(id, sealed);
  }
}
