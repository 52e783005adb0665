import { describe, expect, it } from 'vitest';
import { compare, type MentionFigures, orderOfRound } from '../../bench/mention.ts';

const figures = (own: Partial<MentionFigures> = {}): MentionFigures => ({
  perSecond: 1_000,
  cpuMs: 1,
  p50Ms: 10,
  p99Ms: 20,
  redisCommands: 10,
  roundTrips: 4,
  redisCpuMs: 0.1,
  rssMb: 100,
  repeated: 0,
  othersCpus: 0,
  ...own,
});

describe('the comparison of mentions', () => {
  it('divides what Signalbox did by what the others did', () => {
    const { ratios } = compare({
      signalbox: figures({ perSecond: 1_500, cpuMs: 0.6, p99Ms: 15 }),
      chatSdk: figures(),
      bareBolt: figures({ perSecond: 2_000, cpuMs: 0.5 }),
    });

    expect(ratios).toEqual({
      throughputToChatSdk: 1.5,
      throughputToBareBolt: 0.75,
      cpuToChatSdk: 0.6,
      cpuToBareBolt: 1.2,
      p99ToChatSdk: 0.75,
    });
  });

  it('says of every target whether it was reached', () => {
    const { targets } = compare({
      signalbox: figures({ perSecond: 1_500, cpuMs: 0.9, roundTrips: 5, p99Ms: 20 }),
      chatSdk: figures(),
      bareBolt: figures({ perSecond: 1_800 }),
    });

    expect(targets.map(({ name, reached }) => [name, reached])).toEqual([
      ['throughput / Chat SDK', true],
      ['throughput / bare Bolt', true],
      ['CPU per message / Chat SDK', false],
      ['p99 / Chat SDK', false],
      ['Redis round trips per message', false],
    ]);
  });

  it('reaches no target while Signalbox could not be measured', () => {
    const { targets, failures } = compare({ chatSdk: figures() }, { signalbox: 'it did not start' });

    expect(targets.some(({ reached }) => reached)).toBe(false);
    expect(failures).toEqual({ signalbox: 'it did not start' });
  });

  it('lets each contender go first in turn', () => {
    const orders = [0, 1, 2, 3].map((round) => orderOfRound(['signalbox', 'chatSdk', 'bareBolt'], round)[0]);

    expect(orders).toEqual(['signalbox', 'chatSdk', 'bareBolt', 'signalbox']);
  });
});
