import { expect, it } from 'vitest';
import { openChannels } from '../../../src/app/channels.ts';
import { Keys } from '../../../src/redis/keys.ts';
import { outboxPoolName } from '../../../src/services/pool-names.ts';

it('names the platforms that any process has opened, each once, and not what clients of the API are told', () => {
  const keys = new Keys('test:');
  const connections = ['slack', 'api', 'cli-1', 'cli-2'].map(
    (platform) => `signalbox-${outboxPoolName(keys, platform)}`,
  );

  expect(openChannels(connections, keys)).toEqual(['slack', 'cli']);
});
