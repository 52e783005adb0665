/**
 * What an iCal file (RFC 5545) says about days off.
 *
 * Owns      which stretches of time its events cover: all-day and timed, recurring, moved and left out.
 * Not here  the syntax and the arithmetic of one recurrence rule; those are ical.js's.
 *
 * Rules
 *   1. An all-day event, and one without a time zone, is on the clock of whoever has the day off. One with a time
 *      zone or in UTC covers the same instants everywhere.
 *   2. Recurrences are counted on the clock of the event's own zone, so that an event at 14:00 stays at 14:00 when
 *      the clock changes. The zone's name is looked up in the time-zone database; a name unknown there must be
 *      described in the file.
 *   3. Every event counts but cancelled ones. TRANSP says nothing here: calendars of public holidays mark every day
 *      as "free". A timed event without an end covers nothing.
 *   4. What cannot be understood is an error that names the event; nothing is left out in silence.
 */
import ICAL from 'ical.js';
import { AppError } from '../domain/errors.ts';
import type { Holidays } from './holidays.ts';
import type { Interval } from './interval.ts';
import { isTimeZone, TimeZone } from './time-zone.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A day off every week until the last year is 5,000; what exceeds this is no calendar of days off. */
const MAX_OCCURRENCES = 10_000;

/** The file cannot be used. The message says which event, what is wrong with it, and what would be right. */
export class HolidayFileError extends AppError {
  override readonly code = 'HOLIDAY_FILE_INVALID';

  constructor(
    message: string,
    /** Where the event begins that is meant; undefined for the file as a whole. */
    readonly line: number | undefined,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}

/**
 * The time its events cover, in no order; what recurs for ever does so until the end of `lastYear`.
 *
 * @throws {HolidayFileError} when it is no iCal file, has no events, or one of them cannot be understood
 */
export function readHolidayFile(text: string, lastYear: number): Holidays {
  const events = parseEvents(text);
  const zones = new Map<string, TimeZone>();
  const lines = linesOfEvents(text);
  const spans = events.flatMap((event, index) =>
    explained(event, lines[index], () => {
      const moved = events.filter(
        (other) => other.hasProperty('recurrence-id') && uidOf(other) === uidOf(event),
      );
      return spansOf({ event, moved, zones, lastYear });
    }),
  );
  return {
    local: spans.filter(({ kind }) => kind === 'local'),
    exact: spans.filter(({ kind }) => kind === 'exact'),
  };
}

interface Series {
  readonly event: ICAL.Component;
  /** Occurrences of the same event that stand in the file on their own. */
  readonly moved: readonly ICAL.Component[];
  readonly zones: Map<string, TimeZone>;
  readonly lastYear: number;
}

interface Span extends Interval {
  readonly kind: Clock['kind'];
}

/** The clock an event is on: what its local times stand for. */
interface Clock {
  readonly kind: 'local' | 'exact';
  /** Two times are on the same clock if the names of their clocks are equal. */
  readonly name: string;
  /** Ms since the epoch for `exact`; for `local` the local time itself. */
  at(wall: number): number;
}

function parseEvents(text: string): ICAL.Component[] {
  const calendars = parseCalendars(text.replace(/^\uFEFF/, ''));
  const events = calendars.flatMap((calendar) => calendar.getAllSubcomponents('vevent'));
  if (events.length === 0) {
    throw new HolidayFileError('it has no events: expected an iCal file with BEGIN:VEVENT in it', undefined);
  }
  return events;
}

function parseCalendars(text: string): ICAL.Component[] {
  try {
    // One calendar is a component, several are a list of them; a component begins with its name.
    const parsed: unknown[] = ICAL.parse(text);
    const roots = typeof parsed[0] === 'string' ? [parsed] : parsed;
    return roots.map((root) => new ICAL.Component(root as ConstructorParameters<typeof ICAL.Component>[0]));
  } catch (error) {
    throw new HolidayFileError(`it is not an iCal file: ${words(error)}`, undefined, { cause: error });
  }
}

/** Events stand in no other component than the calendar, so the parser keeps their order. */
function linesOfEvents(text: string): number[] {
  return text
    .split(/\r\n|\r|\n/)
    .flatMap((line, index) => (/^\s*BEGIN:VEVENT\s*$/i.test(line) ? [index + 1] : []));
}

function explained<Result>(event: ICAL.Component, line: number | undefined, read: () => Result): Result {
  try {
    return read();
  } catch (error) {
    const summary = event.getFirstPropertyValue('summary') ?? 'without a name';
    throw new HolidayFileError(`event "${String(summary)}" (UID ${uidOf(event)}): ${words(error)}`, line, {
      cause: error,
    });
  }
}

function spansOf(series: Series): Span[] {
  const { event } = series;
  if (String(event.getFirstPropertyValue('status')).toUpperCase() === 'CANCELLED') return [];

  const start = property(event, 'dtstart');
  const clock = clockOf(start, series.zones);
  const lengthMs = lengthOf(event, start);
  return occurrencesOf(series, start, clock)
    .map((wall) => ({ kind: clock.kind, from: clock.at(wall), until: clock.at(wall + lengthMs) }))
    .filter(({ from, until }) => from < until);
}

function lengthOf(event: ICAL.Component, start: ICAL.Property): number {
  const end = event.getFirstProperty('dtend');
  if (end !== null) {
    if (clockName(end) !== clockName(start)) {
      throw new Error('it begins and ends in different time zones; DTSTART and DTEND must be in the same');
    }
    return wallOf(onlyTime(end)) - wallOf(onlyTime(start));
  }
  const duration = event.getFirstPropertyValue('duration');
  if (duration instanceof ICAL.Duration) return duration.toSeconds() * 1000;
  return onlyTime(start).isDate ? DAY_MS : 0;
}

/** Local times at which it begins, on its own clock. */
function occurrencesOf(series: Series, start: ICAL.Property, clock: Clock): number[] {
  const { event, moved, zones, lastYear } = series;
  const first = onlyTime(start);
  if (event.hasProperty('recurrence-id')) {
    if (property(event, 'recurrence-id').getFirstParameter('range')) {
      throw new Error('RANGE=THISANDFUTURE is not supported; end the series and begin another one');
    }
    // An occurrence that was moved is an event of its own, and does not recur.
    return [wallOf(first)];
  }

  const listed = event.getAllProperties('rdate').flatMap((dates) => {
    if (clockName(dates) !== clockName(start))
      throw new Error('RDATE and DTSTART must be in the same time zone');
    return timesOf(dates).map(wallOf);
  });
  const recurring = event
    .getAllProperties('rrule')
    .flatMap((rule) => recurrencesOf(rule.getFirstValue(), first, clock, lastYear));
  const leftOut = [
    ...event.getAllProperties('exdate'),
    ...moved.map((other) => property(other, 'recurrence-id')),
  ].map((dates) => toMatch(dates, zones));
  return [...new Set([wallOf(first), ...listed, ...recurring])].filter(
    (wall) => !leftOut.some((matches) => matches(wall, clock)),
  );
}

/** The rule runs on local times alone, whatever their zone; where it ends is compared on the event's clock. */
function recurrencesOf(rule: unknown, start: ICAL.Time, clock: Clock, lastYear: number): number[] {
  if (!(rule instanceof ICAL.Recur)) throw new Error('its RRULE cannot be understood');
  const isOver = toEnd(rule.until, clock);
  const endless = ICAL.Recur.fromData({ ...rule.toJSON(), until: undefined });
  if (rule.freq === 'YEARLY' && Object.keys(rule.parts).length === 0) {
    // What a rule does not say is taken from the start; spelled out, 29 February stays where it is in other years.
    endless.setComponent('BYMONTH', [start.month]);
    endless.setComponent('BYMONTHDAY', [start.day]);
  }

  const walls: number[] = [];
  const iterator = endless.iterator(floating(start));
  while (true) {
    // Typed as always there; after the last one it is null.
    const next: ICAL.Time | null = iterator.next();
    if (next === null || next.year > lastYear || isOver(wallOf(next))) return walls;
    if (walls.length === MAX_OCCURRENCES) {
      throw new Error(`it recurs more than ${MAX_OCCURRENCES} times until ${lastYear}; days off are fewer`);
    }
    walls.push(wallOf(next));
  }
}

/** UNTIL is the last moment included; a date includes its whole day. */
function toEnd(until: ICAL.Time | null, clock: Clock): (wall: number) => boolean {
  if (!until) return () => false;
  const end = wallOf(until);
  if (until.isDate) return (wall) => wall >= end + DAY_MS;
  return until.zone === ICAL.Timezone.utcTimezone ? (wall) => clock.at(wall) > end : (wall) => wall > end;
}

/** EXDATE and RECURRENCE-ID name occurrences by when they begin; a date names all of its day. */
function toMatch(dates: ICAL.Property, zones: Map<string, TimeZone>) {
  const named = clockOf(dates, zones);
  const times = timesOf(dates);
  const days = new Set(times.filter(({ isDate }) => isDate).map(wallOf));
  const moments = new Set(times.filter(({ isDate }) => !isDate).map((time) => named.at(wallOf(time))));
  return (wall: number, clock: Clock) =>
    days.has(Math.floor(wall / DAY_MS) * DAY_MS) ||
    (named.kind === clock.kind && moments.has(clock.at(wall)));
}

function clockOf(dates: ICAL.Property, zones: Map<string, TimeZone>): Clock {
  const name = clockName(dates);
  if (name === LOCAL) return { kind: 'local', name, at: (wall) => wall };
  if (name === UTC) return { kind: 'exact', name, at: (wall) => wall };

  if (isTimeZone(name)) {
    const zone = zones.get(name) ?? new TimeZone(name);
    zones.set(name, zone);
    return { kind: 'exact', name, at: (wall) => zone.instantOf(wall) };
  }
  const described = timesOf(dates)[0]?.zone;
  if (described?.tzid !== name) {
    throw new Error(
      `its time zone "${name}" is neither an IANA name such as Europe/Berlin nor described in the file (VTIMEZONE)`,
    );
  }
  return { kind: 'exact', name, at: (wall) => toTime(wall, described).toUnixTime() * 1000 };
}

const LOCAL = 'local';
const UTC = 'UTC';

function clockName(dates: ICAL.Property): string {
  const time = timesOf(dates)[0];
  if (time?.isDate) return LOCAL;
  if (time?.zone === ICAL.Timezone.utcTimezone) return UTC;
  return dates.getFirstParameter('tzid') ?? LOCAL;
}

function property(event: ICAL.Component, name: string): ICAL.Property {
  const found = event.getFirstProperty(name);
  if (found === null) throw new Error(`it has no ${name.toUpperCase()}`);
  return found;
}

function onlyTime(dates: ICAL.Property): ICAL.Time {
  const [time] = timesOf(dates);
  if (time === undefined) throw new Error(`its ${dates.name.toUpperCase()} is empty`);
  return time;
}

/** The library mends what is no date (30 February, 2026-1-1); here that is an error. */
function timesOf(dates: ICAL.Property): ICAL.Time[] {
  const [, , , ...written] = dates.toJSON();
  return dates.getValues().map((value: unknown, index: number) => {
    if (value instanceof ICAL.Time && value.toString() === written[index]) return value;
    throw new Error(`its ${dates.name.toUpperCase()} "${String(written[index])}" is no date and no time`);
  });
}

function floating(time: ICAL.Time): ICAL.Time {
  const copy = time.clone();
  copy.zone = ICAL.Timezone.localTimezone;
  return copy;
}

function toTime(wall: number, zone: ICAL.Timezone): ICAL.Time {
  const time = ICAL.Time.fromJSDate(new Date(wall), true);
  time.zone = zone;
  return time;
}

function wallOf(time: ICAL.Time): number {
  return Date.UTC(time.year, time.month - 1, time.day, time.hour, time.minute, time.second);
}

function uidOf(event: ICAL.Component): string {
  return String(event.getFirstPropertyValue('uid') ?? 'none');
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
