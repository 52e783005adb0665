/** What the audit holds of people word for word: it goes with them, and the chain proves what is left and what went. */
import { randomUUID } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ApprovalStore, toOpenEffect } from '../../src/approvals/approval-store.ts';
import { consequencesOf, consequencesOfOpening, replay } from '../../src/approvals/consequences.ts';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { delegate } from '../../src/domain/approval/delegation.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { ask, reply } from '../../src/domain/approval/talk.ts';
import { vote } from '../../src/domain/approval/voting.ts';
import { cancel } from '../../src/domain/approval/withdrawal.ts';
import { AccountId, PersonId } from '../../src/domain/ids.ts';
import { guestIdOf } from '../../src/domain/person.ts';
import { MORE_SOURCES, sourceOfFile, sourceOfQuote, sourceOfWords } from '../../src/domain/source.ts';
import { ERASED } from '../../src/memory/person-data.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { partitionOf, partitionOfApproval } from '../../src/redis/keys.ts';
import { ALEX, type ApprovalWish, anApproval, aVote, DANA, SLACK } from '../support/approvals.ts';
import { openStore } from '../support/core.ts';
import { requestsIn } from '../support/requests.ts';
import { everything } from '../support/stored.ts';

const LEE = PersonId.parse('lee');
const ABOUT = { actor: 'dana', correlation: 'c' };
const KEEP_MS = 3_600_000;

async function openAudit() {
  const store = await openStore();
  const { redis, keys } = store;
  const approvals = new ApprovalStore(redis, keys, consequencesOf, () => KEEP_MS);
  const writer = new EffectWriter(redis, keys);
  const audit = new AuditLog(redis, keys);
  const inAudit = async () =>
    (await everything(redis, keys)).filter((each) => each.includes(':audit')).join('\n');
  return {
    redis,
    keys,
    approvals,
    audit,
    requests: requestsIn(redis, keys),
    opened: async (wish: ApprovalWish = {}): Promise<Approval> => {
      const conversation = `slack:T0:C0:${randomUUID()}`;
      const tail = randomUUID().replaceAll('-', '').slice(0, 12);
      const approval = anApproval({ openedMs: Date.now(), tail, ...wish, conversation });
      const effects = [toOpenEffect(approval, KEEP_MS), ...consequencesOfOpening(approval, Date.now())];
      await writer.write(conversation, effects);
      return approval;
    },
    said: async (approval: Approval, wish: Parameters<typeof aVote>[1]) => {
      const now = await approvals.find(approval.id);
      const result = await approvals.apply(approval.id, (current, nowMs) =>
        vote(current, aVote(now ?? approval, wish), nowMs),
      );
      return result?.code;
    },
    rebuilt: async ({ id }: Approval) =>
      replay((await audit.about(id, partitionOfApproval(id))).map(({ event }) => event)),

    inAudit,
  };
}

describe('what the audit holds word for word', () => {
  it('OM-193 goes as a whole where somebody asked for it who is erased, and the chain says so', async () => {
    const { opened, said, rebuilt, requests, audit, inAudit } = await openAudit();
    const request = {
      args: { order: 7, amount: 120, note: 'because of the divorce' },
      summary: 'for Elm Street',
    };
    const theirs = await opened({ request });
    const ofOthers = await opened({
      request: { requester: LEE, requesterName: 'Lee', args: { order: 8 }, summary: 'Lee wants it' },
    });
    for (const each of [theirs, ofOthers]) await said(each, { choice: 'deny', text: 'not for a pillow' });
    expect(await rebuilt(theirs)).toMatchObject({ request, decision: { text: 'not for a pillow' } });
    const before = await inAudit();

    const found = await requests.of([ALEX]);
    const erased = await requests.erase([ALEX], ABOUT);

    expect(before).toMatch(/divorce/);
    expect(found.map(({ id, isOver }) => [id, isOver])).toEqual([[theirs.id, true]]);
    expect(JSON.stringify(found)).toMatch(/divorce.*not for a pillow/);
    expect(erased).toEqual({ requests: 1, undecided: 0 });
    expect(await inAudit()).not.toMatch(/divorce|Elm Street|Alex Kim/);
    expect(await audit.verify()).toMatchObject({ ok: true });
    const events = (await audit.trace(theirs.id)).map(({ event }) => event);
    expect(events.map(({ event, actor }) => [event, actor])).toEqual([
      ['approval.opened', 'alex'],
      ['approval.denied', 'dana'],
      ['memory.erased', 'dana'],
    ]);
    expect(events[0]?.detail).toEqual({ to: 'OPEN', tool: 'refund' });
    expect((await audit.trace(theirs.id)).map(({ isErased }) => isErased)).toEqual([true, true, false]);
    expect(await rebuilt(theirs)).toEqual({});
    expect(await rebuilt(ofOthers)).toMatchObject({
      decision: { text: 'not for a pillow', by: { name: 'Dana' } },
    });
    expect(await requests.of([ALEX])).toEqual([]);
    expect(await requests.erase([ALEX], ABOUT)).toEqual({ requests: 0, undecided: 0 });
  });

  it('OM-193 goes as a whole where it was asked on behalf of somebody who is erased', async () => {
    const { opened, said, requests } = await openAudit();
    const theirs = await opened({ request: { lineage: [LEE] } });
    await said(theirs, { choice: 'approve' });

    expect(await requests.of([LEE])).toMatchObject([{ id: theirs.id, isOver: false }]);
    expect(await requests.of([PersonId.parse('mona')])).toEqual([]);
  });

  it('OM-193 of what others asked for, only what whoever is erased said about it goes, and how they were called', async () => {
    const { opened, said, approvals, rebuilt, requests, audit, inAudit } = await openAudit();
    const policy: ApprovalWish['policy'] = {
      approvers: { role: 'manager', count: 2 },
      choices: ['approve', 'deny', 'edit', 'ask'],
    };
    const heard = ['a mail from Dana', 'a page of the web', 'what Danae wrote'];
    const theirs = await opened({ policy, request: { args: { text: 'as Alex wrote it' }, heard } });
    const question = { ...aVote(theirs, { text: 'is that for Elm Street?', key: 'q' }) };
    await approvals.apply(theirs.id, (current, nowMs) => ask(current, question, nowMs));
    const answer = {
      key: 'r',
      by: { person: ALEX, name: 'Alex Kim' },
      via: SLACK,
      text: 'no, for Oak',
      operates: false,
    };
    await approvals.apply(theirs.id, (current, nowMs) => reply(current, answer, nowMs));
    const edit = { args: { text: 'as Dana wants it, at Elm Street' } };
    expect(await said(theirs, { choice: 'edit', edit, text: 'so at Elm Street' })).toBe('RECORDED');
    const called = { from: 'Dana', to: 'Mona', by: 'Dana' };
    const [from, to] = [{ person: DANA, roles: ['manager'] }, { person: PersonId.parse('mona') }];
    await approvals.apply(theirs.id, (current, nowMs) =>
      delegate(current, { from, to, by: { person: DANA }, operates: false, called, copies: [] }, nowMs),
    );
    const settler = { person: ALEX, name: 'Alex Kim', via: SLACK, operates: true };
    await approvals.apply(theirs.id, (current, nowMs) =>
      cancel(current, settler, 'Alex has changed it', nowMs),
    );

    const erased = await requests.erase([DANA], ABOUT);

    expect(erased).toEqual({ requests: 1, undecided: 0 });
    expect(await inAudit()).not.toMatch(/Elm Street|Dana\b/);
    expect(await audit.verify()).toMatchObject({ ok: true });
    const left = await rebuilt(theirs);
    expect(left).toMatchObject({
      state: 'CANCELLED',
      remark: 'Alex has changed it',
      request: {
        requester: 'alex',
        args: ERASED,
        heard: ['a page of the web', 'what Danae wrote', MORE_SOURCES],
      },
      edited: { by: { person: 'dana', name: 'Somebody' }, from: { text: 'as Alex wrote it' } },
      assents: [{ by: { person: 'dana', name: 'Somebody' }, text: ERASED }],
      talk: [
        { by: { person: 'dana', name: 'Somebody' }, text: ERASED },
        { by: { person: 'alex', name: 'Alex Kim' }, text: 'no, for Oak' },
      ],
      delegations: [{ called: { from: 'Somebody', to: 'Mona', by: 'Somebody' } }],
    });
    expect(await requests.of([DANA])).toEqual([]);
  });

  it('OM-193 of a request that asks people by name, only how whoever is erased is called goes', async () => {
    const { opened, approvals, rebuilt, requests, inAudit } = await openAudit();
    const called = { dana: 'Dana Osterhagen', mona: 'Mona Lind' };
    const asked = await opened({
      policy: {
        approvers: { atLeast: 1, of: [{ person: DANA }, { person: PersonId.parse('mona') }] },
        called,
      },
    });
    const settler = { person: ALEX, name: 'Alex Kim', via: SLACK, operates: true };
    await approvals.apply(asked.id, (current, nowMs) => cancel(current, settler, 'not needed', nowMs));

    expect(await requests.erase([DANA], ABOUT)).toEqual({ requests: 1, undecided: 0 });

    expect(await inAudit()).not.toContain('Osterhagen');
    expect(await rebuilt(asked)).toMatchObject({
      policy: { called: { dana: 'Somebody', mona: 'Mona Lind' } },
    });
    expect(await requests.of([DANA])).toEqual([]);
  });

  it('goes for what somebody said when they settled it', async () => {
    const { opened, approvals, rebuilt, requests } = await openAudit();
    const theirs = await opened();
    const settler = { person: DANA, name: 'Dana', via: SLACK, operates: true };
    await approvals.apply(theirs.id, (current, nowMs) => cancel(current, settler, 'my own words', nowMs));

    await requests.erase([DANA], ABOUT);

    expect(await rebuilt(theirs)).toMatchObject({
      remark: ERASED,
      settledBy: { person: 'dana', name: 'Somebody' },
    });
  });

  it('stays as long as it is not over: people decide by it', async () => {
    const { opened, said, rebuilt, requests } = await openAudit();
    const open = await opened();

    expect(await requests.erase([ALEX], ABOUT)).toEqual({ requests: 0, undecided: 1 });
    expect(await requests.of([ALEX])).toMatchObject([{ id: open.id, isOver: false }]);
    await said(open, { choice: 'deny' });
    expect(await rebuilt(open)).toMatchObject({ request: { requester: 'alex' } });
    expect(await requests.erase([ALEX], ABOUT)).toEqual({ requests: 1, undecided: 0 });
  });

  it('goes for several who are erased at the same moment, and nobody puts back what another took away', async () => {
    const { opened, said, requests, audit, inAudit } = await openAudit();
    const policy: ApprovalWish['policy'] = {
      approvers: { role: 'manager', count: 2 },
      choices: ['approve', 'deny'],
    };
    const theirs = await opened({ policy, request: { requester: PersonId.parse('mona') } });
    await said(theirs, { person: 'dana', text: 'words of Dana' });
    await said(theirs, { person: 'lee', text: 'words of Lee' });
    await said(theirs, { person: 'eve' });
    await audit.append('x');
    const stranded = requests.of([DANA]);
    expect((await stranded)[0]?.isOver).toBe(false); // it waits to be run

    const over = await opened({
      policy: { ...policy, denyRule: 'enough' },
      request: { requester: PersonId.parse('mona') },
    });
    await said(over, { person: 'dana', choice: 'deny', text: 'words of Dana' });
    await said(over, { person: 'lee', choice: 'deny', text: 'words of Lee', others: [] });
    await Promise.all([DANA, LEE].map((each) => requests.erase([each], ABOUT)));

    const trace = JSON.stringify(
      (await audit.about(over.id, partitionOfApproval(over.id))).map(({ event }) => event.words),
    );
    expect(trace).not.toMatch(/words of (?:Dana|Lee)/);
    expect(await inAudit()).toMatch(/words of Dana/); // of the one that is not over
    expect(await audit.verify()).toMatchObject({ ok: true });
  });
});

describe('whose words had been read before a request of others', () => {
  const guest = guestIdOf(AccountId.parse('discord:quill'));
  const quill = { person: guest, name: 'Quill Osterhagen' };
  const PAGE = 'a page of the web (web_fetch)';

  /** Of Lee, denied by Dana. */
  async function withHeard(heard: string[], world?: Awaited<ReturnType<typeof openAudit>>) {
    const { opened, said, ...rest } = world ?? (await openAudit());
    const request = { requester: LEE, requesterName: 'Lee', args: { order: 8 }, heard, strangers: heard };
    const theirs = await opened({ request });
    await said(theirs, { choice: 'deny' });
    const wrote = (person: PersonId) =>
      rest.audit.append(theirs.conversationId, {
        event: 'message.received',
        actor: 'x',
        subject: theirs.conversationId,
        correlation: 'c',
        detail: { person },
      });
    const heardNow = async () => JSON.parse(JSON.stringify(await rest.rebuilt(theirs))).request.heard;
    return { ...rest, opened, said, id: theirs.id, wrote, heardNow };
  }

  it('OM-193 loses who is erased by every id of theirs, whatever they were called by it', async () => {
    const world = await withHeard([
      PAGE,
      sourceOfWords(quill),
      sourceOfQuote({ ...quill, name: 'Q.' }),
      sourceOfFile({ person: DANA, name: 'novak-divorce-papers.pdf' }),
      sourceOfFile({ person: ALEX, name: 'plan.pdf' }),
    ]);
    const { requests, id, inAudit, heardNow, audit } = world;

    const found = await requests.of([DANA, guest], { names: ['Dana Reyes'] });
    const erased = await requests.erase([DANA, guest], { ...ABOUT, names: ['Dana Reyes'] });

    expect(found.map((each) => each.id)).toEqual([id]);
    expect(erased).toEqual({ requests: 1, undecided: 0 });
    expect(await inAudit()).not.toMatch(/Osterhagen|Q\.|novak/);
    expect(await heardNow()).toEqual([PAGE, 'the file “plan.pdf” (alex)', MORE_SOURCES]);
    expect(await audit.verify()).toMatchObject({ ok: true });
    expect(await requests.of([DANA, guest], { names: ['Dana Reyes'] })).toEqual([]);
  });

  it('OM-193 of before loses them by each name that stands beside an id of theirs in the audit', async () => {
    const first = await withHeard(['what Quill Osterhagen passed on', 'what Quill Oster passed on']);
    const { requests, heardNow, inAudit } = first;
    await withHeard([sourceOfWords(quill)], first);

    const erased = await requests.erase([guest], { ...ABOUT, names: [guest] });

    expect(erased).toEqual({ requests: 2, undecided: 0 });
    expect(await inAudit()).not.toContain('Osterhagen');
    expect(await heardNow()).toEqual(['what Quill Oster passed on', MORE_SOURCES]);
  });

  it('OM-193 of before loses a long name, though it stands there shortened', async () => {
    const name = `Eve ${'Maximiliana '.repeat(8).trim()}`;
    const shortened = `what ${name.slice(0, 80)}… passed on`;
    const { requests, inAudit } = await withHeard([PAGE, shortened]);

    const found = await requests.of([ALEX], { names: [name] });
    const erased = await requests.erase([ALEX], { ...ABOUT, names: [name] });

    expect([found.length, erased.requests]).toEqual([1, 1]);
    expect(await inAudit()).not.toContain('Maximiliana');
  });

  it('OM-193 of before says only that there was more, where files may be theirs; no one is told of those as theirs', async () => {
    const heard = [
      PAGE,
      'the file “novak-divorce-papers.pdf”',
      sourceOfFile({ person: DANA, name: 'a.pdf' }),
    ];
    const there = await withHeard(heard);
    const { requests, inAudit, heardNow } = there;
    await there.wrote(ALEX);
    const elsewhere = await withHeard(['the file “a-file-of-others.pdf”'], there);

    const found = JSON.stringify(await requests.of([ALEX]));
    const erased = await requests.erase([ALEX], ABOUT);

    expect(found).toContain(there.id);
    expect(found).not.toMatch(/novak|a-file-of-others/);
    expect(erased).toEqual({ requests: 1, undecided: 0 });
    expect(await inAudit()).not.toContain('novak');
    expect(await heardNow()).toEqual([PAGE, 'the file “a.pdf” (dana)', MORE_SOURCES]);
    expect(await elsewhere.heardNow()).toEqual(['the file “a-file-of-others.pdf”']);
    expect(await requests.of([ALEX])).toEqual([]);
  });

  it('OM-193 keeps what is of others, however somebody who is erased has called themselves', async () => {
    const heard = [PAGE, 'the file “plan.pdf”', sourceOfWords({ person: ALEX, name: 'Alex' })];
    const { requests, heardNow } = await withHeard(heard);

    const erased = await requests.erase([guest], {
      ...ABOUT,
      names: [guest],
      calledThere: ['wrote', 'pdf', 'a page of the web', 'Alex', ''],
    });

    expect(erased.requests).toBe(0);
    expect(await heardNow()).toEqual(heard);
  });
});

describe('the proof of the audit', () => {
  async function withOne() {
    const world = await openAudit();
    const approval = await world.opened();
    await world.said(approval, { choice: 'deny', text: 'no' });
    const partition = partitionOf(approval.conversationId);
    const problems = async () => {
      const found = await world.audit.verify();
      return found.ok ? [] : found.broken.map(({ number, problem }) => `${number} ${problem}`);
    };
    return { ...world, problems, words: world.keys.auditWords(partition) };
  }

  it('OM-192 shows words that were changed', async () => {
    const { redis, words, problems } = await withOne();
    const first = (await redis.hget(words, '1')) ?? '';
    await redis.hset(words, '1', first.replace('120', '12000'));

    expect(await problems()).toEqual(['1 its words were changed, and no entry says why']);
  });

  it('OM-192 shows words that are gone though nobody was erased', async () => {
    const { redis, words, problems } = await withOne();
    await redis.hdel(words, '2');

    expect(await problems()).toEqual(['2 its words are missing, and no entry says why']);
  });

  it('OM-192 shows words that were put back after they were erased', async () => {
    const { redis, words, problems, requests } = await withOne();
    const first = (await redis.hget(words, '1')) ?? '';
    await requests.erase([ALEX], ABOUT);
    expect(await problems()).toEqual([]);
    await redis.hset(words, '1', first);

    expect(await problems()).toEqual(['1 its words were put there, and no entry says why']);
  });

  it('has a salt for words, so that nobody finds them again by trying', async () => {
    const { redis, words, audit } = await withOne();
    const [one, two] = await Promise.all(['1', '2'].map((number) => redis.hget(words, number)));
    const salts = [one, two].map((each) => /^\{"salt":"([\w-]{22})"/.exec(each ?? '')?.[1]);
    const chain = (await audit.tail(10)).map(({ text }) => text).join();

    expect(new Set(salts).size).toBe(2);
    for (const salt of salts) expect(chain).not.toContain(salt);
  });
});
