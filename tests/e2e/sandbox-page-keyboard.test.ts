/** The page by keyboard alone, in a real browser: where the focus goes, commands in Slack, and nothing that flickers. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Platform } from '../../src/domain/ids.ts';
import { CHROMIUM, complaintsOf, launchBrowser } from '../support/page-browser.ts';
import { Story, withPerson } from '../support/story.ts';

let browser: Browser;
let page: Page;
let story: Story;
let complaints: string[];

describe.skipIf(CHROMIUM === undefined)('the page by keyboard (skipped without Chromium)', () => {
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

  /** What has the focus says this, soon; the page itself never has it. */
  const focusSays = (pattern: RegExp) => page.locator(':focus').filter({ hasText: pattern }).waitFor();
  const platform = (name: string) => page.getByRole('tab', { name: new RegExp(`^${name}`) }).first();

  /** By arrow keys, from whoever one is. */
  async function become(name: RegExp): Promise<void> {
    await page.getByRole('radio', { name }).focus();
    await page.keyboard.press('Space');
  }

  async function ask(label: RegExp, text: string): Promise<void> {
    await page.getByLabel(label).focus();
    await page.keyboard.type(text);
    await page.keyboard.press('Enter');
  }

  async function pressFocused(button: string, part: string): Promise<void> {
    await page.locator(part).getByRole('button', { name: button, exact: true }).focus();
    await page.keyboard.press('Enter');
  }

  it('goes to the outcome once Dana has approved in Slack, and stays there', async () => {
    await ask(/^Message #general as Alex$/, '@signalbox refund order 7');
    await page.locator('#threads').getByRole('button', { name: 'Approve' }).waitFor();
    await become(/Dana/);

    await pressFocused('Approve', '#threads');
    await focusSays(/Approved by Dana Reyes/);
    await page
      .locator('#threads')
      .getByText(/allowed, and it is done/)
      .waitFor();

    await focusSays(/Approved by Dana Reyes/);
    expect(complaints).toEqual([]);
  });

  it('goes to the outcome after the reason of a no was given in Slack’s form', async () => {
    await ask(/^Message #general as Alex$/, '@signalbox refund order 7');
    await page.locator('#threads').getByRole('button', { name: 'Approve' }).waitFor();
    await become(/Dana/);

    await pressFocused('Deny with reason…', '#threads');
    await page
      .getByRole('dialog')
      .getByLabel(/Why not/)
      .waitFor();
    await page.keyboard.type('not before Monday');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');

    await focusSays(/Denied by Dana Reyes/);
    expect(complaints).toEqual([]);
  });

  it('goes to the outcome when the card was settled elsewhere while Slack’s form was open', async () => {
    await ask(/^Message #general as Alex$/, '@signalbox refund order 7');
    await page.locator('#threads').getByRole('button', { name: 'Approve' }).waitFor();
    await become(/Dana/);
    await pressFocused('Deny with reason…', '#threads');
    await page
      .getByRole('dialog')
      .getByLabel(/Why not/)
      .waitFor();

    const [approval] = await story.open();
    const yes = { user: 'U0DANA', channel: 'C0OPS', command: '/signalbox', text: `approve ${approval!.id}` };
    await story.sandbox.slack.command(yes);
    await page
      .locator('#threads')
      .getByText(/Approved by Dana Reyes/)
      .first()
      .waitFor({ state: 'attached' });
    await page.locator('#threads').getByRole('button', { name: 'Approve' }).waitFor({ state: 'detached' });
    await page.keyboard.press('Escape');

    await focusSays(/Approved by Dana Reyes/);
  });

  it('goes back to the button when Slack’s form is closed', async () => {
    await ask(/^Message #general as Alex$/, '@signalbox refund order 7');
    await page.locator('#threads').getByRole('button', { name: 'Approve' }).waitFor();
    await become(/Dana/);

    await pressFocused('Deny with reason…', '#threads');
    await page
      .getByRole('dialog')
      .getByLabel(/Why not/)
      .waitFor();
    await page.keyboard.press('Escape');

    await focusSays(/^Deny with reason…$/);
  });

  it.each([
    ['Approve', 'Approve', /Approved by Dana Reyes/],
    ['a form', 'Deny with reason', /Denied by Dana Reyes/],
  ])('goes to the outcome in Discord after %s', async (_, button, outcome) => {
    await platform('Discord').focus();
    await page.keyboard.press('Enter');
    await ask(/as Alex in Discord/, '/ask refund order 7');
    const buttons = page.locator('#discord').getByRole('button', { name: button }).first();
    await buttons.waitFor();
    await become(/Dana/);

    await buttons.focus();
    await page.keyboard.press('Enter');
    if (button !== 'Approve') {
      await page.locator('#discord-modal textarea').waitFor();
      await page.keyboard.type('not before Monday');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
    }

    await focusSays(outcome);
    expect(complaints).toEqual([]);
  });

  it.each([
    ['Approve', 'Approve', /Approved by Dana Reyes/],
    ['a form', 'Deny with reason', /Denied by Dana Reyes/],
  ])('goes to the outcome on the Web tab after %s', async (_, button, outcome) => {
    story.config = withPerson(story.config, 'dana', { prefers: [Platform.parse('web')] });
    await platform('Web').focus();
    await page.keyboard.press('Enter');
    await ask(/over the web gateway$/, 'refund order 7');
    await page.locator('#web').getByRole('button', { name: 'Approve' }).waitFor();
    await become(/Dana/);
    await page.getByRole('tab', { name: /^direct/ }).focus();
    await page.keyboard.press('Enter');

    await pressFocused(button, '#web');
    if (button !== 'Approve') {
      await page.getByLabel('Why not?').waitFor();
      await page.keyboard.type('not before Monday');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Tab');
      await page.keyboard.press('Enter');
    }

    await focusSays(outcome);
    expect(complaints).toEqual([]);
  });

  it('stays on the button when the answer does not count', async () => {
    await ask(/^Message #general as Alex$/, '@signalbox refund order 7');
    await page.locator('#threads').getByRole('button', { name: 'Approve' }).waitFor();
    await page.evaluate(LISTEN);

    await pressFocused('Approve', '#threads');
    await page
      .locator('#threads')
      .getByText(/You asked for this yourself/)
      .waitFor();

    await focusSays(/^Approve$/);
    expect(await page.evaluate('heard.join()')).toMatch(/You asked for this yourself/);
  });

  it('OB-010 takes commands in Slack, shows their answers to one person, and says which are none', async () => {
    await ask(/^Message #general as Alex$/, '/signalbox help');
    await page.locator('#threads').getByText('What you can write to me').waitFor();
    const hint = await page.locator('#slack-commands').textContent();
    await become(/Dana/);
    const shownToDana = await page.locator('#threads').getByText('What you can write to me').count();
    await ask(/^Message #general as Dana$/, '/approve it');
    await page.getByText('/approve is not a valid command').waitFor();

    expect(hint).toContain('/signalbox ask');
    expect(shownToDana).toBe(0);
    expect(story.sandbox.slack.messages('C0GENERAL')).toEqual([]);
  });

  it('lets a question by command be approved by command, and shows what came of it', async () => {
    await ask(/^Message #general as Alex$/, '/signalbox ask refund order 7');
    await page.locator('#threads').getByText('in our direct messages').waitFor();
    await become(/Dana/);
    await ask(/^Message #general as Dana$/, '/signalbox approvals');
    const line = await page.locator('#threads code').filter({ hasText: 'approve apr_' }).textContent();
    await ask(/^Message #general as Dana$/, line ?? '');
    await become(/Alex/);
    await page
      .locator('#threads')
      .getByText(/allowed, and it is done/)
      .waitFor();

    expect(story.refunds(7)).toEqual([120]);
    expect(complaints).toEqual([]);
  });

  it('shows what a command says on the Web tab once, and never takes it away to show it again', async () => {
    await platform('Web').focus();
    await page.keyboard.press('Enter');
    await page.evaluate(WATCH_REPLIES);

    await ask(/over the web gateway$/, '/help');
    await story.sandbox.web.until((web) => web.heard('alex').some(({ event }) => event.kind === 'notice'));
    await page.locator('#web .ephemeral').getByText('What you can write to me').waitFor();
    await ask(/over the web gateway$/, '/status');
    await page.locator('#web').getByText('You are Alex Kim').waitFor();

    expect(await page.evaluate('seen')).toEqual(['+']);
    expect(await page.locator('#web').getByText('What you can write to me').count()).toBe(1);
    expect(complaints).toEqual([]);
  });
});

/** Notes in `heard` what people are told who listen to the page. */
const LISTEN = `
  window.heard = [];
  const announcer = document.getElementById('announcer');
  new MutationObserver(() => heard.push(announcer.textContent)).observe(announcer, { childList: true });
`;

/** Notes in `seen` each time the reply appears, and each time it goes. */
const WATCH_REPLIES = `
  window.seen = [];
  const note = (mark, nodes) => {
    for (const node of nodes) if (/What you can write to me/.test(node.textContent)) seen.push(mark);
  };
  new MutationObserver((changes) => {
    for (const { addedNodes, removedNodes } of changes) {
      note('+', addedNodes);
      note('-', removedNodes);
    }
  }).observe(document.getElementById('web-messages'), { childList: true, subtree: true });
`;
