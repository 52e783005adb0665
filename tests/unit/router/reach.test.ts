import { describe, expect, it } from 'vitest';
import type { Gateway } from '../../../src/domain/gateway.ts';
import { Platform } from '../../../src/domain/ids.ts';
import type { Directory } from '../../../src/identity/directory.ts';
import { Reach } from '../../../src/router/reach.ts';

const placeOn = (platform: string) => ({ platform: Platform.parse(platform), route: { channel: 'C1' } });

function reachWith(...gateways: Partial<Gateway>[]): Reach {
  const byPlatform = gateways.map((each) => [String(each.platform), each as Gateway] as const);
  return new Reach({} as Directory, new Map(byPlatform)); // nobody is asked for
}

describe('a place is private', () => {
  it.each([
    ['a terminal of another process', 'cli-x7k2p9', true],
    ['the channel all terminals are', 'cli', false],
    ['a platform whose name only begins like that of a terminal', 'client', false],
    ['a platform that does not run', 'slack', false],
    ['a platform nobody has heard of', 'nowhere', false],
  ])('by its name alone: %s', (_, platform, isPrivate) => {
    expect(reachWith().isPrivate(placeOn(platform))).toBe(isPrivate);
  });

  it('as its gateway says where that runs here, whatever it is called', () => {
    const reach = reachWith(
      { platform: Platform.parse('slack'), isPrivate: () => true },
      { platform: Platform.parse('jira') },
      { platform: Platform.parse('cli-open'), isPrivate: () => false },
    );

    const told = ['slack', 'jira', 'cli-open'].map((name) => reach.isPrivate(placeOn(name)));

    expect(told).toEqual([true, false, false]);
  });
});
