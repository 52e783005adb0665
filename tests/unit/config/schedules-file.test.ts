/** `schedules.yaml`, the calendar files beside it, and what other files name in it. */
import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { ConfigSource } from '../../../src/config/config-source.ts';
import { type ConfigTexts, loadConfig } from '../../../src/config/load-config.ts';
import { icalFile } from '../../support/calendars.ts';
import { silent } from '../../support/core.ts';
import { aConfig, aDirectory, gateways, parse, problemsOf, writeTexts } from './config-texts.ts';

const SCHEDULES = `on_call:
  releases:
    time_zone: Europe/Berlin
    rotations:
      - { start: 2026-03-02T09:00, shift: 1w, people: [dana] }
working_hours:
  office: { time_zone: Europe/Berlin, days: { every_day: 09:00-17:00 }, holidays: public }
holidays:
  public: { file: public.ics, dates: [12-25] }
`;
const calendars = { 'public.ics': icalFile(['DTSTART;VALUE=DATE:20260501']) };

function shown(change: Partial<ConfigTexts>): string[] {
  return problemsOf(change).map(
    ({ file, line, keyPath, expected, found, hint }) =>
      `${file}:${line} ${keyPath}: ${expected} / ${found}${hint === undefined ? '' : ` / ${hint}`}`,
  );
}

/** The contacts of the small configuration, with more about Dana. */
function danaWith(more: string): string {
  return `${aConfig().contacts}${more.replace(/^/gm, '    ')}\n`;
}

describe('schedules.yaml', () => {
  it('may be left out: nobody is on call, and no hours have a name', () => {
    const { schedules, calendar } = parse();

    expect(schedules).toEqual({ on_call: {}, working_hours: {}, holidays: {} });
    expect(calendar.scheduleNamed('releases')).toBeUndefined();
    expect(calendar.hoursNamed('office')).toBeUndefined();
  });

  it('comes to one calendar, with the days off of the files it names', () => {
    const { calendar } = parse({ schedules: SCHEDULES, calendars });

    const office = calendar.hoursNamed('office');
    expect(office).toMatchObject({ name: 'office', zone: 'Europe/Berlin' });
    expect(office?.hours.isOpen(Date.parse('2026-04-30T10:00+02:00'))).toBe(true);
    expect(office?.hours.isOpen(Date.parse('2026-05-01T10:00+02:00'))).toBe(false);
    expect(office?.hours.isOpen(Date.parse('2026-12-25T10:00+01:00'))).toBe(false);
    const onCall = calendar.scheduleNamed('releases')?.onCallAt(Date.parse('2026-03-03T00:00Z'));
    expect(onCall?.person).toBe('dana');
  });

  it('says of every name that leads nowhere where it stands, and which was meant', () => {
    const schedules = SCHEDULES.replace('[dana]', '[dnaa]').replace(
      'holidays: public }',
      'holidays: pubic }',
    );

    expect(shown({ schedules, calendars })).toEqual([
      'schedules.yaml:5 on_call.releases.rotations[0].people[0]: a known person: alex, dana / "dnaa" / did you mean dana?',
      'schedules.yaml:7 working_hours.office.holidays: a known holiday calendar: public / "pubic" / did you mean public?',
    ]);
  });

  it('says of a calendar file that is not there which ones are', () => {
    expect(shown({ schedules: SCHEDULES, calendars: { 'pubilc.ics': '' } })).toEqual([
      'schedules.yaml:9 holidays.public.file: an .ics file in the configuration folder: pubilc.ics / "public.ics" / did you mean pubilc.ics?',
    ]);
  });

  it.each(['../secret.ics', '/etc/passwd', '.hidden.ics', 'sub/public.ics', 'public.txt'])(
    'takes no file from elsewhere: %s',
    (file) => {
      expect(shown({ schedules: `holidays:\n  public: { file: '${file}' }\n` })).toEqual([
        expect.stringContaining('the name of an .ics file in the configuration folder'),
      ]);
    },
  );

  it('says of a calendar file that cannot be understood in which line the event begins', () => {
    const text = icalFile(['DTSTART;VALUE=DATE:20260501'], ['DTSTART;VALUE=DATE:20260230']);
    const line = text.split(/\r?\n/).lastIndexOf('BEGIN:VEVENT') + 1;

    const [problem] = problemsOf({ schedules: SCHEDULES, calendars: { 'public.ics': text } });

    expect(problem).toMatchObject({ file: 'public.ics', line, keyPath: '' });
    expect(problem?.found).toContain('UID event-1');
    expect(problem?.found).toContain('2026-02-30');
  });
});

describe('whoever is on call, as an approver', () => {
  const asking = (approvers: string) =>
    aConfig().authorizations?.replace('approvers: { role: manager }', `approvers: ${approvers}`);

  it('stands wherever a role may', () => {
    const { authorizations } = parse({
      schedules: SCHEDULES,
      calendars,
      authorizations: asking('{ any: [{ on_call: releases }, { role: manager, count: 1 }] }'),
    });

    expect(authorizations.rules[0]).toMatchObject({
      approvers: { atLeast: 1, of: [{ onCall: 'releases' }, { role: 'manager', count: 1 }] },
    });
  });

  it('has to be on call by a schedule that is there', () => {
    const authorizations = asking('{ on_call: release }');

    expect(shown({ schedules: SCHEDULES, calendars, authorizations })).toEqual([
      expect.stringMatching(
        /authorizations\.yaml:\d+ rules\[0\]\.approvers\.on_call: a known schedule: releases .* did you mean releases\?/,
      ),
    ]);
  });

  it('has to be somebody who may approve, whoever it is', () => {
    const schedules = SCHEDULES.replace('[dana]', '[dana, alex]');

    expect(shown({ schedules, calendars, authorizations: asking('{ on_call: releases }') })).toEqual([
      expect.stringContaining("can put alex on call: none of Alex Kim's roles has the permission approve"),
    ]);
  });

  it('may never be enough: two of a schedule that has one person in it', () => {
    const authorizations = asking('{ all: [{ on_call: releases }, { on_call: releases }] }');

    expect(shown({ schedules: SCHEDULES, calendars, authorizations })).toEqual([
      expect.stringContaining('people enough to say yes together'),
    ]);
  });

  it('is checked behind `escalate` as well, as are roles and people there', () => {
    const escalate = (to: string) =>
      `policies:\n  default:\n    deadline: 1h\n    on_timeout: [{ escalate: { to: ${to}, for: 1h } }]\n`;

    expect(shown({ escalation: escalate('{ on_call: releases }') })).toEqual([
      expect.stringMatching(
        /escalation\.yaml:4 policies\.default\.on_timeout\[0\]\.escalate\.to\.on_call: .*there is none/,
      ),
    ]);
    expect(shown({ escalation: escalate('{ role: mangaer }') })).toEqual([
      expect.stringContaining('did you mean manager?'),
    ]);
    expect(shown({ escalation: escalate('{ person: alex }') })).toEqual([
      expect.stringContaining('a person who may approve'),
    ]);
  });
});

describe('the hours of a deadline and of a person', () => {
  it('have a name that is there', () => {
    const escalation = aConfig().escalation?.replace(
      '    deadline:',
      '    clock: { working: offic }\n    deadline:',
    );

    expect(
      shown({ schedules: SCHEDULES, calendars, escalation, contacts: danaWith('working_hours: offce') }),
    ).toEqual([
      expect.stringMatching(/contacts\.yaml:\d+ people\.dana\.working_hours: known working hours: office/),
      expect.stringMatching(
        /escalation\.yaml:4 policies\.default\.clock\.working: known working hours: office/,
      ),
    ]);
  });

  it('hang on a clock: absences and quiet hours need a time zone, or working hours, which have one', () => {
    const quiet = 'quiet_hours: { every_day: 22:00-07:00 }';

    expect(shown({ contacts: danaWith(quiet) })).toEqual([
      expect.stringMatching(
        /people\.dana\.time_zone: an IANA time zone .* quiet_hours are on their own clock/,
      ),
    ]);
    expect(
      parse({ contacts: danaWith(`${quiet}\ntime_zone: Europe/Berlin`) }).contacts.people.dana,
    ).toMatchObject({
      time_zone: 'Europe/Berlin',
    });
  });

  it('of an absence are days to the last one, or times; its stand-in is somebody else, whom we know', () => {
    const absent = (text: string) => danaWith(`time_zone: UTC\nabsences:\n  - ${text}`);
    const { contacts } = parse({
      contacts: absent('{ from: 2026-08-03, to: 2026-08-04T09:30, stand_in: alex }'),
    });

    expect(contacts.people.dana?.absences).toEqual([
      { from: Date.UTC(2026, 7, 3), to: Date.UTC(2026, 7, 4, 9, 30), stand_in: 'alex' },
    ]);
    expect(
      parse({ contacts: absent('{ from: 2026-08-03, to: 2026-08-03 }') }).contacts.people.dana?.absences,
    ).toEqual([{ from: Date.UTC(2026, 7, 3), to: Date.UTC(2026, 7, 4) }]);
    const problem = (text: string) => shown({ contacts: absent(text) })[0];
    expect(problem('{ from: 2026-08-03, to: 2026-08-02 }')).toContain('later than from');
    expect(problem('{ from: 2026-02-30, to: 2026-08-02 }')).toContain('a date such as 2026-08-03');
    expect(problem('{ from: 2026-08-03, to: 2026-08-04, stand_in: alxe }')).toContain('did you mean alex?');
    expect(problem('{ from: 2026-08-03, to: 2026-08-04, stand_in: dana }')).toContain(
      'somebody else than Dana Reyes',
    );
  });

  it('OM-072 reach only platforms somebody has an account on', () => {
    expect(shown({ contacts: danaWith('reach: { urgent: [slack, discord] }') })).toEqual([
      expect.stringMatching(
        /people\.dana\.reach\.urgent\[1\]: a platform Dana Reyes has an account on: slack, email/,
      ),
    ]);
  });
});

describe('ways and quiet hours that mean nothing', () => {
  it.each([
    ['[{ wait: 5m }]', /urgent\[0\]: not begin with a wait/],
    ['[{ wait: 5m }, slack]', /urgent\[0\]: not begin with a wait/],
    ['[slack, { wait: 5m }]', /urgent\[1\]: not end with a wait/],
    ['[slack, { wait: 5m }, { wait: 1m }, email]', /urgent\[2\]: a platform: two waits in a row/],
  ])('are refused: reach %s', (ways, problem) => {
    expect(shown({ contacts: danaWith(`reach: { urgent: ${ways} }`) })).toEqual([
      expect.stringMatching(problem),
    ]);
  });

  it('are taken where a wait stands between two platforms', () => {
    const { contacts } = parse({ contacts: danaWith('reach: { urgent: [slack, { wait: 5m }, email] }') });

    expect(contacts.people.dana?.reach?.urgent).toEqual(['slack', { wait: 300_000 }, 'email']);
  });

  it.each([
    '{ every_day: 00:00-24:00 }',
    '{ every_day: [00:00-12:00, 12:00-24:00] }',
    '{ every_day: [10:00-22:00, 22:00-10:00] }',
    '{ every_day: 00:00-24:00, sat: [00:00-12:00, 12:00-11:59], sun: 11:30-24:00 }',
  ])('are refused where quiet never ends: %s', (hours) => {
    expect(shown({ contacts: danaWith(`time_zone: Europe/Berlin\nquiet_hours: ${hours}`) })).toEqual([
      expect.stringContaining('people.dana.quiet_hours: leave some time of the week out'),
    ]);
  });

  it.each([
    '{ every_day: 22:00-07:00 }',
    '{ every_day: 12:00-11:59 }',
    '{ every_day: 00:00-24:00, sun: 00:00-23:59 }',
    '{ every_day: 00:00-24:00, mon: 12:00-24:00, sun: 12:00-11:59 }',
  ])('are taken where quiet ends: %s', (hours) => {
    const { contacts } = parse({ contacts: danaWith(`time_zone: Europe/Berlin\nquiet_hours: ${hours}`) });

    expect(contacts.people.dana?.quiet_hours).toHaveLength(7);
  });
});

describe('a calendar file that changes', () => {
  it('OM-022 is read again, and a broken one changes nothing', () => {
    const directory = aDirectory({ schedules: SCHEDULES, calendars });
    const options = { directory, gateways, readEnvironment: () => ({}), log: silent };
    const source = new ConfigSource(loadConfig({ directory, env: {}, gateways }), options);
    const isOpen = () =>
      source.current().calendar.hoursNamed('office')?.hours.isOpen(Date.parse('2026-06-04T10:00+02:00'));
    expect(isOpen()).toBe(true);

    writeTexts(directory, { calendars: { 'public.ics': icalFile(['DTSTART;VALUE=DATE:20260604']) } });
    expect(source.reload()).toBe('changed');
    expect(isOpen()).toBe(false);

    writeTexts(directory, { calendars: { 'public.ics': 'no calendar' } });
    expect(source.reload()).toBe('refused');
    expect(isOpen()).toBe(false);
    rmSync(directory, { recursive: true });
  });
});
