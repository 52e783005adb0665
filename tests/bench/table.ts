/** Plain text tables for the terminal. Pure. */
import { significant } from './statistics.ts';
import type { Verdict } from './target.ts';

/** Rows under a heading row, columns aligned: the first to the left, figures to the right. */
export function toTable(heading: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [heading, ...rows.map((row) => row.map(toCell))];
  const widths = heading.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const lines = cells.map((row) =>
    row.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join('  '),
  );
  return [lines[0], widths.map((width) => '-'.repeat(width)).join('  '), ...lines.slice(1)].join('\n');
}

/** One line for each target: what was asked, what was measured, reached or missed. */
export function toVerdictTable(verdicts: readonly Verdict[]): string {
  return toTable(
    ['target', 'asked', 'measured', ''],
    verdicts.map(({ name, bound, limit, unit, measured, reached }) => [
      name,
      `${bound} ${limit}${unit}`,
      `${toCell(measured)}${Number.isFinite(measured) ? unit : ''}`,
      reached ? 'reached' : 'MISSED',
    ]),
  );
}

function toCell(value: string | number): string {
  if (typeof value === 'string') return value;
  return Number.isFinite(value) ? String(significant(value)) : 'n/a';
}

function pad(cell: string, width: number, column: number): string {
  return column === 0 ? cell.padEnd(width) : cell.padStart(width);
}
