/** A model that says what it was told: for load tests, in process, without any service. */
import type { ModelClient, ModelReply, ModelRequest } from './model-client.ts';

export class EchoClient implements ModelClient {
  async complete({ entries }: ModelRequest, onText: (piece: string) => void): Promise<ModelReply> {
    const last = entries.findLast((entry) => entry.kind === 'user' || entry.kind === 'event');
    const text = last?.text ?? '';
    onText(text);
    return {
      text,
      calls: [],
      stopped: 'end',
      model: 'echo',
      usage: { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 },
    };
  }

  async check(): Promise<{ ok: boolean; detail: string }> {
    return { ok: true, detail: 'the echo model answers with what it was told; it is meant for load tests' };
  }
}
