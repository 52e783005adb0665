/**
 * The sandbox's Claude: the Messages API on the wire, with a list of rules where the model would be.
 *
 * Owns      the HTTP side: refusals, streams, usage, failures on demand, and a record of what was asked.
 * Not here  what is answered (`rules.ts`), what is refused (`messages-request.ts`).
 *
 * Invariants
 *   1. A request that the real service would refuse is refused here, with its status and its words.
 *   2. An answer by rule calls only tools that the request offered, and ends with a note that no model wrote it.
 */
import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { Clock } from '../../domain/clock.ts';
import { type AnswerBlock, type AnswerPlan, type EarlyEnd, toEvents, toMessage } from './message-stream.ts';
import {
  blocksOf,
  CountRequest,
  checkRequest,
  isThinking,
  MessagesRequest,
  type Refusal,
  refuseHeaders,
  resultText,
  toErrorBody,
} from './messages-request.ts';
import { countInput, PromptCache } from './prompt-cache.ts';
import {
  answerByRule,
  fileIn,
  isEvent,
  type Moment,
  type RuleAnswer,
  STAND_IN_NOTE,
  type WantedCall,
} from './rules.ts';

/** Largest request body the service reads. Anthropic docs, "API overview", request size limits. */
const MAX_BODY_BYTES = 32 * 1024 * 1024;

/** Between two pieces of a slow answer. */
const DEFAULT_PAUSE_MS = 250;

/** What one event carries of a text: about as much as the service sends, cut behind a space where there is one. */
const TEXT_PIECE = /.{1,24}(?:\s+|$)|.{1,24}/gsu;

/** How many requests are kept to be looked at. */
const KEPT_REQUESTS = 1_000;

/** A rule looks no further into what somebody said: the rules are regular expressions, and people paste novels. */
const READ_CHARS = 2_000;

/** Said before every answer that is to be thought about. */
const THOUGHT = 'No model thinks here: the answer comes from a list of rules.';

const MODELS = ['claude-sonnet-5-5', 'claude-haiku-5-5', 'claude-opus-5-5'];

/**
 * What the next request meets instead of an answer.
 *   `rate-limited`  429 with retry-after        `cut-stream`    the connection breaks half way
 *   `overloaded`    529                          `stall-stream`  nothing more comes half way
 *   `broken`        500                          `fail-stream`   an error event comes half way
 *   `hang`          no answer at all
 * A request without a stream meets the last four as no answer or a broken connection.
 */
export type ClaudeFault =
  | { readonly kind: 'rate-limited'; readonly retryAfterSeconds: number }
  | { readonly kind: 'overloaded' | 'broken' | 'hang' | 'cut-stream' | 'stall-stream' | 'fail-stream' };

/** What a test makes the model say, instead of the rules. Calls are made whether the tool was offered or not. */
export interface ScriptedAnswer {
  /** Pieces come when the iterable gives them, so that a test decides when the answer goes on. */
  readonly text?: string | AsyncIterable<string>;
  readonly calls?: readonly (WantedCall & { readonly id?: string })[];
  /** Why it ends, where that is not its own end. */
  readonly ends?: EarlyEnd;
  /** What it thinks before that, where it is to think. */
  readonly thought?: string;
}

/** Undefined leaves the answer to the rules. */
export type Script = (
  request: MessagesRequest,
) => ScriptedAnswer | undefined | Promise<ScriptedAnswer | undefined>;

export interface ClaudeOptions {
  /** Pause between the pieces of a slow answer, default 250 ms. */
  readonly pauseMs?: number;
}

export class ClaudeSandbox {
  readonly #requests: MessagesRequest[] = [];
  readonly #faults: ClaudeFault[] = [];
  readonly #cache = new PromptCache();
  readonly #open = new Set<FastifyReply>();
  readonly #listeners = new Set<() => void>();
  readonly #pauseMs: number;
  #script: Script | undefined;

  constructor(
    private readonly clock: Clock,
    options: ClaudeOptions = {},
  ) {
    this.#pauseMs = options.pauseMs ?? DEFAULT_PAUSE_MS;
  }

  /** What the gateway needs in its environment, given where this server's routes are reached. */
  env(origin: string): Record<string, string> {
    return { ANTHROPIC_BASE_URL: `${origin}/claude`, ANTHROPIC_API_KEY: 'sk-ant-sandbox' };
  }

  /** The accepted requests for a message, oldest first; the last thousand of them. */
  get requests(): readonly MessagesRequest[] {
    return this.#requests;
  }

  /** Lets a function answer instead of the rules; returns how to end that. */
  script(script: Script): () => void {
    this.#script = script;
    return () => {
      if (this.#script === script) this.#script = undefined;
    };
  }

  /** Lets the next `times` requests for a message fail. */
  fault(fault: ClaudeFault, times = 1): void {
    for (let i = 0; i < times; i++) this.#faults.push(fault);
  }

  heal(): void {
    this.#faults.length = 0;
  }

  /** Calls `listener` after every accepted request; returns how to stop that. */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  register(app: FastifyInstance): void {
    const options = { bodyLimit: MAX_BODY_BYTES };
    void app.register(async (scope) => {
      // What a call of a tool is given may have any name, `__proto__` too.
      const json = scope.getDefaultJsonParser('ignore', 'ignore');
      scope.removeContentTypeParser('application/json');
      scope.addContentTypeParser('application/json', { parseAs: 'string' }, json);
      scope.post('/claude/v1/messages', options, (request, reply) => this.#answer(request, reply));
      scope.post('/claude/v1/messages/count_tokens', options, (request, reply) =>
        this.#count(request, reply),
      );
      scope.get('/claude/v1/models', (request, reply) => this.#listModels(request, reply));
    });
  }

  async start(): Promise<void> {}

  /** Breaks off the answers under way. Safe to call twice. */
  async stop(): Promise<void> {
    for (const reply of this.#open) reply.raw.destroy();
    this.#open.clear();
  }

  async #answer(http: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const requestId = announce(reply);
    const refused = refuseHeaders(http.headers);
    if (refused) return refuse(reply, refused, requestId);

    const fault = this.#faults.shift();
    const failure = failureOf(fault);
    if (failure) {
      if (fault?.kind === 'rate-limited') reply.header('retry-after', String(fault.retryAfterSeconds));
      return refuse(reply, failure, requestId);
    }
    const checked = checkRequest(MessagesRequest, http.body);
    if (checked.kind === 'refused') return refuse(reply, checked.refusal, requestId);

    const { request } = checked;
    this.#keep(request);
    if (fault?.kind === 'hang') return this.#hijack(reply);
    const plan = await this.#plan(request, ownerOf(http), reply);
    if (request.stream) return this.#stream(plan, fault, requestId, reply);
    if (fault) {
      this.#hijack(reply);
      reply.raw.destroy();
      return reply;
    }
    return reply.send(await toMessage(plan));
  }

  async #count(http: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const requestId = announce(reply);
    const refused = refuseHeaders(http.headers);
    if (refused) return refuse(reply, refused, requestId);
    const checked = checkRequest(CountRequest, http.body);
    if (checked.kind === 'refused') return refuse(reply, checked.refusal, requestId);
    return reply.send({ input_tokens: countInput(checked.request) });
  }

  async #listModels(http: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const requestId = announce(reply);
    const refused = refuseHeaders(http.headers);
    if (refused) return refuse(reply, refused, requestId);
    const data = MODELS.map((id) => ({
      type: 'model',
      id,
      display_name: `${id} (sandbox stand-in)`,
      created_at: '2025-01-01T00:00:00Z',
    }));
    return reply.send({ data, has_more: false, first_id: MODELS[0], last_id: MODELS.at(-1) });
  }

  async #plan(request: MessagesRequest, owner: string, reply: FastifyReply): Promise<AnswerPlan> {
    const scripted = await this.#script?.(request);
    return {
      id: `msg_${randomUUID().replaceAll('-', '')}`,
      model: request.model,
      blocks: [
        ...(isThinking(request)
          ? [{ type: 'thinking' as const, thinking: scripted?.thought ?? THOUGHT }]
          : []),
        ...(scripted ? scriptedBlocks(scripted) : this.#ruleBlocks(request, reply)),
      ],
      inputUsage: this.#cache.use(request, owner, this.clock.now()),
      maxTokens: request.max_tokens,
      stopSequences: request.stop_sequences ?? [],
      ...(scripted?.ends ? { ends: scripted.ends } : {}),
    };
  }

  #ruleBlocks(request: MessagesRequest, reply: FastifyReply): AnswerBlock[] {
    const answer = offeredOnly(answerTo(request), request);
    const text = `${answer.text}\n\n${STAND_IN_NOTE}`;
    const pauseMs = answer.pace === 'slow' ? this.#pauseMs : 0;
    return [
      { type: 'text', pieces: pieces(text, pauseMs, goneSignal(reply)) },
      ...(answer.calls ?? []).map((call) => toolUse(call.tool, call.input)),
    ];
  }

  async #stream(
    plan: AnswerPlan,
    fault: ClaudeFault | undefined,
    requestId: string,
    reply: FastifyReply,
  ): Promise<FastifyReply> {
    this.#hijack(reply);
    reply.raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache',
      'request-id': requestId,
    });
    let texts = 0;
    for await (const event of toEvents(plan)) {
      if (reply.raw.destroyed) return reply; // the client went away
      send(reply, event);
      if (event.type === 'content_block_delta') texts++;
      if (fault && texts === 1) return breakOff(reply, fault, requestId);
    }
    reply.raw.end();
    return reply;
  }

  #keep(request: MessagesRequest): void {
    this.#requests.push(request);
    if (this.#requests.length > KEPT_REQUESTS) this.#requests.shift();
    for (const listener of [...this.#listeners]) listener();
  }

  #hijack(reply: FastifyReply): FastifyReply {
    this.#open.add(reply);
    reply.raw.once('close', () => this.#open.delete(reply));
    return reply.hijack();
  }
}

/** Looks at the last thing in the conversation: what somebody said, what tools gave back, or what happened. */
function answerTo(request: MessagesRequest): RuleAnswer {
  const offered = request.tools ?? [];
  const since = request.messages.findLastIndex(({ role }) => role === 'assistant') + 1;
  const blocks = request.messages.slice(since).flatMap(blocksOf);
  const files = blocks.flatMap((block) => (block.type === 'text' ? (fileIn(block.text) ?? []) : []));
  const last = blocks.findLast(
    (block) => block.type === 'tool_result' || (block.type === 'text' && fileIn(block.text) === undefined),
  );

  if (last?.type === 'text') {
    return answerByRule({
      kind: isEvent(last.text) ? 'event' : 'said',
      text: last.text.slice(0, READ_CHARS),
      tool: undefined,
      isError: false,
      offered,
      files,
    });
  }
  const answers = blocks.flatMap((block) => {
    if (block.type !== 'tool_result') return [];
    const moment: Moment = {
      kind: 'result',
      text: resultText(block),
      tool: toolNameOf(request, block.tool_use_id),
      isError: block.is_error === true,
      offered,
      files: [],
    };
    return [answerByRule(moment)];
  });
  return { text: answers.map(({ text }) => text).join('\n\n') };
}

function toolNameOf(request: MessagesRequest, callId: string): string | undefined {
  for (const block of request.messages.flatMap(blocksOf)) {
    if (block.type === 'tool_use' && block.id === callId) return block.name;
  }
  return undefined;
}

/** Invariant 2. */
function offeredOnly(answer: RuleAnswer, { tools = [], tool_choice }: MessagesRequest): RuleAnswer {
  const names = tool_choice?.type === 'none' ? [] : tools.map(({ name }) => name);
  const missing = answer.calls?.find(({ tool }) => !names.includes(tool));
  return missing
    ? { text: `I would need the tool \`${missing.tool}\` for that, and I was not given it.` }
    : answer;
}

function scriptedBlocks({ text, calls = [] }: ScriptedAnswer): AnswerBlock[] {
  const texts = typeof text === 'string' ? pieces(text, 0) : text;
  return [
    ...(texts ? [{ type: 'text' as const, pieces: texts }] : []),
    ...calls.map((call) => toolUse(call.tool, call.input, call.id)),
  ];
}

function toolUse(name: string, input: object, id?: string): AnswerBlock {
  return { type: 'tool_use', id: id ?? `toolu_${randomUUID().replaceAll('-', '')}`, name, input };
}

/** A text piece by piece; `gone` ends the pauses between them. */
async function* pieces(text: string, pauseMs: number, gone?: AbortSignal): AsyncGenerator<string> {
  for (const piece of text.match(TEXT_PIECE) ?? []) {
    yield piece;
    if (pauseMs > 0) await sleep(pauseMs, undefined, gone && { signal: gone }).catch(() => {}); // nobody listens
  }
}

/** Aborts when the client hangs up. */
function goneSignal(reply: FastifyReply): AbortSignal {
  const gone = new AbortController();
  reply.raw.once('close', () => gone.abort());
  return gone.signal;
}

function failureOf(fault: ClaudeFault | undefined): Refusal | undefined {
  switch (fault?.kind) {
    case 'rate-limited':
      return { status: 429, message: 'This request would exceed your rate limit. Please try again later.' };
    case 'overloaded':
      return { status: 529, message: 'Overloaded' };
    case 'broken':
      return { status: 500, message: 'Internal server error' };
    default:
      return undefined;
  }
}

function breakOff(reply: FastifyReply, fault: ClaudeFault, requestId: string): FastifyReply {
  if (fault.kind === 'cut-stream') reply.raw.write('', () => reply.raw.destroy()); // once the rest is on its way
  if (fault.kind === 'fail-stream') {
    send(reply, { type: 'error', ...toErrorBody({ status: 529, message: 'Overloaded' }, requestId) });
    reply.raw.end();
  }
  return reply; // `stall-stream` leaves the stream open and says no more
}

function send(reply: FastifyReply, event: { readonly type: string }): void {
  reply.raw.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
}

function announce(reply: FastifyReply): string {
  const requestId = `req_${randomUUID().replaceAll('-', '')}`;
  reply.header('request-id', requestId);
  return requestId;
}

function refuse(reply: FastifyReply, refusal: Refusal, requestId: string): FastifyReply {
  return reply.code(refusal.status).send(toErrorBody(refusal, requestId));
}

/** Caches are not shared between keys. */
function ownerOf(http: FastifyRequest): string {
  const key = http.headers['x-api-key'] ?? http.headers.authorization;
  return createHash('sha256').update(String(key)).digest('base64');
}
