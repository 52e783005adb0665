/** What a simulation has to say, for people: one line for each thing that happens. Pure. */
import { importanceOf, type Severity, type Target } from '../domain/escalation/plan.ts';
import type { PersonId } from '../domain/ids.ts';
import type { Happening, Missing, Reason, Simulation, StepTaken } from './simulation.ts';
import type { Because, Found } from './surroundings.ts';

/** How things are called at the place the text is read. */
export interface Wording {
  readonly zone: string;
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

/** `Sun 28 Mar, 03:00:10`. */
export function clockText(ms: number, zone: string): string {
  return new Intl.DateTimeFormat('en-GB', {
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
  const { name, platform, zone } = wording;
  const base = { when: clockText(happening.atMs, zone), step: '', who: '', by: '', why: '' };
  switch (happening.kind) {
    case 'call': {
      const { person, importance, at, reason } = happening;
      return {
        ...base,
        step: stepText(at, wording),
        who: name(person),
        by: `${platform(happening.platform)}, ${importance}`,
        why: [reasonText(reason, wording), ...delayText(happening, zone)].join('; '),
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
        why: 'the agent falls silent; the conversation waits for a human',
      };
    case 'severity':
      return { ...base, step: stepText(happening.at, wording), why: `is ${happening.severity} from now on` };
    case 'held':
      return { ...base, why: heldText(happening, zone) };
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

function stepText(at: StepTaken | 'last', { rounds }: Wording): string {
  if (at === 'last') return 'last resort';
  return rounds === 1 ? at.step : `${at.step} (round ${at.round + 1})`;
}

function reasonText(reason: Reason, wording: Wording): string {
  switch (reason.kind) {
    case 'found':
      return foundText(reason.target, reason.found, wording);
    case 'joined':
      return `now there: ${foundText(reason.target, reason.found, wording)}`;
    case 'next-way':
      return `no answer for ${lengthText(reason.afterMs)}: the next way`;
    default:
      return reason satisfies never;
  }
}

function foundText(target: Target, { because, standsInFor }: Found, { name, zone }: Wording): string {
  const why = becauseText(because, target, name);
  if (!standsInFor) return why;
  return `stands in for ${name(standsInFor.person)} (${why}), ${awayText(standsInFor.untilMs, zone)}`;
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

function awayText(untilMs: number | undefined, zone: string): string {
  return untilMs === undefined ? 'who is away' : `who is away until ${clockText(untilMs, zone)}`;
}

function delayText({ toldMs, delay }: Extract<Happening, { kind: 'call' }>, zone: string): string[] {
  if (toldMs === undefined) return ['quiet hours put it off for longer than this'];
  if (delay === undefined) return [];
  const until = clockText(toldMs, zone);
  return [
    delay === 'quiet' ? `quiet hours put it off until ${until}` : `told together with others at ${until}`,
  ];
}

function missingWho(missing: Missing, { name }: Wording): string {
  switch (missing.kind) {
    case 'away':
    case 'unreachable':
      return name(missing.person);
    case 'nobody':
      return targetText(missing.target, name);
    case 'no-posting':
      return missing.platform;
    default:
      return missing satisfies never;
  }
}

function missingText(missing: Missing, { zone, platform }: Wording): string {
  switch (missing.kind) {
    case 'away':
      return missing.untilMs === undefined
        ? 'not called: away, and nobody stands in'
        : `not called: away until ${clockText(missing.untilMs, zone)}, and nobody stands in`;
    case 'unreachable':
      return 'not called: no account on a platform that runs';
    case 'nobody':
      return 'nobody at this time';
    case 'no-posting':
      return `not posted: nothing can be posted on ${platform(missing.platform)}`;
    default:
      return missing satisfies never;
  }
}

function heldText({ reason, untilMs }: Extract<Happening, { kind: 'held' }>, zone: string): string {
  const until = clockText(untilMs, zone);
  return reason === 'closed'
    ? `outside its hours: waits until ${until}`
    : `waits for somebody to be there; looked at again until ${until}`;
}
