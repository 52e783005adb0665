/** `skills` of `settings.yaml`: which skills there are, how they are found, and how much of them is shown. */
import { z } from 'zod';

/** How skills are matched to what somebody wrote; each has its file in `src/skills`. */
export const MatcherName = z.enum(['keyword', 'scored']);
export type MatcherName = z.infer<typeof MatcherName>;

/** As the Agent Skills format writes names (agentskills.io, "Specification", name). */
export const SkillName = z
  .string()
  .regex(
    /^[a-z0-9]+(?:-[a-z0-9]+)*$/,
    'a skill is lower-case letters, digits and single hyphens between them',
  );

const Folder = z.string().min(1);

const SkillEntry = z.strictObject({
  enabled: z.boolean().default(true).describe('false: this skill is not used.'),
  hash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be 64 of the characters 0-9 and a-f, as `sha256sum SKILL.md` prints them')
    .optional()
    .describe(
      'SHA-256 of its SKILL.md as somebody has read it. Changed, it is not used until it was read again.',
    ),
});

export const SkillSettings = z.strictObject({
  enabled: z.boolean().default(true).describe('false: the agent uses no skill.'),
  matcher: MatcherName.default('keyword').describe(
    'keyword: a word or phrase of the skill is in the message. scored: also words of its description, weighed; catches other endings and typing errors.',
  ),
  most: z.int().min(1).max(10).default(3).describe('Most skills for one message.'),
  max_chars: z
    .int()
    .min(1_000)
    .max(200_000)
    .default(40_000)
    .describe('Most text of skills with one message, in characters. A skill is shown whole or not at all.'),
  workspace: Folder.default('workspace/skills').describe(
    'Your own. They take the place of all others of their name.',
  ),
  managed: Folder.default('data/skills').describe('What another program keeps up to date.'),
  extra: z
    .array(Folder)
    .default([])
    .describe('Further folders. Every other skill of the same name counts more.'),
  third_party: z
    .enum(['pinned', 'any'])
    .default('pinned')
    .describe(
      'pinned: what is in `managed` and `extra` is used when its hash stands under `entries`. any: as it is.',
    ),
  fall_back: z
    .boolean()
    .default(false)
    .describe('true: where a skill cannot be used, the one of the same name below it is.'),
  flags: z.array(z.string().min(1)).default([]).describe('Switches that skills may require.'),
  entries: z.record(SkillName, SkillEntry).default({}).describe('Single skills, by name.'),
});
export type SkillSettings = z.infer<typeof SkillSettings>;
