import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse as parseYaml } from 'yaml';
import type { z } from 'zod';
import { gatewaySettings as shipped } from '../../../gateways/gateway-settings.ts';
import { Authorizations } from '../../../src/config/authorizations.ts';
import { Contacts } from '../../../src/config/contacts.ts';
import { EscalationConfig } from '../../../src/config/escalation.ts';
import { configJsonSchema, renderJsonSchema } from '../../../src/config/json-schema.ts';
import { CONFIG_PARTS, type ConfigPart, loadConfig } from '../../../src/config/load-config.ts';
import { Purpose } from '../../../src/config/purpose.ts';
import { SchedulesConfig } from '../../../src/config/schedules.ts';
import { settingsSchema } from '../../../src/config/settings.ts';
import { readUrl } from '../../../src/domain/url.ts';
import { aConfig, gateways } from './config-texts.ts';

const enforced: Record<ConfigPart, z.ZodType> = {
  purpose: Purpose,
  authorizations: Authorizations,
  contacts: Contacts,
  schedules: SchedulesConfig,
  escalation: EscalationConfig,
  settings: settingsSchema(gateways),
};

describe('the JSON Schema of the configuration', () => {
  it.each(CONFIG_PARTS)('OM-072 of %s accepts and refuses what is accepted and refused', (part) => {
    const validate = compile(configJsonSchema(gateways)[part]);
    const whole: unknown = { ...parseYaml(aConfig()[part] ?? ''), ...EXAMPLES[part] };
    expect(enforced[part].safeParse(whole).success).toBe(true);
    let refused = 0;

    fc.assert(
      fc.property(fc.array(mutation(), { minLength: 0, maxLength: 2 }), (mutations) => {
        const changed = mutations.reduce(mutate, whole);
        const accepted = enforced[part].safeParse(changed).success;
        if (!accepted) refused++;

        expect(validate(changed), JSON.stringify({ changed, errors: validate.errors })).toBe(accepted);
      }),
      { numRuns: 300 },
    );
    expect(refused).toBeGreaterThan(50);
  });

  it.each(CONFIG_PARTS)(
    'OM-072 of %s is the one that lies beside the shipped files, which point to it',
    async (part) => {
      const text = readFileSync(`config/${part}.yaml`, 'utf8');

      expect(text).toMatch(new RegExp(`^# yaml-language-server: \\$schema=schema/${part}\\.json\\n`));
      await expect(renderJsonSchema(configJsonSchema(shipped)[part])).toMatchFileSnapshot(
        `../../../config/schema/${part}.json`,
      );
    },
  );

  it.each(CONFIG_PARTS)('of %s accepts the shipped file, references and all', (part) => {
    const validate = compile(configJsonSchema(shipped)[part]);

    validate(parseYaml(readFileSync(`config/${part}.yaml`, 'utf8')));

    expect(validate.errors).toBeNull();
  });

  it.each(CONFIG_PARTS)('of %s explains every key', (part) => {
    expect(keysWithoutDescription(configJsonSchema({})[part])).toEqual([]);
  });
});

describe('the shipped configuration', () => {
  it('OM-020 works out of the box, with no variable set', () => {
    const config = loadConfig({ directory: 'config', env: {}, gateways: shipped });

    expect(config.settings.gateways.slack.bot_token).toBeUndefined();
    expect(config.settings.gateways.email.smtp).toBeUndefined();
    expect(config.settings.redis.url).toBeUndefined();
    expect(config.authorizations.rules.map(({ name, decision }) => `${name}: ${decision}`)).toContain(
      'refunds above 50: ask',
    );
  });

  it('takes every credential from the variables of .env.example', () => {
    const names = [...readFileSync('.env.example', 'utf8').matchAll(/^(?:# )?([A-Z_]+)=/gm)].map(
      ([, name]) => name,
    );
    const referenced = CONFIG_PARTS.flatMap((part) => [
      ...readFileSync(`config/${part}.yaml`, 'utf8').matchAll(/^[^#\n]*\$\{([A-Z_]+):-/gm),
    ]).map(([, name]) => name);

    expect(names.toSorted()).toEqual([...new Set(referenced)].toSorted());
  });
});

/** Optional keys the small configuration does not use. */
const EXAMPLES: Record<ConfigPart, object> = {
  purpose: { principles: ['Be kind.'], language: 'en' },
  authorizations: { unknown_senders: 'ignore', defaults: { read: 'allow', write: 'deny' } },
  contacts: {},
  schedules: { holidays: { bank: { file: 'bank.ics', dates: ['12-25', '2026-12-24'] } } },
  escalation: {
    escalations: {
      duty: {
        steps: [
          { notify: { to: ['dana', { role: 'manager' }], importance: 'high' } },
          { wait: '2m' },
          'stop',
        ],
        last_resort: { on_call: 'support' },
        when_worse: 'restart',
      },
    },
    triggers: [{ when: 'handoff', raise: 'duty', severity: 'error' }],
  },
  settings: {
    model: { base_url: 'https://claude.example', max_tokens: 5, timeout: '2m' },
    gateways: { slack: { enabled: false, retries: 1 }, email: { smtp: { host: 'h', port: 25 } } },
    log: { level: 'debug' },
  },
};

type Mutation = {
  readonly pick: readonly number[];
  readonly kind: 'replace' | 'remove' | 'add';
  readonly value: unknown;
};

/** Bounds of durations are not in the JSON Schema; the one duration here lies within all of them. */
function mutation(): fc.Arbitrary<Mutation> {
  return fc.record({
    pick: fc.array(fc.nat(20), { minLength: 1, maxLength: 5 }),
    kind: fc.constantFrom('replace', 'remove', 'add'),
    value: fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constantFrom('2m', 'ask', 'true', 1, 0, 1.5, -1, '')),
  });
}

/** Walks down by `pick` and changes what it comes to. */
function mutate(value: unknown, { pick: [step, ...rest], kind, value: replacement }: Mutation): unknown {
  if (typeof value !== 'object' || value === null || step === undefined) return replacement;
  const entries = Object.entries(value);
  const chosen = step % Math.max(entries.length, 1);
  const changed = entries.flatMap(([key, inner], index): [string, unknown][] => {
    if (index !== chosen) return [[key, inner]];
    if (rest.length > 0) return [[key, mutate(inner, { pick: rest, kind, value: replacement })]];
    if (kind === 'remove') return [];
    return kind === 'add'
      ? [
          [key, inner],
          ['surprise', replacement],
        ]
      : [[key, replacement]];
  });
  return Array.isArray(value) ? changed.map(([, inner]) => inner) : Object.fromEntries(changed);
}

function compile(schema: object) {
  const formats = { uri: (text: string) => readUrl(text) !== undefined, email: true } as const;
  return new Ajv2020({ strict: false, formats }).compile(schema);
}

function keysWithoutDescription(node: unknown, path = ''): string[] {
  if (typeof node !== 'object' || node === null) return [];
  const properties: [string, unknown][] =
    'properties' in node ? Object.entries(node.properties as object) : [];
  const bare = properties.filter(([, schema]) => !(schema as { description?: string }).description);
  return [
    ...bare.map(([key]) => `${path}.${key}`),
    ...Object.entries(node).flatMap(([key, inner]) => keysWithoutDescription(inner, `${path}.${key}`)),
  ];
}
