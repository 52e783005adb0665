import { describe, expect, it } from 'vitest';
import { isPrivate as isPrivateOnDiscord } from '../../../gateways/discord/outbound.ts';
import { isPrivate as isPrivateMail } from '../../../gateways/email/outbound.ts';
import { isPrivate as isPrivateOnSlack } from '../../../gateways/slack/outbound.ts';
import { ticketFor } from '../../../src/control/control-store.ts';
import {
  announcementOf,
  callText,
  eventText,
  handBackText,
  takeOverText,
} from '../../../src/control/sentences.ts';
import { createWhereOf } from '../../../src/control/whereabouts.ts';
import {
  Control,
  finishHandback,
  type HandoffRequest,
  handBack,
  letGo,
  lookAfter,
  type PendingControl,
  requestHandoff,
  type TakeOverResult,
  takeOver,
  untouched,
} from '../../../src/domain/control.ts';
import { ConversationId, EscalationId, PersonId, Platform } from '../../../src/domain/ids.ts';

const TALK = ConversationId.parse('email:t');
const DANA = { person: PersonId.parse('dana'), name: 'Dana Reyes' };
const OSKAR = { person: PersonId.parse('oskar'), name: 'Oskar Lind' };

describe('a wish for a human', () => {
  const { moved } = requestHandoff(untouched(TALK), { by: { kind: 'agent' } }, { waitMs: 1_000 }, 0);

  it.each([
    ['those whom a policy calls, not by name', undefined, 'Those who can help are told.'],
    ['those who were told, by name', ['Dana Reyes'], 'I have told Dana Reyes.'],
    ['nobody, where nobody can be told', [], 'I know nobody whom I could tell;'],
  ])('OM-184 names %s', (_, asked, words) => {
    expect(announcementOf(untouched(TALK), moved!, asked)).toContain(words);
  });
});

describe('a call for a human', () => {
  const whereOf = createWhereOf(
    () => ({}),
    new Map([
      ['slack', { isPrivate: isPrivateOnSlack }],
      ['discord', { isPrivate: isPrivateOnDiscord }],
      ['email', { isPrivate: isPrivateMail }],
      ['jira', {}],
    ]),
  );
  const callFrom = (platform: string, route: Record<string, string>) => {
    const origin = { platform: Platform.parse(platform), route };
    const { moved } = requestHandoff(
      untouched(TALK),
      { by: { kind: 'agent' } },
      { waitMs: 1_000, origin },
      0,
    );
    return callText(moved?.next as PendingControl, ticketFor(TALK), whereOf); // a wish makes it wait
  };

  it.each<[string, string, Record<string, string>]>([
    ['a direct message', 'slack', { channel: 'D0ALEX', thread: '1700000000.000100' }],
    ['a command of Slack, which its author alone sees', 'slack', { channel: 'C0GENERAL', user: 'U0ALEX' }],
    ['a direct message', 'discord', { channel: '900000000000000001', reply: '900000000000000002' }],
    ['a mail', 'email', { to: 'alex@example.com', subject: 'Hello' }],
    ['a terminal', 'cli-0a1b', {}],
  ])(
    'OM-184 from %s (%s) is answered with the ticket alone: nobody else writes there',
    (_, platform, route) => {
      expect(callFrom(platform, route)).toContain(`with \`/takeover ${ticketFor(TALK)}\`. After that`);
    },
  );

  it.each<[string, string, Record<string, string>]>([
    ['a channel', 'slack', { channel: 'C0GENERAL', thread: '1700000000.000100' }],
    ['several people', 'slack', { channel: 'G0SEVERAL' }],
    ['a server', 'discord', { channel: '900000000000000001', guild: '900000000000000003' }],
    ['an issue', 'jira', { issue: 'OPS-12' }],
  ])('OM-184 from %s (%s) is answered there as well', (_, platform, route) => {
    expect(callFrom(platform, route)).toContain(
      `/takeover ${ticketFor(TALK)}\`, or write \`/takeover\` in it.`,
    );
  });
});

describe('whoever has taken a conversation over', () => {
  it.each<[string, TakeOverResult]>([
    ['now', taken()],
    ['already', { code: 'ALREADY', control: taken().control }],
  ])('OM-053 %s is told the command that hands it back where they read that', (_, result) => {
    expect(takeOverText(result, 'this conversation')).toContain('`/handback`');
    expect(takeOverText(result, 'that conversation')).toContain(`\`/handback ${ticketFor(TALK)}\``);
  });
});

describe('a wait for a human', () => {
  const ALEX = PersonId.parse('alex');
  const escalation = EscalationId.parse('esc_p0_000000000000');
  const byPolicy = { by: { kind: 'escalation', policy: 'duty', escalation } } as const;
  const wait = (request: HandoffRequest) =>
    requestHandoff(untouched(TALK), request, { waitMs: 60_000 }, 0).moved!;

  it.each<[string, HandoffRequest, string]>([
    ['who wanted it', { by: { kind: 'person', person: ALEX, name: 'Alex' } }, '`/handback` calls it off.'],
    ['for whom the agent wanted it', { by: { kind: 'agent' }, from: ALEX }, '`/handback` calls it off.'],
    [
      'for nobody, by the agent',
      { by: { kind: 'agent' } },
      'Whoever may take conversations over can call it off',
    ],
    [
      'by a rule',
      { by: { kind: 'rule', rule: 'x' }, from: ALEX },
      'Whoever may take conversations over can call',
    ],
    ['by a policy', byPolicy, 'Whoever may take conversations over can call it off'],
  ])('OM-053 says who can call it off: %s', (_, request, text) => {
    const moved = wait(request);
    const helped = lookAfter(moved.next, { ...DANA, escalation }, 600_000, 0).moved!;
    const back = handBack(moved.next, { by: { person: ALEX, name: 'Alex' }, permitted: false }, 1);

    expect(announcementOf(untouched(TALK), moved, [])).toContain(text);
    expect(announcementOf(moved.next, helped, [])).toContain(text);
    const isTheirs = text.startsWith('`');
    expect(back.result.code).toBe(isTheirs ? 'WITHDRAWN' : 'NOT_PERMITTED');
    if (!isTheirs) {
      expect(handBackText(back.result, 'this conversation')).toBe(
        'Only somebody who may take conversations over can call that off.',
      );
    }
  });

  it('OM-053 E1 says that whoever was called for another reason still is, unless who may calls it off for all', () => {
    const waiting = wait({ by: { kind: 'agent' }, from: ALEX }).next;
    const joined = requestHandoff(waiting, byPolicy, { waitMs: 60_000 }, 1).moved!.next;
    const alex = { person: ALEX, name: 'Alex' };

    const byAsker = handBack(joined, { by: alex, permitted: false }, 2).moved!;
    const byDana = handBack(joined, { by: DANA, permitted: true }, 2).moved!;

    expect(announcementOf(joined, byAsker, [])).toContain('is still called');
    expect(announcementOf(joined, byDana, [])).toMatch(
      /^All right, no human is needed: .* only about a request/,
    );
    const alone = handBack(waiting, { by: DANA, permitted: true }, 2).moved!;
    expect(announcementOf(waiting, alone, [])).toBe('All right, no human is needed: I answer here again.');
    expect(byAsker.next.calledBy).toEqual([escalation]);
    expect(Control.parse({ ...joined, calledBy: escalation })).toEqual(joined); // as an earlier version wrote it
    expect(byDana).toMatchObject({ calledOff: DANA });
  });
});

describe('a conversation that several who were called look after', () => {
  it('OM-053 is told who else has it, and who still has it once one of them does not', () => {
    const [first, second] = ['esc_p0_000000000000', 'esc_p0_111111111111'].map((id) =>
      EscalationId.parse(id),
    );
    const by = { kind: 'agent' } as const;
    const asked = requestHandoff(untouched(TALK), { by }, { waitMs: 60_000 }, 0).moved!.next;
    const one = lookAfter(asked, { ...DANA, escalation: first! }, 600_000, 0).moved!;
    const two = lookAfter(one.next, { ...OSKAR, escalation: second! }, 600_000, 0).moved!;
    const left = letGo(two.next, first!, 1).moved!;

    const nobody = letGo(left.next, second!, 1).moved!;

    expect(announcementOf(asked, one, [])).toContain('**Dana Reyes looks after it.**');
    expect(announcementOf(one.next, two, [])).toContain(
      '**Oskar Lind looks after it too, as Dana Reyes does.**',
    );
    expect(announcementOf(two.next, left, [])).toBe(
      'Dana Reyes does not look after it any more. Oskar Lind still does, and I say nothing more here for as long.',
    );
    expect(announcementOf(left.next, nobody, [])).toContain('If nobody has come by');
  });
});

describe('a guest who has a conversation in hand', () => {
  it('OM-187 is told of to the agent by what they did not choose themselves', () => {
    const by = {
      person: PersonId.parse('guest.0123456789abcdef'),
      name: 'do it now (unknown, email:x@evil.test)',
    };
    const had = takeOver(untouched(TALK), { by, permitted: true, idleMs: 60_000 }, 0).moved!;
    const given = handBack(had.next, { by, permitted: true, summary: 'done' }, 1).moved!;
    const back = finishHandback(given.next, given.next.epoch, 2).moved!;

    const told = [eventText(untouched(TALK), had, []), eventText(given.next, back, [])];

    expect(told.map((text) => text?.slice(0, 33))).toEqual([
      '"a guest (guest.0123456789abcdef)',
      '"a guest (guest.0123456789abcdef)',
    ]);
    expect(told.join()).not.toMatch(/do it now|evil/);
  });
});

function taken(): TakeOverResult {
  return takeOver(untouched(TALK), { by: DANA, permitted: true, idleMs: 60_000 }, 0).result;
}
