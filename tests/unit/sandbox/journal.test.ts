import { appendFileSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Journal } from '../../../src/sandbox/journal.ts';

let directory: string;

beforeEach(() => {
  directory = mkdtempSync(path.join(tmpdir(), 'journal-'));
});

afterEach(() => {
  rmSync(directory, { recursive: true, force: true });
});

describe('the journal', () => {
  it('gives back what was kept, in order and by kind, also when it was never stopped', async () => {
    const journal = await opened();
    journal.append('a', { n: 1 });
    journal.append('b', 'other');
    journal.append('a', { n: 2 });

    const again = await opened();

    expect(again.replay('a')).toEqual([{ n: 1 }, { n: 2 }]);
    expect(again.replay('b')).toEqual(['other']);
    expect(again.replay('c')).toEqual([]);
  });

  it('drops a line that was cut in half and goes on after the last whole one', async () => {
    const journal = await opened();
    journal.append('a', 1);
    appendFileSync(file(), '{"kind":"a","rec');

    const second = await opened();
    second.append('a', 2);
    const third = await opened();

    expect(second.replay('a')).toEqual([1]);
    expect(third.replay('a')).toEqual([1, 2]);
  });

  it('survives a cut at any byte with all the lines that were whole', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' }), { maxLength: 8 }),
        fc.nat(),
        async (records, cut) => {
          const journal = await opened();
          for (const record of records) journal.append('a', record);
          const bytes = readFileSync(file());
          const kept = bytes.subarray(0, cut % (bytes.length + 1));
          rmSync(file());
          appendFileSync(file(), kept);

          const again = await opened();

          const whole = [...kept].filter((byte) => byte === 10).length;
          expect(again.replay('a')).toEqual(records.slice(0, whole));
          rmSync(file());
        },
      ),
      { numRuns: 60 },
    );
  });

  it('keeps nothing without a directory', async () => {
    const journal = new Journal();
    await journal.start();

    journal.append('a', 1);

    expect(journal.replay('a')).toEqual([]);
  });
});

async function opened(): Promise<Journal> {
  const journal = new Journal(directory);
  await journal.start();
  return journal;
}

function file(): string {
  return path.join(directory, 'sandbox.jsonl');
}
