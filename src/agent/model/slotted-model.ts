/** A model that so many may ask at once, and no more: the others wait for a while, each in its turn. */
import { ModelUnavailableError } from '../../domain/errors.ts';
import { NoSlotError, type Slots } from '../../health/slots.ts';
import type { ModelClient, ModelReply, ModelRequest } from './model-client.ts';

export class SlottedModel implements ModelClient {
  constructor(
    private readonly model: ModelClient,
    private readonly slots: Slots,
  ) {}

  /** @throws {ModelUnavailableError} also when every place was taken for too long, so that the message waits */
  async complete(
    request: ModelRequest,
    onText: (piece: string) => void,
    signal: AbortSignal,
  ): Promise<ModelReply> {
    try {
      return await this.slots.run(() => this.model.complete(request, onText, signal), signal);
    } catch (error) {
      if (!(error instanceof NoSlotError)) throw error;
      const { places, waitedMs } = error;
      const reason = `too many ask it at once: ${places} of ${places} places were taken for ${waitedMs / 1_000} s`;
      throw new ModelUnavailableError(reason, undefined, { cause: error });
    }
  }

  /** Takes no place: nothing is written for it. */
  async countTokens(request: ModelRequest, signal: AbortSignal): Promise<number | undefined> {
    return this.model.countTokens?.(request, signal);
  }

  check(signal: AbortSignal): Promise<{ ok: boolean; detail: string }> {
    return this.model.check(signal);
  }
}
