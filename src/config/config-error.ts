/** What is wrong with the configuration: everything at once, each with its place and the next step. */
import { AppError } from '../domain/errors.ts';

export interface ConfigProblem {
  /** Name of the file in the configuration folder. */
  readonly file: string;
  /** 1-based; undefined when there is no file to point into. */
  readonly line: number | undefined;
  /** `rules[2].approvers.role`; empty for the file as a whole. */
  readonly keyPath: string;
  readonly expected: string;
  /** Never a value that came from the environment. */
  readonly found: string;
  readonly hint: string | undefined;
}

/** The configuration cannot be used. The message is the whole report, ready to print. */
export class ConfigError extends AppError {
  override readonly code = 'CONFIG_INVALID';

  constructor(
    readonly directory: string,
    readonly problems: readonly ConfigProblem[],
  ) {
    super(renderProblems(directory, problems));
  }
}

/** The report for a tired person: the place first, then what to do about it. */
export function renderProblems(directory: string, problems: readonly ConfigProblem[]): string {
  const count = problems.length === 1 ? 'one problem' : `${problems.length} problems`;
  return [`The configuration in ${directory} has ${count}:`, ...problems.map(renderProblem)].join('\n\n');
}

function renderProblem(problem: ConfigProblem): string {
  const place = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`;
  const lines = [
    problem.keyPath === '' ? `  ${place}` : `  ${place}  ${problem.keyPath}`,
    `    expected  ${problem.expected}`,
    `    found     ${problem.found}`,
  ];
  if (problem.hint !== undefined) lines.push(`    hint      ${problem.hint}`);
  return lines.join('\n');
}
