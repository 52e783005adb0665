/** `signalbox mcp …`: what the tools of MCP servers are, what has changed about them, and agreeing to it. */
import { visible } from '../approvals/sentences.ts';
import { isSwitchedOn, type McpServerSettings } from '../config/mcp.ts';
import { didYouMean } from '../config/schema-check.ts';
import { StartupError } from '../domain/errors.ts';
import { dropUnreadable } from '../domain/file-name.ts';
import {
  hashOfAll,
  type Pin,
  type PinBook,
  type PinState,
  stateOf,
  waitingFor,
  waitingIn,
} from '../mcp/pins.ts';
import { reviewText } from '../mcp/review.ts';
import { toolNameOf } from '../mcp/tool-definition.ts';
import { actorOf, auditName, demand } from './actor.ts';
import { shellCommand } from './shell-command.ts';
import { relative, table } from './table.ts';
import { type StoreSession, withKnownStores, withStores } from './with-stores.ts';

export interface McpOptions {
  readonly config: string;
  readonly json: boolean;
}

/** As much of a hash as is typed; what it stands for is one of a few. */
const SHOWN_HASH_CHARS = 12;

const NOTHING_SEEN =
  'Nothing was heard of it yet. The gateway asks its servers for their tools while it runs; `signalbox check` asks it now.';

export async function listMcp(options: McpOptions): Promise<number> {
  return withStores(options.config, async (session) => {
    const servers = Object.entries(session.config.settings.mcp.servers);
    const all = await Promise.all(
      servers.map(async ([server, settings]) => ({
        server,
        settings,
        book: await session.toolPins.book(server),
      })),
    );
    if (options.json) return print(JSON.stringify(all.flatMap(toJson), undefined, 2));
    if (all.length === 0) return print('No MCP server is configured: mcp.servers of settings.yaml is empty.');
    const rows = all.flatMap(({ server, settings, book }) => {
      const tools = Object.entries(book.tools).toSorted(([a], [b]) => (a < b ? -1 : 1));
      const down = book.down && settings.enabled ? [[server, '–', 'does not run', downText(book.down)]] : [];
      if (tools.length === 0 && down.length === 0) return [[server, '–', 'unknown', NOTHING_SEEN]];
      return [
        ...down,
        ...tools.map(([tool, pin]) => [server, tool, stateText(settings, tool, pin), detailOf(pin)]),
      ];
    });
    const waiting = all
      .filter(({ settings, book }) => waitingIn(book, (tool) => isSwitchedOn(settings, tool)).length > 0)
      .map(({ server }) => server);
    const next = waiting
      .map((server) => `\n\nTo look at what waits: ${reviewCommand(server, undefined)}`)
      .join('');
    return print(`${table(['server', 'tool', 'state', 'detail'], rows)}${next}`);
  });
}

export async function reviewMcp(
  server: string,
  tool: string | undefined,
  options: McpOptions,
): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    const book = await bookOf(session, server, tool);
    const waiting = waitingFor(book, { tool, isOn: onIn(session, server) });
    const hash = hashOfAll(waiting).slice(0, SHOWN_HASH_CHARS);
    if (options.json) {
      const tools = waiting.map((each) => ({ ...each, pin: book.tools[each.tool] }));
      return print(JSON.stringify({ server, hash: waiting.length > 0 ? hash : null, tools }, undefined, 2));
    }
    if (waiting.length === 0) {
      const isEmpty = Object.keys(book.tools).length === 0;
      const state = book.down
        ? ` It does not run: ${visible(downText(book.down))}`
        : isEmpty
          ? ` ${NOTHING_SEEN}`
          : '';
      return print(`Nothing of ${server} waits to be looked at.${state}`);
    }
    const isSeveral = waiting.length > 1;
    const parts = waiting.map(({ tool: name, state, hash: own }) => {
      const pin = book.tools[name];
      const by = pin?.agreed ? `, agreed to by ${pin.agreed.by}` : '';
      const shown = visible(name);
      const alone = isSeveral ? `\n\nTo agree to ${shown} alone: ${acceptCommand(server, name, own)}` : '';
      return `${shown} (${state}${by}), for the model ${toolNameOf(server, name)}\n\n${pin ? reviewText(pin) : ''}${alone}`;
    });
    return print(
      `${parts.join('\n\n')}\n\nThe model is shown this as it stands: it must neither ask for anything nor tell the agent what to do.\nTo agree to exactly this${isSeveral ? `, all ${waiting.length} of them` : ''}: ${acceptCommand(server, tool, hash)}`,
    );
  });
}

export async function acceptMcp(
  server: string,
  tool: string | undefined,
  options: McpOptions & { readonly hash?: string | undefined },
): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    const actor = actorOf(session.config, session.directory);
    demand(session.directory, actor, 'operate', 'agree to tools of MCP servers');
    await bookOf(session, server, tool);
    const wish = { tool, hash: options.hash, isOn: onIn(session, server), by: auditName(actor) };
    const agreement = await session.toolPins.agree(server, wish);
    switch (agreement.kind) {
      case 'agreed': {
        const tools = agreement.tools.map((each) => each.tool);
        const words = `The agent may be given ${tools.map(visible).join(', ')} of ${server}. What it may call is still up to the rules.`;
        return print(options.json ? JSON.stringify({ server, tools }, undefined, 2) : words);
      }
      case 'nothing-waits':
        throw new StartupError(
          `nothing of ${tool === undefined ? server : `${tool} of ${server}`} waits to be agreed to`,
          '`signalbox mcp list` shows what does',
        );
      case 'moved':
        throw new StartupError(
          'it is not what was looked at any more; nothing was agreed to',
          `look again: ${reviewCommand(server, tool)}; the hash of several tools is for them all, and for none of them alone`,
        );
      default:
        return agreement satisfies never;
    }
  });
}

/** @param tool undefined: all that wait, which `hash` stands for then */
function acceptCommand(server: string, tool: string | undefined, hash: string): string {
  const which = [server, ...(tool === undefined ? [] : [tool])];
  return shellCommand(['signalbox', 'mcp', 'accept', ...which, '--hash', hash.slice(0, SHOWN_HASH_CHARS)]);
}

function reviewCommand(server: string, tool: string | undefined): string {
  return shellCommand(['signalbox', 'mcp', 'review', server, ...(tool === undefined ? [] : [tool])]);
}

function onIn({ config }: StoreSession, server: string): (tool: string) => boolean {
  const settings = config.settings.mcp.servers[server];
  return (tool) => settings !== undefined && isSwitchedOn(settings, tool);
}

/** @throws {StartupError} when there is no such server, or no such tool of it */
async function bookOf(session: StoreSession, server: string, tool: string | undefined): Promise<PinBook> {
  const servers = Object.keys(session.config.settings.mcp.servers);
  if (!servers.includes(server)) throw unknown('MCP server', server, servers);
  const book = await session.toolPins.book(server);
  const tools = Object.keys(book.tools);
  if (tool !== undefined && !tools.includes(tool)) throw unknown(`tool of ${server}`, tool, tools);
  return book;
}

function unknown(what: string, name: string, known: readonly string[]): StartupError {
  const meant = didYouMean(name, [...known]);
  const remedy =
    meant === undefined
      ? `there is: ${known.map(visible).join(', ') || 'none'}`
      : `did you mean ${visible(meant)}?`;
  return new StartupError(`there is no ${what} called "${name}"`, remedy);
}

function stateText(settings: McpServerSettings, tool: string, pin: Pin): string {
  return isSwitchedOn(settings, tool) ? STATES[stateOf(pin)] : 'off';
}

const STATES: Readonly<Record<PinState, string>> = {
  agreed: 'offered',
  new: 'held back: new',
  changed: 'held back: changed',
  gone: 'gone',
  unfit: 'unfit',
};

/** As the gateway found it when it last tried; it tries again while it runs. */
function downText({ why, sinceMs }: NonNullable<PinBook['down']>): string {
  return `${why} (first seen ${relative(sinceMs, Date.now())}). The gateway tries it again by itself, at least once a minute; \`signalbox check\` tries it now.`;
}

function detailOf({ seen, agreed }: Pin): string {
  if (seen?.kind === 'unfit') return seen.why;
  return agreed ? `agreed to by ${agreed.by} ${relative(agreed.atMs, Date.now())}` : '';
}

function toJson({ server, settings, book }: { server: string; settings: McpServerSettings; book: PinBook }) {
  return Object.entries(book.tools).map(([tool, pin]) => ({
    server,
    tool,
    name: toolNameOf(server, tool),
    state: stateOf(pin),
    enabled: isSwitchedOn(settings, tool),
    ...(pin.seen?.kind === 'fit' ? { hash: pin.seen.hash } : {}),
    ...(pin.seen?.kind === 'unfit' ? { why: pin.seen.why } : {}),
    ...(pin.agreed ? { agreed: { hash: pin.agreed.hash, by: pin.agreed.by, atMs: pin.agreed.atMs } } : {}),
  }));
}

/** What servers wrote does not steer the terminal. */
function print(text: string): number {
  process.stdout.write(`${dropUnreadable(text)}\n`);
  return 0;
}
