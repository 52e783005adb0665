/** The port to a language model: a conversation in, a reply with text and tool calls out. */
import type { ToolCall } from '../../domain/tool.ts';
import type { Entry, Usage } from '../../domain/transcript.ts';

export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly inputSchema: object;
}

/** A picture or a document to be looked at: the bytes that a `FileNote` of kind `shown` stands for. */
export interface Exhibit {
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp' | 'application/pdf';
  readonly base64: string;
}

export interface ModelRequest {
  /** What stays the same between calls comes first; it is cached by its bytes. */
  readonly system: string;
  /** Belongs to the instructions, behind `system`: what holds for this turn alone. */
  readonly guidance?: string;
  readonly entries: readonly Entry[];
  readonly tools: readonly ToolSpec[];
  /** One for each file of kind `shown` of the newest message in `entries`, in order; absent if it is an older one. */
  readonly exhibits?: readonly Exhibit[];
}

export interface ModelReply {
  readonly text: string;
  readonly calls: readonly ToolCall[];
  /** Why the model stopped; `length` means the answer was cut by the limit on its length. */
  readonly stopped: 'end' | 'calls' | 'length' | 'refusal';
  readonly model: string;
  readonly usage: Usage;
}

export interface ModelClient {
  /**
   * @param onText hears the text as it comes, piece by piece
   * @throws {ModelUnavailableError} when trying again later may help
   */
  complete(request: ModelRequest, onText: (piece: string) => void, signal: AbortSignal): Promise<ModelReply>;

  /** Whether the model answers with the configured credentials; a sentence, never a throw. */
  check(signal: AbortSignal): Promise<{ readonly ok: boolean; readonly detail: string }>;
}
