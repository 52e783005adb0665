import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Platform } from '../../../src/domain/ids.ts';
import { ProgressBoard } from '../../../src/router/progress-board.ts';
import { silent } from '../../support/core.ts';

const TO = { platform: Platform.parse('slack'), route: { channel: 'C1' } };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** A board, and what it has shown; `maySpeak` is asked anew each time. */
function aBoard(maySpeak: () => boolean): { board: ProgressBoard; shown: string[] } {
  const shown: string[] = [];
  const progress = {
    show: async ({ markdown }: { markdown: string }) => {
      shown.push(markdown);
      return 'ref';
    },
  };
  const { signal } = new AbortController();
  const board = new ProgressBoard(
    progress,
    TO,
    'reply:1',
    async () => true,
    async () => maySpeak(),
    silent,
    signal,
  );
  return { board, shown };
}

describe('progress', () => {
  it('C1 is asked for before each edit, and shows nothing more once somebody else speaks', async () => {
    let speaks = true;
    const { board, shown } = aBoard(() => speaks);
    board.start();
    board.text(() => 'one');
    await vi.advanceTimersByTimeAsync(1_100);
    speaks = false;
    board.text(() => 'one two');
    await vi.advanceTimersByTimeAsync(10_000);

    expect(shown).toEqual(['one …']);
    expect(await board.finish()).toBe('ref');
  });

  it('C1 shows nothing at all when somebody else has spoken from the beginning', async () => {
    const { board, shown } = aBoard(() => false);
    board.start();
    board.text(() => 'one');
    await vi.advanceTimersByTimeAsync(5_000);

    expect(shown).toEqual([]);
    expect(await board.finish()).toBeUndefined();
  });

  it('OM-187 shows the last part of a long text, and of that only what may go out', async () => {
    const { board, shown } = aBoard(() => true);
    board.start();
    board.text((cut) => cut(`${'a'.repeat(3_000)}b`).replaceAll('a', 'x'));
    await vi.advanceTimersByTimeAsync(1_100);

    expect(shown).toEqual([`… ${'x'.repeat(2_999)}b …`]);
    await board.finish();
  });
});
