/** The links on a real Redis: several processes, each with a copy. */
import { describe, expect, it, onTestFinished } from 'vitest';
import type { Config } from '../../src/config/load-config.ts';
import { AccountId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { Directory } from '../../src/identity/directory.ts';
import { LinkBook } from '../../src/identity/link-book.ts';
import { readCode } from '../../src/identity/link-code.ts';
import { type Known, LinkDesk, type LinkNews } from '../../src/identity/link-desk.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { defer, openStore, type Store, serverTime, silent } from '../support/core.ts';
import { aConfig, parse } from '../unit/config/config-texts.ts';

const NEW = AccountId.parse('discord:900000000000000102');
const DANA = PersonId.parse('dana');
const ALEX = PersonId.parse('alex');
const PLACE = {
  to: { platform: Platform.parse('slack'), route: {} },
  conversationId: ConversationId.parse('slack:T0:C0:1'),
};
const LONG_MS = 3_600_000;

interface Process {
  readonly book: LinkBook;
  readonly directory: Directory;
  readonly desk: LinkDesk;
  readonly news: LinkNews[];
}

async function openProcess(
  store: Store,
  { lookAgainMs = LONG_MS, config = parse() }: { lookAgainMs?: number; config?: Config } = {},
): Promise<Process> {
  const { redis, keys } = store;
  const writer = new EffectWriter(redis, keys);
  const book = new LinkBook(redis, keys, writer, silent, lookAgainMs);
  const directory = new Directory(() => config, book);
  const clock = { now: () => Date.now() };
  const desk = new LinkDesk({ book, directory, rememberMs: () => LONG_MS, clock });
  const news: LinkNews[] = [];
  desk.followedBy((each) => {
    news.push(each);
    return [];
  });
  onTestFinished(() => book.stop());
  return { book, directory, desk, news };
}

let gestures = 0;

function gesture(account: string, person?: PersonId, directory?: Directory): Known {
  const known = person && directory?.find(person);
  return {
    id: `gesture-${++gestures}`,
    account: AccountId.parse(account),
    channel: 'slack',
    actor: person ?? account,
    person: known ?? { id: person ?? DANA, roles: [] },
  };
}

async function offered({ desk, directory }: Process, person = DANA, account = 'slack:T0/U0DANA') {
  const made = await desk.offer(gesture(account, person, directory), PLACE);
  if (made.code !== 'OFFERED') throw new Error(made.code);
  return (await readCode(made.text))!;
}

async function linkedIn(process: Process): Promise<void> {
  const given = await offered(process);
  await process.desk.claim(gesture(NEW), given, { name: 'dana', place: PLACE });
  const claimed = process.news.findLast((each) => each.kind === 'claimed');
  if (claimed?.kind !== 'claimed') throw new Error('nobody was asked');
  const confirmed = await process.desk.confirm(
    gesture('slack:T0/U0DANA', DANA, process.directory),
    (await readCode(claimed.code))!,
  );
  expect(confirmed.code).toBe('LINKED');
}

describe('a link that one process makes', () => {
  it('is seen by another at once, as it is rung for', async () => {
    const store = await openStore();
    const [one, two] = [await openProcess(store), await openProcess(store)];
    const seen = defer();
    await two.book.start();
    two.book.onChange(() => {
      if (two.directory.personOf(NEW)) seen.resolve();
    });

    await linkedIn(one);
    await seen.promise;

    expect(two.directory.personOf(NEW)?.id).toBe('dana');
    expect(two.directory.find(DANA)?.accounts).toContain(NEW);
  });

  it('is seen by one that hears no bell, when it looks again', async () => {
    const store = await openStore();
    const [one, two] = [await openProcess(store), await openProcess(store, { lookAgainMs: 5 })];
    await two.book.start();
    const seen = defer();
    // Told to nobody: written beside the book.
    const deaf = new LinkBook(
      Object.assign(Object.create(store.redis), { publish: async () => 0 }),
      store.keys,
      new EffectWriter(store.redis, store.keys),
      silent,
    );
    two.book.onChange(() => seen.resolve());

    await new LinkDesk({
      book: deaf,
      directory: one.directory,
      rememberMs: () => LONG_MS,
      clock: { now: () => 0 },
    }).adopt(gesture('cli:local', DANA), NEW, DANA);
    await seen.promise;

    expect(two.directory.personOf(NEW)?.id).toBe('dana');
  });

  it('counts no more for whoever asks the store, the moment it is taken back elsewhere', async () => {
    const store = await openStore();
    const [one, two] = [await openProcess(store), await openProcess(store)];
    await linkedIn(one);
    expect((await two.directory.personNow(NEW))?.id).toBe('dana');

    await one.desk.unlink(gesture('slack:T0/U0DANA', DANA, one.directory), NEW);

    expect(two.directory.personOf(NEW)?.id, 'nobody rang').toBe('dana');
    expect(await two.directory.personNow(NEW)).toBeUndefined();
    expect(two.directory.personOf(NEW)).toBeUndefined();
  });

  it('is one of two when two say whose the account is at the same moment', async () => {
    const store = await openStore();
    const processes = await Promise.all(Array.from({ length: 4 }, () => openProcess(store)));
    const people = [DANA, ALEX, DANA, ALEX];

    const results = await Promise.all(
      processes.map(({ desk }, n) => desk.adopt(gesture('cli:local', DANA), NEW, people[n]!)),
    );

    const { links } = await processes[0]!.book.now();
    expect(links).toHaveLength(1);
    expect(results.filter(({ code }) => code === 'LINKED')).toHaveLength(1);
  });

  it('is made once by one gesture, however often that is delivered, and its code works once', async () => {
    const store = await openStore();
    const process = await openProcess(store);
    const given = await offered(process);
    const claiming = gesture(NEW);
    const by = { name: 'dana', place: PLACE };

    const codes = [];
    for (let n = 0; n < 3; n++) codes.push((await process.desk.claim(claiming, given, by)).code);
    const again = await process.desk.claim(gesture('discord:2'), given, by);

    expect(codes).toEqual(['CLAIMED', 'REPLAY', 'REPLAY']);
    expect(again.code).toBe('MISSED');
    expect(process.news.filter(({ kind }) => kind === 'claimed')).toHaveLength(1);
  });
});

describe('what is kept', () => {
  it('holds no code, neither do the entries of the audit', async () => {
    const store = await openStore();
    const process = await openProcess(store);
    const made = await process.desk.offer(gesture('slack:T0/U0DANA', DANA, process.directory), PLACE);
    await process.desk.askToPair(gesture('discord:2'), { name: 'Eve', place: PLACE });

    const kept: string[] = [];
    for (const key of await store.redis.keys(`${store.keys.prefix}*`)) {
      if ((await store.redis.type(key)) === 'string') kept.push(String(await store.redis.get(key)));
      if ((await store.redis.type(key)) === 'stream') {
        kept.push(JSON.stringify(await store.redis.xrange(key, '-', '+')));
      }
    }

    const asked = process.news.find(({ kind }) => kind === 'asked');
    expect(kept.join()).toContain('identity.offered');
    for (const code of [made.code === 'OFFERED' && made.text, asked?.kind === 'asked' && asked.code]) {
      expect(code).toMatch(/-/);
      expect(kept.join()).not.toContain(String(code).slice(5));
    }
  });

  it('is as old as its last change, by the clock of the store', async () => {
    const store = await openStore();
    const process = await openProcess(store);
    const before = await serverTime(store);

    await process.desk.adopt(gesture('cli:local', DANA), NEW, DANA);

    const [link] = (await process.book.now()).links;
    expect(link!.atMs).toBeGreaterThanOrEqual(before);
    expect(link!.atMs).toBeLessThanOrEqual(await serverTime(store));
  });
});

describe('contacts.yaml', () => {
  it('wins over a link, and the two are said to differ', async () => {
    const store = await openStore();
    const process = await openProcess(store);
    const account = AccountId.parse('email:new@corp.test');
    await process.desk.adopt(gesture('cli:local', DANA), account, DANA);
    const contacts = String(aConfig().contacts).replace(
      'slack: T0/U0ALEX',
      'slack: T0/U0ALEX, email: new@corp.test',
    );
    const other = await openProcess(store, { config: parse({ contacts }) });
    await other.book.now();

    expect(other.directory.personOf(account)?.id).toBe('alex');
    expect(other.directory.find(DANA)?.accounts).not.toContain(account);
    expect(other.directory.disputed()).toEqual([{ account, linked: 'dana', owner: 'alex' }]);
    await process.desk.takeBack(gesture('cli:local', DANA), account);
    expect((await other.desk.adopt(gesture('cli:local', DANA), account, DANA)).code).toBe('TAKEN');
  });

  it('alone vouches: what was linked links nothing further', async () => {
    const store = await openStore();
    const process = await openProcess(store);
    await linkedIn(process);

    const made = await process.desk.offer(gesture(NEW, DANA, process.directory), PLACE);

    expect(made.code).toBe('SECOND_HAND');
  });

  it('makes a link nobody’s when it knows the person no more', async () => {
    const store = await openStore();
    const process = await openProcess(store);
    await process.desk.adopt(gesture('cli:local', DANA), NEW, PersonId.parse('lee'));

    expect(await process.directory.personNow(NEW)).toBeUndefined();
  });
});
