/** The page, judged by axe: every tab with something on it, light and dark, wide and narrow. */
import axe from 'axe-core';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { CHROMIUM, launchBrowser } from '../support/page-browser.ts';
import { Story } from '../support/story.ts';

const FILE = { name: 'orders.csv', mimeType: 'text/csv', buffer: Buffer.from('order,amount\n7,120\n') };

const Report = z.object({
  violations: z.array(
    z.object({ id: z.string(), help: z.string(), nodes: z.array(z.object({ html: z.string() })) }),
  ),
});

describe.skipIf(CHROMIUM === undefined)('the page, judged by axe (skipped without Chromium)', () => {
  let story: Story;
  let browser: Browser;

  beforeAll(async () => {
    story = await Story.begin();
    browser = await launchBrowser();
    const thread = await story.mention('refund order 7');
    await story.answer(thread, /Waiting for role manager/);
    const typed = { user: 'U0ALEX', channel: 'C0GENERAL', command: '/signalbox', text: 'help' };
    await story.sandbox.slack.command(typed);
    story.sandbox.web.say({ client: 'alex', conversation: 'c1', text: 'refund order 7' });
    await story.sandbox.web.until((web) => web.heard('alex').some(({ event }) => event.kind === 'card'));
  });
  afterAll(async () => {
    await browser.close();
    await story.end();
  });

  /** What axe has to say, in a line each. */
  async function complaints(page: Page): Promise<string[]> {
    await page.evaluate(axe.source);
    const { violations } = Report.parse(await page.evaluate('axe.run()'));
    return violations.map(
      ({ id, help, nodes }) => `${id}: ${help}: ${nodes.map(({ html }) => html).join(' ')}`,
    );
  }

  it.each([
    ['light', 1440],
    ['dark', 1440],
    ['light', 400],
    ['dark', 400],
  ] as const)('has nothing against it, %s and %i pixels wide', async (colorScheme, width) => {
    const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
    await page.goto(story.sandbox.url);
    await page.locator('#threads').getByRole('button', { name: 'Approve' }).first().waitFor();

    for (const platform of ['Slack', 'Discord', 'Jira', 'Web']) {
      await page
        .getByRole('tab', { name: new RegExp(`^${platform}`) })
        .first()
        .click();
      const part = page.locator(`#${platform.toLowerCase()}`);
      await part.locator('.composer input[type=file]').setInputFiles(FILE);
      await part.getByText('orders.csv').waitFor();
      expect(await complaints(page)).toEqual([]);
    }

    await page.getByRole('button', { name: /^Mail/ }).or(page.locator('#mail')).first().click();
    await page
      .getByRole('region', { name: /Dana Reyes/ })
      .locator('summary')
      .first()
      .click();
    await page
      .getByRole('region', { name: /Alex Kim/ })
      .getByRole('button', { name: 'Write' })
      .click();
    expect(await complaints(page)).toEqual([]);
    await page.close();
  });

  it('has nothing against the forms of answers, nor against a list to pick from', async () => {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    page.setDefaultTimeout(8_000);
    await page.goto(story.sandbox.url);
    await page.getByText('Dana Reyes').first().click();
    await page.locator('#threads').getByRole('button', { name: 'Change…' }).first().click();
    const amount = page.getByRole('dialog').getByRole('textbox', { name: 'amount' });
    await amount.waitFor();
    expect(await amount.inputValue()).toBe('120');
    expect(await complaints(page)).toEqual([]);
    await page.keyboard.press('Escape');

    await page.getByRole('tab', { name: /^Web/ }).first().click();
    await page.getByLabel(/^Message .* over the web gateway$/).fill('/approvals');
    await page.keyboard.press('Enter');
    await page.locator('#web').getByRole('button', { name: 'Approve those picked…' }).waitFor();
    expect(await page.locator('#web').getByRole('checkbox').count()).toBe(2);
    expect(await complaints(page)).toEqual([]);
    await page.close();
  });
});
