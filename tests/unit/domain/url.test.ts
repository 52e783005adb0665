import { describe, expect, it } from 'vitest';
import { readUrl } from '../../../src/domain/url.ts';

describe('an address', () => {
  it('is read the same however many were read before', () => {
    for (let read = 0; read < 50_000; read++) readUrl(`https://example.com/${read}`);

    expect(readUrl('https://bücher.example/')?.hostname).toBe('xn--bcher-kva.example');
    expect(readUrl('/ö', 'https://bücher.example/ä')?.href).toBe('https://xn--bcher-kva.example/%C3%B6');
  });

  it.each(['', 'example.com', 'https://', 'http://a b/', '//example.com'])('is none: "%s"', (text) => {
    expect(readUrl(text)).toBeUndefined();
  });

  it('is none beside what is none', () => {
    expect(readUrl('/a', 'nowhere')).toBeUndefined();
  });
});
