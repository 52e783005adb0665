/**
 * `signalbox start`: the main job.
 *
 *   configuration ─▶ store ─▶ what is missing is played by the sandbox ─▶ gateway ─▶ ready ─▶ a signal ─▶ drain
 *
 * The first SIGTERM or SIGINT drains: nothing new is taken in, what is under way is finished. A second one, or
 * 30 s, ends the process at once; nothing is lost by that, it is only done again at the next start.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '../observability/logger.ts';
import { banner } from './banner.ts';
import type { Stoppable } from './command.ts';
import { standardOutput } from './console-logger.ts';
import { type Launched, type LaunchOptions, launch } from './launch.ts';
import { type Prepared, prepare } from './prepare.ts';

/** Longest time to finish what is under way, in ms. */
const DRAIN_MS = 30_000;

/** Resolves with the exit code once everything has stopped. */
export async function start(options: Omit<LaunchOptions, 'gateways'>): Promise<number> {
  const { asked, insisted } = hearSignals();
  const begun = await Promise.race([begin(options), insisted]);
  if (!begun) process.exit(1); // there is nothing under way yet
  const { prepared, launched } = begun;
  const { app, config, played, sandboxUrl } = launched;
  const gateways = [...app.gateways.keys()];
  process.stdout.write(
    banner({ config, gateways, played, sandboxUrl, embedded: prepared.server.kind !== 'given' }),
  );
  await asked;
  prepared.log.info({}, 'stopping: finishing what is under way; a second signal ends at once');
  return drain(launched, insisted, prepared.log);
}

async function begin(options: LaunchOptions): Promise<{ prepared: Prepared; launched: Launched }> {
  const prepared = await prepare(options.config, { target: standardOutput(), quiet: false });
  return { prepared, launched: await launch(prepared, options) };
}

/**
 * The first SIGTERM or SIGINT, and the second, heard from now on until the process ends: between two listeners there
 * would be a moment in which a signal ends it.
 */
function hearSignals(): { readonly asked: Promise<void>; readonly insisted: Promise<void> } {
  const waiting: (() => void)[] = [];
  const next = () => new Promise<void>((resolve) => waiting.push(resolve));
  const heard = { asked: next(), insisted: next() };
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => waiting.shift()?.());
  return heard;
}

async function drain(launched: Stoppable, insisted: Promise<void>, log: Logger): Promise<number> {
  const patience = new AbortController();
  const ended = await Promise.race([
    launched.stop().then(() => 'drained' as const),
    insisted.then(() => 'told again' as const),
    pause(DRAIN_MS, 'out of time' as const, { signal: patience.signal }),
  ]);
  patience.abort();
  if (ended === 'drained') return 0;
  log.warn({ why: ended }, 'ending before everything was finished; it is done again at the next start');
  process.exit(1);
}
