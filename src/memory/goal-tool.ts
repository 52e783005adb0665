/** `read_goals`: what the agent is for, as `purpose.yaml` says it, each goal with the one it serves. */
import { z } from 'zod';
import { goalsOf, type Purpose } from '../config/purpose.ts';
import type { Tool } from '../domain/tool.ts';

const ReadGoals = z.object({});

export function createGoalTool(purpose: () => Purpose): Tool {
  const tool: Tool<typeof ReadGoals> = {
    name: 'read_goals',
    group: 'memory',
    version: 1,
    description: 'Reads what you are for: your purpose, and its goals with the goals below them.',
    input: ReadGoals,
    risk: 'low',
    effect: 'read',
    reversible: true,
    timeoutMs: 5_000,
    async execute() {
      const now = purpose();
      const goals = goalsOf(now).map(({ name, goal, parent, level }) => {
        const serves = parent === undefined ? '' : ` (serves ${parent})`;
        return `${'  '.repeat(level)}- ${name}: ${goal}${serves}`;
      });
      return { status: 'ok', text: [now.purpose.trim(), ...goals].join('\n') };
    },
  };
  // The list of tools holds tools of different inputs, each checked by its own schema first.
  return tool as unknown as Tool;
}
