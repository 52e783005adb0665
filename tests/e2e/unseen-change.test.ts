/** A call of which nobody could say what it would change when people were asked about it. */
import { afterEach, describe, expect, it } from 'vitest';
import { closedPort } from '../support/closed-port.ts';
import { button, DANA, GENERAL, Story, type StoryConfig } from '../support/story.ts';

let story: Story;

afterEach(async () => {
  await story.end();
});

describe('a change nobody could be shown', () => {
  it('is not made on a yes given blindly, and is made when it is asked again and seen', async () => {
    const url = `http://127.0.0.1:${await closedPort()}`;
    let shop: StoryConfig['settings']['sandbox'] | undefined;
    story = await Story.begin({
      config: (shipped) => {
        shop = shipped.settings.sandbox;
        return { ...shipped, settings: { ...shipped.settings, sandbox: { url } } };
      },
    });
    const thread = await story.mention('refund order 7');
    const blind = await story.answer(thread, /what it changes.*a yes will not be acted on/);
    const [approval] = await story.open();
    story.config = { ...story.config, settings: { ...story.config.settings, sandbox: shop! } };
    await story.restart();

    await story.say(DANA.slack, thread, `edit ${approval!.id} amount=80`);
    await story.told(DANA.slack, /Nothing was decided: .*so nobody has agreed to that/);
    await press(blind, /Approve/);
    await story.answer(thread, /Taken back before it ran.*so nobody has agreed to that; now it can be/);
    expect(story.refunds(7)).toEqual([]);

    await story.say(DANA.slack, thread, `reopen ${approval!.id}`);
    const seen = await story.answer(thread, /refunded of order 7 \(now → then\)(?!.*Taken back)/);
    await press(seen, /Approve/);
    await story.sandbox.slack.until(() => story.refunds(7).length === 1 || undefined);
  });
});

/** Dana presses a button. */
async function press(card: Awaited<ReturnType<Story['answer']>>, label: RegExp): Promise<void> {
  const { ts } = card;
  const actionId = button(card, label);
  await story.sandbox.slack.press({ user: DANA.slack, channel: GENERAL, ts, actionId });
}
