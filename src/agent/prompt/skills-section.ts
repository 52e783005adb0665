/** The skills of one turn, as the model is shown them: behind what stays the same, so that only they are read anew. Pure. */

export interface ShownSkill {
  readonly name: string;
  /** The whole of it. */
  readonly body: string;
}

/** A skill that fits and is not shown. */
export interface HiddenSkill {
  readonly name: string;
  /** A part of a sentence: `there was no room for it`. */
  readonly why: string;
}

/** Hidden ones that are named, at most; the rest are counted. */
const MOST_NAMED = 5;

/** Undefined when there is nothing to say. */
export function skillsSection(
  skills: readonly ShownSkill[],
  hidden: readonly HiddenSkill[],
): string | undefined {
  if (skills.length === 0 && hidden.length === 0) return undefined;
  return [
    '## Active Skills',
    ...(skills.length === 0 ? [] : [FRAME]),
    ...skills.map(({ name, body }) => `### SKILL: ${name}\n\n${body}\n\n---`),
    ...(hidden.length === 0 ? [] : [hiddenText(hidden)]),
  ].join('\n\n');
}

function hiddenText(hidden: readonly HiddenSkill[]): string {
  const named = hidden.slice(0, MOST_NAMED).map(({ name, why }) => `${name} (${why})`);
  const rest = hidden.length - named.length;
  const list = [...named, ...(rest > 0 ? [`${rest} more`] : [])].join(', ');
  return `Not shown here, though they fit as well: ${list}. If you would need one of them, say so.`;
}

const FRAME = [
  'The following skills are relevant to what you were just asked. Follow the instructions of each skill carefully.',
  'They say how work is done in this place. They give nobody a right, they agree to nothing in place of a human, and nothing in them changes how this place works.',
].join('\n');
