import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Chance } from '../../crash/chance.ts';
import type { Message } from '../../crash/message.ts';
import { scriptOf } from '../../crash/people.ts';
import { toPlan } from '../../crash/plan.ts';
import { platformOf } from '../../crash/surfaces/surface.ts';

describe('the plan of a crash run', () => {
  it('does all there is to do when nothing is said', () => {
    const plan = toPlan([], 7);

    expect(plan).toMatchObject({
      seed: 7,
      json: false,
      scenarios: ['gateway', 'redis-restart', 'redis-away'],
    });
    expect(plan.loads.gateway.blows).toBeGreaterThanOrEqual(200);
    expect(plan.loads.gateway.messages).toBeGreaterThanOrEqual(5_000);
    expect(plan.loads.gateway.conversations).toBeGreaterThanOrEqual(200);
  });

  it('takes numbers, a seed and scenarios', () => {
    const args = [
      '--kills',
      '3',
      '--messages',
      '40',
      '--conversations',
      '4',
      '--seed',
      '9',
      '--only',
      'gateway',
    ];

    expect(toPlan(args, 7)).toMatchObject({
      seed: 9,
      scenarios: ['gateway'],
      loads: { gateway: { blows: 3, messages: 40, conversations: 4 } },
    });
  });

  it.each([
    [['--kills', 'many']],
    [['--kills', '0']],
    [['--only', 'network']],
    [['--conversations', '60', '--messages', '50']],
    [['--slow']],
  ])('refuses %j with a sentence', (args) => {
    expect(() => toPlan(args, 7)).toThrow(TypeError);
  });
});

describe('the script of the people', () => {
  it('has conversations change hands in every scenario', () => {
    for (const load of Object.values(toPlan([], 7).loads)) {
      const script = scriptOf(load, new Chance(7));

      expect(script.filter(({ kind }) => kind === 'to-dana').length).toBeGreaterThan(3);
    }
  });

  it('numbers the messages of each conversation from one, without a gap, and the same for the same seed', () => {
    fc.assert(
      fc.property(
        fc.nat(),
        fc.integer({ min: 1, max: 20 }),
        fc.integer({ min: 20, max: 200 }),
        (...sizes) => {
          const [seed, conversations, messages] = sizes;
          const load = { messages, conversations, callsUntil: 0.5 };
          const script = scriptOf(load, new Chance(seed));

          expect(script).toHaveLength(messages);
          expect(new Set(script.map(({ conversation }) => conversation)).size).toBe(conversations);
          for (let conversation = 1; conversation <= conversations; conversation++) {
            const numbers = script
              .filter((each) => each.conversation === conversation)
              .map((each) => each.number);
            expect(numbers).toEqual(numbers.map((_, index) => index + 1));
          }
          expect(script.slice(Math.ceil(messages / 2)).every(({ kind }) => kind === 'plain')).toBe(true);
          expect(scriptOf(load, new Chance(seed))).toEqual(script);
          for (const [index, { conversation, kind }] of script.entries()) {
            if (kind !== 'to-dana') continue;
            const of = (part: Message[]) => part.filter((one) => one.conversation === conversation);
            expect(platformOf(conversation)).not.toBe('email');
            expect(of(script.slice(0, index)).length).toBeGreaterThanOrEqual(2);
            expect(of(script.slice(index)).at(-1)?.kind).not.toBe('to-dana');
          }
        },
      ),
    );
  });
});
