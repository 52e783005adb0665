/** The tool by which the agent reads a page: `web_fetch`. */
import { z } from 'zod';
import type { WebSettings } from '../config/web.ts';
import type { Tool, ToolOutput } from '../domain/tool.ts';
import { layOut } from './page-layout.ts';
import { toReadable } from './readable.ts';
import { MAX_URL_CHARS } from './target.ts';
import type { WebClient, WebPage } from './web-client.ts';

export const WEB_FETCH = 'web_fetch';

/** How long a page is told again without being read again, in ms. */
const READ_AGAIN_MS = 60_000;

/** Beyond the time a page may take to come: it is laid out, and what is told is why, not that the tool was silent. */
const MARGIN_MS = 7_000;

const FetchInput = z.strictObject({
  url: z
    .string()
    .min(1)
    .max(MAX_URL_CHARS)
    .describe(
      'The whole address, as in https://example.com/page; as somebody gave it, or as a page links it.',
    ),
});

export function createFetchTool(
  client: Pick<WebClient, 'read'>,
  settings: WebSettings,
): Tool<typeof FetchInput> {
  return {
    name: WEB_FETCH,
    group: 'web',
    version: 1,
    description:
      'Reads one page of the web, or one text or JSON document, and tells what is on it as Markdown. It signs in ' +
      'nowhere, sends nothing but the address, and reads only hosts the owner of this gateway allows.',
    input: FetchInput,
    risk: 'medium',
    effect: 'read',
    reversible: true,
    timeoutMs: settings.timeout + MARGIN_MS,
    outputChars: settings.max_chars,
    tells: 'web',
    reachesOut: () => true,
    cache: { ttlMs: READ_AGAIN_MS, tags: [], isSameForAll: true },
    execute: async ({ url }, { signal }) => {
      const outcome = await client.read(url, signal);
      if (outcome.kind === 'page') return toOutput(outcome, signal);
      const isOurs = outcome.kind === 'refused' && !outcome.wasAsked;
      return { status: 'error', text: outcome.why, ...(isOurs ? { trust: 'tool' as const } : {}) };
    },
  };
}

async function toOutput(page: WebPage, signal: AbortSignal): Promise<ToolOutput> {
  const { url, status, contentType, bytes, isCut } = page;
  const { title, text, remarks } = await toReadable(page, (tree) => layOut(tree, signal));
  const body = [...(title === '' ? [] : [`Title: ${title}`, '']), text].join('\n');
  const facts = [
    `${url} answered ${status} with ${bytes} bytes of ${contentType}.`,
    ...(isCut ? [`It is longer: only its first ${bytes} bytes were read, and the rest is missing.`] : []),
    ...remarks,
  ];
  return { status: status < 400 ? 'ok' : 'error', text: body, source: url, heading: facts.join('\n') };
}
