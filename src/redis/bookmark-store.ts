/** Reading positions of gateways (an IMAP cursor), kept where a restart finds them. */
import type { Bookmarks } from '../domain/gateway.ts';
import type { RedisClient } from './client.ts';
import type { Keys } from './keys.ts';

export class BookmarkStore implements Bookmarks {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  async read(name: string): Promise<string | undefined> {
    return (await this.redis.get(this.keys.bookmark(name))) ?? undefined;
  }

  async write(name: string, value: string): Promise<void> {
    await this.redis.set(this.keys.bookmark(name), value);
  }
}
