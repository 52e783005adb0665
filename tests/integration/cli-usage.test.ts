/** What was used, what may be, and how the services stand, at the terminal: by the real commands, on a real store. */
import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BudgetDesk } from '../../src/budget/budget-desk.ts';
import { amountOf } from '../../src/budget/limits.ts';
import { UsageLedger } from '../../src/budget/usage-ledger.ts';
import { BudgetSettings } from '../../src/config/budgets.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { ConversationId, PersonId } from '../../src/domain/ids.ts';
import { Breakers } from '../../src/health/breakers.ts';
import { HealthBoard, readHealth } from '../../src/health/health-board.ts';
import { type CliHome, createCliHome } from '../support/cli.ts';
import { silent } from '../support/core.ts';
import { usageOf } from '../support/scripted-model.ts';

vi.setConfig({ testTimeout: 120_000 });

const BUDGETS = `budgets:
  currency: EUR
  person: { day: { tokens: 1000 } }
  team: { month: { money: 5 } }
  prices: { claude-sonnet-5-5: { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 } }
`;

let home: CliHome;
let stores: Awaited<ReturnType<CliHome['openStores']>>;

beforeEach(async () => {
  home = createCliHome();
  stores = await home.openStores();
});

afterEach(async () => {
  stores.close();
  await home.remove();
});

async function spend(person: string, tokens: number): Promise<void> {
  const settings = BudgetSettings.parse({
    prices: { 'claude-sonnet-5-5': { input: 3, output: 15, cache_read: 0.3, cache_write: 3.75 } },
  });
  const ledger = new UsageLedger(stores.redis, stores.keys);
  const desk = new BudgetDesk(ledger, stores.writer, () => settings, systemClock);
  const conversationId = ConversationId.parse(`slack:T0:C0:${person}`);
  const usage = usageOf(tokens);
  const amount = amountOf(usage, 'claude-sonnet-5-5', settings);
  const by = { person: PersonId.parse(person), conversationId };
  await desk.record(by, { model: 'claude-sonnet-5-5', usage, amount }, randomUUID());
  await stores.writer.write(conversationId, desk.counted(by, ['lookup']));
}

describe('signalbox usage', () => {
  it('OM-164 prints what was used today by whom and what, and the numbers move with every turn', async () => {
    home.edit('settings.yaml', /$/, `\n${BUDGETS}`);
    expect((await home.run('usage')).out).toContain('Nothing was used');
    await spend('alex', 100);
    const first = await home.run('usage');
    await spend('alex', 100);
    await spend('dana', 10);

    const second = await home.run('usage');
    const asJson = await home.run('usage', '--json');

    expect(first.out).toMatch(/alex\s+1\s+400\s+0\.0022 EUR/);
    expect(second.out).toMatch(/alex\s+2\s+800\s+0\.0044 EUR/);
    expect(second.out).toMatch(/EVERYBODY\s+TURNS\s+TOKENS\s+COST\s+all\s+3\s+840/);
    expect(second.out).toMatch(/claude-sonnet-5-5\s+3\s+210\s+210\s+210\s+210/);
    expect(second.out).toMatch(/lookup\s+3/);
    expect(asJson).toMatchObject({ code: 0, err: '' });
    const json = JSON.parse(asJson.out);
    expect(json).toMatchObject({ currency: 'EUR', lines: expect.any(Array) });
    expect(json.lines).toContainEqual({
      kind: 'person',
      subject: 'dana',
      turns: 1,
      tokens: 40,
      micro_money: 221,
    });
  });

  it('refuses a period that is none, and whoever may not operate', async () => {
    expect(await home.run('usage', '--of', 'yesterday')).toMatchObject({ code: 2 });
    expect(await home.run('usage', '--of', '2026-02-31')).toMatchObject({
      code: 2,
      err: expect.stringContaining('A day such as 2026-11-21'),
    });
    expect(await home.run('usage', '--of', '2028-02-29')).toMatchObject({ code: 0 });
    home.edit('settings.yaml', 'account: local', 'account: nobody');
    expect(await home.run('usage')).toMatchObject({ code: 1 });
  });
});

describe('signalbox budget', () => {
  it('OM-160 shows every limit, how much of it is spent, and when it begins anew', async () => {
    expect((await home.run('budget')).out).toContain('There are no budgets');
    home.edit('settings.yaml', /$/, `\n${BUDGETS}`);
    await spend('alex', 250);

    const { out } = await home.run('budget');

    expect(out).toMatch(/person alex\s+day\s+1,000 of 1,000 tokens\s+100 % used up\s+in \d+ (h|min|s)/);
    expect(out).toMatch(/everybody\s+month\s+0\.0055 EUR of 5\.00 EUR\s+0 %\s+in \d+/);
  });

  it('says how many it leaves out of a long list, and lists all of them as JSON', async () => {
    home.edit('settings.yaml', /$/, '\nbudgets: { person: { day: { tokens: 1000 } } }\n');
    for (let n = 0; n < 22; n++) await spend(`person-${n}`, 10);

    const [{ out }, { out: json }] = [await home.run('budget'), await home.run('budget', '--json')];

    expect(out.match(/person person-/g)).toHaveLength(20);
    expect(out).toContain('… and 2 more: --json lists all of them');
    expect(JSON.parse(json).budgets).toHaveLength(22);
  });

  it('OM-160 says of what is far beyond its limit no number of percent', async () => {
    home.edit('settings.yaml', /$/, '\nbudgets: { person: { day: { tokens: 1 } } }\n');
    await spend('alex', 250);

    const { out } = await home.run('budget');

    expect(out).toMatch(/person alex\s+day\s+[\d,]+ of 1 tokens?\s+used up, more than 10 times over\s+in/);
  });

  it('is not begun with a limit on money and no price', async () => {
    home.edit('settings.yaml', /$/, '\nbudgets: { team: { day: { money: 1 } } }\n');

    const { code, err } = await home.run('budget');

    expect(code).toBe(1);
    expect(err).toMatch(/budgets\.team\.day\.money.*a price for each model/s);
  });
});

describe('signalbox status', () => {
  it('OM-141 shows what each process has cut off, and why, until that process ends', async () => {
    const breakers = new Breakers(() => ({ failures: 1, coolDownMs: 30_000 }), systemClock, silent);
    const board = new HealthBoard(stores.redis, stores.keys, breakers, 'process-1', systemClock, silent);
    await board.start();
    const down = () => Promise.reject(new Error('it answered 529'));
    await expect(breakers.of('model:claude-x').run(down, () => 'away')).rejects.toThrow('529');
    await expect.poll(() => readHealth(stores.redis, stores.keys, Date.now())).toHaveLength(1);

    const { code, out } = await home.run('status');
    await board.stop();

    expect(code).toBe(1);
    expect(out).toMatch(
      /No gateway runs\.[\s\S]*model:claude-x\s+cut off\s+\d+ s ago\s+process-1\s+it answered 529/,
    );
    expect((await home.run('status')).out).toContain('No service outside was called');
    expect(await readHealth(stores.redis, stores.keys, Date.now())).toEqual([]);
  });
});
