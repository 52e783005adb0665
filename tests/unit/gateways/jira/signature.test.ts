import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSigned } from '../../../../gateways/jira/signature.ts';

const secret = "It's a Secret to Everybody";
const published = 'sha256=a4771c39fbe90f317c7824e83ddef3caae9cb3d976c214ace1f2937e133263c9';

describe('the signature of a webhook', () => {
  it('OM-191 agrees with the published example', () => {
    expect(isSigned(Buffer.from('Hello World!'), published, secret)).toBe(true);
    expect(isSigned(Buffer.from('Hello World'), published, secret)).toBe(false);
  });

  it.each([undefined, '', 'sha256=', 'sha1=abc', `${published}0`, published.slice(7)])(
    'OM-191 is none when it is %j',
    (signature) => {
      expect(isSigned(Buffer.from('Hello World!'), signature, secret)).toBe(false);
    },
  );

  it('OM-191 counts for no body without a secret', () => {
    const signature = `sha256=${createHmac('sha256', '').update('x').digest('hex')}`;

    expect(isSigned(Buffer.from('x'), signature, '')).toBe(false);
  });

  it('OM-191 counts for the bytes it was made over, and for no others', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (body, other) => {
        const signature = `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`;

        expect(isSigned(Buffer.from(body), signature, secret)).toBe(true);
        expect(isSigned(Buffer.from(other), signature, secret)).toBe(Buffer.from(body).equals(other));
      }),
    );
  });
});
