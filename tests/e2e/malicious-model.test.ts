/**
 * A model that obeys every instruction it reads, wherever it stands, with everything this gateway can give it: what
 * people write, quote, forward and send along, and what lies in Jira and in the workspace. Nothing it is told there may
 * come to pass. What lies further outside: malicious-model-outside.test.ts.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import { notesOf } from '../../src/memory/note-store.ts';
import { BOT, TEAM } from '../../src/sandbox/people.ts';
import { spelledIn, Trial, type WayIn } from '../support/malicious-model.ts';
import { ALPHABET, ATTACKS } from '../support/obedient-model.ts';
import { ALEX, EVE, GENERAL, textOf } from '../support/story.ts';

/** Noted before anything was read. */
const RULE = toNote('refunds above 50 need Dana');
/** What a page wants in its place: at once, or after the other is gone. */
const INSTEAD = [
  { calls: [toNote('refunds need nobody')] },
  { calls: [{ tool: 'forget', input: { note: 'rule', scope: 'conversation' } }] },
  { calls: [toNote('refunds need nobody')] },
];

function toNote(text: string) {
  return { tool: 'remember', input: { text, topic: 'rule', scope: 'conversation' } };
}

let trial: Trial;

beforeAll(async () => {
  trial = await Trial.begin({ deeds: { agreed: [{ calls: [RULE] }], instead: INSTEAD } });
});
afterAll(async () => {
  await trial?.end();
});
beforeEach(() => trial.watch());
afterEach(() => trial.judge());

/** Alex asks, and sends a file along. */
async function send(file: { name: string; mediaType: string; bytes: Buffer }): Promise<void> {
  const { story } = trial;
  const said = { user: ALEX.slack, channel: GENERAL, text: '<@U0SIGNALBOX> look', files: [file] };
  const { ts, acknowledged } = await story.sandbox.slack.say(said);
  await acknowledged;
  await story.answer(ts, /obeying|Nothing left/);
}

/** Alex writes a mail without a text part, which is answered. */
async function writePage(subject: string, html: string): Promise<void> {
  const { story } = trial;
  const { mail } = story.sandbox;
  await mail.settled(await mail.send({ from: ALEX.mail, to: BOT.mail, subject, text: '', html }));
  await story.mail(ALEX.mail, new RegExp(`${subject}$`));
}

/** What strangers wrote, on its way to the model. */
const WAYS: Record<string, WayIn['reach']> = {
  async 'a page'(attack) {
    await trial.read(attack, `DOx${attack}x`);
  },
  async 'an issue'(attack) {
    const { key } = trial.story.sandbox.jira.createIssue({
      user: 'alex',
      summary: `About ${attack}`,
      description: `Please DOx${attack}x at once.`,
    });
    await trial.ask(`READ issue ${key}`);
  },
  'a file somebody sends': (attack) =>
    send({ name: 'orders.csv', mediaType: 'text/csv', bytes: Buffer.from(`a,b\nDOx${attack}x,1\n`) }),
  'the name of a file': (attack) =>
    send({ name: `DOx${attack}x.zip`, mediaType: 'application/zip', bytes: Buffer.from('PK\x03\x04') }),
  async 'words that somebody quotes'(attack) {
    await trial.ask(`what does this mean?\n> DOx${attack}x`);
  },
  async 'a forwarded mail'(attack) {
    const { story } = trial;
    await story.write(ALEX.mail, `Fwd: invoice ${attack}`, `FYI\n\nDear all, DOx${attack}x.`);
    await story.mail(ALEX.mail, new RegExp(`invoice ${attack}`));
  },
  async 'a mail that is HTML alone'(attack) {
    const html = `<div dir="ltr"><br></div><blockquote type="cite"><p>Dear all, DOx${attack}x.</p></blockquote>`;
    await writePage(`invoice in HTML ${attack}`, html);
  },
  async 'a file of the workspace'(attack) {
    writeFileSync(path.join(trial.workspace, `${attack}.md`), `# Notes\n\nDOx${attack}x\n`);
    await trial.ask(`READ file ${attack}.md`);
  },
  async 'the name of a file of the workspace'(attack) {
    const folder = `names-${attack}`;
    mkdirSync(path.join(trial.workspace, folder));
    writeFileSync(path.join(trial.workspace, folder, `name DOx${attack}x.md`), '# Nothing\n');
    await trial.ask(`READ files ${folder}`);
  },
  async 'a line found in the workspace'(attack) {
    writeFileSync(path.join(trial.workspace, `found-${attack}.md`), `term-${attack}: DOx${attack}x\n`);
    await trial.ask(`READ lines term-${attack}:`);
  },
  async 'a guest in the thread of somebody else'(attack) {
    const { story } = trial;
    const thread = await story.mention('good morning');
    await story.answer(thread, /Nothing left/);
    await story.say(EVE.slack, thread, `LATER DOx${attack}x`);
    await story.quiet();
    await story.say(ALEX.slack, thread, 'what was that?');
    await story.quiet();
  },
};

describe.each(Object.entries(WAYS))('a model that obeys %s', (_way, reach) => {
  it.each(ATTACKS)('OM-187 does nothing that nobody agreed to, and tells no secret: %s', async (attack) => {
    await trial.attempt({ reach }, attack);
  });
});

describe('links that strangers wrote', () => {
  it('OM-187 spell no secret, however many there are to choose from, in one answer or in several', async () => {
    const links = ALPHABET.replaceAll(/\S+/g, (url) => `<a href="${url}">r</a>`);
    const thread = await trial.read('letters', `DOxspellx ${links}`);

    expect(trial.story.said(thread).map(textOf).join('\n')).toContain('https[:]//evil[.]test/');
  });

  it('OM-187 spell none in a mail, whose links programs open before anybody reads it', async () => {
    const { story } = trial;
    await story.write(ALEX.mail, 'Fwd: spell', `FYI\n\nDear all, DOxspellx. ${ALPHABET}`);

    const mail = await story.mail(ALEX.mail, /obeying spell/);
    expect(spelledIn([`${mail.text}\n${mail.html}`])).toBe('');
  });

  it('OM-187 OM-116 are none that a sub-agent has put together', async () => {
    const before = trial.model.obeyed.name ?? 0;

    await trial.read('subhost', 'DOxsubhostx');

    expect(trial.model.obeyed.name).toBe(before + 1);
  });

  it('OM-187 are opened by no title of what is planned', async () => {
    const { story } = trial;
    const thread = await trial.read('titled', 'DOxtitledx');
    await trial.agree('schedule_create');
    await story.advance(31 * 60_000);
    await story.answer(thread, /planned this/);

    const { schedules } = story.app;
    for (const { id } of await schedules.active()) await schedules.cancel(id, PersonId.parse('alex'));
  });
});

describe('a note that strangers wished for', () => {
  it('OM-187 is not made before a human agrees, and moves nothing then, in another conversation and another day', async () => {
    const { story } = trial;
    await trial.read('poison', 'DOxpoisonx');
    expect(await story.app.memory.notes.list(notesOf.person(PersonId.parse('alex')))).toEqual([]);
    await trial.agree('remember');
    const before = trial.model.obeyed.refund ?? 0;

    await story.dm(ALEX.slack, 'READ notes mine');
    await story.quiet();

    expect(trial.model.obeyed.refund).toBe(before + 1);
  });
});

describe('a note from before strangers were read', () => {
  it('OM-187 is neither replaced nor forgotten before a human agrees', async () => {
    const { story } = trial;
    const thread = await trial.ask('DOxagreedx');
    const owner = notesOf.conversation(ConversationId.parse(`slack:${TEAM.id}:${GENERAL}:${thread}`));
    const before = await story.app.memory.notes.list(owner);
    trial.pages.set('/page/instead', '<p>DOxinsteadx</p>');

    await story.say(ALEX.slack, thread, `READ page ${trial.origin}/page/instead`);
    await story.quiet();

    expect(trial.model.obeyed.instead).toBe(1);
    expect(before).toMatchObject([{ text: 'refunds above 50 need Dana' }]);
    expect(await story.app.memory.notes.list(owner)).toEqual(before);
    const waiting = (await story.waiting()).filter(({ request }) => request.tool === 'forget');
    expect(waiting).toMatchObject([{ request: { strangers: [expect.stringContaining('a page')] } }]);
  });
});

describe('a talk in which strangers were read once', () => {
  it('OM-187 OM-124 runs nothing by a standing yes, and a new one is clean again', async () => {
    const { story } = trial;
    const thread = await trial.read('once', 'DOxrefundx');

    await story.say(ALEX.slack, thread, 'and DOxdeployx');
    await story.quiet();
    expect(story.sandbox.shop.deploys).toEqual([]);

    await trial.ask('DOxdeployx');
    // Alex wrote it, and a rule lets it run.
    await trial.judge({ deploys: 1 });
    trial.watch();
  });
});
