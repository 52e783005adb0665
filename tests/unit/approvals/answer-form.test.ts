import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { changesIn, formFor, questionIn, wishIn } from '../../../src/approvals/answer-form.ts';
import type { Form, FormBounds } from '../../../src/domain/form.ts';
import { parseGrantWish } from '../../../src/router/grant-wish.ts';
import { anApproval } from '../../support/approvals.ts';

const ROOMY: FormBounds = { fields: 50, chars: 3_000 };
const TIGHT: FormBounds = { fields: 5, chars: 4_000 };
const DAY = 24 * 60 * 60_000;

/** As a platform sends a form back in which nobody typed anything. */
function untouched({ fields }: Form): Record<string, string> {
  return Object.fromEntries(fields.map(({ name, value = '' }) => [name, value]));
}

function editOf(args: unknown, bounds = ROOMY): Form {
  return formFor(anApproval({ request: { args } }), 'edit', bounds);
}

const name = fc.stringMatching(/^[a-z][a-zA-Z_ ]{0,20}[a-z]$/);
const value = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 40 }),
  fc.constantFrom('', ' spaced ', 'two\nlines', 'a\r\nb', '"quoted"', '"half', 'x=y', '120', 'null'),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.boolean(),
  fc.constant(null),
  fc.array(fc.integer(), { maxLength: 3 }),
);
const argumentsOf = fc.dictionary(name, value, { minKeys: 1, maxKeys: 12, noNullPrototype: true });

describe('a form that changes arguments', () => {
  it('has a field for each, with what stands in it, and more room for what is long', () => {
    const { fields } = editOf({ order: 7, reason: 'x'.repeat(100), tags: ['a'] });

    expect(fields).toMatchObject([
      { name: 'argument:order', label: 'order', value: '7', multiline: false },
      { name: 'argument:reason', multiline: true },
      { name: 'argument:tags', value: '["a"]' },
    ]);
  });

  it('has one field with a line for each where they are more than fit', () => {
    const { fields } = editOf({ a: 1, b: 'two', c: 'two\nlines', d: null, e: ' e ', f: '"f"' }, TIGHT);

    expect(fields).toMatchObject([{ value: 'a=1\nb=two\nc="two\\nlines"\nd=null\ne=" e "\nf="\\"f\\""' }]);
  });

  it('changes nothing while nobody has touched it, whatever stands in it and however it is laid out', () => {
    fc.assert(
      fc.property(argumentsOf, fc.constantFrom(ROOMY, TIGHT, { fields: 1, chars: 60 }), (args, bounds) => {
        expect(changesIn(untouched(editOf(args, bounds)), args)).toEqual({});
      }),
    );
  });

  it('changes what was touched and nothing else', () => {
    fc.assert(
      fc.property(argumentsOf, fc.constantFrom(ROOMY, TIGHT), (args, bounds) => {
        const [first = ''] = Object.keys(args);
        const form = editOf(args, bounds);
        const filled =
          form.fields[0]?.name === 'arguments'
            ? { arguments: `${form.fields[0].value}\n`.replace(/^[^\n]*\n/, `${first}=changed\n`) }
            : { ...untouched(form), [`argument:${first}`]: 'changed' };
        expect(changesIn(filled, args)).toEqual(args[first] === 'changed' ? {} : { [first]: 'changed' });
      }),
    );
  });

  it('keeps to the room a field has, and says how many it leaves as they are', () => {
    const args = { short: 1, long: 'x'.repeat(200), other: 2, a: 1, b: 2, c: 3 };
    const [field] = editOf(args, { fields: 5, chars: 100 }).fields;

    expect(field?.value).toBe('short=1\nother=2\na=1\nb=2\nc=3');
    expect(field?.hint).toContain('1 more');
    expect(changesIn({ arguments: 'long=short now' }, args)).toEqual({ long: 'short now' });
  });

  it('says which line it cannot read', () => {
    expect(changesIn({ arguments: 'amount=40\nnonsense' }, { amount: 1 })).toContain('nonsense');
    expect(changesIn({ arguments: 'amount=40\namount=50' }, { amount: 1 })).toContain('twice');
  });
});

describe('a form for a standing yes', () => {
  it('proposes no more than the policy takes, and what it proposes is a rule that is read', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 60_000, max: 400 * DAY }).map((ms) => ms - (ms % 1_000)),
        fc.integer({ min: 1, max: 1_000 }),
        fc.constantFrom('exact' as const, 'like' as const, 'tool' as const),
        (longestMs, mostTimes, rule) => {
          const approval = anApproval({ policy: { standingYes: { rules: [rule], longestMs, mostTimes } } });
          const read = parseGrantWish(wishIn(untouched(formFor(approval, 'always', TIGHT))));

          if (typeof read === 'string') throw new Error(read);
          expect(read.wish.kind).toBe(rule);
          expect(read.wish.forMs).toBeLessThanOrEqual(longestMs);
          expect(read.wish.times).toBeLessThanOrEqual(mostTimes);
        },
      ),
    );
  });

  it('reads names that are set apart by commas and blanks, and times with or without their x', () => {
    expect(wishIn({ kind: ' like order, reason ', for: '7d', times: '5x' })).toBe('like order,reason 7d 5x');
    expect(wishIn({ kind: 'exact', for: '7d', times: '' })).toBe('exact 7d');
  });
});

describe('every form', () => {
  it('fits the shortest titles and buttons of the platforms, and the names of fields', () => {
    const standingYes = { rules: ['exact' as const], longestMs: DAY, mostTimes: 5 };
    for (const choice of ['ask', 'edit', 'always'] as const) {
      const form = formFor(anApproval({ policy: { standingYes } }), choice, TIGHT);
      expect(form.title.length).toBeLessThanOrEqual(24);
      expect(form.submit.length).toBeLessThanOrEqual(24);
      expect(form.fields.length).toBeLessThanOrEqual(TIGHT.fields);
      for (const field of form.fields) expect(field.name.length).toBeLessThanOrEqual(100);
    }
  });

  it('gives back the words of a question', () => {
    expect(questionIn({ text: 'why?' })).toBe('why?');
    expect(questionIn({})).toBe('');
  });
});
