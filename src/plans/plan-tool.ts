/**
 * The tool by which the agent asks for several calls as one: `run_plan`.
 *
 * Invariants
 *   1. What is agreed to is exactly these steps: tool, version and arguments of each are part of the digest, and each is
 *      checked by its own tool's schema when it is proposed and again before it runs.
 *   2. A step is a call that could be held alone. What belongs to a turn, and another plan, is no step.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { previewOf, type RequestPreview } from '../agent/preview.ts';
import { riskOf } from '../agent/tools/compound-call.ts';
import { factText } from '../approvals/sentences.ts';
import { FutileCallError } from '../domain/errors.ts';
import { FEWEST_STEPS, MOST_STEPS } from '../domain/saga.ts';
import {
  groupsOf,
  type PlannedCall,
  type Preview,
  type Tool,
  type ToolContext,
  type ToolOutput,
} from '../domain/tool.ts';

export const RUN_PLAN = 'run_plan';

/** What profiles and lists know the tool by. */
export const PLAN_CLASS = { name: RUN_PLAN, group: 'system', family: 'plans' } as const;

/** The tool and its groups, as rules name them. */
export const PLAN = { tool: RUN_PLAN, groups: groupsOf(PLAN_CLASS) };

/** Longer than ten steps and all their further tries take, in ms; each step has a limit of its own. */
const PLAN_TIMEOUT_MS = 60 * 60_000;
/** Longest basis kept in the open; `MAX_BASIS_CHARS` of agent/preview.ts would cut a longer one. */
const MOST_BASIS_CHARS = 500;

/** A plan as it is carried out. */
export interface Plan {
  readonly title: string;
  readonly calls: readonly PlannedCall[];
}

/** Carries plans out. */
export interface PlanRunner {
  /** What it tells is trusted no further than the least of what its steps told. */
  run(plan: Plan, context: ToolContext): Promise<ToolOutput>;
}

/**
 * @param tools all others there are; those that cannot be steps are left out
 * @returns the one tool; none where there is nothing to make a plan of
 */
export function createPlanTools(tools: readonly Tool[], runner: PlanRunner): Tool[] {
  const steps = new Map(tools.filter(isStep).map((tool) => [tool.name, tool]));
  return steps.size === 0 ? [] : [planTool(steps, runner)];
}

function planTool(tools: ReadonlyMap<string, Tool>, runner: PlanRunner): Tool<PlanInput> {
  const names = [...tools.keys()].toSorted();
  const toPlan = ({ title, steps }: z.output<PlanInput>): Plan => ({
    title,
    calls: steps.flatMap(({ tool: name, arguments: args }) => {
      const tool = tools.get(name);
      return tool ? [{ tool, args }] : [];
    }),
  });
  return {
    ...PLAN_CLASS,
    version: 1,
    description:
      `Runs ${FEWEST_STEPS} to ${MOST_STEPS} calls that belong together, one after the other, agreed to as one. When a ` +
      'step fails, those before it are undone in reverse, where they can be. Use it when some of the calls without the ' +
      `others would do harm; call a tool by itself otherwise. Steps can be: ${names.join(', ')}.`,
    input: planInput(tools),
    risk: 'low',
    effect: 'idempotent',
    reversible: true,
    timeoutMs: PLAN_TIMEOUT_MS,
    calls: (input) => toPlan(input).calls,
    withWords: (input, toSay) => ({
      ...input,
      steps: input.steps.map((step) => {
        const args = tools.get(step.tool)?.withWords?.(step.arguments, toSay);
        return args === undefined ? step : { ...step, arguments: args };
      }),
    }),
    preview: (input, context) => previewPlan(toPlan(input), context),
    execute: (input, context) => runner.run(toPlan(input), context),
  };
}

function isStep({ calls, inTurn, isAskedAlone }: Tool): boolean {
  return calls === undefined && inTurn !== true && isAskedAlone !== true;
}

type PlanInput = ReturnType<typeof planInput>;

function planInput(tools: ReadonlyMap<string, Tool>) {
  return z.strictObject({
    title: z.string().trim().min(1).max(120).describe('What it is for, in a few words.'),
    steps: z
      .array(planStep(tools))
      .min(FEWEST_STEPS)
      .max(MOST_STEPS)
      .describe('Run in this order. No step sees what came of those before it.'),
  });
}

function planStep(tools: ReadonlyMap<string, Tool>) {
  return z
    .strictObject({
      tool: z.string().describe('The name of a tool.'),
      arguments: z.record(z.string(), z.unknown()).describe('As that tool takes them.'),
      version: z.int().optional().describe('Leave it out: it is filled in.'),
    })
    .transform((step, context) => {
      const tool = tools.get(step.tool);
      if (!tool) {
        context.addIssue({ code: 'custom', message: noStep(step.tool, tools), path: ['tool'] });
        return z.NEVER;
      }
      if (step.version !== undefined && step.version !== tool.version) {
        context.addIssue({
          code: 'custom',
          message: `${tool.name} is not the tool any more that was agreed to`,
          path: ['version'],
        });
        return z.NEVER;
      }
      const args = tool.input.safeParse(step.arguments);
      if (args.success) return { tool: tool.name, arguments: args.data, version: tool.version };
      for (const { message, path } of args.error.issues) {
        context.addIssue({ code: 'custom', message, path: ['arguments', ...path] });
      }
      return z.NEVER;
    });
}

function noStep(name: string, tools: ReadonlyMap<string, Tool>): string {
  return name === RUN_PLAN
    ? 'a plan cannot be a step of a plan'
    : `${name} cannot be a step; these can: ${[...tools.keys()].toSorted().join(', ')}`;
}

// ── What people are shown ────────────────────────────────────────────────────────────────────────────────────

/** @throws {FutileCallError} when one of the steps cannot work as things are */
async function previewPlan(
  { title, calls }: Plan,
  context: Omit<ToolContext, 'idempotencyKey'>,
): Promise<Preview> {
  const previews = await Promise.all(calls.map((call, index) => previewStep(call, index, context)));
  const names = calls.map(({ tool }) => tool.name).join(', ');
  const problems = previews.flatMap((preview, index) =>
    preview?.problem === undefined
      ? []
      : [`step ${index + 1} (${calls[index]?.tool.name}): ${preview.problem}`],
  );
  return {
    changes: previews.flatMap((preview, index) =>
      (preview?.changes ?? []).map(({ label, before, after }) => ({
        label: `${index + 1}. ${label}`,
        ...(before === undefined ? {} : { before }),
        after,
      })),
    ),
    basis: basisOf(previews),
    ...(problems.length > 0 ? { problem: problems.join('; ') } : {}),
    told: {
      title: `${calls.length} steps: ${names}`,
      facts: [
        { label: 'called, by the agent', value: title },
        {
          label: 'how it runs',
          value: 'one step after the other; when one fails, those before it are undone, the last first',
        },
        ...calls.map((call, index) => ({ label: `${index + 1}. ${call.tool.name}`, value: stepText(call) })),
      ],
    },
  };
}

async function previewStep(
  { tool, args }: PlannedCall,
  index: number,
  context: Omit<ToolContext, 'idempotencyKey'>,
): Promise<RequestPreview | undefined> {
  try {
    return await previewOf(tool, args, context);
  } catch (error) {
    if (!(error instanceof FutileCallError)) throw error;
    const trust = error.trust ?? tool.tells ?? 'outsider';
    throw new FutileCallError(`step ${index + 1} (${tool.name}): ${error.why}`, { cause: error, trust });
  }
}

function stepText({ tool, args }: PlannedCall): string {
  const words = factText(args);
  return `${words === '' ? 'no arguments' : words} — risk: ${riskOf(tool, args)} — ${undoText({ tool, args })}`;
}

/** That a plan undoes a step while it runs does not make the step one that can be undone afterwards. */
function undoText({ tool, args }: PlannedCall): string {
  if (tool.effect === 'read') return 'it changes nothing';
  if (tool.compensation) return `if a later step fails, undone by: ${tool.compensation.describe(args)}`;
  return tool.reversible ? 'NOT UNDONE if a later step fails' : 'CANNOT BE UNDONE';
}

/** The same as long as it is the same for every step. */
function basisOf(previews: readonly (RequestPreview | undefined)[]): string {
  const basis = previews
    .flatMap((preview, index) =>
      preview?.basis === undefined ? [] : [`${index + 1}. ${preview.basis}${preview.basisHash ?? ''}`],
    )
    .join('; ');
  if (basis.length <= MOST_BASIS_CHARS) return basis;
  return createHash('sha256').update(basis).digest('base64url');
}
