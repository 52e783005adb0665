import { expect, it } from 'vitest';
import { WaitQuery } from '../../../src/api/schema.ts';

it('a number in an address that is none is said to be none', () => {
  const { error } = WaitQuery.safeParse({ timeout: 'abc' });

  expect(error?.issues).toMatchObject([{ path: ['timeout'], message: 'has to be a number' }]);
});
