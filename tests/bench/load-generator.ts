/**
 * A process: writes mentions to a gateway and waits for what it posts.
 *
 *   main ── LoadOrder ─▶ signed event ─▶ gateway ─▶ chat.postMessage ─▶ stub ── arrival ─▶ the next event
 *
 * A closed loop: `inFlight` events are on their way, and a new one leaves when the post for an older one has
 * arrived at the stub. Events are built and signed before the clock starts.
 */
import { once } from 'node:events';
import { Agent, get, type IncomingMessage, request } from 'node:http';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { monotonicMs } from './monotonic-clock.ts';
import { indexOf, type SignedRequest, toMentionEvent } from './slack-event.ts';

export interface LoadOrder {
  readonly gatewayUrl: string;
  /** Number of the first thread; threads are never used twice in front of one gateway. */
  readonly first: number;
  readonly count: number;
  readonly inFlight: number;
  readonly withinMs: number;
}

export type LoadResult =
  | {
      readonly kind: 'done';
      readonly durationMs: number;
      /** From the event sent to its post received, one for each mention. */
      readonly latenciesMs: readonly number[];
      /** Posts for a thread that had one already. */
      readonly repeated: number;
    }
  | { readonly kind: 'failed'; readonly reason: string };

class LoadGenerator {
  readonly #agent = new Agent({ keepAlive: true, noDelay: true });
  #arrived: (threadTs: string, at: number) => void = () => {};

  /** Follows what arrives at the stub; resolves once it does. */
  async follow(stubUrl: string): Promise<void> {
    const [response] = await once(get(`${stubUrl}/arrivals`), 'response');
    const lines = createInterface({ input: response as IncomingMessage }); // what `response` carries
    lines.on('line', (line) => {
      const [threadTs = '', at = ''] = line.split(' ');
      this.#arrived(threadTs, Number(at));
    });
  }

  async run(order: LoadOrder): Promise<LoadResult> {
    const nowSeconds = Math.floor(Date.now() / 1000);
    const events = Array.from({ length: order.count }, (_, i) => toMentionEvent(order.first + i, nowSeconds));
    const sentAt = new Float64Array(order.count);
    const latenciesMs: number[] = [];
    const answered = new Set<number>();
    let next = 0;
    let repeated = 0;

    const finished = new Promise<LoadResult>((resolve) => {
      const fail = (reason: string) => resolve({ kind: 'failed', reason });
      const sendNext = () => {
        const event = events[next];
        if (event === undefined) return;
        sentAt[next] = monotonicMs();
        next += 1;
        this.#send(order.gatewayUrl, event, fail);
      };
      const startedAt = monotonicMs();
      this.#arrived = (threadTs, at) => {
        const index = indexOf(threadTs) - order.first;
        if (!(index >= 0 && index < order.count)) return; // a straggler of the run before
        if (answered.has(index)) {
          repeated += 1;
          return;
        }
        answered.add(index);
        latenciesMs.push(at - (sentAt[index] ?? Number.NaN));
        if (answered.size === order.count) {
          resolve({ kind: 'done', durationMs: at - startedAt, latenciesMs, repeated });
        } else sendNext();
      };
      for (let i = 0; i < order.inFlight; i += 1) sendNext();
    });

    const patience = new AbortController();
    const late = sleep(order.withinMs, undefined, { signal: patience.signal }).then(
      (): LoadResult => ({
        kind: 'failed',
        reason: `${answered.size} of ${order.count} posts arrived in ${order.withinMs} ms`,
      }),
    );
    late.catch(() => {}); // aborted: the run ended in time
    const result = await Promise.race([finished, late]);
    patience.abort();
    return result;
  }

  #send(gatewayUrl: string, event: SignedRequest, fail: (reason: string) => void): void {
    const outgoing = request(gatewayUrl, { method: 'POST', agent: this.#agent, headers: event.headers });
    outgoing.on('response', (response) => {
      if (response.statusCode !== 200) fail(`the gateway answered an event with ${response.statusCode}`);
      response.resume();
    });
    outgoing.on('error', (error) => fail(`an event was not taken: ${error.message}`));
    outgoing.end(event.body);
  }
}

const generator = new LoadGenerator();
process.on('message', async (order: LoadOrder) => {
  process.send?.(await generator.run(order));
});
process.on('disconnect', () => process.exit());
await generator.follow(process.env.SLACK_STUB_URL ?? '');
console.log('following the stub');
