/** Stories across platforms, told by hand on the sandbox page in a real browser. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { CHROMIUM, complaintsOf, launchBrowser } from '../support/page-browser.ts';
import { Story, withPerson } from '../support/story.ts';

let browser: Browser;
let page: Page;
let story: Story;
let complaints: string[];

describe.skipIf(CHROMIUM === undefined)('the page across platforms (skipped without Chromium)', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => browser.close());

  beforeEach(async () => {
    story = await Story.begin();
    page = await browser.newPage();
    complaints = complaintsOf(page);
    await page.goto(story.sandbox.url);
  });
  afterEach(async () => {
    await page.close();
    await story.end();
  });

  const platform = (name: string) => page.getByRole('tab', { name: new RegExp(`^${name}`) }).first();
  const become = (name: string) => page.getByText(name).first().click();

  it('OM-121 takes /ask in Discord, Dana’s comment in Jira, and shows the outcome in Discord', async () => {
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('jira')] });
    await platform('Discord').click();
    await page.getByLabel(/as Alex in Discord/).fill('/ask refund order 7');
    await page.keyboard.press('Enter');
    await page.locator('#discord').getByText('Approval needed').first().waitFor();

    await become('Dana Reyes');
    await platform('Jira').click();
    await page.getByLabel('Issue', { exact: true }).selectOption('OPS-1');
    const line = await page.locator('#jira code').filter({ hasText: 'approve apr_' }).first().textContent();
    await page.getByLabel('Comment on OPS-1 as Dana').fill(/approve apr_\S+/.exec(line ?? '')?.[0] ?? '');
    await page.keyboard.press('Enter');

    await platform('Discord').click();
    await page
      .locator('#discord')
      .getByText(/Approved by Dana Reyes in Jira/)
      .first()
      .waitFor();
    await page
      .locator('#discord')
      .getByText(/allowed, and it is done/)
      .first()
      .waitFor();
    expect(story.refunds(7)).toEqual([120]);
    expect(complaints).toEqual([]);
  });

  it('OM-121 takes a comment in Jira, Dana’s reason in Discord’s form, and shows the refusal in Jira', async () => {
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('discord')] });
    await platform('Jira').click();
    await page.getByLabel('Comment on OPS-2 as Alex').fill('@signalbox move OPS-3 to Done');
    await page.keyboard.press('Enter');

    await become('Dana Reyes');
    await platform('Discord').click();
    await page
      .getByRole('tab', { name: /signalbox/ })
      .last()
      .click();
    await page.locator('#discord').getByRole('button', { name: 'Deny with reason' }).click();
    await page.getByLabel(/Why not/).fill('not before Monday');
    await page.getByRole('button', { name: 'Submit' }).click();

    await platform('Jira').click();
    await page
      .locator('#jira')
      .getByText(/Denied by Dana Reyes on Discord.*not before Monday/)
      .first()
      .waitFor();
    expect(story.sandbox.jira.status('OPS-3')).toBe('To Do');
    expect(complaints).toEqual([]);
  });

  it('says which commands there are when one is not known', async () => {
    await platform('Discord').click();
    await page.getByLabel(/as Alex in Discord/).fill('/fly me to the moon');
    await page.keyboard.press('Enter');

    await page.getByText(/there is no command \/fly; there are .*\/ask/).waitFor();
  });

  it('shows hostile words as words in Discord and in Jira', async () => {
    const hostile = '<img src=x onerror="document.title=\'broken\'"> [x](javascript:alert(1))';
    await story.sandbox.discord.say({
      user: '900000000000000101',
      channel: '900000000000000501',
      text: hostile,
    });
    story.sandbox.jira.comment({
      user: '70121:00000000-0000-4000-8000-000000000001',
      issue: 'OPS-2',
      text: hostile,
    });

    await platform('Discord').click();
    await page.locator('#discord').getByText('onerror').waitFor();
    await platform('Jira').click();
    await page.locator('#jira').getByText('onerror').waitFor();

    expect(await page.title()).toBe('Signalbox sandbox');
    expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('is worked by the keyboard: arrow keys go from platform to platform', async () => {
    await platform('Slack').focus();
    await page.keyboard.press('ArrowRight');
    expect(await platform('Discord').getAttribute('aria-selected')).toBe('true');
    await page.keyboard.press('ArrowRight');
    expect(await page.locator('#jira').isVisible()).toBe(true);
    expect(await page.locator('#slack').isVisible()).toBe(false);
  });
});
