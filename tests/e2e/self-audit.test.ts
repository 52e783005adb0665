/** The self-audit in the whole product: nothing to find while people work, and a lost word is said after all. */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest';
import { ApprovalStore } from '../../src/approvals/approval-store.ts';
import { consequencesOf } from '../../src/approvals/consequences.ts';
import { vote } from '../../src/domain/approval/voting.ts';
import { aVote } from '../support/approvals.ts';
import { codesIn, DANA, Story, type StoryConfig } from '../support/story.ts';

const HOUR = 3_600_000;

let story: Story;
let beats: number;

beforeEach(async () => {
  beats = 0;
  const ear = createServer((_, response) => {
    beats++;
    response.end();
  });
  ear.listen(0, '127.0.0.1');
  await once(ear, 'listening');
  onTestFinished(() => {
    ear.closeAllConnections();
    ear.close();
  });
  const { port } = ear.address() as AddressInfo;
  story = await Story.begin({ config: (shipped) => withHeartbeat(shipped, `http://127.0.0.1:${port}/`) });
});

afterEach(async () => {
  await story.end();
});

function withHeartbeat(config: StoryConfig, url: string): StoryConfig {
  const watchdog = { ...config.settings.watchdog, heartbeat_url: url };
  return { ...config, settings: { ...config.settings, watchdog } };
}

it('finds nothing from the question to the effect, by mail and in Slack', async () => {
  const found: string[] = [];
  const look = async () => {
    const { findings } = await story.app.auditor.look();
    found.push(...findings.map(({ kind }) => kind));
  };

  const thread = await story.mention('refund order 7');
  await look();
  const request = await story.mail(DANA.mail, /refund/);
  await look();
  await story.sandbox.mail.reply(request, { line: `approve ${codesIn(request).approve}`, quoting: 'top' });
  await look();
  await story.answer(thread, /Done/);
  await look();
  await story.quiet();
  await look();

  expect(found).toEqual([]);
  expect(beats).toBe(5);
  expect(story.refunds(7)).toHaveLength(1);
});

it('has what was approved run after all, once, when nobody was told of the yes', async () => {
  const thread = await story.mention('refund order 7');
  await story.mail(DANA.mail, /refund/);
  await story.quiet();
  const [asked] = await story.open();
  // A mistake in the step that records a yes: it wakes nobody.
  const forgetful = new ApprovalStore(
    story.redis,
    story.keys,
    (...change) => consequencesOf(...change).filter(({ kind }) => kind !== 'mail'),
    () => HOUR,
  );
  await forgetful.apply(asked!.id, (current, nowMs) => vote(current, aVote(current), nowMs));
  await story.quiet();
  const madeBefore = story.refunds(7).length;

  const { findings } = await story.app.auditor.look();
  const beatsThen = beats;
  await story.answer(thread, /Done/);
  await story.quiet();
  const after = await story.app.auditor.look();

  expect(madeBefore).toBe(0);
  expect(findings).toMatchObject([{ kind: 'waiter-unheard', subject: asked!.id, mended: true }]);
  expect(beatsThen).toBe(0);
  expect(after.findings).toEqual([]);
  expect(beats).toBe(1);
  expect(story.refunds(7)).toHaveLength(1);
});
