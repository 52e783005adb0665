/**
 * Characters that a reader does not see: controls, zero-width and direction marks, tags, fillers. Pure.
 *
 * They carry no meaning a person could agree to, yet can split a word a filter looks for, reverse the order in
 * which a link is read, or smuggle a text to the next model.
 */

/** Line breaks and tabs stay; the two joiners stay between visible characters, where scripts and emoji need them. */
const HIDDEN =
  /(?!\n|\t|\u200C|\u200D|\uFE0E|\uFE0F)(?:[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Variation_Selector}]|\u034F|\u115F|\u1160|\u17B4|\u17B5|\u3164|\uFFA0)|(?<!\p{L}|\p{M}|\p{Emoji}|\uFE0F)(?:\u200C|\u200D)/gu;

/** The text a reader sees. Line ends become `\n`. */
export function dropHidden(text: string): string {
  return withPlainLineEnds(text).replace(HIDDEN, '');
}

/** The text with every hidden character named, as in `pay⟨U+202E⟩pal`, for a person who is to judge it. */
export function showHidden(text: string): string {
  return withPlainLineEnds(text).replace(HIDDEN, (character) => `⟨U+${codePointOf(character)}⟩`);
}

function withPlainLineEnds(text: string): string {
  return text.replace(/\r\n?|\u2028|\u2029/g, '\n');
}

function codePointOf(character: string): string {
  return (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0');
}
