/**
 * Numbers that JSON can write and a double cannot hold. What was asked for would be another number than the one that
 * people are shown, agree to, and that is handed back. Pure.
 */

/** Digits of a double that every program writes and reads alike; with more, the same double has several names. */
const MOST_DIGITS = 17;

/** Digits at which a double that goes on with a 5 and zeros ends there. */
const FAR_BEYOND = 40;

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

/**
 * Whether it is a name of the double it is read as: the short one, as it will be shown, or a longer one that no other
 * of its length is nearer to. Of two that are as near, which one in 10,000 doubles has, it is the one that is shown.
 */
function isExact(literal: string): boolean {
  const value = Number(literal);
  const written = decimalOf(literal);
  const { length } = written.digits;
  if (length === 0) return value === 0;
  if (length > MOST_DIGITS || !Number.isFinite(value) || value === 0) return false;
  const short = decimalOf(String(value));
  if (isSame(written, short)) return true;
  if (length <= short.digits.length) return false;
  return isSame(written, decimalOf(value.toExponential(length - 1))) || isHalfBelow(written, value);
}

interface Decimal {
  readonly digits: string;
  readonly exponent: number;
}

function isSame(one: Decimal, other: Decimal): boolean {
  return one.digits === other.digits && one.exponent === other.exponent;
}

/** Whether it is what many programs round a double to that lies half way to the next: JavaScript rounds that up. */
function isHalfBelow({ digits, exponent }: Decimal, value: number): boolean {
  const exact = decimalOf(value.toExponential(FAR_BEYOND));
  return isSame(exact, { digits: `${digits}5`, exponent: exponent - 1 });
}

/** `digits × 10^exponent`, without zeros at either end; no digits for zero. */
function decimalOf(literal: string): Decimal {
  const [, whole = '', fraction = '', power = '0'] =
    /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(literal) ?? [];
  const all = `${whole}${fraction}`.replace(/^0+/, '');
  const digits = all.replace(/0+$/, '');
  return { digits, exponent: Number(power) - fraction.length + all.length - digits.length };
}
