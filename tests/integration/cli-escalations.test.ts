/** Escalations seen and acted on at the terminal, by the real command, on a real store. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { escalationIdOf } from '../../src/delivery/escalation-item.ts';
import { raise } from '../../src/domain/escalation/course.ts';
import type { EscalationPlan } from '../../src/domain/escalation/plan.ts';
import { PersonId } from '../../src/domain/ids.ts';
import { type CliHome, createCliHome } from '../support/cli.ts';

const KEY = 'trouble:disk';
const SUBJECT = { kind: 'trouble' } as const;
const ID = escalationIdOf(KEY, SUBJECT);
const HOUR = 3_600_000;
const DANA = [{ kind: 'person' as const, person: PersonId.parse('dana') }];
const PLAN: EscalationPlan = {
  name: 'lead',
  steps: [
    { id: 'lead', kind: 'notify', who: DANA, onEmpty: { kind: 'skip' } },
    { id: 'pause', kind: 'wait', forMs: HOUR },
    { id: 'again', kind: 'notify', who: DANA, onEmpty: { kind: 'skip' } },
  ],
  rounds: 1,
  lastResort: { who: DANA, importance: 'urgent' },
  nagMs: HOUR,
  settleMs: HOUR,
  acknowledge: { withinMs: HOUR, goesOnAt: 'same' },
  maxAgeMs: HOUR,
  onWorse: { kind: 'keep' },
};

vi.setConfig({ testTimeout: 120_000 });

let home: CliHome;
let stores: Awaited<ReturnType<CliHome['openStores']>>;

beforeEach(async () => {
  home = createCliHome();
  home.edit('contacts.yaml', 'email: alex@corp.test', 'email: alex@corp.test\n      cli: alex');
  stores = await home.openStores();
  const report = { id: ID, key: KEY, subject: SUBJECT, severity: 'error' as const };
  await stores.escalations.apply(ID, (before, nowMs) =>
    raise(before, { ...report, title: 'The disk is full', correlation: 'disk', except: [] }, PLAN, nowMs),
  );
});

afterEach(async () => {
  stores.close();
  await home.remove();
});

const standing = async () => (await stores.escalations.find(ID))?.standing;

describe('signalbox escalation', () => {
  it('lists what waits, takes it, lets go of it, puts it off, calls the next and closes it', async () => {
    expect((await home.run('escalation', 'list')).out).toMatch(new RegExp(`${ID}.*error.*The disk is full`));

    const taken = await home.run('escalation', 'ack', ID);
    expect(taken).toMatchObject({ code: 0, out: expect.stringContaining('You look after it now') });
    expect((await home.run('escalation', 'list')).out).toContain('Dana Reyes has it');
    expect(await standing()).toMatchObject({ state: 'ACKED', owner: { person: 'dana' } });

    expect((await home.run('escalation', 'release', ID)).code).toBe(0);
    expect((await home.run('escalation', 'snooze', ID, '30m')).out).toContain('Nobody is called before');
    expect(await standing()).toMatchObject({ state: 'SNOOZED' });
    expect((await home.run('escalation', 'next', ID, 'again')).out).toContain('It goes on now at again');
    expect((await stores.escalations.find(ID))?.step).toBe(2);
    expect(await home.run('escalation', 'next', ID, 'nowhere')).toMatchObject({
      code: 1,
      out: expect.stringContaining('lead, pause, again'),
    });

    expect((await home.run('escalation', 'resolve', ID, 'cleaned', 'up')).code).toBe(0);
    expect(await standing()).toMatchObject({ state: 'RESOLVED', remark: 'cleaned up' });
    expect(await home.run('escalation', 'cancel', ID)).toMatchObject({
      code: 1,
      out: expect.stringContaining('It is over already'),
    });
    expect(JSON.stringify(await stores.audit.tail(50))).toContain('permission operate of operator');
  });

  it('OM-053 tells wishes of one person apart by how their words begin', async () => {
    for (const [index, words] of ['my invoice is wrong', `the printer ${'burns '.repeat(20)}`].entries()) {
      const key = `handoff:duty:${index}`;
      const id = escalationIdOf(key, SUBJECT);
      const wish = { id, key, subject: SUBJECT, severity: 'error' as const, words };
      const title = 'A human is wanted on Slack, by Alex Kim';
      await stores.escalations.apply(id, (before, nowMs) =>
        raise(before, { ...wish, title, correlation: key, except: [] }, PLAN, nowMs),
      );
    }

    const { out } = await home.run('escalation', 'list');

    expect(out).toContain('A human is wanted on Slack, by Alex Kim: my invoice is wrong');
    expect(out).toMatch(/by Alex Kim: the printer burns burns .{1,40}…/);
    expect(out).toMatch(/The disk is full\s*$/m);
  });

  it('refuses whoever was not called and does not run the gateway, and records it', async () => {
    home.edit('settings.yaml', 'account: local', 'account: alex');
    expect((await home.run('escalation', 'list')).out).toContain('Nothing waits for you');
    const taken = await home.run('escalation', 'ack', ID);
    const raised = await home.run('escalation', 'raise', '--policy', 'duty', 'fire');

    expect(taken).toMatchObject({ code: 1, out: expect.stringContaining('You were not called') });
    expect(raised).toMatchObject({ code: 1, err: expect.stringContaining('may not call people') });
    expect(await standing()).toMatchObject({ state: 'ACTIVE' });
    const denied = (await stores.audit.tail(50)).filter(({ event }) => event.event === 'authorization.deny');
    expect(denied.map(({ event }) => event.actor)).toEqual(['alex', 'alex']);
  });

  it('OM-053 begins the trace of what is raised by hand with whoever raised it', async () => {
    home.edit(
      'escalation.yaml',
      /$/,
      '\nescalations: { duty: { steps: [{ notify: { role: manager } }], last_resort: { role: manager } } }\n',
    );

    const { code, out } = await home.run('escalation', 'raise', '--policy', 'duty', 'the printer burns');
    const [ticket = ''] = /esc_p\d+_[0-9a-z]{12}/.exec(out) ?? [];
    const trace = await home.run('audit', 'trace', ticket);

    expect(code).toBe(0);
    expect(trace.out).toMatch(/escalation\.asked-for by dana on cli · esc_\S+ policy=duty severity=/);
  });

  it('says what to do about a ticket or a policy that does not exist', async () => {
    const taken = await home.run('escalation', 'ack', 'esc_p1_000000000000');
    const raised = await home.run('escalation', 'raise', '--policy', 'nowhere', 'fire');

    expect(taken).toMatchObject({ code: 1, err: expect.stringContaining('there is no escalation') });
    expect(raised).toMatchObject({ code: 1, err: expect.stringContaining('no escalation policy nowhere') });
  });

  it('calls nobody about nothing', async () => {
    const raised = await home.run('escalation', 'raise', '--policy', 'duty', ' ');

    expect(raised).toMatchObject({ code: 1, err: expect.stringContaining('nothing says what it is about') });
    expect(await stores.redis.keys('*:e:*report*')).toEqual([]);
  });
});
