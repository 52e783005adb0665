/** What is wrong with a skill, and what should be looked at, for whoever writes one. Pure. */
import { didYouMean } from '../config/schema-check.ts';
import type { SkillSettings } from '../config/skills.ts';
import { type Lack, type SkillCode, toOsName } from './eligibility.ts';
import { splitSkill } from './front-matter.ts';
import type { Standing } from './shelf.ts';
import { isReadable, type Skill } from './skill.ts';
import { RUN_SCRIPT, type SkillProgram } from './skill-scripts.ts';
import { UNSPACED, wordsOf } from './words.ts';

export interface Finding {
  /** error: it is not used, and its author has to mend it. */
  readonly level: 'error' | 'warning';
  readonly skill: string;
  readonly path: string;
  readonly text: string;
}

/** The format's advice (agentskills.io, "Specification", progressive disclosure). */
const MOST_LINES = 500;
/** A keyword this short is in many messages that mean something else. */
const SHORT_CHARS = 2;
/** The same where a letter is a syllable, or a word. */
const SHORT_UNSPACED_CHARS = 1;

/** What only its author can mend; the others depend on where it is. */
const AUTHORS: ReadonlySet<SkillCode> = new Set([
  'INVALID',
  'MISSING_SKILL',
  'SKILL_INCOMPATIBLE',
  'CYCLIC_SKILLS',
]);

/** What there is of one on the disk. */
export interface Written {
  /** Of the whole file; undefined when it cannot be read. */
  readonly content: string | undefined;
  /** As `programOf` finds it. */
  readonly program: SkillProgram | string | undefined;
}

/** Where it is to be used. */
export interface Place {
  readonly settings: SkillSettings;
  /** Names of all tools a turn may have, without those of MCP servers. */
  readonly tools: readonly string[];
}

export function lintSkill(standing: Standing, written: Written, place: Place): Finding[] {
  const { file } = standing;
  const about = { skill: file.id, path: file.path };
  const errors = standing.kind === 'ineligible' ? standing.lacks.map(toFinding) : [];
  const warnings = isReadable(file)
    ? [
        ...file.reading.remarks,
        ...remarksOn(file, written.content ?? '', place.settings),
        ...toolRemarks(file, place.tools),
        ...scriptRemarks(file, written.program, place.settings),
      ]
    : [];
  const shadowed =
    standing.kind === 'shadowed' ? [`it is not used: that of ${standing.by.path} counts more`] : [];
  return [
    ...errors,
    ...[...shadowed, ...warnings].map(
      (text): Finding => ({ level: 'warning', ...about, text: sentence(text) }),
    ),
  ];

  function toFinding({ code, message }: Lack): Finding {
    return { level: AUTHORS.has(code) ? 'error' : 'warning', ...about, text: `${code}: ${message}` };
  }
}

function isShort(keyword: string): boolean {
  const letters = [...wordsOf(keyword).join('')];
  return letters.length <= (UNSPACED.test(keyword) ? SHORT_UNSPACED_CHARS : SHORT_CHARS);
}

function remarksOn(skill: Skill, content: string, settings: SkillSettings): string[] {
  const { head } = skill.reading;
  const body = splitSkill(content)?.body ?? '';
  const lines = body.split('\n').length;
  const unknownOs = head.requires.os.filter((name) => toOsName(name) === undefined);
  const loose = head.keywords.filter(isShort);
  const mute = head.keywords.filter((word) => wordsOf(word).length === 0);
  return [
    ...(body === '' ? ['it has no instructions behind its head'] : []),
    ...(lines > MOST_LINES
      ? [`it has ${lines} lines; the model follows a shorter text better, ${MOST_LINES} at most`]
      : []),
    ...(body.length > settings.max_chars
      ? [`it has ${body.length} characters, so it is never shown: skills.max_chars is ${settings.max_chars}`]
      : []),
    ...(head.keywords.length === 0
      ? ['it has no keywords: with skills.matcher `keyword` only its name calls for it']
      : []),
    ...mute.map((word) => `its keyword "${word}" has no word in it`),
    ...loose
      .filter((word) => !mute.includes(word))
      .map((word) => `its keyword "${word}" is so short that much else will call for it`),
    ...unknownOs.map((name) => `it names the operating system ${name}, which nobody knows here`),
    ...(HIDDEN.test(content)
      ? ['it has characters that a reader does not see: look at it in an editor that shows them']
      : []),
  ];
}

function toolRemarks({ reading: { head } }: Skill, tools: readonly string[]): string[] {
  const { allowedTools: allowed } = head;
  if (allowed === undefined) return [];
  if (allowed.length === 0) return ['it allows no tool at all'];
  const unknown = unknownTools(allowed, tools);
  return [
    ...unknown.map((name) => {
      const meant = didYouMean(name, [...tools, RUN_SCRIPT]);
      return `it allows ${name}, and no tool here is called so${meant === undefined ? '' : ` (perhaps ${meant} is meant)`}`;
    }),
    ...(unknown.length === allowed.length
      ? ['so while it is shown the agent has no tool but to ask a human']
      : []),
  ];
}

/** Names that no tool here has, as far as that can be known: which tools an MCP server has is known once it runs. */
export function unknownTools(names: readonly string[], tools: readonly string[]): string[] {
  return names.filter((name) => !tools.includes(name) && name !== RUN_SCRIPT && !OF_A_SERVER.test(name));
}

const OF_A_SERVER = /^mcp__[^_]/;

function scriptRemarks(
  { reading: { head } }: Skill,
  program: Written['program'],
  { scripts: { enabled } }: SkillSettings,
): string[] {
  if (program === undefined) return [];
  if (typeof program === 'string') return enabled ? [program] : [];
  if (head.allowedTools?.includes(RUN_SCRIPT) !== false) return [];
  const names = [...program.scripts.keys()].join(', ');
  return [`it brings scripts along and does not allow ${RUN_SCRIPT}, so none of them can be run: ${names}`];
}

/** Controls, direction marks, tags, zero-width characters; not the ends of lines, tabs, a mark at the start or joined emoji. */
const HIDDEN = /(?!^\uFEFF)(?![\n\r\t\u200C\u200D])[\p{Cc}\p{Cf}\u115F\u1160\u3164\uFFA0]/u;

/** A hash is there to be copied with what stands before it. */
function sentence(text: string): string {
  const end = /[\da-f]{64}$/.test(text) ? '' : '.';
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${end}`;
}
