/** Tools whose deed is what comes of the turn, under a rule by which a human is asked about everything. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DANA, Story } from '../support/story.ts';

type Rule = Story['config']['authorizations']['rules'][number];

const ALL_ASKED = {
  name: 'a human is asked about everything',
  tool: ['*'],
  decision: 'ask',
  approvers: { role: 'manager' },
  policy: 'default',
} as Rule;

let story: Story;
beforeEach(async () => {
  story = await Story.begin({
    config: (config) => ({
      ...config,
      authorizations: { ...config.authorizations, rules: [ALL_ASKED, ...config.authorizations.rules] },
    }),
  });
});
afterEach(() => story.end());

describe('where a human is asked about everything', () => {
  it('a file goes out once somebody has agreed, and not before', async () => {
    const thread = await story.mention('send me the order list as a file');
    await story.answer(thread, /Waiting for role manager/);
    expect(filesIn(thread)).toEqual([]);
    const [asked] = await story.waiting();
    await story.dm(DANA.slack, `/approve ${asked?.id}`);

    await story.answer(thread, /It was allowed, and it is done/);
    await expect.poll(() => filesIn(thread)).toEqual(['orders.csv']);
  });

  it('somebody who wants a human gets one at once', async () => {
    const thread = await story.mention('get me a human');
    await story.answer(thread, /I am asking for a human to take over here/);

    expect(await story.mail(DANA.mail, /get me a human/)).toBeDefined();
    expect(await story.waiting()).toEqual([]);
  });
});

function filesIn(thread: string): string[] {
  return story.said(thread).flatMap(({ files = [] }) => files.map(({ name }) => name));
}
