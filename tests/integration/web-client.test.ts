/** Reading pages over real connections, from the sandbox's site; names lead where the test says. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fastify } from 'fastify';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSettings } from '../../src/config/web.ts';
import { SiteSandbox } from '../../src/sandbox/site/site-sandbox.ts';
import { type Resolve, type ResolvedAddress, WebClient } from '../../src/web/web-client.ts';

const closing: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

const never = new AbortController().signal;

interface Site {
  readonly site: SiteSandbox;
  readonly port: number;
}

async function startSite(host = '127.0.0.1', port = 0, https?: { key: string; cert: string }): Promise<Site> {
  const site = new SiteSandbox();
  const app = https
    ? fastify({ https, forceCloseConnections: true })
    : fastify({ forceCloseConnections: true });
  site.register(app as ReturnType<typeof fastify>); // the same but for its transport
  await app.listen({ host, port });
  closing.push(async () => {
    await site.stop();
    await app.close();
  });
  return { site, port: Number(new URL(app.listeningOrigin).port) };
}

/** Every name leads to the same addresses; counts how often one was looked up. */
function leadsTo(...addresses: string[]): Resolve & { readonly asked: string[] } {
  const asked: string[] = [];
  const resolve = async (host: string): Promise<readonly ResolvedAddress[]> => {
    asked.push(host);
    return addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
  };
  return Object.assign(resolve, { asked });
}

function aClient(settings: object, resolve: Resolve = leadsTo('127.0.0.1'), ca?: string): WebClient {
  const parsed = WebSettings.parse(settings);
  return new WebClient({ settings: () => parsed, resolve, ...(ca === undefined ? {} : { ca }) });
}

async function aSite(settings: object = {}) {
  const started = await startSite();
  const host = `site.test:${started.port}`;
  const resolve = leadsTo('127.0.0.1');
  const client = aClient({ internal: [host], ...settings }, resolve);
  const read = (path: string) => client.read(`http://${host}${path}`, never);
  return { ...started, host, resolve, client, read };
}

describe('a page that may be read', () => {
  it('is told with where it was found, what it is, and its text', async () => {
    const { read, host } = await aSite();

    expect(await read('/site/text')).toEqual({
      kind: 'page',
      url: `http://${host}/site/text`,
      status: 200,
      contentType: 'text/plain',
      text: 'Plain text.',
      bytes: 11,
      isCut: false,
    });
    expect(await read('/site/data.json')).toMatchObject({ contentType: 'application/json' });
    expect(await read('/site/missing')).toMatchObject({ kind: 'page', status: 404 });
  });

  it('is read in the encoding it is written in', async () => {
    const { read } = await aSite();

    expect(await read('/site/latin1')).toMatchObject({ text: '<p>Grüße aus Köln</p>' });
  });

  it('is asked for without cookies, credentials or a word about who wants it', async () => {
    const { read, site } = await aSite();

    await read('/site/cookies');

    expect(site.requests.map(({ path }) => path)).toEqual(['/site/cookies', '/site/echo']);
    for (const { headers } of site.requests) {
      expect(Object.keys(headers).toSorted()).toEqual([
        'accept',
        'accept-encoding',
        'accept-language',
        'connection',
        'host',
        'sec-fetch-mode',
        'user-agent',
      ]);
      expect(headers['user-agent']).toMatch(/^Signalbox/);
    }
  });

  it('is cut where it is too long, and said to be', async () => {
    const { read } = await aSite({ max_bytes: 100_000 });

    expect(await read('/site/big?bytes=100000')).toMatchObject({ bytes: 100_000, isCut: false });
    expect(await read('/site/big?bytes=100001')).toMatchObject({ bytes: 100_000, isCut: true });
    expect(await read('/site/big?bytes=1000000000')).toMatchObject({ bytes: 100_000, isCut: true });
  });

  it('is measured unpacked', async () => {
    const { read } = await aSite({ max_bytes: 100_000 });

    expect(await read('/site/packed?bytes=50000')).toMatchObject({ bytes: 50_000, isCut: false });
    expect(await read('/site/packed?bytes=300000000')).toMatchObject({ bytes: 100_000, isCut: true });
  });
});

describe('what is no page for us', () => {
  it.each([
    ['/site/picture', 'image/gif, not text'],
    ['/site/unnamed', 'of no named kind, not text'],
  ])('%s is refused for what it is', async (path, why) => {
    const { read } = await aSite();

    expect(await read(path)).toMatchObject({ kind: 'refused', why: expect.stringContaining(why) });
  });

  it('what cannot be unpacked is said to have failed', async () => {
    const { read } = await aSite();

    expect(await read('/site/broken')).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('/site/broken'),
    });
  });

  it('what does not answer is left in time', async () => {
    const { read } = await aSite({ timeout: '1s' });

    expect(await read('/site/silent')).toMatchObject({
      kind: 'failed',
      why: expect.stringContaining('longer than 1 s'),
    });
  });

  it('nobody waits for a name that is not found out', async () => {
    const client = aClient({ allow: ['*'], timeout: '1s' }, () => new Promise(() => {}));

    expect(await client.read('https://slow.test/', never)).toMatchObject({ kind: 'failed' });
  });

  it('what leads nowhere is told in words', async () => {
    const client = aClient({ allow: ['*'] }, async (host) => {
      throw Object.assign(new Error(`getaddrinfo ENOTFOUND ${host}`), { code: 'ENOTFOUND', hostname: host });
    });

    expect(await client.read('https://nowhere.test/', never)).toEqual({
      kind: 'failed',
      why: 'https://nowhere.test/ could not be read: the name of nowhere.test leads nowhere (ENOTFOUND).',
    });
  });

  it('is let go of when nobody wants it any more', async () => {
    const { client, host, site } = await aSite();
    const stopping = new AbortController();

    const reading = client.read(`http://${host}/site/silent`, stopping.signal);
    await site.requestFor('/site/silent', never);
    stopping.abort(new Error('the turn was stopped'));

    await expect(reading).rejects.toThrow('the turn was stopped');
  });
});

describe('redirects', () => {
  it('are followed, five at most', async () => {
    const { read, host } = await aSite();
    const chain = (times: number): string =>
      times === 0 ? '/site/text' : `/site/redirect?to=${encodeURIComponent(chain(times - 1))}`;

    expect(await read(chain(5))).toMatchObject({ kind: 'page', url: `http://${host}/site/text` });
    expect(await read(chain(6))).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('more than 5 times'),
    });
    expect(await read('/site/loop')).toMatchObject({ kind: 'refused' });
  });

  it.each([
    ['to a host that may not be read', 'https://evil.test/', 'web.allow'],
    ['to an address of this machine', 'http://127.0.0.1:1/', 'not encrypted'],
    ['to where clouds hand out credentials', 'http://169.254.169.254/latest/meta-data/', 'not encrypted'],
    ['to a file', 'file:///etc/passwd', 'file:'],
    ['to something with a password', 'http://a:b@site.test/', 'user name'],
  ])('%s are refused', async (_, to, why) => {
    const { read } = await aSite();

    expect(await read(`/site/redirect?to=${encodeURIComponent(to)}`)).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining(why),
    });
  });

  it('to another host are looked up and judged anew', async () => {
    const { host, port, site } = await aSite();
    const settings = { internal: [host], allow: ['*'] };
    const resolve = async (name: string) => leadsTo(name === 'site.test' ? '127.0.0.1' : '10.0.0.1')(name);
    const to = encodeURIComponent(`https://other.test:${port}/`.replace(`:${port}`, ''));

    const outcome = await aClient(settings, resolve).read(`http://${host}/site/redirect?to=${to}`, never);

    expect(outcome).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('other.test leads to an address'),
    });
    expect(site.requests).toHaveLength(1);
  });
});

describe('names', () => {
  it.each([
    [['127.0.0.1']],
    [['10.1.2.3']],
    [['169.254.169.254']],
    [['::1']],
    [['::ffff:127.0.0.1']],
    [['64:ff9b::7f00:1']],
    [['8.8.8.8', '127.0.0.1']],
    [[]],
  ])('that lead to %j are not connected to', async (addresses) => {
    const { site, port } = await startSite();
    const client = aClient({ allow: ['*', `*:${port}`] }, leadsTo(...addresses));

    const outcome = await client.read(`https://rebind.test:${port}/site/text`, never);

    expect(outcome).toMatchObject({ kind: 'refused', why: expect.stringContaining('not public') });
    expect(site.requests).toEqual([]);
  });

  it('that are addresses of this machine are not connected to', async () => {
    const { site, port } = await startSite();
    const client = aClient({ allow: ['*', `*:${port}`] });

    for (const host of [
      '127.0.0.1',
      'localhost',
      '2130706433',
      '0x7f.1',
      '[::1]',
      '[::ffff:127.0.0.1]',
      '0.0.0.0',
    ]) {
      expect(await client.read(`https://${host}:${port}/site/text`, never)).toMatchObject({
        kind: 'refused',
      });
    }
    expect(site.requests).toEqual([]);
  });

  it('are looked up once: what they lead to a moment later is nobody’s connection', async () => {
    const judged = await startSite('127.0.0.2');
    const rebound = await startSite('127.0.0.1', judged.port);
    const answers = ['127.0.0.2', '127.0.0.1', '127.0.0.1'];
    const asked: string[] = [];
    const resolve: Resolve = async (host) => {
      asked.push(host);
      return [{ address: answers.shift() ?? '127.0.0.1', family: 4 }];
    };
    const host = `rebind.test:${judged.port}`;
    const client = aClient({ internal: [host] }, resolve);

    const outcome = await client.read(`http://${host}/site/text`, never);

    expect(outcome).toMatchObject({ kind: 'page', text: 'Plain text.' });
    expect(asked).toEqual(['rebind.test']);
    expect(judged.site.requests).toHaveLength(1);
    expect(rebound.site.requests).toEqual([]);
  });

  it('that lead to several addresses are tried one after the other', async () => {
    const { port } = await startSite('127.0.0.3');
    const client = aClient({ internal: [`site.test:${port}`] }, leadsTo('127.0.0.4', '127.0.0.3'));

    expect(await client.read(`http://site.test:${port}/site/text`, never)).toMatchObject({ kind: 'page' });
  });
});

/** A key and a certificate for a name; undefined where there is no openssl to make them. */
function makeCertificate(name: string): { key: string; cert: string } | undefined {
  const folder = mkdtempSync(join(tmpdir(), 'signalbox-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  const about = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`];
  try {
    execFileSync('openssl', ['req', '-x509', ...kind, '-keyout', key, '-out', cert, ...about], {
      stdio: 'ignore',
    });
    return { key: readFileSync(key, 'utf8'), cert: readFileSync(cert, 'utf8') };
  } catch {
    return undefined;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const tls = makeCertificate('site.test');

describe.skipIf(tls === undefined)('an encrypted connection', () => {
  it('is proved by the name that was asked for, not by the address', async () => {
    const { port } = await startSite('127.0.0.1', 0, tls);
    const internal = [`site.test:${port}`, `other.test:${port}`];
    const client = aClient({ internal }, leadsTo('127.0.0.1'), tls?.cert);

    expect(await client.read(`https://site.test:${port}/site/text`, never)).toMatchObject({ kind: 'page' });
    expect(await client.read(`https://other.test:${port}/site/text`, never)).toMatchObject({
      kind: 'failed',
    });
    expect(await aClient({ internal }).read(`https://site.test:${port}/site/text`, never)).toMatchObject({
      kind: 'failed',
    });
  });

  it('is not left for one that is not', async () => {
    const { port } = await startSite('127.0.0.1', 0, tls);
    const plain = await startSite();
    const internal = [`site.test:${port}`, `site.test:${plain.port}`];
    const to = encodeURIComponent(`http://site.test:${plain.port}/site/text`);
    const client = aClient({ internal }, leadsTo('127.0.0.1'), tls?.cert);

    expect(await client.read(`https://site.test:${port}/site/redirect?to=${to}`, never)).toMatchObject({
      kind: 'refused',
      why: expect.stringContaining('leave the encrypted connection'),
    });
    expect(plain.site.requests).toEqual([]);
  });
});
