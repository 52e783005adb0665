/**
 * Packs rendered blocks into messages no larger than a platform takes. Pure.
 *
 * Invariants
 *   1. Nothing is lost: the parts, put together, hold every visible character of the pieces, in order.
 *   2. No part is larger than the limit.
 *   3. A cut falls between pieces. Only a piece that alone exceeds the limit is cut inside: code between lines, with
 *      its fence closed and opened again; text between lines, then words, and only then inside a word.
 *   4. A cut never falls inside what `atoms` matches, unless that alone exceeds the limit.
 */

export interface Piece {
  readonly kind: 'text' | 'code';
  /** Code without its fences. */
  readonly text: string;
  /** What separates it from the piece before, if both land in one part. */
  readonly gap: '\n' | '\n\n';
}

export interface Packing {
  /** Largest part, in the unit of `sizeOf`. */
  readonly limit: number;
  /** Must never shrink when text is appended, and be at most the sum of the sizes of the pieces of a text. */
  readonly sizeOf: (text: string) => number;
  /** Written on a line of its own before and after code. */
  readonly fence: string;
  /** What must not be torn apart: links, escaped characters. Global; never matches nothing. */
  readonly atoms: RegExp;
}

export function pack(pieces: readonly Piece[], packing: Packing): string[] {
  const parts: string[] = [];
  let part = '';
  for (const piece of pieces) {
    for (const [index, chunk] of chunksOf(piece, packing).entries()) {
      const longer = part === '' ? chunk : `${part}${index === 0 ? piece.gap : '\n'}${chunk}`;
      if (packing.sizeOf(longer) <= packing.limit) {
        part = longer;
      } else {
        parts.push(part);
        part = chunk;
      }
    }
  }
  return part === '' ? parts : [...parts, part];
}

function chunksOf(piece: Piece, packing: Packing): string[] {
  const whole = enclosed(piece, piece.text, packing);
  if (packing.sizeOf(whole) <= packing.limit) return whole === '' ? [] : [whole];

  const room = packing.limit - packing.sizeOf(enclosed(piece, '', packing));
  const lines = piece.text.split('\n').flatMap((line) => cutLine(line, room, packing));
  return gather(lines, '\n', room, packing).map((chunk) => enclosed(piece, chunk, packing));
}

function enclosed(piece: Piece, text: string, { fence }: Packing): string {
  return piece.kind === 'code' ? `${fence}\n${text}\n${fence}` : text;
}

/** A line in chunks that fit: cut behind spaces where that is enough, inside a word where it is not. */
function cutLine(line: string, room: number, packing: Packing): string[] {
  if (packing.sizeOf(line) <= room) return [line];
  const words = atomsOf(line, packing.atoms).flatMap((word) =>
    packing.sizeOf(word) <= room ? [word] : gather([...word], '', room, packing),
  );
  return gather(words, '', room, packing);
}

/** The line as atoms and words, each word with the spaces behind it; joined they are the line. */
function atomsOf(line: string, atoms: RegExp): string[] {
  const tokens: string[] = [];
  let end = 0;
  for (const match of line.matchAll(atoms)) {
    tokens.push(...wordsOf(line.slice(end, match.index)), match[0]);
    end = match.index + match[0].length;
  }
  return [...tokens, ...wordsOf(line.slice(end))];
}

function wordsOf(text: string): string[] {
  return text.match(/\S*\s+|\S+/g) ?? [];
}

/** Joins neighbours while they fit. */
function gather(tokens: readonly string[], joint: string, room: number, { sizeOf }: Packing): string[] {
  const chunks: string[] = [];
  let chunk: string[] = [];
  let size = 0;
  for (const token of tokens) {
    const added = sizeOf(token) + (chunk.length === 0 ? 0 : sizeOf(joint));
    if (chunk.length > 0 && size + added > room) {
      chunks.push(chunk.join(joint));
      chunk = [];
      size = 0;
    }
    size += chunk.length === 0 ? sizeOf(token) : added;
    chunk.push(token);
  }
  return chunk.length === 0 ? chunks : [...chunks, chunk.join(joint)];
}
