/**
 * What an iCal file (RFC 5545) says about days off.
 *
 * Owns      which stretches of time its events cover: all-day and timed, recurring, moved and left out.
 * Not here  the days of one recurrence rule (`recurrence.ts`); the syntax of a file, which is ical.js's.
 *
 * Rules
 *   1. An all-day event, and one without a time zone, is on the clock of whoever has the day off. One with a time
 *      zone or in UTC covers the same instants everywhere.
 *   2. Recurrences are counted on the clock of the event's own zone, so that an event at 14:00 stays at 14:00 when
 *      the clock changes. The zone's name is looked up in the time-zone database; a name unknown there must be
 *      described in the file.
 *   3. Every event counts but cancelled ones. TRANSP says nothing here: calendars of public holidays mark every day
 *      as "free". A timed event without an end covers nothing.
 *   4. What cannot be understood is an error that names the event; nothing is left out in silence. All such events of
 *      a file are told at once.
 *   5. Every reading ends soon, whatever the file holds: a file can be changed under a running gateway, which does
 *      nothing else meanwhile. So what its rules take is counted before they are worked out, and none of them is
 *      given to ical.js, which looks for the next match for ever, but those of time zones, and of these only what
 *      surely recurs each year.
 */
import ICAL from 'ical.js';
import { AppError } from '../domain/errors.ts';
import type { Holidays } from './holidays.ts';
import type { Interval } from './interval.ts';
import { daysOf, stepsOf, toRule } from './recurrence.ts';
import { isTimeZone, TimeZone } from './time-zone.ts';

const DAY_MS = 24 * 60 * 60 * 1000;
/** A day off every week until the last year is 5,000; what exceeds this is no calendar of days off. */
const MAX_OCCURRENCES = 10_000;
/** Faults of one file that are told; a file of another program may have one in every event. */
const MOST_FAULTS = 20;
/** Of all rules of a file together, some two seconds. A day each year takes some 100, a day each week some 5,000. */
const MAX_STEPS = 150_000;

/** Which event it is, what is wrong with it, and what would be right; or the same of the file as a whole. */
export interface HolidayFault {
  readonly message: string;
  /** Where the event begins that is meant; undefined for the file as a whole. */
  readonly line: number | undefined;
}

/** The file cannot be used. */
export class HolidayFileError extends AppError {
  override readonly code = 'HOLIDAY_FILE_INVALID';

  /** @param faults in the order of the file */
  constructor(
    readonly faults: readonly HolidayFault[],
    options?: ErrorOptions,
  ) {
    super(faults.map(({ message }) => message).join('; '), options);
  }
}

/**
 * The time its events cover, in no order; what recurs for ever does so until the end of `lastYear`.
 *
 * @throws {HolidayFileError} when it is no iCal file, has no events, or some of them cannot be understood
 */
export function readHolidayFile(text: string, lastYear: number): Holidays {
  const events = parseEvents(text);
  const zones = new Map<string, TimeZone>();
  const lines = linesOfEvents(text);
  const rules = rulesOfEvents(text);
  const take = countSteps();
  const movedOf = movedByUid(events);
  const faults: HolidayFault[] = [];
  const spans: Span[] = [];
  for (const [index, event] of events.entries()) {
    try {
      const moved = event.hasProperty('recurrence-id') ? [] : (movedOf.get(uidOf(event)) ?? []);
      spans.push(...spansOf({ event, rules: rules[index] ?? [], moved, zones, lastYear, take }));
    } catch (error) {
      faults.push({ message: explained(event, error), line: lines[index] });
      if (error instanceof TooManySteps || faults.length === MOST_FAULTS) break;
    }
  }
  if (faults.length > 0) throw new HolidayFileError(faults);
  return {
    local: spans.filter(({ kind }) => kind === 'local'),
    exact: spans.filter(({ kind }) => kind === 'exact'),
  };
}

function movedByUid(events: readonly ICAL.Component[]): ReadonlyMap<string, readonly ICAL.Component[]> {
  const moved = new Map<string, ICAL.Component[]>();
  for (const event of events.filter((each) => each.hasProperty('recurrence-id'))) {
    const known = moved.get(uidOf(event));
    if (known) known.push(event);
    else moved.set(uidOf(event), [event]);
  }
  return moved;
}

/** What follows it in the file is not worked out. */
class TooManySteps extends Error {}

function countSteps(): Series['take'] {
  let taken = 0;
  return (steps) => {
    taken += steps;
    if (taken > MAX_STEPS) {
      throw new TooManySteps(
        'the rules up to here are too many to work out; leave some out, begin them later, or end them (UNTIL)',
      );
    }
  };
}

interface Series {
  readonly event: ICAL.Component;
  /** Its rules, as they are written. */
  readonly rules: readonly string[];
  /** Occurrences of the same event that stand in the file on their own. */
  readonly moved: readonly ICAL.Component[];
  readonly zones: Map<string, TimeZone>;
  readonly lastYear: number;
  /** Told of the steps of each rule before they are made; throws when they become too many. */
  readonly take: (steps: number) => void;
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
    throw new HolidayFileError([
      { message: 'it has no events: expected an iCal file with BEGIN:VEVENT in it', line: undefined },
    ]);
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
    const message = `it is not an iCal file: ${words(error)}`;
    throw new HolidayFileError([{ message, line: undefined }], { cause: error });
  }
}

/** Events stand in no other component than the calendar, so the parser keeps their order. */
function linesOfEvents(text: string): number[] {
  return text
    .split(/\r\n|\r|\n/)
    .flatMap((line, index) => (/^\s*BEGIN:VEVENT\s*$/i.test(line) ? [index + 1] : []));
}

/** As they are written: the parser makes INTERVAL=0 a 1, and drops what it does not know. */
function rulesOfEvents(text: string): string[][] {
  const unfolded = text.replace(/(?:\r\n|\r|\n)[ \t]/g, '');
  return unfolded
    .split(/^BEGIN:VEVENT\s*$/im)
    .slice(1)
    .map((block) =>
      [...block.matchAll(/^RRULE(?:;[^:\r\n]*)?:(.*)$/gim)].map(([, rule = '']) => rule.trim()),
    );
}

function explained(event: ICAL.Component, error: unknown): string {
  const summary = event.getFirstPropertyValue('summary') ?? 'without a name';
  return `event "${String(summary)}" (UID ${uidOf(event)}): ${words(error)}`;
}

function spansOf(series: Series): Span[] {
  const { event } = series;
  if (String(event.getFirstPropertyValue('status')).toUpperCase() === 'CANCELLED') return [];

  const start = property(event, 'dtstart');
  const clock = clockOf(start, series.zones);
  const lengthMs = lengthOf(event, start);
  if (lengthMs <= 0) {
    throw new Error('it ends when it begins, or before; say with DTEND or DURATION how long it lasts');
  }
  if (event.hasProperty('exrule')) {
    throw new Error(
      'EXRULE is not supported, and has not been part of iCal since 2009; name the dates with EXDATE',
    );
  }
  return (
    occurrencesOf(series, start, clock)
      .map((wall) => ({ kind: clock.kind, from: clock.at(wall), until: clock.at(wall + lengthMs) }))
      // A night in which the clock goes forward may swallow a short one.
      .filter(({ from, until }) => from < until)
  );
}

function lengthOf(event: ICAL.Component, start: ICAL.Property): number {
  const end = event.getFirstProperty('dtend');
  if (end !== null) {
    if (clockName(end) !== clockName(start)) {
      throw new Error('it begins and ends in different time zones; DTSTART and DTEND must be in the same');
    }
    const lengthMs = wallOf(onlyTime(end)) - wallOf(onlyTime(start));
    // Some programs write one whole day so, though its end should be the day after.
    return lengthMs === 0 && onlyTime(start).isDate ? DAY_MS : lengthMs;
  }
  const duration = event.getFirstPropertyValue('duration');
  if (duration instanceof ICAL.Duration) return duration.toSeconds() * 1000;
  return onlyTime(start).isDate ? DAY_MS : 0;
}

/** Local times at which it begins, on its own clock. */
function occurrencesOf(series: Series, start: ICAL.Property, clock: Clock): number[] {
  const { event, moved, zones } = series;
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
    .flatMap((rule, index) => recurrencesOf(series, series.rules[index] ?? '', rule.getFirstValue(), clock));
  const isLeftOut = toMatch(
    [...event.getAllProperties('exdate'), ...moved.map((other) => property(other, 'recurrence-id'))],
    clock,
    zones,
  );
  return [...new Set([wallOf(first), ...listed, ...recurring])].filter((wall) => !isLeftOut(wall));
}

/** The rule runs on local times alone, whatever their zone; where it ends is compared on the event's clock. */
function recurrencesOf(
  { event, lastYear, take }: Series,
  written: string,
  parsed: unknown,
  clock: Clock,
): number[] {
  if (!(parsed instanceof ICAL.Recur)) throw new Error('its RRULE cannot be understood');
  const isOver = toEnd(parsed.until, clock);
  const start = wallOf(onlyTime(property(event, 'dtstart')));
  const firstDay = Math.floor(start / DAY_MS) * DAY_MS;

  const rule = toRule(written);
  const stretch = { start: firstDay, last: lastDayOf(lastYear, parsed.until) };
  take(stepsOf(rule, stretch));
  const walls = daysOf(rule, stretch)
    .map((day) => day + (start - firstDay))
    .filter((wall) => !isOver(wall));
  if (walls.length > MAX_OCCURRENCES) {
    throw new Error(`it recurs more than ${MAX_OCCURRENCES} times until ${lastYear}; days off are fewer`);
  }
  if (walls.length === 0 && !parsed.until && firstDay <= stretch.last) {
    throw new Error(
      `its RRULE ${written} comes to no day until ${lastYear}; mend it, or leave it out for a day that does not recur`,
    );
  }
  return walls;
}

/** Nothing of a rule is later, whatever its clock: UNTIL may be in UTC. */
function lastDayOf(lastYear: number, until: ICAL.Time | null): number {
  const last = Date.UTC(lastYear, 11, 31);
  return until ? Math.min(last, wallOf(until) + DAY_MS) : last;
}

/** UNTIL is the last moment included; a date includes its whole day. */
function toEnd(until: ICAL.Time | null, clock: Clock): (wall: number) => boolean {
  if (!until) return () => false;
  const end = wallOf(until);
  if (until.isDate) return (wall) => wall >= end + DAY_MS;
  return until.zone === ICAL.Timezone.utcTimezone ? (wall) => clock.at(wall) > end : (wall) => wall > end;
}

/** EXDATE and RECURRENCE-ID name occurrences by when they begin; a date names all of its day. */
function toMatch(named: readonly ICAL.Property[], clock: Clock, zones: Map<string, TimeZone>) {
  const days = new Set<number>();
  const moments = new Set<number>();
  for (const dates of named) {
    const its = clockOf(dates, zones);
    for (const time of timesOf(dates)) {
      if (time.isDate) days.add(wallOf(time));
      else if (its.kind === clock.kind) moments.add(its.at(wallOf(time)));
      else
        throw new Error(
          `${dates.name.toUpperCase()} and DTSTART must both be local times, or both have a time zone`,
        );
    }
  }
  return (wall: number) => days.has(Math.floor(wall / DAY_MS) * DAY_MS) || moments.has(clock.at(wall));
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
  refuseOddRules(described);
  return { kind: 'exact', name, at: (wall) => toTime(wall, described).toUnixTime() * 1000 };
}

/** How a clock changes, as every program writes it. Of such a rule ical.js finds the next change, or finds none. */
const YEARLY_CHANGE =
  /^FREQ=YEARLY(;(INTERVAL=1|COUNT=\d+|UNTIL=\w+|WKST=\w\w|BYMONTH=\d+|BYMONTHDAY=[-\d,]+|BYDAY=[-+]?\d*\w\w))*$/;

function refuseOddRules({ tzid, component }: ICAL.Timezone): void {
  const changes = ['standard', 'daylight'].flatMap((name) => component.getAllSubcomponents(name));
  for (const rule of changes.flatMap((change) => change.getAllProperties('rrule'))) {
    const written = rule.toICALString().replace(/^RRULE:/, '');
    if (YEARLY_CHANGE.test(written)) continue;
    throw new Error(
      `its time zone "${tzid}" changes its clock by ${written}; expected FREQ=YEARLY with BYMONTH and BYDAY or BYMONTHDAY, or an IANA name such as Europe/Berlin`,
    );
  }
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
