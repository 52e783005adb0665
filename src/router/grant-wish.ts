/**
 * How people write a standing yes: `exact 7d 5x`, `like order,reason amount<=120 7d 5x sum amount<=500`, `tool 1d 3x`.
 * Pure.
 */
import ms, { type StringValue } from 'ms';
import type { GrantWish } from '../domain/grant.ts';

const USAGE =
  'Write what further calls it is for, how long and how often: `always TICKET exact 7d 5x` for the very same call, `always TICKET like order,reason amount<=120 7d 5x` for those that differ in these arguments, `always TICKET tool 1d 3x` for every call of the tool; `sum amount<=500` at the end limits all of them together. Nothing was decided.';

/** The wish, and the word that confirms it if there is one; otherwise what to write instead. */
export function parseGrantWish(text: string): { wish: GrantWish; code: string | undefined } | string {
  const words = text.trim().split(/\s+/u);
  const [kind] = words;
  if (kind !== 'exact' && kind !== 'like' && kind !== 'tool') return USAGE;
  const free: string[] = [];
  const most = new Map<string, number>();
  let forMs: number | undefined;
  let times: number | undefined;
  let sum: GrantWish['sum'];
  let code: string | undefined;
  for (let i = 1; i < words.length; i++) {
    const word = words[i] ?? '';
    const limit = /^([\p{L}_][\p{L}\p{N}_-]*)<=(\d+(?:\.\d+)?)$/u.exec(word);
    const [, name = '', value = ''] = limit ?? [];
    if (/^\d+(?:\.\d+)?[smhdw]$/u.test(word))
      forMs = Math.round(ms(word as StringValue)); // the pattern admits only what it reads
    else if (/^\d+x$/u.test(word)) times = Number(word.slice(0, -1));
    else if (limit && words[i - 1] === 'sum') sum = { argument: name, most: Number(value) };
    else if (limit && kind === 'like') most.set(name, Number(value));
    else if (word === 'sum' && words[i + 1]?.includes('<=')) continue;
    else if (i === words.length - 1 && /^[3479CDFHJKMNPQRTVWXY]{4}$/u.test(word)) code = word;
    else if (kind === 'like' && /^[\p{L}_][\p{L}\p{N}_,-]*$/u.test(word))
      free.push(...word.split(',').filter(Boolean));
    else return USAGE;
  }
  if (forMs === undefined || times === undefined || times < 1) return USAGE;
  return {
    wish: {
      kind,
      free: [...new Set(free)],
      most: Object.fromEntries(most),
      forMs,
      times,
      ...(sum ? { sum } : {}),
    },
    code,
  };
}

/** The same wish in one spelling. */
export function wishText({ kind, free, most, forMs, times, sum }: GrantWish): string {
  return [
    kind,
    ...(free.length > 0 ? [free.join(',')] : []),
    ...Object.entries(most).map(([name, value]) => `${name}<=${value}`),
    lengthText(forMs),
    `${times}x`,
    ...(sum ? [`sum ${sum.argument}<=${sum.most}`] : []),
  ].join(' ');
}

/** In the largest unit in which it is a whole number: 1d, 36h, 90s. */
function lengthText(lengthMs: number): string {
  const [unit, unitMs] = UNITS.find(([, each]) => lengthMs % each === 0) ?? ['s', 1_000];
  return `${lengthMs / unitMs}${unit}`;
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
] as const;
