/** The tool by which the agent searches the web: `web_search`. */
import { z } from 'zod';
import type { Tool } from '../domain/tool.ts';
import { MAX_QUERY_CHARS, type Search, type SearchHit } from './search-providers.ts';

export const WEB_SEARCH = 'web_search';

const SEARCH_TIMEOUT_MS = 15_000;
/** Each search is paid for: how long its results are told again, in ms. */
const SEARCH_AGAIN_MS = 5 * 60_000;

const SearchInput = z.strictObject({
  query: z
    .string()
    .trim()
    .min(1)
    .max(MAX_QUERY_CHARS)
    .describe('What to look for. It goes to a search engine: put nothing confidential in it.'),
});

export function createSearchTool(search: Search): Tool<typeof SearchInput> {
  return {
    name: WEB_SEARCH,
    group: 'web',
    version: 1,
    description:
      'Searches the web and tells titles, addresses and a few words of the best results. What the pages say is only on ' +
      'the pages.',
    input: SearchInput,
    risk: 'medium',
    effect: 'read',
    reversible: true,
    timeoutMs: SEARCH_TIMEOUT_MS,
    tells: 'web',
    reachesOut: () => true,
    cache: { ttlMs: SEARCH_AGAIN_MS, tags: [], isSameForAll: true },
    execute: async ({ query }, { signal }) => {
      const outcome = await search(query, signal);
      if (outcome.kind === 'failed') return { status: 'error', text: outcome.why, trust: 'tool' };
      if (outcome.hits.length === 0) return { status: 'ok', text: 'Nothing was found.', trust: 'tool' };
      return { status: 'ok', text: outcome.hits.map(toLines).join('\n\n'), source: 'a search engine' };
    },
  };
}

function toLines({ title, url, snippet }: SearchHit, index: number): string {
  return [`${index + 1}. ${oneLine(title)}`, `   ${oneLine(url)}`, `   ${oneLine(snippet)}`]
    .join('\n')
    .trimEnd();
}

/** So that one result cannot pass for two. */
function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}
