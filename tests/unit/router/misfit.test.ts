import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { misfitText, passedOver } from '../../../src/router/misfit.ts';

const INPUT = z.strictObject({
  service: z.enum(['web', 'api']),
  replicas: z.int().min(1).max(9),
  note: z.string().max(5).optional(),
  steps: z.array(z.strictObject({ to: z.string() })).optional(),
  amount: z.number().positive().optional(),
  share: z.number().lt(1).optional(),
  names: z.array(z.string()).min(1).max(2).optional(),
  code: z.string().min(2).optional(),
  at: z.string().regex(/^\d+$/, 'it is a number of minutes').optional(),
});
const GOOD = { service: 'web', replicas: 2 };

function told(args: object): string {
  const { error } = INPUT.safeParse({ ...GOOD, ...args });
  if (!error) throw new Error('it fits');
  return misfitText(error, INPUT);
}

describe('arguments that a person wrote and that do not fit', () => {
  it.each([
    [{ replicas: 'two' }, 'replicas has to be a number'],
    [{ replicas: 1.5 }, 'replicas has to be a whole number'],
    [{ replicas: 12 }, 'replicas has to be at most 9'],
    [{ replicas: 0 }, 'replicas has to be at least 1'],
    [{ amount: 0 }, 'amount has to be more than 0'],
    [{ share: 1 }, 'share has to be less than 1'],
    [{ names: [] }, 'names has to have at least 1 entry'],
    [{ names: ['a', 'b', 'c'] }, 'names has to have at most 2 entries'],
    [{ code: 'a' }, 'code has to have at least 2 characters'],
    [{ service: 'shop' }, 'service has to be one of web, api'],
    [{ note: 'too long' }, 'note has to have at most 5 characters'],
    [{ steps: [{ to: 'a' }, { to: 4 }] }, 'to of entry 2 of steps has to be text'],
    [{ steps: 'all' }, 'steps has to be a list'],
    [{ at: 'noon' }, 'at does not fit: it is a number of minutes'],
    [
      { colour: 'red' },
      'colour is not one of the arguments, which are service, replicas, note, steps, amount, share, names, code, at',
    ],
    [
      { a: 1, b: 2 },
      'a and b are not of the arguments, which are service, replicas, note, steps, amount, share, names, code, at',
    ],
  ])('are told in plain words: %j', (args, words) => {
    expect(told(args)).toBe(words);
  });

  it('are told without the marks of a validator, and the first few of them', () => {
    const text = told({ service: 1, replicas: 0, note: 7, steps: 3, at: 4 });

    expect(text).not.toMatch(/[✖→⏎\n]/u);
    expect(text).toMatch(/^service .*; replicas .*; note has to be text; and more besides$/);
  });

  it('are told of where the tool would pass over them, so that nobody reads that nothing was changed', () => {
    const input = z.object({ to: z.number() });

    expect(passedOver({ to: 4, foo: 1 }, { to: 3 }, input)).toBe(
      'foo is not one of the arguments, which are to',
    );
    expect(passedOver({ to: 4, old: 1 }, { to: 3, old: 1 }, input)).toBeUndefined();
    expect(passedOver({ foo: 1 }, {}, z.record(z.string(), z.number()))).toBeUndefined();
  });
});
