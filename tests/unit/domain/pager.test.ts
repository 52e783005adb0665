/** What one person is to be told, and when. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  admit,
  BUNDLE_MS,
  BURST_MS,
  flush,
  type InMessages,
  MOST_IN_BURST,
  type Page,
  type Pager,
  type Quiet,
} from '../../../src/domain/escalation/pager.ts';
import { EscalationId, PersonId, Platform } from '../../../src/domain/ids.ts';
import { Importance } from '../../../src/domain/person.ts';
import { runs } from '../../support/property-runs.ts';

const DANA = PersonId.parse('dana');
const EMAIL = Platform.parse('email');
const NOON = Date.UTC(2026, 0, 5, 12);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const never: Quiet = (_importance, atMs) => atMs;
const always = () => true;

function page(n: number, about: Partial<Page> = {}): Page {
  return {
    id: `page-${n}`,
    escalation: EscalationId.parse(`esc_p1_${String(n).padStart(12, '0')}`),
    epoch: 1,
    platform: Platform.parse('slack'),
    importance: 'normal',
    why: 'call',
    markdown: `Thing ${n}`,
    atMs: NOON,
    ...about,
  };
}

const isPrompt = ({ importance, why }: Page): boolean =>
  importance === 'high' || importance === 'urgent' || why === 'still';

/** However many there are. */
const inOne: InMessages = (_platform, pages) => [pages];

/** Takes pages in at their times and looks whenever something is due. Resolves with what was told when. */
function live(
  pages: readonly Page[],
  quiet: Quiet,
  untilMs: number,
  isTrue: (page: Page) => boolean = always,
  inMessages: InMessages = inOne,
) {
  const told: { atMs: number; pages: readonly Page[] }[] = [];
  let pager: Pager | undefined;
  const look = (nowMs: number) => {
    const flushed = pager && flush(pager, { isTrue, quiet, inMessages }, nowMs);
    if (!flushed) return;
    pager = flushed.next;
    told.push(...flushed.told.map(({ pages }) => ({ atMs: nowMs, pages })));
  };
  for (const next of pages.toSorted((a, b) => a.atMs - b.atMs)) {
    while (pager?.nextMs !== undefined && pager.nextMs < next.atMs) look(pager.nextMs);
    pager = admit(pager, DANA, next, quiet);
    look(next.atMs);
  }
  while (pager?.nextMs !== undefined && pager.nextMs <= untilMs) look(pager.nextMs);
  return { told, waiting: pager?.waiting ?? [] };
}

describe('what somebody is to be told', () => {
  it('is told at once, and what follows soon after is told together', () => {
    const pages = [0, 10, 50, 90].map((second, n) => page(n, { atMs: NOON + second * 1_000 }));
    const { told } = live(pages, never, NOON + HOUR);
    expect(told.map(({ atMs, pages }) => [atMs - NOON, pages.length])).toEqual([
      [0, 1],
      [BUNDLE_MS, 3],
    ]);
  });

  it('E13 is told at once where it is important, with what waited', () => {
    const pages = [
      page(0),
      page(1, { atMs: NOON + 1_000 }),
      page(2, { atMs: NOON + 2_000, importance: 'high' }),
    ];
    const { told } = live(pages, never, NOON + HOUR);
    expect(told.map(({ atMs, pages }) => [atMs - NOON, pages.map(({ id }) => id)])).toEqual([
      [0, ['page-0']],
      [2_000, ['page-1', 'page-2']],
    ]);
  });

  it('E13 is told together, a minute later at most, where too much of it is important, in the order in which it came', () => {
    const pages = Array.from({ length: 300 }, (_, n) =>
      page(n, { atMs: NOON + n * 1_000, importance: n % 2 === 0 ? 'high' : 'urgent' }),
    );

    const { told, waiting } = live(pages, never, NOON + HOUR);

    expect(told.length).toBeLessThanOrEqual(6 * 2 * MOST_IN_BURST);
    expect(told.flatMap((each) => each.pages.map(({ id }) => id))).toEqual(pages.map(({ id }) => id));
    expect(waiting).toEqual([]);
    for (const { atMs, pages } of told) {
      for (const { atMs: since } of pages) expect(atMs - since).toBeLessThanOrEqual(BURST_MS);
    }
  });

  it('E13 is told at once where it is urgent, however much there is that is only important', () => {
    const high = Array.from({ length: 20 }, (_, n) =>
      page(n, { atMs: NOON + n * 1_000, importance: 'high' }),
    );
    const urgent = page(20, { atMs: NOON + 20_000, importance: 'urgent' });

    const { told } = live([...high, urgent], never, NOON + HOUR);

    expect(told.map(({ atMs, pages }) => [atMs - NOON, pages.length])).toEqual([
      ...[0, 1, 2, 3, 4].map((second) => [second * 1_000, 1]),
      [20_000, 16],
    ]);
  });

  it('E13 is held up by what is told on the same platform alone', () => {
    const slack = Array.from({ length: 9 }, (_, n) => page(n, { importance: 'urgent', atMs: NOON + n }));
    const email = page(9, { importance: 'urgent', atMs: NOON + 9, platform: Platform.parse('email') });

    const { told } = live([...slack, email], never, NOON + HOUR);

    expect(told.find(({ pages }) => pages[0]?.platform === 'email')?.atMs).toBe(NOON + 9);
  });

  it('E13 is not held up for an hour by what was urgent before', () => {
    const urgent = Array.from({ length: 20 }, (_, n) =>
      page(n, { atMs: NOON + n * 15_000, importance: 'urgent' }),
    );
    const normal = page(20, { atMs: NOON + 8 * MINUTE });

    const { told } = live([...urgent, normal], never, NOON + HOUR);

    expect(told.at(-1)).toEqual({ atMs: NOON + 8 * MINUTE, pages: [normal] });
  });

  it('E13 waits for room in the hour where it can wait, whatever came at once meanwhile', () => {
    const normal = Array.from({ length: 21 }, (_, n) => page(n, { atMs: NOON + n * BUNDLE_MS }));
    const urgent = page(21, { atMs: NOON + 45 * MINUTE, importance: 'urgent', platform: EMAIL });

    const { told } = live([...normal, urgent], never, NOON + 2 * HOUR);

    expect(told.slice(-2).map(({ atMs, pages }) => [atMs - NOON, pages[0]?.id])).toEqual([
      [45 * MINUTE, 'page-21'],
      [HOUR, 'page-20'],
    ]);
  });

  it('is asked at once whether they are still on it, however much they were told before', () => {
    const normal = Array.from({ length: 21 }, (_, n) => page(n, { atMs: NOON + n * BUNDLE_MS }));
    const question = page(21, { atMs: NOON + 41 * MINUTE, why: 'still' });

    const { told } = live([...normal, question], never, NOON + 2 * HOUR);

    expect(told.find(({ pages }) => pages.includes(question))?.atMs).toBe(NOON + 41 * MINUTE);
  });

  it('waits for the end of quiet hours unless it is urgent', () => {
    const morning = NOON + 9 * HOUR;
    const quiet: Quiet = (importance, atMs) => (importance === 'urgent' ? atMs : Math.max(atMs, morning));
    const pages = [page(0, { importance: 'high' }), page(1, { importance: 'urgent', atMs: NOON + MINUTE })];
    const { told } = live(pages, quiet, NOON + 24 * HOUR);
    expect(told.map(({ atMs, pages }) => [atMs, pages.map(({ id }) => id)])).toEqual([
      [NOON + MINUTE, ['page-1']],
      [morning, ['page-0']],
    ]);
  });

  it('waits for the next end of quiet hours when nobody looked at the last one', () => {
    const nights = [20, 44].map((hour) => ({ from: NOON + hour * HOUR, until: NOON + (hour + 10) * HOUR }));
    const quiet: Quiet = (_importance, atMs) =>
      nights.find(({ from, until }) => from <= atMs && atMs < until)?.until ?? atMs;
    const waiting = admit(undefined, DANA, page(0, { atMs: NOON + 21 * HOUR }), quiet);

    const flushed = flush(waiting, { isTrue: always, quiet, inMessages: inOne }, NOON + 45 * HOUR);

    expect(waiting.nextMs).toBe(NOON + 30 * HOUR);
    expect(flushed).toMatchObject({ told: [], next: { nextMs: NOON + 54 * HOUR, sentMs: [] } });
  });

  it('E13 is no flood either where what waited takes many messages: as many as there may be, the rest later, in order', () => {
    const morning = NOON + 8 * HOUR;
    const quiet: Quiet = (importance, atMs) => (importance === 'urgent' ? atMs : Math.max(atMs, morning));
    const waiting = Array.from({ length: 70 }, (_, n) => page(n, { atMs: NOON + n * MINUTE }));
    const byThree: InMessages = (_platform, pages) =>
      Array.from({ length: Math.ceil(pages.length / 3) }, (_, n) => pages.slice(3 * n, 3 * n + 3));

    const { told } = live(waiting, quiet, morning + 3 * HOUR, always, byThree);

    expect(told.map(({ atMs, pages }) => [(atMs - morning) / HOUR, pages.length])).toEqual([
      [0, 60],
      [1, 10],
    ]);
    expect(told.flatMap(({ pages }) => pages.map(({ id }) => id))).toEqual(waiting.map(({ id }) => id));
    // What is told at once is not held up by what could wait.
    const high = page(99, { atMs: morning, importance: 'high' });
    const [first] = live([...waiting, high], quiet, morning, always, byThree).told;
    expect(first?.pages[0]?.id).toBe('page-99');
  });

  it('E1 is not told when it is not true any more', () => {
    const pages = [page(0), page(1, { atMs: NOON + 1_000 })];
    const { told, waiting } = live(pages, never, NOON + HOUR, ({ id }) => id === 'page-0');
    expect(told.flatMap(({ pages }) => pages.map(({ id }) => id))).toEqual(['page-0']);
    expect(waiting).toEqual([]);
  });

  it('E11 E13 is told once, nothing is lost, and nobody gets more than so many messages an hour', () => {
    const arbitrary = fc.array(
      fc.record({
        afterS: fc.oneof(
          fc.integer({ min: 0, max: 3 * 3_600 }),
          fc.integer({ min: 0, max: 5 * 60 }), // so many at a time
        ),
        importance: fc.constantFrom(...Importance.options),
        why: fc.constantFrom<Page['why'][]>('call', 'call', 'call', 'still', 'news'),
        platform: fc.constantFrom(Platform.parse('slack'), Platform.parse('email')),
      }),
      { maxLength: 200 },
    );
    fc.assert(
      fc.property(arbitrary, (events) => {
        const pages = events.map(({ afterS, ...about }, n) =>
          page(n, { ...about, atMs: NOON + afterS * 1_000 }),
        );
        const { told, waiting } = live(pages, never, NOON + 48 * HOUR);

        const ids = told.flatMap(({ pages }) => pages.map(({ id }) => id));
        expect(waiting).toEqual([]);
        expect(ids.toSorted()).toEqual(pages.map(({ id }) => id).toSorted());
        const loud = told.flatMap(({ atMs, pages }) =>
          pages
            .filter(isPrompt)
            .slice(0, 1)
            .map((first) => ({ atMs, first })),
        );
        for (const { atMs, pages } of told) {
          for (const { importance, atMs: since, platform } of pages.filter(isPrompt)) {
            const before = loud.filter(
              (each) =>
                each.atMs <= since && each.atMs > since - BURST_MS && each.first.platform === platform,
            );
            if (before.length < MOST_IN_BURST) expect(atMs).toBe(since);
            expect(atMs - since, importance).toBeLessThanOrEqual(BURST_MS);
          }
        }
        const patient = told.filter(({ pages }) => !pages.some(isPrompt));
        for (const { atMs, pages } of patient) {
          const inHour = patient.filter((each) => each.atMs > atMs - HOUR && each.atMs < atMs);
          expect(inHour.length).toBeLessThanOrEqual(20);
          const isLate = atMs - (pages[0]?.atMs ?? atMs) > BUNDLE_MS;
          if (isLate) expect(inHour.length).toBeGreaterThanOrEqual(19);
        }
      }),
      { numRuns: runs(200) },
    );
  });
});
