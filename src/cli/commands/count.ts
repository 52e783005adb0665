import { InvalidArgumentError } from 'commander';

/** How many of something, as an option. */
export function toCount(text: string): number {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > 100_000) {
    throw new InvalidArgumentError('A number from 1 to 100000 is expected.');
  }
  return count;
}
