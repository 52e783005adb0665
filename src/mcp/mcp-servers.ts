/**
 * The tools of all configured MCP servers, as far as somebody has agreed to them.
 *
 *   server ─▶ what tools it has (`ServerLink`) ─▶ agreed to? (`PinStore`) ─▶ tools of ours (`mcp-tool.ts`)
 *
 * Owns      which servers there are, and what of theirs is offered now.
 * Not here  keeping a server up, and the state machine of agreeing (`pins.ts`).
 *
 * Invariants
 *   1. A tool is offered, and called, only while what its server last said of it is what somebody agreed to; what this
 *      process has heard counts at once, also when it cannot be stored.
 *   2. The list is the same array as long as nothing changes. A server that does not run changes nothing about it.
 *   3. Nothing about a server keeps the gateway from starting, or a turn from going on.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isSwitchedOn, type McpServerSettings, type McpSettings } from '../config/mcp.ts';
import type { Tool, ToolContext, ToolSource } from '../domain/tool.ts';
import type { Logger } from '../observability/logger.ts';
import { createMcpTool } from './mcp-tool.ts';
import type { PinStore } from './pin-store.ts';
import { EMPTY_BOOK, type PinBook, type PinState, stateOf, type Waiting, waitingIn } from './pins.ts';
import { type CallOutcome, LINK_TIMINGS, type LinkTimings, ServerLink } from './server-link.ts';
import { hashOf, type ReadDefinition, type ToolDefinition, toolNameOf } from './tool-definition.ts';
import { createTransport } from './transports.ts';

/** Time between two looks for what somebody has agreed to, in ms. */
const LOOK_MS = 2_000;

export interface McpServersOptions {
  readonly settings: McpSettings;
  readonly pins: PinStore;
  /** In which programs are looked for. */
  readonly folders: readonly string[];
  readonly log: Logger;
  readonly timings?: LinkTimings;
  readonly lookMs?: number;
}

interface Server {
  readonly name: string;
  readonly settings: McpServerSettings;
  readonly link: ServerLink;
  book: PinBook;
  /** What it said to this process last. */
  heard: readonly ReadDefinition[] | undefined;
  /** That could not be stored yet. */
  isUnsaid: boolean;
  /** What waits for somebody, and was told by this process: names of tools, each with its hash. */
  told: ReadonlySet<string>;
}

export class McpServers implements ToolSource {
  readonly name = 'mcp-servers';
  readonly #servers: readonly Server[];
  readonly #made = new Map<string, Tool | undefined>();
  #tools: readonly Tool[] = [];
  #stopping = new AbortController();
  #looking: Promise<void> | undefined;
  #onChange: () => void = () => undefined;

  constructor(private readonly options: McpServersOptions) {
    this.#servers = Object.entries(options.settings.servers)
      .filter(([, { enabled }]) => enabled)
      .map(([name, settings]) => this.#createServer(name, settings));
  }

  /** Told whenever other tools are offered than before. */
  onChange(listener: () => void): void {
    this.#onChange = listener;
  }

  tools(): readonly Tool[] {
    return this.#tools;
  }

  whyGone(name: string): string | undefined {
    const server = this.#servers.find((each) => name.startsWith(toolNameOf(each.name, '')));
    if (!server) return undefined;
    const tool = Object.keys(server.book.tools).find((each) => toolNameOf(server.name, each) === name);
    return tool === undefined ? whyUnheard(server) : whyHeld(server, tool);
  }

  /** Resolves once the tools are known that were agreed to before; the servers are not waited for. */
  async start(): Promise<void> {
    if (this.#looking) return;
    this.#stopping = new AbortController();
    await this.look();
    for (const { link } of this.#servers) link.start();
    this.#looking = this.#servers.length === 0 ? Promise.resolve() : this.#keepLooking(this.#stopping.signal);
  }

  /** Resolves once no program of ours runs any more. Safe to call twice. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await Promise.all([this.#looking, ...this.#servers.map(({ link }) => link.stop())]);
    this.#looking = undefined;
  }

  /** Reads what somebody has agreed to, and stores what could not be stored before. Never rejects. */
  async look(): Promise<void> {
    for (const server of this.#servers) {
      try {
        if (server.isUnsaid && server.heard) await this.#say(server, server.heard);
        server.book = (await this.options.pins.newerThan(server.name, server.book)) ?? server.book;
        this.#tellWaiting(server);
      } catch (error) {
        const facts = { err: error, server: server.name };
        this.options.log.warn(facts, 'what was agreed to of the tools of an MCP server could not be read');
      }
    }
    this.#refresh();
  }

  async #keepLooking(signal: AbortSignal): Promise<void> {
    const { lookMs = LOOK_MS } = this.options;
    while (!signal.aborted) {
      await sleep(lookMs, undefined, { signal, ref: false }).catch(() => undefined); // we are stopping
      if (!signal.aborted) await this.look();
    }
  }

  async #hear(server: Server, heard: readonly ReadDefinition[]): Promise<void> {
    server.heard = heard;
    server.isUnsaid = true;
    this.#refresh(); // before it is stored: what changed is not offered from here on
    await this.look();
  }

  /** What is kept of it is what `signalbox mcp list` says, in another process. */
  async #down(server: Server, why: string): Promise<void> {
    try {
      await this.options.pins.down(server.name, why);
    } catch (error) {
      const facts = { err: error, server: server.name };
      this.options.log.warn(facts, 'why an MCP server does not run could not be stored');
    }
  }

  async #say(server: Server, heard: readonly ReadDefinition[]): Promise<void> {
    await this.options.pins.saw(server.name, heard, (tool) => isSwitchedOn(server.settings, tool));
    if (server.heard === heard) server.isUnsaid = false;
  }

  /** Once for each, also of what was seen before: while it was switched off, nobody was told. */
  #tellWaiting(server: Server): void {
    // What is stored may be about a tool that is no more.
    if (!server.heard || server.isUnsaid) return;
    const { name, settings, book, told } = server;
    const waiting = waitingIn(book, (tool) => isSwitchedOn(settings, tool));
    const untold = waiting.filter((each) => !told.has(keyOf(each)));
    server.told = new Set(waiting.map(keyOf));
    if (untold.length === 0) return;
    const tools = untold.map(({ tool, state }) => `${tool} (${state})`);
    const remedy = `signalbox mcp review ${name}`;
    this.options.log.warn(
      { server: name, tools, remedy },
      'tools of an MCP server are held back until somebody agrees to them',
    );
  }

  #refresh(): void {
    const tools = this.#servers.flatMap((server) =>
      offeredOf(server).flatMap((definition) => this.#toolOf(server, definition) ?? []),
    );
    const isSame = tools.length === this.#tools.length && tools.every((tool, n) => tool === this.#tools[n]);
    if (isSame) return;
    this.#tools = tools;
    this.#onChange();
  }

  /** Made once for each definition; undefined for one that no tool can be made of. */
  #toolOf(server: Server, definition: ToolDefinition): Tool | undefined {
    const key = `${server.name} ${hashOf(definition)}`;
    if (!this.#made.has(key)) this.#made.set(key, this.#createTool(server, definition));
    return this.#made.get(key);
  }

  #createTool(server: Server, definition: ToolDefinition): Tool | undefined {
    const { name, settings } = server;
    try {
      return createMcpTool({
        server: name,
        settings,
        definition,
        call: (args, context) => callAgreed(server, definition, args, context),
      });
    } catch (error) {
      const facts = { err: error, server: name, tool: definition.name };
      this.options.log.warn(
        facts,
        'a tool of an MCP server is not offered: the schema of its arguments is none',
      );
      return undefined;
    }
  }

  #createServer(name: string, settings: McpServerSettings): Server {
    const { log, folders, timings = LINK_TIMINGS } = this.options;
    const server: Server = {
      name,
      settings,
      book: EMPTY_BOOK,
      heard: undefined,
      isUnsaid: false,
      told: new Set(),
      link: new ServerLink({
        server: name,
        transport: () => createTransport(name, settings, { folders, log }),
        timings,
        log,
        onTools: (read) => this.#hear(server, read),
        onDown: (why) => this.#down(server, why),
      }),
    };
    return server;
  }
}

/** What is offered of a server, in the order of the names. */
function offeredOf(server: Server): ToolDefinition[] {
  return Object.entries(server.book.tools)
    .filter(([tool, pin]) => stateOf(pin) === 'agreed' && isSwitchedOn(server.settings, tool))
    .flatMap(([, { agreed }]) => (agreed && isStill(server, agreed.definition) ? [agreed.definition] : []))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1));
}

function keyOf({ tool, hash }: Waiting): string {
  return `${tool} ${hash}`;
}

/** Of a tool of which nothing is kept. */
function whyUnheard({ name, link, book }: Server): string | undefined {
  if (link.isUp) return undefined;
  const reason = book.down ? `: ${book.down.why}` : '';
  return `the MCP server ${name} does not run${reason}. It is tried again by itself`;
}

function whyHeld(server: Server, tool: string): string | undefined {
  const pin = server.book.tools[tool];
  if (!pin) return undefined;
  if (!isSwitchedOn(server.settings, tool))
    return `${tool} of the MCP server ${server.name} is switched off in settings.yaml`;
  const isOther = pin.agreed && !isStill(server, pin.agreed.definition);
  const state = stateOf(pin);
  return WHY_HELD[state === 'agreed' && isOther ? 'changed' : state]?.(server.name);
}

const TO_REVIEW = (server: string) => `signalbox mcp review ${server}`;

const WHY_HELD: Readonly<Record<PinState, ((server: string) => string) | undefined>> = {
  agreed: undefined,
  changed: (server) =>
    `it has changed and waits for review: \`${TO_REVIEW(server)}\`. After that it has to be asked for again`,
  new: (server) => `nobody has agreed to it yet: \`${TO_REVIEW(server)}\``,
  gone: (server) => `the MCP server ${server} has no such tool any more`,
  unfit: (server) =>
    `what the MCP server ${server} says of it now cannot be used: \`signalbox mcp list\` tells why`,
};

/** Whether what this process has heard last is not something else; before it has heard anything, what is stored counts. */
function isStill({ heard }: Server, definition: ToolDefinition): boolean {
  if (!heard) return true;
  const hash = hashOf(definition);
  return heard.some((read) => read.kind === 'definition' && hashOf(read.definition) === hash);
}

async function callAgreed(
  server: Server,
  definition: ToolDefinition,
  args: Record<string, unknown>,
  { idempotencyKey, signal }: ToolContext,
): Promise<CallOutcome> {
  if (!isStill(server, definition)) {
    const why = `${definition.name} of the MCP server ${server.name} has changed, and waits for somebody to agree to it. The call was not made.`;
    return { kind: 'not-done', why };
  }
  const params = { name: definition.name, arguments: args, key: idempotencyKey };
  return server.link.call(params, server.settings.timeout, signal);
}
