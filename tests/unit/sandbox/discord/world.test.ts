import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shardOf } from '../../../../src/sandbox/discord/gateway-server.ts';
import { toDiscordText } from '../../../../src/sandbox/discord/typed-text.ts';
import { type DiscordMessage, World } from '../../../../src/sandbox/discord/world.ts';
import { Journal } from '../../../../src/sandbox/journal.ts';
import { ALEX, BOT, DISCORD_CHANNELS, GUILD_ROLES } from '../../../../src/sandbox/people.ts';
import { runs } from '../../../support/property-runs.ts';

const [GENERAL] = DISCORD_CHANNELS;
const DISCORD_EPOCH_MS = 1_420_070_400_000;

describe('snowflakes', () => {
  it('tell when they were made', () => {
    const now = Date.UTC(2026, 0, 1);
    const id = new World(new Journal(), { now: () => now }).nextId();

    expect(Number(BigInt(id) >> 22n) + DISCORD_EPOCH_MS).toBe(now);
  });

  it('grow, whatever the clock does', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(2 ** 41), { minLength: 2, maxLength: 50 }), (times) => {
        let now = 0;
        const world = new World(new Journal(), { now: () => now });
        const ids = times.map((time) => {
          now = time;
          return BigInt(world.nextId());
        });

        for (const [index, id] of ids.entries()) if (index > 0) expect(id).toBeGreaterThan(ids[index - 1]!);
      }),
      { numRuns: runs(100) },
    );
  });

  it('spread guilds over shards', () => {
    expect(shardOf(String(5n << 22n), 2)).toBe(1);
    expect(shardOf(String(6n << 22n), 2)).toBe(0);
    expect(shardOf('900000000000000300', 1)).toBe(0);
  });
});

describe('the world', () => {
  it('is the same again after its journal is read back', async () => {
    const directory = await mkdtemp(path.join(tmpdir(), 'discord-world-'));
    const first = await open(directory);
    first.world.record({ kind: 'message-put', message: aMessage(first.world) });
    first.world.record({
      kind: 'message-put',
      message: { ...aMessage(first.world), onlyFor: ALEX.discordUser },
    });
    const gone = aMessage(first.world);
    first.world.record({ kind: 'message-put', message: gone });
    first.world.record({ kind: 'message-gone', id: gone.id });
    await first.journal.stop();

    const second = await open(directory);

    expect(second.world.messages(GENERAL.id)).toEqual(first.world.messages(GENERAL.id));
    expect(second.world.ephemerals(ALEX.discordUser)).toEqual(first.world.ephemerals(ALEX.discordUser));
    expect(second.world.message(gone.id)).toBeUndefined();
    expect(BigInt(second.world.nextId())).toBeGreaterThan(BigInt(first.world.messages(GENERAL.id)[0]!.id));
    await second.journal.stop();
    await rm(directory, { recursive: true });
  });

  it('knows channels, direct messages and threads by id', () => {
    const world = new World(new Journal(), { now: () => 0 });

    expect(world.place(GENERAL.id)).toMatchObject({ kind: 'channel', name: 'general' });
    expect(world.place(ALEX.discordDm)).toMatchObject({ kind: 'dm', user: ALEX.discordUser });
    expect(world.place('1')).toBeUndefined();
  });
});

describe('what people type', () => {
  it('becomes mentions where it names somebody', () => {
    expect(toDiscordText('@signalbox ask @Alex, not a@b.test, @Managers or @stranger')).toBe(
      `<@${BOT.discordUser}> ask <@${ALEX.discordUser}>, not a@b.test, <@&${GUILD_ROLES[0].id}> or @stranger`,
    );
  });
});

async function open(directory: string): Promise<{ world: World; journal: Journal }> {
  const journal = new Journal(directory);
  await journal.start();
  const world = new World(journal, { now: () => Date.UTC(2026, 0, 1) });
  await world.start();
  return { world, journal };
}

function aMessage(world: World): DiscordMessage {
  return {
    id: world.nextId(),
    channel: GENERAL.id,
    author: ALEX.discordUser,
    type: 0,
    content: 'hello',
    embeds: [],
    components: [],
    attachments: [],
    mentions: { everyone: false, users: [], roles: [] },
    flags: 0,
    createdAt: new Date(0).toISOString(),
  };
}
