/**
 * Who is asked to search the web: one function for each, told apart by `web.search.provider`.
 *
 * Their addresses are configured, not chosen by the agent, so they are called directly; redirects are not followed, for
 * a key goes with the request.
 */
import { fetch, type Response } from 'undici';
import { z } from 'zod';
import type { SearchSettings } from '../config/web.ts';
import { networkTrouble } from '../observability/network-trouble.ts';
import { readAtMost } from './response-body.ts';

export interface SearchHit {
  readonly title: string;
  readonly url: string;
  readonly snippet: string;
}

export type SearchOutcome =
  | { readonly kind: 'found'; readonly hits: readonly SearchHit[] }
  /** A sentence. */
  | { readonly kind: 'failed'; readonly why: string };

export type Search = (query: string, signal: AbortSignal) => Promise<SearchOutcome>;

/** Longest query, in characters (Brave Search API, "Query Parameters", q). */
export const MAX_QUERY_CHARS = 400;
/** Largest answer, in bytes; twenty results take some fifty thousand. */
const MAX_ANSWER_BYTES = 2_000_000;

/** Undefined when nobody is to be asked. */
export function createSearch(settings: SearchSettings): Search | undefined {
  switch (settings.provider) {
    case 'off':
      return undefined;
    case 'brave':
      return (query, signal) => ask(toBraveRequest(query, settings), BraveAnswer, signal);
    case 'searxng':
      return async (query, signal) => {
        const outcome = await ask(toSearxngRequest(query, settings), SearxngAnswer, signal);
        // It has no parameter for how many.
        return outcome.kind === 'found'
          ? { ...outcome, hits: outcome.hits.slice(0, settings.results) }
          : outcome;
      };
    default:
      return settings.provider satisfies never;
  }
}

interface SearchRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
}

/** Brave Search API, "Web Search" (api-dashboard.search.brave.com/app/documentation/web-search). */
const BRAVE_URL = 'https://api.search.brave.com';

function toBraveRequest(query: string, { base_url, api_key = '', results }: SearchSettings): SearchRequest {
  const url = within(base_url ?? BRAVE_URL, 'res/v1/web/search');
  url.searchParams.set('q', query);
  url.searchParams.set('count', String(results));
  url.searchParams.set('text_decorations', 'false');
  return { url, headers: { 'x-subscription-token': api_key } };
}

const BraveAnswer = z
  .object({
    web: z
      .object({
        results: z.array(
          z.object({ title: z.string(), url: z.string(), description: z.string().default('') }),
        ),
      })
      // There is none when nothing was found.
      .optional(),
  })
  .transform(({ web }) =>
    (web?.results ?? []).map(({ title, url, description }) => ({ title, url, snippet: description })),
  );

/** SearXNG, "Search API" (docs.searxng.org/dev/search_api.html); the format must be switched on there. */
function toSearxngRequest(query: string, { base_url = '' }: SearchSettings): SearchRequest {
  const url = within(base_url, 'search');
  url.searchParams.set('q', query);
  url.searchParams.set('format', 'json');
  return { url, headers: {} };
}

const SearxngAnswer = z
  .object({
    results: z.array(z.object({ title: z.string(), url: z.string(), content: z.string().nullish() })),
  })
  .transform(({ results }) =>
    results.map(({ title, url, content }) => ({ title, url, snippet: content ?? '' })),
  );

async function ask(
  { url, headers }: SearchRequest,
  answer: z.ZodType<readonly SearchHit[]>,
  signal: AbortSignal,
): Promise<SearchOutcome> {
  try {
    const response = await fetch(url, {
      headers: { accept: 'application/json', ...headers },
      redirect: 'error',
      signal,
    });
    const { bytes } = await readAtMost(response, MAX_ANSWER_BYTES);
    if (!response.ok) return failed(url, wordsForStatus(response));
    const parsed = answer.safeParse(parseJson(bytes.toString('utf8')));
    return parsed.success
      ? { kind: 'found', hits: parsed.data }
      : failed(url, 'it answered with something else than results');
  } catch (error) {
    signal.throwIfAborted();
    return failed(url, networkTrouble(error)?.detail ?? 'it could not be asked');
  }
}

function wordsForStatus({ status }: Pick<Response, 'status'>): string {
  switch (status) {
    case 401:
    case 403:
    case 422:
      return `it refused (${status}); its key or its settings are wrong, which is for the owner of this gateway to mend`;
    case 429:
      return 'it was asked too often; ask again later';
    default:
      return `it answered ${status}`;
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function within(base: string, path: string): URL {
  return new URL(path, base.endsWith('/') ? base : `${base}/`);
}

function failed({ host }: URL, why: string): SearchOutcome {
  return { kind: 'failed', why: `The search at ${host} failed: ${why}.` };
}
