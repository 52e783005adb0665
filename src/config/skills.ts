/** `skills` of `settings.yaml`: which skills there are, how they are found, and how much of them is shown. */
import { parse, resolve } from 'node:path';
import { z } from 'zod';
import { duration } from './duration.ts';

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

const Folder = z
  .string()
  .min(1)
  .refine((folder) => resolve(folder) !== parse(resolve(folder)).root, {
    error: 'must be a folder of skills, not everything on this machine',
  });

/** As `sha256sum` prints it. */
const Sha256 = z
  .string()
  .regex(/^[0-9a-f]{64}$/, 'must be 64 of the characters 0-9 and a-f, as `sha256sum SKILL.md` prints them');

const SkillEntry = z.strictObject({
  enabled: z.boolean().default(true).describe('false: this skill is not used.'),
  hash: Sha256.optional().describe(
    'SHA-256 of the SKILL.md of a third party (managed, extra) as somebody has read it. Changed, it is not used until it was read again.',
  ),
  scripts_hash: Sha256.optional().describe(
    'SHA-256 of everything in its folder as somebody has read it, as `signalbox skills show` prints it. Without it no script of a third party is run.',
  ),
});

/** How much one run of a script may use. */
export const ScriptSettings = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe('true: scripts of skills can be run, where bubblewrap works (Linux).'),
  timeout: duration({ min: '1s', max: '10m' }).prefault('30s').describe('Longest run.'),
  cpu_time: duration({ min: '1s', max: '10m' })
    .prefault('20s')
    .describe('Most time of a processor that each of its processes uses, in whole seconds.'),
  max_memory_bytes: z
    .int()
    .min(32_000_000)
    .max(8_000_000_000)
    .default(256_000_000)
    .describe('Most memory of each of its processes.'),
  max_disk_bytes: z
    .int()
    .min(1_000_000)
    .max(1_000_000_000)
    .default(32_000_000)
    .describe('Most it writes; gone when it ends.'),
  max_processes: z.int().min(4).max(256).default(32).describe('Most processes and threads at the same time.'),
  max_output_bytes: z
    .int()
    .min(1_000)
    .max(4_000_000)
    .default(400_000)
    .describe('Most it says; beyond it, it is stopped.'),
  at_once: z.int().min(1).max(16).default(2).describe('Scripts that run at the same time; others wait.'),
});
export type ScriptSettings = z.infer<typeof ScriptSettings>;

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
  scripts: ScriptSettings.prefault({}).describe('Programs that skills bring along.'),
  entries: z.record(SkillName, SkillEntry).default({}).describe('Single skills, by name.'),
});
export type SkillSettings = z.infer<typeof SkillSettings>;
