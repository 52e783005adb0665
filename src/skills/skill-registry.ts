/**
 * The skills of this gateway, as they are now.
 *
 * Owns      which skills there are, noticing that their files changed, and the bodies that were read.
 * Not here  what of them can be used (`shelf.ts`), how they are found (`matchers.ts`), how the model is shown them
 *           (`agent/prompt/skills-section.ts`).
 *
 *   message ─▶ match ─▶ read the whole of what fits, within the budget ─▶ the turn's instructions and tools
 *
 * The folders are looked at again and again rather than watched, as the configuration is, for the same reason.
 *
 * Invariants
 *   1. Everybody sees one whole set of skills: a change is built aside and takes the place of the set before; if the
 *      folders cannot be read, that set stays.
 *   2. A skill is shown as its file is at that moment, and only together with the head of the same file.
 *   3. A skill is shown whole or not at all; what is left out is named.
 *   4. Skills take tools from a turn and never give it one: of several that name theirs, what all of them name is left.
 *   5. Nothing about a skill keeps a message from being answered.
 */
import type { SkillSettings } from '../config/skills.ts';
import type { Tool } from '../domain/tool.ts';
import type { Logger } from '../observability/logger.ts';
import type { Host } from './eligibility.ts';
import { splitSkill } from './front-matter.ts';
import type { Match, Matcher } from './matcher.ts';
import { createMatcher } from './matchers.ts';
import { readPlainFile } from './plain-file.ts';
import { EMPTY_SHELF, type Shelf, type Standing, toShelf, withRequired } from './shelf.ts';
import { isThirdParty, labelOf, SKILL_SOURCES, type Skill, type SkillFile } from './skill.ts';
import {
  type FoundFile,
  foldersOf,
  MAX_SKILL_BYTES,
  readSkillFile,
  sha256Of,
  stampOf,
} from './skill-folders.ts';
import { findSkillFiles } from './skill-walk.ts';

/** Time between two looks for files that came, went or changed. */
const LOOK_MS = 2_000;

export interface RegistryOptions {
  /** Those in force at the moment of the call; another object when they changed. */
  readonly settings: () => SkillSettings;
  /** Asked whenever something about the skills changed. */
  readonly host: () => Host;
  /** Where the skills are that come with Signalbox, if elsewhere. */
  readonly bundled?: string;
  readonly log: Logger;
}

/** What a look at the folders came to; refused: they cannot be read, and the skills before stay in force. */
export type Reloading =
  | { readonly kind: 'changed' }
  | { readonly kind: 'unchanged' }
  | { readonly kind: 'refused'; readonly error: Error };

/** A skill as a turn is shown it. */
export interface GivenSkill {
  readonly name: string;
  /** `refund-policy 1.2.0` */
  readonly label: string;
  readonly body: string;
  /** It came from others, and nobody here has said that they read it. */
  readonly isUnread?: true;
}

export interface LeftOut {
  readonly name: string;
  /** A part of a sentence: `there was no room for it`. */
  readonly why: string;
}

/** What one message gets of the skills. */
export interface ChosenSkills {
  /** In the order of their rank, what a skill requires before it. */
  readonly given: readonly GivenSkill[];
  /** Fitted, and are not shown all the same. */
  readonly leftOut: readonly LeftOut[];
  /** The only tools the turn may use; undefined: no skill says. */
  readonly tools: ReadonlySet<string> | undefined;
  /** The tool that runs scripts, for those of the given skills; absent where there are none that can be run. */
  readonly scriptTool?: Tool;
}

export const NO_SKILLS: ChosenSkills = { given: [], leftOut: [], tools: undefined };

/** What the present files and settings come to. */
interface View {
  readonly files: readonly SkillFile[];
  readonly settings: SkillSettings;
  readonly shelf: Shelf;
  readonly match: Matcher;
}

export class SkillRegistry {
  readonly name = 'skills';
  #files: readonly SkillFile[] = [];
  #view: View | undefined;
  /** Of files as they are now, by path. */
  readonly #bodies = new Map<string, { readonly stamp: string; readonly body: string }>();
  /** Why the folders could not be read when they were looked at last. */
  #refused: string | undefined;
  #looking: NodeJS.Timeout | undefined;
  #isLooking = false;
  #reloading: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: RegistryOptions) {}

  /** Reads the heads of all skills, and goes on looking for changes. */
  async start(): Promise<void> {
    if (this.#looking !== undefined) return;
    await this.reload();
    this.#looking = setInterval(() => void this.#look(), LOOK_MS);
    this.#looking.unref();
  }

  async stop(): Promise<void> {
    clearInterval(this.#looking);
    this.#looking = undefined;
    await this.#reloading;
  }

  /** Looks now. Never rejects: what cannot be read changes nothing. */
  reload(): Promise<Reloading> {
    const outcome = this.#reloading.then(() => this.#reload());
    this.#reloading = outcome;
    return outcome;
  }

  /** Everything there is, and what can be used of it. */
  shelf(): Shelf {
    return this.#current().shelf;
  }

  /** The active skills a text calls for, best first; all of them, whether there is room or not. */
  match(text: string, platform: string): readonly Match[] {
    const { match, settings } = this.#current();
    return settings.enabled ? match(text).filter(({ skill }) => isFor(skill, platform)) : [];
  }

  /**
   * What a turn about this text is given.
   *
   * @param platform where it was written, such as `slack`
   */
  async choose(text: string, platform: string): Promise<ChosenSkills> {
    try {
      const fresh = await this.#choose(text, platform);
      if (fresh) return fresh;
      await this.reload();
      return (await this.#choose(text, platform)) ?? NO_SKILLS;
    } catch (error) {
      this.options.log.error({ err: error }, 'the skills could not be read; this turn goes without');
      return NO_SKILLS;
    }
  }

  /** The whole of one skill, as its file is now. @throws when it cannot be read */
  async body(skill: Skill): Promise<string> {
    const kept = this.#bodies.get(skill.path);
    if (kept?.stamp === skill.stamp) return kept.body;
    const content = readPlainFile(skill.path, MAX_SKILL_BYTES); // at once, as its head was
    if (skill.sha256 !== undefined && sha256Of(content) !== skill.sha256)
      throw new Error(`${skill.path} changed`);
    const body = splitSkill(content.toString('utf8'))?.body ?? '';
    this.#bodies.set(skill.path, { stamp: skill.stamp, body });
    return body;
  }

  /** A look that takes longer than the time between two leaves the next ones out. */
  async #look(): Promise<void> {
    if (this.#isLooking) return;
    this.#isLooking = true;
    await this.reload();
    this.#isLooking = false;
  }

  /** Undefined when a file is not what its head was read from any more. */
  async #choose(text: string, platform: string): Promise<ChosenSkills | undefined> {
    const { settings, shelf } = this.#current();
    const budget = new Budget(settings.max_chars);
    const leftOut: LeftOut[] = [];
    const matches = this.match(text, platform);
    for (const { skill } of matches.slice(0, settings.most)) {
      const whole = withRequired(skill, shelf.active);
      const foreign = whole.find((each) => !isFor(each, platform));
      if (foreign) {
        leftOut.push({ name: skill.id, why: `it requires ${foreign.id}, which is not for ${platform}` });
        continue;
      }
      if (whole.some(isStale)) return undefined;
      const read = await this.#readAll(whole);
      if (!read) leftOut.push({ name: skill.id, why: 'it cannot be read' });
      else if (!budget.take(read)) leftOut.push({ name: skill.id, why: 'there was no room for it' });
    }
    leftOut.push(
      ...matches
        .slice(settings.most)
        .filter(({ skill }) => !budget.holds(skill))
        .map(({ skill }) => ({ name: skill.id, why: `at most ${settings.most} are shown` })),
    );
    return { given: budget.given(settings), leftOut, tools: toolsOf(budget.skills()) };
  }

  async #readAll(skills: readonly Skill[]): Promise<{ skill: Skill; body: string }[] | undefined> {
    try {
      return await Promise.all(skills.map(async (skill) => ({ skill, body: await this.body(skill) })));
    } catch (error) {
      this.options.log.error({ err: error }, 'a skill cannot be read; this turn goes without it');
      return undefined;
    }
  }

  #current(): View {
    const settings = this.options.settings();
    const known = this.#view;
    if (known?.files === this.#files && known.settings === settings) return known;
    const shelf =
      this.#files.length === 0 ? EMPTY_SHELF : toShelf(this.#files, this.options.host(), settings);
    const match =
      known && known.settings.matcher === settings.matcher && isSameShelf(known.shelf, shelf)
        ? known.match
        : createMatcher(settings.matcher, [...shelf.active.values()]);
    this.#view = { files: this.#files, settings, shelf, match };
    this.#tell(shelf, known?.shelf);
    return this.#view;
  }

  async #reload(): Promise<Reloading> {
    try {
      const folders = foldersOf(this.options.settings(), this.options.bundled);
      const isChanged = this.#take(await findSkillFiles(folders));
      if (this.#refused !== undefined) this.options.log.info({}, 'the skill folders can be read again');
      this.#refused = undefined;
      return { kind: isChanged ? 'changed' : 'unchanged' };
    } catch (thrown) {
      const error = thrown instanceof Error ? thrown : new Error(String(thrown));
      if (this.#refused !== error.message)
        this.options.log.error(
          { err: error },
          'the skill folders cannot be read; the skills before stay in force',
        );
      this.#refused = error.message;
      return { kind: 'refused', error };
    }
  }

  /** False where all of it is as it was. */
  #take(found: readonly FoundFile[]): boolean {
    const known = new Map(this.#files.map((file) => [file.path, file]));
    const files = found.map((file) => readSkillFile(file, known));
    const isSame = files.length === this.#files.length && files.every((file, n) => file === this.#files[n]);
    if (isSame && this.#view) {
      this.#current();
      return false;
    }
    this.#files = files;
    const paths = new Set(files.map(({ path }) => path));
    for (const path of this.#bodies.keys()) if (!paths.has(path)) this.#bodies.delete(path);
    this.#current();
    return true;
  }

  /** What is new about the skills, once. */
  #tell(shelf: Shelf, before: Shelf | undefined): void {
    const { log } = this.options;
    const [told, tell] = [new Set(before?.standings.map(wordsAbout)), shelf.standings.map(wordsAbout)];
    if (before && tell.length === told.size && tell.every((words) => told.has(words))) return;
    log.info({ found: countBySource(this.#files), active: shelf.active.size }, 'skills loaded');
    for (const standing of shelf.standings) {
      if (standing.kind !== 'ineligible' || told.has(wordsAbout(standing))) continue;
      const { id: skill, path } = standing.file;
      const [reason] = standing.lacks;
      const facts = { skill, path, code: reason?.code, missing: reason?.missing };
      // That a platform is not connected for which there would be a skill is nothing to worry about.
      log[standing.file.source === 'bundled' ? 'info' : 'warn'](facts, 'a skill cannot be used');
    }
  }
}

/** Skills that are shown, as long as there is room. */
class Budget {
  readonly #taken = new Map<Skill, string>();
  #left: number;

  constructor(mostChars: number) {
    this.#left = mostChars;
  }

  /** All of them or none; false: none. */
  take(wanted: readonly { readonly skill: Skill; readonly body: string }[]): boolean {
    const further = wanted.filter(({ skill }) => !this.#taken.has(skill));
    const chars = further.reduce((sum, { body }) => sum + body.length, 0);
    if (chars > this.#left) return false;
    this.#left -= chars;
    for (const { skill, body } of further) this.#taken.set(skill, body);
    return true;
  }

  holds(skill: Skill): boolean {
    return this.#taken.has(skill);
  }

  skills(): Skill[] {
    return [...this.#taken.keys()];
  }

  given({ entries }: Pick<SkillSettings, 'entries'>): GivenSkill[] {
    return [...this.#taken].map(([skill, body]) => ({
      name: skill.id,
      label: labelOf(skill),
      body,
      ...(isThirdParty(skill) && entries[skill.id]?.hash === undefined ? { isUnread: true as const } : {}),
    }));
  }
}

function isFor({ reading: { head } }: Skill, platform: string): boolean {
  return !head.deniedChannels.includes(platform) && (head.allowedChannels?.includes(platform) ?? true);
}

function isStale({ path, stamp }: Skill): boolean {
  return stampOf(path) !== stamp;
}

/** What all skills that name tools have in common, so that no skill gives back what another takes. */
function toolsOf(skills: readonly Skill[]): ReadonlySet<string> | undefined {
  const named = skills.flatMap(({ reading: { head } }) =>
    head.allowedTools ? [new Set(head.allowedTools)] : [],
  );
  const [first, ...others] = named;
  return first && new Set([...first].filter((tool) => others.every((other) => other.has(tool))));
}

function isSameShelf(a: Shelf, b: Shelf): boolean {
  const [before, after] = [[...a.active.values()], [...b.active.values()]];
  return before.length === after.length && before.every((skill, n) => skill === after[n]);
}

/** In the order of loading. */
function countBySource(files: readonly SkillFile[]): Record<string, number> {
  const sources = Object.keys(SKILL_SOURCES);
  return Object.fromEntries(
    sources.map((source) => [source, files.filter((file) => file.source === source).length]),
  );
}

function wordsAbout(standing: Standing): string {
  const lacks =
    standing.kind === 'ineligible' ? standing.lacks.map(({ code, missing }) => [code, missing]) : [];
  return JSON.stringify([standing.file.path, standing.file.stamp, standing.kind, lacks]);
}
