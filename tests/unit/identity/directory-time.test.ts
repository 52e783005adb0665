/** Who is there, who is on call, and what that means for who is asked and who may answer. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseConfig } from '../../../src/config/load-config.ts';
import type { Excluded } from '../../../src/domain/approval/exclusion.ts';
import { PersonId, Platform } from '../../../src/domain/ids.ts';
import { type Approvers, isQuorum } from '../../../src/domain/quorum.ts';
import { Directory } from '../../../src/identity/directory.ts';
import { runs } from '../../support/property-runs.ts';
import { aConfig, gateways } from '../config/config-texts.ts';

const NOBODY: Excluded = () => false;
const only =
  (...people: PersonId[]): Excluded =>
  ({ person }) =>
    people.includes(person);
const MANAGERS: Approvers = { role: 'manager' };
const TWO: Approvers = { role: 'manager', count: 2 };
const ON_CALL: Approvers = { onCall: 'primary' };

const AUTHORIZATIONS = `roles:
  member: { permissions: [ask] }
  manager: { permissions: [ask, approve] }
rules:
  - { name: all, tool: refund, decision: ask, approvers: { role: manager } }
`;
const SCHEDULES = `
on_call:
  primary:
    time_zone: Europe/Berlin
    rotations:
      - { start: 2026-03-02T09:00, shift: 1d, people: [dana, lee], restrict: { days: { every_day: 06:00-22:00 } } }
working_hours:
  office: { time_zone: Europe/Berlin, days: { every_day: 09:00-17:00, sat: [], sun: [] } }
`;

interface Away {
  readonly dana?: string;
  readonly lee?: string;
  readonly sam?: string;
}

/** Dana and Lee are managers, Sam and Kim are not; `away` is what stands under their absences. */
function directoryWith({ dana = '', lee = '', sam = '' }: Away, more = ''): Directory {
  const person = (id: string, role: string, absences: string, rest = '') =>
    `  ${id}: { name: ${id}, roles: [${role}], accounts: { slack: T0/U${id.toUpperCase()}, email: ${id}@corp.test }, working_hours: office, absences: [${absences}]${rest} }\n`;
  const contacts = `people:\n${person('alex', 'member', '')}${person('dana', 'manager', dana, more)}${person('lee', 'manager', lee)}${person('sam', 'member', sam)}${person('kim', 'member', '')}`;
  const texts = aConfig({ authorizations: AUTHORIZATIONS, contacts, schedules: SCHEDULES });
  const config = parseConfig(texts, { env: {}, gateways, directory: 'config' });
  return new Directory(() => config);
}

const id = (name: string) => PersonId.parse(name);
/** On the clock of Berlin, in winter. */
const berlin = (local: string) => Date.parse(`${local}+01:00`);
const TUESDAY = berlin('2026-03-03T12:00');
const AUGUST = Date.parse('2026-08-05T12:00+02:00');
const VACATION = '{ from: 2026-08-03, to: 2026-08-14 }';
const names = (people: readonly { id: PersonId }[]) => people.map((person) => person.id);

describe('an absence', () => {
  it('lasts from the first midnight to the last on the clock of whoever is away, or to the minute', () => {
    const directory = directoryWith({
      dana: `${VACATION}, { from: 2026-03-03T13:00, to: 2026-03-03T15:30 }`,
    });

    const at = (instant: string) => directory.absentAt(id('dana'), Date.parse(instant));
    expect([at('2026-08-02T23:59+02:00'), at('2026-08-03T00:00+02:00')]).toEqual([false, true]);
    expect([at('2026-08-14T23:59+02:00'), at('2026-08-15T00:00+02:00')]).toEqual([true, false]);
    expect([at('2026-03-03T12:59+01:00'), at('2026-03-03T13:00+01:00')]).toEqual([false, true]);
    expect([at('2026-03-03T15:29+01:00'), at('2026-03-03T15:30+01:00')]).toEqual([true, false]);
  });

  it('leaves somebody out, and asks whom they named, who has their word and no other', () => {
    const directory = directoryWith({ dana: VACATION.replace(' }', ', stand_in: sam }') });

    expect(names(directory.approversOf(MANAGERS, NOBODY, AUGUST))).toEqual(['lee', 'sam']);
    const sam = directory.find(id('sam'))!;
    expect(directory.voterOf(sam, AUGUST)).toMatchObject({
      person: 'sam',
      roles: [],
      standsFor: [{ person: 'dana', roles: ['manager'], onCall: ['primary'], way: 'absence' }],
    });
    expect(directory.mayDecide(sam, MANAGERS, NOBODY, AUGUST)).toBe(true);
    expect(directory.mayDecide(sam, MANAGERS, NOBODY, TUESDAY)).toBe(false);
  });

  it('gives nobody a right without a stand-in, and takes none from whoever is away', () => {
    const directory = directoryWith({ dana: VACATION });

    expect(names(directory.approversOf(MANAGERS, NOBODY, AUGUST))).toEqual(['lee']);
    const may = (name: string) => directory.mayDecide(directory.find(id(name))!, MANAGERS, NOBODY, AUGUST);
    expect([may('dana'), may('lee'), may('sam'), may('kim')]).toEqual([true, true, false, false]);
  });

  it('is one word: somebody and their stand-in are not two', () => {
    const directory = directoryWith({ dana: VACATION.replace(' }', ', stand_in: sam }') });
    const word = (name: string) => directory.voterOf(directory.find(id(name))!, AUGUST);

    expect(isQuorum(TWO, [word('dana'), word('sam')])).toBe(false);
    expect(isQuorum(TWO, [word('lee'), word('sam')])).toBe(true);
  });

  it('never leaves too few to ask: then whoever is away is asked as well', () => {
    const directory = directoryWith({ dana: VACATION });

    expect(names(directory.approversOf(TWO, NOBODY, AUGUST))).toEqual(['lee', 'dana']);
    expect(names(directory.approversOf(MANAGERS, only(id('lee')), AUGUST))).toEqual(['dana']);
  });

  it('of a stand-in is stood in for in turn, never by the one who asks, and never in a circle', () => {
    const chain = directoryWith({
      dana: VACATION.replace(' }', ', stand_in: sam }'),
      sam: VACATION.replace(' }', ', stand_in: kim }'),
    });
    const circle = directoryWith({
      dana: VACATION.replace(' }', ', stand_in: lee }'),
      lee: VACATION.replace(' }', ', stand_in: dana }'),
    });

    expect(chain.standInOf(id('dana'), AUGUST)?.id).toBe('kim');
    expect(names(chain.approversOf(MANAGERS, NOBODY, AUGUST))).toEqual(['lee', 'kim']);
    expect(names(chain.approversOf(MANAGERS, only(id('kim')), AUGUST))).toEqual(['lee']);
    expect(circle.standInOf(id('dana'), AUGUST)).toBeUndefined();
    expect(names(circle.approversOf(MANAGERS, NOBODY, AUGUST))).toEqual(['dana', 'lee']);
  });

  it('A4 gives whoever may not approve the word of others, and none of their own though they are named', () => {
    const directory = directoryWith({ dana: VACATION.replace(' }', ', stand_in: sam }') });
    const sam = directory.find(id('sam'))!;
    const mayDecide = (approvers: Approvers) => directory.mayDecide(sam, approvers, NOBODY, AUGUST);

    expect(mayDecide(MANAGERS)).toBe(true);
    expect(mayDecide({ person: id('sam') })).toBe(false);
    expect(isQuorum({ person: id('sam') }, [directory.voterOf(sam, AUGUST)])).toBe(false);
  });

  it('of people who may not approve gives their stand-in nothing', () => {
    const directory = directoryWith({ sam: VACATION.replace(' }', ', stand_in: kim }') });

    expect(directory.mayDecide(directory.find(id('kim'))!, MANAGERS, NOBODY, AUGUST)).toBe(false);
    expect(directory.voterOf(directory.find(id('kim'))!, AUGUST)).toEqual({
      person: 'kim',
      roles: [],
      accounts: directory.find(id('kim'))!.accounts,
      mute: true,
    });
  });

  it('asks, whoever is away, people enough, and nobody who could not answer', () => {
    const stay = fc.constantFrom('', VACATION, ...['dana', 'lee', 'sam', 'kim'].map(standing));
    fc.assert(
      fc.property(
        fc.record({ dana: stay, lee: stay, sam: stay }),
        fc.constantFrom(MANAGERS, TWO),
        fc.subarray(['alex', 'dana', 'sam', 'kim'].map(id)),
        (away, approvers, without) => {
          fc.pre(!Object.entries(away).some(([name, text]) => text.includes(`stand_in: ${name}`)));
          const directory = directoryWith(away);
          const excluded = only(...without);

          const asked = directory.approversOf(approvers, excluded, AUGUST);

          for (const person of asked) {
            expect(directory.mayDecide(person, approvers, excluded, AUGUST)).toBe(true);
          }
          const couldAll = isQuorum(approvers, directory.votersFor(approvers, excluded, AUGUST));
          const couldAsked = isQuorum(
            approvers,
            asked
              .map((person) => directory.voterOf(person, AUGUST))
              .map((voter) => ({
                ...voter,
                standsFor: voter.standsFor?.filter((each) => !excluded(each)),
              })),
          );
          expect(couldAsked).toBe(couldAll);
        },
      ),
      { numRuns: runs(100) },
    );
  });
});

function standing(name: string): string {
  return VACATION.replace(' }', `, stand_in: ${name} }`);
}

describe('whoever is on call', () => {
  it('is asked and may answer while they are, and at no other time', () => {
    const directory = directoryWith({});
    const may = (name: string, at: number) =>
      directory.mayDecide(directory.find(id(name))!, ON_CALL, NOBODY, at);
    const handover = berlin('2026-03-04T09:00');

    expect(names(directory.approversOf(ON_CALL, NOBODY, TUESDAY))).toEqual(['lee']);
    expect(names(directory.approversOf(ON_CALL, NOBODY, handover))).toEqual(['dana']);
    expect([may('lee', handover - 1), may('lee', handover)]).toEqual([true, false]);
    expect([may('dana', handover - 1), may('dana', handover)]).toEqual([false, true]);
  });

  it('is nobody in a gap; who comes on call before it ends could answer all the same', () => {
    const directory = directoryWith({});
    const night = berlin('2026-03-03T23:00');
    const could = (untilMs: number) => directory.votersFor(ON_CALL, NOBODY, night, { untilMs });

    expect(directory.approversOf(ON_CALL, NOBODY, night)).toEqual([]);
    expect(could(berlin('2026-03-04T05:00'))).toEqual([]);
    expect(could(berlin('2026-03-04T10:00')).map(({ person }) => person)).toEqual(['dana', 'lee']);
    expect(directory.nextChange(ON_CALL, night)).toBe(berlin('2026-03-04T06:00'));
  });

  it('and is away has their stand-in asked, who answers as whoever is on call', () => {
    const directory = directoryWith({
      lee: '{ from: 2026-03-03, to: 2026-03-03, stand_in: sam }',
    });

    expect(names(directory.approversOf(ON_CALL, NOBODY, TUESDAY))).toEqual(['sam']);
    expect(directory.mayDecide(directory.find(id('sam'))!, ON_CALL, NOBODY, TUESDAY)).toBe(true);
    expect(directory.onCallAt('primary', TUESDAY)?.id).toBe('lee');
  });

  it('changes with a shift and with an absence, whichever is first; a role alone changes with absences', () => {
    const directory = directoryWith({ lee: '{ from: 2026-03-03T14:00, to: 2026-03-03T15:00 }' });

    expect(directory.nextChange(ON_CALL, TUESDAY)).toBe(berlin('2026-03-03T14:00'));
    expect(directory.nextChange(ON_CALL, berlin('2026-03-03T16:00'))).toBe(berlin('2026-03-03T22:00'));
    expect(directory.nextChange(MANAGERS, TUESDAY)).toBe(berlin('2026-03-03T14:00'));
    expect(directory.nextChange(MANAGERS, berlin('2026-03-03T16:00'))).toBeUndefined();
    expect(directory.nextChange({ person: id('dana') }, TUESDAY)).toBeUndefined();
  });
});

describe('where and when somebody wants to be asked', () => {
  const directory = directoryWith(
    {},
    ', prefers: [slack], reach: { low: [email] }, quiet_hours: { every_day: 22:00-07:00 }',
  );
  const dana = directory.find(id('dana'))!;

  it('depends on how much it matters, and is what they prefer unless they say otherwise', () => {
    expect(directory.channelsOf(dana, 'low')).toEqual(['email']);
    expect(directory.channelsOf(dana, 'urgent')).toEqual(['slack']);
    const running = new Set(['slack', 'email']);
    expect(directory.reach(dana, running)[0]).toBe('slack:T0/UDANA');
    expect(directory.reach(dana, running, undefined, 'low')[0]).toBe('email:dana@corp.test');
    expect(directory.reach(dana, running, Platform.parse('slack'), 'low')[0]).toBe('slack:T0/UDANA');
  });

  it('knows the quiet hours on their own clock, and the hours they work', () => {
    expect(directory.quietAt(id('dana'), berlin('2026-03-03T22:00'))).toBe(true);
    expect(directory.quietAt(id('dana'), berlin('2026-03-04T07:00'))).toBe(false);
    expect(directory.quietUntil(id('dana'), berlin('2026-03-03T23:00'))).toBe(berlin('2026-03-04T07:00'));
    expect(directory.quietUntil(id('dana'), TUESDAY)).toBeUndefined();
    expect(directory.quietAt(id('lee'), berlin('2026-03-03T23:00'))).toBe(false);
    expect(directory.hoursOf(id('dana'))).toMatchObject({ name: 'office', zone: 'Europe/Berlin' });
    expect(directory.hoursOf(id('dana'))?.hours.isOpen(TUESDAY)).toBe(true);
  });
});
