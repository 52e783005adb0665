/**
 * The WebSocket to Discord, as discord.js keeps it: sharding, heartbeats, resuming, reconnecting.
 *
 * Owns      the connection, and what it asks to be told.
 * Not here  what an event means.
 *
 * Invariants
 *   1. discord.js sees only the events by which it lives. It would build and keep a world of channels, members and
 *      messages from the others, which nobody here reads.
 *   2. A refusal that no reconnecting mends ends the start with what to do about it, never in silence.
 */
import type { Client, GatewayDispatchPayload } from 'discord.js';
import { StartupError } from '../../src/domain/errors.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { DiscordSettings } from './config.ts';
import { loadDiscord } from './library.ts';

/** Gateway intents, as bits (docs.discord.com, Gateway Intents). */
const INTENTS = {
  guilds: 1 << 0,
  guildMessages: 1 << 9,
  directMessages: 1 << 12,
  messageContent: 1 << 15,
} as const;

/** Events by which discord.js knows where it stands. */
const ITS_OWN: readonly string[] = ['READY', 'RESUMED'];

/** Close codes after which Discord takes us only when something was changed (docs.discord.com, Gateway Close Codes). */
const REMEDIES: Readonly<Record<number, string>> = {
  4004: 'Discord does not accept the bot token: reset it in the developer portal under "Bot" and set DISCORD_BOT_TOKEN.',
  4010: 'Set gateways.discord.shards to "auto".',
  4011: 'Set gateways.discord.shards to "auto": the bot is in too many servers for one connection.',
  4012: 'Update this program: Discord no longer speaks this version of its gateway.',
  4013: 'Update this program: Discord does not know one of the intents it asks for.',
  4014: 'Switch on "Message Content Intent" in the developer portal under "Bot", or set gateways.discord.message_content to false.',
};

export interface GatewayEvent {
  readonly type: string;
  readonly data: unknown;
}

export type ConnectionSettings = Pick<DiscordSettings, 'api_url' | 'message_content' | 'shards'> & {
  readonly token: string;
};

export class DiscordConnection {
  #client: Client | undefined;

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly log: Logger,
    private readonly onEvent: (event: GatewayEvent) => void,
  ) {}

  /**
   * Resolves when every shard is ready.
   *
   * @throws {StartupError} when Discord refuses for good
   */
  async start(): Promise<void> {
    const client = await this.#createClient();
    this.#client = client;
    const refused = new Promise<never>((_, reject) => {
      client.on('shardDisconnect', ({ code }) => reject(toStartupError(code)));
      // Rejections of discord.js's own fall to `login`; this one names the reason.
    });
    refused.catch(() => {}); // after the start nobody waits for it, and the log has it
    try {
      await Promise.race([client.login(this.settings.token), refused]);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.destroy();
  }

  async #createClient(): Promise<Client> {
    const { Client, Options } = await loadDiscord();
    const { api_url: api, message_content: content, shards } = this.settings;
    const client = new Client({
      intents:
        INTENTS.guilds |
        INTENTS.guildMessages |
        INTENTS.directMessages |
        (content ? INTENTS.messageContent : 0),
      ...(shards === 'auto' ? { shards } : { shardCount: shards }),
      makeCache: Options.cacheWithLimits({}),
      // It waits for nothing it is not shown.
      waitGuildTimeout: 0,
      allowedMentions: { parse: [], repliedUser: false },
      enforceNonce: true,
      rest: { api: api.replace(/\/$/, ''), version: '10', retries: 0 },
    });
    client.on('raw', (packet: GatewayDispatchPayload) => this.#take(packet));
    client.on('error', (error) => this.log.warn({ error: error.message }, 'discord.js reports an error'));
    client.on('warn', (said) => this.log.warn({ said: said.slice(0, 500) }, 'discord.js warns'));
    client.on('shardError', (error, shard) =>
      this.log.warn({ error: error.message, shard }, 'the connection to Discord failed; connecting again'),
    );
    client.on('shardReconnecting', (shard) => this.log.info({ shard }, 'connecting to Discord again'));
    client.on('shardDisconnect', ({ code }, shard) =>
      this.log.error({ code, shard, remedy: REMEDIES[code] }, 'Discord ended the connection for good'),
    );
    return client;
  }

  #take(packet: GatewayDispatchPayload): void {
    const event = { type: packet.t, data: packet.d };
    // A packet without a type is passed over by discord.js, which has just shown it to us.
    if (!ITS_OWN.includes(packet.t)) Reflect.set(packet, 't', null);
    this.onEvent(event);
  }
}

function toStartupError(code: number): StartupError {
  return new StartupError(
    `Discord ended the connection for good (close code ${code})`,
    REMEDIES[code] ?? 'Run `signalbox check`.',
  );
}
