/**
 * What an escalation asks about the world: who is there, how they are reached, which hours are open. One of these is one
 * moment; the next look takes a new one, made of the configuration as it is then.
 *
 * Rules
 *   1. Whoever is away is not called; who stands in for them is.
 *   2. Somebody is called where they want to be for what matters so much, one way after the other. Where none of these
 *      can be written to, wherever else they can be.
 *   3. What the configuration does not know any more keeps nobody waiting: such hours are open, such people are nobody.
 */
import type { Hours } from '../calendar/hours.ts';
import type { OnCallReason } from '../calendar/on-call.ts';
import type { Ways } from '../config/contacts.ts';
import type { Config } from '../config/load-config.ts';
import type { Quiet } from '../domain/escalation/pager.ts';
import type { Target } from '../domain/escalation/plan.ts';
import type { Link } from '../domain/escalation/record.ts';
import type { Surroundings } from '../domain/escalation/surroundings.ts';
import { type PersonId, type Platform, platformOf } from '../domain/ids.ts';
import type { Importance } from '../domain/person.ts';
import type { Directory } from '../identity/directory.ts';

/** Between two ways to one person, in ms: long enough to see the first. */
const PAUSE_MS = 5 * 60_000;
const URGENT_PAUSE_MS = 2 * 60_000;

/** What can be written to now. */
export interface Writing {
  /** One person, so that they are told by it. */
  canReach(person: PersonId, platform: Platform): boolean;
  /** Some channel of the platform. */
  canPost(platform: string): boolean;
}

export interface SurroundingsDeps {
  readonly config: Pick<Config, 'calendar' | 'contacts'>;
  readonly directory: Directory;
  readonly writing: Writing;
}

/** Why somebody is one of those a target names. */
export type Because =
  | { readonly kind: 'named' }
  | { readonly kind: 'role'; readonly role: string }
  | OnCallReason;

export interface Found {
  readonly person: PersonId;
  readonly because: Because;
  /** Who is away, and until when, where this is who stands in for them. */
  readonly standsInFor?: Away;
}

export interface Away {
  readonly person: PersonId;
  readonly untilMs: number | undefined;
}

/** Who a target is, and who of it is missing. */
export interface Presence {
  readonly there: readonly Found[];
  readonly away: readonly Away[];
}

export class LiveSurroundings implements Surroundings {
  constructor(
    private readonly deps: SurroundingsDeps,
    readonly nowMs: number,
  ) {}

  peopleOf(target: Target, atMs: number): PersonId[] {
    return this.presenceOf(target, atMs).there.map(({ person }) => person);
  }

  /** The same with the reasons. */
  presenceOf(target: Target, atMs: number): Presence {
    const { directory } = this.deps;
    const there: Found[] = [];
    const away: Away[] = [];
    for (const { person, because } of this.#namedBy(target, atMs)) {
      if (!directory.absentAt(person, atMs)) {
        there.push({ person, because });
        continue;
      }
      const absence = { person, untilMs: directory.absentUntil(person, atMs) };
      const standIn = directory.standInOf(person, atMs);
      if (standIn) there.push({ person: standIn.id, because, standsInFor: absence });
      else away.push(absence);
    }
    return { there, away };
  }

  changesAt(target: Target, atMs: number): number | undefined {
    const { directory, config } = this.deps;
    const shift =
      target.kind === 'on-call'
        ? config.calendar.scheduleNamed(target.schedule)?.nextChange(atMs)
        : undefined;
    const presence = this.#namedBy(target, atMs).map(({ person }) =>
      directory.presenceChangeOf(person, atMs),
    );
    const later = [shift, ...presence].flatMap((ms) => (ms !== undefined && ms > atMs ? [ms] : []));
    return later.length === 0 ? undefined : Math.min(...later);
  }

  idsOf(person: PersonId): PersonId[] {
    return this.deps.directory.idsOf(person);
  }

  linksOf(id: PersonId, importance: Importance): Link[] {
    const { config, directory, writing } = this.deps;
    const person = directory.find(id);
    if (!person) return [];
    const has = new Set(person.accounts.map(platformOf));
    const canReach = (platform: Platform) => has.has(platform) && writing.canReach(id, platform);
    const wanted = directory.channelsOf(person, importance).filter(canReach);
    const ways = wanted.length > 0 ? wanted : [...has].filter(canReach);
    const pauses = pausesIn(config.contacts.people[id]?.reach?.[importance] ?? []);
    const usualMs = importance === 'urgent' ? URGENT_PAUSE_MS : PAUSE_MS;
    return [...new Set(ways)].map((platform, index) => ({
      platform,
      afterMs: index === 0 ? 0 : (pauses.get(platform) ?? usualMs),
    }));
  }

  tellableAt(person: PersonId, importance: Importance, atMs: number): number {
    return quietOf(this.deps.directory, person)(importance, atMs);
  }

  canPost(platform: string): boolean {
    return this.deps.writing.canPost(platform);
  }

  isOpen(hours: string, atMs: number): boolean {
    return this.#hours(hours)?.isOpen(atMs) ?? true;
  }

  opensAt(hours: string, atMs: number): number | undefined {
    const named = this.#hours(hours);
    return named ? named.nextOpening(atMs) : atMs;
  }

  after(hours: string, fromMs: number, forMs: number): number | undefined {
    const named = this.#hours(hours);
    return named ? named.add(fromMs, forMs) : fromMs + forMs;
  }

  #hours(name: string): Hours | undefined {
    return this.deps.config.calendar.hoursNamed(name)?.hours;
  }

  /** Away or not. */
  #namedBy(target: Target, atMs: number): Found[] {
    const { directory, config } = this.deps;
    switch (target.kind) {
      case 'person':
        return directory.find(target.person) ? [{ person: target.person, because: { kind: 'named' } }] : [];
      case 'role':
        return directory
          .withRole(target.role)
          .map(({ id }) => ({ person: id, because: { kind: 'role', role: target.role } }));
      case 'on-call': {
        const onCall = config.calendar.scheduleNamed(target.schedule)?.onCallAt(atMs);
        return onCall && directory.find(onCall.person) ? [onCall] : [];
      }
      case 'last-owner':
      case 'channel':
        return [];
      default:
        return target satisfies never;
    }
  }
}

/** Before which platform how long is waited, where that is written. */
function pausesIn(ways: Ways): ReadonlyMap<string, number> {
  return new Map(
    ways.flatMap((way, index) => {
      const before = ways[index - 1];
      return typeof way === 'string' && typeof before === 'object' ? [[way, before.wait] as const] : [];
    }),
  );
}

/** When somebody may be disturbed: at once for what is urgent, else when their quiet hours are over. */
export function quietOf(directory: Pick<Directory, 'quietUntil'>, person: PersonId): Quiet {
  return (importance, atMs) =>
    importance === 'urgent' ? atMs : (directory.quietUntil(person, atMs) ?? atMs);
}
