import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentList } from '../../../src/api/agent-list.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { anApproval, OPENED_MS } from '../../support/approvals.ts';

/** Each at its own time, in another order than that of the ids; every third was asked by a program. */
function waiting(count: number): Approval[] {
  return Array.from({ length: count }, (_, n) => {
    const tail = String((n * 7) % count).padStart(12, '0');
    const approval = anApproval({ tail, openedMs: OPENED_MS + n });
    const client = { name: 'shop', key: 'main', fingerprint: '', permit: false };
    return n % 3 === 2 ? { ...approval, client } : approval;
  });
}

function listOf(all: () => readonly Approval[], mostLookedAt?: number): AgentList {
  return new AgentList(
    {
      pendingIds: async () => all().map(({ id }) => id),
      find: async (id) => all().find((each) => each.id === id),
    },
    mostLookedAt,
  );
}

const ofAgent = (all: readonly Approval[]) => all.filter(({ client }) => client === undefined);
const idsOf = (all: readonly Approval[]) => all.map(({ id }) => id);

async function pagesOf(list: AgentList, limit: number, between: () => void = () => undefined) {
  const found: Approval[] = [];
  let place: string | undefined;
  do {
    const page = await list.page(() => true, place, limit);
    found.push(...page.found);
    place = page.place;
    between();
  } while (place !== undefined);
  return found;
}

describe('what the agent asked and still waits', () => {
  it('comes newest first, each once, where few wait', async () => {
    const all = waiting(10);

    const found = await pagesOf(
      listOf(() => all),
      3,
    );

    expect(idsOf(found)).toEqual(idsOf(ofAgent(all).toReversed()));
  });

  it('comes page by page, each once, where many wait', async () => {
    const all = waiting(250);

    for (const limit of [1, 20, 100, 300]) {
      const found = await pagesOf(
        listOf(() => all, 110),
        limit,
      );
      expect(idsOf(found).toSorted()).toEqual(idsOf(ofAgent(all)).toSorted());
    }
  });

  it('hides nothing that waits all the while, whatever comes and goes', async () => {
    const change = fc.record({ gone: fc.nat(40), come: fc.nat(40) });
    await fc.assert(
      fc.asyncProperty(fc.array(change), fc.integer({ min: 1, max: 9 }), async (changes, limit) => {
        const all = waiting(40);
        const stays = ofAgent(all).filter((_, n) => n % 2 === 0);
        let now: readonly Approval[] = all.slice(0, 20).concat(stays.slice(7));
        const steady = stays.filter((each) => now.includes(each));
        const left = [...changes];

        const found = await pagesOf(
          listOf(() => now, 25),
          limit,
          () => {
            const { gone, come } = left.shift() ?? { gone: 0, come: 0 };
            const kept = now.filter((each, n) => steady.includes(each) || n % 5 !== gone % 5);
            now = [...new Set([...kept, ...all.slice(0, come)])];
          },
        );

        expect(idsOf(found)).toEqual(expect.arrayContaining(idsOf(steady)));
      }),
    );
  });

  it('hides nothing behind one that cannot be read', async () => {
    const all = waiting(4);
    const list = new AgentList({
      pendingIds: async () => idsOf(all),
      find: async (id) => {
        if (id === all[0]?.id) throw new Error('broken');
        return all.find((each) => each.id === id);
      },
    });

    expect(idsOf(await pagesOf(list, 10))).toEqual(idsOf(ofAgent(all).slice(1).toReversed()));
  });
});
