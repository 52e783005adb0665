import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clientOf, isAllowedOrigin, tokenIn } from '../../../../gateways/web/access.ts';
import { WebSettings } from '../../../../gateways/web/config.ts';
import { runs } from '../../../support/property-runs.ts';

const TOKEN = 'a'.repeat(32);
const OTHER = 'b'.repeat(40);
const settings = WebSettings.parse({
  allowed_origins: ['https://page.example.com'],
  clients: { shop: { token: TOKEN }, ops: { token: OTHER }, idle: {} },
});

describe('the client of a token', () => {
  it('OM-191 is the one whose token it is, and nobody for anything else', () => {
    expect(clientOf(TOKEN, settings)).toBe('shop');
    expect(clientOf(OTHER, settings)).toBe('ops');
    expect(clientOf(undefined, settings)).toBeUndefined();

    fc.assert(
      fc.property(fc.string(), (token) => {
        fc.pre(token !== TOKEN && token !== OTHER);
        expect(clientOf(token, settings)).toBeUndefined();
      }),
      { numRuns: runs(200) },
    );
  });

  it.each([
    ['a header', { authorization: `Bearer ${TOKEN}` }, TOKEN],
    ['a header in small letters', { authorization: `bearer ${TOKEN}` }, TOKEN],
    ['a subprotocol', { 'sec-websocket-protocol': `signalbox.v1, bearer.${TOKEN}` }, TOKEN],
    ['another scheme', { authorization: `Basic ${TOKEN}` }, undefined],
    ['nothing', {}, undefined],
  ])('is read from %s', (_, headers, token) => {
    expect(tokenIn(headers)).toBe(token);
  });
});

describe('an origin', () => {
  it('OM-191 is allowed letter by letter; a program has none', () => {
    expect(isAllowedOrigin(undefined, settings)).toBe(true);
    expect(isAllowedOrigin('https://page.example.com', settings)).toBe(true);
    for (const origin of ['null', '', 'http://page.example.com', 'https://page.example.com.evil.test']) {
      expect(isAllowedOrigin(origin, settings), origin).toBe(false);
    }
  });
});
