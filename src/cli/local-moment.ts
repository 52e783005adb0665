/** Times as people write them at a terminal: a local time and its zone, also where clocks change; and how long. */
import { Temporal } from 'temporal-polyfill';
import { isTimeZone } from '../calendar/time-zone.ts';
import { duration } from '../config/duration.ts';
import { didYouMean } from '../config/schema-check.ts';
import { AppError } from '../domain/errors.ts';

export interface LocalMoment {
  readonly atMs: number;
  readonly zone: string;
  /** What people have to know about this time, in a sentence; absent when it is like any other. */
  readonly remark?: string;
}

/** What was written is no moment. The message says what would be. */
export class MomentError extends AppError {
  override readonly code = 'NOT_A_MOMENT';
}

const PATTERN =
  /^(?<local>\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?)(?<offset>Z|[+-]\d{2}:?\d{2})?(?: +(?<zone>\S+)| *\[(?<bracketed>[^\]]+)\])?$/;

/**
 * `2027-03-28T02:40 Europe/Paris`; without a zone it is `machineZone`. With an offset (`…T02:40+02:00`) it is
 * that very instant, in a zone that may stand behind it.
 *
 * A time that clocks skip is taken for the moment they jump, one that comes twice for the first time: as everywhere
 * here.
 *
 * @throws {MomentError} when it is none
 */
export function parseMoment(text: string, machineZone: string): LocalMoment {
  const { local, offset, zone: named, bracketed } = PATTERN.exec(text.trim())?.groups ?? {};
  if (local === undefined) {
    throw new MomentError(
      `"${text}" is no moment: write a date, a time and a zone, "2027-03-28T02:40 Europe/Paris"`,
    );
  }
  const zone = named ?? bracketed ?? (offset === 'Z' ? 'UTC' : machineZone);
  if (!isTimeZone(zone)) throw new MomentError(unknownZone(zone));
  const plain = toPlain(local, text);
  if (offset !== undefined) {
    const instant = Temporal.Instant.from(`${plain.toString()}${offset}`);
    return { atMs: instant.epochMilliseconds, zone };
  }
  const [first, second] = (['earlier', 'later'] as const).map((disambiguation) =>
    plain.toZonedDateTime(zone, { disambiguation }),
  );
  if (!first || !second || first.equals(second))
    return { atMs: (first ?? second)?.epochMilliseconds ?? 0, zone };
  return first.toPlainDateTime().equals(plain) ? comesTwice(first, second) : isSkipped(plain, first, second);
}

/**
 * `48h`, `7d`: how long, in ms.
 *
 * @throws {MomentError} when it is no length between a minute and 60 days
 */
export function parseLength(text: string): number {
  const parsed = duration({ min: '1m', max: '60d' }).safeParse(text);
  if (parsed.success) return parsed.data;
  throw new MomentError(`"${text}" is no length here: write ${parsed.error.issues[0]?.message}`);
}

function comesTwice(first: Temporal.ZonedDateTime, second: Temporal.ZonedDateTime): LocalMoment {
  const zone = first.timeZoneId;
  const [clock, day] = [clockOf(first), dayOf(first)];
  const written = `${second.toPlainDateTime().toString({ smallestUnit: 'minute' })}${second.offset} ${zone}`;
  return {
    atMs: first.epochMilliseconds,
    zone,
    remark: `${clock} comes twice on ${day} in ${zone}, because clocks go back. The first one is meant here (${first.offset}); for the second write "${written}".`,
  };
}

/** In between the two readings the clock jumps. */
function isSkipped(
  plain: Temporal.PlainDateTime,
  earlier: Temporal.ZonedDateTime,
  later: Temporal.ZonedDateTime,
): LocalMoment {
  const zone = earlier.timeZoneId;
  const jump = earlier.getTimeZoneTransition('next') ?? later;
  return {
    atMs: jump.epochMilliseconds,
    zone,
    remark: `${clockOf(plain)} does not exist on ${dayOf(plain)} in ${zone}: clocks go forward past it. The moment they do is meant here, when they show ${clockOf(jump)}.`,
  };
}

function toPlain(local: string, text: string): Temporal.PlainDateTime {
  try {
    return Temporal.PlainDateTime.from(local.replace(' ', 'T'), { overflow: 'reject' });
  } catch {
    throw new MomentError(`"${text}" is no moment: there is no ${local} in the calendar`);
  }
}

function unknownZone(zone: string): string {
  const meant = didYouMean(zone, Intl.supportedValuesOf('timeZone'));
  const hint =
    meant === undefined ? 'write an IANA name such as Europe/Paris or UTC' : `did you mean ${meant}?`;
  return `"${zone}" is no time zone: ${hint}`;
}

function clockOf(time: Temporal.PlainDateTime | Temporal.ZonedDateTime): string {
  return `${String(time.hour).padStart(2, '0')}:${String(time.minute).padStart(2, '0')}`;
}

function dayOf({ year, month, day }: Temporal.PlainDateTime | Temporal.ZonedDateTime): string {
  return new Intl.DateTimeFormat('en-GB', { dateStyle: 'long', timeZone: 'UTC' }).format(
    new Date(0).setUTCFullYear(year, month - 1, day),
  );
}
