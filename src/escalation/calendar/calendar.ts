/** Puts hours and schedules of the configuration together with their time zones and days off. */
import type { WeekRanges } from '../../config/hours.ts';
import type { Schedule } from '../../config/schedules.ts';
import { type Holidays, NO_HOLIDAYS } from './holidays.ts';
import { Hours } from './hours.ts';
import { OnCallSchedule } from './on-call.ts';
import { TimeZone } from './time-zone.ts';

/** What working hours, quiet hours and the hours of a rotation have in common. */
interface HoursOfWeek {
  readonly time_zone: string;
  readonly days: WeekRanges;
  readonly holidays?: string | undefined;
}

/** Reads no clock and no file: the same configuration gives the same answers for the same instants. */
export class Calendar {
  /** What has been worked out about a zone is shared by all who live in it. */
  readonly #zones = new Map<string, TimeZone>();

  /** @param holidays by their name in the configuration */
  constructor(private readonly holidays: ReadonlyMap<string, Holidays>) {}

  zone(name: string): TimeZone {
    const zone = this.#zones.get(name) ?? new TimeZone(name);
    this.#zones.set(name, zone);
    return zone;
  }

  /** For working hours and quiet hours alike. */
  hours({ time_zone, days, holidays }: HoursOfWeek): Hours {
    return new Hours(this.zone(time_zone), days, this.#holidaysOf(holidays));
  }

  schedule(schedule: Schedule): OnCallSchedule {
    const { time_zone } = schedule;
    const layers = schedule.rotations.map((rotation) => ({
      rotation,
      covered: rotation.restrict && this.hours({ time_zone, ...rotation.restrict }),
    }));
    return new OnCallSchedule(this.zone(time_zone), schedule, layers);
  }

  #holidaysOf(name: string | undefined): Holidays {
    if (name === undefined) return NO_HOLIDAYS;
    const holidays = this.holidays.get(name);
    // Names are checked when the configuration is loaded.
    if (holidays === undefined) throw new Error(`there is no holiday calendar "${name}"`);
    return holidays;
  }
}
