import type { ToolCatalog } from '../agent/tools/tool-catalog.ts';
import { createRedis } from '../redis/client.ts';
import { type BaseOptions, createBase } from './base.ts';
import { equip } from './equipment.ts';

/**
 * Every tool the agent has by this configuration, for commands that tell of them: no store and no platform is asked.
 * Those of programs that are asked what they have (MCP) are not among them.
 */
export async function openTools(options: BaseOptions): Promise<ToolCatalog> {
  const redis = createRedis('redis://127.0.0.1', 'signalbox'); // never connected
  const { agent } = await equip(createBase(options, redis), {});
  await agent.scripts.look();
  redis.disconnect();
  return agent.tools;
}
