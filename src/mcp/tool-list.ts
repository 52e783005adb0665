/** What tools a server has: asked for page by page, as many as are read. */
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { z } from 'zod';
import { MAX_TOOLS } from './pins.ts';
import { type ReadDefinition, readDefinition } from './tool-definition.ts';

const ListPage = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() });
/** Pages of a list of tools that are read. */
const MAX_PAGES = 20;

export interface ToolList {
  readonly read: readonly ReadDefinition[];
  /** There are more than are read. */
  readonly isCut: boolean;
}

/**
 * @param answerMs for each page
 * @throws when the server does not answer, or with no list
 */
export async function readTools(client: Client, answerMs: number): Promise<ToolList> {
  const tools: unknown[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < MAX_PAGES && tools.length <= MAX_TOOLS; page++) {
    const params = cursor === undefined ? {} : { cursor };
    const answer = await client.request({ method: 'tools/list', params }, ListPage, { timeout: answerMs });
    tools.push(...answer.tools);
    cursor = answer.nextCursor;
    if (cursor === undefined) break;
  }
  return { read: tools.map(readDefinition), isCut: cursor !== undefined || tools.length > MAX_TOOLS };
}
