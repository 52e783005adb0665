// biome-ignore-all lint/suspicious/noTemplateCurlyInString: references look like this
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import { changeSetting, editText, type SettingChange } from '../../../src/config/change-setting.ts';
import { toPeople } from '../../../src/config/contacts.ts';
import { loadConfig } from '../../../src/config/load-config.ts';
import type { Person } from '../../../src/domain/person.ts';
import { aDirectory, gateways, parse } from './config-texts.ts';

const config = parse();
const people = new Map(toPeople(config.contacts).map((person) => [person.id as string, person]));
const alex = people.get('alex') as Person;
const dana = people.get('dana') as Person;

function change(directory: string, key: string, value: string, by: Person = dana) {
  const request: SettingChange = { key, value, by, channel: 'cli' };
  return changeSetting(request, config.authorizations, { directory, env: {}, gateways });
}

describe('changing one key', () => {
  it('OM-020 changes what it names and leaves every other byte alone', async () => {
    const directory = aDirectory();
    const before = readFileSync(join(directory, 'escalation.yaml'), 'utf8');

    const outcome = await change(directory, 'escalation.policies.default.deadline', '48h');

    expect(outcome).toMatchObject({ kind: 'changed', file: 'escalation.yaml' });
    expect(readFileSync(join(directory, 'escalation.yaml'), 'utf8')).toBe(
      before.replace('24h # a day', '48h # a day'),
    );
    expect(loadConfig({ directory, env: {}, gateways }).escalation.policies.default.deadline).toBe(
      48 * 3_600_000,
    );
  });

  it('adds a key that was left out, and keeps the comments', async () => {
    const directory = aDirectory();

    await change(directory, 'settings.workers.conversations', '8');
    const outcome = await change(directory, 'settings.redis.fsync', 'everysec');

    expect(outcome).toMatchObject({ kind: 'changed' });
    expect(readFileSync(join(directory, 'settings.yaml'), 'utf8')).toBe(
      '# Everything else.\nhttp:\n  port: 4000\nworkers:\n  conversations: 8\nredis:\n  fsync: everysec\n',
    );
  });

  it('takes lists and entries of lists', async () => {
    const directory = aDirectory();

    await change(directory, 'escalation.policies.default.remind_after', '[1h, 2h]');
    await change(directory, 'authorizations.rules[0].when.amount', '> 99');

    const { escalation, authorizations } = loadConfig({ directory, env: {}, gateways });
    expect(escalation.policies.default.remind_after).toEqual([3_600_000, 7_200_000]);
    expect(authorizations.rules[0]?.when?.amount).toMatchObject({ than: 99 });
  });

  it('adds an entry at the end of a list, and none behind entries that are not there', async () => {
    const directory = aDirectory();
    const rule = '{ name: more, tool: refund, decision: deny }';
    const { length } = config.authorizations.rules;

    const gap = await change(directory, `authorizations.rules[${length + 1}]`, rule);
    const next = await change(directory, `authorizations.rules[${length}]`, rule);

    expect(gap).toMatchObject({ kind: 'refused', reason: 'unknown-key', problems: [] });
    expect(next).toMatchObject({ kind: 'changed' });
    expect(loadConfig({ directory, env: {}, gateways }).authorizations.rules).toHaveLength(length + 1);
  });

  it('OM-024 is refused, and audited, for somebody whose role may not', async () => {
    const directory = aDirectory();
    const before = readFileSync(join(directory, 'authorizations.yaml'), 'utf8');

    const outcome = await change(
      directory,
      'authorizations.roles.member.permissions',
      '[ask, approve]',
      alex,
    );

    expect(outcome).toMatchObject({
      kind: 'refused',
      reason: 'not-permitted',
      audit: {
        event: 'config.refused',
        actor: 'alex',
        channel: 'cli',
        subject: 'authorizations.roles.member.permissions',
      },
    });
    expect(readFileSync(join(directory, 'authorizations.yaml'), 'utf8')).toBe(before);
  });

  it('tells the audit who changed what from what to what', async () => {
    const outcome = await change(aDirectory(), 'settings.http.port', '4001');

    expect(outcome).toMatchObject({
      audit: { event: 'config.changed', actor: 'dana', detail: { from: '4000', to: '4001' } },
    });
  });

  it.each([
    ['settings.http.prot', '1', 'invalid', 'did you mean port?'],
    ['settings.http.port', 'many', 'invalid', undefined],
    ['contacts.people.dana.roles', '[owner]', 'invalid', undefined],
    ['settings', '1', 'unknown-key', undefined],
    ['nothing.at.all', '1', 'unknown-key', undefined],
    ['settings.http.port.deeper', '1', 'unknown-key', undefined],
    ['settings..port', '1', 'unknown-key', undefined],
    ['settings.model.api_key', 'hunter2', 'secret', undefined],
    ['purpose.purpose', 'My token is sk-ant-abcdefgh1234', 'secret', undefined],
  ])('refuses %s = %s as %s', async (key, value, reason, hint) => {
    const directory = aDirectory();

    const outcome = await change(directory, key, value);

    expect(outcome).toMatchObject({ kind: 'refused', reason });
    if (hint) expect(outcome).toMatchObject({ problems: [{ hint }] });
    expect(JSON.stringify(outcome)).not.toMatch(/hunter2|abcdefgh1234/);
    expect(loadConfig({ directory, env: {}, gateways })).toEqual({ ...config, directory });
  });

  it('takes a reference to a secret', async () => {
    const directory = aDirectory();

    const outcome = await change(directory, 'settings.model.api_key', '${ANTHROPIC_API_KEY:-}');

    expect(outcome.kind).toBe('changed');
    expect(readFileSync(join(directory, 'settings.yaml'), 'utf8')).toContain(
      'api_key: ${ANTHROPIC_API_KEY:-}',
    );
  });

  it('says so when nothing changes', async () => {
    const directory = aDirectory();

    expect(await change(directory, 'settings.http.port', '4000')).toEqual({ kind: 'unchanged' });
  });

  it('mends a configuration that is broken elsewhere only once all of it is well', async () => {
    const directory = aDirectory();
    writeFileSync(join(directory, 'purpose.yaml'), 'name: 5\n');

    expect(await change(directory, 'settings.http.port', '4001')).toMatchObject({
      kind: 'refused',
      reason: 'invalid',
    });
  });

  it('puts any text where a value stood, and nothing else changes', () => {
    const text = '# top\na: { b: old, c: [1, two] } # side\nd: "x" # end\n';
    const places = [['a', 'b'], ['a', 'c', 1], ['d']];

    fc.assert(
      fc.property(
        fc.constantFrom(...places),
        fc.oneof(fc.string(), fc.integer(), fc.boolean()),
        (path, value) => {
          const edited = editText(text, path, value) ?? '';

          const expected = parseYaml(text);
          if (path[0] === 'd') expected.d = value;
          else if (path[1] === 'b') expected.a.b = value;
          else expected.a.c[1] = value;
          expect(parseYaml(edited)).toEqual(expected);
          expect(edited.match(/# \w+$/gm)).toEqual(['# top', '# side', '# end']);
        },
      ),
    );
  });
});
