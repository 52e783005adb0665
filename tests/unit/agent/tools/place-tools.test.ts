import { describe, expect, it } from 'vitest';
import { createPlaceTools } from '../../../../src/agent/tools/place-tools.ts';
import { ManualClock } from '../../../support/core.ts';
import { context } from '../../../support/workspace.ts';

const tools = createPlaceTools({
  clock: new ManualClock(Date.parse('2026-03-29T00:59:30Z')),
  timeZone: () => 'Europe/Berlin',
  name: () => 'Ada',
  version: '1.2.3',
  platforms: () => ['slack', 'email'],
  groups: () => new Set(['memory', 'fs']),
});
const run = async (name: string, input: object) => {
  const tool = tools.find((each) => each.name === name)!;
  return (await tool.execute(tool.input.parse(input), context)).text;
};

describe('what the agent knows of now and here', () => {
  it('is the time of the usual zone, or of those it asks for', async () => {
    expect(await run('current_time', {})).toBe('Sunday, 2026-03-29 01:59 in Europe/Berlin (UTC+01:00)');
    expect(await run('current_time', { time_zones: ['Asia/Tokyo', 'America/New_York'] })).toBe(
      'Sunday, 2026-03-29 09:59 in Asia/Tokyo (UTC+09:00)\nSaturday, 2026-03-28 20:59 in America/New_York (UTC-04:00)',
    );
    await expect(run('current_time', { time_zones: ['+01:00'] })).rejects.toThrow('must be a time zone');
  });

  it('is its name, the version, the channels and the kinds of tools', async () => {
    expect((await run('about_me', {})).split('\n').slice(0, 3)).toEqual([
      'You are Ada, and speak through Signalbox 1.2.3.',
      'Channels that run: email, slack.',
      'Kinds of tools there are: fs, memory. Those you were given are all you have in this turn.',
    ]);
  });
});
