/** Somebody wants the agent to stop: whose turns that ends, in whichever process they run. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Stop, StopSign, TurnStop } from '../../src/control/stop-sign.ts';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import { openStore } from '../support/core.ts';

const conversationId = ConversationId.parse('slack:T0:C0:1');
const ALEX = PersonId.parse('alex');
const DANA = PersonId.parse('dana');

function aStop(change: Partial<Stop> = {}): Stop {
  return { id: 'm1', atMs: 1_000, by: { person: ALEX, name: 'Alex Kim' }, everybodys: false, ...change };
}

describe('a sign to stop', () => {
  it('is the last of each person, and seen by every process', async () => {
    const store = await openStore();
    const [here, there] = [new StopSign(store.redis, store.keys), new StopSign(store.redis, store.keys)];

    await here.raise(conversationId, aStop());
    await here.raise(conversationId, aStop({ id: 'm2', atMs: 2_000 }));
    await here.raise(conversationId, aStop({ id: 'm3', by: { person: DANA, name: 'Dana Reyes' } }));

    const ids = (await there.of(conversationId)).map(({ id }) => id).toSorted();
    expect(ids).toEqual(['m2', 'm3']);
    expect(await there.of(ConversationId.parse('slack:T0:C0:2'))).toEqual([]);
  });

  it('that cannot be read stops nothing, and hides no other', async () => {
    const { redis, keys } = await openStore();
    const sign = new StopSign(redis, keys);
    await sign.raise(conversationId, aStop());

    await redis.hset(keys.stops(conversationId), 'dana', '{');

    expect((await sign.of(conversationId)).map(({ id }) => id)).toEqual(['m1']);
  });

  it('is forgotten once nothing can have waited since', async () => {
    const { redis, keys } = await openStore();

    await new StopSign(redis, keys).raise(conversationId, aStop());

    expect(await redis.pttl(keys.stops(conversationId))).toBeGreaterThan(0);
  });
});

describe('a turn', () => {
  let stops: Stop[];
  const sign = { of: async () => [...stops] };
  const turns: TurnStop[] = [];

  beforeEach(() => {
    vi.useFakeTimers();
    stops = [];
  });
  afterEach(() => {
    for (const turn of turns.splice(0)) turn.end();
    vi.useRealTimers();
  });

  function begin(person: PersonId, askedMs?: number, agoMs = 0): TurnStop {
    const turn = new TurnStop(sign, { conversationId, person, askedMs });
    turns.push(turn);
    turn.start([...stops], agoMs);
    return turn;
  }

  /** The next look. */
  const look = () => vi.advanceTimersByTimeAsync(300);

  it('ends when its author wants that after it began, and knows who did', async () => {
    const turn = begin(ALEX, 900);
    expect(turn.signal.aborted).toBe(false);

    stops.push(aStop());
    await look();

    expect(turn.signal.aborted).toBe(true);
    expect(turn.by).toEqual({ person: ALEX, name: 'Alex Kim' });
  });

  it('ends before it begins when it was asked for before the sign', async () => {
    stops.push(aStop());

    expect(begin(ALEX, 900).signal.aborted).toBe(true);
    expect(begin(ALEX, 1_001).signal.aborted).toBe(false);
    // One that nobody asked for, by an approval that ended, began after it.
    expect(begin(ALEX).signal.aborted).toBe(false);
  });

  it('ends by a sign that comes while it runs, whatever the clocks of two processes say', async () => {
    const turn = begin(ALEX, 5_000);

    stops.push(aStop({ atMs: 4_990 }));
    await look();

    expect(turn.signal.aborted).toBe(true);
  });

  it('looks again at once when what was read for it is old by then', async () => {
    const turn = begin(ALEX, 5_000, 10_000);

    stops.push(aStop({ atMs: 4_990 }));
    await vi.advanceTimersByTimeAsync(0);

    expect(turn.signal.aborted).toBe(true);
  });

  it('goes on for the sign of somebody else, unless they may stop everybody', async () => {
    const turn = begin(DANA, 900);

    stops.push(aStop());
    await look();
    expect(turn.signal.aborted).toBe(false);

    stops.push(aStop({ id: 'm2', everybodys: true }));
    await look();
    expect(turn.signal.aborted).toBe(true);
  });

  it('goes on while the store is away, and looks no more once it is over', async () => {
    let looks = 0;
    const turn = new TurnStop(
      {
        of: async () => {
          looks++;
          throw new Error('away');
        },
      },
      { conversationId, person: ALEX, askedMs: 900 },
    );
    turn.start([], 0);
    await look();
    expect(turn.signal.aborted).toBe(false);

    turn.end();
    turn.end();
    const before = looks;
    await look();
    expect(looks).toBe(before);
  });
});
