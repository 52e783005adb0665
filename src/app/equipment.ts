/** What there is before any of it is put to work: stores, channels and the agent's tools. */
import { type AgentEquipment, equipAgent } from './agent-equipment.ts';
import type { Base } from './base.ts';
import { type ChannelOptions, type Channels, createChannels } from './channels.ts';
import { createStores, type Stores } from './stores.ts';

export interface Equipment {
  readonly stores: Stores;
  readonly channels: Channels;
  readonly agent: AgentEquipment;
}

/** Nothing is asked of the store yet. */
export async function equip(base: Base, options: ChannelOptions): Promise<Equipment> {
  const stores = createStores(base);
  const channels = createChannels(base, stores.directory, options);
  return { stores, channels, agent: await equipAgent(base, stores, channels) };
}
