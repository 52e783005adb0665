/**
 * `signalbox start`: the main job.
 *
 *   configuration ─▶ store ─▶ what is missing is played by the sandbox ─▶ gateway ─▶ ready ─▶ a signal ─▶ drain
 *         ▲                                                                            └▶ outdated ─▶ drain ─┐
 *         └──────────────────────────────────────────────────────────────────────────────────────────────────┘
 *
 * A change of what is read at start, or the end of the sandbox, starts everything over in this process. If nothing can
 * be started with the change, what was in force before is in force again and the change is reported.
 *
 * The first SIGTERM or SIGINT drains: nothing new is taken in, what is under way is finished. A second one, or
 * 30 s, ends the process at once; nothing is lost by that, it is only done again at the next start.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { contentOf } from '../config/config-source.ts';
import { StartupError } from '../domain/errors.ts';
import { banner } from './banner.ts';
import type { Stoppable } from './command.ts';
import { standardOutput } from './console-logger.ts';
import { type Launched, type LaunchOptions, launch } from './launch.ts';
import { type ConfigOrigin, filesIn, keptFrom, type Prepared, prepare } from './prepare.ts';

/** Longest time to finish what is under way, in ms. */
const DRAIN_MS = 30_000;
/** Longest time for the server of our own to write everything down and end, once there is no more patience, in ms. */
const SERVER_STOPS_MS = 3_000;

/** Resolves with the exit code once everything has stopped. */
export async function start(options: Omit<LaunchOptions, 'gateways'>): Promise<number> {
  const { asked, insisted, hasAsked } = hearSignals();
  let working: ConfigOrigin | undefined;
  for (;;) {
    const begun = await Promise.race([begin(options, working), insisted]);
    if (!begun) process.exit(1); // there is nothing under way yet
    const { prepared, launched } = begun;
    process.stdout.write(greeting(begun));
    const why = await Promise.race([asked, launched.outdated]);
    working = launched.working();
    prepared.log.info(
      {},
      why === undefined
        ? 'stopping: finishing what is under way; a second signal ends at once'
        : `starting over: ${why}; finishing what is under way`,
    );
    const code = await drain({ launched, insisted, prepared });
    if (why === undefined || hasAsked()) return code;
  }
}

interface Begun {
  readonly prepared: Prepared;
  readonly launched: Launched;
}

/**
 * With the files as they are; if nothing can be started with them, as they were when everything last worked.
 *
 * @param working undefined at the first start, which has nothing to go back to
 */
async function begin(options: LaunchOptions, working: ConfigOrigin | undefined): Promise<Begun> {
  const origin = keptFrom(filesIn(options.config));
  try {
    return await beginWith({ ...options, origin });
  } catch (error) {
    if (!working) throw error;
    const content = contentOf(origin.texts(), origin.env());
    const why = `nothing can be started with it: ${explanationOf(error)}`;
    return beginWith({ ...options, origin: working, refused: { content, why } });
  }
}

async function beginWith(options: LaunchOptions & { readonly origin: ConfigOrigin }): Promise<Begun> {
  const prepared = await prepare(options.origin, { target: standardOutput(), quiet: false });
  return { prepared, launched: await launch(prepared, options) };
}

function greeting({ prepared, launched: { app, config, played, sandboxUrl } }: Begun): string {
  const gateways = [...app.gateways.keys()];
  return banner({ config, gateways, played, sandboxUrl, embedded: prepared.server.kind !== 'given' });
}

function explanationOf(error: unknown): string {
  if (error instanceof StartupError) return `${error.message}; ${error.remedy}`;
  return error instanceof Error ? error.message : String(error);
}

interface Signals {
  readonly asked: Promise<undefined>;
  readonly insisted: Promise<undefined>;
  hasAsked(): boolean;
}

/**
 * The first SIGTERM or SIGINT, and the second, heard from now on until the process ends: between two listeners there
 * would be a moment in which a signal ends it.
 */
function hearSignals(): Signals {
  const waiting: (() => void)[] = [];
  const next = () => new Promise<undefined>((resolve) => waiting.push(() => resolve(undefined)));
  const heard = { asked: next(), insisted: next(), hasAsked: () => waiting.length < 2 };
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => waiting.shift()?.());
  return heard;
}

interface Drained {
  readonly launched: Stoppable;
  readonly insisted: Promise<unknown>;
  readonly prepared: Pick<Prepared, 'log' | 'server'>;
}

/** Whatever is left undone, a server of our own does not stay behind, as after a kill. */
async function drain({ launched, insisted, prepared: { log, server } }: Drained): Promise<number> {
  const patience = new AbortController();
  const ended = await Promise.race([
    launched.stop().then(() => 'drained' as const),
    insisted.then(() => 'told again' as const),
    pause(DRAIN_MS, 'out of time' as const, { signal: patience.signal }),
  ]);
  patience.abort();
  if (ended === 'drained') return 0;
  log.warn({ why: ended }, 'ending before everything was finished; it is done again at the next start');
  await Promise.race([server.stop(), pause(SERVER_STOPS_MS)]).catch((error: unknown) =>
    log.warn({ err: error }, 'the Redis of this gateway may still run; the next start takes it up'),
  );
  process.exit(1);
}
