/** Settings that could never have an effect are refused, with where they stand and how to mend them. */
import { describe, expect, it } from 'vitest';
import { parse, problemsOf } from './config-texts.ts';

const said = (settings: string) =>
  problemsOf({ settings }).map(
    ({ line, keyPath, expected, hint = '' }) => `${line} ${keyPath}: ${expected} (${hint})`,
  );

describe('settings that could have no effect', () => {
  it.each([
    [
      'memory:\n  channels: { slakc: truncate }\n',
      /^2 memory\.channels\.slakc: a known platform: .*did you mean slack/,
    ],
    [
      'memory:\n  channels: { "slakc:C0OPS": truncate }\n',
      /^2 memory\.channels\.slakc:C0OPS: a known platform: /,
    ],
    [
      'model:\n  name: big\n  fallbacks:\n    - name: big\n',
      /^4 model\.fallbacks\[?\.?0\]?\.name: a model that is not asked before it \(name another/,
    ],
    [
      'model:\n  name: big\n  fallbacks:\n    - name: small\n    - name: small\n',
      /^5 model\.fallbacks\[?\.?1\]?\.name: /,
    ],
    [
      'databases:\n  shop: { url: "postgres://u@h/%ZZ" }\n',
      /^2 databases\.shop\.url: .*two hexadecimal digits behind each %/,
    ],
    ["skills:\n  extra: ['/']\n", /^2 skills\.extra.*: .*a folder of skills, not everything/],
    ["skills:\n  managed: '/data/..'\n", /^2 skills\.managed: .*a folder of skills/],
  ])('are refused: %j', (settings, problem) => {
    const problems = said(settings);

    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatch(problem);
  });

  it.each([
    'memory:\n  channels: { slack: truncate, "email": truncate, cli: truncate, "slack:C0OPS": truncate }\n',
    'model:\n  name: big\n  fallbacks: [{ name: small }, { name: tiny }]\n',
    'model:\n  name: big\n  fallbacks: [{ name: big, base_url: "https://other.test" }]\n',
    'databases:\n  shop: { url: "postgres://u%40x@h/a%20b" }\n',
    "skills:\n  extra: ['/opt/skills', more]\n",
  ])('are none of these: %j', (settings) => {
    expect(() => parse({ settings })).not.toThrow();
  });
});
