/** How far gateways have read in many places (the channels of Discord), kept where every process and a restart find it. */
import type { PlaceMarks, Places } from '../domain/gateway.ts';
import type { RedisClient } from './client.ts';
import type { Keys } from './keys.ts';
import { loadScript, runScript } from './script.ts';

const ADVANCE = loadScript('advance-places', import.meta.url);

export class PlaceStore implements Places {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  async load(name: string): Promise<ReadonlyMap<string, string>> {
    return new Map(Object.entries(await this.redis.hgetall(this.keys.places(name))));
  }

  async advance(name: string, { read, begun, forgotten }: PlaceMarks, most: number): Promise<void> {
    const marks = JSON.stringify({ forgotten, begun: [...begun], read: [...read] });
    await runScript(this.redis, ADVANCE, [this.keys.places(name)], [most, marks]);
  }
}
