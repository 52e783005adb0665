/** An answer as the Messages API sends it: the events of a stream, or the one message they add up to. */
import { signatureOf } from './messages-request.ts';
import { countTokens, type InputUsage } from './prompt-cache.ts';

/** Characters of a tool's input per event; few, so that a client must put the pieces together. */
const JSON_PIECE_CHARS = 16;

export type AnswerBlock =
  | { readonly type: 'thinking'; readonly thinking: string }
  | { readonly type: 'text'; readonly pieces: AsyncIterable<string> }
  | { readonly type: 'tool_use'; readonly id: string; readonly name: string; readonly input: object };

export interface AnswerPlan {
  readonly id: string;
  readonly model: string;
  readonly blocks: readonly AnswerBlock[];
  readonly inputUsage: InputUsage;
  readonly maxTokens: number;
  readonly stopSequences: readonly string[];
  /** Left out: by its own end, or by one of its limits. */
  readonly ends?: EarlyEnd;
}

/** What ends an answer before it is whole, beside its own limits. Anthropic docs, "Stop reasons". */
export type EarlyEnd = 'refusal' | 'model_context_window_exceeded';

type Usage = InputUsage & { readonly output_tokens: number };

interface Stop {
  readonly stop_reason: 'end_turn' | 'tool_use' | 'max_tokens' | 'stop_sequence' | EarlyEnd | null;
  readonly stop_sequence: string | null;
}

type StopDetails = typeof REFUSED | null;

/** It is declined without a word of why. */
const REFUSED = { type: 'refusal', category: null, explanation: null } as const;

export type MessageBlock =
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'text'; text: string; citations: null }
  | { type: 'tool_use'; id: string; name: string; input: object; caller: { type: 'direct' } };

export interface Message extends Stop {
  readonly id: string;
  readonly type: 'message';
  readonly role: 'assistant';
  readonly model: string;
  readonly content: MessageBlock[];
  readonly container: null;
  readonly stop_details: StopDetails;
  readonly usage: Usage & { readonly service_tier: 'standard' };
}

type Delta =
  | { type: 'thinking_delta'; thinking: string }
  | { type: 'signature_delta'; signature: string }
  | { type: 'text_delta'; text: string }
  | { type: 'input_json_delta'; partial_json: string };

export type StreamEvent =
  | { type: 'message_start'; message: Message }
  | { type: 'ping' }
  | { type: 'content_block_start'; index: number; content_block: MessageBlock }
  | { type: 'content_block_delta'; index: number; delta: Delta }
  | { type: 'content_block_stop'; index: number }
  | { type: 'message_delta'; delta: Stop & { container: null; stop_details: StopDetails }; usage: Usage }
  | { type: 'message_stop' };

/** The events in the order of the real service: a ping follows the opening of the first block. */
export async function* toEvents(plan: AnswerPlan): AsyncGenerator<StreamEvent> {
  yield { type: 'message_start', message: emptyMessage(plan) };

  const output = new Output(plan.maxTokens, plan.stopSequences);
  for (const [index, block] of plan.blocks.entries()) {
    if (output.stop.stop_reason !== 'end_turn' && output.stop.stop_reason !== 'tool_use') break;
    yield { type: 'content_block_start', index, content_block: emptyBlock(block) };
    if (index === 0) yield { type: 'ping' };
    for await (const delta of deltas(block, plan.model, output))
      yield { type: 'content_block_delta', index, delta };
    yield { type: 'content_block_stop', index };
  }

  yield {
    type: 'message_delta',
    delta: {
      ...output.stop,
      ...(plan.ends ? { stop_reason: plan.ends } : {}),
      container: null,
      stop_details: plan.ends === 'refusal' ? REFUSED : null,
    },
    usage: { ...plan.inputUsage, output_tokens: output.tokens },
  };
  yield { type: 'message_stop' };
}

/** The message that the events add up to, for who did not ask for a stream. */
export async function toMessage(plan: AnswerPlan): Promise<Message> {
  let message = emptyMessage(plan);
  let json = '';
  for await (const event of toEvents(plan)) {
    const block = message.content.at(-1);
    switch (event.type) {
      case 'content_block_start':
        message.content.push(event.content_block);
        json = '';
        break;
      case 'content_block_delta':
        if (event.delta.type === 'input_json_delta') json += event.delta.partial_json;
        else grow(block, event.delta);
        break;
      case 'content_block_stop':
        if (block?.type === 'tool_use') block.input = JSON.parse(json);
        break;
      case 'message_delta':
        message = { ...message, ...event.delta, usage: { ...event.usage, service_tier: 'standard' } };
        break;
      default: // the rest carries nothing that a whole message has
    }
  }
  return message;
}

function grow(block: MessageBlock | undefined, delta: Exclude<Delta, { type: 'input_json_delta' }>): void {
  if (block?.type === 'text' && delta.type === 'text_delta') block.text += delta.text;
  if (block?.type !== 'thinking') return;
  if (delta.type === 'thinking_delta') block.thinking += delta.thinking;
  if (delta.type === 'signature_delta') block.signature = delta.signature;
}

/** What one answer has used of its limits so far, and why it ends. */
class Output {
  stop: Stop = { stop_reason: 'end_turn', stop_sequence: null };
  #text = '';

  constructor(
    private readonly maxTokens: number,
    private readonly stopSequences: readonly string[],
  ) {}

  get tokens(): number {
    return Math.min(this.maxTokens, Math.max(1, countTokens(this.#text)));
  }

  /** Takes as much of a text piece as the limits allow. */
  take(piece: string): string {
    const before = this.#text;
    this.#text += piece;
    const hit = this.stopSequences
      .map((sequence) => ({ sequence, at: this.#text.indexOf(sequence) }))
      .filter(({ at }) => at !== -1)
      .sort((a, b) => a.at - b.at)[0];
    if (hit) {
      this.stop = { stop_reason: 'stop_sequence', stop_sequence: hit.sequence };
      return this.#text.slice(before.length, Math.max(before.length, hit.at));
    }
    if (countTokens(this.#text) <= this.maxTokens) return piece;
    this.stop = { stop_reason: 'max_tokens', stop_sequence: null };
    let fitting = piece;
    while (fitting !== '' && countTokens(before + fitting) > this.maxTokens) fitting = fitting.slice(0, -1);
    this.#text = before + fitting;
    return fitting;
  }

  think(thinking: string): void {
    this.#text += thinking;
  }

  call(json: string): void {
    this.#text += json;
    this.stop = { stop_reason: 'tool_use', stop_sequence: null };
  }
}

async function* deltas(block: AnswerBlock, model: string, output: Output): AsyncGenerator<Delta> {
  if (block.type === 'thinking') {
    output.think(block.thinking);
    yield { type: 'thinking_delta', thinking: block.thinking };
    yield { type: 'signature_delta', signature: signatureOf(model, block.thinking) };
    return;
  }
  if (block.type === 'tool_use') {
    const json = JSON.stringify(block.input);
    output.call(json);
    yield { type: 'input_json_delta', partial_json: '' }; // the real service begins with nothing
    for (let at = 0; at < json.length; at += JSON_PIECE_CHARS) {
      yield { type: 'input_json_delta', partial_json: json.slice(at, at + JSON_PIECE_CHARS) };
    }
    return;
  }
  for await (const piece of block.pieces) {
    const text = output.take(piece);
    if (text !== '') yield { type: 'text_delta', text };
    if (output.stop.stop_reason !== 'end_turn') return;
  }
}

function emptyMessage(plan: AnswerPlan): Message {
  return {
    id: plan.id,
    type: 'message',
    role: 'assistant',
    model: plan.model,
    content: [],
    container: null,
    stop_details: null,
    stop_reason: null,
    stop_sequence: null,
    usage: { ...plan.inputUsage, output_tokens: 1, service_tier: 'standard' },
  };
}

function emptyBlock(block: AnswerBlock): MessageBlock {
  if (block.type === 'thinking') return { type: 'thinking', thinking: '', signature: '' };
  return block.type === 'text'
    ? { type: 'text', text: '', citations: null }
    : { type: 'tool_use', id: block.id, name: block.name, input: {}, caller: { type: 'direct' } };
}
