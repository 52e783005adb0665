/** What a simulation has to say, for people: one line for each thing that happens. Pure. */
import { Temporal } from 'temporal-polyfill';
import { MOST_CALLED } from '../domain/escalation/calling.ts';
import { importanceOf, type Severity, type Target } from '../domain/escalation/plan.ts';
import type { Caller } from '../domain/escalation/record.ts';
import type { PersonId } from '../domain/ids.ts';
import type { Beginning, Happening, Missing, Reason, Simulation } from './simulation.ts';
import type { Because, Found } from './surroundings.ts';

/** How things are called at the place the text is read. */
export interface Wording {
  readonly zone: string;
  /** When it begins. */
  readonly startMs: number;
  /** How often all steps are gone through. */
  readonly rounds: number;
  name(person: PersonId): string;
  platform(platform: string): string;
}

export interface Line {
  readonly when: string;
  readonly step: string;
  readonly who: string;
  readonly by: string;
  readonly why: string;
}

export function toLines({ happenings }: Simulation, wording: Wording): Line[] {
  return happenings.map((happening) => toLine(happening, wording));
}

/**
 * `Sun 28 Mar, 03:00:10`; `Sun 31 Oct, 02:50:10 +02:00` where clocks show that twice, or are set otherwise than at
 * the start.
 */
export function clockText(ms: number, zone: string, startMs = ms): string {
  const shown = new Intl.DateTimeFormat('en-GB', {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: '2-digit',
    minute: '2-digit',
    second: '2-digit',
    timeZone: zone,
  })
    .format(ms)
    .replace(/:00$/, '');
  const moment = zonedAt(ms, zone);
  const isOtherwise = moment.offset !== zonedAt(startMs, zone).offset;
  return isOtherwise || comesTwice(moment) ? `${shown} ${moment.offset}` : shown;
}

function zonedAt(ms: number, zone: string): Temporal.ZonedDateTime {
  return Temporal.Instant.fromEpochMilliseconds(ms).toZonedDateTimeISO(zone);
}

function comesTwice(moment: Temporal.ZonedDateTime): boolean {
  const [first, second] = (['earlier', 'later'] as const).map((disambiguation) =>
    moment.toPlainDateTime().toZonedDateTime(moment.timeZoneId, { disambiguation }),
  );
  return first?.offset !== second?.offset;
}

/** `1 h 10 min`, to the second. */
export function lengthText(ms: number): string {
  const parts = [
    [Math.floor(ms / 86_400_000), 'd'],
    [Math.floor(ms / 3_600_000) % 24, 'h'],
    [Math.floor(ms / 60_000) % 60, 'min'],
    [Math.round(ms / 1_000) % 60, 's'],
  ] as const;
  const shown = parts.filter(([count]) => count > 0).map(([count, unit]) => `${count} ${unit}`);
  return shown.length === 0 ? '0 s' : shown.join(' ');
}

export function targetText(target: Target, name: Wording['name']): string {
  switch (target.kind) {
    case 'person':
      return name(target.person);
    case 'role':
      return `role ${target.role}`;
    case 'on-call':
      return `on call: ${target.schedule}`;
    case 'last-owner':
      return 'who had it before';
    case 'channel':
      return `${target.platform} ${target.channel}`;
    default:
      return target satisfies never;
  }
}

/** How loud a step is that does not say so itself. */
export function loudnessText(severity: Severity): string {
  return `severity ${severity}: importance ${importanceOf(severity)}, where a step says nothing else`;
}

function toLine(happening: Happening, wording: Wording): Line {
  const { name, platform } = wording;
  const base = { when: timeText(happening.atMs, wording), step: '', who: '', by: '', why: '' };
  switch (happening.kind) {
    case 'call': {
      const { person, importance, at, reason } = happening;
      return {
        ...base,
        step: stepText(at, wording),
        who: name(person),
        by: `${platform(happening.platform)}, ${importance}`,
        why: [reasonText(reason, wording), ...delayText(happening, wording)].join('; '),
      };
    }
    case 'post':
      return {
        ...base,
        step: stepText(happening.at, wording),
        who: happening.channel,
        by: platform(happening.platform),
        why: 'posted in the channel',
      };
    case 'missing':
      return {
        ...base,
        step: stepText(happening.at, wording),
        who: missingWho(happening.missing, wording),
        by: '–',
        why: missingText(happening.missing, wording),
      };
    case 'webhook':
      return { ...base, step: stepText(happening.at, wording), who: happening.webhook, by: 'webhook' };
    case 'hand-off':
      return {
        ...base,
        step: stepText(happening.at, wording),
        why: silenceText(happening.silences),
      };
    case 'agent-back':
      return {
        ...base,
        why: `${whereText(happening.where)}${happening.because === 'ended' ? 'its policy ends here' : 'nobody has come'}, and the agent answers there again`,
      };
    case 'severity':
      return { ...base, step: stepText(happening.at, wording), why: `is ${happening.severity} from now on` };
    case 'held':
      return {
        ...base,
        step: happening.reason === 'nobody' ? stepText(happening.at, wording) : '',
        why: heldText(happening, wording),
      };
    case 'alarm':
      return {
        ...base,
        step: 'last resort',
        why: 'NOBODY CAN BE CALLED: the gateway reports itself as unwell',
      };
    default:
      return happening satisfies never;
  }
}

function timeText(ms: number, { zone, startMs }: Wording): string {
  return clockText(ms, zone, startMs);
}

function stepText(at: Caller, { rounds }: Wording): string {
  if (at === 'last') return 'last resort';
  return rounds === 1 ? at.step : `${at.step} (round ${at.round + 1})`;
}

function reasonText(reason: Reason, wording: Wording): string {
  switch (reason.kind) {
    case 'found':
      return foundText(reason.target, reason.found, wording);
    case 'joined':
      return `now there: ${foundText(reason.target, reason.found, wording)}`;
    case 'room':
      return `no longer one too many: ${foundText(reason.target, reason.found, wording)}`;
    case 'next-way':
      return `no answer for ${lengthText(reason.afterMs)}: the next way`;
    default:
      return reason satisfies never;
  }
}

function foundText(target: Target, { because, standsInFor }: Found, wording: Wording): string {
  const { name } = wording;
  const why = becauseText(because, target, name);
  if (!standsInFor) return why;
  return `stands in for ${name(standsInFor.person)} (${why}), ${awayText(standsInFor.untilMs, wording)}`;
}

function becauseText(because: Because, target: Target, name: Wording['name']): string {
  const schedule = target.kind === 'on-call' ? target.schedule : '';
  switch (because.kind) {
    case 'named':
      return 'named';
    case 'role':
      return `holds the role ${because.role}`;
    case 'rotation':
      return `on call (${schedule}): rotation ${because.name}, shift ${because.shift + 1}`;
    case 'override':
      return `on call (${schedule}): override ${because.override + 1}`;
    case 'swap':
      return `on call (${schedule}): instead of ${name(because.replaces)}, override ${because.override + 1}`;
    case 'fallback':
      return `on call (${schedule}): fallback, as nobody else is`;
    default:
      return because satisfies never;
  }
}

function awayText(untilMs: number | undefined, wording: Wording): string {
  return untilMs === undefined ? 'who is away' : `who is away until ${timeText(untilMs, wording)}`;
}

function delayText({ toldMs, delay }: Extract<Happening, { kind: 'call' }>, wording: Wording): string[] {
  if (toldMs === undefined) {
    return [
      delay === 'quiet'
        ? 'quiet hours put it off for longer than this'
        : 'told together with others, later than this',
    ];
  }
  if (delay === undefined) return [];
  const until = timeText(toldMs, wording);
  return [
    delay === 'quiet' ? `quiet hours put it off until ${until}` : `told together with others at ${until}`,
  ];
}

function missingWho(missing: Missing, { name }: Wording): string {
  switch (missing.kind) {
    case 'away':
    case 'unreachable':
    case 'one-too-many':
      return name(missing.person);
    case 'nobody':
    case 'overtaken':
      return targetText(missing.target, name);
    case 'no-posting':
      return missing.channel;
    default:
      return missing satisfies never;
  }
}

function missingText(missing: Missing, wording: Wording): string {
  switch (missing.kind) {
    case 'away':
      return missing.untilMs === undefined
        ? 'not called: away, and nobody stands in'
        : `not called: away until ${timeText(missing.untilMs, wording)}, and nobody stands in`;
    case 'unreachable':
      return 'not called: no account on a platform that runs';
    case 'nobody':
      return 'nobody at this time';
    case 'one-too-many':
      return `not called: a step calls ${MOST_CALLED} people at most`;
    case 'overtaken':
      return 'not called: nothing is waited for until the next call, which is made in its place';
    case 'no-posting':
      return `not posted: nothing can be posted on ${wording.platform(missing.platform)}`;
    default:
      return missing satisfies never;
  }
}

function silenceText(silences: Beginning | 'none'): string {
  if (silences === 'none') return 'the agent is silent there already';
  return `${whereText(silences)}the agent falls silent; the conversation waits for a human`;
}

function whereText(where: Beginning): string {
  switch (where) {
    case 'wished':
      return 'where it began with a wish for a human: ';
    case 'unwished':
      return 'where it began otherwise: ';
    case 'any':
      return '';
    default:
      return where satisfies never;
  }
}

function heldText({ reason, untilMs }: Extract<Happening, { kind: 'held' }>, wording: Wording): string {
  const until = timeText(untilMs, wording);
  return reason === 'closed'
    ? `outside its hours: waits until ${until}`
    : `waits for somebody to be there; looked at again until ${until}`;
}
