import { describe, expect, it } from 'vitest';
import { compare } from '../../bench/mention.ts';
import { isComplete, type Report, toJson, toText } from '../../bench/report.ts';
import { toTable, toVerdictTable } from '../../bench/table.ts';
import { judge } from '../../bench/target.ts';

const machine = { node: '20.19.0', redis: '7.0.15', cpu: 'CPU', cpus: 2, packages: { chat: '4.0.0' } };
const start = {
  rounds: 1,
  figures: { readyMs: 1_234.5678, idleRssMb: 99.99999, idleCpuPercent: 1 },
  targets: [judge({ name: 'launch to ready', bound: 'less than', limit: 1_500, unit: ' ms' }, 1_234.5678)],
};

describe('the report of the benchmark', () => {
  it('is one JSON object with a key for each part that was measured', () => {
    const report: Report = { machine, start };

    const read: unknown = JSON.parse(toJson(report));

    expect(read).toMatchObject({ start: { figures: { readyMs: 1_235, idleRssMb: 100 } } });
    expect(Object.keys(Object(read))).toEqual(['machine', 'start']);
  });

  it('writes a ratio to something that was not measured as null', () => {
    const mention = { threads: 1, inFlight: 1, rounds: 1, comparisons: { always: compare({}) } };

    const read = JSON.parse(toJson({ machine, mention }));

    expect(read.mention.comparisons.always.ratios.cpuToChatSdk).toBeNull();
  });

  it('names what was measured, and whether targets were reached', () => {
    const text = toText({ machine, start });

    expect(text).toContain('Node 20.19.0, Redis 7.0.15; chat 4.0.0');
    expect(text).toMatch(/launch to ready +less than 1500 ms +1230 ms +reached/);
  });

  it('is complete only when everything asked for has figures', () => {
    const failed = { ...compare({}), failures: { signalbox: 'it did not start' } };
    const mention = { threads: 1, inFlight: 1, rounds: 1, comparisons: { always: failed } };

    const answers = [
      isComplete({ machine, start }),
      isComplete({ machine, mention }),
      isComplete({ machine, start: { failed: 'no' } }),
    ];

    expect(answers).toEqual([true, false, false]);
  });

  it('judges a bound by its words, and what was not measured as missed', () => {
    const reached = (bound: 'at least' | 'at most' | 'less than', measured: number) =>
      judge({ name: 'x', bound, limit: 1, unit: '' }, measured).reached;

    expect([reached('at least', 1), reached('at most', 1), reached('less than', 1)]).toEqual([
      true,
      true,
      false,
    ]);
    expect([reached('at least', 0.9), reached('at most', 1.1), reached('less than', 0.9)]).toEqual([
      false,
      false,
      true,
    ]);
    expect(reached('at most', Number.NaN)).toBe(false);
  });

  it('aligns names to the left and figures to the right', () => {
    const table = toTable(
      ['', 'figure'],
      [
        ['a long name', 1],
        ['b', Number.NaN],
      ],
    );

    expect(table.split('\n')).toEqual([
      '             figure',
      '-----------  ------',
      'a long name       1',
      'b               n/a',
    ]);
  });

  it('says plainly what was missed', () => {
    const text = toVerdictTable([judge({ name: 'p99', bound: 'at most', limit: 25, unit: ' ms' }, 40)]);

    expect(text).toContain('MISSED');
  });
});
