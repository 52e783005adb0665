import { expect, it } from 'vitest';
import { channelOf, namesEscalation, Platform } from '../../../src/domain/ids.ts';

it.each([
  ['slack', 'slack'],
  ['cli', 'cli'],
  ['cli-4f7k', 'cli'],
])('%s is the channel %s', (platform, channel) => {
  expect(channelOf(Platform.parse(platform))).toBe(channel);
});

it.each([
  ['!ack esc_p7_0123456789ab', true],
  [' /resolve ESC_P12_0123456789AB it is done', true],
  ['!ack', false],
  ['!ack esc_p7_short', false],
  ['who has esc_p7_0123456789ab?', false],
  ['!approve apr_p7_0123456789ab', false],
])('%j names an escalation: %s', (text, names) => {
  expect(namesEscalation(text)).toBe(names);
});
