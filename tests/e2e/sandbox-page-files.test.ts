/** People send files on the page, in a real browser, wherever the platform carries them; and get them back. */
import type { Browser, Locator, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { CHROMIUM, complaintsOf, launchBrowser } from '../support/page-browser.ts';
import { Story } from '../support/story.ts';

const ORDERS = { name: 'orders.csv', mimeType: 'text/csv', buffer: Buffer.from('order,amount\n7,120\n') };
const GOT = /I got this with your message/;

let browser: Browser;
let page: Page;
let story: Story;
let complaints: string[];

describe.skipIf(CHROMIUM === undefined)('files on the page (skipped without Chromium)', () => {
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
  });
  afterEach(async () => {
    await page.close();
    await story.end();
  });

  const platform = (name: string) => page.getByRole('tab', { name: new RegExp(`^${name}`) }).first();

  /** By the button, as a person does. */
  async function choose(part: Locator, ...files: (typeof ORDERS)[]): Promise<void> {
    const [chooser] = await Promise.all([
      page.waitForEvent('filechooser'),
      part.getByRole('button', { name: 'Attach files' }).click(),
    ]);
    await chooser.setFiles(files);
  }

  async function contentOf(link: Locator): Promise<{ name: string; text: string }> {
    const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
    const chunks: Buffer[] = [];
    for await (const chunk of await download.createReadStream()) chunks.push(Buffer.from(chunk));
    return { name: download.suggestedFilename(), text: Buffer.concat(chunks).toString() };
  }

  it.each([
    ['Slack', '#slack', /^Message #general as Alex$/, '@signalbox what is in it?'],
    ['Discord', '#discord', /as Alex in Discord$/, '@signalbox what is in it?'],
    ['Jira', '#jira', /^Comment on OPS-2 as Alex$/, '@signalbox what is in it?'],
    ['Web', '#web', /over the web gateway$/, 'what is in it?'],
  ])('OM-050 go along with a message in %s, and reach the agent', async (name, selector, label, text) => {
    await platform(name).click();
    const part = page.locator(selector);
    await choose(part.locator('.composer'), ORDERS);
    await part.getByText('orders.csv').waitFor();
    await page.getByLabel(label).fill(text);
    await page.keyboard.press('Enter');

    await part.getByText(GOT).first().waitFor();
    await part.locator('.composer .chosen').waitFor({ state: 'hidden' });

    expect(JSON.stringify(story.sandbox.claude.requests.at(-1))).toContain('| 7,120');
    const link = part.getByRole('link', { name: 'orders.csv' }).first();
    if (name !== 'Web')
      expect(await contentOf(link)).toEqual({ name: 'orders.csv', text: String(ORDERS.buffer) });
    expect(complaints).toEqual([]);
  });

  it('OM-050 go along with a mail, and a file in an answer is there to be kept', async () => {
    const mailbox = page.getByRole('region', { name: /Alex Kim/ });
    await mailbox.getByRole('button', { name: 'Write' }).click();
    await choose(mailbox, ORDERS);
    await mailbox.getByLabel('Text').fill('send me the order list as a file');
    await mailbox.getByRole('button', { name: 'Send', exact: true }).first().click();

    await mailbox.locator('summary').first().click();
    const link = mailbox.getByRole('link', { name: /orders/ }).first();
    const { name, text } = await contentOf(link);

    expect(name).toMatch(/^orders/);
    expect(text.length).toBeGreaterThan(10);
    expect(JSON.stringify(story.sandbox.claude.requests[0])).toContain('| 7,120');
    expect(complaints).toEqual([]);
  });

  it('go along with a command of Discord that takes one, and not with one of Slack', async () => {
    await platform('Discord').click();
    await choose(page.locator('#discord'), ORDERS);
    await page.getByLabel(/as Alex in Discord$/).fill('/ask what is in it?');
    await page.keyboard.press('Enter');
    await page.locator('#discord').getByText(GOT).first().waitFor();

    await platform('Slack').click();
    await choose(page.locator('#composer'), ORDERS);
    await page.getByLabel(/^Message #general as Alex$/).fill('/signalbox ask what is in it?');
    await page.keyboard.press('Enter');
    await page.getByText('/signalbox takes no files').waitFor();

    expect(await page.locator('#composer .chosen').isVisible()).toBe(true);
  });

  it('go along with a reply in a thread of Slack, alone if need be', async () => {
    const thread = await story.mention('hello');
    await page.getByRole('button', { name: 'Reply in thread' }).click();
    const form = page.locator('.reply-form');
    await choose(form, ORDERS);
    await form.getByRole('button', { name: 'Reply' }).click();

    await story.sandbox.slack.until((slack) =>
      slack.thread('C0GENERAL', thread).some(({ files = [] }) => files[0]?.name === 'orders.csv'),
    );
  });

  it('can be dropped and pasted, taken back by keyboard, and are no more than fit', async () => {
    await page.evaluate(DROP_AND_PASTE);
    const chosen = page.locator('#composer .chosen li');
    const both = await chosen.allInnerTexts();
    await page.getByRole('button', { name: 'Do not send dropped.txt' }).focus();
    await page.keyboard.press('Enter');
    const after = await page.locator(':focus').getAttribute('aria-label');
    await page.keyboard.press('Enter');
    const last = await page.locator(':focus').textContent();
    await choose(page.locator('#composer'), { ...ORDERS, buffer: Buffer.alloc(8_000_001) });
    await page.getByText('One message takes 10 files and 8.0 MB here.').waitFor();

    expect(both.join()).toMatch(/dropped.txt[\s\S]*pasted.txt/);
    expect(after).toBe('Do not send pasted.txt');
    expect(last).toContain('Attach files');
    expect(await chosen.count()).toBe(0);
  });

  it('are handed out to be kept and never shown as a page', async () => {
    const { ts } = await story.sandbox.slack.say({
      user: 'U0ALEX',
      channel: 'C0GENERAL',
      text: 'look',
      files: [{ name: 'x.html', mediaType: 'text/html', bytes: Buffer.from('<script>alert(1)</script>') }],
    });
    const id = story.sandbox.slack.message('C0GENERAL', ts)?.files?.[0]?.id;

    const response = await fetch(`${story.sandbox.url}/page/file/slack/${id}`);
    const missing = await fetch(`${story.sandbox.url}/page/file/slack/F0NONE`);

    expect(response.headers.get('content-type')).toBe('application/octet-stream');
    expect(response.headers.get('content-disposition')).toBe('attachment');
    expect(response.headers.get('content-security-policy')).toContain('sandbox');
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
    expect(missing.status).toBe(404);
  });
});

const DROP_AND_PASTE = `
  const composer = document.getElementById('composer');
  const carrying = (text, name) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([text], name, { type: 'text/plain' }));
    return transfer;
  };
  const how = { bubbles: true, cancelable: true };
  composer.dispatchEvent(new DragEvent('drop', { ...how, dataTransfer: carrying('one', 'dropped.txt') }));
  composer.dispatchEvent(new ClipboardEvent('paste', { ...how, clipboardData: carrying('two', 'pasted.txt') }));
`;
