import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeSignature } from '../../../../gateways/slack/signature.ts';

const secret = '8f742231b10e8888abcd99yyyzzz85a5';
const now = 1_531_420_618_000;

function sign(body: Uint8Array | string, timestamp: string, key = secret): string {
  return `v0=${createHmac('sha256', key).update(`v0:${timestamp}:`).update(body).digest('hex')}`;
}

function judge(over: Partial<Parameters<typeof judgeSignature>[0]> = {}, nowMs = now) {
  const timestamp = '1531420618';
  const body = Buffer.from('hello');
  return judgeSignature({ timestamp, body, signature: sign(body, timestamp), ...over }, secret, nowMs);
}

describe("a request's signature", () => {
  it("OM-191 agrees with the example in Slack's documentation", () => {
    const body = Buffer.from(
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
    );
    const signature = 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503';

    expect(judge({ body, signature })).toEqual({ kind: 'genuine' });
  });

  it('OM-192 is good for five minutes in either direction, and not a second longer', () => {
    expect(judge({}, now + 300_000)).toEqual({ kind: 'genuine' });
    expect(judge({}, now - 300_000)).toEqual({ kind: 'genuine' });
    expect(judge({}, now + 300_001)).toEqual({ kind: 'forged', reason: 'stale' });
    expect(judge({}, now - 300_001)).toEqual({ kind: 'forged', reason: 'stale' });
    expect(judge({}, now - 365 * 86_400_000)).toEqual({ kind: 'forged', reason: 'stale' });
  });

  it.each([
    ['no timestamp', { timestamp: undefined }],
    ['no signature', { signature: undefined }],
    ['a timestamp that is not a number', { timestamp: '1531420618x' }],
    ['an empty timestamp', { timestamp: '' }],
    ['another body', { body: Buffer.from('hallo') }],
    ['another version', { signature: sign('hello', '1531420618').replace('v0=', 'v1=') }],
    ['an empty signature', { signature: '' }],
  ])('OM-191 is refused with %s', (_, over) => {
    expect(judge(over).kind).toBe('forged');
  });

  it('OM-191 is refused when made with any other secret or over any other bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array(), fc.uint8Array(), (body, other) => {
        const same = Buffer.compare(body, other) === 0;
        const signature = sign(other, '1531420618');

        expect(judge({ body, signature }).kind).toBe(same ? 'genuine' : 'forged');
        expect(judge({ body, signature: sign(body, '1531420618', 'another') }).kind).toBe('forged');
      }),
    );
  });

  it('OM-191 cannot be checked with an empty secret, so nothing passes', () => {
    const signature = sign('hello', '1531420618', '');

    expect(() =>
      judgeSignature({ timestamp: '1531420618', body: Buffer.from('hello'), signature }, '', now),
    ).toThrow('empty');
  });
});
