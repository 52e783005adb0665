import { describe, expect, it } from 'vitest';
import { createMessageTools, type Recipient } from '../../src/delivery/message-tools.ts';
import { FutileCallError } from '../../src/domain/errors.ts';
import { ApprovalId, Platform } from '../../src/domain/ids.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { ManualClock, openStore } from '../support/core.ts';
import { context } from '../support/workspace.ts';

const DANA: Recipient = {
  words: 'Dana Reyes (dana), slack:T0/U0DANA',
  to: { platform: Platform.parse('slack'), route: { user: 'U0DANA', team: 'T0' } },
};
const ORIGIN = { platform: Platform.parse('email'), route: { to: 'alex@corp.test' } };
const approvalId = ApprovalId.parse('apr_p0_000000000000');

async function open() {
  const { redis, keys } = await openStore();
  let dana: Recipient | string = DANA;
  const [sendMessage] = createMessageTools({
    person: (name) => (name === 'dana' ? dana : `nobody is called "${name}"`),
    channel: (name) => `there is no channel "${name}" to write to`,
    channels: () => ['ops'],
    nameOf: () => 'Alex *Kim*',
    originOf: async () => ORIGIN,
    writer: new EffectWriter(redis, keys),
    rememberMs: () => 60_000,
    clock: new ManualClock(),
  });
  const sent = async () => {
    const lanes = await redis.keys(keys.items(partitionOf(context.conversationId), 'o.slack', '*'));
    const items = await Promise.all(lanes.map((lane) => redis.lrange(lane, 0, -1)));
    return items.flat().map((json) => JSON.parse(json));
  };
  const tool = sendMessage!;
  return {
    tool,
    sent,
    moveDana: (to: Recipient | string) => {
      dana = to;
    },
    run: (input: object) => tool.execute(tool.input.parse(input), { ...context, approvalId }),
  };
}

describe('words to others', () => {
  it('go to the person once, however often the call runs, in the name of whoever asked', async () => {
    const { run, sent } = await open();

    const first = await run({ person: 'dana', text: 'Lunch?' });
    await run({ person: 'dana', text: 'Lunch?' });

    expect(first.text).toContain('on its way to Dana Reyes (dana), slack:T0/U0DANA');
    expect(await sent()).toEqual([
      expect.objectContaining({
        kind: 'text',
        to: DANA.to,
        author: ORIGIN,
        requester: 'alex',
        markdown: '_Alex  Kim  has me tell you this:_\n\nLunch?',
      }),
    ]);
  });

  it('show who gets them, and are other words once that changes', async () => {
    const { tool, moveDana } = await open();
    const preview = () => tool.preview!({ person: 'dana', text: 'Lunch?' }, context);

    const before = await preview();
    moveDana({ ...DANA, to: { ...DANA.to, route: { user: 'U0OTHER', team: 'T0' } } });
    const after = await preview();

    expect(before.changes).toEqual([
      { label: 'goes to', after: 'Dana Reyes (dana), slack:T0/U0DANA; slack (team T0, user U0DANA)' },
    ]);
    expect(after.basis).not.toBe(before.basis);
  });

  it('are asked of nobody, and not sent, where they reach nobody', async () => {
    const { tool, run, sent, moveDana } = await open();
    moveDana('Dana Reyes cannot be written to');

    for (const input of [
      { person: 'dana', text: 'x' },
      { person: 'eve', text: 'x' },
      { channel: 'none', text: 'x' },
    ]) {
      await expect(tool.preview!(input, context)).rejects.toThrow(FutileCallError);
      await expect(tool.preview!(input, context)).rejects.toMatchObject({ trust: 'tool' });
      expect(await run(input)).toMatchObject({ status: 'error', text: expect.stringMatching(/^Not sent: /) });
    }
    expect(await sent()).toEqual([]);
  });

  it('have one recipient', async () => {
    const { tool } = await open();

    expect(tool.input.safeParse({ text: 'x' }).success).toBe(false);
    expect(tool.input.safeParse({ text: 'x', person: 'dana', channel: 'ops' }).success).toBe(false);
  });
});
