/** The real process under a flood of what no platform and no mail program would send, while people are served. */
import fc from 'fast-check';
import { createTransport } from 'nodemailer';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import { GatewayHome, type GatewayProcess } from '../support/gateway-process.ts';
import { ALEX, BOT, GENERAL, textOf } from '../support/story.ts';
import { expectNoViolations } from '../support/violations.ts';

/** Together 1,000 in each test; each channel's own tests take 1,000 of its kind. */
const FRAMES = 800;
const MAILS = 200;
const REQUESTS = 1_000;
/** The same flood in every run. */
const SEED = 188;

let sandbox: Sandbox;
let home: GatewayHome;
let gateway: GatewayProcess;

beforeEach(async () => {
  sandbox = await startSandbox({ port: 0, mail: { keyBits: 1_024 } });
  home = await GatewayHome.create(sandbox);
  await home.edit('settings.yaml', (text) =>
    text.replace('messages_per_person_per_minute: 30', 'messages_per_person_per_minute: 10000'),
  );
});
afterEach(async () => {
  await gateway.stop();
  await sandbox.stop();
  await home.remove();
  expectNoViolations(sandbox.discord, sandbox.jira);
});

const jsonValue = fc.jsonValue({ maxDepth: 4 });
const nested = fc.integer({ min: 100, max: 2_000 }).map((depth) => '['.repeat(depth) + ']'.repeat(depth));
const huge = fc.integer({ min: 1, max: 5 }).map((size) => 'x'.repeat(size * 20_000));
const orJson = (value: fc.Arbitrary<unknown>) => fc.oneof({ weight: 3, arbitrary: value }, jsonValue);

const event = fc.record(
  {
    type: orJson(fc.constantFrom('message', 'app_mention', 'reaction_added', '__proto__')),
    subtype: orJson(fc.constantFrom('message_changed', 'message_deleted', 'bot_message')),
    user: jsonValue,
    channel: jsonValue,
    ts: orJson(fc.constantFrom('NaN', '-1', '99999999999999999999', '')),
    text: orJson(fc.oneof(huge, fc.string({ unit: 'binary' }))),
    blocks: jsonValue,
    message: jsonValue,
  },
  { requiredKeys: [] },
);
const interaction = fc.record(
  {
    type: fc.constantFrom('block_actions', 'view_submission', 'shortcut'),
    actions: orJson(fc.array(fc.record({ action_id: jsonValue, value: jsonValue }))),
    view: jsonValue,
    container: jsonValue,
    message: jsonValue,
    user: jsonValue,
  },
  { requiredKeys: ['type'] },
);
const payload = fc.oneof(
  jsonValue,
  fc.record({ type: orJson(fc.constant('event_callback')), event: orJson(event), team_id: jsonValue }),
  interaction,
);

describe('1,000 malformed inputs', () => {
  it('OM-188 OM-185 through the socket to Slack and by mail leave the process up and everybody else served', {
    timeout: 60_000,
  }, async () => {
    gateway = home.start();
    await gateway.line(/^ready$/);
    const smtp = createTransport({ port: home.mailPort, host: '127.0.0.1', pool: true, ignoreTLS: true });
    const envelope = { from: 'eve@evil.test', to: BOT.mail };
    const answers: unknown[] = [];

    const served = await serveDuring(async () => {
      for (const frame of fc.sample(malformedFrame, { numRuns: FRAMES, seed: SEED })) {
        sandbox.slack.deliverFrame(frame);
      }
      await Promise.all(
        fc.sample(malformedMail, { numRuns: MAILS, seed: SEED }).map(async (raw) => {
          const refusal = (error: { responseCode?: number }) => error.responseCode;
          answers.push(await smtp.sendMail({ envelope, raw }).then(() => 250, refusal));
        }),
      );
    });
    smtp.close();

    expect(served).toBeGreaterThan(1);
    await expectUnharmed(served);
    expect(new Set(answers)).toEqual(new Set([250, 554]));
    const dropped = gateway.lines.filter(({ msg }) => /could not be read|malformed/.test(msg));
    expect(dropped.length).toBeGreaterThan(FRAMES / 2);
  });

  it('OM-188 OM-185 to the request URL are refused or passed over, and leave the process up and everybody else served', async () => {
    gateway = home.start({ SLACK_MODE: 'http' });
    const { url } = await gateway.line(/^waiting for webhooks$/);
    await gateway.line(/^ready$/);
    sandbox.slack.deliverTo(`${String(url)}/slack/events`);
    const statuses: number[] = [];

    const served = await serveDuring(async () => {
      const bodies = fc.sample(malformedBody, { numRuns: REQUESTS, seed: SEED });
      await inLanes(20, bodies, async ({ body, contentType, signature }) => {
        const outcome = await sandbox.slack.deliverRaw({
          body,
          contentType,
          ...(signature === undefined ? {} : { signature }),
        });
        statuses.push(outcome.kind === 'answered' ? outcome.status : 0);
      });
    });

    expect(served).toBeGreaterThan(1);
    await expectUnharmed(served);
    expect(new Set(statuses)).toEqual(new Set([200, 400, 401]));
    const refused = statuses.filter((status) => status !== 200).length;
    const lines = gateway.lines.filter(({ level }) => level === 'warn');
    expect(lines.length).toBeGreaterThanOrEqual(refused);
  });
});

const malformedFrame = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  fc.string({ unit: 'binary', maxLength: 300 }),
  nested,
  jsonValue.map((value) => JSON.stringify(value)),
  fc
    .record({
      envelope_id: orJson(fc.uuid()),
      type: orJson(fc.constantFrom('events_api', 'interactive', 'slash_commands')),
      payload,
    })
    .map((value) => JSON.stringify(value)),
);

const malformedBody = fc.record({
  body: fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    nested,
    payload.map((value) => JSON.stringify(value)),
    payload.map((value) => `payload=${encodeURIComponent(JSON.stringify(value))}`),
  ),
  contentType: fc.constantFrom('application/json', 'application/x-www-form-urlencoded', 'text/plain', '%%'),
  signature: fc.option(fc.constantFrom('v0=00', '', 'v1=aa'), { nil: undefined, freq: 4 }),
});

const head = 'From: Eve <eve@evil.test>\r\nMIME-Version: 1.0\r\n';
const malformedMail = fc.oneof(
  fc.uint8Array({ maxLength: 1_000 }).map((bytes) => Buffer.from(bytes)),
  fc
    .string({ unit: 'binary', maxLength: 300 })
    .map((text) => Buffer.from(`${head}Subject: ${text}\r\n\r\n${text}`)),
  fc
    .integer({ min: 51, max: 200 })
    .map((depth) =>
      Buffer.from(
        head +
          Array.from(
            { length: depth },
            (_, at) => `Content-Type: multipart/mixed; boundary="b${at}"\r\n\r\n--b${at}\r\n`,
          ).join(''),
      ),
    ),
  huge.map((text) => Buffer.from(`${head}X: ${text}\r\n\r\n${text}`)),
  fc
    .constantFrom(
      'Content-Type: ;;;',
      'Content-Transfer-Encoding: base64\r\nContent-Type: text/plain; charset="?"',
    )
    .map((field) => Buffer.from(`${head}${field}\r\n\r\n!!!`)),
);

/** Alex asks one question after the other while `flood` lasts, and once more behind it. Resolves with how many. */
async function serveDuring(flood: () => Promise<void>): Promise<number> {
  let flooding = true;
  const over = flood().finally(() => {
    flooding = false;
  });
  let served = 0;
  for (;;) {
    const last = !flooding;
    const { ts } = await sandbox.slack.say({
      user: ALEX.slack,
      channel: GENERAL,
      text: '@signalbox what can you do?',
    });
    await sandbox.slack.until((slack) =>
      slack.thread(GENERAL, ts).some((message) => /Here is what I can do/.test(textOf(message))),
    );
    served++;
    if (last) break;
  }
  await over;
  return served;
}

async function expectUnharmed(served: number): Promise<void> {
  expect(gateway.child.exitCode).toBeNull();
  expect(sandbox.slack.messages(GENERAL).filter(({ user }) => user === BOT.slack)).toHaveLength(served);
  expect(sandbox.shop.refunds).toEqual([]);
  expect(sandbox.claude.requests).toHaveLength(served);
  expect(gateway.lines.filter(({ msg }) => msg === 'ready')).toHaveLength(1);
}

async function inLanes<Item>(
  lanes: number,
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const waiting = [...items];
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let item = waiting.shift(); item !== undefined; item = waiting.shift()) await work(item);
    }),
  );
}
