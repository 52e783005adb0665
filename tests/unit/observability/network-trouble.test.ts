import { createServer } from 'node:net';
import { describe, expect, it } from 'vitest';
import { networkTrouble } from '../../../src/observability/network-trouble.ts';

/** As fetch fails: what happened is the cause, or one of several beneath it. */
function fetchFailure(cause: unknown): Error {
  return new TypeError('fetch failed', { cause });
}

function systemError(code: string, facts: object = {}): Error {
  return Object.assign(new Error(`something about https://host.test/secret ${code}`), { code, ...facts });
}

describe('what keeps a server from being reached', () => {
  it.each([
    ['ENOTFOUND', { hostname: 'jria.test' }, /name of jria\.test leads nowhere/, /slip of the pen.*DNS/],
    ['ECONNREFUSED', { address: '10.0.0.1', port: 443 }, /nothing takes .* 10\.0\.0\.1:443/, /port/],
    ['ECONNREFUSED', { address: '::1', port: 443 }, /\[::1\]:443/, /port/],
    ['ENETUNREACH', { address: '::1' }, /no way leads to ::1/, /VPN/],
    ['ECONNRESET', {}, /connection was cut/, /proxy on the way/],
    ['UND_ERR_CONNECT_TIMEOUT', {}, /no answer came in time/, /firewall/],
    ['SELF_SIGNED_CERT_IN_CHAIN', {}, /certificate is not trusted/, /NODE_EXTRA_CA_CERTS/],
    ['ERR_TLS_CERT_ALTNAME_INVALID', {}, /certificate is not trusted/, /address/],
  ])('is told by %s of the cause', (code, facts, detail, remedy) => {
    const trouble = networkTrouble(fetchFailure(systemError(code, facts)));

    expect(trouble).toMatchObject({ code });
    expect(trouble?.detail).toMatch(detail);
    expect(trouble?.remedy).toMatch(remedy);
    expect(JSON.stringify(trouble)).not.toContain('secret');
  });

  it('is told by the first of several addresses that were tried', () => {
    const tried = new AggregateError([systemError('ECONNREFUSED', { address: '::1', port: 1 })]);

    expect(networkTrouble(fetchFailure(tried))?.detail).toContain('[::1]:1');
  });

  it('is time, when whoever asked gave up', () => {
    expect(networkTrouble(new DOMException('This operation was aborted', 'AbortError'))).toMatchObject({
      detail: 'no answer came in time',
    });
  });

  it('is none of it when a server has answered, or nobody knows', () => {
    const round = new Error('round');
    round.cause = round;

    for (const error of [new Error('status 403'), systemError('E_OTHER'), round, 'nothing', undefined]) {
      expect(networkTrouble(error)).toBeUndefined();
    }
  });

  it('is read of what fetch really says of a port where nobody is, and of one without TLS', async () => {
    const plain = createServer((socket) => socket.on('error', () => undefined).end('220 hello\r\n'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const address = plain.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const failure = (url: string) => fetch(url).then(() => undefined, networkTrouble);

    const noTls = await failure(`https://127.0.0.1:${port}/`);
    plain.close(); // takes nothing from now on
    const nobody = await failure(`http://127.0.0.1:${port}/`);

    expect(noTls?.detail).toMatch(/does not speak TLS/);
    expect(nobody).toMatchObject({ code: 'ECONNREFUSED' });
  });
});
