import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseInfo } from '../../bench/bench-redis.ts';
import { descendants, parseMachineStat, parseStat } from '../../bench/proc-stat.ts';
import { isRequest } from '../../bench/round-trips.ts';
import { indexOf, SIGNING_SECRET, threadOf, toMentionEvent } from '../../bench/slack-event.ts';

describe('what the benchmark reads', () => {
  it('reads the CPU time of a process whose name has spaces and brackets', () => {
    const line = '4711 (node (main) x) S 42 4711 4711 0 -1 4194560 9 0 0 0 150 50 7 3 20 0 11 0 1 2 3';

    const stat = parseStat(line);

    expect(stat).toEqual({ pid: 4711, parent: 42, cpuMs: 2_000, endedChildrenCpuMs: 100 });
  });

  it('finds a process and everything below it', () => {
    const stat = (pid: number, parent: number) => ({ pid, parent, cpuMs: 0, endedChildrenCpuMs: 0 });
    const all = [stat(1, 0), stat(2, 1), stat(3, 2), stat(4, 3), stat(5, 1)];

    const tree = descendants(all, 2).map(({ pid }) => pid);

    expect(tree).toEqual([2, 3, 4]);
  });

  it('counts neither idle nor waiting time as work of the machine', () => {
    const busy = parseMachineStat('cpu  100 10 50 9999 8888 5 5 7777 0 0\ncpu0 1 2 3\n');

    expect(busy).toBe(1_700);
  });

  it('counts the commands of Redis without the questions of the benchmark', () => {
    const info = [
      'used_memory:2048',
      'used_memory_rss:4096',
      'used_cpu_sys:1.5',
      'used_cpu_user:2.5',
      'used_cpu_sys_children:9.0',
      'cmdstat_set:calls=10,usec=1,usec_per_call=0.1',
      'cmdstat_evalsha:calls=5,usec=1',
      'cmdstat_info:calls=100,usec=1',
      'cmdstat_memory|purge:calls=1,usec=1',
    ].join('\r\n');

    const figures = parseInfo(info);

    expect(figures).toEqual({ commands: 15, cpuMs: 4_000, usedBytes: 2_048, rssBytes: 4_096 });
  });

  it('counts what crossed the wire, not what a script did', () => {
    const seen = [
      isRequest(['evalsha', 'abc'], '127.0.0.1:40000'),
      isRequest(['set', 'key', '1'], 'lua'),
      isRequest(['INFO'], '127.0.0.1:40001'),
    ];

    expect(seen).toEqual([true, false, false]);
  });
});

describe('the events of the benchmark', () => {
  it('signs an event as Slack does', () => {
    const { body, headers } = toMentionEvent(7, 1_700_000_000);

    const digest = createHmac('sha256', SIGNING_SECRET).update(`v0:1700000000:${body}`).digest('hex');
    expect(headers['x-slack-signature']).toBe(`v0=${digest}`);
    expect(headers['content-length']).toBe(String(Buffer.byteLength(body)));
  });

  it('gives every mention a thread of its own and finds it again', () => {
    const threads = [0, 1, 4_999].map((index) => threadOf(index, 1_700_000_000).ts);

    expect(new Set(threads).size).toBe(3);
    expect(threads.map(indexOf)).toEqual([0, 1, 4_999]);
  });
});
