/** Accounts linked and strangers let in at the terminal, by the real command, on a real store. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AccountId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import type { LinkNews } from '../../src/identity/link-desk.ts';
import { type CliHome, createCliHome } from '../support/cli.ts';

const NEW = 'discord:900000000000000777';

vi.setConfig({ testTimeout: 120_000 });

let home: CliHome;
let stores: Awaited<ReturnType<CliHome['openStores']>>;

beforeEach(async () => {
  home = createCliHome();
  home.edit('contacts.yaml', 'email: alex@corp.test', 'email: alex@corp.test\n      cli: alex');
  stores = await home.openStores();
});
afterEach(async () => {
  stores.close();
  await home.remove();
});

/** Somebody nobody knows has written; resolves with the code they were given. */
async function stranger(): Promise<string> {
  const news: LinkNews[] = [];
  stores.linkDesk.followedBy((each) => {
    news.push(each);
    return [];
  });
  const account = AccountId.parse(NEW);
  const to = { platform: Platform.parse('discord'), route: { channel: '1' } };
  const place = { to, conversationId: ConversationId.parse('discord:1') };
  await stores.linkDesk.askToPair(
    { id: 'message-1', account, channel: 'discord', actor: NEW },
    { name: 'Eve\u0007 Stone', place },
  );
  const [asked] = news;
  if (asked?.kind !== 'asked') throw new Error('they were given no code');
  return asked.code;
}

describe('signalbox people', () => {
  it('links an account to somebody, lists it, and takes it back, each with an entry in the audit', async () => {
    const linked = await home.run('people', 'link', 'alex', NEW);
    const listed = await home.run('people', 'list');
    expect((await stores.directory.personNow(AccountId.parse(NEW)))?.id).toBe('alex');
    const taken = await home.run('people', 'unlink', NEW);

    expect(linked).toMatchObject({ code: 0, out: expect.stringContaining("is Alex Kim's") });
    expect(listed.out).toMatch(new RegExp(`alex\\s+Alex Kim\\s+member engineer\\s+${NEW}\\s+linked`));
    expect(taken).toMatchObject({ code: 0, out: expect.stringContaining('nobody') });
    expect(await stores.directory.personNow(AccountId.parse(NEW))).toBeUndefined();
    const trail = (await stores.audit.tail(20)).map(({ event: { event, actor, subject } }) => [
      event,
      actor,
      subject,
    ]);
    expect(trail).toContainEqual(['identity.linked', 'dana', NEW]);
    expect(trail).toContainEqual(['identity.unlinked', 'dana', NEW]);
  });

  it('says whose a stranger is, or lets them in, by the code they were given, and they hear of it', async () => {
    home.edit(
      'authorizations.yaml',
      '# The first rule that fits',
      'guest_role: member\n# The first rule that fits',
    );
    const code = await stranger();

    const listed = await home.run('people', 'list');
    const wrong = await home.run('people', 'admit', `${code.slice(0, 4)}-22222-22222`);
    const tooShort = await home.run('people', 'admit', code, '--for', '1m');
    const admitted = await home.run('people', 'admit', code, '--for', '7d');

    expect(listed.out).toContain('Eve⟨U+0007⟩ Stone');
    expect(wrong).toMatchObject({ code: 1, err: expect.stringContaining('no stranger was given that code') });
    expect(tooShort).toMatchObject({ code: 1, err: expect.stringMatching(/between an hour and 365d/) });
    expect(admitted).toMatchObject({ code: 0, out: expect.stringContaining('as member, until') });
    expect((await stores.links.now()).guests).toMatchObject([{ account: NEW, by: 'dana' }]);
    const waiting = await stores.redis.keys(`${stores.keys.prefix}*o.discord:q:*`);
    expect(JSON.stringify(await stores.redis.lrange(waiting[0]!, 0, '-1'))).toContain('let in as a guest');
  });

  it('turns a stranger away by what stands for them in the list, where no code was told', async () => {
    const code = await stranger();
    const id = code.slice(0, 4);

    const listed = await home.run('people', 'list');
    const closed = await home.run('people', 'refuse', id);
    const again = await home.run('people', 'refuse', id);

    expect(listed.out).toMatch(new RegExp(`${id}\\s+${NEW}`));
    expect(closed).toMatchObject({ code: 0, out: expect.stringContaining('not heard for a day') });
    expect(again).toMatchObject({ code: 1, err: expect.stringContaining('no stranger') });
  });

  it.each([
    ['foo:bar', 'expected a known platform: slack'],
    ['slak:T024/U0DANA', 'did you mean slack?'],
    ['slack:U0FOO', 'expected the workspace and the member, such as T024BE7LD/U0G9QFNKC'],
    ['discord:lee#1234', 'expected a user id, 17 to 20 digits'],
    ['jira:lee jones', 'expected an account id'],
    ['email:not-an-address', 'expected an e-mail address'],
  ])('links nothing to %s, which could never be an account, and says why', async (account, words) => {
    const linked = await home.run('people', 'link', 'alex', account);

    expect(linked.code).toBe(1);
    expect(linked.err.replace(/\s+/g, ' ')).toContain(words);
    expect((await stores.links.now()).links).toEqual([]);
  });

  it('takes back what was linked though it could never be an account', async () => {
    const account = AccountId.parse('discord:lee#1234');
    const dana = stores.directory.find(PersonId.parse('dana'))!;
    const gesture = {
      id: 'cli:1',
      account: AccountId.parse('cli:local'),
      channel: 'cli',
      actor: 'dana',
      person: dana,
    };
    await stores.linkDesk.adopt(gesture, account, PersonId.parse('alex'));

    const taken = await home.run('people', 'unlink', account);

    expect(taken).toMatchObject({ code: 0, out: expect.stringContaining('nobody') });
    expect((await stores.links.now()).links).toEqual([]);
  });

  it('refuses whoever lacks the permission, and what makes no sense, each with a next step', async () => {
    const code = await stranger();
    const unknown = await home.run('people', 'link', 'nobody', NEW);
    const noAccount = await home.run('people', 'link', 'alex', 'hello');
    const owned = await home.run('people', 'link', 'alex', 'email:dana@corp.test');
    const written = await home.run('people', 'unlink', 'email:dana@corp.test');
    home.edit('settings.yaml', 'account: local', 'account: alex');
    const refused = await home.run('people', 'link', 'alex', NEW);
    const closed = await home.run('people', 'refuse', code);

    expect(unknown.err).toMatch(/there is no nobody in contacts\.yaml[\s\S]*What to do/);
    expect(noAccount.err).toMatch(/no account[\s\S]*discord:900000000000000102/);
    expect(owned.err).toContain('belongs to Dana Reyes already');
    expect(written.err).toContain('stands in contacts.yaml');
    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('no role of theirs has operate') });
    expect(closed).toMatchObject({ code: 1, err: expect.stringContaining('no role of theirs has pair') });
    expect(stores.directory.find(PersonId.parse('alex'))?.accounts).not.toContain(NEW);
    expect((await stores.links.now()).links).toEqual([]);
  });
});
