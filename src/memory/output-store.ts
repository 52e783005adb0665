/**
 * Long outputs of tools, each conversation's own, for as long as somebody is likely to read on in them.
 *
 * Invariants
 *   1. What one conversation keeps is read in that conversation alone.
 *   2. A conversation keeps so many and no more; the oldest makes room.
 *   3. They go with the conversation.
 */
import type { ConversationId } from '../domain/ids.ts';
import { KeptOutput } from '../domain/tool.ts';
import type { RedisClient } from '../redis/client.ts';
import type { Keys } from '../redis/keys.ts';
import { loadScript, runScript } from '../redis/script.ts';

const keepScript = loadScript('keep-output', import.meta.url);

/** Kept of one output, in characters: more than anybody reads page by page. */
export const MOST_KEPT_CHARS = 500_000;
/** Kept of one conversation: with the size of one, the most that it can take up. */
export const MOST_KEPT = 10;
/** From when the call was made; an approval may take a weekend. */
export const KEPT_FOR_MS = 3 * 24 * 60 * 60_000;

export class OutputStore {
  constructor(
    private readonly redis: RedisClient,
    private readonly keys: Keys,
  ) {}

  /** Keeps one whole, or its beginning. Resolves with how many characters of it can be read now. */
  async keep(conversationId: ConversationId, handle: string, output: KeptOutput): Promise<number> {
    const beginning = output.text.slice(0, MOST_KEPT_CHARS).replace(/[\uD800-\uDBFF]$/, '');
    const prefix = this.keys.output(conversationId, '');
    await runScript(
      this.redis,
      keepScript,
      [this.keys.output(conversationId, handle), this.keys.outputs(conversationId)],
      [handle, JSON.stringify({ ...output, text: beginning }), KEPT_FOR_MS, MOST_KEPT, prefix],
    );
    return beginning.length;
  }

  /** What is kept of an output; undefined for one that is not, or not in this conversation. */
  async find(conversationId: ConversationId, handle: string): Promise<KeptOutput | undefined> {
    const kept = await this.redis.get(this.keys.output(conversationId, handle));
    // What was kept before outputs had it beside them whose words they hold is asked for again.
    return kept === null ? undefined : toOutput(kept);
  }

  /** Everything that is kept of the conversation. */
  async drop(conversationId: ConversationId): Promise<void> {
    const kept = this.keys.outputs(conversationId);
    const handles = await this.redis.zrange(kept, 0, '-1');
    await this.redis.del(kept, ...handles.map((handle) => this.keys.output(conversationId, handle)));
  }
}

function toOutput(json: string): KeptOutput | undefined {
  try {
    return KeptOutput.parse(JSON.parse(json));
  } catch {
    return undefined;
  }
}
