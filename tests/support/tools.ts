/** Tools and rules for tests of the agent: a lookup, a note, a refund and a deployment that remember their runs. */
import { z } from 'zod';
import type { OutputShelf } from '../../src/agent/tools/output.ts';
import { ToolCatalog } from '../../src/agent/tools/tool-catalog.ts';
import { type Requester, Toolbox } from '../../src/agent/tools/toolbox.ts';
import { Authorizations } from '../../src/config/authorizations.ts';
import { ConversationId } from '../../src/domain/ids.ts';
import type { Tool, ToolContext } from '../../src/domain/tool.ts';
import { ALEX } from './approvals.ts';

export interface Run {
  readonly tool: string;
  readonly args: unknown;
  readonly context: ToolContext;
}

export function createTestTools(runs: Run[] = []): Tool[] {
  const make = <Input extends z.ZodType>(
    tool: Pick<Tool<Input>, 'name' | 'input' | 'effect'> & Partial<Tool<Input>>,
  ): Tool => {
    const whole: Tool<Input> = {
      group: 'automation',
      family: 'test',
      version: 1,
      description: `Does ${tool.name}.`,
      risk: 'low',
      reversible: true,
      timeoutMs: 1_000,
      async execute(args, context) {
        runs.push({ tool: tool.name, args, context });
        return { status: 'ok', text: `${tool.name} done` };
      },
      ...tool,
    };
    // A tool takes its own input; the list holds tools of different inputs.
    return whole as unknown as Tool;
  };
  return [
    make({ name: 'lookup', input: z.object({ order: z.int() }), effect: 'read' }),
    make({ name: 'note', input: z.object({ text: z.string() }), effect: 'idempotent', inTurn: true }),
    make({
      name: 'refund',
      input: z.object({ order: z.int(), amount: z.number().positive(), currency: z.string().optional() }),
      effect: 'once',
      risk: 'high',
    }),
    make({ name: 'deploy', input: z.object({ service: z.string() }), effect: 'idempotent' }),
  ];
}

export type WrittenRule = z.input<typeof Authorizations>['rules'] extends infer Rules
  ? NonNullable<Rules> extends (infer Rule)[]
    ? Rule
    : never
  : never;

export function rules(...written: WrittenRule[]): Authorizations {
  return Authorizations.parse({
    roles: { member: { permissions: ['ask'] }, manager: { permissions: ['ask', 'approve'] } },
    rules: written,
  });
}

export const ASK_MANAGER = { decision: 'ask', approvers: { role: 'manager' } } as const;

/** Keeps whatever it is given, and lets nobody read it. */
export const NO_SHELF: OutputShelf = { keep: async (_conversation, _handle, { text }) => text.length };

export function aToolbox(
  authorizations: Authorizations,
  { tools = createTestTools(), requester = {} }: { tools?: Tool[]; requester?: Partial<Requester> } = {},
): Toolbox {
  const alex = { person: ALEX, name: 'Alex Kim', roles: ['member'], platform: 'slack', ...requester };
  const standing = { authorizations: () => authorizations, roles: () => alex.roles };
  return new Toolbox(new ToolCatalog(tools), standing, alex, ConversationId.parse('slack:T0:C0:1'), NO_SHELF);
}
