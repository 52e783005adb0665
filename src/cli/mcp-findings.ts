/** What `signalbox check` says of MCP servers: each is asked for its tools, which are held against what was agreed to. */
import { searchPath } from '../config/environment.ts';
import { isSwitchedOn, type McpServerSettings, type McpSettings } from '../config/mcp.ts';
import { systemClock } from '../domain/clock.ts';
import type { CheckFinding } from '../domain/gateway.ts';
import { type PinBook, sawTools, stateOf, waitingIn } from '../mcp/pins.ts';
import { type Probed, probeServer } from '../mcp/probe.ts';
import { createTransport } from '../mcp/transports.ts';
import type { Logger } from '../observability/logger.ts';

/** Tools that are named; of more, the number tells enough. */
const MOST_NAMED = 5;

/** What somebody has agreed to, by server; undefined: that could not be read. */
export type Books = ReadonlyMap<string, PinBook> | undefined;

/** One server that is being asked; never rejects. */
export interface Probe {
  readonly server: string;
  readonly settings: McpServerSettings;
  /** Undefined: it is switched off. */
  readonly probed: Promise<Probed | undefined>;
}

/**
 * Begins to ask them all. A program is started for this alone, beside the one of a gateway that runs.
 *
 * @param patience ends what takes longer
 */
export function probeServers({ servers }: McpSettings, log: Logger, patience: AbortSignal): Probe[] {
  const options = { folders: searchPath(), log };
  return Object.entries(servers).map(([server, settings]) => {
    const transport = () => createTransport(server, settings, options);
    const probed = settings.enabled ? probeServer(transport, patience) : Promise.resolve(undefined);
    return { server, settings, probed };
  });
}

export async function foundBy(probes: readonly Probe[], books: Books): Promise<CheckFinding[]> {
  const found = await Promise.all(
    probes.map(async ({ server, settings, probed }) => {
      const looked = { server, settings, probed: await probed, book: books?.get(server) };
      return mcpFindings({ ...looked, nowMs: systemClock.now() });
    }),
  );
  return found.flat();
}

export interface LookedAt {
  readonly server: string;
  readonly settings: McpServerSettings;
  /** Undefined: it is switched off. */
  readonly probed: Probed | undefined;
  /** Undefined: it is not known what somebody has agreed to. */
  readonly book: PinBook | undefined;
  readonly nowMs: number;
}

/** A second one where something waits to be agreed to. Pure. */
export function mcpFindings({ server, settings, probed, book, nowMs }: LookedAt): CheckFinding[] {
  const subject = server;
  if (!probed)
    return [{ subject, status: 'works', detail: 'switched off: it is neither started nor called' }];
  if (probed.kind === 'silent') {
    return [{ subject, status: 'failed', detail: probed.why, remedy: remedyFor(server, settings) }];
  }
  const answers = `answers, with ${count(probed.read.length, 'tool')}`;
  if (!book) {
    const unknown = 'what somebody has agreed to of them could not be read';
    return [{ subject, status: 'works', detail: `${answers}; ${unknown}` }];
  }
  const { next: now = book } = sawTools(book, probed.read, nowMs);
  const states = Object.values(now.tools).map(stateOf);
  const agreed = states.filter((state) => state === 'agreed').length;
  const unfit = states.filter((state) => state === 'unfit').length;
  const detail = [
    answers,
    `${agreed} agreed to`,
    ...(unfit > 0 ? [`${unfit} that cannot be used (signalbox mcp list)`] : []),
  ].join(', ');
  return [{ subject, status: 'works', detail }, ...waitingFinding(server, settings, now)];
}

function waitingFinding(server: string, settings: McpServerSettings, book: PinBook): CheckFinding[] {
  const waiting = waitingIn(book, (tool) => isSwitchedOn(settings, tool));
  if (waiting.length === 0) return [];
  const named = waiting.slice(0, MOST_NAMED).map(({ tool, state }) => `${tool} (${state})`);
  const rest = waiting.length - named.length;
  const list = [...named, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
  const verb = waiting.length === 1 ? 'is' : 'are';
  return [
    {
      subject: `tools of ${server}`,
      status: 'missing',
      detail: `${count(waiting.length, 'tool')} ${verb} held back until somebody agrees: ${list}`,
      remedy: `Look at them while a gateway runs: signalbox mcp review ${server}`,
    },
  ];
}

function remedyFor(server: string, { url }: McpServerSettings): string {
  const key = `mcp.servers.${server}`;
  if (url !== undefined) return `Check ${key}.url and ${key}.headers, and that this machine can reach it.`;
  return `Check ${key}.command, args and env: it gets no other environment. Set log.level to debug to see what it says.`;
}

function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`;
}
