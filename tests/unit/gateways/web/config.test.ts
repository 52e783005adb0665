import { describe, expect, it } from 'vitest';
import { checkWeb, missingFinding } from '../../../../gateways/web/check.ts';
import { missingWebSettings, WebSettings } from '../../../../gateways/web/config.ts';

const token = 'a'.repeat(32);

describe('the settings of the web gateway', () => {
  it('need nothing, and then lack a token', () => {
    const settings = WebSettings.parse({});

    expect(settings).toEqual({ enabled: 'auto', path: '/web', allowed_origins: [], clients: {} });
    expect(missingWebSettings(settings)).toEqual(['clients.<name>.token']);
    expect(checkWeb(settings, 'http://127.0.0.1:4000')).toEqual([missingFinding('clients.<name>.token')]);
  });

  it('are complete with one client that has a token', () => {
    const settings = WebSettings.parse({ enabled: true, clients: { local: { token }, idle: {} } });

    expect(missingWebSettings(settings)).toEqual([]);
  });

  it.each([
    ['a short token', { clients: { a: { token: 'a'.repeat(31) } } }, 'at least 32 characters'],
    ['a token with a space', { clients: { a: { token: `${token} ${token}` } } }, 'none of them a space'],
    ['one token for two clients', { clients: { a: { token }, b: { token } } }, 'could not be told apart'],
    ['a client with an odd name', { clients: { 'A:b': { token } } }, 'lower-case letters'],
    ['an origin with a path', { allowed_origins: ['https://a.test/page'] }, 'without a path'],
    ['any origin', { allowed_origins: ['*'] }, 'is an origin'],
    ['a path without a slash', { path: 'web' }, 'begins with a slash'],
    ['no token although it is insisted on', { enabled: true }, 'no client has a token'],
  ])('OM-185 refuse %s, and say why', (_, settings, reason) => {
    const { success, error } = WebSettings.safeParse(settings);

    expect(success).toBe(false);
    expect(JSON.stringify(error?.issues)).toContain(reason);
  });
});
