/**
 * The tools of a turn as they are left to a question that is looked into beside it: those that only read.
 *
 * Invariants
 *   1. What is offered, and what is run, only reads: it changes nothing, is not held to be risky, sends nothing, plans
 *      nothing and looks into no further questions.
 *   2. The turn's own check comes first, call by call: nothing is run here that the turn could not have run at that
 *      moment.
 *   3. Nobody is asked for a yes: a call that would have to wait for a human is refused.
 *   4. A call is broken off when the question ends.
 */
import type { Tool, ToolCall, ToolOutput } from '../../domain/tool.ts';
import type { Reading } from '../provenance.ts';
import type { RunningCall, Screened, Toolbox, TurnTools } from '../tools/toolbox.ts';
import { RESEARCH_FAMILY } from './research-tool.ts';

/** As the audit names it. */
const READ_ONLY = 'questions beside a turn are looked into by reading alone';

const NEEDS_A_HUMAN =
  'Not run: a human would have to agree to this, and nobody is asked while a question is looked into. Say in your answer that it was left out for that reason.';

export class ReadingTools implements TurnTools {
  constructor(
    private readonly tools: TurnTools,
    private readonly end: AbortSignal,
  ) {}

  get specs(): Toolbox['specs'] {
    const names = new Set(this.list().map(({ name }) => name));
    return this.tools.specs.filter(({ name }) => names.has(name));
  }

  list(): readonly Tool[] {
    return this.tools.list().filter(onlyReads);
  }

  screen(call: ToolCall, reading?: Reading): Screened {
    const names = this.list().map(({ name }) => name);
    if (!names.includes(call.tool)) {
      const reason = `There is no tool "${call.tool}" here: ${READ_ONLY}. Tools: ${names.join(', ') || 'none'}.`;
      return { kind: 'refused', call, reason, rule: READ_ONLY };
    }
    const verdict = this.tools.screen(call, reading);
    if (verdict.kind !== 'held') return verdict;
    return { kind: 'refused', call, reason: NEEDS_A_HUMAN, rule: verdict.decision.rule };
  }

  async run(tool: Tool, args: unknown, call: RunningCall, signal: AbortSignal): Promise<ToolOutput> {
    try {
      return await this.tools.run(tool, args, call, AbortSignal.any([signal, this.end]));
    } catch (error) {
      signal.throwIfAborted();
      if (!this.end.aborted) throw error;
      return {
        status: 'error',
        text: `${tool.name} was broken off: there was no time left for this question.`,
      };
    }
  }
}

function onlyReads({ effect, risk, inTurn, calls, group, family }: Tool): boolean {
  const changesNothing = effect === 'read' && inTurn !== true && calls === undefined && risk !== 'high';
  return changesNothing && group !== 'scheduler' && family !== RESEARCH_FAMILY;
}
