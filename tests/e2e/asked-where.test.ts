/** Where somebody is asked. */
import { afterEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { DANA, Story, textOf, withPerson } from '../support/story.ts';

let story: Story;
afterEach(() => story.end());

describe('somebody who wants to be asked elsewhere about what matters', () => {
  it('OM-122 is asked there about a call of high risk, and where they prefer it about all others', async () => {
    story = await Story.begin({
      config: (shipped) =>
        withPerson(shipped, 'dana', {
          prefers: [Platform.parse('email')],
          reach: { high: [Platform.parse('slack')] },
        }),
    });
    await story.mention('refund order 7');
    const asked = await story.sandbox.slack.until((slack) =>
      slack.messages('D0DANA').find((each) => textOf(each).includes('refund')),
    );
    await story.mention('deploy web 2.4 to production');
    await story.mail(DANA.mail, /deploy/);

    expect(textOf(asked)).toContain('120');
    expect(story.sandbox.slack.messages('D0DANA').map(textOf).join()).not.toContain('deploy');
  });
});
