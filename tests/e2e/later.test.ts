/** Somebody has the agent do something at another time, and it is done then. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Story, textOf } from '../support/story.ts';

const HOUR = 60 * 60_000;

let story: Story;

beforeEach(async () => {
  story = await Story.begin();
});
afterEach(async () => {
  await story.end();
});

/** In two hours, as the clock in UTC shows it. */
function inTwoHours(): string {
  return new Date(story.clock.now() + 2 * HOUR).toISOString().slice(0, 16);
}

describe('something planned for later', () => {
  it('OM-111 OM-125 is done where it was planned, in the name of whoever planned it, also by another process', async () => {
    const { claude } = story.sandbox;
    const at = inTwoHours();
    const plan = { title: 'standup', text: 'Say what is open.', kind: 'once', at, time_zone: 'UTC' };
    claude.script(({ messages }) => {
      const said = JSON.stringify(messages.at(-1));
      if (said.includes('remind us')) return { calls: [{ tool: 'schedule_create', input: plan }] };
      if (said.includes('I planned this before')) return { text: 'Order 7 is open.' };
      return { text: 'It is planned.' };
    });

    const thread = await story.mention('remind us of what is open, in two hours');
    await story.answer(thread, /It is planned\./);
    await story.restart();
    await story.advance(1 * HOUR);
    await story.quiet();
    expect(story.said(thread).map(textOf).join()).not.toContain('planned this');
    await story.advance(2 * HOUR);

    await story.answer(thread, /Alex Kim planned this: standup/);
    await story.answer(thread, /Order 7 is open\./);
    await story.advance(24 * HOUR);
    await story.quiet();
    expect(story.said(thread).filter((message) => textOf(message).includes('planned this'))).toHaveLength(1);
  });

  it('again and again waits for a yes, as whatever a rule holds', async () => {
    const { claude } = story.sandbox;
    const plan = { title: 'report', text: 'Report.', kind: 'cron', cron: '0 9 * * *' };
    claude.script(({ messages }) =>
      JSON.stringify(messages.at(-1)).includes('every morning')
        ? { calls: [{ tool: 'schedule_create', input: plan }] }
        : { text: 'Noted.' },
    );

    const thread = await story.mention('report every morning');

    await story.answer(thread, /schedule_create/);
    const [waiting] = await story.waiting();
    expect(waiting?.request).toMatchObject({ tool: 'schedule_create', args: { cron: '0 9 * * *' } });
    expect(waiting?.request.preview?.changes[0]?.after).toMatch(/^0 9 \* \* \* \(UTC\): /);
  });
});
