/**
 * One turn: from "something happened in this conversation" to an outcome.
 *
 *   entries ─▶ ask the model ─▶ no tool calls ─────────────▶ replied
 *                  ▲               │
 *                  └── results ◀── run the calls we may ───▶ suspended
 *                                  (one must wait, or must run exactly once)
 *
 * A turn touches no store and no platform. What it needs comes in, what it did comes out, and the caller keeps it;
 * that is what lets a suspended turn go on in another process, a day later.
 */
import { FutileCallError } from '../domain/errors.ts';
import { MAX_INLINE_BYTES, type OutFile } from '../domain/message.ts';
import type { ToolOutput } from '../domain/tool.ts';
import type { Entry, Usage } from '../domain/transcript.ts';
import type { Exhibit, ModelClient } from './model/model-client.ts';
import type { HeldCall, Screened, Toolbox } from './tools/toolbox.ts';

/** Calls of one turn that run outside it, at most: each is a request somebody may have to read. */
const MOST_HELD = 10;

/** Files of one turn, at most: Discord takes ten with a message (Discord docs, "Create Message"), the others more. */
const MOST_FILES = 10;

export interface TurnSetup {
  readonly model: ModelClient;
  readonly systemPrompt: string;
  /** What it is told for this turn alone, behind the system prompt. */
  readonly guidance?: string | undefined;
  readonly tools: Toolbox;
  /** Calls to the model in one turn, at most. */
  readonly maxSteps: number;
  /** Pictures and documents that came with the message the turn is about; absent if it is about something else. */
  readonly exhibits?: readonly Exhibit[];
  /** Begins the idempotency keys of calls that run inside the turn. */
  readonly key: string;
  /**
   * What a held call is answered with, so that the transcript stays valid while people decide.
   *
   * @throws {FutileCallError} when the call cannot work, so that it is not to be held
   */
  readonly answerHeld: (held: HeldCall, index: number) => Promise<string>;
  /** Hears what the turn is doing, for people who wait. */
  readonly onProgress: (progress: TurnProgress) => void;
}

export type TurnProgress =
  | { readonly kind: 'text'; readonly soFar: string }
  | { readonly kind: 'tool'; readonly tool: string };

export interface TurnReport {
  /** New transcript entries, oldest first. */
  readonly entries: readonly Entry[];
  readonly usage: Usage;
  /** Every call that was checked, with the rule that decided. */
  readonly screened: readonly Screened[];
  /** Go out with the reply; no two of one name. */
  readonly files: readonly OutFile[];
}

export type TurnOutcome =
  | (TurnReport & { readonly kind: 'replied'; readonly text: string; readonly cut: boolean })
  | (TurnReport & { readonly kind: 'suspended'; readonly text: string; readonly held: readonly HeldCall[] })
  | (TurnReport & { readonly kind: 'exhausted' });

/** @throws what the model client throws; nothing of the turn is kept then */
export async function runTurn(
  setup: TurnSetup,
  history: readonly Entry[],
  signal: AbortSignal,
): Promise<TurnOutcome> {
  const entries: Entry[] = [];
  const screened: Screened[] = [];
  const files = new Map<string, OutFile>();
  const report = () => ({ entries, usage, screened, files: [...files.values()] });
  let usage: Usage = { inputTokens: 0, outputTokens: 0, cacheReadTokens: 0, cacheWriteTokens: 0 };

  for (let step = 0; step < setup.maxSteps; step++) {
    let soFar = '';
    const reply = await setup.model.complete(
      {
        system: setup.systemPrompt,
        entries: [...history, ...entries],
        tools: setup.tools.specs,
        ...(setup.guidance === undefined ? {} : { guidance: setup.guidance }),
        ...(setup.exhibits ? { exhibits: setup.exhibits } : {}),
      },
      (piece) => {
        soFar += piece;
        setup.onProgress({ kind: 'text', soFar });
      },
      signal,
    );
    usage = plus(usage, reply.usage);
    entries.push({
      kind: 'assistant',
      text: reply.text,
      calls: reply.calls.map(({ id, tool, input }) => ({ id, tool, input })),
      model: reply.model,
      usage: reply.usage,
    });
    if (reply.calls.length === 0) {
      return { kind: 'replied', ...report(), text: reply.text, cut: reply.stopped === 'length' };
    }

    const collected: Collected = { held: [], files };
    for (const call of reply.calls) {
      const verdict = withinLimit(setup.tools.screen(call), collected.held.length);
      const answered = await answer(setup, verdict, collected, `${setup.key}:${step}:${call.id}`, signal);
      screened.push(answered.verdict);
      entries.push(answered.entry);
    }
    const { held } = collected;
    if (held.length > 0) return { kind: 'suspended', ...report(), text: reply.text, held };
  }

  return { kind: 'exhausted', ...report() };
}

/** What the calls of a turn leave behind. */
interface Collected {
  readonly held: HeldCall[];
  /** By name: a file attached again takes the place of the one before. */
  readonly files: Map<string, OutFile>;
}

function withinLimit(verdict: Screened, held: number): Screened {
  if (verdict.kind !== 'held' || held < MOST_HELD) return verdict;
  const reason = `Not taken: a turn may leave at most ${MOST_HELD} calls to others. Make it again later if it is still wanted.`;
  return { kind: 'refused', call: verdict.call, reason, rule: verdict.decision.rule };
}

/** The verdict is another one when a call that was to be held cannot work. */
async function answer(
  setup: TurnSetup,
  verdict: Screened,
  { held, files }: Collected,
  key: string,
  signal: AbortSignal,
): Promise<{ verdict: Screened; entry: Entry }> {
  const callId = verdict.call.id;
  switch (verdict.kind) {
    case 'refused':
      return { verdict, entry: refusal(callId, verdict.reason) };
    case 'held': {
      const text = await setup.answerHeld(verdict, held.length).catch((error: unknown) => {
        if (error instanceof FutileCallError) return error;
        throw error;
      });
      if (text instanceof FutileCallError) {
        const reason = `Nobody was asked about this, because it cannot work: ${text.why}.`;
        const { call, decision } = verdict;
        return {
          verdict: { kind: 'refused', call, reason, rule: decision.rule },
          entry: refusal(callId, reason),
        };
      }
      held.push(verdict);
      return { verdict, entry: { kind: 'tool-result', callId, status: 'waiting', text } };
    }
    case 'run': {
      setup.onProgress({ kind: 'tool', tool: verdict.tool.name });
      const output = collectFiles(await setup.tools.run(verdict.tool, verdict.args, key, signal), files);
      const { status, text } = output;
      return { verdict, entry: { kind: 'tool-result', callId, status, text } };
    }
    default:
      return verdict satisfies never;
  }
}

function refusal(callId: string, text: string): Entry {
  return { kind: 'tool-result', callId, status: 'error', text };
}

/** Keeps the files of a result, or says why they are too much. */
function collectFiles(output: ToolOutput, files: Map<string, OutFile>): ToolOutput {
  const after = new Map([...files, ...(output.files ?? []).map((file) => [file.name, file] as const)]);
  const bytes = [...after.values()].reduce((sum, { base64 }) => sum + Buffer.byteLength(base64, 'base64'), 0);
  if (after.size > MOST_FILES) {
    return { status: 'error', text: `Not attached: a reply carries at most ${MOST_FILES} files.` };
  }
  if (bytes > MAX_INLINE_BYTES) {
    const sum = `all files of a reply have at most ${MAX_INLINE_BYTES} bytes together; these would have ${bytes}`;
    return { status: 'error', text: `Not attached: ${sum}.` };
  }
  for (const [name, file] of after) files.set(name, file);
  return output;
}

function plus(a: Usage, b: Usage): Usage {
  return {
    inputTokens: a.inputTokens + b.inputTokens,
    outputTokens: a.outputTokens + b.outputTokens,
    cacheReadTokens: a.cacheReadTokens + b.cacheReadTokens,
    cacheWriteTokens: a.cacheWriteTokens + b.cacheWriteTokens,
  };
}
