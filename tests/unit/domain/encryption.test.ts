import { describe, expect, it } from 'vitest';
import { isEncryptedOrLocal, isLoopback } from '../../../src/domain/encryption.ts';

describe('what may be said in the clear', () => {
  it('OM-190 stays on this machine', () => {
    expect(['localhost', '127.0.0.1', '127.9.9.9', '::1', '[::1]'].every(isLoopback)).toBe(true);
    expect(
      ['0.0.0.0', '128.0.0.1', '127.0.0.1.evil.test', 'localhost.evil.test', '::', '10.0.0.1'].some(
        isLoopback,
      ),
    ).toBe(false);
  });

  it('OM-190 is an address over http on this machine, and none beyond it', () => {
    const isFine = (url: string) => isEncryptedOrLocal(url);

    expect(
      ['https://a.test', 'http://localhost:1/x', 'http://127.0.0.1', 'http://[::1]:2'].every(isFine),
    ).toBe(true);
    expect(
      ['http://a.test', 'ftp://127.0.0.1', 'http://localhost.a.test', 'http://127.0.0.1@a.test'].some(isFine),
    ).toBe(false);
  });
});
