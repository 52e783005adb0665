/**
 * How calls to Slack travel: kept-open connections, bounded in time, no redirects.
 *
 * In place of the global `fetch`, whose streams and signals cost several times the processor time of the call itself.
 */
import type { FetchFunction, WebClientOptions } from '@slack/web-api';
import { Agent, request } from 'undici';

type FetchResponse = Awaited<ReturnType<NonNullable<WebClientOptions['fetch']>>>;

/** For each of: reaching Slack, waiting for its answer, and each pause within the answer. */
export function createTransport(timeoutMs: number): FetchFunction {
  const dispatcher = new Agent({
    connect: { timeout: timeoutMs },
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
  });
  return async (url, { method = 'GET', headers = {}, body, signal } = {}) => {
    if (typeof body === 'object') throw new Error('files are not sent this way');
    const response = await request(url, {
      dispatcher,
      method,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(signal ? { signal } : {}),
    });
    return toFetchResponse(String(url), response.statusCode, response.headers, await response.body.text());
  };
}

/** What the client reads of an answer. */
function toFetchResponse(
  url: string,
  status: number,
  headers: Record<string, string | string[] | undefined>,
  text: string,
): FetchResponse {
  return {
    ok: status >= 200 && status < 300,
    status,
    statusText: '',
    url,
    headers: {
      get: (name) => headerOf(headers, name),
      entries: () => Object.keys(headers).map((name) => [name, headerOf(headers, name) ?? '']),
    },
    text: async () => text,
    json: async () => JSON.parse(text),
    arrayBuffer: async () => new TextEncoder().encode(text).buffer,
  };
}

function headerOf(headers: Record<string, string | string[] | undefined>, name: string): string | null {
  const value = headers[name.toLowerCase()];
  return Array.isArray(value) ? value.join(', ') : (value ?? null);
}
