import { generateKeyPairSync, sign } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { judgeSignature } from '../../../../gateways/discord/signature.ts';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const key = publicKey.export({ type: 'spki', format: 'der' }).subarray(-32).toString('hex');
const nowMs = 1_760_000_000_000;
const timestamp = String(nowMs / 1_000);
const body = Buffer.from('{"type":1}');

const signed = (at = timestamp, said: Buffer = body) =>
  sign(null, Buffer.concat([Buffer.from(at), said]), privateKey).toString('hex');

describe('the signature of Discord', () => {
  it('OM-191 is genuine over the timestamp and the very bytes of the body', () => {
    expect(judgeSignature({ timestamp, signature: signed(), body }, key, nowMs)).toEqual({ kind: 'genuine' });
  });

  it.each([
    ['no signature', { signature: undefined }, 'not-signed'],
    ['no timestamp', { timestamp: undefined }, 'not-signed'],
    ['a signature that is none', { signature: 'zz' }, 'not-signed'],
    ['a signature of zeros', { signature: '0'.repeat(128) }, 'wrong-signature'],
    ['a signature for another body', { signature: signed(timestamp, Buffer.from('{}')) }, 'wrong-signature'],
    ['a signature for another time', { timestamp: '1760000001' }, 'wrong-signature'],
    ['a time of last year', { timestamp: '1728000000', signature: signed('1728000000') }, 'stale'],
    ['a time to come', { timestamp: '1760000400', signature: signed('1760000400') }, 'stale'],
  ] as const)('OM-191 OM-192 is forged with %s', (_, over, reason) => {
    const request = { timestamp, signature: signed(), body, ...over };

    expect(judgeSignature(request, key, nowMs)).toEqual({ kind: 'forged', reason });
  });

  it('is not judged by what is no key', () => {
    expect(() => judgeSignature({ timestamp, signature: signed(), body }, '00', nowMs)).toThrow();
  });
});
