/**
 * Codes that people copy from one account to another: `K7PM-3QXWH-9TRCD`.
 *
 *   id (4)       finds what the code belongs to; no secret
 *   secret (10)  49 bits; kept as a slow hash, salted with the id
 *
 * With at most five tries and ten minutes nobody guesses it; with the hash alone nobody finds it in that time.
 */
import { randomInt, scrypt } from 'node:crypto';
import type { GivenCode } from '../domain/link.ts';

/** Nothing that looks like something else: no 0 O, no 1 I L. */
const LETTERS = '23456789ABCDEFGHJKMNPQRSTVWXYZ';
const ID_LETTERS = 4;
const SECRET_LETTERS = 10;
const HASH_BYTES = 32;

/** A code in a text, in any case, with whatever dash between its parts; without one it may be any number of anything. */
const SHAPE =
  /(?<![\p{L}\p{N}_-])[2-9A-HJKMNP-TV-Z]{4}\p{Pd}[2-9A-HJKMNP-TV-Z]{5}\p{Pd}[2-9A-HJKMNP-TV-Z]{5}(?![\p{L}\p{N}_-])/giu;

export interface NewCode extends GivenCode {
  /** As people write it. Told once; kept nowhere. */
  readonly text: string;
}

/** `id`: of what it belongs to, if that has one already. */
export async function newCode(id: string = letters(ID_LETTERS)): Promise<NewCode> {
  const secret = letters(SECRET_LETTERS);
  const text = `${id}-${secret.slice(0, 5)}-${secret.slice(5)}`;
  return { id, hash: await hashOf(id, secret), text };
}

/** What somebody wrote, ready to be compared; undefined for what is no code. */
export async function readCode(text: string): Promise<GivenCode | undefined> {
  const plain = text.toUpperCase().replaceAll(/\p{Pd}/gu, '');
  if (!isOfLetters(plain, ID_LETTERS + SECRET_LETTERS)) return undefined;
  const id = plain.slice(0, ID_LETTERS);
  return { id, hash: await hashOf(id, plain.slice(ID_LETTERS)) };
}

/** The id alone, as buttons carry it; undefined for anything else. */
export function readCodeId(text: string): string | undefined {
  const id = text.toUpperCase();
  return isOfLetters(id, ID_LETTERS) ? id : undefined;
}

/** A whole code, or the id of one alone; undefined for anything else. */
export async function readNamed(text: string): Promise<{ id: string; hash?: string } | undefined> {
  const id = readCodeId(text);
  return id === undefined ? readCode(text) : { id };
}

/** Without codes, for whatever is stored or shown to the model. */
export function hideCodes(text: string): string {
  return text.replaceAll(SHAPE, '[code hidden]');
}

function isOfLetters(text: string, count: number): boolean {
  return text.length === count && [...text].every((letter) => LETTERS.includes(letter));
}

function letters(count: number): string {
  return Array.from({ length: count }, () => LETTERS.charAt(randomInt(LETTERS.length))).join('');
}

function hashOf(id: string, secret: string): Promise<string> {
  return new Promise((resolve, reject) => {
    scrypt(secret, `signalbox link ${id}`, HASH_BYTES, (error, hash) => {
      if (error) reject(error);
      else resolve(hash.toString('base64url'));
    });
  });
}
