/**
 * Everything one scenario runs in: the emulated platforms in this process, a Redis and the gateways as processes
 * of their own, and a folder for it all. Nothing of it is shared with another scenario, or left behind.
 */
import { rmSync } from 'node:fs';
import { cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Redis } from 'ioredis';
import { parseDocument } from 'yaml';
import { z } from 'zod';
import { Keys } from '../../src/redis/keys.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { CALLING } from './alarms.ts';
import { mayBeAnsweredTwice } from './excuse.ts';
import { Fleet, type Place } from './fleet.ts';
import { RedisServer } from './redis-server.ts';
import { createDiscordSurface } from './surfaces/discord-surface.ts';
import { createEmailSurface } from './surfaces/email-surface.ts';
import { createJiraSurface } from './surfaces/jira-surface.ts';
import { createSlackSurface } from './surfaces/slack-surface.ts';
import type { PlatformName, Surface } from './surfaces/surface.ts';

const SHIPPED_CONFIG = fileURLToPath(new URL('../../config', import.meta.url));

const HOST = '127.0.0.1';

/** Pauses before an event is delivered again; the last one is repeated until the event is acknowledged. */
const REDELIVER_AFTER_MS = [0, 250, 1_000];

/** An interaction was answered before (docs.discord.com, JSON Error Codes): two gateways are told of each. */
const AlreadyAnswered = z.object({
  at: z.number(),
  interaction: z.string(),
  error: z.object({ code: z.literal(40_060) }),
});

/** What the gateway inherits from us; everything else of its environment is the scenario's. */
const INHERITED = ['PATH', 'HOME', 'TMPDIR', 'REDIS_SERVER'];

export class World {
  private constructor(
    readonly directory: string,
    readonly sandbox: Sandbox,
    readonly redis: RedisServer,
    /** For looking at what is stored. */
    readonly store: Redis,
    readonly keys: Keys,
    readonly fleet: Fleet,
    readonly places: readonly [Place, Place],
    readonly surfaces: ReadonlyMap<PlatformName, Surface>,
  ) {}

  static async create(): Promise<World> {
    const directory = await mkdtemp(join(tmpdir(), 'signalbox-crash-'));
    const configDir = join(directory, 'config');
    await copyConfig(configDir);
    const redis = new RedisServer(join(directory, 'redis'));
    await redis.start();
    const sandbox = await startSandbox({
      port: 0,
      slack: { retryDelaysMs: REDELIVER_AFTER_MS, retryUntilAcknowledged: true },
      jira: { retryDelaysMs: REDELIVER_AFTER_MS, retryUntilAcknowledged: true },
      mail: { keyBits: 1_024, pace: { firstMs: 100, mostMs: 1_000 } },
    });
    const places = [
      { name: 'gateway-a', mailPort: await freePort(), httpPort: await freePort() },
      { name: 'gateway-b', mailPort: await freePort(), httpPort: await freePort() },
    ] as const;
    const fleet = new Fleet({
      configDir,
      cwd: directory,
      envOf: ({ mailPort, httpPort }) => ({
        ...inherited(),
        ...sandbox.env,
        MAIL_LISTEN_PROTOCOL: 'smtp',
        MAIL_LISTEN_PORT: String(mailPort),
        HTTP_PORT: String(httpPort),
        REDIS_URL: redis.url,
        LOG_LEVEL: 'info',
      }),
      // Mail servers and Jira find whichever gateway is there.
      onChange: ({ live }) => {
        const [first] = live;
        if (!first) return;
        sandbox.mail.connectGateway({ host: HOST, port: first.place.mailPort });
        sandbox.jira.deliverTo(`http://${HOST}:${first.place.httpPort}/jira/webhook`);
      },
    });
    sandbox.jira.deliverTo(`http://${HOST}:${places[0].httpPort}/jira/webhook`);
    const { slack, discord, jira, mail } = sandbox;
    const surfaces = [
      createSlackSurface(slack),
      createDiscordSurface(discord),
      createJiraSurface(jira),
      createEmailSurface(mail),
    ];
    return new World(
      directory,
      sandbox,
      redis,
      redis.connect(),
      new Keys('signalbox:'),
      fleet,
      places,
      new Map(surfaces.map((surface) => [surface.platform, surface])),
    );
  }

  /** What was sent beyond the published limits of a platform, and nothing explains. */
  get broken(): string[] {
    const { discord, jira } = this.sandbox;
    const unexplained = discord.violations.filter((violation) => !this.#isExplained(violation));
    return [...unexplained, ...jira.violations].map((violation) => JSON.stringify(violation));
  }

  /** Interactions that a second gateway answered, too, and could not know of the first. */
  get answeredTwice(): number {
    return this.sandbox.discord.violations.filter((violation) => this.#isExplained(violation)).length;
  }

  /** Ends everything. Safe to call twice. */
  async destroy(): Promise<void> {
    await this.fleet.stop();
    this.store.disconnect();
    await this.sandbox.stop();
    await this.redis.kill();
    await rm(this.directory, { recursive: true, force: true });
  }

  #isExplained(violation: unknown): boolean {
    const twice = AlreadyAnswered.safeParse(violation).data;
    const { hearings } = this.sandbox.discord;
    const hearing = twice && hearings.find(({ interaction }) => interaction === twice.interaction);
    if (!hearing) return false;
    return mayBeAnsweredTwice(hearing, twice.at, { kills: this.fleet.kills, outages: this.redis.outages });
  }

  /** Without waiting, for when we are ended ourselves. */
  endNow(): void {
    this.fleet.endNow();
    this.redis.endNow();
    rmSync(this.directory, { recursive: true, force: true });
  }
}

/** The shipped configuration, with room for one person who writes as fast as two hundred. */
async function copyConfig(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await cp(SHIPPED_CONFIG, directory, { recursive: true });
  const file = join(directory, 'settings.yaml');
  const settings = parseDocument(await readFile(file, 'utf8'));
  settings.setIn(['limits', 'messages_per_person_per_minute'], 10_000);
  for (const platform of ['slack', 'discord', 'jira']) {
    settings.setIn(['gateways', platform, 'pace'], { posts: 1_000_000, seconds: 1 });
  }
  settings.setIn(['gateways', 'discord', 'threads'], 'always');
  settings.setIn(['http', 'port'], ['$', '{HTTP_PORT}'].join(''));
  await writeFile(file, String(settings));
  await changeFile(join(directory, 'escalation.yaml'), Object.entries(CALLING));
  // She is called in one place, so that she is called once.
  await changeFile(join(directory, 'contacts.yaml'), [['people.dana.reach', { urgent: ['slack'] }]]);
}

/** @param changes what is to stand at which path */
async function changeFile(file: string, changes: readonly (readonly [string, unknown])[]): Promise<void> {
  const document = parseDocument(await readFile(file, 'utf8'));
  for (const [path, value] of changes) document.setIn(path.split('.'), value);
  await writeFile(file, String(document));
}

function inherited(): Record<string, string> {
  return Object.fromEntries(
    INHERITED.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );
}

/** A loopback port that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, HOST, resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port was given');
  return address.port;
}
