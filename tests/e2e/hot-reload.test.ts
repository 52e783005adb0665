/** Changing the configuration while the real process runs: counted from then on, refused when wrong, never noticed by those who talk. */
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Mail } from '../../src/sandbox/mail/mail.ts';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';
import type { SlackMessage } from '../../src/sandbox/slack/workspace.ts';
import { GatewayHome, type GatewayProcess } from '../support/gateway-process.ts';
import { ALEX, codesIn, DANA, GENERAL, textOf } from '../support/story.ts';
import { expectNoViolations } from '../support/violations.ts';

// Whole processes start and end here, beside whatever else the machine is busy with.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

const CHANGED = /^configuration changed$/;
const REFUSED = /^configuration change refused/;
const HOUR = 60 * 60_000;

let sandbox: Sandbox;
let home: GatewayHome;
let gateway: GatewayProcess;
let order = 100;

beforeAll(async () => {
  sandbox = await startSandbox({ port: 0, mail: { keyBits: 1_024 } });
  home = await GatewayHome.create(sandbox);
  await home.edit('settings.yaml', (text) =>
    text.replace('messages_per_person_per_minute: 30', 'messages_per_person_per_minute: 10000'),
  );
  gateway = home.start();
  await gateway.line(/^ready$/);
});
afterAll(async () => {
  await gateway.stop();
  await sandbox.stop();
  await home.remove();
  expectNoViolations(sandbox.discord, sandbox.jira);
});

/** Changes one file, and resolves when the process has said what it made of it. */
async function change(file: string, what: (text: string) => string, answer = CHANGED): Promise<void> {
  const before = gateway.lines.filter(({ msg }) => answer.test(msg)).length;
  await home.edit(file, what);
  await gateway.line(answer, before + 1);
}

async function say(text: string): Promise<string> {
  const { ts } = await sandbox.slack.say({ user: ALEX.slack, channel: GENERAL, text: `@signalbox ${text}` });
  return ts;
}

function answer(thread: string, pattern: RegExp): Promise<SlackMessage> {
  return sandbox.slack.until((slack) =>
    slack
      .thread(GENERAL, thread)
      .find((message) => message.user === 'U0SIGNALBOX' && pattern.test(textOf(message))),
  );
}

/** Asks for a refund of an order of its own, and resolves with the mail to Dana. */
async function ask(amount = 120): Promise<{ thread: string; mail: Mail }> {
  order += 1;
  const subject = new RegExp(`refund: order ${order}`);
  const thread = await say(`refund order ${order} for ${amount} EUR`);
  const mail = await sandbox.mail.until(() =>
    sandbox.mail.mailbox(DANA.mail).find((each) => subject.test(each.text)),
  );
  return { thread, mail };
}

/** How long from now, in hours. */
function hoursLeft({ text }: Mail): number {
  const [, day, time] = /Decide before: ([^,]+), (\S+) UTC/.exec(text) ?? [];
  return (Date.parse(`${day} ${time} UTC`) - Date.now()) / HOUR;
}

describe('a change while it runs', () => {
  it('OM-022 OM-098 OM-020 of the deadline counts for the next approval and not for those that wait, in the same process', async () => {
    const { pid } = gateway.child;
    const before = await ask();

    await change('escalation.yaml', (text) =>
      text.replace('deadline: 24h', 'deadline: 3h').replace('remind_after: [6h, 18h]', 'remind_after: [1h]'),
    );
    const after = await ask();
    await sandbox.mail.reply(before.mail, {
      line: `approve ${codesIn(before.mail).approve}`,
      quoting: 'none',
    });
    const card = await answer(before.thread, /Approved by Dana Reyes.*Done/);

    expect(hoursLeft(before.mail)).toBeGreaterThan(23);
    expect(hoursLeft(after.mail)).toBeGreaterThan(2.9);
    expect(hoursLeft(after.mail)).toBeLessThan(3.1);
    expect(card).toBeDefined();
    expect(gateway.child.exitCode).toBeNull();
    expect(gateway.child.pid).toBe(pid);
    expect(gateway.lines.filter(({ msg }) => msg === 'ready')).toHaveLength(1);
  });

  it('OM-020 OM-181 of a rule makes the next call run that had to wait before', async () => {
    const asked = await ask();

    await change('authorizations.yaml', (text) =>
      text.replace('amount: "<= 50"', 'amount: "<= 500"').replace('amount: "> 50"', 'amount: "> 500"'),
    );
    const thread = await say(`refund order ${++order} for 120 EUR`);
    await answer(thread, /was refunded 120\.00 EUR/);

    expect(asked.mail.text).toContain('Decide before');
    expect(sandbox.shop.refunds.filter((refund) => refund.order === order)).toHaveLength(1);
  });

  it('OM-100 OM-021 that is broken is reported with file, line, key, what was expected and what was found, and what was in force stays', async () => {
    await change('escalation.yaml', (text) => text.replace('deadline: 3h', 'deadline: soon'), REFUSED);

    const problems = JSON.stringify(gateway.lines.findLast(({ msg }) => REFUSED.test(msg)));
    const { mail } = await askForMore();
    expect(problems).toMatch(/escalation\.yaml/);
    expect(problems).toContain('policies.default.deadline');
    expect(problems).toContain('soon');
    expect(hoursLeft(mail)).toBeLessThan(3.1);

    await change('escalation.yaml', (text) => text.replace('deadline: soon', 'deadline: 5h'));
    expect(hoursLeft((await askForMore()).mail)).toBeGreaterThan(4.9);
  });

  it('OM-024 that gives somebody a role there is not is refused, and nobody gains or loses anything by it', async () => {
    await change(
      'contacts.yaml',
      (text) => text.replace('roles: [member, engineer]', 'roles: [member, engineer, emperor]'),
      REFUSED,
    );

    const problems = JSON.stringify(gateway.lines.findLast(({ msg }) => REFUSED.test(msg)));
    await answer(await say('deploy api to staging'), /api is deployed to staging/);
    expect(problems).toMatch(/contacts\.yaml/);
    expect(problems).toContain('emperor');

    await home.edit('contacts.yaml', (text) => text.replace(', emperor', ''));
    await gateway.line(/^configuration is whole again$/);
  });
});

describe('folders of skills', () => {
  it('OM-100 are not moved to where the agent may write while it runs', async () => {
    const files = join(gateway.folder, 'files');
    const ready = gateway.lines.filter(({ msg }) => /^ready$/.test(msg)).length;
    await home.edit('settings.yaml', (text) => `${text}workspace: { directory: ${files} }\n`);
    await gateway.line(/^starting over: settings\.workspace changed/);
    await gateway.line(/^ready$/, ready + 1);

    await change(
      'settings.yaml',
      (text) => text.replace(/^ {2}workspace: .*$/m, `  workspace: ${join(files, 'skills')}`),
      REFUSED,
    );

    const [refused] = gateway.lines.filter(({ msg }) => REFUSED.test(msg)).slice(-1);
    expect(JSON.stringify(refused)).toContain(
      `the workspace ${files} and ${join(files, 'skills')} lie in one another`,
    );
    await answer(await say('what can you do?'), /Here is what I can do/);

    await home.edit('settings.yaml', (text) =>
      text.replace(/^ {2}workspace: .*$/m, '  workspace: workspace/skills'),
    );
    await gateway.line(
      /^configuration is whole again$/,
      gateway.lines.filter(({ msg }) => /^configuration is whole again$/.test(msg)).length + 1,
    );
  });
});

describe('a change of what is read at start', () => {
  const READY = /^ready$/;
  const times = (words: RegExp) => gateway.lines.filter(({ msg }) => words.test(msg)).length;

  it('OM-022 OM-099 starts the gateway over in the same process, and what waits goes on waiting', async () => {
    const { pid } = gateway.child;
    const asked = await askForMore();

    const ready = times(READY) + 1;
    await home.edit('settings.yaml', (text) => text.replace('lease: 3s', 'lease: 4s'));
    await gateway.line(/^starting over: settings\.workers\.lease changed/);
    const later = say('what can you do?'); // while nobody listens, or nearly
    await gateway.line(READY, ready);

    await answer(await later, /Here is what I can do/);
    await sandbox.mail.reply(asked.mail, { line: `approve ${codesIn(asked.mail).approve}`, quoting: 'none' });
    await answer(asked.thread, /Approved by Dana Reyes.*Done/);
    expect(gateway.child.pid).toBe(pid);
    expect(gateway.child.exitCode).toBeNull();
  });

  it('OM-100 that nothing can be started with is refused with the reason, and what was in force is in force again', async () => {
    const ready = times(READY) + 1;
    const refused = times(REFUSED) + 1;
    await home.edit('settings.yaml', (text) => text.replace(/bot_token: .*/, 'bot_token: xoxb-revoked'));
    await gateway.line(/^starting over: settings\.gateways changed/);
    await gateway.line(READY, ready);

    expect(JSON.stringify(await gateway.line(REFUSED, refused))).toMatch(
      /nothing can be started with it.*token/,
    );
    await answer(await say('what can you do?'), /Here is what I can do/);
    expect(gateway.child.exitCode).toBeNull();

    await home.edit('settings.yaml', (text) =>
      text.replace('bot_token: xoxb-revoked', ['bot_token: $', '{SLACK_BOT_TOKEN:-}'].join('')),
    );
    await gateway.line(/^configuration is whole again$/, times(/^configuration is whole again$/) + 1);
  });
});

describe('many changes while many people talk', () => {
  it('OM-099 loses, doubles and fails nothing', async () => {
    const errorsBefore = gateway.lines.filter(({ level }) => level === 'error').length;
    const threads: string[] = [];
    let changes = 0;

    const talking = (async () => {
      while (changes < 6) {
        const more = await Promise.all(Array.from({ length: 10 }, () => say('what can you do?')));
        threads.push(...more);
        await Promise.all(more.map((thread) => answer(thread, /Here is what I can do/)));
      }
    })();
    for (; changes < 6; changes++) {
      await change('purpose.yaml', (text) => text.replace(/You help( and help)*/, '$& and help'));
    }
    await talking;
    await sandbox.slack.until(({ unacknowledged }) => unacknowledged === 0);

    for (const thread of threads) expect(sandbox.slack.thread(GENERAL, thread)).toHaveLength(2);
    expect(gateway.lines.filter(({ level }) => level === 'error')).toHaveLength(errorsBefore);
    const systems = new Set(sandbox.claude.requests.map(({ system }) => JSON.stringify(system)));
    expect(systems.size).toBeGreaterThan(3);
  });
});

/** A refund that has to wait also after the rules were relaxed. */
function askForMore(): ReturnType<typeof ask> {
  return ask(900);
}
