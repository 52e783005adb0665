import { SocketModeClient } from '@slack/socket-mode';
import { WebClient } from '@slack/web-api';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ALEX, DANA } from '../../src/sandbox/people.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { CHROMIUM, complaintsOf, launchBrowser } from '../support/page-browser.ts';

const CHANNEL = 'C0GENERAL';
const HOSTILE = '<img src=x onerror="document.title=\'broken\'"><script>document.title="broken"</script>';

if (CHROMIUM === undefined) {
  console.log('The page is not tested in a browser: no Chromium found. Install one, or name it in CHROMIUM.');
}

let browser: Browser;
let page: Page;
let sandbox: Sandbox;
let app: WebClient;
let complaints: string[];

describe.skipIf(CHROMIUM === undefined)('the page, in a browser (skipped without Chromium)', () => {
  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
  });

  beforeEach(async () => {
    sandbox = await startSandbox({ mail: { keyBits: 1024 }, slack: { ackTimeoutMs: 20, retryDelaysMs: [] } });
    app = new WebClient(sandbox.slack.botToken, { slackApiUrl: sandbox.env.SLACK_API_URL! });
    page = await browser.newPage();
    complaints = complaintsOf(page);
    await page.goto(sandbox.url);
  });

  afterEach(async () => {
    await page.close();
    await sandbox.stop();
  });

  it('says that everything is a stand-in, and shows a mention that Alex types', async () => {
    await page.getByLabel('Message #general as Alex').fill('@signalbox refund order 7');
    await page.keyboard.press('Enter');

    await page.getByRole('article').getByText('refund order 7').waitFor();
    expect(await page.getByText('local stand-in').isVisible()).toBe(true);
    expect(sandbox.slack.messages(CHANNEL)).toMatchObject([
      { user: ALEX.slackUser, text: '<@U0SIGNALBOX> refund order 7' },
    ]);
    expect(complaints).toEqual([]);
  });

  it('shows the bot’s answer live, and lets Dana press its button and fill in its modal', async () => {
    const client = await appWithModal();
    const { ts } = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'go' });
    await app.chat.postMessage({ channel: CHANNEL, thread_ts: ts, text: 'Refund?', blocks: CARD });
    await page.getByText('Dana Reyes').first().click();

    await page.getByRole('button', { name: 'Deny with reason' }).click();
    const modal = page.getByRole('dialog', { name: 'Deny' });
    await modal.getByLabel('Why?').fill('too much');
    await modal.getByRole('button', { name: 'Deny', exact: true }).click();
    await modal.waitFor({ state: 'hidden' });

    expect(await client.submitted).toBe('too much');
    expect(complaints).toEqual([]);
    await client.disconnect();
  });

  it('says so when nobody is there to take a button press', async () => {
    await app.chat.postMessage({ channel: CHANNEL, text: 'Refund?', blocks: CARD });

    await page.getByRole('button', { name: 'Deny with reason' }).click();

    await page.getByText('did not respond').waitFor();
    expect(sandbox.slack.deliveries.at(-1)).toMatchObject({
      what: 'block_actions',
      outcome: 'connection_failed',
    });
  });

  it('shows a person what only they see', async () => {
    await app.chat.postEphemeral({ channel: CHANNEL, user: DANA.slackUser, text: 'just between us' });
    const secret = page.getByText('just between us');

    const shownToAlex = await secret.count();
    await page.getByText('Dana Reyes').first().click();
    await secret.waitFor();

    expect(shownToAlex).toBe(0);
    expect(await page.getByText('Only visible to Dana').isVisible()).toBe(true);
  });

  it('lets Alex write and answer mail, and shows how far it got', async () => {
    const mailbox = page.getByRole('region', { name: /Alex Kim/ });
    await mailbox.getByRole('button', { name: 'Write' }).click();
    await mailbox.getByLabel('Text').fill('refund order 7');
    await mailbox.getByRole('button', { name: 'Send' }).first().click();

    await mailbox.getByText('waiting for the gateway').waitFor();
    expect(sandbox.mail.deliveries).toMatchObject([{ sender: ALEX.mail, state: 'queued' }]);
  });

  it('shows hostile words as words, in Slack and in mail', async () => {
    await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: HOSTILE });
    await app.chat.postMessage({
      channel: CHANNEL,
      text: `<javascript:alert(1)|click> ${HOSTILE}`,
      blocks: [{ type: 'markdown', text: `[x](javascript:alert(1)) ${HOSTILE}` }],
    });
    await sandbox.mail.send({
      from: ALEX.mail,
      to: [DANA.mail],
      subject: HOSTILE,
      text: HOSTILE,
      html: HOSTILE,
    });
    const mailbox = page.getByRole('region', { name: /Dana Reyes/ });
    await mailbox.getByText('onerror').first().click();
    await mailbox.getByRole('button', { name: 'HTML part' }).click();
    await mailbox.locator('iframe').waitFor();

    expect(await page.title()).toBe('Signalbox sandbox');
    expect(
      await page
        .locator('#threads img[src=x], #threads script, .mail-item script, a[href^=javascript]')
        .count(),
    ).toBe(0);
    expect(await mailbox.locator('iframe').getAttribute('sandbox')).toBe('');
  });

  it('can be used with the keyboard alone', async () => {
    await page.getByRole('radio', { name: /Alex/ }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByRole('tab', { name: '# general' }).focus();
    await page.keyboard.press('ArrowRight');
    await page.getByLabel('Message #ops as Dana').waitFor();
    await page.getByLabel('Message #ops as Dana').focus();
    await page.keyboard.type('hello');
    await page.keyboard.press('Enter');
    await page.getByRole('article').getByText('hello').waitFor();

    expect(sandbox.slack.messages('C0OPS')).toMatchObject([{ user: DANA.slackUser, text: 'hello' }]);
  });

  it('keeps what somebody is typing while news arrives', async () => {
    const { ts } = await sandbox.slack.say({ user: ALEX.slackUser, channel: CHANNEL, text: 'go' });
    await page.getByRole('button', { name: 'Reply in thread' }).click();
    await page.keyboard.type('half a sen');
    await app.chat.postMessage({ channel: CHANNEL, thread_ts: ts, text: 'meanwhile' });
    await page.getByText('meanwhile').first().waitFor();
    await page.keyboard.type('tence');
    await page.keyboard.press('Enter');

    await sandbox.slack.until((slack) =>
      slack.thread(CHANNEL, ts).some(({ text }) => text === 'half a sentence'),
    );
  });
});

describe('the page, to strangers', () => {
  beforeEach(async () => {
    sandbox = await startSandbox({ mail: { keyBits: 1024 } });
  });

  afterEach(async () => {
    await sandbox.stop();
  });

  it('serves itself with a policy that runs nothing from elsewhere', async () => {
    const response = await fetch(sandbox.url);

    expect(response.headers.get('content-security-policy')).toContain(
      "default-src 'none'; script-src 'self'",
    );
    expect(await response.text()).toContain('Signalbox');
  });

  it.each([
    ['another page', { origin: 'http://evil.test', 'content-type': 'application/json' }, 403],
    ['a form, which is no JSON', { 'content-type': 'text/plain' }, 400],
  ])('does nothing for %s', async (_who, headers, status) => {
    const response = await fetch(`${sandbox.url}/page/say`, {
      method: 'POST',
      headers,
      body: JSON.stringify({ user: ALEX.slackUser, channel: CHANNEL, text: 'forged' }),
    });

    expect(response.status).toBe(status);
    expect(sandbox.slack.messages(CHANNEL)).toEqual([]);
  });
});

const CARD = [
  { type: 'header' as const, text: { type: 'plain_text' as const, text: 'Refund: order 7' } },
  {
    type: 'actions' as const,
    elements: [
      {
        type: 'button' as const,
        action_id: 'deny',
        text: { type: 'plain_text' as const, text: 'Deny with reason' },
      },
    ],
  },
];

const MODAL = {
  type: 'modal' as const,
  title: { type: 'plain_text' as const, text: 'Deny' },
  submit: { type: 'plain_text' as const, text: 'Deny' },
  blocks: [
    {
      type: 'input' as const,
      block_id: 'why',
      label: { type: 'plain_text' as const, text: 'Why?' },
      element: { type: 'plain_text_input' as const, action_id: 'text', multiline: true },
    },
  ],
};

/** An app that opens a modal for every press and takes what is submitted. */
async function appWithModal(): Promise<{ submitted: Promise<string>; disconnect(): Promise<void> }> {
  const client = new SocketModeClient({
    appToken: sandbox.slack.appToken,
    clientOptions: { slackApiUrl: sandbox.env.SLACK_API_URL! },
  });
  const submitted = new Promise<string>((resolve) => {
    client.on('slack_event', async ({ body, ack }) => {
      await ack();
      if (body.type === 'block_actions') await app.views.open({ trigger_id: body.trigger_id, view: MODAL });
      if (body.type === 'view_submission') resolve(body.view.state.values.why.text.value);
    });
  });
  await client.start();
  return { submitted, disconnect: () => client.disconnect() };
}
