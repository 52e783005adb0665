/** The real Discord client and a bare gateway connection, pointed at a sandbox. */
import {
  type APIInteraction,
  Client,
  type ClientOptions,
  Events,
  GatewayIntentBits,
  Partials,
  REST,
} from 'discord.js';
import { WebSocket } from 'ws';
import type { Sandbox } from '../../src/sandbox/sandbox.ts';

/** What a bot gets without asking anybody. */
export const PLAIN_INTENTS = [
  GatewayIntentBits.Guilds,
  GatewayIntentBits.GuildMessages,
  GatewayIntentBits.DirectMessages,
] as const;

/** Resolves once the client is ready. */
export async function connectDiscord(
  sandbox: Sandbox,
  intents: readonly number[] = PLAIN_INTENTS,
  more: Partial<ClientOptions> = {},
): Promise<Client<true>> {
  const client = new Client({
    intents,
    partials: [Partials.Channel],
    rest: { api: sandbox.env.DISCORD_API_URL! },
    ...more,
  });
  const ready = new Promise<Client<true>>((resolve) => client.once(Events.ClientReady, resolve));
  await client.login(sandbox.env.DISCORD_BOT_TOKEN!);
  return ready;
}

/** REST alone; a refused request rejects at once instead of being tried again. */
export function discordRest(sandbox: Sandbox, token = sandbox.env.DISCORD_BOT_TOKEN!): REST {
  return new REST({
    api: sandbox.env.DISCORD_API_URL!,
    retries: 0,
    rejectOnRateLimit: () => true,
    // None is kept open: a sandbox that is started again on its port would not know it.
    headers: { connection: 'close' },
  }).setToken(token);
}

/** The client's own view of interactions; `answer` may call it back when and how it likes. */
export function onInteraction(client: Client, answer: (interaction: APIInteraction) => void): void {
  // The client emits what came in as it came; the sandbox sends nothing else under this name.
  client.on(Events.Raw, (packet: { t: string; d: unknown }) => {
    if (packet.t === 'INTERACTION_CREATE') answer(packet.d as APIInteraction);
  });
}

export interface GatewayFrame {
  readonly op: number;
  readonly t?: string;
  readonly s?: number;
  /** As loose as it was parsed: tests compare it. */
  readonly d: ReturnType<typeof JSON.parse>;
}

/** A gateway connection without a client library, to say what no library would say. */
export class BareGateway {
  readonly frames: GatewayFrame[] = [];
  readonly #waiting = new Set<() => void>();
  closeCode: number | undefined;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data) => {
      this.frames.push(JSON.parse(String(data)));
      for (const look of [...this.#waiting]) look();
    });
    socket.on('close', (code) => {
      this.closeCode = code;
      for (const look of [...this.#waiting]) look();
    });
  }

  static async open(sandbox: Sandbox, query = '?v=10&encoding=json'): Promise<BareGateway> {
    const gateway = new BareGateway(
      new WebSocket(`${sandbox.url.replace('http', 'ws')}/discord/gateway${query}`),
    );
    await gateway.until(() => gateway.frames.length > 0 || gateway.closeCode !== undefined);
    return gateway;
  }

  static async identified(sandbox: Sandbox, identify: Record<string, unknown> = {}): Promise<BareGateway> {
    const gateway = await BareGateway.open(sandbox);
    gateway.send(2, { ...identityOf(sandbox), ...identify });
    await gateway.event('READY');
    return gateway;
  }

  get sessionId(): string {
    return this.frames.find(({ t }) => t === 'READY')?.d.session_id;
  }

  get lastSeq(): number {
    return this.frames.findLast(({ s }) => s !== undefined && s !== null)?.s ?? 0;
  }

  send(op: number, d: unknown): void {
    this.socket.send(JSON.stringify({ op, d }));
  }

  sendRaw(text: string): void {
    this.socket.send(text);
  }

  /** The first event of this name, when it is there. */
  async event(name: string): Promise<GatewayFrame> {
    return this.frame(({ t }) => t === name);
  }

  async frame(fits: (frame: GatewayFrame) => boolean): Promise<GatewayFrame> {
    await this.until(() => this.frames.some(fits));
    return this.frames.find(fits)!;
  }

  async closed(): Promise<number> {
    await this.until(() => this.closeCode !== undefined);
    return this.closeCode!;
  }

  cut(): void {
    this.socket.terminate();
  }

  close(code: number): void {
    this.socket.close(code);
  }

  private async until(fits: () => boolean): Promise<void> {
    if (fits()) return;
    await new Promise<void>((resolve) => {
      const look = () => {
        if (!fits()) return;
        this.#waiting.delete(look);
        resolve();
      };
      this.#waiting.add(look);
    });
  }
}

export function identityOf(sandbox: Sandbox): Record<string, unknown> {
  return {
    token: sandbox.env.DISCORD_BOT_TOKEN,
    intents: PLAIN_INTENTS.reduce((bits, bit) => bits | bit, 0),
    properties: { os: 'linux', browser: 'test', device: 'test' },
  };
}
