/** What docs/extending.md tells people to write does what the page says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import fastify, { type FastifyInstance } from 'fastify';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { systemClock } from '../../src/domain/clock.ts';
import type { WantedCall } from '../../src/sandbox/claude/rules.ts';
import { Journal } from '../../src/sandbox/journal.ts';
import { ShopSandbox } from '../../src/sandbox/shop/shop-sandbox.ts';
import { createShopTools } from '../../src/sandbox/shop/shop-tools.ts';
import { lintSkill } from '../../src/skills/lint.ts';
import { closedPort } from '../support/closed-port.ts';
import { createListRefunds } from '../support/list-refunds.ts';
import { aCall } from '../support/scripted-model.ts';
import { SkillShelf } from '../support/skills.ts';
import { aToolbox, rules } from '../support/tools.ts';
import { context } from '../support/workspace.ts';

const ROOT = join(import.meta.dirname, '../..');
const PAGE = readFileSync(join(ROOT, 'docs/extending.md'), 'utf8');
const QUESTION = 'what was refunded of order 3?';

describe('the tool', () => {
  let app: FastifyInstance;
  let shopUrl: string;

  beforeEach(async () => {
    app = fastify({ forceCloseConnections: true });
    new ShopSandbox(new Journal(), systemClock).register(app);
    shopUrl = `${await app.listen({ host: '127.0.0.1', port: 0 })}/shop`;
  });
  afterEach(() => app.close());

  async function refund(order: number, amount: number): Promise<void> {
    const [tool] = createShopTools(shopUrl);
    await tool!.execute({ order, amount, currency: 'EUR', reason: 'broken' }, context);
  }

  it('tells each refund of the order, and of no other', async () => {
    await refund(3, 20);
    await refund(7, 99.5);
    await refund(3, 4.5);

    const tool = createListRefunds(shopUrl);
    expect(await tool.execute({ order: 3 }, context)).toEqual({
      status: 'ok',
      text: 'r1: 20.00 EUR\nr3: 4.50 EUR',
    });
    expect(await tool.execute({ order: 5 }, context)).toEqual({
      status: 'ok',
      text: 'Nothing was refunded of order 5.',
    });
  });

  it('fails when the shop is away, and the agent hears why', async () => {
    const tool = createListRefunds(`http://127.0.0.1:${await closedPort()}/shop`);
    const running = { key: 'key', hasReadStrangers: false };

    const output = await aToolbox(rules(), { tools: [tool] }).run(
      tool,
      { order: 3 },
      running,
      context.signal,
    );

    expect(output).toEqual({ status: 'error', text: 'list_refunds failed: fetch failed' });
  });

  it('fails when the shop answers that it is broken', async () => {
    const broken = createListRefunds(`${shopUrl}/nowhere`);

    await expect(broken.execute({ order: 3 }, context)).rejects.toThrow('the shop answered 404');
  });

  it('runs at once as shipped, and waits for a human under the rule of the page', () => {
    const tools = [createListRefunds(shopUrl)];
    const call = aCall('list_refunds', { order: 3 });
    const { rules: written } = parse(blockOf('yaml'));

    expect(aToolbox(rules(), { tools }).screen(call)).toMatchObject({ kind: 'run' });
    expect(aToolbox(rules(...written), { tools }).screen(call)).toMatchObject({
      kind: 'held',
      decision: { kind: 'ask', approvers: { role: 'manager' } },
    });
  });

  it('is called with arguments it takes, by the rule for the stand-in', async () => {
    const { when, say } = await standInRule();
    const [call] = say(when.exec(QUESTION)!).calls;
    const tool = createListRefunds(shopUrl);

    expect(call?.tool).toBe(tool.name);
    expect(tool.input.parse(call?.input)).toEqual({ order: 3 });
  });
});

describe('the page', () => {
  it('shows the tool that is tested here, word for word', () => {
    const tested = readFileSync(join(ROOT, 'tests/support/list-refunds.ts'), 'utf8');

    expect(blockOf('ts')).toBe(tested.replace("'../../src/domain/", "'../../domain/"));
  });

  it('names it as the tools of the shop are named, where tools are listed', () => {
    const tools = readFileSync(join(ROOT, 'src/app/agent-tools.ts'), 'utf8');
    const [, list] = /\nfunction createTools\(([\s\S]*?)\n}/.exec(tools) ?? [];

    const line = blockOf('ts', 1).trim();
    expect(line).toContain('[createListRefunds(');
    expect(list).toContain(line.replace(/\[createListRefunds(\(.*?\))\]/, 'createShopTools$1'));
  });

  it('puts the rule for the stand-in where its rules for what people say are', () => {
    const standIn = readFileSync(join(ROOT, 'src/sandbox/claude/rules.ts'), 'utf8');

    expect(standIn).toMatch(/^ {2}said: \[$/m);
  });
});

describe('the skill', () => {
  it('has nothing wrong with it', async () => {
    const { registry, settings } = await shelfWithSkill();

    const [standing] = registry.shelf().standings;
    expect(standing?.kind).toBe('active');
    const written = { content: blockOf('markdown'), program: undefined };
    expect(lintSkill(standing!, written, { settings, tools: ['list_refunds'] })).toEqual([]);
  });

  it('is shown whole for the question, and not for another', async () => {
    const shelf = await shelfWithSkill();

    const [body] = await shelf.bodies(QUESTION);
    expect(blockOf('markdown')).toContain(body);
    expect(body).toContain('`list_refunds`');
    expect(await shelf.bodies('refund order 3')).toEqual([]);
  });
});

async function shelfWithSkill(): Promise<SkillShelf> {
  const shelf = new SkillShelf();
  shelf.put('workspace', 'refund-history', blockOf('markdown'));
  await shelf.registry.reload();
  return shelf;
}

/** As JavaScript reads it. */
async function standInRule(): Promise<{
  when: RegExp;
  say(match: RegExpExecArray): { calls: readonly WantedCall[] };
}> {
  const rule = blockOf('js').replace(/,\n$/, '');
  return (await import(`data:text/javascript,${encodeURIComponent(`export default ${rule}`)}`)).default;
}

/** What stands between the fences, counted from 0 among the blocks of that language. */
function blockOf(language: string, index = 0): string {
  const blocks = [...PAGE.matchAll(new RegExp(`^\`\`\`${language}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))];
  return blocks[index]![1]!;
}
