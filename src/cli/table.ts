/** Text in columns, for a terminal or a file. Pure. */
import stringWidth from 'string-width';
import { visible } from '../approvals/sentences.ts';

const GAP = '  ';

/**
 * The heading and the rows, each column as wide as its widest cell. Whatever stands in a cell stays in its line: what
 * strangers named begins none of its own.
 */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading.map((cell) => cell.toUpperCase()), ...rows.map((cells) => cells.map(visible))];
  const widths = heading.map((_, column) =>
    Math.max(...lines.map((line) => stringWidth(line[column] ?? ''))),
  );
  return lines
    .map((line) =>
      line
        .map((cell, column) => padded(cell, widths[column] ?? 0))
        .join(GAP)
        .trimEnd(),
    )
    .join('\n');
}

/** Names and values below each other, one per line, whatever stands in them. */
export function facts(entries: readonly (readonly [name: string, value: string])[]): string {
  const shown = entries.map(([name, value]) => [visible(name), visible(value)] as const);
  const width = Math.max(...shown.map(([name]) => stringWidth(name)));
  return shown.map(([name, value]) => `${padded(name, width)}${GAP}${value}`.trimEnd()).join('\n');
}

export function padded(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - stringWidth(text)));
}

/** `in 3 h`, `5 min ago`. */
export function relative(ms: number, nowMs: number): string {
  const distance = Math.abs(ms - nowMs);
  const [count, unit] =
    distance < 60_000
      ? [distance / 1_000, 's']
      : distance < 3_600_000
        ? [distance / 60_000, 'min']
        : distance < 172_800_000
          ? [distance / 3_600_000, 'h']
          : [distance / 86_400_000, 'days'];
  const text = `${Math.round(Number(count))} ${unit}`;
  return ms >= nowMs ? `in ${text}` : `${text} ago`;
}
