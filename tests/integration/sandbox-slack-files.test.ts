/** Files in the emulated Slack, by Slack's own client. */
import { type CodedError, WebClient } from '@slack/web-api';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Sandbox, startSandbox } from '../../src/sandbox/sandbox.ts';

const CHANNEL = 'C0GENERAL';

let sandbox: Sandbox;
let client: WebClient;
let token: string;

beforeEach(async () => {
  sandbox = await startSandbox({ slack: { ackTimeoutMs: 20, retryDelaysMs: [] } });
  token = sandbox.env.SLACK_BOT_TOKEN!;
  client = new WebClient(token, {
    slackApiUrl: sandbox.env.SLACK_API_URL!,
    retryConfig: { retries: 0 },
  });
});
afterEach(async () => {
  await sandbox.stop();
});

async function announce(filename: string, length: number): Promise<{ id: string; url: string }> {
  const { file_id: id = '', upload_url: url = '' } = await client.files.getUploadURLExternal({
    filename,
    length,
  });
  return { id, url };
}

const share = (id: string, over: object = {}) =>
  client.files.completeUploadExternal({ files: [{ id, title: 'A title' }], channel_id: CHANNEL, ...over });

async function refusal(call: Promise<unknown>): Promise<unknown> {
  const error = await call.then(
    () => undefined,
    (reason: CodedError & { data?: { error?: string } }) => reason,
  );
  return error?.data?.error;
}

describe('a file in the emulated Slack', () => {
  it('is announced, sent and shown, and whoever has the token may have it', async () => {
    const bytes = Buffer.from([0, 127, 128, 255]);
    const { id, url } = await announce('a.bin', bytes.length);
    expect((await fetch(url, { method: 'POST', body: bytes })).status).toBe(200);
    await share(id);

    const { file } = await client.files.info({ file: id });
    const address = file?.url_private_download ?? '';
    const allowed = await fetch(address, { headers: { authorization: `Bearer ${token}` } });
    const others = await fetch(address, { redirect: 'manual' });

    expect(sandbox.slack.messages(CHANNEL).at(-1)).toMatchObject({
      subtype: 'file_share',
      files: [{ id, name: 'a.bin', title: 'A title', size: 4 }],
    });
    expect(Buffer.from(await allowed.arrayBuffer())).toEqual(bytes);
    expect(others.status).toBe(302);
  });

  it('is refused where Slack would refuse it', async () => {
    const { id, url } = await announce('a.txt', 3);

    expect(await refusal(client.files.getUploadURLExternal({ filename: '', length: 3 }))).toBe(
      'invalid_arguments',
    );
    expect(await refusal(client.files.getUploadURLExternal({ filename: 'a', length: 0 }))).toBe(
      'invalid_arguments',
    );
    expect(await refusal(client.files.info({ file: 'F0NONE' }))).toBe('file_not_found');
    expect(await refusal(share(id))).toBe('file_not_found');
    expect((await fetch(url, { method: 'POST', body: 'four' })).status).toBe(400);
    expect((await fetch(url, { method: 'POST', body: 'abc' })).status).toBe(200);
    expect((await fetch(url, { method: 'POST', body: 'abc' })).status).toBe(404);
    expect(await refusal(share(id, { channel_id: 'C0NONE' }))).toBe('channel_not_found');
    expect(await refusal(share(id, { thread_ts: '1' }))).toBe('invalid_thread_ts');
    expect(await refusal(share(id))).toBeUndefined();
    expect(await refusal(share(id))).toBe('file_not_found');
  });
});
