/** A yes whose conversation has something else to do first: it stays good for as long as it waits in line. */
import { afterEach, describe, expect, it } from 'vitest';
import { ALEX, button, DANA, GENERAL, Story, type StoryConfig } from '../support/story.ts';

const MINUTE = 60_000;

let story: Story;

afterEach(async () => {
  await story.end();
});

describe('a yes that comes while something else in its conversation waits', () => {
  it('OM-140 is acted on when the model is back, however long it was away', async () => {
    story = await Story.begin({ config: withImpatientModel });
    const thread = await story.mention('refund order 7');
    const card = await story.answer(thread, /Waiting for role manager/);
    story.sandbox.claude.fault({ kind: 'overloaded' }, 1_000);
    await story.say(ALEX.slack, thread, 'what can you do?');
    await story.answer(thread, /cannot reach my language model/);

    await agree(thread, card);
    for (let look = 0; look < 3; look++) {
      await parked();
      await story.advance(20 * MINUTE);
    }
    await parked();
    expect(story.refunds(7)).toEqual([]);
    story.sandbox.claude.heal();
    await story.advance(5 * MINUTE);

    await story.sandbox.slack.until(() => story.refunds(7).length === 1 || undefined);
  });

  it('C4 is acted on when nobody came in place of the agent', async () => {
    story = await Story.begin({ config: withLongWait });
    const thread = await story.mention('refund order 7');
    const card = await story.answer(thread, /Waiting for role manager/);
    await story.say(ALEX.slack, thread, '!human');
    await story.answer(thread, /A human was asked for/);
    await story.say(ALEX.slack, thread, 'hello?');
    await story.answer(thread, /A human has been asked to come/);

    await agree(thread, card);
    await story.advance(20 * MINUTE);
    await story.advance(20 * MINUTE);
    expect(story.refunds(7)).toEqual([]);
    await story.advance(30 * MINUTE);

    await story.answer(thread, /nobody could come/);
    await story.sandbox.slack.until(() => story.refunds(7).length === 1 || undefined);
  });
});

/** Dana presses the button, and the card says so. */
async function agree(thread: string, card: Parameters<typeof button>[0]): Promise<void> {
  await story.sandbox.slack.press({
    user: DANA.slack,
    channel: GENERAL,
    ts: card.ts ?? '',
    actionId: button(card, /Approve/),
  });
  await story.answer(thread, /Approved by/);
}

function withImpatientModel(shipped: StoryConfig): StoryConfig {
  const model = { ...shipped.settings.model, retries: 0, timeout: 500 };
  return { ...shipped, settings: { ...shipped.settings, model } };
}

function withLongWait(shipped: StoryConfig): StoryConfig {
  const { takeover } = shipped.authorizations;
  return {
    ...shipped,
    authorizations: { ...shipped.authorizations, takeover: { ...takeover, wait: 60 * MINUTE } },
  };
}

/** Resolves when an item waits to be tried again. */
async function parked(): Promise<void> {
  for (;;) {
    const counts = await Promise.all(
      story.keys.partitions().map((partition) => story.redis.zcard(story.keys.parked(partition))),
    );
    if (counts.some((count) => count > 0)) return;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
