import { describe, expect, it } from 'vitest';
import { messageOf } from '../../bench/many-skills.ts';

describe('messages of the benchmark', () => {
  it('are the same in every run, each another one, and call for a skill there is', () => {
    const messages = Array.from({ length: 50 }, (_, n) => messageOf(n, 10));

    expect(messages).toEqual(Array.from({ length: 50 }, (_, n) => messageOf(n, 10)));
    expect(new Set(messages).size).toBe(50);
    for (const text of messages) expect(text).toMatch(/topic\d\b/);
  });
});
