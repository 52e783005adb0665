import { expect, it } from 'vitest';
import { isMemoryWish } from '../../../src/router/memory-directives.ts';

it.each([
  '/memory',
  '/memory on',
  '!memory off.',
  '/memory off please, and at once',
  '/memory stop',
  '/memory please off',
  '/memory no!',
])('“%s” is about somebody’s consent, and nothing for the agent', (text) => {
  expect(isMemoryWish(text)).toBe(true);
});

it.each(['/memory what do you know of me', '/memory /new', '/memories', 'what about /memory off'])(
  '“%s” is not a wish about memory',
  (text) => {
    expect(isMemoryWish(text)).toBe(false);
  },
);
