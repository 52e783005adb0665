import type { Inbound } from '../../src/domain/message.ts';
import { OTHER_APP } from '../../src/sandbox/jira/catalogue.ts';
import { ALEX, BOT, DANA, EVE } from '../../src/sandbox/people.ts';
import { type JiraFixture, openJira } from '../support/jira-gateway.ts';
import { describeGateway } from './gateway.contract.ts';
import { BOT_TURNS, type PlatformWorld, type WorldOptions } from './platform-world.ts';

const PEOPLE = { alex: ALEX.jiraAccount, dana: DANA.jiraAccount, eve: EVE.jiraAccount };

const NO_PROGRESS = 'every edit of a comment would be mailed to whoever watches the issue';

for (const flavour of ['cloud', 'data-center'] as const) {
  describeGateway(`Jira (${flavour})`, (options) => openJiraWorld(flavour, 'webhook', options), {
    progress: NO_PROGRESS,
    reconnect: 'Jira calls; there is no connection to drop',
    ...(flavour === 'data-center' ? { bots: 'Data Center does not tell apps from people' } : {}),
  });
}

describeGateway('Jira (cloud, polled)', (options) => openJiraWorld('cloud', 'poll', options), {
  progress: NO_PROGRESS,
  reconnect: 'Jira is asked anew each time; there is no connection to drop',
});

async function openJiraWorld(
  flavour: 'cloud' | 'data-center',
  mode: 'webhook' | 'poll',
  { hearsBots = false }: WorldOptions = {},
): Promise<PlatformWorld> {
  const bots = hearsBots ? [OTHER_APP] : [];
  const isPolled = mode === 'poll';
  const jira = await openJira({
    settings: { mode, bots, bot_turns: BOT_TURNS },
    sandbox: { flavour },
    timing: { pollEveryMs: 1, pollPauseAtMostMs: 1 },
  });
  const { sandbox, gateway } = jira;
  if (isPolled) sandbox.deliverTo(undefined);
  /** Resolves once the core has it, however it hears of it. */
  const taken = async ({
    id,
    acknowledged,
  }: {
    id: string;
    acknowledged: Promise<void>;
  }): Promise<Inbound> => {
    if (!isPolled) await acknowledged;
    return jira.heard(() => jira.received.findLast((inbound) => inbound.id.endsWith(`:${id}`)));
  };
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
      if (!isPolled) await created.catch(() => undefined);
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
      const heard = await taken(said);
      newest.set(key, said.id);
      if (heard.kind !== 'message') throw new Error(`a comment was heard as ${heard.kind}`);
      return { place: heard.replyTo, ref: key };
    },
    sayUnheard: async (text) => {
      const [{ key } = { key: '' }] = sandbox.issues;
      const said = sandbox.comment({ user: ALEX.jiraAccount, issue: key, text: `@signalbox ${text}` });
      if (!isPolled) return said.acknowledged.catch(() => undefined); // given up by Jira
      // As long as a gateway that still polls needs to ask, and to read the issue.
      for (let n = 0; n < 10; n++) await gateway.check();
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
      if (!isPolled) return void (await sandbox.redeliver('comment_created'));
      // An issue that changed is looked at whole.
      const before = jira.received.length;
      const [issue = ''] = [...newest.keys()].slice(-1);
      sandbox.transition({ user: ALEX.jiraAccount, issue, to: 'Done' });
      await jira.heard(() => jira.received.length > before);
    },
    echo: async () => {
      if (isPolled) return; // what changed first is looked at first
      await sandbox.until(({ unacknowledged }) => unacknowledged === 0);
      await sandbox.redeliver('comment_created');
    },
    sayAsBot: async (text, { ref }) => {
      const said = sandbox.comment({ user: OTHER_APP, issue: ref, text: `@signalbox ${text}` });
      await taken(said);
    },
    edit: async ({ ref }, text) => {
      const id = newest.get(ref) ?? '';
      const { acknowledged } = sandbox.editComment({ user: ALEX.jiraAccount, id, text });
      if (isPolled) await jira.heard(() => jira.revisions().length > 0);
      else await acknowledged;
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
        await taken(sandbox.comment({ user: PEOPLE[who], issue: ref, text: line }));
        return undefined;
      },
      deny: async ({ ref }, reason) => {
        const text = `${lineOf(ref, /^deny apr_\S+/m)} ${reason}`;
        await taken(sandbox.comment({ user: PEOPLE.dana, issue: ref, text }));
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
      if (isPolled) return answerNonsense(jira, count);
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
    // Fails when what it asked for does not keep to the limits and shapes that are published.
    close: jira.close,
  };
}

/** As answers to what is asked, because nobody calls. */
async function answerNonsense({ sandbox, calls }: JiraFixture, count: number): Promise<void> {
  const before = calls(SEARCH).length;
  for (let n = 0; n < count; n++) {
    sandbox.fail(SEARCH, { kind: 'garbage', body: NO_ANSWERS[n % NO_ANSWERS.length] ?? '' });
  }
  await sandbox.until(() => calls(SEARCH).length > before + count, { timeoutMs: 50_000 });
}

const SEARCH = 'searchAndReconsileIssuesUsingJqlPost';

const NO_ANSWERS = [
  '',
  '{',
  'null',
  '[]',
  '"x"',
  '{"issues":1}',
  '{"issues":[{"id":5}]}',
  '{"issues":[],"nextPageToken":7}',
  '{"issues":[{"id":"1","fields":[]}]}',
];

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
