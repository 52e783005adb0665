/** A process that keeps pending approvals, as `timers` and `approvals` use it. */
import type { z } from 'zod';
import { Child } from './child.ts';
import { ownScript } from './own-script.ts';
import { Audited, Failed, Fired, Listed, Opened, type PendingOrder, Voted } from './pending-protocol.ts';

/** The product, or BullMQ with one delayed job for each approval. */
export type KeeperKind = 'signalbox' | 'bullmq';

const PROGRAMS: Readonly<Record<KeeperKind, URL>> = {
  signalbox: new URL('./pending-signalbox.ts', import.meta.url),
  bullmq: new URL('./reference/pending-bullmq.mjs', import.meta.url),
};

/** A million take one to three minutes; ten mean that something is stuck. */
const WITHIN_MS = 600_000;

export class PendingKeeper {
  private constructor(private readonly child: Child) {}

  static async start(kind: KeeperKind, redisUrl: string): Promise<PendingKeeper> {
    const child = Child.start({
      name: kind,
      ...ownScript(PROGRAMS[kind]),
      env: { REDIS_URL: redisUrl },
      ipc: true,
    });
    await child.line(/^ready$/, 30_000);
    return new PendingKeeper(child);
  }

  open(count: number): Promise<z.infer<typeof Opened>> {
    return this.#ask({ kind: 'open', count }, Opened);
  }

  fire(perSecond: number, seconds: number): Promise<Fired> {
    return this.#ask({ kind: 'fire', perSecond, seconds }, Fired);
  }

  vote(count: number, inFlight: number): Promise<Voted> {
    return this.#ask({ kind: 'vote', count, inFlight }, Voted);
  }

  list(count: number): Promise<Listed> {
    return this.#ask({ kind: 'list', count }, Listed);
  }

  audit(): Promise<Audited> {
    return this.#ask({ kind: 'audit' }, Audited);
  }

  stop(): Promise<void> {
    return this.child.stop();
  }

  async #ask<Answer extends z.ZodType>(order: PendingOrder, answer: Answer): Promise<z.output<Answer>> {
    const reply = await this.child.ask(order, WITHIN_MS);
    const failed = Failed.safeParse(reply);
    if (failed.success) throw new Error(`${order.kind} failed: ${failed.data.reason}`);
    return answer.parse(reply);
  }
}
