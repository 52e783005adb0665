import { describe, expect, it } from 'vitest';
import { CredentialError, codeOf, RefusedError, toOurError } from '../../../../gateways/discord/client.ts';
import { RateLimitedError, UndeliverableError } from '../../../../src/domain/errors.ts';

const refused = (status: number, code: number, message = 'no') =>
  Object.assign(new Error(message), { status, code, url: 'https://discord.test/webhooks/1/secret-token' });

describe('errors of Discord', () => {
  it('a full bucket is a wait of as long as Discord says', () => {
    const error = toOurError(Object.assign(new Error(), { timeToReset: 1_500, retryAfter: 1_200 }));

    expect(error).toBeInstanceOf(RateLimitedError);
    expect(error).toMatchObject({ retryAfterMs: 1_500 });
  });

  it.each([
    [404, 10_003],
    [403, 50_001],
    [403, 50_007],
    [403, 50_013],
    [400, 50_035],
  ])('%i with code %i is for good', (status, code) => {
    const error = toOurError(refused(status, code));

    expect(error).toBeInstanceOf(UndeliverableError);
    expect(codeOf(error)).toBe(code);
  });

  it('a refusal that may pass stays a plain error', () => {
    expect(toOurError(refused(400, 40_062))).toBeInstanceOf(RefusedError);
    expect(toOurError(refused(502, 0)).message).toBe('Discord answered 502');
    expect(toOurError(new Error('ECONNREFUSED')).message).toContain('cannot be reached');
  });

  it('a refused token is a matter of credentials', () => {
    expect(toOurError(refused(401, 0))).toBeInstanceOf(CredentialError);
  });

  it('OM-190 nothing of an address is kept, since it may hold the token of an interaction', () => {
    for (const status of [400, 401, 403, 404, 500]) {
      const error = toOurError(refused(status, 50_001));
      expect(JSON.stringify([error, error.cause, { ...error }, error.stack])).not.toContain('secret-token');
    }
  });
});
