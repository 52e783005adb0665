import fc from 'fast-check';
import { Temporal } from 'temporal-polyfill';
import { describe, expect, it } from 'vitest';
import { TimeZone } from '../../../src/calendar/time-zone.ts';
import { MomentError, parseLength, parseMoment } from '../../../src/cli/local-moment.ts';
import { runs } from '../../support/property-runs.ts';

describe('a moment typed at a terminal', () => {
  it.each([
    ['2027-03-01T09:30 Europe/Paris', '2027-03-01T08:30:00Z', 'Europe/Paris'],
    ['2027-03-01 09:30 Europe/Paris', '2027-03-01T08:30:00Z', 'Europe/Paris'],
    ['2027-03-01T09:30:15[Asia/Tokyo]', '2027-03-01T00:30:15Z', 'Asia/Tokyo'],
    ['2027-03-01 Europe/Paris', '2027-02-28T23:00:00Z', 'Europe/Paris'],
    ['2027-03-01T09:30Z', '2027-03-01T09:30:00Z', 'UTC'],
    ['2027-03-01T09:30', '2027-03-01T14:30:00Z', 'America/New_York'],
    ['0001-01-01T00:00 UTC', '0001-01-01T00:00:00Z', 'UTC'],
    ['2027-10-31T02:40+01:00 Europe/Paris', '2027-10-31T01:40:00Z', 'Europe/Paris'],
  ])('is read: %s', (text, instant, zone) => {
    expect(parseMoment(text, 'America/New_York')).toEqual({ atMs: Date.parse(instant), zone });
  });

  it('that clocks skip is the moment they jump, and that is said', () => {
    const moment = parseMoment('2027-03-28T02:40 Europe/Paris', 'UTC');

    expect(new Date(moment.atMs).toISOString()).toBe('2027-03-28T01:00:00.000Z');
    expect(moment.remark).toBe(
      '02:40 does not exist on 28 March 2027 in Europe/Paris: clocks go forward past it. The moment they do is meant here, when they show 03:00.',
    );
  });

  it('that comes twice is the first of the two, and how the second is written is said', () => {
    const moment = parseMoment('2027-10-31T02:40 Europe/Paris', 'UTC');

    expect(new Date(moment.atMs).toISOString()).toBe('2027-10-31T00:40:00.000Z');
    expect(moment.remark).toContain('02:40 comes twice on 31 October 2027');
    const [, second = ''] = /write "(.+)"/.exec(moment.remark ?? '') ?? [];
    expect(parseMoment(second, 'UTC').atMs - moment.atMs).toBe(60 * 60_000);
  });

  it('is the instant the calendar has for it, in any zone', () => {
    const zones = fc.constantFrom(...Intl.supportedValuesOf('timeZone'));
    const minutes = fc.integer({ min: Date.UTC(2020, 0) / 60_000, max: Date.UTC(2037, 0) / 60_000 });
    fc.assert(
      fc.property(zones, minutes, fc.boolean(), (zone, minute, nearChange) => {
        const wall = nearChange ? aroundChange(zone, minute * 60_000) : minute * 60_000;

        const { atMs } = parseMoment(`${new Date(wall).toISOString().slice(0, 16)} ${zone}`, 'UTC');

        expect(atMs).toBe(new TimeZone(zone).instantOf(wall));
      }),
      { numRuns: runs(300) },
    );
  });

  it.each([
    ['tomorrow', '"tomorrow" is no moment: write a date, a time and a zone, "2027-03-28T02:40 Europe/Paris"'],
    [
      '2027-02-30T09:00 UTC',
      '"2027-02-30T09:00 UTC" is no moment: there is no 2027-02-30T09:00 in the calendar',
    ],
    [
      '2027-02-20T25:00 UTC',
      '"2027-02-20T25:00 UTC" is no moment: there is no 2027-02-20T25:00 in the calendar',
    ],
    ['2027-02-20T09:00 Europe/Pariss', '"Europe/Pariss" is no time zone: did you mean Europe/Paris?'],
    ['2027-02-20T09:00 Here', '"Here" is no time zone: write an IANA name such as Europe/Paris or UTC'],
  ])('is refused when it is none: %s', (text, message) => {
    expect(() => parseMoment(text, 'UTC')).toThrow(new MomentError(message));
  });
});

describe('a length typed at a terminal', () => {
  it('is read, and refused when it is none', () => {
    expect(parseLength('48h')).toBe(48 * 3_600_000);
    expect(() => parseLength('soon')).toThrow(
      new MomentError('"soon" is no length here: write a duration such as 500ms, 30s, 15m, 24h, 7d or 2w'),
    );
    expect(() => parseLength('90d')).toThrow('"90d" is no length here: write a duration of at most 60d');
  });
});

/** A local time within two hours of when the zone's clock changes next. */
function aroundChange(zone: string, instant: number): number {
  const at = Temporal.Instant.fromEpochMilliseconds(instant).toZonedDateTimeISO(zone);
  const change = at.getTimeZoneTransition('next') ?? at;
  const wall = change.epochMilliseconds + change.offsetNanoseconds / 1_000_000;
  return Math.floor(wall / 60_000) * 60_000 + ((instant / 60_000) % 240) * 60_000 - 120 * 60_000;
}
