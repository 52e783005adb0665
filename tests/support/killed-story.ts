/** Real gateway processes beside one sandbox, to be killed and started again in the middle of what they do. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { Redis } from 'ioredis';
import { Keys } from '../../src/redis/keys.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import type { SlackMessage } from '../../src/sandbox/slack/workspace.ts';
import { GatewayHome, type GatewayProcess } from './gateway-process.ts';
import { testRedis } from './redis.ts';
import { GENERAL, textOf } from './story.ts';

/** Longer than a permit lasts, and what is waited for after it. */
export const LEASE_IS_OVER_MS = 70_000;

/** Whole processes start and end here, beside whatever else the machine is busy with. */
export const PROCESS_TIMEOUTS = { testTimeout: 90_000, hookTimeout: 90_000 };

export class KilledStory {
  readonly #running: GatewayProcess[] = [];

  private constructor(
    readonly sandbox: Sandbox,
    private readonly home: GatewayHome,
  ) {}

  static async begin(): Promise<KilledStory> {
    const sandbox = await startSandbox({
      port: 0,
      mail: { keyBits: 1_024, pace: { firstMs: 50, mostMs: 200 } },
      slack: { retryDelaysMs: [0, 50], retryUntilAcknowledged: true },
    });
    return new KilledStory(sandbox, await GatewayHome.create(sandbox));
  }

  async end(): Promise<void> {
    for (const each of this.#running) await each.stop();
    await this.sandbox.stop();
    await this.home.remove();
  }

  /** Resolves when it is ready. */
  async start(): Promise<GatewayProcess> {
    const gateway = this.home.start();
    this.#running.push(gateway);
    await gateway.line(/^ready$/);
    return gateway;
  }

  answer(thread: string, pattern: RegExp): Promise<SlackMessage> {
    return this.sandbox.slack.until((slack) =>
      slack
        .thread(GENERAL, thread)
        .find((message) => message.user === 'U0SIGNALBOX' && pattern.test(textOf(message))),
    );
  }

  /** Resolves once the shop's ledger has changed and looks like this. */
  ledger(isSo: () => boolean): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.sandbox.shop.onChange(() => {
        if (!isSo()) return;
        stop();
        resolve();
      });
    });
  }

  /** Moves the store's time forward; whoever sweeps sees it. */
  async pass(ms: number): Promise<void> {
    const settings = await readFile(path.join(this.home.folder, 'config', 'settings.yaml'), 'utf8');
    const keys = new Keys(`${/key_prefix: (\S+)/.exec(settings)?.[1]}:`);
    const redis = new Redis(testRedis().url);
    try {
      for (const partition of keys.partitions()) {
        const nowMs = Date.now() + ms;
        await redis.set(keys.watched(partition), nowMs);
        await redis.set(`${keys.partition(partition)}clock`, nowMs);
      }
    } finally {
      redis.disconnect();
    }
  }
}
