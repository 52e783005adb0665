/**
 * Numbers that JSON can write and a double cannot hold. What was asked for would be another number than the one that
 * people are shown, agree to, and that is handed back. Pure.
 */

/** Digits of a double that every program writes and reads alike; with more, the same double has several names. */
const MOST_DIGITS = 17;

/** Where a number stands that is too large, or a whole one beyond what is exact, such as `args.orders[1]`. */
export function placeOfUnsafe(value: unknown, place = ''): string | undefined {
  if (typeof value === 'number') {
    const isKept = Number.isFinite(value) && (!Number.isInteger(value) || Number.isSafeInteger(value));
    return isKept ? undefined : place || 'the top';
  }
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, inner] of Object.entries(value)) {
    const step = Array.isArray(value) ? `[${key}]` : place === '' ? key : `.${key}`;
    const found = placeOfUnsafe(inner, `${place}${step}`);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The first number of a JSON text, as it is written there, that would be read as another one. */
export function inexactIn(json: string): string | undefined {
  for (const [token] of json.matchAll(TOKEN)) if (!token.startsWith('"') && !isExact(token)) return token;
  return undefined;
}

/** Texts are passed over as a whole, so that digits in them are no numbers. */
const TOKEN = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/gs;

/** Whether the double it is read as is called so: in short, or with as many digits as it was written with. */
function isExact(literal: string): boolean {
  const value = Number(literal);
  const { digits, exponent } = decimalOf(literal);
  if (digits === '') return value === 0;
  if (digits.length > MOST_DIGITS || !Number.isFinite(value) || value === 0) return false;
  const named = decimalOf(value.toExponential(digits.length - 1));
  return named.digits === digits && named.exponent === exponent;
}

/** `digits × 10^exponent`, without zeros at either end; no digits for zero. */
function decimalOf(literal: string): { readonly digits: string; readonly exponent: number } {
  const [, whole = '', fraction = '', power = '0'] =
    /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  const all = `${whole}${fraction}`.replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  return { digits, exponent: Number(power) - fraction.length + all.length - digits.length };
}
