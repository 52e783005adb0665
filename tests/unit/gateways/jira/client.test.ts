import { once } from 'node:events';
import { createServer } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { JiraClient } from '../../../../gateways/jira/client.ts';
import { JiraSettings } from '../../../../gateways/jira/config.ts';
import { JiraTransport } from '../../../../gateways/jira/transport.ts';
import { systemClock } from '../../../../src/domain/clock.ts';
import { createLogger } from '../../../../src/observability/logger.ts';

const server = createServer((request, response) => {
  const { port } = server.address() as { port: number };
  // As a Jira whose own address is wrong writes it: the same host, another scheme.
  response.setHeader('content-type', 'application/json');
  response.end(
    JSON.stringify({ id: '1', filename: 'a.txt', size: 1, content: `https://127.0.0.1:${port}/a.txt` }),
  );
  request.resume();
});

afterEach(() => {
  server.close();
});

describe('a file of Jira Data Center', () => {
  it('OM-190 is not fetched by another scheme than the one that was configured', async () => {
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const { port } = server.address() as { port: number };
    const settings = JiraSettings.parse({
      url: `http://127.0.0.1:${port}`,
      personal_token: 'secret-token',
      webhook_secret: 'x'.repeat(20),
    });
    const log = createLogger({ level: 'silent' });
    const client = new JiraClient(new JiraTransport(settings, systemClock, log));

    await expect(client.download('1', new AbortController().signal)).rejects.toThrow(
      'the file lies elsewhere',
    );
  });
});
