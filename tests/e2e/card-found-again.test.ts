/** A card whose sending ended in doubt, while the approval went on. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codesIn, DANA, Story, textOf } from '../support/story.ts';

describe('a card of which nobody knows that it was posted', () => {
  let story: Story;

  beforeEach(async () => {
    story = await Story.begin();
  });
  afterEach(async () => {
    await story.end();
  });

  it('is found again and loses its buttons, though the decision was made meanwhile', async () => {
    const { slack, claude, mail } = story.sandbox;
    const call = { tool: 'refund', input: { order: 7, amount: 120, currency: 'EUR', reason: 'broken' } };
    // Without a word of its own, so that the card is the first thing that is posted.
    const end = claude.script(() => ({ calls: [call] }));
    slack.fail('chat.postMessage', { kind: 'lost-response' });
    slack.fail('conversations.replies', { kind: 'status', status: 503 }, 1_000);

    const thread = await story.mention('refund order 7');
    const request = await story.mail(DANA.mail, /refund/);
    end();
    await mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'top' });
    await story.mail(DANA.mail, /Done:/);
    slack.heal();
    await story.quiet();

    const cards = story.said(thread).filter((message) => textOf(message).includes('order 7,'));
    expect(cards.map(textOf)).toEqual([expect.stringMatching(/Approved by Dana Reyes by e-mail.*Done:/)]);
    expect(textOf(cards[0]!)).not.toContain('"button"');
  });
});
