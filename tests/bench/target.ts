/** What a figure is to reach, and whether it did. Pure. */
import { significant } from './statistics.ts';

export interface Target {
  readonly name: string;
  readonly bound: 'at least' | 'at most' | 'less than';
  readonly limit: number;
  readonly unit: string;
}

export interface Verdict extends Target {
  readonly measured: number;
  readonly reached: boolean;
}

/** A figure that could not be measured (NaN) has not reached its target. */
export function judge(target: Target, measured: number): Verdict {
  return { ...target, measured: significant(measured), reached: holds(target, measured) };
}

function holds({ bound, limit }: Target, measured: number): boolean {
  switch (bound) {
    case 'at least':
      return measured >= limit;
    case 'at most':
      return measured <= limit;
    case 'less than':
      return measured < limit;
    default:
      return bound satisfies never;
  }
}
