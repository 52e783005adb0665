import { describe, expect, it } from 'vitest';
import { WebSettings } from '../../../src/config/web.ts';
import { MAX_URL_CHARS, toTarget } from '../../../src/web/target.ts';

const rules = WebSettings.parse({
  allow: ['example.com', '*.docs.example', 'other.example:8443', 'bücher.example'],
  deny: ['secret.docs.example'],
  internal: ['wiki.local', '10.0.0.5:8080', '[fd00::1]'],
});

describe('which addresses may be read', () => {
  it.each([
    'https://example.com/a?b=1',
    'https://EXAMPLE.com./',
    'https://a.b.docs.example/',
    'https://other.example:8443/',
    'https://xn--bcher-kva.example/',
    'https://bücher.example/',
    'https://wiki.local/',
    'http://wiki.local/',
    'http://10.0.0.5:8080/',
    'http://[fd00::1]/',
  ])('%s', (address) => {
    expect(toTarget(address, rules)).toMatchObject({ kind: 'target' });
  });

  it.each([
    ['http://example.com/', 'not encrypted'],
    ['https://docs.example/', 'web.allow'],
    ['https://secret.docs.example/', 'web.deny'],
    ['https://secret.docs.example:8443/', 'web.deny'],
    ['https://example.com:8443/', 'web.allow'],
    ['https://other.example/', 'web.allow'],
    ['https://example.com.evil.test/', 'web.allow'],
    ['https://notexample.com/', 'web.allow'],
    ['https://example.com@evil.test/', 'user name'],
    ['https://user:secret@example.com/', 'user name'],
    ['http://10.0.0.5/', 'not encrypted'],
    ['http://wiki.local:81/', 'not encrypted'],
    ['https://sub.wiki.local/', 'web.allow'],
    ['ftp://example.com/', 'ftp:'],
    ['file:///etc/passwd', 'file:'],
    ['data:text/html,hello', 'data:'],
    ['javascript:alert(1)', 'javascript:'],
    ['/relative', 'no address'],
    ['example.com', 'no address'],
    [`https://example.com/${'a'.repeat(MAX_URL_CHARS)}`, 'longer than'],
  ])('but not %s', (address, why) => {
    expect(toTarget(address, rules)).toMatchObject({ kind: 'refused', why: expect.stringContaining(why) });
  });

  it.each([
    'https://evil.test../',
    'https://evil.test%2e%2e/',
    'https://a..evil.test/',
    'https://93.184.216.34../',
  ])('is not read where a part of its host is empty: %s', (address) => {
    const open = WebSettings.parse({ allow: ['*'], deny: ['evil.test', '*.evil.test', '93.184.216.34'] });

    expect(toTarget(address, open)).toMatchObject({ kind: 'refused' });
    expect(toTarget('https://other.test./', open)).toMatchObject({ kind: 'target', host: 'other.test' });
  });

  it('with a star in front of nothing, every host that is public, on the usual port', () => {
    const open = WebSettings.parse({ allow: ['*'], deny: ['evil.test', '*.evil.test'] });

    expect(toTarget('https://anything.example/', open)).toMatchObject({ kind: 'target', isInternal: false });
    expect(toTarget('https://anything.example:8443/', open).kind).toBe('refused');
    expect(toTarget('https://evil.test/', open).kind).toBe('refused');
    expect(toTarget('https://a.evil.test/', open).kind).toBe('refused');
  });

  it('keeps what follows a # to itself', () => {
    const target = toTarget('https://example.com/a#part', rules);

    expect(target.kind === 'target' && target.url.href).toBe('https://example.com/a');
  });

  it('reads what a redirect says in the light of where it came from', () => {
    const target = toTarget('//example.com/b', rules, new URL('https://wiki.local/a'));

    expect(target.kind === 'target' && target.url.href).toBe('https://example.com/b');
  });
});

describe('web of settings.yaml', () => {
  it('allows nothing unless it says so', () => {
    expect(WebSettings.parse({})).toMatchObject({
      allow: [],
      deny: [],
      internal: [],
      search: { provider: 'off' },
    });
  });

  it.each([
    'https://example.com',
    'example.com/path',
    'user@example.com',
    '*.*.example',
    'a b',
    '',
    '*.',
    'exa*mple.com',
  ])('refuses %j as a host', (host) => {
    expect(WebSettings.safeParse({ allow: [host] }).success).toBe(false);
  });

  it('takes one host at a time for one’s own network', () => {
    expect(WebSettings.safeParse({ internal: ['*.corp.example'] }).success).toBe(false);
    expect(WebSettings.safeParse({ internal: ['*'] }).success).toBe(false);
    expect(WebSettings.parse({ internal: ['WIKI.corp.example:8080'] }).internal).toEqual([
      'wiki.corp.example:8080',
    ]);
  });

  it('says what a search lacks', () => {
    const brave = WebSettings.safeParse({ search: { provider: 'brave' } });
    const searxng = WebSettings.safeParse({ search: { provider: 'searxng' } });

    expect(brave.error?.issues).toMatchObject([{ path: ['search', 'api_key'] }]);
    expect(searxng.error?.issues).toMatchObject([{ path: ['search', 'base_url'] }]);
  });
});
