/** Everything the calendar answers, held against the slow truth of tests/support/calendar-oracle.ts. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Calendar } from '../../../src/calendar/calendar.ts';
import { toHolidays } from '../../../src/calendar/holidays.ts';
import { WorkingHours } from '../../../src/config/hours.ts';
import { Schedule } from '../../../src/config/schedules.ts';
import {
  DAY,
  HOUR,
  jumpsOf,
  MINUTE,
  type MinuteOfTruth,
  truthBetween,
} from '../../support/calendar-oracle.ts';
import { HOLIDAYS, toIcal, type Written, written } from '../../support/calendars.ts';
import { runs, timeFor } from '../../support/property-runs.ts';

const FROM = Date.UTC(2024, 0);
const UNTIL = Date.UTC(2035, 0);

interface Window {
  readonly from: number;
  readonly until: number;
}

describe('the calendar', () => {
  it('Schedules agree with a minute-by-minute brute-force oracle over every IANA zone with a transition between 2024 and 2034, including gaps, overlaps, holidays and overrides', {
    timeout: timeFor(180_000),
  }, () => {
    const zones = Intl.supportedValuesOf('timeZone')
      .map((zone) => ({ zone, jumps: jumpsOf(zone, FROM, UNTIL) }))
      .filter(({ jumps }) => jumps.length > 0);

    for (const { zone, jumps } of zones) {
      for (const jump of jumps) {
        const hours = { from: jump - 2 * HOUR, until: jump + 3 * HOUR };
        fc.assert(
          fc.property(written(zone, jump), (config) => expectAgreement(config, hours)),
          { numRuns: runs(1) },
        );
      }

      const weeks = fc.constantFrom(...jumps).chain((jump) =>
        fc.record({
          config: written(zone, jump),
          from: fc.integer({ min: -6 * 24, max: -1 }).map((hours) => jump + hours * HOUR),
        }),
      );
      fc.assert(
        fc.property(weeks, ({ config, from }) => expectAgreement(config, { from, until: from + 7 * DAY })),
        { numRuns: runs(1) },
      );
    }

    expect(zones.length).toBeGreaterThan(100);
  });
});

function expectAgreement(config: Written, window: Window): void {
  const truth = truthBetween(window, config.hours, config.schedule, config.holidays);
  const calendar = new Calendar({
    holidays: new Map([[HOLIDAYS, toHolidays([], toIcal(config.holidays))]]),
  });
  const hours = calendar.hours(WorkingHours.parse(config.hours));
  const schedule = calendar.schedule(Schedule.parse(config.schedule));
  const shifts = schedule.shiftsBetween(window.from, window.until);
  const openMinutes = truth.filter(({ isOpen }) => isOpen).map(({ instant }) => instant);
  const changes = nextOther(truth, ({ onCall }) => onCall);
  const flips = nextOther(truth, ({ isOpen }) => isOpen);
  let opened = 0;

  for (const [index, { instant, isOpen, onCall }] of truth.entries()) {
    agree('isOpen', instant, hours.isOpen(instant), isOpen);
    agree('onCallAt', instant, schedule.onCallAt(instant)?.person, onCall);
    while (shifts[0] !== undefined && shifts[0].until <= instant) shifts.shift();
    const shift = shifts[0] !== undefined && shifts[0].from <= instant ? shifts[0] : undefined;
    agree('shiftsBetween', instant, shift?.person, onCall);

    if (index % 61 === 0) {
      const wait = (index * 7) % 200;
      const closing = isOpen ? flips[index] : instant;
      agree('elapsed', instant, hours.elapsed(window.from, instant), opened * MINUTE);
      agreeWithin(window, 'add', instant, hours.add(instant, wait * MINUTE), openMinutes[opened + wait]);
      agreeWithin(window, 'nextOpening', instant, hours.nextOpening(instant), openMinutes[opened]);
      agreeWithin(window, 'nextClosing', instant, hours.nextClosing(instant), closing);
      agreeWithin(window, 'nextChange', instant, schedule.nextChange(instant), changes[index]);
    }
    if (isOpen) opened++;
  }
}

/** For each minute, the instant of the next one that differs from it. */
function nextOther<Value>(
  truth: readonly MinuteOfTruth[],
  pick: (minute: MinuteOfTruth) => Value,
): (number | undefined)[] {
  const next: (number | undefined)[] = [];
  for (let index = truth.length - 2; index >= 0; index--) {
    const [minute, after] = [truth[index]!, truth[index + 1]!];
    next[index] = pick(minute) === pick(after) ? next[index + 1] : after.instant;
  }
  return next;
}

/** Not `expect`: it is asked millions of times. */
function agree<Value>(question: string, instant: number, answer: Value, truth: Value): void {
  if (answer === truth) return;
  throw new Error(
    `${question} at ${new Date(instant).toISOString()}: ${String(answer)}, but it is ${String(truth)}`,
  );
}

/** What lies outside the window the oracle cannot know; the product must not place it inside. */
function agreeWithin(
  window: Window,
  question: string,
  instant: number,
  answer: number | undefined,
  truth: number | undefined,
): void {
  agree(question, instant, answer !== undefined && answer < window.until ? answer : undefined, truth);
}
