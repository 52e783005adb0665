/** A tool of an MCP server as one of ours. */
import type { McpServerSettings } from '../config/mcp.ts';
import type { Tool, ToolContext } from '../domain/tool.ts';
import { argumentsSchema } from './arguments-schema.ts';
import { toResultText } from './result-text.ts';
import type { CallOutcome } from './server-link.ts';
import { hashOf, type ToolDefinition, toolNameOf, versionOf } from './tool-definition.ts';

/** Beyond the time of a call, so that what is told is what is known of it. */
const MARGIN_MS = 2_000;

export interface McpToolParts {
  readonly server: string;
  readonly settings: McpServerSettings;
  /** Agreed to by somebody. */
  readonly definition: ToolDefinition;
  /** Calls it, if it is still what was agreed to. */
  call(args: Record<string, unknown>, context: ToolContext): Promise<CallOutcome>;
}

/** @throws when no check can be made of the schema of its arguments */
export function createMcpTool({ server, settings, definition, call }: McpToolParts): Tool {
  const { name, description, inputSchema } = definition;
  const own = Object.hasOwn(settings.tools, name) ? settings.tools[name] : undefined;
  const effect = own?.effect ?? settings.effect;
  const looksUp = own?.looks_up ?? settings.looks_up;
  return {
    name: toolNameOf(server, name),
    group: own?.group ?? settings.group,
    family: `mcp-${server}`,
    service: `mcp-${server}`,
    version: versionOf(hashOf(definition)),
    description: `"${name}" of the MCP server ${server}. ${description}`.trimEnd(),
    input: argumentsSchema(inputSchema),
    inputSchema,
    risk: own?.risk ?? settings.risk,
    effect,
    reversible: effect === 'read',
    timeoutMs: settings.timeout + MARGIN_MS,
    outputChars: settings.max_chars,
    tells: 'outsider',
    // Else an address could be put together of two halves that are none.
    ...(looksUp ? {} : { composes: true as const }),
    reachesOut: () => true,
    execute: async (input, context) => {
      // `input` above lets only records through.
      const outcome = await call(input as Record<string, unknown>, context);
      // Why a server refused is in its own words.
      if (outcome.kind === 'not-done') return { status: 'error', text: outcome.why };
      return {
        status: outcome.result.isError === true ? 'error' : 'ok',
        text: toResultText(outcome.result),
        source: `the tool ${name} of the MCP server ${server}`,
      };
    },
  };
}
