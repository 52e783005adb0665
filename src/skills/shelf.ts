/**
 * Which of all skills can be used, and what became of each that cannot. Pure.
 *
 * Invariants
 *   1. Of one name one skill is used: that of the highest source; in one source the first by path.
 *   2. One that cannot be used hides those below it, so that nothing runs its owner has replaced, unless
 *      `skills.fall_back` says otherwise. What nobody here has read hides nothing.
 *   3. A skill is used only with all skills it requires; they stand before it.
 */
import semver from 'semver';
import type { SkillSettings } from '../config/skills.ts';
import { type Host, type Lack, lacksOf } from './eligibility.ts';
import { isReadable, isThirdParty, SKILL_SOURCES, type Skill, type SkillFile } from './skill.ts';

export interface Shelf {
  /** What can be used, by name: what is required first, then by source, lowest first. */
  readonly active: ReadonlyMap<string, Skill>;
  /** Every file, and what became of it; of one name the one that counts most first. */
  readonly standings: readonly Standing[];
}

export type Standing = { readonly file: SkillFile } & (
  | { readonly kind: 'active' }
  /** Another of its name counts more. */
  | { readonly kind: 'shadowed'; readonly by: SkillFile }
  | { readonly kind: 'ineligible'; readonly lacks: readonly Lack[] }
);

export const EMPTY_SHELF: Shelf = { active: new Map(), standings: [] };

export function toShelf(files: readonly SkillFile[], host: Host, settings: SkillSettings): Shelf {
  const judged = [...byId(files).values()].flatMap((named) => judge(named, host, settings));
  const winners = judged.filter((standing) => standing.kind === 'active').map(({ file }) => file);
  const bonds = new Bonds(winners.filter(isReadable), judged);
  const active = new Map<string, Skill>();
  for (const skill of winners.filter(isReadable).toSorted(byLoading)) bonds.place(skill, active);
  return {
    active,
    standings: judged.map((standing): Standing => {
      const lack = standing.kind === 'active' ? bonds.lackOf(standing.file.id) : undefined;
      return lack ? { kind: 'ineligible', file: standing.file, lacks: [lack] } : standing;
    }),
  };
}

/** A skill with everything it requires, that first. */
export function withRequired(skill: Skill, active: ReadonlyMap<string, Skill>): Skill[] {
  const gathered = new Set<Skill>();
  const gather = (each: Skill): void => {
    for (const { id } of each.reading.head.requires.skills) {
      const needed = active.get(id);
      if (needed && !gathered.has(needed)) gather(needed);
    }
    gathered.add(each);
  };
  gather(skill);
  return [...gathered];
}

function byId(files: readonly SkillFile[]): Map<string, SkillFile[]> {
  const named = new Map<string, SkillFile[]>();
  const ranked = files.toSorted((a, b) => SKILL_SOURCES[b.source] - SKILL_SOURCES[a.source]);
  for (const file of ranked) named.set(file.id, [...(named.get(file.id) ?? []), file]);
  return named;
}

/** `named` share a name; the one that counts most comes first. */
function judge(named: readonly SkillFile[], host: Host, settings: SkillSettings): Standing[] {
  let by: SkillFile | undefined;
  return named.map((file): Standing => {
    if (by) return { kind: 'shadowed', file, by };
    const lacks = isReadable(file) ? lacksOf(file, host, settings) : [brokenLack(file)];
    if (lacks.length === 0 || (!settings.fall_back && !isUnread(file, lacks))) by = file;
    return lacks.length === 0 ? { kind: 'active', file } : { kind: 'ineligible', file, lacks };
  });
}

/** What others wrote and what cannot be read by the gateway, nobody can have agreed to as a skill. */
function isUnread(file: SkillFile, lacks: readonly Lack[]): boolean {
  if (isThirdParty(file) && !isReadable(file)) return true;
  return lacks.some(({ code }) => code === 'NOT_PINNED' || code === 'CONTENT_CHANGED');
}

function brokenLack({ path, reading }: SkillFile): Lack {
  const why = reading.kind === 'broken' ? reading.why : '';
  return { code: 'INVALID', missing: path, message: `It cannot be used: ${why}.` };
}

function byLoading(a: Skill, b: Skill): number {
  return SKILL_SOURCES[a.source] - SKILL_SOURCES[b.source] || (a.id < b.id ? -1 : 1);
}

/** What skills require of each other. */
class Bonds {
  readonly #skills: ReadonlyMap<string, Skill>;
  readonly #lacks = new Map<string, Lack | undefined>();

  constructor(
    skills: readonly Skill[],
    private readonly judged: readonly Standing[],
  ) {
    this.#skills = new Map(skills.map((skill) => [skill.id, skill]));
  }

  lackOf(id: string): Lack | undefined {
    return this.#lacks.get(id);
  }

  /** Puts a skill where it can be used, behind those it requires; keeps what is missing otherwise. */
  place(skill: Skill, active: Map<string, Skill>, way: readonly string[] = []): void {
    if (this.#lacks.has(skill.id)) return;
    const circle = circleIn(way, skill.id);
    if (circle) {
      for (const id of circle) this.#lacks.set(id, cyclicLack(circle));
      return;
    }
    for (const { id } of skill.reading.head.requires.skills) {
      const needed = this.#skills.get(id);
      if (needed) this.place(needed, active, [...way, skill.id]);
    }
    if (this.#lacks.has(skill.id)) return; // found to be part of a circle on the way
    const lack = this.#missingFor(skill);
    this.#lacks.set(skill.id, lack);
    if (!lack) active.set(skill.id, skill);
  }

  #missingFor(skill: Skill): Lack | undefined {
    for (const { id, range } of skill.reading.head.requires.skills) {
      const needed = this.#skills.get(id);
      if (!needed || this.#lacks.get(id)) {
        return {
          code: 'MISSING_SKILL',
          missing: id,
          message: `It requires the skill ${id}, ${this.#whyNot(id)}.`,
        };
      }
      const { version } = needed.reading.head;
      if (!semver.satisfies(version, range, { includePrerelease: true })) {
        const message = `It requires the skill ${id} ${range}; there is ${version}.`;
        return { code: 'SKILL_INCOMPATIBLE', missing: `${id} ${range}`, message };
      }
    }
    return undefined;
  }

  #whyNot(id: string): string {
    const standing = this.judged.find(({ file }) => file.id === id);
    if (!standing) return 'which is not there';
    const code = standing.kind === 'ineligible' ? standing.lacks[0]?.code : this.#lacks.get(id)?.code;
    return `which cannot be used itself (${code ?? 'shadowed'})`;
  }
}

/** The part of the way that leads back to where it began. */
function circleIn(way: readonly string[], id: string): readonly string[] | undefined {
  const begin = way.indexOf(id);
  return begin === -1 ? undefined : way.slice(begin);
}

function cyclicLack(circle: readonly string[]): Lack {
  const round = [...circle, circle[0] ?? ''].join(' → ');
  return { code: 'CYCLIC_SKILLS', missing: round, message: `It requires itself in the end: ${round}.` };
}
