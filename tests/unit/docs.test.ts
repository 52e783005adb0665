/** Whatever the documents name is there: files, headings, commands, options, variables, keys, functions. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { PICTURE } from '../../bin/picture.mjs';
import { gatewaySettings } from '../../gateways/gateway-settings.ts';
import { PROBLEMS } from '../../src/api/problem.ts';
import { createProgram } from '../../src/cli/program.ts';
import { configJsonSchema } from '../../src/config/json-schema.ts';
import { CONFIG_PARTS, type ConfigPart, parseConfig } from '../../src/config/load-config.ts';
import { READ_AT_START } from '../../src/config/settings.ts';
import { ApprovalState } from '../../src/domain/approval/record.ts';
import { SKILL_CODES } from '../../src/skills/eligibility.ts';

const ROOT = join(import.meta.dirname, '../..');
const FILES = [
  'README.md',
  'CONTRIBUTING.md',
  'src/README.md',
  'gateways/README.md',
  ...readdirSync(join(ROOT, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
];
/** Made by running, so not there in a clone. */
const MADE = /^(data|node_modules|\.cache)\//;
/** The platform that gateways/README.md adds as an example. */
const EXAMPLE = /^gateways\/matrix\//;

describe.each(FILES)('%s', (file) => {
  const text = read(file);

  it('links only to files and headings that are there', () => {
    const broken = linksOf(text).filter(({ path, heading }) => {
      const target = path === '' ? file : join(dirname(file), path);
      if (!existsSync(join(ROOT, target))) return true;
      return heading !== undefined && !headingsOf(read(target)).includes(heading);
    });

    expect(broken).toEqual([]);
  });

  it('has no row of a table that stands without its head', () => {
    const blocks = text.replace(/^```[\s\S]*?^```/gm, '').split(/\n(?!\|)/);
    const rows = blocks.map((block) => block.split('\n').filter((line) => line.startsWith('|')));

    const headless = rows.filter(
      (lines) => lines.length > 0 && !/^\|(\s*:?-+:?\s*\|)+\s*$/.test(lines[1] ?? ''),
    );
    expect(headless).toEqual([]);
  });

  it('names only files that are there', () => {
    const named = codesOf(text).filter((code) =>
      /^(src|gateways|config|tests|docs|bin|data|\.ci)\/[\w./-]*$/.test(code),
    );

    const missing = named.filter(
      (path) => !MADE.test(path) && !EXAMPLE.test(path) && !existsSync(join(ROOT, path)),
    );
    expect(missing).toEqual([]);
  });

  it('names only scripts of package.json', () => {
    const { scripts } = JSON.parse(read('package.json'));
    const named = [...text.matchAll(/\bnpm (?:run )?(start|test|dev|check|crash|bench|run \S+)/g)];

    const missing = named
      .map(([, name = '']) => name.replace(/^run /, ''))
      .filter((name) => !(name in scripts));
    expect(missing).toEqual([]);
  });

  it('names only commands of signalbox, with options they have', () => {
    const problems = usesOf(text).flatMap(problemsOf);

    expect(problems).toEqual([]);
  });

  it('names only variables that are read', () => {
    const named = codesOf(text, { blocks: true }).flatMap(
      (code) => code.match(/\b[A-Z][A-Z0-9]*_[A-Z0-9_]+\b/g) ?? [],
    );

    expect(named.filter((name) => !VARIABLES.has(name) && !CODES.has(name))).toEqual([]);
  });

  it('names only keys that may be configured', () => {
    const inSettings = new Set([...KEYS.settings.keys()].map((key) => key.split('.')[0]));
    const dotted = codesOf(text).filter((code) => /^[a-z_]+(\.[a-z_]+)+$/.test(code));
    const keys = dotted.filter((code) => inSettings.has(code.split('.')[0] ?? ''));

    expect(keys.filter((key) => !isKey(key) && !isSection(key))).toEqual([]);
  });
});

describe.each(['docs/tools.md', 'docs/extending.md'])('the lines of configuration in %s', (file) => {
  it.each(placedIn(read(file)))('load where the page says that they go: %s', (where, block) => {
    const { part, text } = putWhereItGoes(where, block);

    const load = () =>
      parseConfig(
        { ...withExamples(new Map()), [part]: text },
        {
          directory: 'config',
          env: { SHOPPASSWORD: 'x', WIKITOKEN: 'x' },
          gateways: gatewaySettings,
        },
      );

    expect(load).not.toThrow();
  });
});

describe('the README', () => {
  const text = read('README.md');

  it('needs two commands, and both are scripts', () => {
    const [, block = ''] = /## Two commands\n+```sh\n([\s\S]*?)```/.exec(text) ?? [];
    const commands = block
      .trim()
      .split('\n')
      .map((line) => line.replace(/\s+#.*/, ''));

    expect(commands).toEqual(['npm start', 'npm test']);
    expect(JSON.parse(read('package.json')).scripts).toMatchObject({
      start: expect.any(String),
      test: expect.any(String),
    });
  });

  it('shows a picture of the promised size', () => {
    const image = readFileSync(PICTURE.file);

    expect(text).toContain(PICTURE.file.slice(ROOT.length + 1));
    expect({ width: image.readUInt32BE(16), height: image.readUInt32BE(20) }).toEqual({
      width: PICTURE.width,
      height: PICTURE.height,
    });
  });

  it('has examples of people and rules that load, and fit each other', () => {
    const examples = new Map(
      [...text.matchAll(/```yaml\n# config\/(\w+)\.yaml\n([\s\S]*?)```/g)].map(([, part, yaml]) => [
        part,
        yaml,
      ]),
    );

    const config = parseConfig(withExamples(examples), {
      directory: 'config',
      env: {},
      gateways: gatewaySettings,
    });

    expect([...examples.keys()].sort()).toEqual(['authorizations', 'contacts', 'escalation']);
    expect(config.authorizations.rules).toHaveLength(1);
    expect(config.escalation.policies).toHaveProperty('money');
  });

  it('lists what each command can do', () => {
    const missing = PROGRAM.commands.flatMap((command) => {
      const [row = ''] = new RegExp(`^\\| \`signalbox ${command.name()} .*$`, 'm').exec(text) ?? [];
      return command.commands
        .map((each) => each.name())
        .filter((name) => name !== 'help' && !row.includes(`\`${name}\``) && !row.includes(` ${name}\``))
        .map((name) => `${command.name()} ${name}`);
    });

    expect(missing).toEqual([]);
  });

  it('lists every command', () => {
    const missing = PROGRAM.commands
      .map((command) => command.name())
      .filter((name) => !HIDDEN.has(name) && !text.includes(`signalbox ${name}`));

    expect(missing).toEqual([]);
  });
});

describe('docs/configuration.md', () => {
  const text = read('docs/configuration.md');
  const rows = [...text.matchAll(/^\| `([a-z_.<>[\]]+)` \| (?:`([^`]*)`)? *\|/gm)];

  it('names every key there is, and no other', () => {
    const documented = rows.map(([, key = '']) => key);
    const known = CONFIG_PARTS.flatMap((part) => [...KEYS[part].keys()]);

    expect(documented.toSorted()).toEqual(known.toSorted());
  });

  it('names the defaults that count', () => {
    const wrong = rows.filter(([, key = '', shown]) => {
      const part = CONFIG_PARTS.find((each) => KEYS[each].has(key));
      const value = part && KEYS[part].get(key);
      const isPlain = value !== undefined && typeof value !== 'object';
      const expected = isPlain ? String(value) : undefined;
      return shown !== expected;
    });

    expect(wrong.map(([row]) => row)).toEqual([]);
  });

  it('names what is read at start, and nothing else', () => {
    const [, told = ''] = /The sections (.*?), are read when the gateway starts/s.exec(text) ?? [];
    const named = [...told.matchAll(/`([a-z_.]+)`/g)].map(([, key]) => key);

    expect(named.toSorted()).toEqual([...READ_AT_START].toSorted());
  });

  it('says of each section of which a change starts the gateway over that it does, in the schema', () => {
    const { properties } = JSON.parse(read('config/schema/settings.json')) as {
      properties: Record<string, { description: string }>;
    };
    const said = Object.keys(properties).filter((name) =>
      properties[name]?.description.endsWith('A change starts the gateway over.'),
    );

    expect(said.toSorted()).toEqual(READ_AT_START.filter((key) => !key.includes('.')).toSorted());
  });

  it('names every variable, with the key it fills', () => {
    const shown = [...text.matchAll(/^\| `([A-Z][A-Z0-9_]+)` \| `([a-z_.]+)` \|$/gm)];

    expect(shown.map(([, name, key]) => `${name} ${key}`).toSorted()).toEqual(
      referencesOf(read('config/settings.yaml')),
    );
  });
});

describe('the map', () => {
  const text = read('src/README.md');

  it('follows a message through functions that are in the files named', () => {
    const steps = [...text.matchAll(/^\| [\d–]+ \| `([^`]+)` \| `([^`]+)` \|/gm)];

    const missing = steps.filter(([, file = '', name = '']) => !new RegExp(`\\b${name}\\b`).test(read(file)));
    expect(steps.length).toBeGreaterThan(10);
    expect(missing.map(([row]) => row)).toEqual([]);
  });

  it('names every folder, and no other', () => {
    const folders = readdirSync(join(ROOT, 'src'), { withFileTypes: true }).filter((entry) =>
      entry.isDirectory(),
    );
    const named = [...text.matchAll(/^\| `(\w+)\/` \|/gm)].map(([, name]) => name);

    expect(named.toSorted()).toEqual(folders.map(({ name }) => name).toSorted());
  });

  it('draws the direction that is checked', async () => {
    const rules: { default: { forbidden: { name: string }[] } } = await import(
      '../../.dependency-cruiser.cjs'
    );
    const checked = rules.default.forbidden.map(({ name }) => name);
    const [, picture = ''] = /## Direction[\s\S]*?```\n([\s\S]*?)```/.exec(text) ?? [];
    const drawn = picture
      .split(/\s*(?:→|·|\n)\s*/)
      .filter((name) => !['', 'main', 'app', 'cli'].includes(name));

    expect(drawn.filter((name) => !checked.includes(`direction-${name}`))).toEqual([]);
  });
});

// ── What is there ────────────────────────────────────────────────────────────────────────────────────────────

const PROGRAM = createProgram(async () => {});
const HIDDEN = new Set(['sandbox', 'help']);

/** States and result codes look like variables. */
const CODES: ReadonlySet<string> = new Set([
  ...ApprovalState.options,
  ...Object.keys(PROBLEMS),
  ...SKILL_CODES,
  // Of a line, and of several answers at once, as the web gateway's programs read them.
  'NOT_UNDERSTOOD',
  'TO_CONFIRM',
]);

const VARIABLES = new Set([
  ...referencesOf(read('config/settings.yaml')).map((line) => line.split(' ')[0] ?? ''),
  ...[...read('.env.example').matchAll(/^#? ?([A-Z][A-Z0-9_]+)=/gm)].map(([, name = '']) => name),
]);

/** The part of JSON Schema that the files use. */
interface SchemaNode {
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
}

/** Every key of each file that holds a value, with its default. */
const KEYS = keysOfFiles();

function keysOfFiles(): Record<ConfigPart, ReadonlyMap<string, unknown>> {
  const schemas = configJsonSchema(gatewaySettings);
  const entries = CONFIG_PARTS.map((part) => [part, keysOf(schemas[part] as SchemaNode)] as const);
  // One entry for each part.
  return Object.fromEntries(entries) as Record<string, Map<string, unknown>> as Record<
    ConfigPart,
    Map<string, unknown>
  >;
}

/** Alternatives (who approves, one account or several) are one key; every named policy or role has the same keys. */
function keysOf(schema: SchemaNode, path = '', found = new Map<string, unknown>()): Map<string, unknown> {
  const { properties = {}, additionalProperties, items, anyOf = [], oneOf = [] } = schema;
  const named = Object.entries(properties);
  for (const [name, inner] of named) {
    if (path === 'policies' && name === 'default') continue; // as every other policy
    const key = path === '' ? name : `${path}.${name}`;
    if (!found.has(key)) found.set(key, inner.default);
    keysOf(inner, key, found);
  }
  if (typeof additionalProperties === 'object') keysOf(additionalProperties, `${path}.<name>`, found);
  if (typeof items === 'object') keysOf(items, `${path}[]`, found);
  for (const each of [...anyOf, ...oneOf]) keysOf(each, path, found);
  if (path !== '') return found;
  return new Map([...found].filter(([key]) => !isInside(key) && !hasKeysBelow(key, found)));
}

function isInside(key: string): boolean {
  const alternatives =
    /(?:approvers|escalate\.to|triggers\[\]\.when|steps\[\]\.\w+|last_resort|when_worse|people\.<name>\.reach\.\w+)[.[]/;
  return alternatives.test(key) || /\.(?:days|quiet_hours)\./.test(key);
}

function hasKeysBelow(key: string, all: ReadonlyMap<string, unknown>): boolean {
  return [...all.keys()].some(
    (other) => /^(\.|\[)/.test(other.slice(key.length)) && other.startsWith(key) && !isInside(other),
  );
}

/** Where people choose a name (`clients.<name>.token`), any name will do. */
/** Also of another file: two of them may have a section of one name. */
function isKey(key: string): boolean {
  return Object.values(KEYS)
    .flatMap((keys) => [...keys.keys()])
    .some((known) => {
      const pattern = known.split('.').map((part) => (part.startsWith('<') ? '[a-z-]+' : part));
      return new RegExp(`^${pattern.join('[.]')}$`).test(key);
    });
}

function isSection(key: string): boolean {
  return [...KEYS.settings.keys()].some((other) => other.startsWith(`${key}.`));
}

/** `NAME key.it.fills`, sorted. */
function referencesOf(yaml: string): string[] {
  const walk = (node: unknown, path: string): string[] => {
    if (typeof node === 'object' && node !== null) {
      return Object.entries(node).flatMap(([key, inner]) =>
        walk(inner, path === '' ? key : `${path}.${key}`),
      );
    }
    const [, name] = /^\$\{(\w+)/.exec(String(node)) ?? [];
    return name === undefined ? [] : [`${name} ${path}`];
  };
  return walk(parse(yaml), '').toSorted();
}

// ── What is named ────────────────────────────────────────────────────────────────────────────────────────────

function linksOf(text: string): { path: string; heading: string | undefined }[] {
  return [...withoutBlocks(text).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^https?:/.test(target))
    .map((target) => {
      const [path = '', heading] = target.split('#');
      return { path, heading };
    });
}

/** As GitHub makes anchors of them. */
function headingsOf(text: string): string[] {
  return [...withoutBlocks(text).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
    title
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function codesOf(text: string, { blocks = false } = {}): string[] {
  const inline = [...withoutBlocks(text).matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code);
  return blocks ? [...inline, ...blocksOf(text)] : inline;
}

/** What is typed after `signalbox`, wherever somebody is told to type it; `npm start --` is the same as `signalbox start`. */
function usesOf(text: string): string[] {
  const lines = [...codesOf(text), ...blocksOf(text).flatMap((block) => block.split('\n'))];
  return lines
    .map((line) =>
      line
        .trim()
        .replace(/\s+#.*$/, '')
        .replace(/^npm start --/, 'signalbox start'),
    )
    .flatMap((line) => /^(?:npx )?signalbox (?!:)(.+)$/.exec(line)?.[1] ?? []);
}

function problemsOf(use: string): string[] {
  const [line = ''] = use.split(/ [|>] /);
  const words = line.split(/\s+/).filter((word) => !/^(-c|--config|<folder>|…)$/.test(word));
  let command: Command = PROGRAM;
  for (const word of words) {
    const next = command.commands.find((each) => each.name() === word);
    if (next) command = next;
    else if (word.startsWith('-') && word !== '--help' && !hasOption(command, word))
      return [`${use}: no option ${word}`];
  }
  return command.commands.length > 0 && words.some((word) => !word.startsWith('-'))
    ? [`${use}: no such command`]
    : [];
}

function hasOption(command: Command, word: string): boolean {
  return command.options.some(({ short, long }) => short === word || long === word);
}

function blocksOf(text: string): string[] {
  return [...text.matchAll(/```\w*\n([\s\S]*?)```/g)].map(([, block = '']) => block);
}

/** Each block of YAML with its first line, which says where it goes. */
function placedIn(text: string): [string, string][] {
  return [...text.matchAll(/```yaml\n(.*)\n([\s\S]*?)```/g)].map(([, where = '', block = '']) => [
    where,
    block,
  ]);
}

/** What somebody does with it in the file that ships: the lines stay as they are. */
function putWhereItGoes(where: string, block: string): { part: ConfigPart; text: string } {
  const [, name, how = ''] = /^# config\/(\w+)\.yaml, (.*)$/.exec(where) ?? [];
  const part = CONFIG_PARTS.find((each) => each === name);
  if (!part) throw new Error(`it does not say where it goes: ${where}`);
  const shipped = read(`config/${part}.yaml`);
  const lines = block.slice(block.indexOf('\n') + 1);
  if (how === 'a new key') return { part, text: `${shipped}\n${block}` };
  if (how === 'among its rules')
    return { part, text: shipped.replace(/^rules:\n/m, () => `rules:\n${lines}`) };
  const [, key = ''] = /^in (?:the place of )?its (\w+):/.exec(how) ?? [];
  const old = new RegExp(`^${key}:\\n(?: .*\\n)*`, 'm');
  if (how.startsWith('in the place of')) return { part, text: shipped.replace(old, () => block) };
  const inner = lines.match(/^ {2}(\w+):/gm) ?? [];
  const kept = (old.exec(shipped)?.[0] ?? '')
    .split('\n')
    .filter((line) => !inner.some((each) => line.startsWith(each)));
  return { part, text: shipped.replace(old, () => kept.toSpliced(1, 0, lines.trimEnd()).join('\n')) };
}

function withoutBlocks(text: string): string {
  return text.replaceAll(/```[\s\S]*?```/g, '');
}

/** The files that ship, with an example in the place of what it shows. */
function withExamples(
  examples: ReadonlyMap<string | undefined, string | undefined>,
): Record<ConfigPart, string> {
  const texts = CONFIG_PARTS.map((part) => {
    const shipped = parse(read(`config/${part}.yaml`));
    return [part, stringify(merge(shipped, parse(examples.get(part) ?? '{}')))] as const;
  });
  return Object.fromEntries(texts) as Record<ConfigPart, string>;
}

function merge(shipped: unknown, example: unknown): unknown {
  if (!isRecord(shipped) || !isRecord(example)) return example;
  const merged = Object.entries(example).map(([key, value]) => [
    key,
    key in shipped ? merge(shipped[key], value) : value,
  ]);
  return { ...shipped, ...Object.fromEntries(merged) };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}
