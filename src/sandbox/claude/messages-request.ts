/**
 * A request to the Messages API, and everything the real service refuses before a model sees it. Pure.
 *
 * Refusals carry the service's own status, type and wording as far as they are publicly known, so that a client's
 * reading of them is really exercised.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';

/** Cache breakpoints in one request, at most. Anthropic docs, "Prompt caching". */
const MAX_CACHE_BREAKPOINTS = 4;

/** Tokens one answer may have, at most. Anthropic docs, "Models overview". */
const MAX_OUTPUT_TOKENS = 128_000;

export const CacheControl = z.strictObject({
  type: z.literal('ephemeral'),
  ttl: z.enum(['5m', '1h']).optional(),
});
export type CacheControl = z.infer<typeof CacheControl>;

const cacheControl = { cache_control: CacheControl.nullish() };

const TextBlock = z.strictObject({
  type: z.literal('text'),
  text: z.string(),
  citations: z.unknown().optional(),
  ...cacheControl,
});

const ToolUseBlock = z.strictObject({
  type: z.literal('tool_use'),
  id: z.string().regex(/^[a-zA-Z0-9_-]+$/),
  name: z.string().min(1).max(200),
  input: z.record(z.string(), z.unknown()),
  caller: z.unknown().optional(),
  ...cacheControl,
});

const ToolResultBlock = z.strictObject({
  type: z.literal('tool_result'),
  tool_use_id: z.string(),
  content: z.union([z.string(), z.array(TextBlock)]).optional(),
  is_error: z.boolean().optional(),
  ...cacheControl,
});

/** Decoded bytes of one picture, and of one document. Anthropic docs, "Vision" and "PDF support". */
const MAX_IMAGE_BYTES = 5 * 1024 * 1024;
const MAX_DOCUMENT_BYTES = 32 * 1024 * 1024;

const ImageBlock = z.strictObject({
  type: z.literal('image'),
  source: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('base64'),
      media_type: z.enum(['image/jpeg', 'image/png', 'image/gif', 'image/webp']),
      data: z.string(),
    }),
    z.strictObject({ type: z.literal('url'), url: z.url() }),
  ]),
  ...cacheControl,
});

const DocumentBlock = z.strictObject({
  type: z.literal('document'),
  source: z.discriminatedUnion('type', [
    z.strictObject({
      type: z.literal('base64'),
      media_type: z.literal('application/pdf'),
      data: z.string(),
    }),
    z.strictObject({ type: z.literal('text'), media_type: z.literal('text/plain'), data: z.string() }),
    z.strictObject({ type: z.literal('url'), url: z.url() }),
  ]),
  title: z.string().nullish(),
  context: z.string().nullish(),
  citations: z.unknown().optional(),
  ...cacheControl,
});

/** Handed back by the client as it came; see `signatureOf`. */
const ThinkingBlock = z.strictObject({
  type: z.literal('thinking'),
  thinking: z.string(),
  signature: z.string(),
  // The service caches none of it by itself. Anthropic docs, "Prompt caching".
  cache_control: z.undefined().optional(),
});

/** Kinds of blocks that are carried, counted and otherwise left alone. */
const OtherBlock = z.looseObject({
  type: z.enum(['redacted_thinking', 'search_result']),
  ...cacheControl,
});

export const ContentBlock = z.discriminatedUnion('type', [
  TextBlock,
  ToolUseBlock,
  ToolResultBlock,
  ImageBlock,
  DocumentBlock,
  ThinkingBlock,
  OtherBlock,
]);
export type ContentBlock = z.infer<typeof ContentBlock>;

const Message = z.strictObject({
  role: z.enum(['user', 'assistant']),
  content: z.union([z.string(), z.array(ContentBlock)]),
});
type Message = z.infer<typeof Message>;

export const OfferedTool = z.strictObject({
  name: z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/),
  input_schema: z.looseObject({
    type: z.literal('object'),
    properties: z.record(z.string(), z.unknown()).nullish(),
    required: z.array(z.string()).nullish(),
  }),
  description: z.string().optional(),
  type: z.literal('custom').nullish(),
  strict: z.boolean().optional(),
  eager_input_streaming: z.boolean().nullish(),
  defer_loading: z.boolean().optional(),
  allowed_callers: z.array(z.string()).optional(),
  input_examples: z.array(z.unknown()).optional(),
  ...cacheControl,
});
export type OfferedTool = z.infer<typeof OfferedTool>;

const ToolChoice = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('auto'), disable_parallel_tool_use: z.boolean().optional() }),
  z.strictObject({ type: z.literal('any'), disable_parallel_tool_use: z.boolean().optional() }),
  z.strictObject({ type: z.literal('none') }),
  z.strictObject({
    type: z.literal('tool'),
    name: z.string(),
    disable_parallel_tool_use: z.boolean().optional(),
  }),
]);

const Display = z.enum(['summarized', 'omitted']).nullish();

/** Anthropic docs, "Extended thinking": the least budget there is. */
const Thinking = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('adaptive'), display: Display }),
  z.strictObject({ type: z.literal('enabled'), budget_tokens: z.int().min(1_024), display: Display }),
  z.strictObject({ type: z.literal('between_tools') }),
  z.strictObject({ type: z.literal('disabled') }),
]);

const Prompt = z.strictObject({
  model: z.string().min(1),
  messages: z.array(Message),
  system: z.union([z.string(), z.array(TextBlock)]).optional(),
  tools: z.array(OfferedTool).optional(),
  tool_choice: ToolChoice.optional(),
  thinking: Thinking.optional(),
  output_config: z
    .strictObject({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).nullish(),
      format: z.unknown().optional(),
    })
    .optional(),
  ...cacheControl,
});

export const MessagesRequest = Prompt.extend({
  max_tokens: z.int().min(1).max(MAX_OUTPUT_TOKENS),
  stream: z.boolean().optional(),
  stop_sequences: z.array(z.string()).optional(),
  metadata: z.strictObject({ user_id: z.string().nullish() }).optional(),
  service_tier: z.enum(['auto', 'standard_only']).optional(),
  container: z.unknown().optional(),
  diagnostics: z.unknown().optional(),
  inference_geo: z.string().nullish(),
  speed: z.enum(['standard', 'fast']).nullish(),
});
export type MessagesRequest = z.infer<typeof MessagesRequest>;

export const CountRequest = Prompt;
export type CountRequest = z.infer<typeof CountRequest>;

/** The service's errors by status. Anthropic docs, "Errors". */
const ERROR_TYPES = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  404: 'not_found_error',
  429: 'rate_limit_error',
  500: 'api_error',
  529: 'overloaded_error',
} as const;

export interface Refusal {
  readonly status: keyof typeof ERROR_TYPES;
  readonly message: string;
}

/** The body of an error answer, and the data of an `error` event. */
export function toErrorBody(refusal: Refusal, requestId: string): object {
  return {
    type: 'error',
    error: { type: ERROR_TYPES[refusal.status], message: refusal.message },
    request_id: requestId,
  };
}

export type Checked<Request> =
  | { readonly kind: 'good'; readonly request: Request }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

/** What the service says to these headers (any key is good but one with `invalid` in it); undefined when it goes on to read the body. */
export function refuseHeaders(headers: Record<string, unknown>): Refusal | undefined {
  const key = headers['x-api-key'] ?? headers.authorization;
  if (typeof key !== 'string' || key === '') return { status: 401, message: 'x-api-key header is required' };
  if (key.includes('invalid')) return { status: 401, message: 'invalid x-api-key' };
  if (headers['anthropic-version'] === undefined) return bad('anthropic-version: header is required');
  return undefined;
}

/** Reads a body and checks the rules that span more than one field. */
export function checkRequest<Request extends CountRequest>(
  schema: z.ZodType<Request>,
  body: unknown,
): Checked<Request> {
  const parsed = schema.safeParse(body);
  if (!parsed.success) return { kind: 'refused', refusal: bad(describe(parsed.error)) };
  const request = parsed.data;
  const refusal = RULES.map((rule) => rule(request)).find((found) => found !== undefined);
  return refusal ? { kind: 'refused', refusal } : { kind: 'good', request };
}

/** The content of a message as blocks, also where it was given as a string. */
export function blocksOf(message: Message): readonly ContentBlock[] {
  return typeof message.content === 'string' ? [{ type: 'text', text: message.content }] : message.content;
}

/** The text of a tool's result. */
export function resultText(block: z.infer<typeof ToolResultBlock>): string {
  if (block.content === undefined || typeof block.content === 'string') return block.content ?? '';
  return block.content.map(({ text }) => text).join('\n');
}

/** Whether the model thinks before it answers this. */
export function isThinking({ thinking }: CountRequest): boolean {
  return thinking?.type === 'adaptive' || thinking?.type === 'enabled';
}

/**
 * What stands for thoughts of this service: a changed one is told from one that came from it, and one of another model
 * from one of this.
 */
export function signatureOf(model: string, thinking: string): string {
  return createHash('sha256').update(`thought here by ${model}: ${thinking}`).digest('base64');
}

type Rule = (request: CountRequest & { readonly max_tokens?: number }) => Refusal | undefined;

/** In the order in which the service is known or likely to look. */
const RULES: readonly Rule[] = [
  refuseModel,
  refuseBrokenText,
  refuseEnds,
  refuseEmptyText,
  refuseFiles,
  refuseTools,
  refuseUnpairedCalls,
  refuseBreakpoints,
  refuseThinking,
  refuseChangedThoughts,
];

/** Up to generation 4.5 a model takes a budget, from 5 on adaptive thinking, in between both. Anthropic docs, "Adaptive thinking". */
function refuseThinking({ model, thinking, max_tokens, messages }: Parameters<Rule>[0]): Refusal | undefined {
  const [, major = '0', minor = '0'] = /-(\d{1,2})(?:-(\d{1,2}))?(?:-\d{8})?$/.exec(model) ?? [];
  const generation = Number(major) + Number(minor) / 10;
  if (thinking?.type === 'adaptive' && generation < 4.6) {
    return bad('adaptive thinking is not supported on this model');
  }
  if (thinking?.type !== 'enabled') return undefined;
  if (generation >= 5) {
    return bad(
      '"thinking.type.enabled" is not supported for this model. Use "thinking.type.adaptive" and "output_config.effort" to control thinking behavior.',
    );
  }
  if (max_tokens !== undefined && thinking.budget_tokens >= max_tokens) {
    return bad('`max_tokens` must be greater than `thinking.budget_tokens`.');
  }
  const last = messages.findLastIndex(({ role }) => role === 'assistant');
  const asked = messages.slice(last + 1).flatMap(blocksOf);
  const isMidTurn = asked.length > 0 && asked.every(({ type }) => type === 'tool_result');
  const [first] = last === -1 ? [] : blocksOf(messages[last] ?? { role: 'assistant', content: [] });
  if (!isMidTurn || first?.type === 'thinking' || first?.type === 'redacted_thinking') return undefined;
  return bad(
    `messages.${last}.content.0.type: Expected \`thinking\` or \`redacted_thinking\`, but found \`${first?.type}\`. When \`thinking\` is enabled, a final \`assistant\` message must start with a thinking block.`,
  );
}

/** Whether it is to think now or not: nobody else's thoughts are taken. */
function refuseChangedThoughts({ model, messages }: CountRequest): Refusal | undefined {
  for (const [at, message] of messages.entries()) {
    for (const [index, block] of blocksOf(message).entries()) {
      if (block.type !== 'thinking' || block.signature === signatureOf(model, block.thinking)) continue;
      return bad(`messages.${at}.content.${index}: Invalid \`signature\` in \`thinking\` block`);
    }
  }
  return undefined;
}

function refuseModel({ model }: CountRequest): Refusal | undefined {
  return /^claude-[a-z0-9-]+$/.test(model) ? undefined : { status: 404, message: `model: ${model}` };
}

/** Half of a surrogate pair, as a careless cut leaves it, is not valid JSON to the service. */
function refuseBrokenText(request: CountRequest): Refusal | undefined {
  if (!hasLoneSurrogate(request)) return undefined;
  return bad('The request body is not valid JSON: no low surrogate in string');
}

function hasLoneSurrogate(value: unknown): boolean {
  if (typeof value === 'string') return /\p{Surrogate}/u.test(value);
  if (typeof value !== 'object' || value === null) return false;
  return Object.values(value).some(hasLoneSurrogate);
}

/** Turns of the same role in a row are combined, not refused; but a person begins and a person is to be answered. */
function refuseEnds({ messages }: CountRequest): Refusal | undefined {
  if (messages.length === 0) return bad('messages: at least one message is required');
  if (messages[0]?.role !== 'user') return bad('messages: first message must use the "user" role');
  if (messages.at(-1)?.role === 'assistant' && callsOf(messages.at(-1)).length === 0) {
    return bad(
      'This model does not support assistant message prefill. The conversation must end with a user message.',
    );
  }
  return undefined;
}

function refuseEmptyText({ messages, system }: CountRequest): Refusal | undefined {
  const empty = messages.findIndex(({ content }) => content.length === 0);
  if (empty !== -1) {
    return bad(
      `messages.${empty}: all messages must have non-empty content except for the optional final assistant message`,
    );
  }
  const systemTexts = typeof system === 'string' ? [] : (system ?? []).map(({ text }) => text);
  const messageTexts = messages.flatMap((message) =>
    blocksOf(message).flatMap((block) => (block.type === 'text' ? [block.text] : [])),
  );
  for (const [where, texts] of [
    ['system', systemTexts],
    ['messages', messageTexts],
  ] as const) {
    if (texts.includes('')) return bad(`${where}: text content blocks must be non-empty`);
    if (texts.some((text) => text.trim() === '')) {
      return bad(`${where}: text content blocks must contain non-whitespace text`);
    }
  }
  return undefined;
}

/** How the bytes of each kind begin. */
const MAGIC: Readonly<Record<string, readonly string[]>> = {
  'image/png': ['\x89PNG\r\n\x1a\n'],
  'image/jpeg': ['\xff\xd8\xff'],
  'image/gif': ['GIF87a', 'GIF89a'],
  'image/webp': ['RIFF'],
};

function refuseFiles({ messages }: CountRequest): Refusal | undefined {
  for (const [at, message] of messages.entries()) {
    for (const [index, block] of blocksOf(message).entries()) {
      if (block.type !== 'image' && block.type !== 'document') continue;
      const where = `messages.${at}.content.${index}.${block.type}.source.base64`;
      if (message.role !== 'user') return bad(`${where}: files may only be in messages of the user`);
      if (block.source.type !== 'base64') continue;
      const problem = problemOf(block.source.media_type, block.source.data);
      if (problem) return bad(`${where}${problem}`);
    }
  }
  return undefined;
}

function problemOf(mediaType: string, data: string): string | undefined {
  if (data === '') return ': data cannot be empty';
  // Looked for is what does not belong: to match all of many megabytes takes more stack than there may be.
  if (/[^A-Za-z0-9+/=]|=(?!=?$)/.test(data) || data.length % 4 !== 0) return '.data: Invalid base64 data';
  const bytes = Buffer.from(data, 'base64');
  if (mediaType === 'application/pdf') {
    if (bytes.length > MAX_DOCUMENT_BYTES) return ': PDF exceeds the maximum size';
    return bytes.subarray(0, 1_024).includes('%PDF-') && bytes.includes('%%EOF')
      ? undefined
      : '.data: The PDF specified was not valid.';
  }
  if (bytes.length > MAX_IMAGE_BYTES) {
    return `: image exceeds ${MAX_IMAGE_BYTES / 1024 / 1024} MB maximum: ${bytes.length} bytes > ${MAX_IMAGE_BYTES} bytes`;
  }
  const head = bytes.subarray(0, 8).toString('latin1');
  return (MAGIC[mediaType] ?? []).some((mark) => head.startsWith(mark))
    ? undefined
    : `.media_type: Image does not match the provided media type ${mediaType}`;
}

function refuseTools({ tools = [], tool_choice }: CountRequest): Refusal | undefined {
  const names = tools.map(({ name }) => name);
  if (new Set(names).size < names.length) return bad('tools: Tool names must be unique.');
  if (tool_choice?.type === 'tool' && !names.includes(tool_choice.name)) {
    return bad(`Tool '${tool_choice.name}' not found in provided tools`);
  }
  return undefined;
}

/** Every call has its result at the beginning of the very next turn, and no result is without its call. */
function refuseUnpairedCalls({ messages }: CountRequest): Refusal | undefined {
  const turns = combined(messages);
  const ids = turns.flatMap((turn) => callsOf(turn));
  if (new Set(ids).size < ids.length) return bad('messages: `tool_use` ids must be unique');

  for (const [at, turn] of turns.entries()) {
    const asked = at === 0 ? [] : callsOf(turns[at - 1]);
    const answered = resultsOf(turn);
    const unasked = answered.find((id) => !asked.includes(id));
    if (unasked !== undefined) {
      return bad(
        `messages.${turn.at}.content.0: unexpected \`tool_use_id\` found in \`tool_result\` blocks: ${unasked}. ` +
          'Each `tool_result` block must have a corresponding `tool_use` block in the previous message.',
      );
    }
    const unanswered = callsOf(turn).filter((id) => !leadingResults(turns[at + 1]).includes(id));
    if (unanswered.length > 0) {
      return bad(
        `messages.${turn.at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ` +
          `${unanswered.join(', ')}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the ` +
          'next message.',
      );
    }
  }
  return undefined;
}

function refuseBreakpoints(request: CountRequest): Refusal | undefined {
  const marked = [
    ...(request.tools ?? []),
    ...(typeof request.system === 'string' ? [] : (request.system ?? [])),
    ...request.messages.flatMap(blocksOf),
    request,
  ].filter((part) => part.cache_control).length;
  if (marked <= MAX_CACHE_BREAKPOINTS) return undefined;
  return bad(
    `A maximum of ${MAX_CACHE_BREAKPOINTS} blocks with cache_control may be provided. Found ${marked}.`,
  );
}

interface Turn {
  /** Index of its first message. */
  readonly at: number;
  readonly role: Message['role'];
  readonly content: readonly ContentBlock[];
}

function combined(messages: readonly Message[]): Turn[] {
  const turns: Turn[] = [];
  for (const [at, message] of messages.entries()) {
    const last = turns.at(-1);
    if (last?.role === message.role) {
      turns[turns.length - 1] = { ...last, content: [...last.content, ...blocksOf(message)] };
    } else {
      turns.push({ at, role: message.role, content: blocksOf(message) });
    }
  }
  return turns;
}

function callsOf(turn: Turn | Message | undefined): string[] {
  if (turn?.role !== 'assistant' || typeof turn.content === 'string') return [];
  return turn.content.flatMap((block) => (block.type === 'tool_use' ? [block.id] : []));
}

function resultsOf(turn: Turn): string[] {
  return turn.content.flatMap((block) => (block.type === 'tool_result' ? [block.tool_use_id] : []));
}

/** Results count only where they come before everything else. */
function leadingResults(turn: Turn | undefined): string[] {
  if (turn?.role !== 'user') return [];
  const end = turn.content.findIndex((block) => block.type !== 'tool_result');
  const leading = end === -1 ? turn.content : turn.content.slice(0, end);
  return leading.flatMap((block) => (block.type === 'tool_result' ? [block.tool_use_id] : []));
}

function bad(message: string): Refusal {
  return { status: 400, message };
}

/** The first fault found, as `path: sentence`, in the service's manner. */
function describe(error: z.ZodError): string {
  const issue = error.issues[0];
  if (!issue) return 'the request is not valid';
  if (issue.code === 'unrecognized_keys') {
    return `${[...issue.path, issue.keys[0]].join('.')}: Extra inputs are not permitted`;
  }
  const missing = issue.code === 'invalid_type' && issue.message.includes('received undefined');
  return `${issue.path.join('.')}: ${missing ? 'Field required' : issue.message}`;
}
