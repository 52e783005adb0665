/**
 * The sandbox's MCP server: notes to search and to write, and tools that do what servers do when they misbehave.
 *
 * One set of notes, however many sessions there are; `become` and `crash` let a test change it from outside.
 */
import { spawn } from 'node:child_process';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import {
  CallToolRequestSchema,
  type CallToolResult,
  ListToolsRequestSchema,
  McpError,
  type Tool,
} from '@modelcontextprotocol/sdk/types.js';
import { z } from 'zod';

export interface NoteCall {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  /** As the caller named it. */
  readonly key: string | undefined;
}

const text = (words: string): CallToolResult => ({ content: [{ type: 'text', text: words }] });
const nothing = { type: 'object' as const, properties: {} };

const TOOLS: readonly Tool[] = [
  {
    name: 'search',
    description: 'Finds notes that hold a word.',
    inputSchema: {
      type: 'object',
      properties: {
        query: { type: 'string', minLength: 2 },
        limit: { type: 'integer', minimum: 1, maximum: 50 },
      },
      required: ['query'],
      additionalProperties: false,
    },
    annotations: { readOnlyHint: true },
  },
  {
    name: 'notes/create',
    description: 'Writes a note.',
    inputSchema: { type: 'object', properties: { text: { type: 'string' } }, required: ['text'] },
  },
  { name: 'surroundings', description: 'Tells what the program was given.', inputSchema: nothing },
  { name: 'show', description: 'Shows one of each kind of content.', inputSchema: nothing },
  { name: 'fail', description: 'Says that it failed.', inputSchema: nothing },
  { name: 'refuse', description: 'Refuses the call as the protocol does.', inputSchema: nothing },
  { name: 'hang', description: 'Never answers.', inputSchema: nothing },
  { name: 'crash', description: 'Ends the program without an answer.', inputSchema: nothing },
  { name: 'leave_child', description: 'Starts another program and tells its number.', inputSchema: nothing },
  {
    name: 'long',
    description: 'Tells as many letters as one likes.',
    inputSchema: { type: 'object', properties: { chars: { type: 'integer' } }, required: ['chars'] },
  },
  {
    name: 'become',
    description: 'Gives a tool another description.',
    inputSchema: {
      type: 'object',
      properties: { tool: { type: 'string' }, description: { type: 'string' } },
      required: ['tool', 'description'],
    },
  },
];

const Become = z.object({ tool: z.string(), description: z.string() });
const Long = z.object({ chars: z.int().min(0) });

export class NoteServer {
  readonly notes: string[] = ['The coffee machine is on the second floor.'];
  /** What `refuse` says. */
  refusal = 'these arguments are refused';
  /** Every call that was begun, oldest first. */
  readonly calls: NoteCall[] = [];
  readonly #sessions = new Set<Server>();
  readonly #listeners = new Set<() => void>();
  #tools: Tool[] = [...TOOLS];

  /** @param crash what ends the program */
  constructor(private readonly crash: () => void) {}

  /** Calls `listener` after every call that was begun. */
  onCall(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** One for each connection; to be connected to its transport. */
  createSession(): Server {
    const server = new Server(
      { name: 'notes', version: '1.0.0' },
      { capabilities: { tools: { listChanged: true } } },
    );
    // Two pages, so that whoever reads the first alone has not read all.
    server.setRequestHandler(ListToolsRequestSchema, ({ params }) =>
      params?.cursor === 'rest'
        ? { tools: this.#tools.slice(1) }
        : { tools: this.#tools.slice(0, 1), nextCursor: 'rest' },
    );
    server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
      const { name, arguments: args = {}, _meta } = params;
      const key = _meta?.idempotencyKey;
      this.calls.push({ tool: name, args, key: typeof key === 'string' ? key : undefined });
      for (const listener of this.#listeners) listener();
      return this.#run(name, args);
    });
    server.onclose = () => this.#sessions.delete(server);
    this.#sessions.add(server);
    return server;
  }

  /** Gives a tool another description, and says so to everybody who is connected. */
  async become(name: string, description: string): Promise<void> {
    await this.change((tools) => tools.map((tool) => (tool.name === name ? { ...tool, description } : tool)));
  }

  async change(edit: (tools: readonly Tool[]) => Tool[]): Promise<void> {
    this.#tools = edit(this.#tools);
    await Promise.all([...this.#sessions].map((session) => session.sendToolListChanged()));
  }

  async #run(name: string, args: Record<string, unknown>): Promise<CallToolResult> {
    switch (name) {
      case 'search': {
        const query = String(args.query).toLowerCase();
        return text(this.notes.filter((note) => note.toLowerCase().includes(query)).join('\n') || 'No note.');
      }
      case 'notes/create':
        this.notes.push(String(args.text));
        return text(`Note ${this.notes.length} was written.`);
      case 'surroundings':
        // biome-ignore lint/style/noProcessEnv: what it was given is what it tells
        return text(JSON.stringify({ env: process.env, args: process.argv.slice(2) }));
      case 'show':
        return SHOWN;
      case 'fail':
        return { ...text('It did not work.'), isError: true };
      case 'refuse':
        throw new McpError(-32_602, this.refusal);
      case 'hang':
        return new Promise(() => {});
      case 'crash':
        this.crash();
        return new Promise(() => {});
      case 'leave_child':
        return text(String(spawn('/bin/sleep', ['1000'], { stdio: 'inherit' }).pid));
      case 'long':
        return text('a'.repeat(Long.parse(args).chars));
      case 'become': {
        const { tool, description } = Become.parse(args);
        await this.become(tool, description);
        return text('Changed.');
      }
      default:
        throw new McpError(-32_602, `there is no tool ${name}`);
    }
  }
}

const SHOWN: CallToolResult = {
  content: [
    { type: 'text', text: 'A picture:' },
    { type: 'image', data: 'R0lGODlhAQABAAAAACw=', mimeType: 'image/gif' },
    { type: 'resource', resource: { uri: 'note://1', mimeType: 'text/plain', text: 'The note itself.' } },
    { type: 'resource', resource: { uri: 'note://2', mimeType: 'application/pdf', blob: 'JVBERi0=' } },
    { type: 'resource_link', name: 'all notes', uri: 'note://all' },
  ],
  structuredContent: { pictures: 1 },
};
