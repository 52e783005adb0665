/** The port to a language model: a conversation in, a reply with text and tool calls out. */
import type { ToolCall } from '../../domain/tool.ts';
import type { Entry, Shown, Usage } from '../../domain/transcript.ts';

export interface ToolSpec {
  readonly name: string;
  readonly description: string;
  /** JSON Schema of the arguments. */
  readonly inputSchema: object;
  /** What it comes to, estimated; left out: not worked out yet. */
  readonly tokens?: number;
}

/** A picture or a document to be looked at: the bytes that a `FileNote` of kind `shown` stands for. */
export interface Exhibit {
  readonly mediaType: 'image/png' | 'image/jpeg' | 'image/gif' | 'image/webp' | 'application/pdf';
  readonly base64: string;
}

export interface ModelRequest {
  /** What stays the same between calls comes first; it is cached by its bytes. */
  readonly system: string;
  /** What holds for this turn alone: the gateway's word, in front of where the turn begins. */
  readonly guidance?: string;
  /** Where in `entries` the present turn begins; the next one finds what stands before it unchanged. Left out: at their end. */
  readonly turnStart?: number;
  readonly entries: readonly Entry[];
  readonly tools: readonly ToolSpec[];
  /** One for each file of kind `shown` of the newest message in `entries`, in order; absent if it is an older one. */
  readonly exhibits?: readonly Exhibit[];
  /** Whether it is to think longer before it answers. */
  readonly thinking?: boolean;
  /** Its replies of this turn that it thought about before, by the id of their first call: handed back as they came. */
  readonly thoughts?: ReadonlyMap<string, Thoughts>;
  /**
   * Hears what was used for what came to no reply: an answer that broke off or was stopped, or the first part of one
   * that was gone on with. Each is told once, and waited for before the call ends. What a reply took it says itself.
   */
  readonly onSpent?: (model: string, usage: Usage) => Promise<void>;
}

/** A reply in the model's own form, with what it thought; for that model alone to read. */
export interface Thoughts {
  /** As it was asked for. */
  readonly model: string;
  readonly blocks: readonly unknown[];
  /** What all of it came to when it was written, in tokens, as the service counted. */
  readonly tokens: number;
}

/** What was thought before this entry; undefined where nothing was, or it is not known any more. */
export function thoughtsOf(entry: Entry, thoughts: ModelRequest['thoughts']): Thoughts | undefined {
  const [first] = entry.kind === 'assistant' ? entry.calls : [];
  return first && thoughts?.get(first.id);
}

export interface ModelReply {
  readonly text: string;
  readonly calls: readonly ToolCall[];
  /** Why the model stopped; `length` means the answer was cut by the limit on its length. */
  readonly stopped: 'end' | 'calls' | 'length' | 'refusal';
  readonly model: string;
  readonly usage: Usage;
  /** Which part of the entries it was shown, where that was decided on the way. */
  readonly shown?: Shown;
  /** With calls, when it thought before it made them. */
  readonly thoughts?: Thoughts;
  /** Why it was asked without the exhibits of the request; absent when it was shown all of them. */
  readonly unseen?: 'refused' | 'no-room';
}

export interface ModelClient {
  /**
   * @param onText hears the text as it comes, piece by piece
   * @throws {ModelUnavailableError} when trying again later may help
   * @throws {RequestTooLongError} when it is more than the model can read
   */
  complete(request: ModelRequest, onText: (piece: string) => void, signal: AbortSignal): Promise<ModelReply>;

  /** What a request comes to, in tokens, as the model's service counts it; undefined, or left out: it cannot. */
  countTokens?(request: ModelRequest, signal: AbortSignal): Promise<number | undefined>;

  /** Whether the model answers with the configured credentials; a sentence, never a throw. */
  check(signal: AbortSignal): Promise<{ readonly ok: boolean; readonly detail: string }>;
}
