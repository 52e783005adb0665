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

  it('keeps the first 64 KiB of text and counts attachments without keeping them', async () => {
    const raw = multipart(
      `Content-Type: text/plain\r\n\r\n${'x'.repeat(200_000)}`,
      `Content-Type: application/zip; name=a.zip\r\n\r\n${'y'.repeat(200_000)}`,
    );
    const mail = await read(raw);

    expect(mail.plain).toHaveLength(64 * 1024);
    expect(mail).toMatchObject({
      attachments: ['a.zip'],
      types: ['multipart/mixed', 'text/plain', 'application/zip'],
    });
    expect(mail.size).toBe(Buffer.byteLength(raw));
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
