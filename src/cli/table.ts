/** Text in columns, for a terminal or a file. Pure. */
import stringWidth from 'string-width';

const GAP = '  ';

/** The heading and the rows, each column as wide as its widest cell. Cells are one line each. */
export function table(heading: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [heading.map((cell) => cell.toUpperCase()), ...rows];
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

/** Names and values below each other, one per line. */
export function facts(entries: readonly (readonly [name: string, value: string])[]): string {
  const width = Math.max(...entries.map(([name]) => stringWidth(name)));
  return entries.map(([name, value]) => `${padded(name, width)}${GAP}${value}`.trimEnd()).join('\n');
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
