/** Stories on the page's Web tab, told by hand in a real browser: programs of people at the web gateway. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { CHROMIUM, complaintsOf, launchBrowser } from '../support/page-browser.ts';
import { Story, withPerson } from '../support/story.ts';

let browser: Browser;
let page: Page;
let story: Story;
let complaints: string[];

describe.skipIf(CHROMIUM === undefined)('the Web tab of the page (skipped without Chromium)', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });
  afterAll(async () => browser.close());

  beforeEach(async () => {
    story = await Story.begin();
    page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    page.setDefaultTimeout(8_000);
    complaints = complaintsOf(page);
    await page.goto(story.sandbox.url);
    await tab('Web').click();
  });
  afterEach(async () => {
    await page.close();
    await story.end();
  });

  const tab = (name: string) => page.getByRole('tab', { name: new RegExp(`^${name}`) }).first();
  const become = (name: string) => page.getByText(name).first().click();
  const web = () => page.locator('#web');
  /** Among what the program heard. */
  const notice = (text: string) => web().locator('.ephemeral').getByText(text);
  const say = async (text: string) => {
    await page.getByLabel(/^Message .* over the web gateway$/).fill(text);
    await page.keyboard.press('Enter');
  };

  it('OM-121 takes Alex’s request, Dana’s yes on a card of her own, and shows Alex the outcome', async () => {
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('web')] });
    await say('refund order 7');
    await web().getByText('A program of Alex’s, over the web gateway').waitFor();
    await web().getByRole('button', { name: 'Approve' }).waitFor();

    await become('Dana Reyes');
    await tab('direct').click();
    await web().getByRole('button', { name: 'Approve' }).click();
    await web()
      .getByText(/Approved by Dana Reyes/)
      .first()
      .waitFor();

    await become('Alex Kim');
    await web()
      .getByText(/allowed, and it is done/)
      .waitFor();
    expect(story.refunds(7)).toEqual([120]);
    expect(complaints).toEqual([]);
  });

  it('tells whom a card is not for so, for them alone, and leaves it open', async () => {
    await say('refund order 7');
    await web().getByRole('button', { name: 'Approve' }).click();

    const told = web().getByText(/You asked for this yourself/);
    await told.waitFor();
    await become('Dana Reyes');

    expect(await told.count()).toBe(0);
    expect(await story.open()).toHaveLength(1);
    expect(story.refunds(7)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('lets Dana find what waits for her, say no with her reason, and hear that a second answer is late', async () => {
    await say('refund order 7');
    await web().getByRole('button', { name: 'Approve' }).waitFor();
    await become('Dana Reyes');
    await say('/approvals');
    const listed = await web()
      .getByText(/approve apr_/)
      .first()
      .textContent();
    const ticket = /apr_\S+/.exec(listed ?? '')?.[0];

    await say(`deny ${ticket} not before Monday`);
    await web()
      .getByText(/Denied by Dana Reyes/)
      .first()
      .waitFor();
    await say(`approve ${ticket}`);

    await web()
      .getByText(/settled before your answer came/)
      .waitFor();
    expect(story.refunds(7)).toEqual([]);
    expect(complaints).toEqual([]);
  });

  it('takes the reason of a no in a form that Escape closes again', async () => {
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('web')] });
    await say('refund order 7');
    await become('Dana Reyes');
    await tab('direct').click();
    const button = web().getByRole('button', { name: 'Deny with reason' });
    await button.click();
    await page.keyboard.press('Escape');
    const focused = await web().locator('button:focus').textContent();

    await page.keyboard.press('Enter');
    await web().getByLabel('Why not?').fill('ask me on Monday');
    await web().getByRole('button', { name: 'Deny', exact: true }).last().click();
    await web()
      .getByText(/Denied by Dana Reyes.*ask me on Monday/)
      .first()
      .waitFor();

    expect(focused).toBe('Deny with reason');
    expect(await web().getByLabel('Why not?').isVisible()).toBe(false);
    expect(complaints).toEqual([]);
  });

  it('OM-124 changes an argument in a form with a field for each, and says what does not fit', async () => {
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('web')] });
    await say('refund order 7');
    await become('Dana Reyes');
    await tab('direct').click();
    const change = async (amount: string) => {
      await web().getByRole('button', { name: 'Change' }).click();
      await web().getByRole('textbox', { name: 'amount' }).fill(amount);
      await web().getByRole('button', { name: 'Approve as changed' }).click();
    };

    await change('much');
    await web()
      .getByText(/Nothing was decided: the arguments do not fit/)
      .waitFor();
    await change('80');

    await web()
      .getByText(/Approved by Dana Reyes/)
      .first()
      .waitFor();
    await story.quiet();
    expect(story.refunds(7)).toEqual([80]);
    expect(complaints).toEqual([]);
  });

  it('OM-185 refuses Eve, whose token is nobody’s, in a sentence', async () => {
    await become('Eve Stone');
    await say('refund order 7');

    await web()
      .getByText(/Not taken\. The gateway refuses this program: its token belongs to none of its clients/)
      .waitFor();
    expect(await story.open()).toEqual([]);
  });

  it('keeps conversations apart, counts what is new in each, and goes between them by keyboard', async () => {
    await say('/help');
    await notice('What you can write to me').waitFor();
    await web().getByRole('button', { name: 'New conversation' }).click();
    await web().getByText('Nothing has been said here yet').waitFor();
    await say('/status');
    await notice('You are Alex Kim').waitFor();
    await tab('c2').focus();
    await page.keyboard.press('ArrowRight');
    expect(await tab('c1').getAttribute('aria-selected')).toBe('true');

    await tab('Slack').click();
    story.sandbox.web.say({ client: 'alex', conversation: 'c2', text: '/help' });
    await tab('Web').locator('.count').waitFor();

    expect(await tab('Web').locator('.count').textContent()).toBe('1');
    expect(complaints).toEqual([]);
  });

  it('hands a file over under its name, with its size', async () => {
    await say('send me the order list as a file');
    const link = web().getByRole('link', { name: /orders/ });
    await link.waitFor();
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);

    expect(download.suggestedFilename()).toMatch(/^orders/);
    expect(await web().locator('.file').first().textContent()).toMatch(/bytes|kB/);
    expect(complaints).toEqual([]);
  });

  it('shows hostile words as words, and where a link leads', async () => {
    await say(
      '<img src=x onerror="document.title=\'broken\'"> [bank](https://evil.test/x) [x](javascript:alert(1)) \\*plain\\*',
    );

    await web().getByText('onerror').first().waitFor();
    await web().getByText('(https://evil.test/x)').first().waitFor();
    await web().getByText('*plain*').first().waitFor();

    expect(await page.title()).toBe('Signalbox sandbox');
    expect(await page.locator('a[href^="javascript:"]').count()).toBe(0);
    expect(complaints).toEqual([]);
  });

  it('OM-142 shows an answer grow in its place, and goes on after the gateway was started anew', async () => {
    await say('answer slowly');
    await web().locator('.streaming').waitFor();
    await web().getByText('That is all there was to see').waitFor();
    const shown = await web().getByRole('article', { name: 'signalbox on the web' }).count();
    await story.restart();
    await say('/status');
    await notice('You are Alex Kim').waitFor();

    expect(shown).toBe(1);
    expect(await web().locator('.streaming').count()).toBe(0);
    expect(complaints).toEqual([]);
  });
});
