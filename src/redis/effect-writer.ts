/** Writes effects that belong to no change of a lane or an approval: a notice, an audit entry of its own. */
import type { RedisClient } from './client.ts';
import { type Effect, type Once, toArguments, withControl } from './effects.ts';
import { type Keys, partitionOf } from './keys.ts';
import { loadScript, runScript } from './script.ts';

const applyScript = loadScript('apply', import.meta.url);

export class EffectWriter {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /**
   * All together, or none; with `once`, the first time only.
   *
   * @param owner the conversation (or other owner) in whose partition they are written
   * @returns false when `once` was used up before, so that nothing was written
   * @throws {ControlMovedError} when they were decided on a control that is not the current one; nothing was written
   */
  async write(owner: string, effects: readonly Effect[], once?: Once): Promise<boolean> {
    return this.writeIn(partitionOf(owner), effects, once);
  }

  /** Whether something was written under this key before, and that is still remembered. */
  async wasWritten(owner: string, key: string): Promise<boolean> {
    return this.wasWrittenIn(partitionOf(owner), key);
  }

  /** What is written under this key next is written for the first time. */
  async forget(owner: string, key: string): Promise<void> {
    await this.redis.del(this.keys.once(partitionOf(owner), key));
  }

  async wasWrittenIn(partition: number, key: string): Promise<boolean> {
    return (await this.redis.exists(this.keys.once(partition, key))) === 1;
  }

  async writeIn(partition: number, effects: readonly Effect[], once?: Once): Promise<boolean> {
    const written = await withControl(
      runScript(
        this.redis,
        applyScript,
        [this.keys.auditHead(partition)],
        [this.keys.partition(partition), once?.key ?? '', once?.forMs ?? 0, ...toArguments(effects)],
      ),
    );
    return Number(written) === 1;
  }
}
