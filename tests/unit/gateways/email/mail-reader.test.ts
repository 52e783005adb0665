import { PassThrough, Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMail, UnreadableMailError } from '../../../../gateways/email/mail-reader.ts';
import { rawMail } from '../../../support/email.ts';

const read = (raw: string | Buffer, maxBytes = 1_000_000) =>
  readMail(Readable.from([Buffer.from(raw)]), { maxBytes }, AbortSignal.timeout(20_000));

function multipart(...parts: string[]): string {
  return rawMail(
    'From: a@b.test',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    ...parts.flatMap((part) => ['--b', part]),
    '--b--',
  );
}

describe('a mail that is read', () => {
  it('gives its headers in order, repeated ones included, unfolded', async () => {
    const { headers } = await read(
      rawMail('Received: one', 'Received: two', 'Subject: long', '  folded', '', 'x'),
    );

    expect(headers).toEqual([
      { name: 'received', value: 'one' },
      { name: 'received', value: 'two' },
      { name: 'subject', value: expect.stringMatching(/^long\s+folded$/) },
    ]);
  });

  it('is the same whatever pieces it comes in', async () => {
    const raw = multipart('Content-Type: text/plain\r\n\r\nhällo', 'Content-Type: text/html\r\n\r\n<b>x</b>');
    const whole = await read(raw);
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 30 }),
        async (sizes) => {
          const bytes = Buffer.from(raw);
          const pieces: Buffer[] = [];
          for (let at = 0, turn = 0; at < bytes.length; turn++) {
            const size = sizes[turn % sizes.length]!;
            pieces.push(bytes.subarray(at, at + size));
            at += size;
          }
          expect(
            await readMail(Readable.from(pieces), { maxBytes: 10_000 }, AbortSignal.timeout(5_000)),
          ).toEqual(whole);
        },
      ),
      { numRuns: 30 },
    );
  });

  it('keeps the first 64 KiB of text, and attachments', async () => {
    const raw = multipart(
      `Content-Type: text/plain\r\n\r\n${'x'.repeat(200_000)}`,
      `Content-Type: application/zip; name=a.zip\r\n\r\n${'y'.repeat(200_000)}`,
    );
    const mail = await read(raw);

    expect(mail.plain).toHaveLength(64 * 1024);
    expect(mail).toMatchObject({
      attachments: [{ name: 'a.zip', type: 'application/zip', size: 200_000 }],
      types: ['multipart/mixed', 'text/plain', 'application/zip'],
    });
    expect(mail.attachments[0]?.content?.toString()).toBe('y'.repeat(200_000));
    expect(mail.size).toBe(Buffer.byteLength(raw));
  });

  it('carries attachments up to a megabyte in all, and names the rest with about their size', async () => {
    const part = (name: string, bytes: number) =>
      [
        `Content-Type: application/octet-stream; name=${name}`,
        'Content-Transfer-Encoding: base64',
        '',
        Buffer.alloc(bytes).toString('base64').replaceAll(/.{76}/g, '$&\r\n'),
      ].join('\r\n');
    const raw = multipart(part('a', 600_000), part('b', 1_400_000), part('c', 400_000), part('d', 1));

    const { attachments } = await read(raw, 10_000_000);

    expect(attachments.map(({ name, content }) => [name, content?.length])).toEqual([
      ['a', 600_000],
      ['b', undefined],
      ['c', 400_000],
      ['d', undefined],
    ]);
    expect(Math.abs((attachments[1]?.size ?? 0) - 1_400_000)).toBeLessThan(100);
  });

  it('takes no small picture of the HTML for an attachment, and a pasted one for one', async () => {
    const picture = (id: string, bytes: number, disposition = 'inline') =>
      [
        'Content-Type: image/png',
        `Content-Disposition: ${disposition}; filename="${id}.png"`,
        `Content-ID: <${id}@x>`,
        'Content-Transfer-Encoding: base64',
        '',
        Buffer.alloc(bytes, 1).toString('base64'),
      ].join('\r\n');
    const raw = multipart(
      'Content-Type: text/html\r\n\r\n<img src="cid:logo@x"><img src="cid:pasted@x"><img src="cid:sent@x">',
      picture('logo', 2_000),
      picture('pasted', 30_000),
      picture('unshown', 2_000),
      picture('sent', 2_000, 'attachment'),
    );
    expect((await read(raw)).attachments.map(({ name }) => name)).toEqual([
      'pasted.png',
      'unshown.png',
      'sent.png',
    ]);
  });
});

describe('a mail that is not read', () => {
  it.each([
    ['too large', 'too-large', 'x'.repeat(2_000_000)],
    ['of too many parts', 'malformed', multipart(...Array.from({ length: 600 }, () => 'x'))],
    [
      'nested too deep',
      'malformed',
      Array.from(
        { length: 200 },
        (_, at) => `Content-Type: multipart/mixed; boundary=b${at}\r\n\r\n--b${at}\r\n`,
      ).join(''),
    ],
    ['of too many headers', 'malformed', `${'X-Header: value\r\n'.repeat(30_000)}\r\nbody`],
    ['of one endless header', 'malformed', `Subject: ${'x'.repeat(600_000)}\r\n\r\nbody`],
  ])('OM-188 is %s', async (_name, reason, raw) => {
    await expect(read(raw)).rejects.toMatchObject({ name: 'UnreadableMailError', reason });
  });

  it('is one that does not arrive in time', async () => {
    const never = new Readable({ read() {} });
    const reading = readMail(never, { maxBytes: 1_000 }, AbortSignal.abort());

    await expect(reading).rejects.toBeInstanceOf(UnreadableMailError);
    await expect(reading).rejects.toMatchObject({ reason: 'too-slow' });
  });

  it('is no fault of the mail when the connection breaks', async () => {
    const broken = Readable.from(
      (function* () {
        yield Buffer.from('From: a@b.test\r\n');
        throw new Error('connection reset');
      })(),
    );

    await expect(readMail(broken, { maxBytes: 1_000 }, AbortSignal.timeout(5_000))).rejects.toThrow(
      'connection reset',
    );
  });
});

describe('a stream that is destroyed with what destroys us', () => {
  it('is not blamed for it', async () => {
    const source = new PassThrough();
    const reading = readMail(source, { maxBytes: 1_000_000 }, AbortSignal.timeout(5_000));
    source.write(`X: ${'y'.repeat(300 * 1024)}`);
    source.write('\r\n\r\nbody');

    await expect(reading).rejects.toMatchObject({ reason: 'malformed' });
  });
});

describe('any bytes at all', () => {
  it('OM-188 are read or refused, and nothing else happens', async () => {
    const line = fc.constantFrom(
      'Content-Type: multipart/mixed; boundary=b',
      'Content-Type: text/plain; charset=utf-16',
      'Content-Type: text/html; charset="',
      'Content-Transfer-Encoding: base64',
      'Content-Transfer-Encoding: quoted-printable',
      '--b',
      '--b--',
      '',
      '=3D=\r\n=ZZ',
      'From: =?utf-8?B?////?=',
      ': no name',
      'Subject',
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(line, fc.string({ unit: 'binary' })), { maxLength: 30 }),
        async (lines) => {
          await read(lines.join('\r\n')).catch((error: unknown) =>
            expect(error).toBeInstanceOf(UnreadableMailError),
          );
        },
      ),
      { numRuns: 300 },
    );
  });
});
