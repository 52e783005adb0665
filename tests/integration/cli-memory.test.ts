/** What is remembered of people, at the terminal, by the real command, on a real store. */
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { toOpenEffect } from '../../src/approvals/approval-store.ts';
import { consequencesOfOpening } from '../../src/approvals/consequences.ts';
import { escalationIdOf } from '../../src/delivery/escalation-item.ts';
import { close } from '../../src/domain/escalation/answers.ts';
import { raise } from '../../src/domain/escalation/course.ts';
import { Pager } from '../../src/domain/escalation/pager.ts';
import { AccountId, ConversationId, type EscalationId, PersonId } from '../../src/domain/ids.ts';
import { guestIdOf } from '../../src/domain/person.ts';
import { NoteStore, notesOf } from '../../src/memory/note-store.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { startEmbeddedRedis } from '../../src/redis/embedded.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { anApproval } from '../support/approvals.ts';
import { type CliHome, createCliHome } from '../support/cli.ts';
import { openStore } from '../support/core.ts';
import { planOf } from '../support/escalation-plan.ts';
import { everything } from '../support/stored.ts';
import { said } from '../support/transcripts.ts';

vi.setConfig({ testTimeout: 120_000 });

const ALEX = PersonId.parse('alex');
const DANA = PersonId.parse('dana');
const HERE = ConversationId.parse('slack:T0:C0:1');

let home: CliHome;
let stores: Awaited<ReturnType<CliHome['openStores']>>;
let folder: string;

beforeEach(async () => {
  home = createCliHome();
  folder = await mkdtemp(join(tmpdir(), 'signalbox-memory-'));
  stores = await home.openStores();
  await stores.memory.notes.write(notesOf.person(ALEX), [{ name: 'tea', text: 'green', over: 0 }], 1);
  await stores.memory.setConsent(ALEX, true);
  await stores.memory.keepProfile(ALEX, { text: 'Likes short answers.' }, 1);
  const account = stores.directory.find(ALEX)!.accounts[0]!;
  const asGuest = { ...said('as a guest', 2), from: { person: guestIdOf(account), name: 'Alex' } };
  const entries = [said('refund order 7', 1), asGuest, said('hello', 3, 'dana')];
  await stores.writer.write(
    HERE,
    entries.map((entry) => ({ kind: 'entry', conversationId: HERE, entry, keepMs: 3_600_000 })),
  );
});
afterEach(async () => {
  stores.close();
  await rm(folder, { recursive: true });
  await home.remove();
});

describe('signalbox memory', () => {
  it('shows and exports everything about a person, also what they said as a guest, in a file of their own', async () => {
    const file = join(folder, 'alex.json');
    const shown = await home.run('memory', 'show', 'alex');
    const exported = await home.run('memory', 'export', 'alex', '--file', file);

    expect(shown).toMatchObject({ code: 0, out: expect.stringMatching(/messages\s+2/) });
    expect(shown.out).toContain('Likes short answers.');
    expect(shown.out).toContain('tea: green');
    expect(exported.code).toBe(0);
    const all = await readFile(file, 'utf8');
    expect(all).toContain('refund order 7');
    expect(all).toContain('as a guest');
    expect(all).not.toContain('hello');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect((await stores.audit.tail(1))[0]?.event).toMatchObject({
      event: 'memory.exported',
      subject: 'alex',
    });
  });

  it('says that there is nobody of a name, rather than counting nothing', async () => {
    const shown = await home.run('memory', 'show', 'nobody');
    const exported = await home.run('memory', 'export', 'nobody');

    for (const { code, err } of [shown, exported]) {
      expect(code).toBe(1);
      expect(err).toMatch(/there is no nobody in contacts\.yaml[\s\S]*signalbox people list/i);
    }
  });

  it('counts what would be erased, erases it when it is meant, and leaves the audit provable', async () => {
    const dry = await home.run('memory', 'erase', 'alex');
    expect(dry.out).toMatch(/messages\s+2[\s\S]*Nothing was erased/);
    expect((await stores.memory.profileOf(ALEX))?.text).toBe('Likes short answers.');

    const done = await home.run('memory', 'erase', 'alex', '--yes', '--json');

    expect(JSON.parse(done.out)).toEqual({
      erased: true,
      profiles: 1,
      notes: 1,
      messages: 2,
      summaries: 0,
      conversations: 0,
      schedules: 0,
      learned: 0,
      told: 0,
      requests: 0,
      undecided: 0,
      escalations: 0,
      unresolved: [],
      files: 'not-ours',
      left: { waiting: 0, letters: [] },
    });
    expect((await home.run('memory', 'show', 'alex', '--json')).out).not.toMatch(
      /green|short answers|refund/,
    );
    expect(await stores.audit.verify()).toMatchObject({ ok: true });
    expect(JSON.stringify(await stores.audit.tail(50))).not.toMatch(/green|short answers|refund order/);
  });

  it('OM-193 leaves nothing of it in the files of a server of its own, also where that ends with the command', async () => {
    const own = createCliHome('embedded');
    onTestFinished(() => own.remove());
    const dataDir = join(own.directory, 'data');
    const server = await startEmbeddedRedis({ dataDir, log: createLogger({ level: 'silent' }) });
    onTestFinished(() => server.stop());
    const { redis, keys } = await openStore({ url: server.url, prefix: own.prefix });
    const notes = new NoteStore(redis, keys);
    await notes.write(notesOf.person(ALEX), [{ name: 'door', text: 'a kestrel', over: 0 }], 1);
    await notes.write(notesOf.person(DANA), [{ name: 'car', text: 'a red van', over: 0 }], 1);
    await server.stop();
    const before = await appendOnlyText(dataDir);

    const { code, out } = await own.run('memory', 'erase', 'alex', '--yes');

    expect(code).toBe(0);
    expect(out).toContain('All of it is erased. The files of the store were written anew, without it.');
    const after = await appendOnlyText(dataDir);
    expect([before.includes('a kestrel'), before.includes('a red van')]).toEqual([true, true]);
    expect([after.includes('a kestrel'), after.includes('a red van')]).toEqual([false, true]);
  });

  it('says that a part is left where erasing is broken off, and finishes it when it is run again', async () => {
    home.edit('contacts.yaml', /\balex:\n(\s+)name: .*/, 'anna-lee:\n$1name: Anna-Lee Smith');
    const annaLee = PersonId.parse('anna-lee');
    await stores.memory.notes.write(notesOf.person(annaLee), [{ name: 'tea', text: 'black', over: 0 }], 1);
    const theirs = { ...said('my iban is DE12', 4, 'anna-lee'), from: { person: annaLee, name: 'Anna-Lee' } };
    await stores.writer.write(HERE, [
      { kind: 'entry', conversationId: HERE, entry: theirs, keepMs: 3_600_000 },
      {
        kind: 'entry',
        conversationId: HERE,
        entry: { kind: 'event', text: 'Anna-Lee asked for a new context', at: theirs.at },
        keepMs: 3_600_000,
      },
    ]);
    const { redis, keys } = await openStore({ url: home.redisUrl, prefix: home.prefix });
    const broken = keys.transcript(ConversationId.parse('slack:T0:C0:broken'));
    await redis.set(broken, 'no list');

    const first = await home.run('memory', 'erase', 'anna-lee', '--yes');
    await redis.del(broken);
    const second = await home.run('memory', 'erase', 'anna-lee', '--yes');

    expect(first).toMatchObject({ code: 1, out: '' });
    expect(first.err).toMatch(/broken off, and a part is left: WRONGTYPE[\s\S]*run it again/);
    expect(second).toMatchObject({ code: 0, out: expect.stringContaining('All of it is erased.') });
    expect((await everything(redis, keys)).join('\n')).not.toMatch(/iban|black|Anna-Lee/);
  });

  it('says what is left of theirs because it is not settled, until it is', async () => {
    const { redis, keys } = await openStore({ url: home.redisUrl, prefix: home.prefix });
    const guest = guestIdOf(stores.directory.find(ALEX)!.accounts[0]!);
    const by = (person: PersonId) => JSON.stringify({ kind: 'message', requester: { person } });
    const dead = { kind: 'dead' as const, queue: 'm' as const, lane: HERE, attempts: 6, reason: 'no' };
    await stores.writer.write(
      HERE,
      [by(guest), by(DANA), 'no JSON'].map((item) => ({ ...dead, item })),
    );
    await redis.rpush(keys.heldBack(HERE), by(ALEX), by(DANA));
    await redis.rpush(keys.items(0, 'o.slack', 'there'), JSON.stringify({ kind: 'text', requester: 'alex' }));
    const [letter] = await stores.deadLetters.list();

    const dry = await home.run('memory', 'erase', 'alex');
    const first = await home.run('memory', 'erase', 'alex', '--yes');
    await stores.deadLetters.discard(letter!.id, 'dana');
    await redis.del(keys.heldBack(HERE), keys.items(0, 'o.slack', 'there'));
    const second = await home.run('memory', 'erase', 'alex', '--yes');

    for (const { out } of [dry, first])
      expect(out).toMatch(new RegExp(`Not erased as long .*: 2 of what .*; dead letters ${letter!.id}, `));
    expect(second.out).toMatch(
      /All of it is erased\.\n\nIt may still stand in the files of your Redis .*\n$/,
    );
  });

  it('OM-193 names, counts and exports escalations with their words, and erases each once it is over', async () => {
    const guest = guestIdOf(AccountId.parse('discord:99'));
    const begin = async (key: string) => {
      const subject = { kind: 'trouble' } as const;
      const id = escalationIdOf(key, subject);
      const about = { id, key, subject, severity: 'error', title: 'It', words: `kestrel ${key}` } as const;
      const report = { ...about, correlation: key, except: [guest] };
      const plan = planOf([{ kind: 'wait', id: '1', forMs: 3_600_000 }], 3_600_000);
      await stores.escalations.apply(id, (before, nowMs) => raise(before, report, plan, nowMs));
      return id;
    };
    const end = (id: EscalationId) =>
      stores.escalations.apply(id, (before) => before && close(before, 'nobody need come'));
    const over = await begin('that is over');
    await end(over);
    const live = await begin('that is not');
    const file = join(folder, 'guest.json');

    const shown = await home.run('memory', 'show', guest);
    await home.run('memory', 'export', guest, '--file', file);
    const dry = await home.run('memory', 'erase', guest);
    const first = await home.run('memory', 'erase', guest, '--yes');
    const kept = [await stores.escalations.find(over), await stores.escalations.find(live)];
    const audited = (await stores.audit.tail(50)).findLast(({ event }) => event.subject === guest);
    await end(live);
    const second = await home.run('memory', 'erase', guest, '--yes', '--json');
    const third = await home.run('memory', 'erase', guest, '--yes');

    expect(shown).toMatchObject({ code: 0, out: expect.stringMatching(/escalations\s+2/) });
    expect(await readFile(file, 'utf8')).toMatch(
      /kestrel that is (over|not)[\s\S]*kestrel that is (over|not)/,
    );
    for (const { out } of [dry, first]) {
      expect(out).toMatch(/escalations\s+1\n/);
      expect(out).toMatch(new RegExp(`Not erased as long as .*: what stands in an escalation .*: ${live} `));
      expect(out).not.toContain('All of it is erased.');
    }
    expect(kept.map((each) => each?.words)).toEqual([undefined, 'kestrel that is not']);
    expect(audited?.event.detail).toMatchObject({ escalations: 1, unresolved: 1 });
    expect(JSON.parse(second.out)).toMatchObject({ escalations: 1, unresolved: [] });
    expect((await stores.escalations.find(live))?.words).toBeUndefined();
    expect(third.out).toContain('All of it is erased.');
    expect(await stores.audit.verify()).toMatchObject({ ok: true });
  });

  it('OM-193 counts calls that wait for the end of somebody’s quiet hours, by whose words they hold and whom they name', async () => {
    const guest = guestIdOf(AccountId.parse('discord:99'));
    const page = (n: number, markdown: string, from: string[]) => ({
      id: `page:esc_p1_00000000000${n}:2:0:lee`,
      escalation: `esc_p1_00000000000${n}`,
      epoch: 2,
      platform: 'slack',
      importance: 'low',
      why: 'news',
      markdown,
      from,
      atMs: 1,
    });
    const waiting = [
      page(1, 'It is over: kestrel.', [guest]),
      page(2, `${guest} wants a human.`, []),
      page(3, 'It is over: a red van.', ['dana']),
    ];
    const lee = Pager.parse({ person: 'lee', rev: 1, waiting, lastMs: {}, sentMs: [], nextMs: 2 });
    const { redis, keys } = await openStore({ url: home.redisUrl, prefix: home.prefix });
    const key = keys.record(partitionOf('lee'), 'pgr', 'lee');
    await redis.set(key, `1 ${JSON.stringify(lee)}`);

    const dry = await home.run('memory', 'erase', guest, '--json');
    const first = await home.run('memory', 'erase', guest, '--yes');
    const told = Pager.parse({ person: 'lee', rev: 2, waiting: waiting.slice(2), lastMs: {}, sentMs: [] });
    await redis.set(key, `2 ${JSON.stringify(told)}`);
    const second = await home.run('memory', 'erase', guest, '--yes');

    expect(JSON.parse(dry.out).left).toEqual({ waiting: 2, letters: [] });
    expect(first.out).toMatch(/Not erased as long as it is not settled: 2 of what/);
    expect(second.out).toContain('All of it is erased.');
  });

  it('OM-193 counts and exports requests of others that name them, as many as it erases', async () => {
    const account = stores.directory.find(ALEX)!.accounts[0]!;
    await stores.links.apply(
      (ledger, nowMs) => {
        const guest = {
          account,
          name: 'Lexi Osterhagen',
          by: 'dana',
          atMs: nowMs,
          untilMs: nowMs + 3_600_000,
        };
        return { result: 'let in', next: { ...ledger, rev: ledger.rev + 1, guests: [guest] } };
      },
      () => [],
    );
    for (const [n, name] of ['Alex Kim', 'Lexi Osterhagen', 'Lee'].entries()) {
      const heard = [`what ${name} passed on`];
      const request = { requester: PersonId.parse('lee'), requesterName: 'Lee', heard };
      const approval = anApproval({
        conversation: HERE,
        tail: `00000000000${n}`,
        openedMs: Date.now(),
        request,
      });
      const effects = consequencesOfOpening(approval, Date.now());
      await stores.writer.write(
        HERE,
        effects.filter(({ kind }) => kind === 'audit'),
      );
    }
    const file = join(folder, 'alex.json');

    const dry = await home.run('memory', 'erase', 'alex', '--json');
    await home.run('memory', 'export', 'alex', '--file', file);
    const done = await home.run('memory', 'erase', 'alex', '--yes', '--json');

    expect([JSON.parse(dry.out).requests, JSON.parse(done.out).requests]).toEqual([2, 2]);
    expect(await readFile(file, 'utf8')).toMatch(
      /what Alex Kim passed on[\s\S]*what Lexi Osterhagen passed on/,
    );
    const { redis, keys } = await openStore({ url: home.redisUrl, prefix: home.prefix });
    const audit = (await everything(redis, keys)).filter((each) => each.includes(':audit')).join('\n');
    expect(audit).not.toMatch(/Alex Kim|Osterhagen/);
    expect(audit).toContain('what Lee passed on');
  });

  it('OM-193 says which letters quote them, by their id or by a name of theirs, and which are for them', async () => {
    const guest = guestIdOf(AccountId.parse('discord:99'));
    await stores.writer.write(HERE, [
      {
        kind: 'entry',
        conversationId: HERE,
        entry: { ...said('hi', 4, guest), from: { person: guest, name: 'Lemur Smith' } },
        keepMs: 3_600_000,
      },
    ]);
    const page = { kind: 'page', person: 'dana', pages: [{ markdown: '> lemurword' }] };
    const items = {
      quoted: { ...page, pages: [{ markdown: '> lemurword', from: [guest] }] },
      named: { kind: 'text', markdown: '**Lemur Smith asks for a human**: “lemurword”' },
      idNamed: { kind: 'notice', markdown: `a guest (${guest}) asks for a human`, onlyFor: 'slack:U0DANA' },
      theirs: { kind: 'notice', markdown: 'Here you are.', onlyFor: 'discord:99' },
      ofOthers: { ...page, pages: [{ markdown: '> other words', from: ['alex'] }] },
      saidByOthers: {
        kind: 'message',
        requester: { person: 'alex' },
        message: { text: 'Lemur Smith is late' },
      },
    };
    const dead = { kind: 'dead' as const, queue: 'o.slack' as const, lane: 'x', attempts: 1, reason: 'no' };
    await stores.writer.write(
      HERE,
      Object.values(items).map((item) => ({ ...dead, item: JSON.stringify(item) })),
    );
    const kept = await stores.deadLetters.list();
    const idsOf = (...which: (keyof typeof items)[]) =>
      which.map((each) => kept.find(({ item }) => item === JSON.stringify(items[each]))?.id).toSorted();

    const dry = await home.run('memory', 'erase', guest, '--json');
    const done = await home.run('memory', 'erase', guest, '--yes', '--json');
    const again = await home.run('memory', 'erase', guest, '--yes');

    const letters = idsOf('quoted', 'named', 'idNamed', 'theirs');
    for (const { out } of [dry, done]) expect(JSON.parse(out).left.letters.toSorted()).toEqual(letters);
    for (const id of idsOf('quoted', 'idNamed', 'theirs')) expect(again.out).toContain(id);
    expect(again.out).toMatch(
      /All of it is erased that is settled\.[\s\S]*Not erased as long as it is not settled/,
    );
  });

  it('OM-193 says at each erasure which letter only calls them by name, until it is settled, also where the first was broken off', async () => {
    const guest = guestIdOf(AccountId.parse('web:lemur'));
    const from = { person: guest, name: 'Lemur Smith' };
    await stores.writer.write(HERE, [
      {
        kind: 'entry',
        conversationId: HERE,
        entry: { ...said('hi', 4, guest), from },
        keepMs: 3_600_000,
      },
    ]);
    const named = { kind: 'text', id: 'asked:1', markdown: '**Lemur Smith asks**: where is it?' };
    const dead = { kind: 'dead' as const, queue: 'o.slack' as const, lane: 'x', attempts: 1, reason: 'no' };
    const other = { ...named, id: 'asked:2', markdown: 'Alex asks: where is it?' };
    await stores.writer.write(
      HERE,
      [named, other].map((item) => ({ ...dead, item: JSON.stringify(item) })),
    );
    const letterOf = async () =>
      (await stores.deadLetters.list()).find(({ item }) => item.includes('Lemur'))!;
    const { redis, keys } = await openStore({ url: home.redisUrl, prefix: home.prefix });
    // What is kept for their client is erased last, behind the transcripts.
    await redis.hset(keys.clientCounters('lemur'), 'seq', 1);
    const erase = async () => (await home.run('memory', 'erase', guest, '--yes', '--json')).out;
    const leftOf = (out: string) => JSON.parse(out).left;
    const first = await letterOf();

    await redis.set(keys.clientEvents('lemur'), 'no stream');
    const broken = await home.run('memory', 'erase', guest, '--yes');
    await redis.del(keys.clientEvents('lemur'));
    const transcript = (await redis.lrange(keys.transcript(HERE), 0, -1)).join('\n');
    const again = await erase();
    await stores.deadLetters.retry(first.id, 'dana');
    const inLine = await erase();
    await stores.deadLetters.discard((await stores.deadLetters.list())[0]!.id, 'dana');
    await redis.del(keys.items(partitionOf(HERE), 'o.slack', 'x'));
    const settled = await erase();

    expect(broken.err).toContain('a part is left');
    expect(transcript).not.toContain('Lemur');
    expect(leftOf(again)).toEqual({ waiting: 0, letters: [first.id] });
    expect(leftOf(inLine)).toEqual({ waiting: 1, letters: [] });
    expect(leftOf(settled)).toEqual({ waiting: 0, letters: [] });
  });

  it.each([
    { about: 'by name alone', item: {} },
    { about: 'by their id, too', item: { requester: guestIdOf(AccountId.parse('web:lemur')) } },
  ])(
    'OM-193 says after an erasure which letter repeats what spoke of them $about, also once that is settled',
    async ({ item }) => {
      const guest = guestIdOf(AccountId.parse('web:lemur'));
      const entry = { ...said('hi', 4, guest), from: { person: guest, name: 'Lemur Smith' } };
      await stores.writer.write(HERE, [{ kind: 'entry', conversationId: HERE, entry, keepMs: 3_600_000 }]);
      const { redis, keys } = await openStore({ url: home.redisUrl, prefix: home.prefix });
      const asked = { kind: 'text', id: 'asked:1', markdown: '**Lemur Smith asks**: where is it?', ...item };
      const lane = keys.items(partitionOf(HERE), 'o.slack', 'x');
      await redis.rpush(lane, JSON.stringify(asked));
      const erase = async () => {
        const { out } = await home.run('memory', 'erase', guest, '--yes', '--json');
        return JSON.parse(out).left;
      };
      const letterOf = async (id: string) =>
        (await stores.deadLetters.list()).find((letter) => JSON.parse(letter.item).id === id)!.id;

      const inLine = await erase();
      // As it goes on where it cannot be delivered, to whoever asked for it neither.
      const repeated = {
        kind: 'text',
        id: 'undeliverable:asked:1',
        markdown: `Not delivered.\n\n${asked.markdown}`,
      };
      const other = { ...repeated, id: 'undeliverable:masked:1' };
      const dead = { kind: 'dead' as const, queue: 'o.slack' as const, lane: 'x', attempts: 1, reason: 'no' };
      await redis.del(lane);
      await stores.writer.write(
        HERE,
        [asked, repeated, other].map((each) => ({ ...dead, item: JSON.stringify(each) })),
      );
      const [first, second] = [await letterOf('asked:1'), await letterOf('undeliverable:asked:1')];
      const both = await erase();
      await stores.deadLetters.discard(first, 'dana');
      const one = await erase();
      await stores.deadLetters.discard(second, 'dana');
      const none = await erase();

      expect(inLine).toEqual({ waiting: 1, letters: [] });
      expect(both.letters.toSorted()).toEqual([first, second].toSorted());
      expect(one).toEqual({ waiting: 0, letters: [second] });
      expect(none).toEqual({ waiting: 0, letters: [] });
    },
  );

  it('says of one request that it is one', async () => {
    const request = { requester: PersonId.parse('alex'), requesterName: 'Alex Kim' };
    const approval = anApproval({ conversation: HERE, tail: '000000000001', openedMs: Date.now(), request });
    const opening = consequencesOfOpening(approval, Date.now());
    await stores.writer.write(HERE, [toOpenEffect(approval, 3_600_000), ...opening]);

    const { out } = await home.run('memory', 'erase', 'alex');

    expect(out).toContain('the words of 1 request for approval that is not over');
  });

  it('counts one note as one', async () => {
    const file = join(folder, 'copy.json');
    const { notes } = stores.memory;
    await notes.write(notesOf.person(DANA), [{ name: 'car', text: 'red', over: 0 }], 1);
    const one = await home.run('memory', 'snapshot', 'dana', file);
    const again = await home.run('memory', 'restore', 'dana', file);
    await notes.write(notesOf.team(), [{ name: 'office', text: 'Berlin', over: 0, by: DANA }], 1);
    const two = await home.run('memory', 'snapshot', 'dana', file);
    await notes.write(notesOf.team(), [{ name: 'office', text: 'Rome', over: 1, by: ALEX }], 2);
    const left = await home.run('memory', 'restore', 'dana', file);

    expect(one.out.trim()).toBe(`1 note of Dana Reyes is in ${file}.`);
    expect(again.out.trim()).toBe('1 note of Dana Reyes is as it was.');
    expect(two.out.trim()).toBe(`2 notes of Dana Reyes are in ${file}.`);
    expect(left.out).toMatch(/^1 note of Dana Reyes is as it was\. 1 was left out: /);
  });

  it('puts back what a copy holds, and says what is wrong with another file', async () => {
    const file = join(folder, 'copy.json');
    const guest = guestIdOf(stores.directory.find(ALEX)!.accounts[0]!);
    const { notes } = stores.memory;
    await notes.write(notesOf.person(guest), [{ name: 'visit', text: 'on Monday', over: 0 }], 1);
    await notes.write(notesOf.team(), [{ name: 'office', text: 'Berlin', over: 0, by: ALEX }], 1);
    await home.run('memory', 'snapshot', 'alex', file);
    await home.run('memory', 'erase', 'alex', '--yes');
    expect(await notes.list(notesOf.person(guest))).toEqual([]);

    const restored = await home.run('memory', 'restore', 'alex', file);
    const others = await home.run('memory', 'restore', 'dana', file);
    await writeFile(file, '{"format":"other"}');
    const broken = await home.run('memory', 'restore', 'alex', file);
    const missing = await home.run('memory', 'restore', 'alex', join(folder, 'none.json'));

    expect(restored.out).toMatch(/3 notes of .* are as they were\. The profile is not/);
    expect(await notes.find(notesOf.person(guest), 'visit')).toMatchObject({ text: 'on Monday' });
    expect(await notes.find(notesOf.team(), 'office')).toMatchObject({ text: 'Berlin', by: ALEX });
    expect(await stores.memory.notes.list(notesOf.person(ALEX))).toMatchObject([
      { name: 'tea', text: 'green' },
    ]);
    expect(others).toMatchObject({ code: 1, err: expect.stringContaining('is about alex') });
    expect(broken).toMatchObject({ code: 1, err: expect.stringContaining('is no snapshot') });
    expect(missing).toMatchObject({ code: 1, err: expect.stringContaining('cannot be read') });
  });

  it('gives nobody what is somebody else’s without the permission to operate', async () => {
    home.edit('contacts.yaml', 'cli: local', 'cli: someone-else');
    home.edit('contacts.yaml', 'email: alex@corp.test', 'email: alex@corp.test\n      cli: local');

    const own = await home.run('memory', 'show', 'alex');
    const others = await home.run('memory', 'erase', 'dana', '--yes');

    expect(own.code).toBe(0);
    expect(others).toMatchObject({ code: 1, err: expect.stringContaining('may not') });
    expect((await stores.audit.tail(1))[0]?.event.event).toBe('authorization.deny');
  });
});

/** All that lies in the append-only files of a server of our own. */
async function appendOnlyText(dataDir: string): Promise<string> {
  const files = join(dataDir, 'redis', 'appendonlydir');
  const texts = (await readdir(files)).map((name) => readFile(join(files, name), 'latin1'));
  return (await Promise.all(texts)).join('\n');
}
