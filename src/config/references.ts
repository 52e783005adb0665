/**
 * References to the environment inside text: `${NAME}`, `${NAME:-default}`, and `$${` for the characters `${`.
 *
 * A variable that is set but empty counts as not set: that is what a blank line in `.env` means.
 */
export type Environment = Readonly<Record<string, string | undefined>>;

export interface Expansion {
  readonly text: string;
  /** Names without a value and without a default, in order. */
  readonly missing: readonly string[];
  /** What variables yielded, in order; not what stands in the text as a default. */
  readonly values: readonly string[];
  /** True if any part of the text came from a reference. */
  readonly referenced: boolean;
  /** True if a `${` does not begin a reference: a name with a typing error, a missing brace. */
  readonly malformed: boolean;
}

export function expandReferences(text: string, env: Environment): Expansion {
  const missing: string[] = [];
  const values: string[] = [];
  let referenced = false;
  let malformed = false;

  const expanded = text.replace(
    REFERENCE,
    (whole, name: string | undefined, fallback: string | undefined) => {
      if (whole === ESCAPED) return '${';
      if (name === undefined) {
        malformed = true;
        return whole;
      }
      referenced = true;
      if (env[name]) values.push(env[name]);
      const value = env[name] || fallback;
      if (value === undefined) missing.push(name);
      return value ?? '';
    },
  );
  return { text: expanded, missing, values, referenced, malformed };
}

const ESCAPED = '$${';
/** The escape, a whole reference, or an opening that is neither; leftmost first, so that every `${` is accounted for. */
const REFERENCE = /\$\$\{|\$\{([A-Za-z_]\w*)(?::-([^}]*))?\}|\$\{/g;
