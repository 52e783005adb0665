/** `settings.yaml`, section `prompt`: what the agent is told about this place, and in how many words. */
import { z } from 'zod';
import { PromptMode } from '../domain/directive.ts';
import { TimeZoneName } from './hours.ts';

/** Longest text of one section, in characters: it is read again with each turn. */
const MAX_SECTION_CHARS = 20_000;

const Switch = z
  .strictObject({ enabled: z.boolean().default(true).describe('false: left out.') })
  .prefault({});

export const ExtraSection = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]{0,31}$/, 'capitals, digits and _, such as TONE')
    .describe('In capitals, such as `TONE`; not one of the ten there are.'),
  priority: z
    .int()
    .min(0)
    .max(200)
    .default(20)
    .describe('Its place, higher first. Above 50 it belongs to what is cached from turn to turn.'),
  min_mode: z
    .enum(['minimal', 'full'])
    .default('full')
    .describe('minimal: said even where the instructions are kept short.'),
  enabled: z.boolean().default(true).describe('false: left out.'),
  text: z.string().min(1).max(MAX_SECTION_CHARS).describe('What the agent is told.'),
});
export type ExtraSection = z.infer<typeof ExtraSection>;

/** Of the ten, those that can be left out: never who the agent is, and never what keeps people safe. */
export const OPTIONAL_SECTIONS = [
  'CONTEXT',
  'FORMATTING',
  'LANGUAGE',
  'TOOLS',
  'SKILLS',
  'MEMORY',
  'REASONING',
  'CUSTOM',
] as const;

const TAKEN: ReadonlySet<string> = new Set([...OPTIONAL_SECTIONS, 'IDENTITY', 'SECURITY']);

export const PromptSettings = z.strictObject({
  mode: PromptMode.default('full').describe(
    'Where a message says nothing else. full: all sections. minimal: who the agent is, what keeps people safe, the language. none: the first two.',
  ),
  time_zone: TimeZoneName.optional().describe(
    'In which the agent is told the time. Left out: that of the machine.',
  ),
  sections: z
    .strictObject({
      context: Switch.describe('Where the agent is, and what time it is.'),
      formatting: Switch.describe('How answers are to read.'),
      language: Switch.describe('In which language it answers.'),
      tools: Switch.describe('Which kinds of tools it has. What a tool is and takes is told in any case.'),
      skills: Switch.describe('The skills that fit.'),
      memory: Switch.describe('What is remembered of the person and the conversation.'),
      reasoning: Switch.describe('What `/think`, `/verbose` and `/reasoning` ask for.'),
      custom: Switch.describe('`instructions`.'),
    })
    .prefault({})
    .describe('Which of the sections are said.'),
  instructions: z
    .string()
    .min(1)
    .max(MAX_SECTION_CHARS)
    .optional()
    .describe('What else the agent is to keep to.'),
  extra: z
    .array(ExtraSection)
    .max(20)
    .default([])
    .superRefine((sections, context) => {
      for (const [at, { name }] of sections.entries()) {
        const isTaken = TAKEN.has(name) || sections.findIndex((each) => each.name === name) < at;
        if (isTaken) {
          context.addIssue({
            code: 'custom',
            path: [at, 'name'],
            message: `${name} is taken; choose another name`,
          });
        }
      }
    })
    .describe('Further sections, with your own words.'),
});
export type PromptSettings = z.infer<typeof PromptSettings>;
