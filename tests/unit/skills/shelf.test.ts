import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SkillSettings } from '../../../src/config/skills.ts';
import { toShelf, withRequired } from '../../../src/skills/shelf.ts';
import { SKILL_SOURCES, type SkillFile, type SkillSource } from '../../../src/skills/skill.ts';
import { runs } from '../../support/property-runs.ts';
import { aFile, aHost, skillSettings } from '../../support/skills.ts';

const SOURCES = Object.keys(SKILL_SOURCES) as SkillSource[];
const ANY = { third_party: 'any' } as const;

const shelf = (files: readonly SkillFile[], settings: Partial<SkillSettings> = ANY) =>
  toShelf(files, aHost(), skillSettings(settings));
const active = (files: readonly SkillFile[], settings?: Partial<SkillSettings>) =>
  [...shelf(files, settings).active.values()].map(({ id, source }) => `${id} ${source}`);
const codes = (files: readonly SkillFile[], settings?: Partial<SkillSettings>) =>
  shelf(files, settings).standings.flatMap((standing) =>
    standing.kind === 'ineligible' ? [`${standing.file.id} ${standing.lacks[0]?.code}`] : [],
  );
const needs = (...skills: string[]) => `description: x\nrequires: { skills: [${skills.join(', ')}] }`;
const from = (source: SkillSource, head?: string, file: Partial<SkillFile> = {}) =>
  aFile('greeting', head, { source, ...file });
const darwin = 'description: x\nrequires: { os: [darwin] }';

describe('skills of one name', () => {
  it('OB-050 come from four sources, each with its number', () => {
    expect(SKILL_SOURCES).toEqual({ extra: 0, bundled: 1, managed: 2, workspace: 3 });
  });

  it('OB-052 are one: that of the highest source, and of the next when it is gone', () => {
    const all = SOURCES.map((source) => from(source));
    const left = ['workspace', 'managed', 'bundled', 'extra'].map((_, gone) =>
      active(all.slice(0, 4 - gone)),
    );

    expect(left).toEqual([
      ['greeting workspace'],
      ['greeting managed'],
      ['greeting bundled'],
      ['greeting extra'],
    ]);
  });

  it('OB-052 say whom they stand behind', () => {
    const { standings } = shelf([from('bundled'), from('workspace')]);

    expect(standings).toMatchObject([
      { kind: 'active', file: { source: 'workspace' } },
      { kind: 'shadowed', file: { source: 'bundled' }, by: { source: 'workspace' } },
    ]);
  });

  it('of one source are the first by its path, whatever order they come in', () => {
    const [a, b] = [
      from('workspace', undefined, { path: '/w/a/SKILL.md' }),
      from('workspace', undefined, { path: '/w/b/SKILL.md' }),
    ];

    expect(shelf([a, b]).standings[0]).toMatchObject({ kind: 'active', file: { path: '/w/a/SKILL.md' } });
  });

  it('OB-066 are none if the one that counts cannot be used, so that nothing runs its owner replaced', () => {
    const files = [from('bundled'), from('workspace', darwin)];

    expect(active(files)).toEqual([]);
    expect(shelf(files).standings).toMatchObject([{ kind: 'ineligible' }, { kind: 'shadowed' }]);
  });

  it('are the next below it if the owner chose that', () => {
    expect(active([from('bundled'), from('workspace', darwin)], { ...ANY, fall_back: true })).toEqual([
      'greeting bundled',
    ]);
  });

  it('are none if the one that counts is broken', () => {
    const files = [from('bundled'), from('workspace', 'requires: { what: [x] }')];

    expect(active(files)).toEqual([]);
    expect(codes(files)).toEqual(['greeting INVALID']);
  });

  it.each(['managed', 'extra'] as const)('are not taken by a broken one of others (%s)', (source) => {
    const broken = from(source, 'requires: { what: [x] }');

    for (const settings of [{}, ANY]) {
      const files = [from('bundled'), broken];
      expect(active(files, settings)).toEqual(['greeting bundled']);
      if (source === 'managed') expect(codes(files, settings)).toEqual(['greeting INVALID']);
    }
  });

  it('are not taken by one that nobody here has read', () => {
    const files = [from('bundled'), from('managed', undefined, { sha256: 'a'.repeat(64) })];

    expect(active(files, {})).toEqual(['greeting bundled']);
    expect(codes(files, {})).toEqual(['greeting NOT_PINNED']);
  });
});

describe('skills that require others', () => {
  it('OM-077 come after them, and the lowest source first otherwise', () => {
    const files = [aFile('a', needs('z')), aFile('z'), aFile('m', undefined, { source: 'bundled' })];

    expect(active(files)).toEqual(['m bundled', 'z workspace', 'a workspace']);
  });

  it('OM-077 cannot be used without them, and neither can whoever requires those', () => {
    const files = [aFile('a', needs('b')), aFile('b', needs('c'))];
    const [first] = shelf(files).standings;

    expect(active(files)).toEqual([]);
    expect(codes(files)).toEqual(['a MISSING_SKILL', 'b MISSING_SKILL']);
    expect(first?.kind === 'ineligible' && first.lacks[0]?.message).toContain('(MISSING_SKILL)');
  });

  it('OM-077 cannot be used if those cannot, and say why', () => {
    const files = [aFile('a', needs('b')), aFile('b', darwin)];
    const [first] = shelf(files).standings;

    expect(first?.kind === 'ineligible' && first.lacks[0]?.message).toContain('(OS_INCOMPATIBLE)');
  });

  it('OM-077 in a circle are all out, and the circle is told; what leads into it is out as well', () => {
    const files = [
      aFile('a', needs('b')),
      aFile('b', needs('c')),
      aFile('c', needs('b')),
      aFile('d', needs('d')),
    ];

    expect(active(files)).toEqual([]);
    expect(codes(files)).toEqual([
      'a MISSING_SKILL',
      'b CYCLIC_SKILLS',
      'c CYCLIC_SKILLS',
      'd CYCLIC_SKILLS',
    ]);
    const told = shelf(files).standings.flatMap((each) => (each.kind === 'ineligible' ? each.lacks : []));
    expect(told.map(({ missing }) => missing)).toContain('b → c → b');
  });

  it.each([
    ['^1.2.0', '1.3.0', true],
    ['^1.2.0', '1.1.9', false],
    ['^1.2.0', '2.0.0', false],
    ['1.x', '1.9.0', true],
    ['*', '0.0.1', true],
  ])('OM-043 may want a version: %s of %s', (range, version, isMet) => {
    const files = [aFile('a', needs(`"b@${range}"`)), aFile('b', `description: x\nversion: ${version}`)];

    expect(codes(files)).toEqual(isMet ? [] : ['a SKILL_INCOMPATIBLE']);
  });

  it('OM-043 are told which version there is', () => {
    const { standings } = shelf([aFile('a', needs('b@^2.0.0')), aFile('b')]);

    expect(standings[0]?.kind === 'ineligible' && standings[0].lacks[0]?.message).toBe(
      'It requires the skill b ^2.0.0; there is 1.0.0.',
    );
  });

  it('bring everything along that they require, once, those first', () => {
    const files = [aFile('a', needs('b', 'c')), aFile('b', needs('d')), aFile('c', needs('d')), aFile('d')];
    const { active: skills } = shelf(files);

    expect(withRequired(skills.get('a')!, skills).map(({ id }) => id)).toEqual(['d', 'b', 'c', 'a']);
  });

  it('OM-077 are used only with everything they require, whatever requires what', () => {
    const names = ['a', 'b', 'c', 'd', 'e'];
    const graph = fc.array(fc.tuple(fc.constantFrom(...names), fc.subarray(names)), { maxLength: 5 });
    fc.assert(
      fc.property(graph, (edges) => {
        const files = [...new Map(edges)].map(([name, wanted]) => aFile(name, needs(...wanted)));
        const order = [...shelf(files).active.keys()];

        for (const file of files) {
          const { kind } = file.reading;
          const wanted = kind === 'read' ? file.reading.head.requires.skills.map(({ id }) => id) : [];
          const at = order.indexOf(file.id);
          if (at !== -1)
            expect(wanted.every((id) => order.includes(id) && order.indexOf(id) < at)).toBe(true);
          else expect(wanted.length).toBeGreaterThan(0);
        }
        expect(shelf(files).standings).toHaveLength(files.length);
      }),
      { numRuns: runs(500) },
    );
  });
});
