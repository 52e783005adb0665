/** A model that says what the test wrote down, one reply per call, and remembers what it was asked. */
import type { ModelClient, ModelReply, ModelRequest } from '../../src/agent/model/model-client.ts';
import type { ToolCall } from '../../src/domain/tool.ts';
import type { Usage } from '../../src/domain/transcript.ts';

export type ScriptedReply = Partial<ModelReply> | Error;

export class ScriptedModel implements ModelClient {
  readonly requests: ModelRequest[] = [];

  constructor(private readonly replies: readonly ScriptedReply[]) {}

  async complete(
    request: ModelRequest,
    onText: (piece: string) => void,
    signal: AbortSignal,
  ): Promise<ModelReply> {
    signal.throwIfAborted();
    const reply = this.replies[this.requests.length];
    this.requests.push({ ...request, entries: [...request.entries] });
    if (!reply) throw new Error('the script has ended');
    if (reply instanceof Error) throw reply;
    if (reply.text) onText(reply.text);
    return whole(reply);
  }

  async check(): Promise<{ ok: boolean; detail: string }> {
    return { ok: true, detail: 'it says what it was told to say' };
  }
}

/** With what a test does not care about. */
export function whole(reply: Partial<ModelReply>): ModelReply {
  return {
    text: '',
    calls: [],
    stopped: reply.calls?.length ? 'calls' : 'end',
    model: 'scripted',
    usage: usageOf(1),
    ...reply,
  };
}

export function aCall(tool: string, input: unknown = {}, id = `toolu_${tool}`): ToolCall {
  return { id, tool, input };
}

export function usageOf(tokens: number): Usage {
  return { inputTokens: tokens, outputTokens: tokens, cacheReadTokens: tokens, cacheWriteTokens: tokens };
}
