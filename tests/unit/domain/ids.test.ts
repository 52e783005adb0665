import { expect, it } from 'vitest';
import { channelOf, Platform } from '../../../src/domain/ids.ts';

it.each([
  ['slack', 'slack'],
  ['cli', 'cli'],
  ['cli-4f7k', 'cli'],
])('%s is the channel %s', (platform, channel) => {
  expect(channelOf(Platform.parse(platform))).toBe(channel);
});
