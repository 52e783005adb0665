/** Two gateways at one bot: each is told of everything, and of every gesture one of them gives the answer. */
import { afterEach, describe, expect, it } from 'vitest';
import type { Receipt } from '../../src/domain/message.ts';
import { ALEX } from '../../src/sandbox/people.ts';
import {
  buttonOf,
  type DiscordFixture,
  type DiscordFixtureOptions,
  GENERAL,
  inChannel,
  openDiscord,
} from '../support/discord-gateway.ts';
import { aCard } from '../support/slack-gateway.ts';

const alex = ALEX.discordUser;

let discord: DiscordFixture;

afterEach(async () => {
  await discord.close();
});

describe('two gateways', () => {
  /** Both gateways hear it; what the first one to hear it is told is up to the test. */
  const together = async (first: () => Promise<Receipt>, timing: DiscordFixtureOptions['timing'] = {}) => {
    discord = await openDiscord({ timing: { standInAfterMs: 10, ...timing } });
    const seen = new Set<string>();
    discord.onReceive(async ({ id }) => {
      if (seen.has(id)) return { kind: 'duplicate' };
      seen.add(id);
      return first();
    });
    await discord.startAnother();
  };
  const ask = () =>
    discord.sandbox.slash({
      user: alex,
      channel: GENERAL.id,
      command: 'ask',
      options: { question: 'hello' },
    });
  const say = async () => {
    const buttons = [{ label: 'Take over', says: '/takeover con_p0_000000000000' }];
    const body = { kind: 'text', markdown: 'A human is asked for.', buttons } as const;
    const { ref } = await discord.send({ to: inChannel(GENERAL.id), body });
    const message = discord.sandbox.message(ref.split('/')[1]!)!;
    const customId = buttonOf(message, 'Take over');
    return discord.sandbox.press({ user: alex, channel: GENERAL.id, message: message.id, customId });
  };
  const callsOf = (route: string) => discord.sandbox.calls.filter((call) => call.route === route);

  it.each([
    ['a command', ask, 'thinking'],
    ['a press that says something', say, 'acknowledged'],
  ])('answer %s once: the other one looks whether there is an answer, and finds it', async (_, act, kind) => {
    await together(async () => ({ kind: 'stored' }));

    const outcome = await act();
    await discord.sandbox.until(() => callsOf('GET /webhooks/:app/:token/messages/:message').length > 0);

    expect(outcome.kind).toBe(kind);
    expect(callsOf('POST /interactions/:id/:token/callback')).toHaveLength(1);
  });

  it('answer a press on a card once, though the second one is told what came of the first', async () => {
    const told = ['DECIDED', 'REPLAY'];
    await together(async () => ({ kind: 'stored' }));
    discord.onReceive(async () => {
      const code = told.shift() ?? 'REPLAY';
      return { kind: 'answered', code, notice: code };
    });
    const { ref } = await discord.send({ to: inChannel(GENERAL.id), body: { kind: 'card', card: aCard() } });
    const message = discord.sandbox.message(ref.split('/')[1]!)!;
    const customId = buttonOf(message, 'Approve');

    const press = { user: alex, channel: GENERAL.id, message: message.id, customId };
    const outcome = await discord.sandbox.press(press);
    await discord.sandbox.until(() => callsOf('GET /webhooks/:app/:token/messages/:message').length > 0);

    expect(outcome).toMatchObject({ kind: 'message', message: { content: 'DECIDED' } });
    expect(callsOf('POST /interactions/:id/:token/callback')).toHaveLength(1);
  });

  it('answer a command once when the store is too slow for one of them', async () => {
    let calls = 0;
    const never = new Promise<Receipt>(() => {});
    await together(async () => ({ kind: 'stored' }), { deferAfterMs: 100 });
    discord.onReceive(async () => {
      calls += 1;
      return calls === 1 ? { kind: 'stored' } : never;
    });

    const outcome = await ask();
    await discord.sandbox.until(() => callsOf('GET /webhooks/:app/:token/messages/:message').length > 0);

    expect(outcome.kind).toBe('thinking');
    expect(callsOf('POST /interactions/:id/:token/callback')).toHaveLength(1);
  });

  it.each([
    ['a command', ask, 'thinking'],
    ['a press that says something', say, 'acknowledged'],
  ])('answer %s in the place of one that ended with it in its hands', async (_, act, kind) => {
    let end = (_: Receipt) => {};
    const held = new Promise<Receipt>((resolve) => {
      end = resolve;
    });
    await together(() => held, { deferAfterMs: 60_000, storeWithinMs: 60_000 });

    const outcome = await act();
    end({ kind: 'duplicate' });

    expect(outcome.kind).toBe(kind);
    expect(callsOf('POST /interactions/:id/:token/callback')).toHaveLength(1);
  });
});
