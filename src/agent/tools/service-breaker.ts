/**
 * Tools whose service keeps failing are not called for a while: the model hears so at once and can do something else.
 *
 * Invariant: a call that is not made for this reason is answered as one that changed nothing, never as one of which
 * nobody knows.
 */
import { AppError } from '../../domain/errors.ts';
import type { Tool, ToolOutput } from '../../domain/tool.ts';
import { type Breaker, type Breakers, CutOffError, type Verdict } from '../../health/breakers.ts';

export function withBreaker(tool: Tool, breakers: Pick<Breakers, 'of'>): Tool {
  const service = serviceOf(tool);
  if (service === undefined) return tool;
  return {
    ...tool,
    execute: (input, context) =>
      guarded(breakers.of(`tools:${service}`), context.signal, () => tool.execute(input, context)),
  };
}

async function guarded(
  breaker: Breaker,
  signal: AbortSignal,
  call: () => Promise<ToolOutput>,
): Promise<ToolOutput> {
  try {
    return await breaker.run(
      async () => {
        const output = await call();
        if (output.isAway || isUnfinished(output, signal)) throw new NoAnswer(output);
        return output;
      },
      (error) => judge(error, signal),
    );
  } catch (error) {
    if (error instanceof NoAnswer) return error.output;
    if (error instanceof CutOffError) return { status: 'error', text: cutOffText(error) };
    throw error;
  }
}

/** Some tools answer in words, and throw nothing, when their call is broken off. */
function isUnfinished({ status }: ToolOutput, { aborted }: AbortSignal): boolean {
  return aborted && status === 'error';
}

/** What a tool says though its service gave it no answer. */
class NoAnswer extends Error {
  constructor(readonly output: ToolOutput) {
    super(output.text);
  }
}

/** Time that ran out is the service's failure; somebody who broke it off is not. */
function judge(error: unknown, { aborted, reason }: AbortSignal): Verdict {
  if (aborted) return reason instanceof Error && reason.name === 'TimeoutError' ? 'away' : 'broken-off';
  return !(error instanceof AppError) || error.retryable ? 'away' : 'answered';
}

function serviceOf({ service, group, family }: Tool): string | undefined {
  return service ?? (group === 'automation' ? family : undefined);
}

function cutOffText({ service, reason, retryAfterMs }: CutOffError): string {
  const name = service.slice('tools:'.length);
  return (
    `Not tried, so nothing was done: ${name} has failed several times in a row, the last time because of this: ${reason} ` +
    `It can be tried again in ${Math.ceil(retryAfterMs / 1_000)} s.`
  );
}
