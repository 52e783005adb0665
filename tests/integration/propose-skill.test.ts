/** Skills that are learned: what is asked, what is written where, and what is kept of it. */
import { existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AuditLog } from '../../src/audit/audit-log.ts';
import { systemClock } from '../../src/domain/clock.ts';
import { ApprovalId, ConversationId, PersonId } from '../../src/domain/ids.ts';
import type { Tool } from '../../src/domain/tool.ts';
import { TranscriptStore } from '../../src/memory/transcript-store.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { LearningStore } from '../../src/skills/learning-store.ts';
import { type Agreement, createProposeSkillTool } from '../../src/skills/propose-skill-tool.ts';
import { keptVersions, readVersion } from '../../src/skills/skill-versions.ts';
import { openStore } from '../support/core.ts';
import { SkillShelf, skillText } from '../support/skills.ts';
import { answered, called, said } from '../support/transcripts.ts';

const ALEX = PersonId.parse('alex');
const DANA = PersonId.parse('dana');
const HERE = ConversationId.parse('slack:T0:C0:1');
const DAY_MS = 24 * 3_600_000;
const APPROVAL = ApprovalId.parse(`apr_p3_${'a'.repeat(12)}`);
const signal = new AbortController().signal;
const WISH = {
  name: 'late-parcels',
  description: 'What to do about parcels that are late.',
  keywords: ['late parcel'],
  body: '# Late parcels\n\nAsk for the number.',
  pattern: 'The number is looked for in three places.',
  measure: 'calls_per_turn',
};

async function open() {
  const { redis, keys } = await openStore();
  const writer = new EffectWriter(redis, keys);
  const shelf = new SkillShelf();
  const learning = new LearningStore(redis, keys, writer, () => DAY_MS);
  let agreed: Agreement | undefined;
  const tool: Tool = createProposeSkillTool({
    settings: () => shelf.settings,
    registry: shelf.registry,
    learning,
    transcripts: new TranscriptStore(redis, keys),
    agreement: async () => agreed,
    clock: systemClock,
  });
  const context = { conversationId: HERE, requester: ALEX, idempotencyKey: 'k', signal };
  const wished = (change: object) => tool.input.parse({ ...WISH, ...change });
  const preview = async (change: object = {}) => tool.preview!(wished(change), context);
  return {
    redis,
    keys,
    shelf,
    learning,
    tool,
    preview,
    audit: new AuditLog(redis, keys),
    file: shelf.path('workspace', 'late-parcels'),
    run: async (change: object = {}) => tool.execute(wished(change), { ...context, approvalId: APPROVAL }),
    /** Somebody reads what it would do, and says yes. */
    async agree(change: object = {}) {
      const { basis } = await preview(change);
      agreed = { requester: { person: ALEX, name: 'Alex Kim' }, by: [{ person: DANA, name: 'Dana' }], basis };
    },
    talk: async (agoMs: number, text: string, calls: number, id: string) => {
      const conversationId = ConversationId.parse(`slack:T0:C0:${id}`);
      const at = new Date(Date.now() - agoMs).toISOString();
      const names = Array.from({ length: calls }, (_, n) => `c${n}`);
      const entries = [{ ...said(text), at }, called(...names), answered('Done.')];
      await writer.write(
        conversationId,
        entries.map((entry) => ({ kind: 'entry', conversationId, entry, keepMs: DAY_MS })),
      );
    },
  };
}

describe('a proposed skill', () => {
  it('is shown as a whole before anything is written', async () => {
    const { preview, file } = await open();

    const { changes, told } = await preview();

    expect(changes).toEqual([{ label: 'SKILL.md', after: expect.stringContaining('Ask for the number.') }]);
    expect(told?.facts.map(({ value }) => value)).toEqual(
      expect.arrayContaining([WISH.pattern, 'calls_per_turn', 'nothing', file]),
    );
    expect(existsSync(file)).toBe(false);
  });

  it('OM-033 is in use at once after the yes, with a record of who, why, and what it was before', async () => {
    const { agree, run, talk, shelf, learning, audit } = await open();
    await talk(DAY_MS, 'my late parcel', 4, 'a');
    await talk(2 * DAY_MS, 'a late parcel again', 2, 'b');
    await talk(31 * DAY_MS, 'a late parcel, long ago', 9, 'c');
    await talk(DAY_MS, 'good morning', 9, 'd');
    await agree();

    const ran = await run();

    expect(ran).toMatchObject({ status: 'ok', text: expect.stringContaining('late-parcels 1.0.0') });
    expect(await shelf.bodies('my late parcel')).toEqual([WISH.body]);
    expect(await learning.list()).toMatchObject([
      {
        id: APPROVAL,
        skill: 'late-parcels',
        version: '1.0.0',
        proposed: { conversationId: HERE, by: { person: ALEX } },
        approvedBy: [{ person: DANA, name: 'Dana' }],
        pattern: WISH.pattern,
        before: { value: 3, turns: 2 },
      },
    ]);
    expect((await audit.tail(5)).map(({ event }) => event)).toContainEqual(
      expect.objectContaining({ event: 'skill.learned', actor: 'dana', subject: 'late-parcels' }),
    );
  });

  it('is not known to have been any better or worse where there was no such turn', async () => {
    const { agree, run, learning } = await open();
    await agree();
    await run();

    expect((await learning.list())[0]?.before).toEqual({ turns: 0 });
  });

  it('is not written without the yes of a human, whatever lets the call run', async () => {
    const { run, file, learning } = await open();

    const ran = await run();

    expect(ran).toMatchObject({ status: 'error', text: expect.stringContaining('a human has to say yes') });
    expect(existsSync(file)).toBe(false);
    expect(await learning.list()).toEqual([]);
  });

  it('run a second time changes nothing more, also if it was broken off before the record', async () => {
    const { agree, run, learning, file, redis, keys } = await open();
    await agree();
    await run();
    const written = readFileSync(file, 'utf8');
    const [before] = await learning.list();
    await run();
    expect(await learning.list()).toEqual([before]);
    writeFileSync(file, skillText('late-parcels', { body: 'By hand.' }));
    expect(await run()).toMatchObject({ status: 'ok' });
    expect(readFileSync(file, 'utf8')).toContain('By hand.');

    writeFileSync(file, written);
    await redis.del(...(await redis.keys(`${keys.prefix}*lrn:*`)));
    expect(await run()).toMatchObject({ status: 'ok' });

    expect(readFileSync(file, 'utf8')).toBe(written);
    expect(await learning.list()).toMatchObject([{ version: '1.0.0' }]);
  });

  it('is shown by what differs, and becomes a further version of what is there', async () => {
    const { agree, run, preview, file, shelf } = await open();
    shelf.put('workspace', 'late-parcels', skillText('late-parcels', { body: WISH.body }));
    const change = { body: `${WISH.body}\n\nPromise no day.` };

    const { changes } = await preview(change);
    await agree(change);
    await run(change);

    expect(JSON.stringify(changes)).toContain('Promise no day.');
    expect(JSON.stringify(changes)).not.toContain('Ask for the number.');
    expect(readFileSync(file, 'utf8')).toContain('version: 1.1.0');
    const [kept] = await keptVersions(file);
    expect(kept?.version).toBe('1.0.0');
    expect(await readVersion(kept!)).toBe(skillText('late-parcels', { body: WISH.body }));
    await expect(preview(change)).rejects.toThrow('says just that already');
    await expect(preview(change)).rejects.toHaveProperty('trust', 'tool');
  });

  it('is not written over what somebody has changed since they were asked', async () => {
    const { agree, run, shelf, file } = await open();
    shelf.put('workspace', 'late-parcels', skillText('late-parcels'));
    await agree();
    writeFileSync(file, skillText('late-parcels', { body: 'By hand.' }));

    expect(await run()).toMatchObject({ status: 'error', text: expect.stringContaining('have changed') });
    expect(readFileSync(file, 'utf8')).toContain('By hand.');
  });

  it('takes the place of one of another source only if the human is told so', async () => {
    const { preview, agree, run, shelf } = await open();
    shelf.put('bundled', 'late-parcels');

    await expect(preview()).rejects.toThrow('say overrides: bundled');
    await expect(preview()).rejects.toHaveProperty('trust', 'tool');
    await expect(preview({ overrides: 'managed' })).rejects.toThrow('leave out overrides');
    await expect(preview({ overrides: 'managed' })).rejects.toHaveProperty('trust', 'tool');
    const { told } = await preview({ overrides: 'bundled' });
    await agree({ overrides: 'bundled' });
    await run({ overrides: 'bundled' });

    expect(told?.facts).toContainEqual({ label: 'overrides', value: 'bundled' });
    expect(shelf.active()).toContain('late-parcels workspace');
  });

  it.each([
    ['requires another', 'requires: { skills: [writing-for-approval] }', 'what it requires'],
    ['is kept from a channel', 'security: { denied_channels: [email] }', 'where it may be used'],
    ['may use one tool', 'allowed-tools: [recall]', 'may use only recall'],
  ])('takes no place of one of another source that %s, which would be lost', async (_, line, why) => {
    const { preview, shelf } = await open();
    shelf.put('bundled', 'late-parcels', skillText('late-parcels', { head: line }));

    await expect(preview({ overrides: 'bundled' })).rejects.toThrow(why);
  });

  it('takes no place of one of another source that cannot be read: nobody knows what it may not do', async () => {
    const { preview, shelf } = await open();
    shelf.put('bundled', 'late-parcels', '---\nname: late-parcels\nsecurity: { admin_only: true }\n---\nx');

    await expect(preview({ overrides: 'bundled' })).rejects.toThrow('cannot be read');
  });

  it('is never written outside its own folder, and hides no other skill', async () => {
    const { preview, shelf } = await open();
    const folder = shelf.folder('workspace');
    const outside = join(shelf.root, 'outside');
    mkdirSync(outside);
    mkdirSync(folder);
    symlinkSync(outside, join(folder, 'late-parcels'));
    await expect(preview()).rejects.toThrow('is a link');

    shelf.put('workspace', 'group/late-parcels', skillText('late-parcels'));
    await expect(preview()).rejects.toThrow('group/late-parcels');
    await expect(preview()).rejects.toHaveProperty('trust', undefined);
    shelf.put('workspace', 'other/inner', skillText('inner'));
    await expect(preview({ name: 'other' })).rejects.toThrow('holds other skills');
    shelf.put('workspace', 'broken', 'no head');
    await expect(preview({ name: 'broken' })).rejects.toThrow('cannot be read as the skill');
    mkdirSync(join(folder, 'programs', 'scripts'), { recursive: true });
    await expect(preview({ name: 'programs' })).rejects.toThrow('is no skill');
    const linked = shelf.path('workspace', 'linked');
    mkdirSync(dirname(linked));
    writeFileSync(join(outside, 'x.md'), skillText('linked'));
    symlinkSync(join(outside, 'x.md'), linked);
    await expect(preview({ name: 'linked' })).rejects.toThrow('no plain file');
  });

  it('is not proposed where it is switched off', async () => {
    const { preview, shelf } = await open();
    const entry = { enabled: false, hash: undefined, scripts_hash: undefined };
    shelf.settings = { ...shelf.settings, entries: { 'late-parcels': entry } };

    await expect(preview()).rejects.toThrow('is switched off');
    await expect(preview()).rejects.toHaveProperty('trust', 'tool');
  });
});

describe('a person who is erased', () => {
  it('is named in no record any more, and the skill stays', async () => {
    const { agree, run, learning } = await open();
    await agree();
    await run();
    const audit = { event: 'memory.erased', actor: 'dana', subject: APPROVAL, correlation: 'c' };

    const forgotten = await learning.forget(APPROVAL, [ALEX], audit);
    const again = await learning.forget(APPROVAL, [ALEX], audit);

    const [record] = await learning.list();
    expect([forgotten, again]).toEqual([true, false]);
    expect(JSON.stringify(record)).not.toMatch(/alex/i);
    expect(record).toMatchObject({ skill: 'late-parcels', approvedBy: [{ person: DANA }] });
    expect(await learning.naming([ALEX])).toEqual([]);
    expect(await learning.naming([DANA])).toHaveLength(1);
  });
});
