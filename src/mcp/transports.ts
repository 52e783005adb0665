/** How a server is reached, as it is configured. */
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import type { FetchLike, Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import type { McpServerSettings } from '../config/mcp.ts';
import { programPath } from '../config/program-path.ts';
import type { Logger } from '../observability/logger.ts';
import { bounded } from './bounded-body.ts';
import { MAX_MESSAGE_BYTES, StdioTransport } from './stdio-transport.ts';

/** Longest line of a program's standard error that is logged, in characters. */
const MAX_REMARK_CHARS = 500;

/**
 * @param folders in which programs are looked for
 * @throws when there is no such program
 */
export function createTransport(
  server: string,
  { command, args, env = {}, url, headers = {} }: McpServerSettings,
  { folders, log }: { readonly folders: readonly string[]; readonly log: Logger },
): Transport {
  if (url !== undefined) {
    // The SDK follows redirects within the server's own origin alone, so that headers go nowhere else.
    return new StreamableHTTPClientTransport(new URL(url), { requestInit: { headers }, fetch: limited });
  }
  const path = programPath(command ?? '', folders);
  if (path === undefined) throw new Error(`there is no program "${command}" on the PATH of this gateway`);
  return new StdioTransport({ path, args, env }, (line) =>
    log.debug({ server, remark: line.slice(0, MAX_REMARK_CHARS) }, 'a program of an MCP server says'),
  );
}

/**
 * What is asked for by POST is as long as a message may be, also where it comes as events; the stream of events that is
 * asked for by GET has no end, and each of them is as long as that.
 */
const limited: FetchLike = async (url, init) => {
  const response = await fetch(url, init);
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') === true;
  const isEndless = isStream && response.ok && init?.method === 'GET';
  return bounded(response, MAX_MESSAGE_BYTES, isEndless ? 'events' : 'whole');
};
