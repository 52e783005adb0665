/** The page on patterns: its table, the parts of each pattern, and the decisions with their reasons. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MemorySettings } from '../../src/config/memory.ts';
import { SkillSettings } from '../../src/config/skills.ts';
import { ToolAccess } from '../../src/config/tool-access.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/patterns.md'), 'utf8');
const PARTS = ['Origin', 'Problem', 'Solution', 'Benefits'];

/** What the tests of each pattern carry in their names. */
const PATTERNS = [
  ['Tool profiles', /OB-00\d/],
  ['Directives', /OB-01\d/],
  ['Modular prompt', /OB-02\d/],
  ['Dual summary', /OB-03\d/],
  ['Compaction', /OB-04\d/],
  ['Skill precedence', /OB-05\d/],
  ['Skill eligibility', /OB-06\d/],
  ['Skill injection', /OB-07\d/],
  ['Background services', /OM-010/],
  ['Relay as a service', undefined],
  ['CDP or browser', undefined],
] as const;
const HERE = PATTERNS.flatMap(([name, id]) => (id ? [[name, id] as const] : []));
const ABSENT = PATTERNS.flatMap(([name, id]) => (id ? [] : [name]));

describe('the table of patterns', () => {
  it('OB-110 has eleven rows, numbered, each of which leads to its section', () => {
    expect(rows().map(({ name }) => name)).toEqual(PATTERNS.map(([name]) => name));
    expect(rows().map(({ number }) => number)).toEqual(PATTERNS.map((_, index) => index + 1));
    for (const { name, anchor } of rows()) expect(anchor).toBe(anchorOf(name));
  });

  it.each(HERE)('OB-110 says of %s where it lives', (name) => {
    const { home } = rowOf(name);

    const documents = linksIn(home);
    const [, code = ''] = /`(src\/[^`]+\.ts)`/.exec(home) ?? [];
    expect(documents).toHaveLength(1);
    expect([code, ...documents].filter((file) => !existsSync(join(ROOT, file)))).toEqual([]);
  });

  it.each(HERE)('OB-110 links %s to the test files that prove it', (name, id) => {
    const { proof } = rowOf(name);

    const files = linksIn(proof);
    expect(files.length).toBeGreaterThan(0);
    for (const file of files) {
      const names = [...readFileSync(join(ROOT, file), 'utf8').matchAll(/\b(?:it|describe)\b.*/g)];
      expect(proof).toContain(`[${basename(file)}](`);
      expect(
        names.some(([line]) => id.test(line)),
        `${file} has no test of ${id}`,
      ).toBe(true);
    }
  });

  it.each(ABSENT)('OB-110 says plainly that %s is not there yet', (name) => {
    const { home, proof } = rowOf(name);

    expect(home).toBe('**not there yet**');
    expect(proof).toBe('nothing yet');
    expect(partsOf(name).get('Solution')).toMatch(/^Not there yet:/);
    expect(partsOf(name).get('Benefits')).toMatch(/^None yet\./);
  });

  it('OB-110 says so of nothing that is there', () => {
    const files = readdirSync(join(ROOT, 'src'), { recursive: true, encoding: 'utf8' });

    expect(files.filter((file) => /(?:^|[/\\-])(?:relay|cdp|browser)\b/.test(file))).toEqual([]);
  });

  it('OB-110 says what is missing where a pattern is there in part', () => {
    const inPart = rows().filter(({ home }) => home.endsWith('**in part**'));

    expect(inPart.map(({ name }) => name)).toEqual(['Background services']);
    for (const { name } of inPart) expect(partsOf(name).get('Solution')).toContain('Not there yet:');
  });
});

describe('a pattern', () => {
  it.each(PATTERNS)('OB-111 gives origin, problem, solution and benefits of %s', (name) => {
    const parts = partsOf(name);

    expect([...parts.keys()]).toEqual(PARTS);
    for (const [part, text] of parts) expect(text.length, part).toBeGreaterThan(60);
  });
});

describe('a decision', () => {
  it('OB-112 is one of five, each with its reason and its price', () => {
    const [, ...decisions] = sectionOf('Decisions').split(/^### /m);

    const titles = decisions.map((text) => text.slice(0, text.indexOf('\n')));
    expect(titles).toEqual([
      'Profiles rather than single permissions',
      'Two summaries rather than one',
      'Adaptive is the default',
      'A skill is shown whole',
      'What a skill requires is looked at when it is loaded',
    ]);
    for (const text of decisions) expect(text).toMatch(/\n\n.{100,}\bThe price(?::| is) .{20,}/);
  });

  it('OB-112 is what the configuration says where nobody says otherwise', () => {
    expect(MemorySettings.parse({}).strategy).toBe('adaptive');
    expect(MemorySettings.parse({}).summaries).toMatchObject({ conversations: false, people: false });
    expect(SkillSettings.parse({})).toMatchObject({ most: 3, fall_back: false });
    expect(ToolAccess.parse({}).default_profile).toBe('full');
  });
});

interface Row {
  readonly number: number;
  readonly name: string;
  readonly anchor: string;
  /** The cell on where it is described and lives. */
  readonly home: string;
  /** The cell on its tests. */
  readonly proof: string;
}

function rows(): Row[] {
  const cells = /^\| (\d+) \| \[([^\]]+)\]\(#([^)]+)\) \| (.+) \| (.+) \|$/gm;
  return [...PAGE.matchAll(cells)].map(([, number, name = '', anchor = '', home = '', proof = '']) => ({
    number: Number(number),
    name,
    anchor,
    home,
    proof,
  }));
}

function rowOf(name: string): Row {
  return rows().find((row) => row.name === name)!;
}

/** What stands under a heading of the second level. */
function sectionOf(title: string): string {
  return PAGE.split(/^## /m)
    .find((section) => section.startsWith(`${title}\n`))!
    .slice(title.length);
}

/** In their order, by name. */
function partsOf(name: string): ReadonlyMap<string, string> {
  const parts = sectionOf(name).matchAll(/^\*\*(\w+)\.\*\* (.+)$/gm);
  return new Map([...parts].map(([, part = '', text = '']) => [part, text]));
}

/** As paths from the project's folder. */
function linksIn(cell: string): string[] {
  return [...cell.matchAll(/\]\(([^)#]+)[^)]*\)/g)].map(([, target = '']) => join('docs', target));
}

function anchorOf(title: string): string {
  return title.toLowerCase().replaceAll(' ', '-');
}
