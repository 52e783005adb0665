/**
 * The sandbox's MCP server over streamable HTTP, under `/mcp`.
 *
 * Invariant: whoever does not bring the token gets nothing, as with a real server.
 */
import { randomUUID } from 'node:crypto';
import {
  createServer,
  type Server as HttpServer,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { NoteServer } from './note-server.ts';

export class McpSandbox {
  readonly token = 'sandbox-notes-token';
  readonly notes = new NoteServer(() => this.#http?.closeAllConnections());
  readonly #sessions = new Map<string, StreamableHTTPServerTransport>();
  #http: HttpServer | undefined;
  #url = '';

  get url(): string {
    return this.#url;
  }

  /** @param port of the server; any, if left out */
  async start(port = 0): Promise<void> {
    const http = createServer((request, response) => void this.#serve(request, response));
    this.#http = http;
    await new Promise<void>((resolve) => http.listen(port, '127.0.0.1', resolve));
    const address = http.address();
    if (typeof address !== 'object' || address === null) throw new Error('the server has no port');
    this.#url = `http://127.0.0.1:${address.port}/mcp`;
  }

  /** Safe to call twice. */
  async stop(): Promise<void> {
    const http = this.#http;
    this.#http = undefined;
    for (const session of this.#sessions.values()) await session.close();
    this.#sessions.clear();
    http?.closeAllConnections();
    await new Promise<void>((resolve) => (http ? http.close(() => resolve()) : resolve()));
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.headers.authorization !== `Bearer ${this.token}`) {
      response.writeHead(401).end();
      return;
    }
    const id = request.headers['mcp-session-id'];
    const known = typeof id === 'string' ? this.#sessions.get(id) : undefined;
    if (typeof id === 'string' && !known) {
      response.writeHead(404).end();
      return;
    }
    const session = known ?? (await this.#open());
    await session.handleRequest(request, response);
  }

  async #open(): Promise<StreamableHTTPServerTransport> {
    const session: StreamableHTTPServerTransport = new StreamableHTTPServerTransport({
      sessionIdGenerator: () => randomUUID(),
      onsessioninitialized: (id) => {
        this.#sessions.set(id, session);
      },
    });
    session.onclose = () => void this.#sessions.delete(session.sessionId ?? '');
    await this.notes.createSession().connect(session);
    return session;
  }
}
