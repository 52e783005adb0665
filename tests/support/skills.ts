/** Skills for tests: files in folders of the test's own, a host that has what it is told to have. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { onTestFinished } from 'vitest';
import { SkillSettings } from '../../src/config/skills.ts';
import type { Host } from '../../src/skills/eligibility.ts';
import { readHead } from '../../src/skills/front-matter.ts';
import { isReadable, type Skill, type SkillFile, type SkillSource } from '../../src/skills/skill.ts';
import { SkillRegistry } from '../../src/skills/skill-registry.ts';
import { silent } from './core.ts';

export function aHost(
  has: Partial<Omit<Host, 'hasBinary'>> & { readonly binaries?: readonly string[] } = {},
): Host {
  const { binaries = [], ...rest } = has;
  return {
    os: 'linux',
    version: '0.1.0',
    providers: new Set(['slack', 'jira', 'shop']),
    hasBinary: (name) => binaries.includes(name),
    ...rest,
  };
}

/** The settings' defaults, changed. */
export function skillSettings(written: Partial<SkillSettings> = {}): SkillSettings {
  return SkillSettings.parse(written);
}

/** A file as it was read; `head` is the YAML between the rules, without a name. */
export function aFile(id: string, head = 'description: Does it.', file: Partial<SkillFile> = {}): SkillFile {
  const source: SkillSource = file.source ?? 'workspace';
  const reading = readHead(`name: ${id}\n${head}\n`, id);
  return {
    id,
    source,
    path: `/${source}/${id}/SKILL.md`,
    stamp: '1',
    bytes: 100,
    sha256: undefined,
    reading,
    ...file,
  };
}

/** The same, of a head that can be read. */
export function aSkill(id: string, head?: string, file?: Partial<SkillFile>): Skill {
  const made = aFile(id, head, file);
  if (!isReadable(made)) throw new Error(`${id}: ${JSON.stringify(made.reading)}`);
  return made;
}

/** A whole SKILL.md; without a word of its own it is called for by its name. */
export function skillText(name: string, { head = '', body = `How to do ${name}.` } = {}): string {
  return `---\nname: ${name}\ndescription: Does ${name}.\n${head}${head === '' ? '' : '\n'}---\n\n${body}\n`;
}

/** Four empty folders, one for each source, and a registry over them. */
export class SkillShelf {
  readonly root = mkdtempSync(join(tmpdir(), 'signalbox-skills-'));
  readonly registry: SkillRegistry;
  settings: SkillSettings;
  host = aHost();

  constructor(settings: Partial<SkillSettings> = {}) {
    this.settings = skillSettings({
      workspace: this.folder('workspace'),
      managed: this.folder('managed'),
      extra: [this.folder('extra')],
      ...settings,
    });
    this.registry = new SkillRegistry({
      settings: () => this.settings,
      host: () => this.host,
      bundled: this.folder('bundled'),
      log: silent,
    });
    onTestFinished(async () => {
      await this.registry.stop();
      rmSync(this.root, { recursive: true, force: true });
    });
  }

  folder(source: SkillSource): string {
    return join(this.root, source);
  }

  path(source: SkillSource, name: string): string {
    return join(this.folder(source), name, 'SKILL.md');
  }

  /** Writes a skill, and leaves it to the test to have it read. */
  put(source: SkillSource, name: string, text = skillText(name)): string {
    const path = this.path(source, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
    return path;
  }

  remove(source: SkillSource, name: string): void {
    rmSync(dirname(this.path(source, name)), { recursive: true });
  }

  /** `name source` of everything that can be used, in the order of loading. */
  active(): string[] {
    return [...this.registry.shelf().active.values()].map(({ id, source }) => `${id} ${source}`);
  }

  /** What keeps a skill from being used: the codes, the reason first. */
  codes(name: string): string[] {
    return this.registry
      .shelf()
      .standings.filter(({ file }) => file.id === name)
      .flatMap((standing) => (standing.kind === 'ineligible' ? standing.lacks.map(({ code }) => code) : []));
  }

  /** The bodies a message gets. */
  async bodies(text: string, platform = 'slack'): Promise<string[]> {
    return (await this.registry.choose(text, platform)).given.map(({ body }) => body);
  }
}
