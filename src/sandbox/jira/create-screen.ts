/** The screen on which issues are created: what is on it, and what is refused because it is not. Pure. */
import { FIELDS, type Field } from './catalogue.ts';
import { Refusal } from './refusal.ts';

export interface CreateScreen {
  /** Ids of fields that are not on it, such as `labels`. */
  readonly lacks?: readonly string[];
  /** Fields of the site's own that must be filled in, and that the sandbox cannot keep. */
  readonly requires?: readonly Pick<Field, 'id' | 'name'>[];
}

export function fieldsOn({ lacks = [], requires = [] }: CreateScreen): readonly Field[] {
  const own = requires.map(({ id, name }) => ({
    id,
    name,
    type: 'string',
    canBeSet: true,
    isRequired: true,
  }));
  return [...FIELDS.filter(({ id, canBeSet }) => canBeSet && !lacks.includes(id)), ...own];
}

/** @throws {Refusal} with a sentence about each field that will not do */
export function checkScreen(given: readonly string[], { lacks = [], requires = [] }: CreateScreen): void {
  const misplaced = given
    .filter((id) => lacks.includes(id))
    .map((id) => [id, `Field '${id}' cannot be set. It is not on the appropriate screen, or unknown.`]);
  const missing = requires
    .filter(({ id }) => !given.includes(id))
    .map(({ id, name }) => [id, `${name} is required.`]);
  const errors = [...misplaced, ...missing];
  if (errors.length > 0) throw new Refusal(400, [], Object.fromEntries(errors));
}
