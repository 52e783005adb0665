/**
 * The WebSocket to Discord, as discord.js keeps it: sharding, heartbeats, resuming, reconnecting.
 *
 * Owns      the connection, and what it asks to be told.
 * Not here  what an event means, and what follows when Discord ends the connection for good (`link.ts`).
 *
 * Invariants
 *   1. discord.js sees only the events by which it lives. It would build and keep a world of channels, members and
 *      messages from the others, which nobody here reads.
 *   2. A refusal that no reconnecting mends is told, with what to do about it, whenever it comes: it ends the start, or
 *      it is what `ended` resolves with.
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

const PORTAL = 'https://discord.com/developers/applications';

/** What to do when Discord does not know our token. */
export const TOKEN_REMEDY = `Press "Reset Token" under "Bot" at ${PORTAL}, and set DISCORD_BOT_TOKEN.`;

/** Discord refuses the intent for message content; without it, it would take us. */
export class IntentRefusedError extends StartupError {}

interface Ending {
  readonly what: string;
  readonly remedy: string;
}

/** The close code for a privileged intent that is not granted. */
const INTENT_REFUSED = 4014;

/** Close codes after which Discord takes us only when something was changed (docs.discord.com, Gateway Close Codes). */
const ENDINGS: Readonly<Record<number, Ending>> = {
  4004: {
    what: 'it does not accept the bot token any more',
    remedy: TOKEN_REMEDY,
  },
  4010: { what: 'it does not know this shard', remedy: 'Set gateways.discord.shards to "auto".' },
  4011: {
    what: 'the bot is in too many servers for one connection',
    remedy: 'Set gateways.discord.shards to "auto".',
  },
  4012: {
    what: 'it no longer speaks this version of its gateway',
    remedy: 'Update this program.',
  },
  4013: {
    what: 'it does not know one of the intents that are asked for',
    remedy: 'Update this program.',
  },
  [INTENT_REFUSED]: {
    what: 'the intent for message content is asked for and not granted',
    remedy: `Switch on "Message Content Intent" under "Bot" at ${PORTAL}, or set gateways.discord.message_content to false.`,
  },
};

const UNKNOWN_ENDING: Ending = { what: 'it gives no reason that is known', remedy: 'Run `signalbox check`.' };

export interface GatewayEvent {
  readonly type: string;
  readonly data: unknown;
}

export type ConnectionSettings = Pick<DiscordSettings, 'api_url' | 'message_content' | 'shards'> & {
  readonly token: string;
};

export class DiscordConnection {
  /** Resolves when Discord ended it for good, with why; with undefined when we did. */
  readonly ended: Promise<StartupError | undefined>;
  readonly #end: (why: StartupError | undefined) => void;
  #client: Client | undefined;

  constructor(
    private readonly settings: ConnectionSettings,
    private readonly log: Logger,
    private readonly onEvent: (event: GatewayEvent) => void,
  ) {
    let end: (why: StartupError | undefined) => void = () => {};
    this.ended = new Promise((resolve) => {
      end = resolve;
    });
    this.#end = end;
  }

  /**
   * Resolves when every shard is ready. To be called once.
   *
   * @throws {StartupError} when Discord refuses for good
   */
  async start(): Promise<void> {
    const client = await this.#createClient();
    this.#client = client;
    client.on('shardDisconnect', ({ code }) => this.#end(toStartupError(code)));
    try {
      // What discord.js rejects with does not name the reason.
      await Promise.race([client.login(this.settings.token), this.#whenEnded()]);
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    this.#end(undefined);
    await client?.destroy();
  }

  async #whenEnded(): Promise<never> {
    throw (await this.ended) ?? new Error('the connection to Discord was stopped');
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
  const { what, remedy } = ENDINGS[code] ?? UNKNOWN_ENDING;
  const message = `Discord ended the connection: ${what} (close code ${code})`;
  return code === INTENT_REFUSED
    ? new IntentRefusedError(message, remedy)
    : new StartupError(message, remedy);
}
