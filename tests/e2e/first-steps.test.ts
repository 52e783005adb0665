/** The five lines that `npm start` prints, done by hand on the page in a real browser. */
import type { Browser, Page } from 'playwright-core';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { banner } from '../../src/cli/banner.ts';
import { CHROMIUM, launchBrowser } from '../support/page-browser.ts';
import { GENERAL, Story } from '../support/story.ts';

describe.skipIf(CHROMIUM === undefined)('what start says to try (skipped without Chromium)', () => {
  let story: Story;
  let browser: Browser;
  let page: Page;

  beforeEach(async () => {
    story = await Story.begin();
    browser = await launchBrowser();
    page = await browser.newPage();
    page.setDefaultTimeout(8_000);
  });
  afterEach(async () => {
    await browser.close();
    await story.end();
  });

  it('OM-121 is true, line by line', async () => {
    const [url = '', ask = '', card = '', answer = '', result = '', kill = ''] = banner({
      config: story.config,
      gateways: [...story.app.gateways.keys()],
      sandboxUrl: story.sandbox.url,
      played: ['slack', 'discord', 'jira', 'email', 'web', 'claude'],
      embedded: true,
    })
      .split('\n')
      .filter((line) => /^ {2}Open|^ {4}\d\. /.test(line));
    await page.goto(/http:\S+/.exec(url)?.[0] ?? '');
    const thread = page.getByRole('article', { name: 'Thread of Alex Kim' });
    const mail = page.getByRole('region', { name: /Dana Reyes/ }).locator('details');

    await page.getByLabel('Message #general as Alex').fill(/in #general: {2}(.+)$/.exec(ask)?.[1] ?? '');
    await page.keyboard.press('Enter');

    expect(card).toMatch(/A card appears in the thread, and a mail in Dana's mailbox/);
    await thread.getByRole('button', { name: 'Approve' }).waitFor();
    await mail.locator('summary').click();

    expect(answer).toMatch(/As Dana, reply to the mail with the line it names, e\.g\. {2}approve /);
    const [line = ''] = /^approve \S+$/m.exec((await mail.locator('.mail-text').textContent()) ?? '') ?? [];
    await mail.getByLabel('Reply as Dana').fill(line);
    await page.keyboard.press('Enter');

    expect(result).toMatch(/Read the result in the thread; the ledger shows one refund/);
    await thread.getByText('It was allowed, and it is done').waitFor();
    expect(await page.locator('#refunds-count').textContent()).toBe('1');

    expect(kill).toMatch(/start me again: nothing is lost/);
    const before = story.sandbox.slack.messages(GENERAL).length;
    await story.restart();
    await page.getByLabel('Message #general as Alex').fill('@signalbox hello');
    await page.keyboard.press('Enter');
    await page.locator('#threads').getByText('Here is what I can do').waitFor();
    expect(story.sandbox.slack.messages(GENERAL)).toHaveLength(before + 2);
    expect(story.refunds(7)).toEqual([120]);
  });
});
