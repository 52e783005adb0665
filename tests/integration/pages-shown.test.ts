/** Who is called about a request has its card where they are called: not before they are told, and not in vain. */
import { describe, expect, it } from 'vitest';
import type { Page } from '../../src/domain/escalation/pager.ts';
import { ApprovalId, EscalationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { Pagers } from '../../src/escalation/pagers.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { PARTITIONS } from '../../src/redis/keys.ts';
import { anAddress } from '../support/approvals.ts';
import { openStore, silent } from '../support/core.ts';

const DANA = PersonId.parse('dana');
const HOUR = 3_600_000;

const aPage = (id: string, importance: Page['importance'] = 'normal'): Page => ({
  id,
  escalation: EscalationId.parse('esc_p0_0123456789ab'),
  epoch: 1,
  platform: Platform.parse('slack'),
  importance,
  why: 'call',
  markdown: 'somebody has to look after this',
  approvalId: ApprovalId.parse('apr_p0_0123456789ab'),
  atMs: 0,
});

async function open() {
  const { redis, keys } = await openStore();
  const world = { isQuiet: true, epoch: 1, shown: [] as string[] };
  const pagers = new Pagers(redis, keys, new EffectWriter(redis, keys), {
    escalations: { find: async () => ({ epoch: world.epoch }) as never }, // all that is asked of it
    quietOf: () => (importance, atMs) => (world.isQuiet && importance !== 'urgent' ? atMs + HOUR : atMs),
    placeOn: () => anAddress('slack'),
    show: async (_person, { id }) => {
      world.shown.push(id);
    },
    isOneMessage: () => true,
    rememberMs: () => HOUR,
    log: silent,
  });
  return { world, pagers };
}

describe('what somebody is called about', () => {
  it('is shown to them when they are told, not in their quiet hours, but for what is urgent', async () => {
    const { world, pagers } = await open();

    await pagers.admit(DANA, aPage('first'));
    expect(world.shown).toEqual([]);
    await pagers.admit(DANA, aPage('loud', 'urgent'));
    expect(world.shown).toEqual(['loud']);
    world.isQuiet = false;
    await pagers.admit(DANA, aPage('last', 'urgent'));

    expect(world.shown.toSorted()).toEqual(['first', 'last', 'loud']);
  });

  it('is told, and shown, once quiet hours are taken away', async () => {
    const { world, pagers } = await open();
    await pagers.admit(DANA, aPage('first'));
    world.isQuiet = false;
    await pagers.heedPeople();
    for (let partition = 0; partition < PARTITIONS; partition++) await pagers.sweep(partition, 10);

    expect(world.shown).toEqual(['first']);
  });

  it('E1 is shown to nobody who is not called any more', async () => {
    const { world, pagers } = await open();
    world.isQuiet = false;
    world.epoch = 2;

    await pagers.admit(DANA, aPage('old'));

    expect(world.shown).toEqual([]);
  });
});
