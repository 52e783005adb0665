/** `purpose.yaml`: what the agent is for and how it speaks. */
import { z } from 'zod';

const GoalFields = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9-]{0,39}$/, 'a goal is called by lower-case letters, digits and hyphens')
    .describe('What it is called; no other goal has the name.'),
  goal: z.string().min(1).max(500).describe('What is to be reached, in one sentence.'),
});

const SubGoal = GoalFields.extend({
  goals: z.array(GoalFields).default([]).describe('What it takes to reach it.'),
});

const Goal = GoalFields.extend({
  goals: z.array(SubGoal).default([]).describe('What it takes to reach it.'),
});

export const Purpose = z
  .strictObject({
    name: z.string().min(1).max(80).describe('What the agent is called and answers to.'),
    purpose: z
      .string()
      .min(1)
      .describe('What the agent is for, in a few sentences. Begins its instructions.'),
    goals: z
      .array(Goal)
      .default([])
      .superRefine((goals, context) => {
        const names = namesIn(goals);
        const twice = names.find((name, index) => names.indexOf(name) !== index);
        if (twice !== undefined) {
          context.addIssue({
            code: 'custom',
            message: `names that are not taken: two goals are called ${twice}`,
          });
        }
      })
      .describe('What it is to reach, on up to three levels.'),
    principles: z
      .array(z.string().min(1))
      .default([])
      .describe('What it always keeps to, one sentence each.'),
    answer_style: z.string().min(1).optional().describe('How answers should read: length, tone, form.'),
    language: z
      .string()
      .min(2)
      .optional()
      .describe(
        'Language of the answers, e.g. `en` or `German`. Left out: the language of the person asking.',
      ),
  })
  .describe('What the agent is for.');
export type Purpose = z.infer<typeof Purpose>;

/** A goal, on its own. */
export interface PlacedGoal {
  readonly name: string;
  readonly goal: string;
  /** The goal it serves; undefined on the first level. */
  readonly parent: string | undefined;
  /** From 0. */
  readonly level: number;
}

interface GoalTree {
  readonly name: string;
  readonly goal: string;
  readonly goals?: readonly GoalTree[];
}

/** Every goal, each before those that serve it. */
export function goalsOf({ goals }: Pick<Purpose, 'goals'>): PlacedGoal[] {
  return placed(goals, undefined, 0);
}

function placed(trees: readonly GoalTree[], parent: string | undefined, level: number): PlacedGoal[] {
  return trees.flatMap(({ name, goal, goals = [] }) => [
    { name, goal, parent, level },
    ...placed(goals, name, level + 1),
  ]);
}

function namesIn(trees: readonly GoalTree[]): string[] {
  return trees.flatMap(({ name, goals = [] }) => [name, ...namesIn(goals)]);
}
