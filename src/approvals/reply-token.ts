/**
 * Tokens and codes for approvals answered by mail.
 *
 * The token is the `+part` of the reply address: which approval, which generation of it, until when, and a MAC
 * that also covers the person it was made for. The person is not inside; whoever checks it names the
 * authenticated sender. The codes are the short words a person copies into the first line of the answer.
 *
 *   token = base32( partition 1 · id 8 · generation 2 · expiry 4 · MAC 16 )   31 bytes, 50 characters
 *
 * Invariants
 *   1. A token made for one person, approval, generation or expiry verifies for no other.
 *   2. Upper and lower case are the same token: mail servers and clients change the case of addresses.
 *   3. One token has one spelling: the unused bits at its end are zero or it is refused.
 *   4. The approve code and the deny code differ in every character, so no slip turns one into the other.
 *
 * Single use is not here: the approval's state decides that, in one atomic write.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { ApprovalId, type PersonId } from '../domain/ids.ts';

/** RFC 4648 base32 in lower case: letters and digits only, so that it survives any mail system. */
const BASE32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** No vowels (no code spells a word), and nothing that looks like something else: no 0 O 1 I L 5 S 2 Z 8 B 6 G. */
const CODE_ALPHABET = '3479CDFHJKMNPQRTVWXY';
const CODE_LENGTH = 5;

/** Texts with the shape of a code, for patterns that look for one. */
export const CODE_SHAPE = `[${CODE_ALPHABET}]{${CODE_LENGTH}}`;

/** At least 128 bits, so that a token cannot be guessed. */
const MAC_BYTES = 16;
const CLAIM_BYTES = 1 + 8 + 2 + 4;
const TOKEN_BYTES = CLAIM_BYTES + MAC_BYTES;

/** Characters of a token. With `signalbox+` before it an address's local part has 60 of the 64 of RFC 5321. */
export const REPLY_TOKEN_CHARS = Math.ceil((TOKEN_BYTES * 8) / 5);

/** As many as the MAC has: a shorter secret would be the easier thing to guess. */
const MIN_SECRET_BYTES = 16;

const MAX_GEN = 0xffff;
const MAX_EXPIRY_SECONDS = 0xffff_ffff;

/** What a token says about itself. Nothing to act on until `verify` has agreed. */
export interface ReplyClaim {
  readonly approvalId: ApprovalId;
  readonly gen: number;
  /** Milliseconds since the epoch, on a whole second. */
  readonly expiresAt: number;
}

/** The open question a token or a code belongs to. */
export interface ReplySubject {
  readonly approvalId: ApprovalId;
  /** The recipient of the question, and the only one who may answer with it. */
  readonly person: PersonId;
  readonly gen: number;
}

export interface ReplyCodes {
  readonly approveCode: string;
  readonly denyCode: string;
}

export interface IssuedReply extends ReplyCodes {
  readonly token: string;
}

export interface ReplyTokens {
  /**
   * The same subject and expiry always give the same token and codes, so that sending again sends the same mail.
   * `expiresAt` is in milliseconds and rounded up to a whole second.
   */
  issue(question: ReplySubject & { readonly expiresAt: number }): IssuedReply;
  /** What a token claims; undefined when it is not one. Says nothing about who made it: see `verify`. */
  read(token: string): ReplyClaim | undefined;
  /** True if we made exactly this token for exactly this question. Expiry is for the caller to judge. */
  verify(token: string, subject: ReplySubject): boolean;
  /** The codes that belong to a question. */
  codes(subject: ReplySubject): ReplyCodes;
}

/** @throws when the secret is too short to protect anything */
export function createReplyTokens(secret: string): ReplyTokens {
  if (Buffer.byteLength(secret) < MIN_SECRET_BYTES) {
    throw new Error(`a secret for reply addresses needs at least ${MIN_SECRET_BYTES} bytes`);
  }
  const codes = (subject: ReplySubject): ReplyCodes => toCodes(secret, subject);

  return {
    issue: ({ expiresAt, ...subject }) => {
      const claim = packClaim({ approvalId: subject.approvalId, gen: subject.gen, expiresAt });
      return { token: toBase32(Buffer.concat([claim, mac(secret, claim, subject)])), ...codes(subject) };
    },
    read: (token) => {
      const bytes = fromBase32(token);
      return bytes && unpackClaim(bytes);
    },
    verify: (token, subject) => {
      const bytes = fromBase32(token);
      const claim = bytes && unpackClaim(bytes);
      if (!bytes || !claim) return false;
      const genuine = timingSafeEqual(
        bytes.subarray(CLAIM_BYTES),
        mac(secret, bytes.subarray(0, CLAIM_BYTES), subject),
      );
      return genuine && claim.approvalId === subject.approvalId && claim.gen === subject.gen;
    },
    codes,
  };
}

function mac(secret: string, claim: Buffer, { person }: ReplySubject): Buffer {
  // The claim has a fixed length, so what follows it cannot be mistaken for part of it.
  return createHmac('sha256', secret)
    .update('reply-token:1\0')
    .update(claim)
    .update(person)
    .digest()
    .subarray(0, MAC_BYTES);
}

function toCodes(secret: string, { approvalId, person, gen }: ReplySubject): ReplyCodes {
  const bytes = createHmac('sha256', secret)
    .update(`reply-code:1\0${JSON.stringify([approvalId, person, gen])}`)
    .digest();
  const size = CODE_ALPHABET.length;
  let approveCode = '';
  let denyCode = '';
  for (let position = 0; position < CODE_LENGTH; position++) {
    const approve = bytes.readUInt16BE(position * 4) % size;
    const step = 1 + (bytes.readUInt16BE(position * 4 + 2) % (size - 1));
    approveCode += CODE_ALPHABET.charAt(approve);
    denyCode += CODE_ALPHABET.charAt((approve + step) % size);
  }
  return { approveCode, denyCode };
}

function packClaim({ approvalId, gen, expiresAt }: ReplyClaim): Buffer {
  const seconds = Math.ceil(expiresAt / 1000);
  if (!Number.isInteger(gen) || gen < 0 || gen > MAX_GEN) throw new Error(`generation ${gen} does not fit`);
  if (!(seconds >= 0 && seconds <= MAX_EXPIRY_SECONDS)) throw new Error(`expiry ${expiresAt} does not fit`);

  const [, partition = '', serial = ''] = /^apr_p(\d{1,2})_([0-9a-z]{12})$/.exec(approvalId) ?? [];
  const claim = Buffer.alloc(CLAIM_BYTES);
  claim.writeUInt8(packPartition(partition), 0);
  claim.writeBigUInt64BE(fromBase36(serial), 1);
  claim.writeUInt16BE(gen, 9);
  claim.writeUInt32BE(seconds, 11);
  return claim;
}

function unpackClaim(bytes: Buffer): ReplyClaim | undefined {
  const partition = unpackPartition(bytes.readUInt8(0));
  const serial = bytes.readBigUInt64BE(1).toString(36).padStart(12, '0');
  const approvalId = ApprovalId.safeParse(`apr_p${partition}_${serial}`);
  if (!approvalId.success) return undefined;
  return {
    approvalId: approvalId.data,
    gen: bytes.readUInt16BE(9),
    expiresAt: bytes.readUInt32BE(11) * 1000,
  };
}

/** `7` → 7, `12` → 12, and the spellings with a zero before (`07`) → 107, so that no two ids meet. */
function packPartition(digits: string): number {
  return digits.length === 2 && digits.startsWith('0') ? 100 + Number(digits) : Number(digits);
}

function unpackPartition(packed: number): string {
  return packed >= 100 ? `0${packed - 100}` : String(packed);
}

function fromBase36(digits: string): bigint {
  let value = 0n;
  for (const digit of digits) value = value * 36n + BigInt(Number.parseInt(digit, 36));
  return value;
}

function toBase32(bytes: Buffer): string {
  let text = '';
  let pending = 0;
  let bits = 0;
  for (const byte of bytes) {
    pending = (pending << 8) | byte;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += BASE32.charAt((pending >> (bits - 5)) & 31);
    pending &= (1 << bits) - 1;
  }
  return bits > 0 ? text + BASE32.charAt((pending << (5 - bits)) & 31) : text;
}

function fromBase32(token: string): Buffer | undefined {
  // Checked before the case is folded: some letters outside ASCII fold into it.
  if (token.length !== REPLY_TOKEN_CHARS || !/^[A-Za-z2-7]+$/.test(token)) return undefined;
  const bytes: number[] = [];
  let pending = 0;
  let bits = 0;
  for (const letter of token.toLowerCase()) {
    pending = (pending << 5) | BASE32.indexOf(letter);
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push(pending >> bits);
    pending &= (1 << bits) - 1;
  }
  return pending === 0 ? Buffer.from(bytes) : undefined;
}
