/** `current_time` and `about_me`: what the agent can know about now, and about the gateway it speaks through. */
import { Temporal } from 'temporal-polyfill';
import { z } from 'zod';
import { isTimeZone } from '../../calendar/time-zone.ts';
import type { Clock } from '../../domain/clock.ts';
import type { Tool } from '../../domain/tool.ts';

/** Time zones told at once. */
const MOST_ZONES = 10;

const CurrentTime = z.object({
  time_zones: z
    .array(z.string().max(60).refine(isTimeZone, 'must be a time zone such as Europe/Berlin'))
    .max(MOST_ZONES)
    .default([])
    .describe('Such as Europe/Berlin. Leave out for the usual one.'),
});

export interface PlaceToolsDeps {
  readonly clock: Clock;
  /** Whose times are meant where nobody names another. */
  readonly timeZone: () => string;
  readonly name: () => string;
  readonly version: string;
  /** Channels that run. */
  readonly platforms: () => readonly string[];
  /** Groups that have a tool; which of them a turn has is said with the turn. */
  readonly groups: () => ReadonlySet<string>;
}

export function createPlaceTools(deps: PlaceToolsDeps): Tool[] {
  const common = {
    group: 'system',
    version: 1,
    risk: 'low',
    effect: 'read',
    reversible: true,
    timeoutMs: 1_000,
  } as const;
  const currentTime: Tool<typeof CurrentTime> = {
    ...common,
    name: 'current_time',
    description: 'Tells the date, the time and the day of the week, in any time zone.',
    input: CurrentTime,
    async execute({ time_zones: zones }) {
      const now = Temporal.Instant.fromEpochMilliseconds(deps.clock.now());
      const lines = (zones.length > 0 ? zones : [deps.timeZone()]).map((zone) => lineOf(now, zone));
      return { status: 'ok', text: lines.join('\n') };
    },
  };
  const aboutMe: Tool<z.ZodObject> = {
    ...common,
    name: 'about_me',
    description: 'Tells what you are run by: the version, the channels, the kinds of tools there are.',
    input: z.object({}),
    async execute() {
      const lines = [
        `You are ${deps.name()}, and speak through Signalbox ${deps.version}.`,
        `Channels that run: ${listed(deps.platforms())}.`,
        `Kinds of tools there are: ${listed([...deps.groups()])}. Those you were given are all you have in this turn.`,
        'What a rule holds waits for a human; you cannot change the rules.',
      ];
      return { status: 'ok', text: lines.join('\n') };
    },
  };
  // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
  return [currentTime, aboutMe] as unknown as Tool[];
}

function lineOf(now: Temporal.Instant, zone: string): string {
  const local = now.toZonedDateTimeISO(zone);
  const day = new Intl.DateTimeFormat('en-GB', { weekday: 'long', timeZone: zone }).format(
    now.epochMilliseconds,
  );
  const minutes = local.toPlainDateTime().toString({ smallestUnit: 'minute' }).replace('T', ' ');
  return `${day}, ${minutes} in ${zone} (UTC${local.offset})`;
}

function listed(names: readonly string[]): string {
  return names.toSorted().join(', ') || 'none';
}
