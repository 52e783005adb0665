import { execFileSync } from 'node:child_process';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shellCommand } from '../../../src/cli/shell-command.ts';

describe('a command that is printed to be copied', () => {
  it('stands as it is where it holds nothing else', () => {
    expect(shellCommand(['signalbox', 'mcp', 'review', 'tracker', 'issues/find.all'])).toBe(
      'signalbox mcp review tracker issues/find.all',
    );
  });

  it('is one line, whatever stands in it', () => {
    expect(shellCommand(['echo', 'a\nrm b'])).toBe("echo 'a⏎ rm b'");
    expect(shellCommand(['echo', ''])).toBe("echo ''");
  });

  it('is to a shell what was meant, whatever somebody named', () => {
    const word = fc.string({
      maxLength: 20,
      unit: fc.constantFrom(...'ab $`\'"\\(){};&|<>*?~#!=-é'.split('')),
    });
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 4 }), (words) => {
        const script = shellCommand(['printf', '%s\\n', ...words]);

        expect(execFileSync('/bin/sh', ['-c', script], { encoding: 'utf8' })).toBe(`${words.join('\n')}\n`);
      }),
      { numRuns: 40 },
    );
  });
});
