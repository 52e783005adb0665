/**
 * What a blow explains: a command without a response, and an interaction that two gateways answered. Pure.
 *
 * Invariants
 *   1. A killed gateway is known by its connection, cut right after the kill; one kill cuts one connection.
 *   2. A command is excused only where every gateway that was told of it was killed in its time. Where another one
 *      lived, that one was to respond.
 *   3. Or where the machine kept each gateway there was waiting for its turn for a good part of that time, though it had
 *      something to do: on a machine of its own the response would have come in time.
 *   4. A second answer is explained only where whoever gave it could not know of the first: the store was away or too
 *      slow to be waited for any longer, or the other one was killed.
 */

/** How long Discord waits for the first response. */
const RESPONSE_WITHIN_MS = 3_000;

/** Kept waiting for so much of that time, a gateway would have been done within two thirds of it by itself. */
const KEPT_WAITING_MS = RESPONSE_WITHIN_MS / 3;

/** The end of a killed process is heard of this much later, at most: the machine may be busy. */
const CUT_WITHIN_MS = 2_000;

/** A gateway is back at a store that is back within this long; it tries at least every second. */
const RECONNECTED_WITHIN_MS = 2_000;

/** What a gateway could not store by then it answers without the store (gateways/discord). */
const WAITED_FOR_STORE_MS = 1_500;

/** The end of a gateway's connection, as the emulated Discord saw it; undefined: it lives. */
export interface Listener {
  readonly cutAt: number | undefined;
}

/** Who was told of an interaction, and when. Times are in ms since 1970. */
export interface Hearing {
  readonly at: number;
  readonly listeners: readonly Listener[];
}

/** The store was away; `to` is infinite while it is. */
export interface Outage {
  readonly from: number;
  readonly to: number;
}

export interface TypedCommand extends Hearing {
  /** Until there was a response, or it was too late for one. */
  readonly ms: number;
  /** How much of that every gateway there was waited for its turn, though it had something to do. */
  readonly turnlessMs: number;
  /** What whoever typed it read instead of a response. */
  readonly failure?: string;
}

export interface Commands {
  /** Until the first response, in ms. */
  readonly responses: readonly number[];
  /** Without a response, though a gateway that was told of them lived, or a gateway was ready and heard nothing. */
  readonly unanswered: readonly string[];
  /** Without a response because every gateway that was told of them was killed with them in its hands. */
  readonly excused: number;
  /** Without a response because the machine had no turn for the gateways. */
  readonly keptWaiting: number;
  /** No more can be excused: commands in flight at each kill, added up. */
  readonly mostExcused: number;
}

export function judgeCommands(typed: readonly TypedCommand[], kills: readonly number[]): Commands {
  const killed = killedAmong(typed, kills);
  const failed = typed.filter(({ failure }) => failure !== undefined);
  const excused = failed.filter(
    (command) => isInHands(command, killed) && kills.some((kill) => isInFlight(command, kill)),
  );
  const others = failed.filter((command) => !excused.includes(command));
  const unanswered = others.filter((command) => !isKeptWaiting(command));
  return {
    responses: typed.filter(({ failure }) => failure === undefined).map(({ ms }) => ms),
    unanswered: unanswered.map(
      (command) =>
        `after ${Math.round(command.ms)} ms: ${command.failure}; ${fateOf(command, killed)}, and the machine had no turn for ${Math.round(command.turnlessMs)} ms`,
    ),
    excused: excused.length,
    keptWaiting: others.length - unanswered.length,
    mostExcused: kills.reduce((sum, kill) => sum + typed.filter((one) => isInFlight(one, kill)).length, 0),
  };
}

/** One that nobody heard is not. */
function isKeptWaiting({ listeners, turnlessMs }: TypedCommand): boolean {
  return listeners.length > 0 && turnlessMs >= KEPT_WAITING_MS;
}

/** Whether it can be that a second gateway answered, too, at `againAt`. */
export function mayBeAnsweredTwice(
  hearing: Hearing,
  againAt: number,
  { kills, outages }: { readonly kills: readonly number[]; readonly outages: readonly Outage[] },
): boolean {
  const { at, listeners } = hearing;
  if (listeners.length < 2) return false;
  if (againAt >= at + WAITED_FOR_STORE_MS) return true;
  const until = at + RESPONSE_WITHIN_MS;
  const wasAway = outages.some(({ from, to }) => from <= until && to + RECONNECTED_WITHIN_MS >= at);
  return wasAway || [...killedAmong([hearing], kills)].some((listener) => isWithin(listener, hearing));
}

/** Of gateways that were killed, and of no other. */
function isInHands(command: TypedCommand, killed: ReadonlySet<Listener>): boolean {
  const { listeners } = command;
  return (
    listeners.length > 0 && listeners.every((listener) => killed.has(listener) && isWithin(listener, command))
  );
}

function isWithin({ cutAt = Number.POSITIVE_INFINITY }: Listener, { at }: Hearing): boolean {
  return cutAt <= at + RESPONSE_WITHIN_MS;
}

function isInFlight({ at, ms }: TypedCommand, kill: number): boolean {
  return at <= kill && kill <= at + ms;
}

/** Connections that a kill explains the end of, each kill one. */
function killedAmong(hearings: readonly Hearing[], kills: readonly number[]): ReadonlySet<Listener> {
  const cut = [...new Set(hearings.flatMap(({ listeners }) => listeners))]
    .flatMap((listener) => (listener.cutAt === undefined ? [] : [{ listener, cutAt: listener.cutAt }]))
    .sort((a, b) => a.cutAt - b.cutAt);
  const unused = [...kills].sort((a, b) => a - b);
  const killed = new Set<Listener>();
  for (const { listener, cutAt } of cut) {
    const index = unused.findIndex((kill) => kill <= cutAt && cutAt <= kill + CUT_WITHIN_MS);
    if (index < 0) continue;
    unused.splice(index, 1);
    killed.add(listener);
  }
  return killed;
}

function fateOf(command: TypedCommand, killed: ReadonlySet<Listener>): string {
  const { listeners } = command;
  if (listeners.length === 0) return 'a gateway was ready, and none was connected';
  const dead = listeners.filter((listener) => killed.has(listener) && isWithin(listener, command)).length;
  return `of ${listeners.length} that were told, ${dead} were killed in that time`;
}
