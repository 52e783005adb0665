import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import dnsPacket from 'dns-packet';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DnsServer } from '../../../src/sandbox/dns/dns-server.ts';

describe('the sandbox DNS server', () => {
  let dns: DnsServer;
  let resolver: Resolver;

  beforeEach(async () => {
    dns = new DnsServer();
    dns.publish('corp.test', { type: 'TXT', text: 'v=spf1 -all' });
    dns.publish('corp.test', { type: 'MX', priority: 10, exchange: 'mx.corp.test' });
    dns.publish('mx.corp.test', { type: 'A', address: '127.0.0.1' });
    await dns.start();
    resolver = new Resolver({ timeout: 200, tries: 1 });
    resolver.setServers([dns.address]);
  });

  afterEach(async () => {
    await dns.stop();
  });

  it('answers TXT, MX and A questions of the resolver that ships with Node', async () => {
    const [txt, mx, a] = await Promise.all([
      resolver.resolveTxt('corp.test'),
      resolver.resolveMx('corp.test'),
      resolver.resolve4('mx.corp.test'),
    ]);

    expect(txt).toEqual([['v=spf1 -all']]);
    expect(mx).toMatchObject([{ priority: 10, exchange: 'mx.corp.test' }]);
    expect(a).toEqual(['127.0.0.1']);
  });

  it('finds a name however it is capitalised', async () => {
    await expect(resolver.resolveTxt('Corp.TEST')).resolves.toEqual([['v=spf1 -all']]);
  });

  it('splits a long text into strings of at most 255 bytes', async () => {
    const text = `v=DKIM1; p=${'k'.repeat(390)}`;
    dns.publish('s1._domainkey.corp.test', { type: 'TXT', text });

    const [strings] = await resolver.resolveTxt('s1._domainkey.corp.test');

    expect(strings?.join('')).toBe(text);
    expect(strings?.map((part) => part.length)).toEqual([255, 146]);
  });

  it('says truncated on UDP and answers in full over TCP when a record is too large for a datagram', async () => {
    const text = 'x'.repeat(6_000);
    dns.publish('large.corp.test', { type: 'TXT', text });

    const [strings] = await resolver.resolveTxt('large.corp.test');

    expect(strings?.join('')).toBe(text);
    expect(dns.queries.map((query) => query.wire)).toEqual(['udp', 'tcp']);
  });

  it('keeps a datagram within 512 bytes for a client that announces nothing larger', async () => {
    dns.publish('medium.corp.test', { type: 'TXT', text: 'x'.repeat(700) });
    const client = createSocket('udp4');
    const [host, port] = dns.address.split(':');

    client.send(
      dnsPacket.encode({ type: 'query', id: 7, questions: [{ type: 'TXT', name: 'medium.corp.test' }] }),
      Number(port),
      host,
    );
    const [packet] = await once(client, 'message');
    client.close();

    expect(packet.length).toBeLessThanOrEqual(512);
    expect(dnsPacket.decode(packet)).toMatchObject({ id: 7, flag_tc: true, flag_aa: true, answers: [] });
  });

  it('says that a name nobody published does not exist', async () => {
    await expect(resolver.resolveTxt('example.com')).rejects.toMatchObject({ code: 'ENOTFOUND' });
  });

  it('says no data, not no such name, for another type and for a name that only has names below it', async () => {
    dns.publish('s1._domainkey.corp.test', { type: 'TXT', text: 'v=DKIM1' });

    await expect(resolver.resolve4('corp.test')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolver.resolveTxt('_domainkey.corp.test')).rejects.toMatchObject({ code: 'ENODATA' });
  });

  it('forgets a withdrawn record and keeps the other types of the name', async () => {
    dns.withdraw('corp.test', 'TXT');

    await expect(resolver.resolveTxt('corp.test')).rejects.toMatchObject({ code: 'ENODATA' });
    await expect(resolver.resolveMx('corp.test')).resolves.toHaveLength(1);
  });

  it('can be told to break or to keep silent about a name until it is healed', async () => {
    dns.fault('corp.test', 'broken');
    await expect(resolver.resolveTxt('corp.test')).rejects.toMatchObject({ code: 'ESERVFAIL' });

    dns.fault('corp.test', 'silent');
    await expect(resolver.resolveTxt('corp.test')).rejects.toMatchObject({ code: 'ETIMEOUT' });

    dns.heal();
    await expect(resolver.resolveTxt('corp.test')).resolves.toEqual([['v=spf1 -all']]);
  });

  it('survives noise and goes on answering', async () => {
    const client = createSocket('udp4');
    const [host, port] = dns.address.split(':');
    for (const noise of ['', 'GET / HTTP/1.1\r\n\r\n', '\x00'.repeat(12), '\xff'.repeat(600)]) {
      client.send(Buffer.from(noise, 'latin1'), Number(port), host);
    }
    client.close();

    await expect(resolver.resolveTxt('corp.test')).resolves.toEqual([['v=spf1 -all']]);
  });

  it('may be stopped twice', async () => {
    await dns.stop();
    await expect(dns.stop()).resolves.toBeUndefined();
  });
});
