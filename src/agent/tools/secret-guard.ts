/** What a tool that changes something tells, without secrets of the configuration. */
import type { Tool, ToolOutput } from '../../domain/tool.ts';
import type { KnownSecrets } from '../../observability/known-secrets.ts';

/**
 * Its outcome is shown on cards and in reports, where it is cut: taken out before that, no secret is cut in two, so that
 * nobody knows the rest of it any more. What a tool reads stays as it is read.
 */
export function withoutSecrets(tool: Tool, secrets: Pick<KnownSecrets, 'without'>): Tool {
  if (tool.effect === 'read') return tool;
  const { lookUp, compensation } = tool;
  const clean = (output: ToolOutput): ToolOutput => {
    const { text, heading } = output;
    return {
      ...output,
      text: secrets.without(text),
      ...(heading === undefined ? {} : { heading: secrets.without(heading) }),
    };
  };
  return {
    ...tool,
    execute: async (input, context) => clean(await tool.execute(input, context)),
    ...(lookUp && {
      lookUp: async (input, context) => {
        const found = await lookUp.call(tool, input, context);
        return found && clean(found);
      },
    }),
    ...(compensation && {
      compensation: {
        ...compensation,
        execute: async (input, receipt, context) =>
          clean(await compensation.execute(input, receipt, context)),
      },
    }),
  };
}
