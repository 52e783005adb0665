/**
 * Several models, asked one after the other until one answers.
 *
 *   first ── away, or cut off ──▶ second ── … ──▶ nobody: the message waits
 *
 * Invariants
 *   1. Once a word of an answer was shown, no other model goes on with it: the call fails, and is made again later.
 *   2. What a model refuses is refused: only being away makes the next one asked.
 *   3. A model that is cut off costs no time, nor is it asked to count. Further attempts are its client's own matter;
 *      none are made here.
 */
import { ModelUnavailableError } from '../../domain/errors.ts';
import { type Breaker, CutOffError, type Verdict } from '../../health/breakers.ts';
import type { Logger } from '../../observability/logger.ts';
import type { ModelClient, ModelReply, ModelRequest } from './model-client.ts';

export interface ChainLink {
  /** As it is configured. */
  readonly name: string;
  readonly client: ModelClient;
  readonly breaker: () => Breaker;
}

/** The model that was asked and why it did not answer. */
interface Passed {
  readonly name: string;
  readonly error: ModelUnavailableError | CutOffError;
}

export class ModelChain implements ModelClient {
  constructor(
    private readonly links: readonly ChainLink[],
    private readonly log: Logger,
  ) {}

  async complete(
    request: ModelRequest,
    onText: (piece: string) => void,
    signal: AbortSignal,
  ): Promise<ModelReply> {
    const passed: Passed[] = [];
    for (const { name, client, breaker } of this.links) {
      let isShown = false;
      const show = (piece: string) => {
        isShown = true;
        onText(piece);
      };
      try {
        const reply = await breaker().run(
          () => client.complete(request, show, signal),
          (error) => judge(error, signal),
        );
        if (passed.length > 0) this.#sayInstead(name, passed);
        return reply;
      } catch (error) {
        if (!(error instanceof ModelUnavailableError || error instanceof CutOffError) || isShown) throw error;
        passed.push({ name, error });
      }
    }
    throw nobody(passed);
  }

  /**
   * By the first: the others count much alike, but for thoughts, which each counts of its own alone.
   *
   * Counting says nothing of how well it answers, so no breaker hears of it: one that counts while it is overloaded
   * would never be cut off.
   */
  async countTokens(request: ModelRequest, signal: AbortSignal): Promise<number | undefined> {
    const [first] = this.links;
    if (first?.breaker().health().state !== 'CLOSED') return undefined;
    if ([...(request.thoughts?.values() ?? [])].some(({ model }) => model !== first.name)) return undefined;
    return first.client.countTokens?.(request, signal);
  }

  /** Of the first; and of the others, when it does not. */
  async check(signal: AbortSignal): Promise<{ ok: boolean; detail: string }> {
    const checks = await Promise.all(this.links.map(({ client }) => client.check(signal)));
    const [first, ...others] = checks;
    if (!first) return { ok: false, detail: 'no model is configured' };
    const detail = [first.detail, ...others.map((each) => `then ${each.detail}`)].join('; ');
    return { ok: checks.every(({ ok }) => ok), detail };
  }

  #sayInstead(model: string, passed: readonly Passed[]): void {
    const insteadOf = passed.map(({ name, error }) => ({ name, reason: error.reason }));
    this.log.warn({ model, insteadOf }, 'another model answers, because those before it are away');
  }
}

function judge(error: unknown, { aborted }: AbortSignal): Verdict {
  if (error instanceof ModelUnavailableError) return 'away';
  return aborted ? 'broken-off' : 'answered';
}

/** @returns what one model alone would say, where there is only one */
function nobody(passed: readonly Passed[]): ModelUnavailableError {
  const [only] = passed;
  if (only && passed.length === 1) {
    const { error } = only;
    if (error instanceof ModelUnavailableError) return error;
    return new ModelUnavailableError(error.reason, error.retryAfterMs, { cause: error });
  }
  const reason = passed.map(({ name, error }) => `${name}: ${error.reason}`).join('; ');
  const waits = passed.flatMap(({ error }) => error.retryAfterMs ?? []);
  const cause = passed[0]?.error;
  return new ModelUnavailableError(reason, waits.length === 0 ? undefined : Math.min(...waits), { cause });
}
