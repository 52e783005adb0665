/** Conversations taken over and handed back at the terminal, by the real command, on a real store. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ticketFor } from '../../src/control/control-store.ts';
import { learnPlace } from '../../src/domain/control.ts';
import { ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { MailboxItem } from '../../src/domain/mailbox-item.ts';
import { type CliHome, createCliHome } from '../support/cli.ts';

const TALK = ConversationId.parse('slack:T0SANDBOX:C0GENERAL:1');

vi.setConfig({ testTimeout: 120_000 });

let home: CliHome;
let stores: Awaited<ReturnType<CliHome['openStores']>>;

beforeEach(async () => {
  home = createCliHome();
  home.edit('contacts.yaml', 'email: alex@corp.test', 'email: alex@corp.test\n      cli: alex');
  stores = await home.openStores();
  const entry = { kind: 'event' as const, text: 'hello', at: '2026-01-01T00:00:00.000Z' };
  await stores.writer.write(TALK, [{ kind: 'entry', conversationId: TALK, entry, keepMs: 3_600_000 }]);
});

afterEach(async () => {
  stores.close();
  await home.remove();
});

describe('signalbox conversations', () => {
  it('takes one over by its id, lists who has it, and hands it back by its ticket', async () => {
    expect((await home.run('conversations', 'list')).out).toContain('The agent answers in every');

    const taken = await home.run('conversations', 'take', TALK);
    expect(taken).toMatchObject({
      code: 0,
      out: expect.stringMatching(
        `You have that conversation now; .* with signalbox conversations hand-back ${ticketFor(TALK)},`,
      ),
    });
    const listed = await home.run('conversations', 'list');
    expect(listed.out).toMatch(new RegExp(`${ticketFor(TALK)}\\s+human\\s+Dana Reyes.*${TALK}`));

    const back = await home.run('conversations', 'hand-back', ticketFor(TALK), 'all', 'is', 'well');
    expect(back).toMatchObject({ code: 0, out: expect.stringContaining('No gateway is running') });
    expect(await stores.controls.find(TALK)).toMatchObject({
      state: 'HANDBACK_PENDING',
      handback: { by: { person: 'dana' }, summary: 'all is well' },
    });
    const trail = JSON.stringify(await stores.audit.tail(50));
    expect(trail).toContain('permission take-over of operator');
  });

  it('shows what people wrote last, also what waits for a human, to whoever takes it, and to nobody who may not', async () => {
    const at = '2026-01-01T00:00:00.000Z';
    const entry = { kind: 'user' as const, from: { name: 'Alex\u202E' }, text: 'my card\nis gone', at };
    await stores.writer.write(TALK, [{ kind: 'entry', conversationId: TALK, entry, keepMs: 3_600_000 }]);
    await waits('my card\nis gone', 'and my keys');

    const taken = await home.run('conversations', 'take', TALK);
    home.edit('authorizations.yaml', 'ask, operate, take-over', 'ask, operate');
    const refused = await home.run('conversations', 'take', TALK);

    expect(taken.out).toContain(
      'Written there last:\n  Alex⟨U+202E⟩: my card⏎ is gone\n  Alex: my card⏎ is gone\n  Alex: and my keys\n',
    );
    expect(`${refused.out}${refused.err}`).not.toContain('my card');
  });

  it('speaks in one that is theirs, in their name, and in no other', async () => {
    const place = { platform: Platform.parse('slack'), route: { channel: 'D0ALEX' } };
    const speak = (...words: string[]) => home.run('conversations', 'say', TALK, ...words);

    const before = await speak('hello');
    const taken = await home.run('conversations', 'take', TALK);
    const nowhere = await speak('hello');
    await stores.controls.apply(TALK, (control, nowMs) =>
      learnPlace(control, place, PersonId.parse('alex'), nowMs),
    );
    const said = await speak('I', 'have found your order');
    home.edit('authorizations.yaml', 'ask, operate, take-over', 'ask, operate');
    const unpermitted = await speak('one more thing');

    expect(taken.out).toContain(`signalbox conversations say ${ticketFor(TALK)} speaks there`);
    expect(before).toMatchObject({ code: 1, err: expect.stringContaining('You do not have that') });
    expect(nowhere).toMatchObject({ code: 1, err: expect.stringContaining('Nobody has written there') });
    expect(said).toMatchObject({ code: 0, out: expect.stringContaining('No gateway is running') });
    expect(unpermitted).toMatchObject({ code: 1, err: expect.stringContaining('You may not speak') });
    const trail = (await stores.audit.tail(50)).map(({ event }) => event.event);
    expect(trail.filter((event) => event === 'conversation.said')).toHaveLength(1);
    expect(trail.filter((event) => event === 'authorization.deny')).toHaveLength(2);
    expect(JSON.stringify(await stores.transcripts.read(TALK))).toContain('I have found your order');
  });

  it.each(['', '   '])('says nothing in a conversation where there are no words: "%s"', async (words) => {
    const place = { platform: Platform.parse('slack'), route: { channel: 'D0ALEX' } };
    await home.run('conversations', 'take', TALK);
    await stores.controls.apply(TALK, (control, nowMs) =>
      learnPlace(control, place, PersonId.parse('alex'), nowMs),
    );

    const said = await home.run('conversations', 'say', TALK, words);

    expect(said).toMatchObject({ code: 1, err: expect.stringContaining('there is nothing to say there') });
    const trail = (await stores.audit.tail(50)).map(({ event }) => event.event);
    expect(trail).not.toContain('conversation.said');
  });

  it('refuses whoever lacks the permission, and records it; nobody is helped by --as', async () => {
    home.edit('settings.yaml', 'account: local', 'account: alex');

    const taken = await home.run('conversations', 'take', TALK);
    const listed = await home.run('conversations', 'list');
    const posing = await home.run('conversations', 'take', TALK, '--as', 'dana');

    expect(taken).toMatchObject({ code: 1, err: expect.stringContaining('You may not take') });
    expect(listed.code).toBe(1);
    expect(posing).toMatchObject({
      code: 1,
      err: expect.stringContaining('may not act for somebody else'),
    });
    expect((await stores.controls.find(TALK)).state).toBe('BOT');
    const denied = (await stores.audit.tail(50)).filter(({ event }) => event.event === 'authorization.deny');
    expect(denied.map(({ event }) => event.actor)).toEqual(['alex', 'alex', 'alex']);
  });

  it('says what to do about a conversation that does not exist', async () => {
    const taken = await home.run('conversations', 'take', 'slack:nowhere');

    expect(taken).toMatchObject({ code: 1, err: expect.stringContaining('there is no conversation') });
  });
});

/** What Alex wrote stands in line: the first of it at the same time as, and by somebody else than, what is stored. */
async function waits(...texts: readonly string[]): Promise<void> {
  const at = '2026-01-01T00:00:00.000Z';
  const items = texts.map((text, n) => {
    const id = `slack:${n}`;
    const sender = { account: 'slack:T0/U0ALEX', displayName: 'Alex', authenticated: true, automatic: false };
    const place = { platform: 'slack', route: { channel: 'C0GENERAL' } };
    return MailboxItem.parse({
      kind: 'message',
      id,
      correlation: id,
      receivedAt: at,
      requester: { person: 'alex', name: 'Alex', roles: ['member'] },
      message: {
        kind: 'message',
        id,
        conversationId: TALK,
        sender,
        text,
        addressedToBot: true,
        sentAt: at,
        replyTo: place,
      },
    });
  });
  await stores.writer.write(
    TALK,
    items.map((item) => ({ kind: 'mail', conversationId: TALK, item })),
  );
}
