import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EventLog } from '../../../../src/sandbox/web/event-log.ts';
import type { EventFrame } from '../../../../src/sandbox/web/frames.ts';

function aText(position: number, markdown: string, replaces?: number): EventFrame {
  return {
    type: 'event',
    kind: 'text',
    position,
    id: `e${position}`,
    at: new Date(position * 1_000).toISOString(),
    conversation: 'c1',
    markdown,
    ...(replaces === undefined ? {} : { replaces }),
  };
}

function shownIn(log: EventLog): string[] {
  return log.entries.map(({ event }) => ('markdown' in event ? event.markdown : event.card.title));
}

describe('what a program has heard', () => {
  it('shows what replaces something in its place, with the time at which it was first there', () => {
    const log = new EventLog();
    log.take(aText(1, 'Using `refund` …'));
    log.take(aText(2, 'something else'));
    log.take(aText(3, 'Done.', 1));

    expect(shownIn(log)).toEqual(['Done.', 'something else']);
    expect(log.entries[0]).toMatchObject({ first: 1, at: '1970-01-01T00:00:01.000Z' });
    expect(log.last).toBe(3);
  });

  it('counts an event once, however often it comes', () => {
    const log = new EventLog();
    for (const event of [aText(1, 'a'), aText(2, 'b'), aText(1, 'a again')]) log.take(event);

    expect(shownIn(log)).toEqual(['a', 'b']);
    expect(log.last).toBe(2);
  });

  it('keeps what it has over a gap, and forgets it when the log began anew', () => {
    const log = new EventLog();
    log.take(aText(7, 'old'));
    log.miss();
    log.take(aText(9, 'after the gap'));
    const overGap = shownIn(log);
    log.miss();
    log.take(aText(1, 'new log'));

    expect(overGap).toEqual(['old', 'after the gap']);
    expect(shownIn(log)).toEqual(['new log']);
    expect(log.last).toBe(1);
  });

  it('shows each thing once, in the order of what showed it first, whatever replaces what', () => {
    fc.assert(
      fc.property(fc.array(fc.option(fc.nat(), { nil: undefined }), { maxLength: 40 }), (plan) => {
        const log = new EventLog();
        const roots: number[] = [];
        for (const [index, pick] of plan.entries()) {
          const root = pick === undefined || roots.length === 0 ? undefined : roots[pick % roots.length];
          if (root === undefined) roots.push(index + 1);
          log.take(aText(index + 1, `m${index + 1}`, root));
        }

        expect(log.entries.map(({ first }) => first)).toEqual(roots);
      }),
    );
  });
});
