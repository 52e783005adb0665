/** Where people are: the gateways, and what those share. */
import type { GatewaysConfig } from '../../gateways/gateway-settings.ts';
import { createGateways } from '../../gateways/index.ts';
import { WebhookListener } from '../../gateways/webhook-listener.ts';
import { RedisClientLog } from '../delivery/client-log.ts';
import type { Gateway } from '../domain/gateway.ts';
import { API_PLATFORM, channelOf, Platform } from '../domain/ids.ts';
import type { Directory } from '../identity/directory.ts';
import { BookmarkStore } from '../redis/bookmark-store.ts';
import type { Keys } from '../redis/keys.ts';
import { PlaceStore } from '../redis/place-store.ts';
import { Reach } from '../router/reach.ts';
import { openPlatforms } from '../services/pool-names.ts';
import type { Base } from './base.ts';

export interface ChannelOptions {
  /** Gateways beside the configured ones: a terminal, a test's own. */
  readonly gateways?: readonly Gateway[];
  /** False: only `gateways` run, not the configured ones. */
  readonly platforms?: boolean;
  /**
   * What the gateways of another process are configured by. People are found by them from here as well, and what is
   * meant for them is sent there.
   */
  readonly elsewhere?: GatewaysConfig;
}

export interface Channels {
  readonly configured: readonly Gateway[];
  /** All of them, by their platform. */
  readonly gateways: ReadonlyMap<string, Gateway>;
  /** For webhooks, and for programs that ask over HTTP. */
  readonly listener: WebhookListener;
  /** What programs of the web gateway have been told. */
  readonly clientLog: RedisClientLog;
  readonly reach: Reach;
}

/** Nothing is connected yet. */
export function createChannels(base: Base, directory: Directory, options: ChannelOptions): Channels {
  const { config, clock, log, redis, keys } = base;
  const { settings } = config();
  const listener = new WebhookListener(settings.http, log);
  const bookmarks = new BookmarkStore(redis, keys);
  const places = new PlaceStore(redis, keys);
  const clientLog = new RedisClientLog(redis, keys);
  const deps = { listener, bookmarks, places, clientLog, clock, log };
  const configured = options.platforms === false ? [] : createGateways(settings.gateways, deps);
  const gateways = byPlatform([...configured, ...(options.gateways ?? [])]);
  // Never started: where somebody is reached follows from their settings alone.
  const elsewhere = options.elsewhere ? createGateways(options.elsewhere, deps) : [];
  const reach = new Reach(directory, new Map([...byPlatform(elsewhere), ...gateways]));
  return { configured, gateways, listener, clientLog, reach };
}

function byPlatform(gateways: readonly Gateway[]): Map<string, Gateway> {
  return new Map(gateways.map((each) => [String(each.platform), each]));
}

/** Each once, by the name people know it by. */
export function platformsOf(gateways: ReadonlyMap<string, Gateway>): string[] {
  return [...new Set([...gateways.values()].map(({ platform }) => channelOf(platform)))];
}

/**
 * The same of what any process of ours has opened, by the names of all connections to the store. What clients of the
 * API are told has an outbox, too, and is no place people write from.
 */
export function openChannels(connections: Iterable<string>, keys: Keys): string[] {
  const platforms = openPlatforms(connections, keys).map((name) => Platform.parse(name));
  return [...new Set(platforms.filter((each) => each !== API_PLATFORM).map(channelOf))];
}
