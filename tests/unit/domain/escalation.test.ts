import { describe, expect, it } from 'vitest';
import { type DeedResult, push } from '../../../src/domain/escalation/answers.ts';
import { goOn, heedPeople, hold, raise, tick } from '../../../src/domain/escalation/course.ts';
import {
  EscalationPlan,
  type PlanStep,
  type Severity,
  type Target,
} from '../../../src/domain/escalation/plan.ts';
import { dueOf } from '../../../src/domain/escalation/record.ts';
import { PersonId, Platform } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { callText, deedText } from '../../../src/escalation/sentences.ts';
import {
  DAY,
  HOUR,
  MINUTE,
  REPORT,
  Run,
  SECOND,
  START,
  surroundings,
  type World,
} from '../../support/escalation-world.ts';

const [ALEX, DANA, KIM] = ['alex', 'dana', 'kim'].map((name) => PersonId.parse(name)) as [
  PersonId,
  PersonId,
  PersonId,
];
const SLACK = { platform: Platform.parse('slack'), afterMs: 0 };
const EMAIL = { platform: Platform.parse('email'), afterMs: 5 * MINUTE };
const DISCORD = { platform: Platform.parse('discord'), afterMs: 5 * MINUTE };

describe('an escalation', () => {
  it('calls one after the other until somebody takes it, and then nobody any more', () => {
    const run = new Run(world(), plan([call('alex'), wait(10), call('dana'), wait(10)])).raise();

    run.pass(START + 12 * MINUTE).do(taken(DANA, START + 12 * MINUTE - run.atMs));
    run.pass(START + 40 * MINUTE);

    expect(callsOf(run)).toEqual(['0:00 alex slack', '0:05 alex email', '0:10 dana slack']);
    expect(run.escalation.standing).toMatchObject({ state: 'ACKED', owner: { person: DANA } });
  });

  it('tries every way to somebody, one after the other, however long nobody takes it', () => {
    const ways = { ...world().links, alex: [SLACK, EMAIL, DISCORD] };
    const run = new Run(world({ links: ways }), plan([call('alex'), wait(60)])).raise();

    run.pass(START + 59 * MINUTE);

    expect(callsOf(run)).toEqual(['0:00 alex slack', '0:05 alex email', '0:10 alex discord']);
  });

  it('says nothing before it has settled, and never anything when it is over by then', () => {
    const run = new Run(world(), { ...plan([call('alex')]), settleMs: 10 * SECOND }).raise();

    run.do({ kind: 'look', afterMs: 5 * SECOND });
    run.do({ kind: 'close', afterMs: 0 }).pass(START + DAY);

    expect(callsOf(run)).toEqual([]);
    expect(run.escalation.standing.state).toBe('RESOLVED');
  });

  it('OM-123 calls at once who comes on call because duty was changed while it waits, and looks when the next one does', () => {
    const steps = [call('support'), wait(180)];
    const run = new Run(world({ shift: [ALEX, ALEX, ALEX] }), plan(steps)).raise().pass(START + 10 * MINUTE);
    const heed = (people: readonly PersonId[]) =>
      heedPeople(run.escalation, surroundings(world({ shift: [...people] }), START + 10 * MINUTE));

    const isLater = heed([ALEX, DANA]);
    const isNow = heed([DANA]);

    expect(isNow.moved?.acts).toMatchObject([{ kind: 'page', person: DANA, why: 'call' }]);
    expect(isLater.moved?.acts ?? []).toEqual([]);
    expect(dueOf(isLater.moved?.next ?? run.escalation)).toBe(START + HOUR);
    // Nothing is written where nothing has changed.
    expect(heed([ALEX]).moved).toBeUndefined();
  });

  it('calls whoever was called last again, not whom a branch left out since', () => {
    const branch: PlanStep = { kind: 'branch', id: '', if: { severity: 'info' }, goesTo: 's3' };
    const steps = [call('alex'), branch, call('kim'), wait(60), call('dana'), wait(60)];
    const run = new Run(world(), plan(steps)).raise().pass(START + 2 * MINUTE);
    run.do(taken(ALEX, 0)).pass(START + 80 * MINUTE);

    expect(callsOf(run)).toEqual([
      '0:00 alex slack',
      '1:00 alex slack still',
      '1:15 alex slack',
      '1:20 alex email',
    ]);
  });

  it('goes on to whoever its policy calls next when somebody pushes it on, by its branches, and to the last resort where it ends', () => {
    const branch: PlanStep = { kind: 'branch', id: '', if: { outside: 'first' }, goesTo: 's6' };
    const steps = [call('alex'), wait(60), branch, call('kim'), wait(60), { kind: 'stop', id: '' } as const];
    const pushed = (more: readonly PlanStep[]) => {
      const run = new Run(world(), plan([...steps, ...more])).raise().pass(START + 10 * MINUTE);
      run.do({ kind: 'push', by: ALEX, step: undefined, afterMs: 0 }).pass(START + 9 * MINUTE);
      return callsOf(run).slice(2);
    };

    expect(pushed([wait(5), call('dana'), wait(60)])).toEqual(['0:05 dana slack']);
    expect(pushed([{ kind: 'stop', id: '' }])).toEqual(['0:05 kim slack last']);
  });

  it('gives whoever is asked whether they are still on it the time in which nobody could hear them', () => {
    const run = new Run(world(), plan([call('alex'), wait(600)])).raise().pass(START);
    run.do(taken(ALEX, 0)).pass(START + HOUR);
    const { standing } = run.escalation;
    const dueMs = 'nextMs' in standing ? standing.nextMs! : 0;
    const backMs = START + 3 * HOUR;
    const away = [{ fromMs: dueMs - MINUTE, untilMs: backMs }];
    const results: string[] = [];
    let { escalation } = run;
    for (let atMs = backMs; results.at(-1) !== 'not-confirmed'; atMs = dueOf(escalation) ?? atMs) {
      const { result, moved } = tick(escalation, surroundings(world(), atMs), away);
      results.push(result);
      escalation = moved?.next ?? escalation;
      // As long as they would have had without it, and no longer.
      if (result === 'not-confirmed') expect(atMs).toBe(backMs + 15 * MINUTE);
    }

    expect(results.slice(0, -1).every((result) => result === 'credited')).toBe(true);
  });

  it('waits for nobody where the one who is there is who it comes from', () => {
    const held: PlanStep = { ...call('alex'), onEmpty: { kind: 'hold' } };
    const duty = plan([held, wait(15), call('dana'), wait(60)]);
    const { moved } = raise(undefined, { ...REPORT, except: [ALEX] }, duty, START);
    const { moved: walked } = tick(moved!.next, surroundings(world(), START));

    expect(walked?.acts).toMatchObject([{ kind: 'page', person: DANA }]);
  });

  it('keeps to its hours after an outage: what was closed counts as no waiting', () => {
    const hours = { first: [0, 30 * MINUTE] as const };
    const steps = [call('alex'), wait(20), call('dana'), wait(20), call('alex'), wait(20)];
    const open = { ...plan(steps), onlyIn: 'first' };
    const run = new Run({ ...world(), hours }, open).raise().pass(START + 25 * MINUTE);
    // Dana was called at 0:20; nothing looks before the second day.
    run.do({ kind: 'look', afterMs: DAY - 24 * MINUTE });

    expect(callsOf(run).at(-1)).toBe('24:01 alex slack');
    expect(run.escalation.standing.state).toBe('ACTIVE');
  });

  it('leaves out the wait for nobody also where something else stands before it, unless that calls a program', () => {
    const worse: PlanStep = { kind: 'severity', id: '', severity: 'error' };
    const webhook: PlanStep = { kind: 'webhook', id: '', webhook: 'pager' };
    const firstBehind = (step: PlanStep) => {
      const steps = [call('nobody'), step, wait(15), call('dana'), wait(60)];
      return callsOf(new Run(world(), plan(steps)).raise().pass(START + 20 * MINUTE))[0];
    };

    expect(firstBehind(worse)).toBe('0:00 dana slack');
    expect(firstBehind(webhook)).toBe('0:15 dana slack');
  });

  it('is no worse when the same is reported again that its policy takes less seriously', () => {
    const milder: PlanStep = { kind: 'severity', id: '', severity: 'info' };
    const restarting = { ...plan([call('alex'), milder, wait(60)]), onWorse: { kind: 'restart' } as const };
    const run = new Run(world(), restarting).raise().pass(START + MINUTE);
    const again = raise(run.escalation, { ...REPORT, severity: 'warning' }, restarting, START + MINUTE);
    const worse = raise(run.escalation, { ...REPORT, severity: 'error' }, restarting, START + MINUTE);

    expect([again.result, worse.result]).toEqual(['DEDUPED', 'WORSE']);
  });

  it('calls so many people of those who can be reached, however many others there are', () => {
    const many = Array.from({ length: 20 }, (_, n) => PersonId.parse(`p${n}`));
    const pack = { ...world(), roles: { pack: [...many, DANA] } };
    const step: PlanStep = {
      kind: 'notify',
      id: '',
      who: [{ kind: 'role', role: RoleName.parse('pack') }],
      onEmpty: { kind: 'skip' },
    };

    expect(callsOf(new Run(pack, plan([step, wait(60)])).raise().pass(START))).toEqual(['0:00 dana slack']);
  });

  it('calls nobody anew outside of its hours: neither who comes on call, nor its last resort once more', () => {
    const hours = { first: [0, 10 * MINUTE] as const };
    const shifts = { ...world({ shift: [ALEX, DANA] }), hours };
    const onCall = new Run(shifts, { ...plan([call('support'), wait(26 * 60)]), onlyIn: 'first' });
    const exhausted = new Run(shifts, { ...plan([wait(1)]), onlyIn: 'first' });

    expect(callsOf(onCall.raise().pass(START + DAY + MINUTE))).toEqual([
      '0:00 alex slack',
      '0:05 alex email',
    ]);
    expect(callsOf(exhausted.raise().pass(START + DAY + MINUTE))).toEqual([
      '0:01 kim slack last',
      '0:06 kim email last',
      '24:00 kim slack last',
    ]);
  });

  it('takes the next step at once when nobody was there to be called, waits and all', () => {
    const run = new Run(world(), plan([call('nobody'), wait(30), call('dana'), wait(30)])).raise();

    run.pass(START + MINUTE);

    expect(callsOf(run)).toEqual(['0:00 dana slack']);
  });

  it('calls those who are named instead when nobody was there', () => {
    const step: PlanStep = {
      ...call('nobody'),
      onEmpty: { kind: 'instead', who: [{ kind: 'person', person: KIM }] },
    };
    const run = new Run(world(), plan([step, wait(30)])).raise();

    run.pass(START + MINUTE);

    expect(callsOf(run)).toEqual(['0:00 kim slack']);
  });

  it('is held until somebody is on call where it is told to, and goes on then', () => {
    const step: PlanStep = { ...call('support'), onEmpty: { kind: 'hold' } };
    const run = new Run(world({ shift: [undefined, DANA] }), plan([step, wait(30)])).raise();

    run.pass(START + 30 * MINUTE);
    expect(run.escalation.standing).toMatchObject({ state: 'HELD', reason: 'nobody' });
    run.pass(START + HOUR);

    expect(callsOf(run)).toEqual(['1:00 dana slack']);
  });

  it('lets somebody be who has gone away before their next way, and calls them anew when they are back', () => {
    const run = new Run(world({ shift: [ALEX] }), plan([call('support'), wait(90)])).raise();
    run.pass(START);
    const [back, away] = [START + 60 * MINUTE, START + 5 * MINUTE];
    const isThere = (atMs: number) => atMs < away || atMs >= back;
    const look = (atMs: number) => {
      const here = surroundings(world({ shift: [ALEX] }), atMs);
      const peopleOf: typeof here.peopleOf = (target, ms) => (isThere(ms) ? here.peopleOf(target, ms) : []);
      const { moved } = tick(run.escalation, { ...here, peopleOf });
      if (moved) run.current = moved.next;
      return moved?.acts.map((act) => (act.kind === 'page' ? act.person : act.kind));
    };

    expect(look(away)).toEqual([]);
    expect(dueOf(run.escalation)).toBeGreaterThan(away);
    expect(look(back)).toEqual([ALEX]);
  });

  it('E5 is held no longer than its policy lets it, and the next who are called read of it', () => {
    const held: PlanStep = { ...call('nobody'), onEmpty: { kind: 'hold' } };
    const run = new Run(world(), { ...plan([held, wait(30), call('dana'), wait(60)]), holdMs: 2 * HOUR });

    run.raise().pass(START + 119 * MINUTE);
    expect(callsOf(run)).toEqual([]);
    run.pass(START + 2 * HOUR);

    expect(callsOf(run)).toEqual(['2:00 dana slack']);
    expect(callText(run.escalation, 'call')).toContain(
      'Nobody who was to be called first was there for 2 hours.',
    );
    expect(run.escalation.waitsSinceMs).toBeUndefined();
  });

  it('E5 is held for a day where its policy does not say how long, its closed hours among them', () => {
    const held: PlanStep = { ...call('nobody'), onEmpty: { kind: 'hold' } };
    const run = new Run(world(), { ...plan([held, call('dana'), wait(60)]), onlyIn: 'first' }).raise();

    run.pass(START + 24 * HOUR - MINUTE);
    expect(callsOf(run)).toEqual([]);
    run.pass(START + 24 * HOUR);

    expect(callsOf(run)).toEqual(['24:00 dana slack']);
  });

  it('calls whoever comes on call while it goes on as if somebody had been called', () => {
    const step: PlanStep = { ...call('support'), onEmpty: { kind: 'go-on' } };
    const run = new Run(world({ shift: [undefined, DANA] }), plan([step, wait(90)])).raise();

    run.pass(START + 59 * MINUTE);
    expect(callsOf(run)).toEqual([]);
    run.pass(START + 80 * MINUTE);

    expect(callsOf(run)).toEqual(['1:00 dana slack', '1:05 dana email']);
  });

  it('calls whoever comes on call while it waits; who was called before is not called anew', () => {
    const run = new Run(world({ shift: [ALEX, DANA] }), plan([call('support'), wait(90)])).raise();

    run.pass(START + 80 * MINUTE);

    expect(callsOf(run)).toEqual([
      '0:00 alex slack',
      '0:05 alex email',
      '1:00 dana slack',
      '1:05 dana email',
    ]);
  });

  it('takes the next way at once when one led nowhere, and the next step when none is left', () => {
    const run = new Run(world(), plan([call('alex'), wait(60), call('dana'), wait(60)])).raise();
    const fails = { kind: 'unreached', person: ALEX, epochsAgo: 0, afterMs: MINUTE } as const;

    run.pass(START).do(fails).pass(run.atMs).do(fails).pass(run.atMs);

    expect(callsOf(run)).toEqual(['0:00 alex slack', '0:01 alex email', '0:02 dana slack']);
  });

  it('takes the next way at once, too, while it waits for its hours', () => {
    const run = new Run(world(), { ...plan([call('alex'), wait(1), call('dana')]), onlyIn: 'first' });
    run.raise().pass(START + 2 * MINUTE);
    expect(run.escalation.standing.state).toBe('HELD');

    run.do({ kind: 'unreached', person: ALEX, epochsAgo: 0, afterMs: 0 }).pass(run.atMs);

    expect(callsOf(run)).toEqual(['0:00 alex slack', '0:01 alex email']);
  });

  it('E6 raises the alarm when nobody of the last resort can be called, and when nobody of it was reached', () => {
    const alone = { ...world().links, dana: [SLACK] };
    const unreachable = new Run(world({ links: { ...alone, kim: [] } }), plan([call('alex')])).raise();
    const unreached = new Run(world({ links: { ...alone, alex: [], kim: [SLACK] } }), plan([call('alex')]));

    unreachable.pass(START + MINUTE);
    unreached.raise().pass(START + MINUTE);
    expect(unreached.escalation.standing).toMatchObject({ state: 'EXHAUSTED', isHeard: true });
    const fails = { kind: 'unreached', person: KIM, epochsAgo: 0, afterMs: MINUTE } as const;
    unreached.do(fails).do(fails);

    expect(unreachable.escalation.standing).toMatchObject({ state: 'EXHAUSTED', isHeard: false });
    expect(alarmsOf(unreachable)).toBe(1);
    expect(unreached.escalation.standing).toMatchObject({ state: 'EXHAUSTED', isHeard: false });
    expect(alarmsOf(unreached)).toBe(1);
  });

  it('takes the next step at once when a channel alone was called, and nobody can post in it', () => {
    const run = new Run(world({ posts: ['slack'] }), plan([post(), wait(60), call('dana'), wait(60)]));
    run.raise().pass(START);
    expect(run.escalation.posted).toEqual([{ platform: SLACK.platform, channel: 'C1' }]);

    run.do({ kind: 'unposted', platform: SLACK.platform, epochsAgo: 0, afterMs: MINUTE }).pass(run.atMs);

    expect(callsOf(run)).toEqual(['0:01 dana slack']);
    expect(run.escalation.posted).toEqual([]);
  });

  it('waits for whoever else was called, when a channel cannot be posted in', () => {
    const both: PlanStep = { ...post(), who: [...post().who, ...call('alex').who] };
    const run = new Run(world({ posts: ['slack'] }), plan([both, wait(60), call('dana'), wait(60)]))
      .raise()
      .pass(START);

    run.do({ kind: 'unposted', platform: SLACK.platform, epochsAgo: 0, afterMs: 0 }).pass(START + MINUTE);
    expect(callsOf(run)).toEqual(['0:00 alex slack']);

    const fails = { kind: 'unreached', person: ALEX, epochsAgo: 0, afterMs: MINUTE } as const;
    run.do(fails).do(fails).pass(run.atMs);
    expect(callsOf(run).at(-1)).toBe('0:02 dana slack');
  });

  it('does not wait for readers of a channel on a platform that does not run', () => {
    const both: PlanStep = { ...post(), who: [...post().who, ...call('alex').who] };
    const run = new Run(world({ posts: [] }), plan([both, wait(60), call('dana'), wait(60)]))
      .raise()
      .pass(START);

    const fails = { kind: 'unreached', person: ALEX, epochsAgo: 0, afterMs: MINUTE } as const;
    run.do(fails).do(fails).pass(run.atMs);

    expect(callsOf(run).at(-1)).toBe('0:02 dana slack');
  });

  it('E6 raises the alarm when the last resort is a channel nobody can post in', () => {
    const last = {
      ...plan([call('nobody')]),
      lastResort: { who: post().who, importance: 'urgent' as const },
    };
    const run = new Run(world({ posts: ['slack'] }), last).raise().pass(START);
    expect(run.escalation.standing).toMatchObject({ state: 'EXHAUSTED', isHeard: true });

    run.do({ kind: 'unposted', platform: SLACK.platform, epochsAgo: 0, afterMs: MINUTE });

    expect(run.escalation.standing).toMatchObject({ state: 'EXHAUSTED', isHeard: false });
    expect(alarmsOf(run)).toBe(1);
  });

  it('calls nobody while a question is open, and whoever was called last once there is a reply', () => {
    const run = new Run(world(), plan([call('alex'), wait(10), call('dana'), wait(10)])).raise().pass(START);

    run.keep(hold(run.escalation, START + HOUR)).pass(START + 50 * MINUTE);
    expect(run.escalation).toMatchObject({ epoch: 2, standing: { state: 'HELD', reason: 'asked' } });
    run.atMs = START + 50 * MINUTE;
    run.keep(goOn(run.escalation, run.atMs)).pass(START + 65 * MINUTE);

    expect(callsOf(run)).toEqual([
      '0:00 alex slack',
      '0:50 alex slack',
      '0:55 alex email',
      '1:00 dana slack',
      '1:05 dana email',
    ]);
  });

  it('goes on without a reply where there is none', () => {
    const run = new Run(world(), plan([call('alex'), wait(10), call('dana'), wait(60)])).raise().pass(START);
    run.keep(hold(run.escalation, START + HOUR)).pass(START + 2 * HOUR - 1);
    expect(callsOf(run)).toContain('1:00 dana slack');
    expect(goOn(run.escalation, run.atMs)).toEqual({ result: 'NOTHING' });
  });

  it('calls nobody for whoever lets go of it, or has put it off, as long as a question is open', () => {
    const lettingGo = { kind: 'let-go', by: ALEX, permitted: true, afterMs: 10 * MINUTE } as const;
    const run = new Run(world(), plan([call('alex'), wait(10), call('dana'), wait(60)])).raise().pass(START);
    run.do(taken(ALEX, MINUTE));
    run
      .keep(hold(run.escalation, START + HOUR))
      .do(lettingGo)
      .pass(START + 59 * MINUTE);
    expect(run.escalation.standing).toMatchObject({ state: 'HELD', reason: 'asked' });
    expect(callsOf(run)).toEqual(['0:00 alex slack']);

    run.atMs = START + 59 * MINUTE;
    run.keep(goOn(run.escalation, run.atMs)).pass(START + HOUR);

    expect(callsOf(run)).toContain('0:59 alex slack');
  });

  it('leaves whoever has it with it while a question about it is asked and answered', () => {
    const run = new Run(world(), plan([call('alex'), wait(10), call('dana'), wait(60)])).raise().pass(START);
    run.do(taken(ALEX, MINUTE));
    const { epoch, standing } = run.escalation;

    run.keep(hold(run.escalation, START + HOUR)).keep(goOn(run.escalation, START + 2 * MINUTE));

    expect(run.escalation).toMatchObject({ epoch, standing });
    expect(run.escalation.askedUntilMs).toBeUndefined();
  });

  it('goes through its steps as often as it says, then calls the last resort, and again after a while', () => {
    const run = new Run(world(), { ...plan([call('dana'), wait(10)]), rounds: 2 }).raise();

    run.pass(START + 5 * HOUR);

    expect(callsOf(run)).toEqual([
      '0:00 dana slack',
      '0:05 dana email',
      '0:10 dana slack',
      '0:15 dana email',
      '0:20 kim slack last',
      '0:25 kim email last',
      '4:20 kim slack last',
      '4:25 kim email last',
    ]);
  });

  it('E11 comes out of an outage at the step that is due by then, and calls nobody it has passed', () => {
    const run = new Run(
      world(),
      plan([call('alex'), wait(10), call('dana'), wait(10), call('kim'), wait(60)]),
    );
    run.raise();

    run.atMs = START + 15 * MINUTE;
    run.look();

    expect(callsOf(run)).toEqual(['0:15 dana slack']);
    expect(run.events.at(-1)?.moved?.taken.map(({ step, how }) => `${step} ${how}`)).toEqual([
      's0 overtaken',
      's1 done',
      's2 done',
      's3 done',
    ]);
    expect(run.escalation.standing).toEqual({ state: 'ACTIVE', nextMs: START + 20 * MINUTE });
  });

  it('E11 comes out of an outage of several rounds without calling anybody by the way', () => {
    const steps = Array.from({ length: 40 }, () => [call('alex'), wait(1)]).flat();
    const run = new Run(world(), { ...plan(steps), rounds: 5 }).raise();

    run.atMs = START + 3 * HOUR + MINUTE / 2;
    run.pass(run.atMs);

    expect(callsOf(run)).toEqual(['3:00 alex slack']);
    expect(run.escalation).toMatchObject({ round: 4, standing: { nextMs: START + 3 * HOUR + MINUTE } });
  });

  it('asks whoever took it after a while, and goes on without them when they do not say a word', () => {
    const run = new Run(world(), plan([call('alex'), wait(10), call('dana'), wait(10)])).raise();

    run
      .pass(START)
      .do(taken(ALEX, MINUTE))
      .pass(START + 90 * MINUTE);

    expect(callsOf(run)).toEqual([
      '0:00 alex slack',
      '1:01 alex slack still',
      '1:16 alex slack',
      '1:21 alex email',
      '1:26 dana slack',
    ]);
  });

  it('waits with what is mild for the end of the quiet hours of whoever took it, and gives them their time then', () => {
    const steps = [call('alex'), wait(10), call('dana'), wait(10)];
    const run = new Run(world({ sleepers: [ALEX] }), plan(steps), START - 30 * MINUTE).raise();

    run
      .pass(run.atMs)
      .do(taken(ALEX, MINUTE))
      .pass(START + 10 * HOUR);

    const asked = run.events.find(({ result }) => result === 'asked-still');
    const gone = run.events.find(({ result }) => result === 'not-confirmed');
    expect(asked).toMatchObject({ atMs: START + 31 * MINUTE, moved: { acts: [{ importance: 'normal' }] } });
    expect(gone?.atMs).toBe(START + 6 * HOUR + 15 * MINUTE);
  });

  it('asks whoever took what is bad also in their quiet hours, so that somebody looks after it', () => {
    const steps = [call('alex'), wait(10), call('dana'), wait(10)];
    const run = new Run(world({ sleepers: [ALEX] }), plan(steps), START - 30 * MINUTE).raise('error');

    run
      .pass(run.atMs)
      .do(taken(ALEX, MINUTE))
      .pass(START + HOUR);

    const asked = run.events.find(({ result }) => result === 'asked-still');
    const gone = run.events.find(({ result }) => result === 'not-confirmed');
    expect(asked).toMatchObject({ atMs: START + 31 * MINUTE, moved: { acts: [{ importance: 'urgent' }] } });
    expect(gone?.atMs).toBe(START + 46 * MINUTE);
  });

  it('gives whoever cannot be asked at all no time to answer in their quiet hours', () => {
    const links = { ...world().links, alex: [] };
    const run = new Run(world({ sleepers: [ALEX], links }), plan([call('dana'), wait(10)])).raise();

    run
      .pass(START)
      .do(taken(ALEX, MINUTE))
      .pass(START + 2 * HOUR);

    expect(run.events.find(({ result }) => result === 'not-confirmed')?.atMs).toBe(START + 76 * MINUTE);
  });

  it('leaves whoever says so in peace for as long again', () => {
    const run = new Run(world(), plan([call('alex'), wait(10)])).raise();

    run
      .pass(START)
      .do(taken(ALEX, MINUTE))
      .pass(START + 62 * MINUTE);
    run.do(taken(ALEX, MINUTE)).pass(START + 2 * HOUR);

    expect(run.events.map(({ moved }) => moved?.event)).toContain('confirmed');
    expect(run.escalation.standing).toMatchObject({ state: 'ACKED', nextMs: run.atMs + HOUR });
  });

  it('calls nobody anew about what was not reported for longer than its plan allows', () => {
    const run = new Run(world(), { ...plan([call('alex'), wait(10)]), maxAgeMs: HOUR }).raise();

    run
      .pass(START)
      .do(taken(ALEX, MINUTE))
      .pass(START + 2 * DAY);

    expect(run.escalation.standing.state).toBe('ACKED');
    expect(callsOf(run).filter((line) => !line.endsWith('still'))).toEqual(['0:00 alex slack']);
  });

  it('goes on where it was when whoever has it lets go, and knows them as the last owner', () => {
    const last: PlanStep = { ...call('alex'), who: [{ kind: 'last-owner' }] };
    const run = new Run(world(), plan([call('alex'), wait(10), last, wait(10)])).raise();

    run.pass(START).do(taken(DANA, MINUTE));
    run.do({ kind: 'let-go', by: DANA, permitted: true, afterMs: MINUTE }).pass(START + 20 * MINUTE);

    expect(run.escalation.lastOwner).toBe(DANA);
    expect(callsOf(run)).toContain('0:02 dana slack');
  });

  it.each<[string, (run: Run) => Run, ...string[]]>([
    [
      'lets go of it',
      (run) => run.do(taken(DANA, MINUTE)).do({ kind: 'let-go', by: DANA, permitted: true, afterMs: MINUTE }),
      '0:02 kim slack last',
    ],
    [
      'lets go of it before the last wait',
      (run) => run.do(taken(DANA, 0)).do({ kind: 'let-go', by: DANA, permitted: true, afterMs: MINUTE }),
      '0:01 kim slack last',
    ],
    [
      'has put it off',
      (run) =>
        run
          .do({ kind: 'snooze', by: DANA, forMs: 5 * MINUTE, instead: false, afterMs: MINUTE })
          .pass(run.atMs + HOUR),
      '0:06 kim slack last',
    ],
    [
      'has put it off, until it gets worse',
      (run) =>
        run
          .do({ kind: 'snooze', by: DANA, forMs: HOUR, instead: false, afterMs: MINUTE })
          .do({ kind: 'report', severity: 'critical', afterMs: MINUTE }),
      '0:02 kim slack last',
    ],
    ['does not say that they are still on it', (run) => run.do(taken(DANA, MINUTE)), '1:16 kim slack last'],
  ])('ends by no stop of its policy before others were called, where whoever %s', (_what, act, ...calls) => {
    const steps = [call('alex'), wait(10), { kind: 'stop', id: '' } as const];
    const own = plan(steps);
    const acknowledging = { ...own.acknowledge, goesOnAt: 'next' as const };
    const run = new Run(world(), { ...own, acknowledge: acknowledging }).raise().pass(START);

    act(run).pass(START + 80 * MINUTE);

    expect(callsOf(run).filter((each) => each.endsWith('last'))).toEqual(expect.arrayContaining(calls));
    expect(run.escalation.standing.state).toBe('EXHAUSTED');
  });

  it('is gone through as often as it says, and jumps as often, whoever took it meanwhile and said nothing more', () => {
    const run = new Run(world(), { ...plan([call('dana'), wait(10)]), rounds: 2 }).raise();

    run
      .pass(START + 12 * MINUTE)
      .do(taken(DANA, 0))
      .pass(START + 3 * HOUR);

    expect(callsOf(run).filter((each) => / (slack|slack last)$/.test(each))).toEqual([
      '0:00 dana slack',
      '0:10 dana slack',
      '1:25 dana slack',
      '1:35 kim slack last',
    ]);
  });

  it('is put off by somebody else only where they say so, and knows whoever had it as the last owner', () => {
    const last: PlanStep = { ...call('alex'), who: [{ kind: 'last-owner' }] };
    const run = new Run(world(), plan([call('alex'), wait(10), last, wait(10)])).raise();
    const putOff = { kind: 'snooze', by: ALEX, forMs: 30 * MINUTE, afterMs: MINUTE } as const;

    run.pass(START).do(taken(DANA, MINUTE));
    run.do({ ...putOff, instead: false });
    const refused = run.events.at(-1);
    run.do({ ...putOff, instead: true });

    expect(refused).toMatchObject({ result: { code: 'ALREADY' }, moved: undefined });
    expect(deedText(refused?.result as DeedResult)).toContain(`/snooze ${REPORT.id} 1h instead`);
    expect(run.escalation).toMatchObject({ standing: { state: 'SNOOZED', by: { person: ALEX } } });
    expect(run.escalation.lastOwner).toBe(DANA);
    run.pass(START + 40 * MINUTE);
    expect(callsOf(run)).toContain('0:33 dana slack');
  });

  it('calls whoever had it before when what they have put off themselves goes on', () => {
    const last: PlanStep = { ...call('alex'), who: [{ kind: 'last-owner' }] };
    const run = new Run(world(), plan([call('alex'), wait(10), last, wait(10)])).raise();

    run.pass(START).do(taken(DANA, MINUTE));
    run.do({ kind: 'snooze', by: DANA, forMs: HOUR, instead: false, afterMs: MINUTE });
    run.pass(START + 70 * MINUTE);

    expect(callsOf(run)).toContain('1:02 dana slack');
  });

  it('calls whoever stands in for a last owner who is away', () => {
    const last: PlanStep = { ...call('alex'), who: [{ kind: 'last-owner' }] };
    const run = new Run(world(), plan([call('alex'), wait(10), last, wait(10)])).raise();
    run.pass(START).do(taken(DANA, MINUTE));
    run.do({ kind: 'let-go', by: DANA, permitted: true, afterMs: MINUTE });
    const here = surroundings(world(), run.atMs);
    const isDana = (target: Target) => target.kind === 'person' && target.person === DANA;
    const back = run.atMs + 30 * MINUTE;

    const { moved } = tick(run.escalation, {
      ...here,
      peopleOf: (target, atMs) => (isDana(target) ? [KIM] : here.peopleOf(target, atMs)),
      changesAt: (target) => (isDana(target) ? back : undefined),
    });

    expect(moved?.acts).toMatchObject([{ kind: 'page', person: KIM }]);
    expect(moved?.next.calling).toMatchObject({ changesMs: back });
  });

  it('does not take a step whose last owner is away for one that called somebody', () => {
    const last: PlanStep = { ...call('alex'), who: [{ kind: 'last-owner' }] };
    const run = new Run(
      world(),
      plan([call('alex'), wait(10), last, wait(10), call('kim'), wait(10)]),
    ).raise();
    run.pass(START).do(taken(DANA, MINUTE));
    run.do({ kind: 'let-go', by: DANA, permitted: true, afterMs: MINUTE });
    const here = surroundings(world(), run.atMs);

    const { moved } = tick(run.escalation, {
      ...here,
      peopleOf: (target, atMs) => here.peopleOf(target, atMs).filter((person) => person !== DANA),
    });

    expect(moved?.acts).toMatchObject([{ kind: 'page', person: KIM }]);
    expect(moved?.taken).toContainEqual({ round: 0, step: 's2', how: 'empty' });
  });

  it('E6 is heard once somebody of its last resort comes whom nobody could be called before', () => {
    const nobody = world({ shift: [undefined, KIM] });
    const last = { who: [{ kind: 'on-call', schedule: 'support' }], importance: 'urgent' } as const;
    const run = new Run(nobody, {
      ...plan([call('dana'), wait(10)]),
      lastResort: { ...last, who: [...last.who] },
      nagMs: 4 * HOUR,
    }).raise();

    run.pass(START + 59 * MINUTE);
    expect(run.escalation.standing).toMatchObject({ state: 'EXHAUSTED', isHeard: false });
    run.pass(START + 61 * MINUTE);

    expect(run.escalation.standing).toMatchObject({ state: 'EXHAUSTED', isHeard: true });
  });

  it('goes on with a call that began before it was kept which step made it', () => {
    const run = new Run(world(), plan([call('alex'), wait(30)])).raise().pass(START);
    const chains = run.escalation.chains.map(({ by: _, ...chain }) => chain);
    const [{ dueMs = START } = {}] = chains;

    const { moved } = tick({ ...run.escalation, chains }, surroundings(world(), dueMs));

    expect(run.escalation.chains).toMatchObject([{ by: { caller: { round: 0, step: 's0' } } }]);
    expect(moved?.acts).toMatchObject([{ kind: 'page', cause: { kind: 'next-way', by: undefined } }]);
  });

  it('goes on with its last resort after a question that was asked when nobody else was left', () => {
    const run = new Run(world(), plan([call('dana'), wait(10)])).raise().pass(START + 20 * MINUTE);
    run.keep(hold(run.escalation, START + 5 * HOUR)).keep(hold(run.escalation, START + 6 * HOUR));

    run.atMs = START + 30 * MINUTE;
    run.keep(goOn(run.escalation, run.atMs)).pass(run.atMs);

    expect(callsOf(run).at(-1)).toBe('0:30 kim slack last');
    expect(run.escalation.standing.state).toBe('EXHAUSTED');
  });

  it('calls those of its last step again after a question that was asked while it waited for them', () => {
    const run = new Run(world(), plan([call('dana'), wait(10)])).raise().pass(START + 4 * MINUTE);
    run.keep(hold(run.escalation, START + 5 * HOUR));

    run.atMs = START + 30 * MINUTE;
    run.keep(goOn(run.escalation, run.atMs)).pass(run.atMs);

    expect(callsOf(run)).toEqual(['0:00 dana slack', '0:30 dana slack']);
  });

  it('calls the last resort again when whoever of it had taken it is not heard of any more', () => {
    const run = new Run(world(), plan([call('dana'), wait(10)])).raise().pass(START + 10 * MINUTE);

    run.do(taken(KIM, 0)).pass(START + 85 * MINUTE);

    expect(callsOf(run).slice(-2)).toEqual(['1:10 kim slack still', '1:25 kim slack last']);
  });

  it('goes on at the next step when it is pushed while it waits for somebody to be there', () => {
    const held: PlanStep = { ...call('nobody'), onEmpty: { kind: 'hold' } };
    const run = new Run(world(), plan([held, wait(10), call('dana'), wait(10)])).raise().pass(START);
    expect(run.escalation.standing).toMatchObject({ state: 'HELD', reason: 'nobody' });

    run.do({ kind: 'push', by: KIM, step: undefined, afterMs: 30 * MINUTE }).pass(run.atMs);

    expect(callsOf(run)).toEqual(['0:30 dana slack']);
  });

  it('waits no longer for somebody to be there because it was pushed on to the same step', () => {
    const held: PlanStep = { ...call('nobody'), onEmpty: { kind: 'hold' } };
    const run = new Run(world(), { ...plan([held, wait(30), call('dana'), wait(60)]), holdMs: 2 * HOUR });
    run.raise().pass(START);

    run.do({ kind: 'push', by: KIM, step: 's0', afterMs: HOUR }).pass(START + 2 * HOUR);

    expect(callsOf(run)).toEqual(['2:00 dana slack']);
  });

  it('E7 calls the next outside its hours where somebody pushes it on, and waits for them again after that', () => {
    const run = new Run(world(), {
      ...plan([call('alex'), wait(10), call('dana'), wait(10), call('kim'), wait(10)]),
      onlyIn: 'first',
    });
    run.raise().pass(START + 20 * MINUTE);
    expect(run.escalation.standing).toMatchObject({ state: 'HELD', reason: 'closed' });

    run.do({ kind: 'push', by: KIM, step: undefined, afterMs: 0 }).pass(START + 2 * HOUR);

    expect(callsOf(run)).toEqual([
      '0:00 alex slack',
      '0:05 alex email',
      '0:10 dana slack',
      '0:15 dana email',
    ]);
    expect(run.escalation.standing).toMatchObject({ state: 'HELD', reason: 'closed' });
  });

  it.each<[string, readonly PlanStep[], string]>([
    [
      'who is called',
      [call('alex'), wait(10), call('dana'), wait(10)],
      'at `s2`; who is there of those is called',
    ],
    [
      'that it may have to wait',
      [call('alex'), wait(10), { ...call('nobody'), onEmpty: { kind: 'hold' } }],
      'If none of them is, it waits until somebody is.',
    ],
    ['that nobody but the last resort is left', [call('alex'), wait(10)], 'the last resort is called now'],
  ])('tells whoever pushes it on %s', (_, steps, words) => {
    const run = new Run(world(), plan(steps)).raise().pass(START);

    const { result } = push(run.escalation, { by: { person: KIM, name: 'Kim' }, permitted: true }, START);

    expect(deedText(result)).toContain(words);
  });

  it('goes on at once when what somebody has put off gets worse, and only then', () => {
    const run = new Run(world(), plan([call('dana'), wait(10), call('kim'), wait(10)])).raise().pass(START);
    run.do({ kind: 'snooze', by: DANA, forMs: 7 * DAY, instead: false, afterMs: MINUTE });

    run.do({ kind: 'report', severity: 'warning', afterMs: MINUTE }).pass(START + HOUR);
    expect(run.escalation.standing.state).toBe('SNOOZED');
    run.do({ kind: 'report', severity: 'critical', afterMs: 0 }).pass(run.atMs + 9 * MINUTE);

    expect(callsOf(run)).toEqual(['0:00 dana slack', '0:02 kim slack', '0:07 kim email']);
  });

  it('calls nobody who reported it later, by no further way either', () => {
    const run = new Run(world(), plan([call('alex'), wait(10), call('dana'), wait(10)])).raise().pass(START);
    const later = (except: PersonId[]) => raise(run.escalation, { ...REPORT, except }, run.plan, START);

    run
      .keep(later([ALEX]))
      .keep(later([DANA]))
      .pass(START + 20 * MINUTE);

    expect(callsOf(run)).toEqual(['0:00 alex slack', '0:10 kim slack last', '0:15 kim email last']);
    expect(run.escalation.except).toEqual([ALEX, DANA]);
  });

  it.each<[string, EscalationPlan['onWorse'], Severity, string[]]>([
    ['keeps on when it gets worse', { kind: 'keep' }, 'critical', ['0:00 alex slack', '0:05 alex email']],
    [
      'begins again when it gets worse',
      { kind: 'restart' },
      'critical',
      ['0:00 alex slack', '0:02 alex slack'],
    ],
    [
      'goes to the step for it when it gets worse',
      { kind: 'step', step: 's2' },
      'critical',
      ['0:00 alex slack', '0:02 dana slack'],
    ],
    ['only counts what is no worse', { kind: 'restart' }, 'info', ['0:00 alex slack', '0:05 alex email']],
  ])('%s', (_, onWorse, severity, calls) => {
    const run = new Run(world(), { ...plan([call('alex'), wait(10), call('dana')]), onWorse }).raise();

    run
      .pass(START)
      .do({ kind: 'report', severity, afterMs: 2 * MINUTE })
      .pass(START + 6 * MINUTE);

    expect(callsOf(run).slice(0, 2)).toEqual(calls);
    expect(run.escalation.count).toBe(2);
  });

  it('asks whoever took it at once when it gets worse, with what it is about now', () => {
    const run = new Run(world(), plan([call('alex'), wait(10), call('dana'), wait(10)])).raise();
    const about = { title: 'Somebody is in danger', words: 'please hurry' };

    run
      .pass(START)
      .do(taken(ALEX, MINUTE))
      .do({ kind: 'report', severity: 'critical', about, afterMs: MINUTE })
      .pass(START + 18 * MINUTE);

    expect(callsOf(run)).toEqual(['0:00 alex slack', '0:02 alex slack still', '0:17 alex slack']);
    expect(run.events.findLast(({ result }) => result === 'asked-still')?.moved?.acts).toMatchObject([
      { importance: 'urgent' },
    ]);
    expect(run.escalation).toMatchObject({ ...about, severity: 'critical' });
  });

  it('leaves it with whoever is trusted when it gets worse, once they were asked', () => {
    const { remindMs: _, ...acknowledge } = plan([call('alex')]).acknowledge;
    const run = new Run(world(), { ...plan([call('alex'), wait(10)]), acknowledge }).raise();

    run
      .pass(START)
      .do(taken(ALEX, MINUTE))
      .do({ kind: 'report', severity: 'critical', afterMs: MINUTE })
      .pass(START + DAY);

    expect(callsOf(run)).toEqual(['0:00 alex slack', '0:02 alex slack still']);
    expect(run.escalation.standing).toMatchObject({ state: 'ACKED', asked: true });
  });

  it('calls its last resort again, however long ago it was reported', () => {
    const run = new Run(world(), { ...plan([call('alex'), wait(10)]), maxAgeMs: HOUR }).raise();

    run.pass(START + 9 * HOUR);

    expect(callsOf(run).filter((line) => line.endsWith('slack last'))).toEqual([
      '0:10 kim slack last',
      '4:10 kim slack last',
      '8:10 kim slack last',
    ]);
  });

  it('goes another way by how bad it is, and by how often it was reported', () => {
    const steps: PlanStep[] = [
      { kind: 'branch', id: 's0', if: { severity: 'error', count: 2 }, goesTo: 's2' },
      call('alex', 's1'),
      call('dana', 's2'),
      wait(60, 's3'),
    ];

    const mild = new Run(world(), plan(steps)).raise('critical').pass(START);
    const bad = new Run(world(), { ...plan(steps), settleMs: MINUTE }).raise('error');
    bad.do({ kind: 'report', severity: 'info', afterMs: 0 }).pass(START + MINUTE);

    expect(callsOf(mild)).toEqual(['0:00 alex slack', '0:00 dana slack']);
    expect(callsOf(bad)).toEqual(['0:01 dana slack']);
  });

  it('is as loud as it is bad where a step does not say it', () => {
    const run = new Run(
      world(),
      plan([{ kind: 'severity', id: 's0', severity: 'critical' }, call('alex', 's1')]),
    );

    run.raise('info').pass(START);

    expect(run.events.at(-1)?.moved?.acts[0]).toMatchObject({ kind: 'page', importance: 'urgent' });
  });
});

// ── A small world ────────────────────────────────────────────────────────────────────────────────────────────

/** Everybody is on Slack and reads mail; hours are open for one minute; shifts last an hour. */
function world({
  shift = [ALEX],
  links = { alex: [SLACK, EMAIL], dana: [SLACK, EMAIL], kim: [SLACK, EMAIL] },
  posts = [],
  sleepers = [],
}: {
  posts?: World['posts'];
  sleepers?: readonly PersonId[];
  shift?: (PersonId | undefined)[];
  links?: World['links'];
} = {}): World {
  return {
    hours: { first: [0, MINUTE] },
    schedules: { support: { turnMs: HOUR, people: shift } },
    roles: {},
    links,
    posts,
    sleepers,
  };
}

/** With `kim` as the last resort. */
function plan(steps: readonly PlanStep[]): EscalationPlan {
  return EscalationPlan.parse({
    name: 'duty',
    steps: steps.map((step, index) => ({ ...step, id: `s${index}` })),
    rounds: 1,
    lastResort: { who: [{ kind: 'person', person: 'kim' }], importance: 'urgent' },
    nagMs: 4 * HOUR,
    settleMs: 0,
    acknowledge: { remindMs: HOUR, withinMs: 15 * MINUTE, goesOnAt: 'same' },
    maxAgeMs: 72 * HOUR,
    onWorse: { kind: 'keep' },
  });
}

type Notify = Extract<PlanStep, { kind: 'notify' }>;

function call(who: string, id = ''): Notify {
  const targets = {
    support: { kind: 'on-call', schedule: 'support' },
    nobody: { kind: 'role', role: 'nobody' },
  } as const;
  const target = targets[who as keyof typeof targets] ?? { kind: 'person', person: PersonId.parse(who) };
  return { kind: 'notify', id, who: [target], onEmpty: { kind: 'skip' } };
}

function post(): Notify {
  return {
    kind: 'notify',
    id: '',
    who: [{ kind: 'channel', platform: SLACK.platform, channel: 'C1' }],
    onEmpty: { kind: 'skip' },
  };
}

function wait(minutes: number, id = ''): PlanStep {
  return { kind: 'wait', id, forMs: minutes * MINUTE };
}

function taken(by: PersonId, afterMs: number) {
  return { kind: 'acknowledge', by, instead: false, permitted: true, afterMs } as const;
}

/** `0:05 alex email`, with what is special about it behind. */
function callsOf({ events }: Run): string[] {
  return events.flatMap(({ atMs, moved }) =>
    (moved?.acts ?? []).flatMap((act) => {
      if (act.kind !== 'page') return [];
      const minutes = Math.floor((atMs - START) / MINUTE);
      const at = `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
      return [`${at} ${act.person} ${act.platform}${act.why === 'call' ? '' : ` ${act.why}`}`];
    }),
  );
}

function alarmsOf({ events }: Run): number {
  return events.flatMap(({ moved }) => moved?.acts ?? []).filter(({ kind }) => kind === 'alarm').length;
}
