/** The lines of a text somebody else wrote, and how they are quoted to a model. Pure. */

/** Whatever a reader takes for the end of a line. */
export const LINE_END = /\r\n|[\n\r\v\f\u0085\u2028\u2029]/u;

export function linesOf(text: string): string[] {
  return text.split(LINE_END);
}

/** No line can be taken for a heading, for somebody speaking, or for the end of what is quoted. */
export function behindBars(lines: readonly string[]): string {
  return lines.map((line) => `    | ${line}`).join('\n');
}
