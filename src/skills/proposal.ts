/**
 * A skill as the agent proposes it, and the file it becomes. Pure.
 *
 * Invariants
 *   1. The file is made of the proposal and the version it replaces alone, so that what is written is what was shown.
 *   2. A proposal says nothing a reader does not see, and carries no requirement and no limit but its tools: one that
 *      has others is changed by a person.
 *   3. Tools of a skill become fewer, never more.
 */
import semver from 'semver';
import { stringify } from 'yaml';
import { z } from 'zod';
import { type MatcherName, SkillName } from '../config/skills.ts';
import { dropHidden } from '../domain/hidden-characters.ts';
import { FIRST_VERSION, readHead, type SkillHead, splitSkill } from './front-matter.ts';
import { createMatcher } from './matchers.ts';
import type { Skill } from './skill.ts';
import { MeasureName } from './turn-measure.ts';
import { wordsOf } from './words.ts';

/** Agent Skills, "Specification", name. */
const MAX_NAME_CHARS = 64;
/** Shorter than the format allows: a human reads all of it. */
const MAX_DESCRIPTION_CHARS = 500;
/** Longest page, in characters: somebody reads it to the end before they say yes. */
export const MAX_BODY_CHARS = 8_000;
const MAX_PATTERN_CHARS = 400;
const MOST_KEYWORDS = 20;
const MAX_KEYWORD_CHARS = 60;
const MOST_TOOLS = 20;

const plain = (most: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(most)
    .refine((text) => dropHidden(text) === text, 'must have no characters that a reader does not see');
const line = (most: number) => plain(most).regex(/^[^\n]*$/, 'must be one line');

export const Proposal = z.strictObject({
  name: SkillName.max(MAX_NAME_CHARS).describe(
    'What it is called. The name of a skill of this workspace: that one is replaced.',
  ),
  description: line(MAX_DESCRIPTION_CHARS).describe('What it is for and when to use it.'),
  keywords: z
    .array(
      line(MAX_KEYWORD_CHARS)
        .regex(/^[^,]*$/, 'must have no comma')
        .refine((text) => wordsOf(text).length > 0, 'must have a word in it'),
    )
    .min(1)
    .max(MOST_KEYWORDS)
    .describe('Words and phrases that people write when they need it.'),
  body: plain(MAX_BODY_CHARS).describe(
    'The page itself, in Markdown: what to do, in which order, what not to do.',
  ),
  allowed_tools: z
    .array(z.string().regex(/^[a-z][a-z0-9_]*$/, 'must be the name of a tool'))
    .min(1)
    .max(MOST_TOOLS)
    .optional()
    .describe('The only tools that may be used while it is shown. Gives none. Leave out for all a turn has.'),
  pattern: line(MAX_PATTERN_CHARS).describe(
    'What you saw again and again that led to it, in one or two sentences.',
  ),
  measure: MeasureName.describe('What it is to lower; counted before and after.'),
  overrides: z
    .enum(['bundled', 'managed', 'extra'])
    .optional()
    .describe('Only if a skill of this name came from there, and this one is to take its place.'),
});
export type Proposal = z.infer<typeof Proposal>;

/** The whole SKILL.md. */
export function toSkillText(proposal: Proposal, version: string): string {
  const { name, description, keywords, allowed_tools, body } = proposal;
  const head = {
    name,
    description,
    version,
    keywords,
    ...(allowed_tools ? { 'allowed-tools': allowed_tools } : {}),
  };
  return `---\n${stringify(head, { lineWidth: 0 })}---\n\n${body}\n`;
}

/** @param replaced version of the one it takes the place of; undefined for a new one */
export function versionAfter(replaced: string | undefined): string {
  return replaced === undefined ? FIRST_VERSION : (semver.inc(replaced, 'minor') ?? FIRST_VERSION);
}

/** Why a proposal must not take the place of a skill, as a part of a sentence; undefined when it may. */
export function whyNotOver(proposal: Proposal, head: SkillHead): string | undefined {
  const { requires, allowedChannels, deniedChannels, allowedTools } = head;
  const { signalbox, ...lists } = requires;
  const requiresMore = signalbox !== undefined || Object.values(lists).some((list) => list.length > 0);
  if (requiresMore || allowedChannels !== undefined || deniedChannels.length > 0) {
    return `the skill ${proposal.name} says what it requires, or where it may be used, and that would be lost; a person has to change it`;
  }
  if (allowedTools === undefined) return undefined;
  const wanted = proposal.allowed_tools;
  const wider = wanted === undefined ? ['all'] : wanted.filter((tool) => !allowedTools.includes(tool));
  if (wider.length === 0) return undefined;
  return `the skill ${proposal.name} may use only ${allowedTools.join(', ') || 'no tool'}, and this one would have more: ${wider.join(', ')}`;
}

/** Why what was written would not be read as it is meant; undefined when it is. */
export function misreadOf(proposal: Proposal, text: string): string | undefined {
  const split = splitSkill(text);
  const reading = split && readHead(split.yaml, proposal.name);
  if (reading?.kind !== 'read') return reading?.why ?? 'it would have no head';
  return reading.remarks[0];
}

/** What a message is found by, of a skill that may not be there any more. */
export type Called = Pick<Proposal, 'name' | 'description' | 'keywords'>;

/** Whether a text calls for it, as the matcher reads it. */
export function callsFor(called: Called, matcher: MatcherName): (text: string) => boolean {
  const reading = readHead(stringify(called), called.name);
  if (reading.kind !== 'read') return () => false;
  const skill: Skill = {
    id: called.name,
    source: 'workspace',
    path: called.name,
    stamp: '',
    bytes: 0,
    sha256: undefined,
    reading,
  };
  const match = createMatcher(matcher, [skill]);
  return (text) => match(text).length > 0;
}
