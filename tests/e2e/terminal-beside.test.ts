/** A terminal beside a gateway that runs: the gateway does the work, another process has the terminal. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { connectionNames } from '../../src/redis/connections.ts';
import { openPlatforms } from '../../src/services/pool-names.ts';
import { ALEX, DANA, Story } from '../support/story.ts';
import { openTerminals, type Terminals } from '../support/surfaces/terminal-surface.ts';
import type { TestTerminal } from '../support/test-terminal.ts';

vi.setConfig({ testTimeout: 60_000 });

let story: Story;
let terminals: Terminals;

beforeEach(async () => {
  story = await Story.begin();
  terminals = await openTerminals(story);
});
afterEach(async () => {
  await terminals.close();
  await story.end();
});

/** What the person at this terminal reads about what they typed. */
async function typed(
  { alex }: { readonly alex: TestTerminal },
  text: string,
  about: RegExp,
): Promise<string> {
  const from = alex.text.length;
  await alex.type(text);
  await expect.poll(() => alex.text.slice(from), { timeout: 20_000 }).toMatch(about);
  return alex.text.slice(from);
}

it('OB-030 tells the person there what they have noted, and a channel, where others read, still not', async () => {
  await typed(terminals, 'remember that my door code hint is kestrel', /noted|remember/i);

  const told = await typed(terminals, 'what do you know about kestrel?', /what I know|Others can read/);
  const group = await story.mention('what do you know about kestrel?');
  await story.answer(group, /direct message/);

  expect(told).toMatch(/what I know:[\s\S]*code hint/);
  expect(JSON.stringify(story.said(group))).not.toContain('code hint');
});

describe('/status', () => {
  // A connection has its name a moment after it is there.
  beforeEach(async () => {
    const open = async () => openPlatforms(await connectionNames(story.redis), story.keys);
    await expect
      .poll(async () => (await open()).map((name) => name.replace(/^cli-.*/, 'cli')))
      .toContain('cli');
    await expect.poll(open).toEqual(expect.arrayContaining(['discord', 'email', 'jira', 'slack', 'web']));
  });

  it('names the platforms another process has opened, as opened there', async () => {
    const told = await typed(terminals, '/status', /Connected: /);

    expect(told).toMatch(
      /Connected: cli\. Opened by another process of mine: discord, email, jira, slack, web\./,
    );
  });

  it('names the terminal of another process to whoever asks elsewhere', async () => {
    await story.mention('/status');

    const told = await story.told(ALEX.slack, /You are Alex/);

    expect(told).toMatch(/Connected: slack, .*\. Opened by another process of mine: cli\./);
  });
});

describe('what is said there reaches people on the platforms of the gateway', () => {
  it('calls those who may come when a human is wished for', async () => {
    const told = await typed(terminals, '/human the customer is angry', /A human was asked for/);

    expect(told).toContain('I have told Dana Reyes');
    await story.mail(DANA.mail, /Alex Kim asks for a human/);
  });
});
