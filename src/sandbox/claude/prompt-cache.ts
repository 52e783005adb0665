/**
 * The prompt cache as a client can observe it: which part of a request was read from the cache, which was written
 * to it, and which was neither.
 *
 * A request is a row of segments: tools, then system, then messages. A breakpoint (`cache_control`) on a segment
 * writes everything up to it; a later request whose row begins with the very same bytes reads that again.
 */
import { createHash } from 'node:crypto';
import { blocksOf, type CacheControl, type CountRequest } from './messages-request.ts';

/** A shorter prefix is not cached, silently. Anthropic docs, "Prompt caching", for the Sonnet models. */
export const MIN_CACHEABLE_TOKENS = 1_024;

/** From each breakpoint the cache looks this many segments back, at most. Same page. */
const LOOKBACK_SEGMENTS = 20;

/** How long an entry lives after it was last used. Same page. */
const TTL_MS = { '5m': 5 * 60_000, '1h': 60 * 60_000 } as const;

/** English text has about this many characters per token. */
const CHARS_PER_TOKEN = 4;

export interface InputUsage {
  readonly input_tokens: number;
  readonly cache_creation_input_tokens: number;
  readonly cache_read_input_tokens: number;
  readonly cache_creation: {
    readonly ephemeral_5m_input_tokens: number;
    readonly ephemeral_1h_input_tokens: number;
  };
}

export class PromptCache {
  /** Expiry by the hash of everything up to a breakpoint. */
  readonly #entries = new Map<string, number>();

  /** Accounts for one request that was made now. */
  use(request: CountRequest, owner: string, now: number): InputUsage {
    const prefixes = toPrefixes(request, owner);
    const total = prefixes.at(-1)?.tokens ?? 0;
    const marked = prefixes.filter((prefix) => prefix.ttl && prefix.tokens >= MIN_CACHEABLE_TOKENS);
    const written = marked.at(-1);
    const read = this.#longestRead(prefixes, marked, now);

    const readTokens = read?.tokens ?? 0;
    const writtenTokens = Math.max(0, (written?.tokens ?? 0) - readTokens);
    for (const { hash, ttl } of marked) if (ttl) this.#entries.set(hash, now + TTL_MS[ttl]);
    const isHour = written?.ttl === '1h';
    return {
      input_tokens: total - readTokens - writtenTokens,
      cache_creation_input_tokens: writtenTokens,
      cache_read_input_tokens: readTokens,
      cache_creation: {
        ephemeral_5m_input_tokens: isHour ? 0 : writtenTokens,
        ephemeral_1h_input_tokens: isHour ? writtenTokens : 0,
      },
    };
  }

  #longestRead(prefixes: readonly Prefix[], marked: readonly Prefix[], now: number): Prefix | undefined {
    const reachable = marked.flatMap((breakpoint) => {
      const at = prefixes.indexOf(breakpoint);
      return prefixes.slice(Math.max(0, at - LOOKBACK_SEGMENTS + 1), at + 1);
    });
    return reachable
      .filter(({ hash }) => (this.#entries.get(hash) ?? 0) > now)
      .reduce<Prefix | undefined>(
        (best, each) => (each.tokens > (best?.tokens ?? 0) ? each : best),
        undefined,
      );
  }
}

/** What a picture of common size costs, and a page of a PDF. Anthropic docs, "Vision". */
const TOKENS_OF_A_FILE = 1_600;

/** How many tokens a text has, roughly. */
export function countTokens(text: string): number {
  return Math.ceil(text.length / CHARS_PER_TOKEN);
}

/** How many tokens go in with a request, roughly. */
export function countInput(request: CountRequest): number {
  return toPrefixes(request, '').at(-1)?.tokens ?? 0;
}

interface Prefix {
  readonly hash: string;
  /** Of everything up to here. */
  readonly tokens: number;
  /** Set when there is a breakpoint here. */
  readonly ttl: keyof typeof TTL_MS | undefined;
}

function toPrefixes(request: CountRequest, owner: string): Prefix[] {
  const segments = toSegments(request);
  const prefixes: Prefix[] = [];
  let hash = `${owner} ${request.model}`;
  let tokens = 0;
  for (const [at, { text, mark, isFile }] of segments.entries()) {
    hash = createHash('sha256').update(hash).update('\0').update(text).digest('base64');
    tokens += isFile ? TOKENS_OF_A_FILE : countTokens(text);
    // A breakpoint on the request as a whole stands at its last segment.
    const control = mark ?? (at === segments.length - 1 ? request.cache_control : undefined);
    prefixes.push({ hash, tokens, ttl: control ? (control.ttl ?? '5m') : undefined });
  }
  return prefixes;
}

interface Segment {
  readonly text: string;
  readonly mark: CacheControl | null | undefined;
  readonly isFile?: boolean;
}

function toSegments({ tools = [], system = [], messages }: CountRequest): Segment[] {
  const systemBlocks = typeof system === 'string' ? [{ text: system, cache_control: undefined }] : system;
  return [
    ...tools.map(({ cache_control, ...tool }) => ({ text: JSON.stringify(tool), mark: cache_control })),
    ...systemBlocks.map(({ text, cache_control }) => ({ text, mark: cache_control })),
    ...messages.flatMap((message) =>
      blocksOf(message).map(({ cache_control, ...block }) => ({
        text: `${message.role} ${block.type === 'text' ? block.text : JSON.stringify(block)}`,
        mark: cache_control,
        isFile: block.type === 'image' || block.type === 'document',
      })),
    ),
  ];
}
