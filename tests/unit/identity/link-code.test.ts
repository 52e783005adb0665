import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hideCodes, newCode, readCode, readCodeId } from '../../../src/identity/link-code.ts';
import { runs } from '../../support/property-runs.ts';

describe('a code', () => {
  it('is read again as it was made, in any case and without its hyphens', async () => {
    const { id, hash, text } = await newCode();

    expect(text).toMatch(/^[2-9A-HJKMNP-TV-Z]{4}(-[2-9A-HJKMNP-TV-Z]{5}){2}$/);
    for (const written of [text, text.toLowerCase(), text.replaceAll('-', ''), text.replaceAll('-', '–')]) {
      expect(await readCode(written)).toEqual({ id, hash });
    }
    expect(hash).not.toContain(text.slice(5, 10));
  });

  it('is another one each time, also for the same id', async () => {
    const codes = await Promise.all(Array.from({ length: 8 }, () => newCode('K7PM')));

    expect(new Set(codes.map(({ text }) => text)).size).toBe(8);
    expect(new Set(codes.map(({ hash }) => hash)).size).toBe(8);
  });

  it.each(['', 'K7PM', 'K7PM-3QXWH-9TRC', 'K7PM-3QXWH-9TRC0', 'K7PM-3QXWH-9TRCDD', 'hello there friends'])(
    'is not %j',
    async (text) => {
      expect(await readCode(text)).toBeUndefined();
    },
  );

  it('has an id that may stand alone', () => {
    expect(readCodeId('k7pm')).toBe('K7PM');
    expect(readCodeId('k7p0')).toBeUndefined();
    expect(readCodeId('k7pm-')).toBeUndefined();
  });
});

describe('a text that is stored', () => {
  it('holds no code, wherever it stood, and is else what it was', async () => {
    const { text: code } = await newCode();

    expect(hideCodes(`/link ${code}, please`)).toBe('/link [code hidden], please');
    expect(hideCodes(code.toLowerCase())).toBe('[code hidden]');
    expect(hideCodes(`/pair ${code.replaceAll('-', '–')} please`)).toBe('/pair [code hidden] please');
    fc.assert(
      fc.property(fc.string(), fc.string(), (before, after) => {
        expect(hideCodes(`${before} ${code} ${after}`)).not.toContain(code);
      }),
      { numRuns: runs(200) },
    );
    for (const plain of [
      'order 7',
      crypto.randomUUID(),
      'CVE-2025-34072',
      'AB-12345-67890',
      'parcel 93845H2KD83F7B',
    ]) {
      expect(hideCodes(plain)).toBe(plain);
    }
  });
});
