import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { SlackClient } from '../../gateways/slack/client.ts';
import { isSlacksHost, SlackFiles } from '../../gateways/slack/files.ts';
import { UndeliverableError } from '../../src/domain/errors.ts';
import { type Address, MAX_INLINE_BYTES, type OutFile } from '../../src/domain/message.ts';
import type { SentFile } from '../../src/sandbox/slack/files.ts';
import { collectingLogger, openSlack, type SlackFixture } from '../support/slack-gateway.ts';

const CHANNEL = 'C0GENERAL';
const signal = new AbortController().signal;

describe('files in Slack', () => {
  let slack: SlackFixture;

  beforeEach(async () => {
    slack = await openSlack();
  });
  afterEach(async () => slack.close());

  async function sent(files: readonly SentFile[], text = '@signalbox look') {
    const said = await slack.sandbox.say({ user: 'U0ALEX', channel: CHANNEL, text, files });
    await said.acknowledged;
    return slack.messages()[0]!;
  }

  describe('that people send', () => {
    it('come by name with the message, and whole when asked for', async () => {
      const bytes = Buffer.from([0, 1, 2, 253, 254, 255]);
      const message = await sent([{ name: 'Ümläut 1.bin', mediaType: 'application/octet-stream', bytes }]);

      const [file] = message.attachments!;

      expect(file).toMatchObject({ name: 'Ümläut 1.bin', bytes: 6 });
      expect(Buffer.from(await slack.gateway.download(file!.ref!, signal))).toEqual(bytes);
      expect(message.text).toBe('look');
    });

    it('come alone in a direct message, without a word', async () => {
      const files = [{ name: 'a.txt', mediaType: 'text/plain', bytes: Buffer.from('a') }];
      await (await slack.sandbox.dm({ user: 'U0DANA', text: '', files })).acknowledged;
      expect(slack.messages()[0]).toMatchObject({ text: '', attachments: [{ name: 'a.txt' }] });
    });

    it('are not fetched from anywhere but Slack, and the token goes nowhere else', async () => {
      const elsewhere = await listen((_request, response) => response.end('secrets please'));
      const url = `http://127.0.0.1:${elsewhere.port}/grab`;
      const message = await sent([
        { name: 'x', mediaType: 'text/plain', bytes: Buffer.from('x'), externalUrl: url },
      ]);

      const reading = slack.gateway.download(message.attachments![0]!.ref!, signal);

      await expect(reading).rejects.toThrow(UndeliverableError);
      expect(elsewhere.requests).toEqual([]);
    });

    it('are not read when they are larger than a message may carry', async () => {
      const bytes = Buffer.alloc(MAX_INLINE_BYTES + 1);
      const message = await sent([{ name: 'bomb.zip', mediaType: 'application/zip', bytes }]);
      const reading = slack.gateway.download(message.attachments![0]!.ref!, signal);
      await expect(reading).rejects.toThrow(/larger than 1000000 bytes/);
    });

    it('are refused in words when they are gone', async () => {
      await expect(slack.gateway.download('F0GONE', signal)).rejects.toThrow(/file_not_found/);
    });

    it('are refused in words when the app may not read files', async () => {
      const message = await sent([{ name: 'a', mediaType: 'text/plain', bytes: Buffer.from('a') }]);
      slack.sandbox.fail('files.info', { kind: 'error', error: 'missing_scope' });
      const reading = slack.gateway.download(message.attachments![0]!.ref!, signal);
      await expect(reading).rejects.toThrow(UndeliverableError);
    });
  });

  describe('that we send', () => {
    const report: OutFile = {
      name: 'report.csv',
      mediaType: 'text/csv',
      base64: Buffer.from('order,amount\n7,120\n').toString('base64'),
    };
    const notes: OutFile = {
      name: 'notes.md',
      mediaType: 'text/markdown',
      base64: Buffer.from('# Notes').toString('base64'),
    };
    let to: Address;
    let thread: string;

    beforeEach(async () => {
      const said = await slack.sandbox.say({ user: 'U0ALEX', channel: CHANNEL, text: '@signalbox go' });
      await said.acknowledged;
      thread = said.ts;
      to = slack.messages()[0]!.replyTo;
    });

    const replies = () => slack.sandbox.thread(CHANNEL, thread).slice(1);
    const withFiles = (files: OutFile[]) => ({ kind: 'text', markdown: 'Here it is.', files }) as const;
    const fileNames = () => replies().map(({ files = [] }) => files.map(({ name }) => name));

    it('follow their text in the same thread, byte by byte', async () => {
      await slack.send({ to, body: withFiles([report, notes]) });

      expect(fileNames()).toEqual([[], ['report.csv', 'notes.md']]);
      const [file] = replies()[1]!.files!;
      expect(slack.sandbox.fileContent(file!.id)?.toString()).toBe('order,amount\n7,120\n');
      expect(file).toMatchObject({ mimetype: 'text/csv', size: 19 });
    });

    it.each(['chat.postMessage', 'files.getUploadURLExternal', 'files.completeUploadExternal'])(
      'are there once, though the answer to %s was lost',
      async (method) => {
        slack.sandbox.fail(method, { kind: 'lost-response' });
        const message = { id: 'm1', to, body: withFiles([report, notes]) };

        await expect(slack.send({ ...message, attempt: 1 })).rejects.toThrow();
        await slack.send({ ...message, attempt: 2 });
        await slack.send({ ...message, attempt: 3 });

        expect(fileNames()).toEqual([[], ['report.csv', 'notes.md']]);
      },
    );

    it('are sent although the same ones were sent with an earlier answer', async () => {
      await slack.send({ id: 'm1', to, body: withFiles([report]) });
      slack.sandbox.fail('files.getUploadURLExternal', { kind: 'status', status: 500 });
      const message = { id: 'm2', to, body: withFiles([report]) };

      await expect(slack.send({ ...message, attempt: 1 })).rejects.toThrow();
      await slack.send({ ...message, attempt: 2 });

      expect(fileNames()).toEqual([[], ['report.csv'], [], ['report.csv']]);
    });

    it('are named in a sentence where Slack does not take them, once', async () => {
      slack.sandbox.fail('files.completeUploadExternal', { kind: 'error', error: 'missing_scope' }, 2);
      const message = { id: 'm1', to, body: withFiles([{ ...report, name: '*_<!channel>_*' }]) };

      await slack.send({ ...message, attempt: 1 });
      await slack.send({ ...message, attempt: 2 });

      expect(replies()).toHaveLength(2);
      expect(replies()[1]!.text).toMatch(/could not attach .*missing.scope/);
      expect(slack.sandbox.pings).toEqual([]);
    });
  });

  describe('handed out by a server that does not keep to its word', () => {
    /** Slack's API on a port of its own, whose one file is served by `serve`. */
    async function filesOf(size: number, serve: RequestListener) {
      const elsewhere = await listen((_request, response) => response.end('stolen'));
      const server = await listen((request, response) => {
        const address = `http://127.0.0.1:${(request.socket.address() as AddressInfo).port}`;
        if (request.url !== '/api/files.info') return serve(request, response);
        response.setHeader('content-type', 'application/json');
        response.end(
          JSON.stringify({
            ok: true,
            file: { id: 'F0A', size, mimetype: 'image/png', url_private: `${address}/file` },
          }),
        );
      });
      const apiUrl = `http://127.0.0.1:${server.port}/api/`;
      const client = new SlackClient('xoxb-secret', apiUrl, collectingLogger([]));
      return { files: new SlackFiles(client, 'xoxb-secret', apiUrl), elsewhere };
    }

    it('are not read further than a message may carry, however much comes', async () => {
      let sent = 0;
      const { files } = await filesOf(10, (_request, response) => {
        const more = () => {
          while (!response.destroyed && sent < 100_000_000) {
            sent += 65_536;
            if (!response.write(Buffer.alloc(65_536))) break;
          }
        };
        response.on('drain', more);
        more();
      });

      await expect(files.download('F0A', signal)).rejects.toThrow(/larger than 1000000 bytes/);
      expect(sent).toBeLessThan(50_000_000);
    });

    it('are not followed to another address', async () => {
      let target = '';
      const { files, elsewhere } = await filesOf(10, (_request, response) =>
        response.writeHead(302, { location: target }).end(),
      );
      target = `http://127.0.0.1:${elsewhere.port}/grab`;

      await expect(files.download('F0A', signal)).rejects.toThrow(UndeliverableError);
      expect(elsewhere.requests).toEqual([]);
    });

    it('are not taken for a page to sign in', async () => {
      const { files } = await filesOf(10, (_request, response) =>
        response.setHeader('content-type', 'text/html; charset=utf-8').end('<html>Sign in</html>'),
      );
      await expect(files.download('F0A', signal)).rejects.toThrow(/files:read/);
    });
  });

  it.each([
    ['https://files.slack.com/files-pri/T1-F1/a', 'https://slack.com/api/', true],
    ['https://slack.com/files/a', 'https://slack.com/api/', true],
    ['http://files.slack.com/files-pri/T1-F1/a', 'https://slack.com/api/', false],
    ['https://files.slack.com.evil.test/a', 'https://slack.com/api/', false],
    ['https://evil.test/files.slack.com', 'https://slack.com/api/', false],
    ['https://files.slack.com@evil.test/', 'https://slack.com/api/', false],
    ['https://u:p@files.slack.com/', 'https://slack.com/api/', false],
    ['https://files.slack.com:8443/', 'https://slack.com/api/', false],
    ['not a url', 'https://slack.com/api/', false],
  ])('takes %s for an address of %s: %s', (url, api, expected) => {
    expect(isSlacksHost(url, api)).toBe(expected);
  });
});

/** A server somewhere else, which writes down who asks it. */
async function listen(answer: RequestListener) {
  const requests: string[] = [];
  const server: Server = createServer((request, response) => {
    requests.push(request.url ?? '');
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return { port: (server.address() as AddressInfo).port, requests };
}
