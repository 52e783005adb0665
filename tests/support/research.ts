/** A turn that has questions looked into: one model for the turn and for its questions, told apart by what they are told. */
import type { ModelClient, ModelReply, ModelRequest } from '../../src/agent/model/model-client.ts';
import { createResearchTool, RESEARCH } from '../../src/agent/research/research-tool.ts';
import { Researcher } from '../../src/agent/research/researcher.ts';
import { runTurn, type TurnOutcome, type TurnSetup } from '../../src/agent/turn.ts';
import type { Authorizations } from '../../src/config/authorizations.ts';
import { ResearchSettings } from '../../src/config/research.ts';
import type { Tool } from '../../src/domain/tool.ts';
import type { Entry } from '../../src/domain/transcript.ts';
import { ALEX } from './approvals.ts';
import { ManualClock, silent } from './core.ts';
import { aCall, whole } from './scripted-model.ts';
import { aToolbox, createTestTools, rules } from './tools.ts';

const LOOKS_INTO = 'You look into one question.';

/** One call to the model about a question. */
export interface Asked {
  readonly question: string;
  /** Times it was asked about this question before. */
  readonly step: number;
  readonly request: ModelRequest;
  readonly signal: AbortSignal;
}

export type Answer = Partial<ModelReply> | Promise<Partial<ModelReply>>;

/** The turn calls `research` once for all questions and then tells what came of it; what answers a question is the test's. */
export class ResearchModel implements ModelClient {
  readonly asked: Asked[] = [];
  readonly ofTurn: ModelRequest[] = [];
  /** About questions, at this moment. */
  running = 0;
  most = 0;

  constructor(
    private readonly calls: readonly (readonly string[])[],
    private readonly answer: (asked: Asked) => Answer,
  ) {}

  async complete(
    request: ModelRequest,
    _onText: (piece: string) => void,
    signal: AbortSignal,
  ): Promise<ModelReply> {
    signal.throwIfAborted();
    if (request.system !== LOOKS_INTO) return this.#turn(request);
    const question = questionIn(request);
    const step = this.asked.filter((each) => each.question === question).length;
    const asked = { question, step, request: { ...request, entries: [...request.entries] }, signal };
    this.asked.push(asked);
    this.most = Math.max(this.most, ++this.running);
    try {
      return whole(await this.answer(asked));
    } finally {
      this.running--;
    }
  }

  async check(): Promise<{ ok: boolean; detail: string }> {
    return { ok: true, detail: 'it is a test' };
  }

  #turn(request: ModelRequest): ModelReply {
    this.ofTurn.push({ ...request, entries: [...request.entries] });
    if (this.ofTurn.length > 1) return whole({ text: 'That is what there is.' });
    return whole({
      calls: this.calls.map((questions, n) => aCall(RESEARCH, { questions }, `research-${n}`)),
    });
  }
}

export interface ResearchCase {
  readonly settings?: Partial<ResearchSettings>;
  readonly tools?: readonly Tool[];
  readonly authorizations?: Authorizations;
  readonly history?: readonly Entry[];
  readonly setup?: Partial<Omit<TurnSetup, 'tools' | 'model'>>;
  readonly signal?: AbortSignal;
  readonly timeOver?: (ms: number) => AbortSignal;
}

export const SAID: Entry = {
  kind: 'user',
  from: { person: ALEX, name: 'Alex Kim' },
  text: 'find out about all of it',
  at: '2026-01-01T00:00:00Z',
};

export function aResearchTurn(model: ModelClient, given: ResearchCase = {}): Promise<TurnOutcome> {
  const settings = { ...ResearchSettings.parse({ questions: 20 }), ...given.settings };
  const research = createResearchTool(settings) as unknown as Tool;
  const researcher = new Researcher({
    settings,
    systemPrompt: LOOKS_INTO,
    now: 'It is noon.',
    clock: new ManualClock(),
    log: silent,
    timeOver: given.timeOver ?? (() => new AbortController().signal),
  });
  const tools = [...(given.tools ?? createTestTools()), research];
  return runTurn(
    {
      model,
      systemPrompt: 'You are a test.',
      maxSteps: 5,
      key: 'item-1',
      requester: ALEX,
      readsAtOnce: 4,
      answerHeld: async ({ tool }) => `${tool.name} waits`,
      onProgress: () => undefined,
      inquire: (questions, inquiry, signal) => researcher.inquire(questions, inquiry, signal),
      ...given.setup,
      tools: aToolbox(given.authorizations ?? rules(), { tools }),
    },
    given.history ?? [SAID],
    given.signal ?? new AbortController().signal,
  );
}

/** What the turn was told by `research`, one for each call of it. */
export function toldIn({ entries }: TurnOutcome): Extract<Entry, { kind: 'tool-result' }>[] {
  return entries.flatMap((entry) => (entry.kind === 'tool-result' ? [entry] : []));
}

/** What was told of each question, in their order. */
export function findingsIn(outcome: TurnOutcome): string[] {
  const text = toldIn(outcome)[0]?.text ?? '';
  return text
    .split(/^## Question \d+: /mu)
    .slice(1)
    .map((each) => each.trim());
}

function questionIn({ entries }: ModelRequest): string {
  const [opening] = entries;
  return opening?.kind === 'event' ? (/\n {4}\| (.*)$/su.exec(opening.text)?.[1] ?? '') : '';
}
