import { expect } from 'vitest';
import { OTHER_APP } from '../../src/sandbox/jira/catalogue.ts';
import { ALEX, BOT, DANA, EVE } from '../../src/sandbox/people.ts';
import { openJira } from '../support/jira-gateway.ts';
import { describeGateway } from './gateway.contract.ts';
import { BOT_TURNS, type PlatformWorld, type WorldOptions } from './platform-world.ts';

const PEOPLE = { alex: ALEX.jiraAccount, dana: DANA.jiraAccount, eve: EVE.jiraAccount };

for (const flavour of ['cloud', 'data-center'] as const) {
  describeGateway(`Jira (${flavour})`, (options) => openJiraWorld(flavour, options), {
    reconnect: 'Jira calls; there is no connection to drop',
    ...(flavour === 'data-center' ? { bots: 'Data Center does not tell apps from people' } : {}),
  });
}

async function openJiraWorld(
  flavour: 'cloud' | 'data-center',
  { hearsBots = false }: WorldOptions = {},
): Promise<PlatformWorld> {
  const bots = hearsBots ? [OTHER_APP] : [];
  const jira = await openJira({ settings: { bots, bot_turns: BOT_TURNS }, sandbox: { flavour } });
  const { sandbox, gateway } = jira;
  const ours = (issue: string) => sandbox.comments(issue).filter(({ author }) => author === BOT.jiraAccount);
  const newest = new Map<string, string>();
  /** A line to answer with, as the newest card names it. */
  const lineOf = (issue: string, pattern: RegExp): string => {
    const [line] = pattern.exec(ours(issue).at(-1)?.body ?? '') ?? [];
    if (line === undefined) throw new Error(`the card names no such line: ${pattern}`);
    return line;
  };
  /** Every mention in a text of ours notifies; who is told something in an issue is told by one. */
  const spoke = new Set([sandbox.mention(PEOPLE.alex)]);
  const mentionsIn = (text: string) =>
    (text.match(/(?<!\\)\[~[^\]]+\]/g) ?? []).filter((each) => !spoke.has(each));
  return {
    name: 'Jira',
    gateway,
    received: jira.received,
    onReceive: jira.onReceive,
    start: jira.start,
    say: async (text, files = []) => {
      const { key, acknowledged: created } = sandbox.createIssue({
        user: ALEX.jiraAccount,
        summary: 'A place',
      });
      await created.catch(() => undefined);
      for (const { name, mediaType, base64 } of files) {
        const bytes = Buffer.from(base64, 'base64');
        sandbox.attach({ user: ALEX.jiraAccount, issue: key, filename: name, mimeType: mediaType, bytes });
      }
      const names = files.map(({ name }) => ` [^${name}]`).join('');
      const said = sandbox.comment({
        user: ALEX.jiraAccount,
        issue: key,
        text: `@signalbox ${text}${names}`,
      });
      await said.acknowledged;
      newest.set(key, said.id);
      return { place: jira.messages().at(-1)!.replyTo, ref: key };
    },
    sayUnheard: async (text) => {
      const [{ key } = { key: '' }] = sandbox.issues;
      const said = sandbox.comment({ user: ALEX.jiraAccount, issue: key, text: `@signalbox ${text}` });
      await said.acknowledged.catch(() => undefined); // given up by Jira
    },
    shown: async ({ ref }) => ours(ref).map(({ body }) => body),
    plain: (native) =>
      native
        .replaceAll(/\[([^\]|\\]+)\|([^\]]+)\]/g, '$1 ⟨$2⟩')
        .replaceAll(/\[(https?:[^\]]+)\]/g, '$1')
        .replaceAll(/\\(.)/g, '$1')
        .replaceAll(/(?<!\w)[*_](?=\S)|(?<=\S)[*_](?!\w)/g, ''),
    limit: { size: 32_767, sizeOf: (text) => text.length, fence: /\{code\}/g },
    redeliver: async () => {
      await sandbox.redeliver('comment_created');
    },
    echo: async () => {
      await sandbox.until(({ unacknowledged }) => unacknowledged === 0);
      await sandbox.redeliver('comment_created');
    },
    sayAsBot: async (text, { ref }) => {
      const said = sandbox.comment({ user: OTHER_APP, issue: ref, text: `@signalbox ${text}` });
      await said.acknowledged;
    },
    edit: async ({ ref }, text) => {
      const id = newest.get(ref) ?? '';
      await sandbox.editComment({ user: ALEX.jiraAccount, id, text }).acknowledged;
    },
    pings: () => sandbox.issues.flatMap(({ key }) => ours(key).flatMap(({ body }) => mentionsIn(body))),
    /** Everybody reads every comment; whoever is mentioned in one is told. */
    toldTo: async (words) => {
      const texts = sandbox.issues.flatMap(({ key }) => ours(key).map(({ body }) => body));
      const about = texts.filter((text) => text.includes(words));
      const named = (['alex', 'dana', 'eve'] as const).filter((who) =>
        about.some((text) => text.includes(sandbox.mention(PEOPLE[who]))),
      );
      return about.length > 0 && named.length === 0 ? ['everybody'] : named;
    },
    // A mention is all there is, so what was written over has to be without one, too.
    unguarded: () =>
      ['addComment', 'updateComment'].flatMap(jira.calls).flatMap((body) => mentionsIn(JSON.stringify(body))),
    cards: {
      inWords: true,
      isOpen: async ({ ref }) => ours(ref).some(({ body }) => /^approve apr_/m.test(body)),
      approve: async ({ ref }, who) => {
        const line = lineOf(ref, /^approve apr_\S+$/m);
        spoke.add(sandbox.mention(PEOPLE[who]));
        await sandbox.comment({ user: PEOPLE[who], issue: ref, text: line }).acknowledged;
        return undefined;
      },
      deny: async ({ ref }, reason) => {
        const text = `${lineOf(ref, /^deny apr_\S+/m)} ${reason}`;
        await sandbox.comment({ user: PEOPLE.dana, issue: ref, text }).acknowledged;
      },
    },
    refuse: (how) =>
      sandbox.fail(
        'addComment',
        how.kind === 'permanent'
          ? { kind: 'status', status: 403 }
          : { kind: 'rate-limited', retryAfterSeconds: how.seconds, reason: 'jira-burst-based' },
      ),
    malformed: async (count) => {
      for (let n = 0; n < count; n++) {
        const status = await sandbox.deliverRaw({ body: NONSENSE[n % NONSENSE.length] ?? '' });
        if (typeof status !== 'number' || status >= 500) throw new Error(`Jira was answered ${status}`);
      }
    },
    files: async ({ ref }) =>
      sandbox
        .attachments(ref)
        .filter(({ author }) => author === BOT.jiraAccount)
        .map(({ filename, base64 }) => ({
          name: filename,
          content: Buffer.from(base64, 'base64').toString(),
        })),
    close: async () => {
      await jira.close();
      // What it sent keeps to the limits and shapes that are published.
      expect(jira.sandbox.violations).toEqual([]);
    },
  };
}

const NONSENSE = [
  '',
  '{',
  'null',
  '{"webhookEvent":[]}',
  JSON.stringify({ webhookEvent: 'comment_created', comment: { id: '../..' }, issue: { id: '%00' } }),
  JSON.stringify({
    webhookEvent: 'jira:issue_updated',
    issue: { id: '1' },
    changelog: { id: '1', items: [{}] },
  }),
];
