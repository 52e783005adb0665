import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimeZone } from '../../../src/calendar/time-zone.ts';
import { toWallTime } from '../../../src/config/schedules.ts';
import { runs } from '../../support/property-runs.ts';

const wall = (text: string) => toWallTime(text)!;
const at = (zone: string, local: string) => new Date(new TimeZone(zone).instantOf(wall(local))).toISOString();
const shown = (zone: string, instant: string) =>
  new Date(new TimeZone(zone).wallAt(Date.parse(instant))).toISOString().slice(0, 23);

const anyZone = fc.constantFrom(...Intl.supportedValuesOf('timeZone')).map((name) => new TimeZone(name));
const anyMoment = fc.integer({ min: Date.UTC(1975, 0), max: Date.UTC(2060, 0) });

describe('a time zone', () => {
  it.each([
    ['Europe/Paris', '2026-07-01T12:00', '2026-07-01T10:00:00.000Z'],
    ['Asia/Kathmandu', '2026-07-01T12:00', '2026-07-01T06:15:00.000Z'],
    ['UTC', '2026-07-01T12:00', '2026-07-01T12:00:00.000Z'],
  ])('of %s reads %s as %s', (zone, local, instant) => {
    expect(at(zone, local)).toBe(instant);
  });

  it.each([
    ['UTC', '0001-01-01T00:00', '0001-01-01T00:00:00.000Z'],
    ['Asia/Kathmandu', '0099-12-31T23:59', '0099-12-31T18:17:44.000Z'],
  ])('of %s reads %s, of the first century, as %s', (name, local, instant) => {
    const zone = new TimeZone(name);
    const shownThen = Date.parse(`${local}Z`);

    expect(new Date(zone.instantOf(shownThen)).toISOString()).toBe(instant);
    expect(zone.wallAt(Date.parse(instant))).toBe(shownThen);
  });

  it.each([
    ['Europe/Paris', '2027-03-28T02:40', '2027-03-28T01:00:00.000Z'],
    ['Australia/Lord_Howe', '2026-10-04T02:10', '2026-10-03T15:30:00.000Z'],
    ['America/Sao_Paulo', '2018-11-04T00:00', '2018-11-04T03:00:00.000Z'],
    ['Africa/Cairo', '2026-04-24T00:00', '2026-04-23T22:00:00.000Z'],
    ['Asia/Beirut', '2026-03-29T00:30', '2026-03-28T22:00:00.000Z'],
    ['Pacific/Apia', '2011-12-30T15:00', '2011-12-30T10:00:00.000Z'],
  ])('of %s takes %s, which is never shown, for the instant of the jump', (zone, local, instant) => {
    expect(at(zone, local)).toBe(instant);
  });

  it.each([
    ['Europe/Paris', '2027-10-31T02:30', '2027-10-31T00:30:00.000Z'],
    ['Australia/Lord_Howe', '2026-04-05T01:45', '2026-04-04T14:45:00.000Z'],
    ['America/Sao_Paulo', '2018-02-17T23:30', '2018-02-18T01:30:00.000Z'],
    ['Antarctica/Troll', '2026-10-25T01:30', '2026-10-24T23:30:00.000Z'],
  ])('of %s takes %s, which is shown twice, for the first time', (zone, local, instant) => {
    expect(at(zone, local)).toBe(instant);
  });

  it('stands still on the last millisecond while the clock repeats an hour', () => {
    expect(shown('Europe/Paris', '2027-10-31T00:59:59.999Z')).toBe('2027-10-31T02:59:59.999');
    expect(shown('Europe/Paris', '2027-10-31T01:00:00.000Z')).toBe('2027-10-31T02:59:59.999');
    expect(shown('Europe/Paris', '2027-10-31T01:59:59.999Z')).toBe('2027-10-31T02:59:59.999');
    expect(shown('Europe/Paris', '2027-10-31T02:00:00.000Z')).toBe('2027-10-31T03:00:00.000');
  });

  it('keeps the order of local times, in every zone', () => {
    fc.assert(
      fc.property(anyZone, anyMoment, fc.integer({ min: 0, max: 200_000_000 }), (zone, local, later) => {
        expect(zone.instantOf(local + later)).toBeGreaterThanOrEqual(zone.instantOf(local));
      }),
      { numRuns: runs(300) },
    );
  });

  it('shows a local time from its instant on and not before, in every zone', () => {
    fc.assert(
      fc.property(
        anyZone,
        anyMoment,
        fc.integer({ min: -10_000_000, max: 10_000_000 }),
        (zone, local, away) => {
          const first = zone.instantOf(local);

          expect(zone.wallAt(first)).toBeGreaterThanOrEqual(local);
          expect(zone.wallAt(first - 1)).toBeLessThan(local);
          expect(zone.wallAt(first + away) >= local).toBe(away >= 0);
        },
      ),
      { numRuns: runs(300) },
    );
  });
});
