/** Puts hours and schedules of the configuration together with their time zones and days off. */
import { type Holidays, NO_HOLIDAYS } from './holidays.ts';
import { Hours, type Week } from './hours.ts';
import { type Exceptions, OnCallSchedule, type Rotation } from './on-call.ts';
import { TimeZone } from './time-zone.ts';

/** What working hours, quiet hours and the hours of a rotation have in common. */
export interface HoursOfWeek {
  readonly time_zone: string;
  readonly days: Week;
  /** By name. */
  readonly holidays?: string | undefined;
}

/** Who is on call, as it is written down. */
export interface WrittenSchedule extends Exceptions {
  readonly time_zone: string;
  readonly rotations: readonly (Rotation & {
    /** The hours it covers; left out: all. */
    readonly restrict?: Omit<HoursOfWeek, 'time_zone'> | undefined;
  })[];
}

/** What has a name in the configuration. */
export interface CalendarNames {
  readonly holidays: ReadonlyMap<string, Holidays>;
  readonly hours: ReadonlyMap<string, HoursOfWeek>;
  readonly schedules: ReadonlyMap<string, WrittenSchedule>;
}

/** Hours that have a name, with the zone they are in. */
export interface NamedHours {
  readonly name: string;
  readonly zone: string;
  readonly hours: Hours;
}

/** Reads no clock and no file: the same configuration gives the same answers for the same instants. */
export class Calendar {
  /** What it was made from. */
  readonly names: CalendarNames;
  /** What has been worked out about a zone is shared by all who live in it. */
  readonly #zones = new Map<string, TimeZone>();
  readonly #schedules = new Map<string, OnCallSchedule>();
  readonly #hours = new Map<string, NamedHours>();

  constructor({ holidays = new Map(), hours = new Map(), schedules = new Map() }: Partial<CalendarNames>) {
    this.names = { holidays, hours, schedules };
  }

  zone(name: string): TimeZone {
    const zone = this.#zones.get(name) ?? new TimeZone(name);
    this.#zones.set(name, zone);
    return zone;
  }

  /** For working hours and quiet hours alike. */
  hours({ time_zone, days, holidays }: HoursOfWeek): Hours {
    return new Hours(this.zone(time_zone), days, this.#holidaysOf(holidays));
  }

  schedule(schedule: WrittenSchedule): OnCallSchedule {
    const { time_zone } = schedule;
    const layers = schedule.rotations.map((rotation) => ({
      rotation,
      covered: rotation.restrict && this.hours({ time_zone, ...rotation.restrict }),
    }));
    return new OnCallSchedule(this.zone(time_zone), schedule, layers);
  }

  /** Working hours by their name; undefined if there are none of that name. */
  hoursNamed(name: string): NamedHours | undefined {
    const known = this.#hours.get(name);
    const written = this.names.hours.get(name);
    if (known || !written) return known;
    const named = { name, zone: written.time_zone, hours: this.hours(written) };
    this.#hours.set(name, named);
    return named;
  }

  /** A schedule by its name; undefined if there is none of that name. */
  scheduleNamed(name: string): OnCallSchedule | undefined {
    const known = this.#schedules.get(name);
    const written = this.names.schedules.get(name);
    if (known || !written) return known;
    const schedule = this.schedule(written);
    this.#schedules.set(name, schedule);
    return schedule;
  }

  #holidaysOf(name: string | undefined): Holidays {
    if (name === undefined) return NO_HOLIDAYS;
    const holidays = this.names.holidays.get(name);
    // Names are checked when the configuration is loaded.
    if (holidays === undefined) throw new Error(`there is no holiday calendar "${name}"`);
    return holidays;
  }
}
