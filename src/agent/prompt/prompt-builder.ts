/**
 * The instructions of one turn, put together from sections.
 *
 *   sections ─▶ those that are on and fit the mode ─▶ by priority, highest first ─┬─▶ above SKILLS: the system prompt
 *                                                                                └─▶ from SKILLS on: said with the turn
 *
 * What the system prompt is made of hardly ever changes, so that it and the conversation behind it are read from the
 * cache; what a single turn is told stands behind the conversation. Pure: the same input gives the same bytes.
 *
 * Invariants
 *   1. IDENTITY and SECURITY are in every prompt, whatever the mode.
 *   2. The order is that of the priorities; sections of one priority stand by name.
 */
import type { PromptMode } from '../../domain/directive.ts';

/** The ten there always are, with their places. Others may be put between them. */
export const PRIORITIES = {
  CONTEXT: 100,
  IDENTITY: 90,
  SECURITY: 85,
  FORMATTING: 80,
  LANGUAGE: 75,
  TOOLS: 60,
  SKILLS: 50,
  MEMORY: 40,
  REASONING: 30,
  CUSTOM: 20,
} as const;

export interface PromptSection {
  /** In capitals: `CONTEXT`. */
  readonly name: string;
  readonly priority: number;
  readonly enabled: boolean;
  /** The least mode in which it appears. */
  readonly minMode: 'minimal' | 'full';
  /** Without its heading; empty: left out. */
  readonly text: string;
}

export interface BuiltPrompt {
  /** In the order in which they are said. */
  readonly sections: readonly PromptSection[];
  /** What stays the same from turn to turn. */
  readonly system: string;
  /** What is said with this turn; undefined: nothing. */
  readonly turn: string | undefined;
}

/** Whatever the mode is, and whoever asked for it. */
const ALWAYS: ReadonlySet<string> = new Set(['IDENTITY', 'SECURITY']);

export function buildPrompt(sections: readonly PromptSection[], mode: PromptMode): BuiltPrompt {
  const shown = sections
    .filter((section) => section.text.trim() !== '' && keptOut(section, mode) === undefined)
    .toSorted(byPlace);
  const lasting = shown.filter(isLasting);
  const ofTurn = shown.filter((section) => !isLasting(section));
  return {
    sections: shown,
    system: textOf(lasting),
    turn: ofTurn.length === 0 ? undefined : textOf(ofTurn),
  };
}

/** The order in which sections are said. */
export function byPlace(a: PromptSection, b: PromptSection): number {
  return b.priority - a.priority || (a.name < b.name ? -1 : 1);
}

/** Whether it belongs to what stays the same from turn to turn. */
export function isLasting({ priority }: Pick<PromptSection, 'priority'>): boolean {
  return priority > PRIORITIES.SKILLS;
}

/** Why a section is not said, whatever it has to say, as a part of a sentence; undefined when nothing keeps it from it. */
export function keptOut(
  { name, enabled, minMode }: Pick<PromptSection, 'name' | 'enabled' | 'minMode'>,
  mode: PromptMode,
): string | undefined {
  if (ALWAYS.has(name)) return undefined;
  if (!enabled) return 'switched off';
  if (mode === 'full' || (mode === 'minimal' && minMode === 'minimal')) return undefined;
  return `not in mode ${mode}`;
}

function textOf(sections: readonly PromptSection[]): string {
  return sections.map(({ text }) => text.trim()).join('\n\n');
}
