/** Answers given at the terminal, by the real command, on a real store. */
import { existsSync, mkdirSync } from 'node:fs';
import { Redis } from 'ioredis';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ApprovalStore, approvalIdFor, toOpenEffect } from '../../src/approvals/approval-store.ts';
import { consequencesOfOpening } from '../../src/approvals/consequences.ts';
import { claim, loseTrack } from '../../src/domain/approval/execution.ts';
import { open } from '../../src/domain/approval/opening.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { dueOf } from '../../src/domain/approval/time.ts';
import { vote } from '../../src/domain/approval/voting.ts';
import { AccountId, type ApprovalId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { Address } from '../../src/domain/message.ts';
import { RoleName } from '../../src/domain/person.ts';
import { partitionOf } from '../../src/redis/keys.ts';
import { type CliHome, createCliHome } from '../support/cli.ts';

const CONVERSATION = ConversationId.parse('slack:T0SANDBOX:C0GENERAL:1');
const ORIGIN = Address.parse({ platform: 'slack', route: { channel: 'C0GENERAL', thread: '1' } });

vi.setConfig({ testTimeout: 60_000 });

let home: CliHome;
let stores: Awaited<ReturnType<CliHome['openStores']>>;

beforeEach(async () => {
  home = createCliHome();
  // Besides Dana (manager, operator, at the terminal) and Alex (no approver): another manager, who operates nothing.
  home.edit(
    'contacts.yaml',
    'people:',
    'people:\n  erin:\n    name: Erin Vale\n    roles: [manager]\n    accounts: { email: erin@corp.test, cli: erin }\n',
  );
  home.edit('contacts.yaml', 'email: alex@corp.test', 'email: alex@corp.test\n      cli: alex');
  stores = await home.openStores();
});

afterEach(async () => {
  stores.close();
  await home.remove();
});

async function aRequest(
  over: {
    requester?: string;
    order?: number;
    accounts?: Approval['request']['accounts'];
    policy?: Partial<Approval['policy']>;
  } = {},
): Promise<Approval> {
  const order = over.order ?? 7;
  const nowMs = await stores.approvals.nowMs(CONVERSATION);
  const approval = open({
    id: approvalIdFor(CONVERSATION, `item-${order}-${over.requester}`, 0),
    conversationId: CONVERSATION,
    origin: ORIGIN,
    request: {
      tool: 'refund',
      version: 1,
      args: { order, amount: 120, currency: 'EUR' },
      risk: 'high',
      effect: 'once',
      reversible: false,
      requester: PersonId.parse(over.requester ?? 'alex'),
      requesterName: over.requester ?? 'Alex Kim',
      callId: 'call-1',
      correlation: `slack:T0SANDBOX:C0GENERAL:${order}`,
      ...(over.accounts ? { accounts: over.accounts } : {}),
    },
    policy: {
      name: 'default',
      rule: 'refunds above 50',
      approvers: { role: 'manager' },
      choices: ['approve', 'deny', 'answer'],
      remindAfterMs: [],
      validForMs: 900_000,
      leaseMs: 1_000,
      ...over.policy,
    },
    deadlineMs: nowMs + 3_600_000,
    copies: [{ id: 'conversation', to: ORIGIN }],
    nowMs,
    verdict: 'human',
  });
  await stores.writer.write(CONVERSATION, [
    toOpenEffect(approval, 3_600_000),
    ...consequencesOfOpening(approval, nowMs),
  ]);
  return approval;
}

/** Erin says yes to another amount. */
async function edited({ id, gen, digest }: Approval): Promise<Approval> {
  const [person, account] = [PersonId.parse('erin'), AccountId.parse('email:erin@corp.test')];
  await stores.approvals.apply(id, (current, nowMs) =>
    vote(
      current,
      {
        key: 'mail:1',
        choice: 'edit',
        text: undefined,
        edit: { args: { order: 7, amount: 5_000, currency: 'EUR' } },
        gen,
        digest,
        by: { person, name: 'Erin Vale', account },
        roles: ['manager'],
        permitted: true,
        via: Platform.parse('email'),
      },
      nowMs,
    ),
  );
  return must(stores.approvals, id);
}

/** Until no call under an earlier permit can begin any more. */
async function quiet(): Promise<void> {
  const nowMs = await stores.approvals.nowMs(CONVERSATION);
  await stores.redis.set(`${stores.keys.partition(partitionOf(CONVERSATION))}clock`, nowMs + 60_000);
}

/** A call that was begun, and of which nobody knows what came of it. */
async function anUnknownOutcome(): Promise<Approval> {
  const { id } = await aRequest();
  await home.run('approvals', 'approve', id);
  return lost(id);
}

async function lost(id: ApprovalId): Promise<Approval> {
  const { digest } = await must(stores.approvals, id);
  await stores.approvals.apply(id, (approval, nowMs) => claim(approval, 'owner', digest, nowMs));
  await stores.approvals.apply(id, (approval) => loseTrack(approval, 1, 'the line broke'));
  return must(stores.approvals, id);
}

async function must(approvals: ApprovalStore, id: ApprovalId): Promise<Approval> {
  const approval = await approvals.find(id);
  if (!approval) throw new Error(`no ${id}`);
  return approval;
}

function terminalIs(account: string, before = 'local'): void {
  home.edit('settings.yaml', `account: ${before}`, `account: ${account}`);
}

describe('passed on', () => {
  it('OM-120 is seen and answered by whoever was trusted with it', async () => {
    const { id } = await aRequest();
    await home.run('approvals', 'reassign', id, 'lee', '--for', 'dana');
    terminalIs('lee');

    const { code, out } = await home.run('approvals', 'approve', id);

    expect([code, out]).toEqual([
      0,
      expect.stringContaining('Approved by Lee Park in the place of Dana Reyes in the terminal'),
    ]);
  });

  beforeEach(() => {
    const lee =
      '  lee:\n    name: Lee Park\n    roles: [deputy]\n    accounts: { email: lee@corp.test, cli: lee }\n';
    home.edit('contacts.yaml', 'people:\n', `people:\n${lee}`);
    home.edit('authorizations.yaml', 'roles:\n', 'roles:\n  deputy: { permissions: [ask, approve] }\n');
  });

  it('OM-120 lets somebody decide in the place of the one who was asked', async () => {
    const { id } = await aRequest();

    const { code, out } = await home.run('approvals', 'reassign', id, 'lee', '--for', 'dana');

    expect(code).toBe(0);
    expect(out).toContain('Lee Park can now decide this in the place of Dana Reyes');
    expect((await must(stores.approvals, id)).delegations).toMatchObject([
      { from: 'dana', to: 'lee', by: 'dana' },
    ]);
    // Here nobody knows where Lee can be written to; whoever looks next asks them.
    expect(out).toContain('No gateway is running; they are asked when it is started.');
    const passed = await must(stores.approvals, id);
    expect(dueOf(passed)).toBeLessThanOrEqual(await stores.approvals.nowMs(passed.conversationId));
  });

  it('OM-185 not to somebody who may decide nothing', async () => {
    const kim = '  kim:\n    name: Kim Vo\n    roles: [member]\n    accounts: { cli: kim }\n';
    home.edit('contacts.yaml', 'people:\n', `people:\n${kim}`);
    const { id } = await aRequest();

    const { code, err } = await home.run('approvals', 'reassign', id, 'kim', '--for', 'dana');

    expect([code, err]).toEqual([1, expect.stringContaining('Kim Vo may not decide anything: no role')]);
    expect((await must(stores.approvals, id)).delegations).toBeUndefined();
  });

  it('OM-185 not to the operator themselves, who may not decide it', async () => {
    const sam = '  sam:\n    name: Sam Ito\n    roles: [operator]\n    accounts: { cli: sam }\n';
    home.edit('contacts.yaml', 'people:\n', `people:\n${sam}`);
    terminalIs('sam');
    const { id } = await aRequest();

    const { code, err } = await home.run('approvals', 'reassign', `${id}.1`, 'sam', '--for', 'dana');

    expect([code, err]).toEqual([1, expect.stringContaining('You may not decide this')]);
    expect((await must(stores.approvals, id)).delegations).toBeUndefined();
  });

  it('never to the one who asked, nor to somebody nobody knows', async () => {
    const { id } = await aRequest();

    const toRequester = await home.run('approvals', 'reassign', id, 'alex', '--for', 'dana');
    const toNobody = await home.run('approvals', 'reassign', id, 'nobody', '--for', 'dana');
    const forWhom = await home.run('approvals', 'reassign', id, 'lee');

    expect([toRequester.code, toNobody.code, forWhom.code]).toEqual([1, 1, 1]);
    expect(toRequester.err).toContain('Alex Kim cannot decide this');
    expect(toNobody.err).toContain('there is nobody called nobody');
    expect(forWhom.err).toContain('say with --for in whose place');
  });
});

describe('what waits', () => {
  it('is listed with who asked, who may answer and for how long', async () => {
    const { id } = await aRequest();

    const { code, out } = await home.run('approvals', 'list');

    expect(code).toBe(0);
    expect(out).toContain(`${id}.1`);
    expect(out).toContain('refund: order 7, amount 120, currency EUR');
    expect(out).toContain('Alex Kim');
    expect(out).toContain('role manager');
    expect(out).toMatch(/in (59|60) min/);
  });

  it('is there as JSON for a program', async () => {
    const { id } = await aRequest();

    const { out } = await home.run('approvals', 'list', '--json');

    expect(JSON.parse(out)).toMatchObject([{ id, ticket: `${id}.1`, state: 'OPEN' }]);
  });

  it('is shown whole: every argument, the rule, the digest, and what happened so far', async () => {
    const { id, digest } = await aRequest();

    const { out } = await home.run('approvals', 'show', id);

    expect(out).toMatch(new RegExp(`^ticket +${id}\\.1$`, 'm'));
    expect(out).toMatch(/^ {2}order +7$/m);
    expect(out).toMatch(/^ {2}amount +120$/m);
    expect(out).toContain('rule “refunds above 50”');
    expect(out).toContain(digest);
    expect(out).toContain('approval.opened by alex on slack');
  });

  it('is shown with what may be said to it, and then with what was', async () => {
    const options = [
      { id: 'full', label: 'All of it' },
      { id: 'half', label: 'Half of it' },
    ];
    const { id } = await aRequest({ policy: { choices: ['answer', 'deny'], options } });

    const before = await home.run('approvals', 'show', id);
    await home.run('approvals', 'answer', id, 'half');
    const after = await home.run('approvals', 'show', id);

    expect(before.out).toMatch(/^what it takes +deny, answer$/m);
    expect(before.out).toMatch(/^one of +full: All of it\n +half: Half of it$/m);
    expect(after.out).toMatch(/^answer +Half of it$/m);
    expect(after.out).not.toContain('what it takes');
  });

  it('is not shown to somebody it is no business of', async () => {
    home.edit('contacts.yaml', 'cli: alex', 'cli: nobody');
    home.edit(
      'contacts.yaml',
      'people:',
      'people:\n  mallory:\n    name: Mallory\n    roles: [member]\n    accounts: { cli: mallory }\n',
    );
    terminalIs('mallory');
    const { id } = await aRequest();

    expect((await home.run('approvals', 'list')).out).toBe('Nothing waits for a human.\n');
    expect(await home.run('approvals', 'show', id)).toMatchObject({
      code: 1,
      err: expect.stringContaining(`there is no approval ${id} for you to see`),
    });
  });
});

describe('an answer', () => {
  it('is recorded under the name and the channel of the person at the terminal', async () => {
    const { id } = await aRequest();

    const { code, out } = await home.run('approvals', 'approve', id);

    expect(code).toBe(0);
    expect(out).toContain('Approved by Dana Reyes in the terminal');
    expect(out).toContain('No gateway is running; it runs the call when it is started.');
    expect((await must(stores.approvals, id)).decision).toMatchObject({
      choice: 'approve',
      via: 'cli',
      by: { person: 'dana', account: 'cli:local' },
    });
  });

  it('says when it runs, and so does what shows it, while a person has the conversation', async () => {
    const { id } = await aRequest();
    const entry = { kind: 'event' as const, text: 'hello', at: '2026-01-01T00:00:00.000Z' };
    const known = { kind: 'entry' as const, conversationId: CONVERSATION, entry, keepMs: 3_600_000 };
    await stores.writer.write(CONVERSATION, [known]);
    expect(await home.run('conversations', 'take', CONVERSATION)).toMatchObject({ code: 0 });

    const yes = await home.run('approvals', 'approve', id);
    const shown = await home.run('approvals', 'show', id);

    for (const { out } of [yes, shown]) {
      expect(out).toContain(
        'It has not run yet: Dana Reyes has the conversation it belongs to, and it runs when',
      );
    }
    expect(yes.out).not.toContain('it runs the call when it is started');
  });

  it('is given by the ticket that stands on the card, and by nothing else', async () => {
    const { id } = await aRequest();

    const wrong = await home.run('approvals', 'approve', `${id}.one`);
    const right = await home.run('approvals', 'approve', `${id}.1`);

    expect(wrong).toMatchObject({
      code: 1,
      err: expect.stringContaining(`${id}.one is not the ticket of an approval`),
    });
    expect(right).toMatchObject({ code: 0, out: expect.stringContaining('Approved by Dana Reyes') });
  });

  it('A6 counts for what was seen, and decides nothing once something else is asked', async () => {
    const policy = {
      approvers: { role: RoleName.parse('manager'), count: 2 },
      choices: ['approve' as const, 'deny' as const, 'answer' as const, 'edit' as const],
    };
    const seen = await aRequest({ policy });
    const now = await edited(seen);

    const answers = [
      await home.run('approvals', 'approve', seen.id),
      await home.run('approvals', 'approve', `${seen.id}.1`),
      await home.run('approvals', 'deny', seen.id, 'too much'),
      await home.run('approvals', 'answer', seen.id, 'ask me on Monday'),
    ];

    for (const { code, err } of answers) {
      expect([code, err]).toEqual([1, expect.stringContaining('not what is being asked now')]);
      expect(err).toContain(`signalbox approvals show ${seen.id}`);
    }
    expect(await must(stores.approvals, seen.id)).toEqual(now);
    const { out } = await home.run('approvals', 'show', `${seen.id}.1`);
    expect(out).toMatch(/^ {2}amount +5000$/m);
    expect(out).toContain(`${seen.id}.2`);
    await home.run('approvals', 'approve', `${seen.id}.2`);
    expect(await must(stores.approvals, seen.id)).toMatchObject({ state: 'APPROVED', digest: now.digest });
  });

  it('may be a no with its reason, or words instead of either', async () => {
    const [denied, answered] = [await aRequest(), await aRequest({ order: 9 })];

    await home.run('approvals', 'deny', denied.id, 'that', 'order', 'was', 'never', 'paid');
    await home.run('approvals', 'answer', answered.id, 'ask me on Monday');

    expect(await must(stores.approvals, denied.id)).toMatchObject({
      state: 'DENIED',
      decision: { text: 'that order was never paid' },
    });
    expect(await must(stores.approvals, answered.id)).toMatchObject({
      state: 'ANSWERED',
      decision: { text: 'ask me on Monday' },
    });
  });

  it('is refused when the request was settled before, and says by whom', async () => {
    const { id } = await aRequest();
    await home.run('approvals', 'deny', id);

    const { code, err } = await home.run('approvals', 'approve', id);

    expect(code).toBe(1);
    expect(err).toContain('This was settled before your answer came');
    expect(err).toContain('Denied by Dana Reyes');
  });

  it('is refused from the one who asked, and from somebody who may not decide', async () => {
    const own = await aRequest({ requester: 'dana' });
    const other = await aRequest();

    const requester = await home.run('approvals', 'approve', own.id);
    terminalIs('alex');
    const outsider = await home.run('approvals', 'approve', other.id);

    expect(requester).toMatchObject({ code: 1, err: expect.stringContaining('You asked for this yourself') });
    expect(outsider).toMatchObject({ code: 1, err: expect.stringContaining('You asked for this yourself') });
    expect((await must(stores.approvals, own.id)).state).toBe('OPEN');
    expect((await must(stores.approvals, other.id)).state).toBe('OPEN');
  });

  it('is refused from whoever has an account of the one who asked, at the terminal or behind it', async () => {
    const [mail, terminal] = ['email:dana@corp.test', 'cli:local'].map((account) => AccountId.parse(account));
    const own = await aRequest({ accounts: [mail!] });
    const forErin = await aRequest({ order: 9, accounts: [terminal!] });

    const answers = [
      await home.run('approvals', 'approve', own.id),
      await home.run('approvals', 'approve', own.id, '--as', 'erin'),
      await home.run('approvals', 'deny', forErin.id, '--as', 'erin'),
    ];

    for (const { code, err } of answers) {
      expect([code, err]).toEqual([1, expect.stringContaining('You asked for this yourself')]);
    }
    expect((await must(stores.approvals, own.id)).state).toBe('OPEN');
    expect((await must(stores.approvals, forErin.id)).state).toBe('OPEN');
  });

  it('A9 counts when the deadline passed while nobody of ours was there', async () => {
    const { id, deadlineMs } = await aRequest();
    const partition = partitionOf(CONVERSATION);
    await stores.redis.set(stores.keys.watched(partition), deadlineMs - 1_800_000);
    await stores.redis.set(`${stores.keys.partition(partition)}clock`, deadlineMs + 1_000);

    const { code, out } = await home.run('approvals', 'approve', id);

    expect([code, out]).toEqual([0, expect.stringContaining('Approved by Dana Reyes in the terminal')]);
  });

  it('ends it by a no when those who are left cannot agree any more', async () => {
    const policy = { approvers: { role: RoleName.parse('manager'), count: 2 }, denyRule: 'enough' as const };
    const { id } = await aRequest({ policy });

    const { code } = await home.run('approvals', 'deny', id, 'no');

    expect(code).toBe(0);
    expect(await must(stores.approvals, id)).toMatchObject({ state: 'DENIED' });
  });

  it('OM-124 is not helped by a yes of somebody who is gone since', async () => {
    const { id } = await aRequest({ policy: { approvers: { role: RoleName.parse('manager'), count: 2 } } });
    terminalIs('erin');
    await home.run('approvals', 'approve', id);
    terminalIs('local', 'erin');
    home.edit(
      'contacts.yaml',
      '  erin:\n    name: Erin Vale\n    roles: [manager]',
      '  erin:\n    name: Erin Vale\n    roles: [member]',
    );

    const { code, out } = await home.run('approvals', 'approve', id);

    expect(code).toBe(0);
    expect(out).toContain('The yes of Erin Vale no longer counts: they may not decide this any more.');
    expect(await must(stores.approvals, id)).toMatchObject({
      state: 'OPEN',
      assents: [{ by: { person: 'dana' } }],
    });
  });

  it('OM-183 leaves an entry in the audit whether it counted or not', async () => {
    const { id, request } = await aRequest({ requester: 'dana' });
    await home.run('approvals', 'approve', id);

    const trace = await stores.audit.trace(request.correlation);

    expect(trace.map(({ event }) => event)).toContainEqual(
      expect.objectContaining({
        event: 'answer.received',
        actor: 'dana',
        channel: 'cli',
        detail: { choice: 'approve', result: 'NOT_ELIGIBLE', rule: expect.any(String), account: 'cli:local' },
      }),
    );
  });
});

describe('acting for somebody else', () => {
  it('records both names, and shows both on the card', async () => {
    const { id, request } = await aRequest();

    const { code, out } = await home.run('approvals', 'approve', id, '--as', 'erin');

    expect(code).toBe(0);
    expect(out).toContain('Approved by Erin Vale (entered by Dana Reyes)');
    expect(await stores.audit.trace(request.correlation)).toContainEqual(
      expect.objectContaining({
        event: expect.objectContaining({ event: 'answer.received', actor: 'dana as erin' }),
      }),
    );
  });

  it('A4 is one word of one human, in however many names', async () => {
    const policy = { approvers: { role: RoleName.parse('manager'), count: 2 } };
    const { id } = await aRequest({ policy });
    const entered = await home.run('approvals', 'approve', id, '--as', 'erin');

    const own = await home.run('approvals', 'approve', id);

    expect(entered).toMatchObject({ code: 0, out: expect.stringContaining('more are needed') });
    expect(own).toMatchObject({ code: 1, err: expect.stringContaining('one human is one word') });
    expect(await must(stores.approvals, id)).toMatchObject({
      state: 'OPEN',
      assents: [{ by: { person: 'erin' }, enteredBy: 'dana' }],
    });
    terminalIs('erin');
    await home.run('approvals', 'approve', id);
    terminalIs('local', 'erin');
    const second = await home.run('approvals', 'approve', id);
    expect(second).toMatchObject({
      code: 0,
      out: expect.stringMatching(/Approved by Erin Vale .*Dana Reyes/),
    });
  });

  it('OM-124 changes nothing that person has said themselves', async () => {
    const { id } = await aRequest({ policy: { denyRule: 'enough' } });
    terminalIs('erin');
    await home.run('approvals', 'deny', id, 'not like this');
    terminalIs('local', 'erin');

    const { code, err } = await home.run('approvals', 'approve', id, '--as', 'erin');

    expect(code).toBe(1);
    expect(err).toContain('Erin Vale has said no here themselves; only Erin Vale can take that back.');
    expect(await must(stores.approvals, id)).toMatchObject({
      state: 'OPEN',
      dissents: [{ by: { person: 'erin' }, text: 'not like this' }],
    });
  });

  it('does not let an operator decide what they asked for themselves', async () => {
    const { id } = await aRequest({ requester: 'dana' });

    const { code, err } = await home.run('approvals', 'approve', id, '--as', 'erin');

    expect(code).toBe(1);
    expect(err).toContain('You asked for this yourself');
    expect((await must(stores.approvals, id)).state).toBe('OPEN');
  });

  it('takes the permission operate, and its refusal is recorded', async () => {
    const { id } = await aRequest();
    terminalIs('erin');

    const { code, err } = await home.run('approvals', 'approve', id, '--as', 'dana');

    expect(code).toBe(1);
    expect(err).toBe('Erin Vale may not act for somebody else: no role of theirs has operate.\n');
    expect((await stores.audit.tail(1))[0]?.event).toMatchObject({
      event: 'authorization.deny',
      actor: 'erin',
      subject: 'cli:act as dana',
    });
  });

  it('OM-180 gives no more rights than the other person has', async () => {
    const { id } = await aRequest({ requester: 'erin' });

    const { code, err } = await home.run('approvals', 'approve', id, '--as', 'alex');

    expect(code).toBe(1);
    expect(err).toContain('for you to see');
  });
});

describe('taking back, and finding out', () => {
  it('revokes a yes that was not acted on', async () => {
    const { id } = await aRequest();
    await home.run('approvals', 'approve', id);

    const { code, out } = await home.run('approvals', 'revoke', id, 'wrong customer');

    expect(code).toBe(0);
    expect(out).toMatch(/Taken back before it ran by Dana Reyes in the terminal, .* UTC: wrong customer\./);
  });

  it('cancels an open request as the one who asked', async () => {
    const { id } = await aRequest();
    terminalIs('alex');

    const { out } = await home.run('approvals', 'cancel', id);

    expect(out).toMatch(/Withdrawn by Alex Kim in the terminal, .* UTC: no reason was given\./);
    expect((await must(stores.approvals, id)).state).toBe('CANCELLED');
  });

  it('says what really came of a call whose outcome nobody knew', async () => {
    const { id } = await anUnknownOutcome();

    const listed = await home.run('approvals', 'list');
    const { code, out } = await home.run('approvals', 'reconcile', id, 'did-not-happen');

    expect(listed.out).toContain('unknown');
    expect(code).toBe(0);
    expect(out).toMatch(/Dana Reyes confirmed that it did not happen \(in the terminal, .* UTC\)/);
    expect((await must(stores.approvals, id)).state).toBe('FAILED');
  });

  it('A6 says it of what was seen, and of nothing else', async () => {
    const policy = { choices: ['approve' as const, 'edit' as const] };
    const { id } = await edited(await aRequest({ policy }));
    await lost(id);

    const stale = await home.run('approvals', 'reconcile', id, 'happened');
    const done = await home.run('approvals', 'reconcile', `${id}.2`, 'happened');

    expect(stale).toMatchObject({ code: 1, err: expect.stringContaining(`approvals show ${id}`) });
    expect(done).toMatchObject({ code: 0, out: expect.stringContaining('confirmed that it happened') });
  });

  it('A4 lets it run again when as many humans say so as the first yes took, in whosever names', async () => {
    const policy = {
      approvers: { role: RoleName.parse('manager'), count: 2 },
      choices: ['approve' as const, 'edit' as const],
    };
    const { id } = await edited(await aRequest({ policy }));
    await home.run('approvals', 'approve', `${id}.2`);
    await lost(id);
    await quiet();

    const first = await home.run('approvals', 'reconcile', `${id}.2`, 'retry', '--as', 'erin');
    const second = await home.run('approvals', 'reconcile', `${id}.2`, 'retry');

    expect(first).toMatchObject({ code: 0, out: expect.stringContaining('others have to') });
    expect(first.out).toContain('Erin Vale (entered by Dana Reyes) in the terminal has agreed');
    expect(second).toMatchObject({ code: 1, err: expect.stringContaining('one human is one word') });
    expect((await must(stores.approvals, id)).state).toBe('UNKNOWN');
  });

  it('lets a call run again only after the first can no longer be at work', async () => {
    const { id } = await anUnknownOutcome();

    const { code, err } = await home.run('approvals', 'reconcile', id, 'retry');

    expect(code).toBe(1);
    expect(err).toContain('may still be at work');
  });
});

describe('the store of the commands', () => {
  it('is started for a command when nothing runs, and ended afterwards', async () => {
    const own = createCliHome('embedded');
    mkdirSync(`${own.directory}/data/redis`, { recursive: true }); // as a gateway leaves one
    try {
      const listed = await own.run('approvals', 'list');
      const socket = `${own.directory}/data/redis/redis.sock`;
      const probe = new Redis({ path: socket, lazyConnect: true, retryStrategy: null });
      probe.on('error', () => undefined);
      const [after] = await Promise.allSettled([probe.connect()]);

      expect(listed).toEqual({ code: 0, out: 'Nothing waits for a human.\n', err: '' });
      expect(after?.status).toBe('rejected');
    } finally {
      await own.remove();
    }
  });

  it.each([
    ['approvals', 'list'],
    ['escalation', 'list'],
    ['conversations', 'list'],
    ['dead-letters', 'list'],
    ['audit', 'tail'],
    ['usage'],
    ['status'],
    ['escalation', 'raise', '--policy', 'duty', 'the till is down'],
    ['mcp', 'review', 'notes'],
    ['memory', 'show', 'dana'],
    ['prompt', '--conversation', 'con_p0_0123456789ab'],
    ['skills', 'learned'],
  ])(
    'is not made by who asks of what is there: it is said where none is, and how to name another (%s %s)',
    async (...words) => {
      const own = createCliHome('embedded');
      try {
        const { code, out, err } = await own.run(...words.filter(Boolean));

        expect({ code, out }).toEqual({ code: 1, out: '' });
        expect(err).toContain(`there is no store at ${own.directory}/data/redis`);
        expect(err).toContain('run this in the folder the gateway was started from');
        expect(err).toContain('redis.data_directory');
        expect(existsSync(`${own.directory}/data`)).toBe(false);
      } finally {
        await own.remove();
      }
    },
  );

  it('is asked for in a sentence when REDIS_URL leads nowhere', async () => {
    const lost = createCliHome('embedded', { REDIS_URL: 'redis://me:hush@127.0.0.1:1' });
    try {
      const { code, err } = await lost.run('approvals', 'list');

      expect(code).toBe(1);
      expect(err).toMatch(/^the Redis at redis:\/\/127\.0\.0\.1:1 does not answer: .*ECONNREFUSED/);
      expect(err).toContain('What to do: start that server');
      expect(err).not.toContain('hush');
    } finally {
      await lost.remove();
    }
  });
});
