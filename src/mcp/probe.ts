/** Asks one server for its tools, once, and lets go of it: for whoever wants to know whether it works. */
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import type { Transport } from '@modelcontextprotocol/sdk/shared/transport.js';
import { CLIENT, LINK_TIMINGS, problemOf } from './server-link.ts';
import type { ReadDefinition } from './tool-definition.ts';
import { readTools } from './tool-list.ts';

export type Probed =
  | { readonly kind: 'answers'; readonly read: readonly ReadDefinition[] }
  /** `why` is the end of a sentence. */
  | { readonly kind: 'silent'; readonly why: string };

/**
 * Resolves once nothing of it runs any more. Never rejects.
 *
 * @param transport made for this one connection; may throw when there is nothing to connect to
 * @param signal ends it early
 */
export async function probeServer(transport: () => Transport, signal: AbortSignal): Promise<Probed> {
  const client = new Client(CLIENT, { capabilities: {} });
  const end = () => void client.close();
  signal.addEventListener('abort', end, { once: true });
  try {
    signal.throwIfAborted();
    await client.connect(transport(), { timeout: LINK_TIMINGS.answerMs });
    const { read } = await readTools(client, LINK_TIMINGS.answerMs);
    return { kind: 'answers', read };
  } catch (error) {
    return { kind: 'silent', why: signal.aborted ? 'it did not answer in time' : problemOf(error) };
  } finally {
    signal.removeEventListener('abort', end);
    await client.close().catch(() => undefined);
  }
}
