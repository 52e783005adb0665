import { describe, expect, it } from 'vitest';
import { interpreterOf } from '../../../src/skills/interpreter.ts';

function of(path: string, text: string, isExecutable: boolean) {
  return interpreterOf({ path, bytes: Buffer.from(text), isExecutable });
}

describe('what runs a script', () => {
  it.each([
    ['#!/usr/bin/env python3\n', ['/usr/bin/env', 'python3']],
    ['#! /bin/sh\n', ['/bin/sh']],
    ['#!/usr/bin/env -S node --no-warnings\n', ['/usr/bin/env', '-S node --no-warnings']],
    ['#!/bin/sh -e\r\n', ['/bin/sh', '-e']],
  ])('is the program its first line names, if it is marked executable: %j', (text, expected) => {
    expect(of('scripts/report', text, true)).toEqual(expected);
    expect(of('scripts/report', text, false)).toBeUndefined();
  });

  it.each([
    ['scripts/a.sh', ['/bin/sh']],
    ['scripts/a.py', ['/usr/bin/env', 'python3']],
    ['scripts/deep/a.mjs', ['/usr/bin/env', 'node']],
  ])('is that of its ending otherwise: %s', (path, expected) => {
    expect(of(path, '#!/opt/other\n', false)).toEqual(expected);
    expect(of(path, 'no first line of that kind', true)).toEqual(expected);
  });

  it.each([
    ['scripts/data.json', '{}'],
    ['scripts/README', 'Read me.'],
    ['scripts/program', '\x7fELF\x02\x01'],
    ['scripts/relative', '#!python3\n'],
    ['scripts/endless', `#!/${'x'.repeat(300)}\n`],
    ['scripts/.constructor', 'x'],
    ['scripts/a.constructor', 'x'],
  ])('is nothing for %s, even if it is marked executable', (path, text) => {
    expect(of(path, text, true)).toBeUndefined();
  });
});
