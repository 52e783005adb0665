/** What a skill is: instructions for a kind of task, known by their head until they are needed. */
import type { HeadReading } from './front-matter.ts';

/** Where a skill can come from. Of one name, that of the highest number counts. */
export const SKILL_SOURCES = { extra: 0, bundled: 1, managed: 2, workspace: 3 } as const;
export type SkillSource = keyof typeof SKILL_SOURCES;

/** Not ours and not the owner's: nobody here has read them yet. */
const THIRD_PARTY: ReadonlySet<SkillSource> = new Set(['extra', 'managed']);

/** A file that is, or was meant to be, a skill. */
export interface SkillFile {
  /** Of the head; of the folder where the head cannot be read. */
  readonly id: string;
  readonly source: SkillSource;
  readonly path: string;
  /** Changes whenever the file does. */
  readonly stamp: string;
  readonly bytes: number;
  /** Of the whole file, in hex; of third parties only. */
  readonly sha256: string | undefined;
  readonly reading: HeadReading;
}

/** A skill whose head could be read. */
export interface Skill extends SkillFile {
  readonly reading: Extract<HeadReading, { kind: 'read' }>;
}

export function isReadable(file: SkillFile): file is Skill {
  return file.reading.kind === 'read';
}

export function isThirdParty({ source }: Pick<SkillFile, 'source'>): boolean {
  return THIRD_PARTY.has(source);
}

/** `refund-policy 1.2.0`: what was used, for logs and the audit. */
export function labelOf({ reading: { head } }: Skill): string {
  return `${head.id} ${head.version}`;
}
