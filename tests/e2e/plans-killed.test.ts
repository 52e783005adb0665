/** The process that runs a plan is killed in the middle of it, as the real process. */
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { KilledStory, LEASE_IS_OVER_MS, PROCESS_TIMEOUTS } from '../support/killed-story.ts';
import { ALEX, button, DANA, GENERAL } from '../support/story.ts';

vi.setConfig(PROCESS_TIMEOUTS);

let story: KilledStory;

beforeEach(async () => {
  story = await KilledStory.begin();
});
afterEach(() => story.end());

const refund = (order: number) => ({
  tool: 'refund',
  arguments: { order, amount: 60, currency: 'EUR', reason: 'broken' },
});

/** Alex has the plan made, Dana agrees, and the process that runs it is killed as soon as the ledger looks like this. */
async function killedWhen(isSo: () => boolean): Promise<string> {
  story.sandbox.claude.script(({ messages }) => {
    const last = JSON.stringify(messages.at(-1));
    if (!last.includes('please move')) return { text: 'I see.' };
    const steps = [refund(7), refund(8), refund(9)];
    return { calls: [{ tool: 'run_plan', input: { title: 'Move the orders', steps } }] };
  });
  const gateway = await story.start();
  const { ts: thread } = await story.sandbox.slack.say({
    user: ALEX.slack,
    channel: GENERAL,
    text: '@signalbox please move the orders',
  });
  const card = await story.answer(thread, /Waiting for role manager/);
  const reached = story.ledger(isSo);
  await story.sandbox.slack.press({
    user: DANA.slack,
    channel: GENERAL,
    ts: card.ts,
    actionId: button(card, /Approve/),
  });
  await reached;
  gateway.signal('SIGKILL');
  await gateway.ended();
  return thread;
}

it('OM-151 a plan whose process was killed between two steps is gone on with: no step is done twice, none left out', async () => {
  story.sandbox.shop.fault('none', 'hang-after');

  const thread = await killedWhen(() => story.sandbox.shop.refunds.length === 2);
  await story.start();
  await story.pass(LEASE_IS_OVER_MS);

  await story.answer(thread, /Done: All 3 steps are done/);
  expect(story.sandbox.shop.refunds.map(({ order }) => order)).toEqual([7, 8, 9]);
  expect(story.sandbox.shop.charges).toEqual([]);
});

it('OM-150 a plan whose process was killed while it was taken back leaves nothing, and nothing is taken back twice', async () => {
  story.sandbox.shop.fault('none', 'none', 'refuse', 'hang-after');

  const thread = await killedWhen(() => story.sandbox.shop.charges.length === 1);
  await story.start();
  await story.pass(LEASE_IS_OVER_MS);

  await story.answer(thread, /Step 3 failed, so everything done before it was undone/);
  expect(story.sandbox.shop.charges.map(({ order }) => order)).toEqual([8, 7]);
});
