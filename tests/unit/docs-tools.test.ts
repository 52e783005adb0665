/** What docs/tools.md tells people to write does what the page says. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { toolNameOf } from '../../src/mcp/tool-definition.ts';
import type { WantedCall } from '../../src/sandbox/claude/rules.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/tools.md'), 'utf8');

it('the rule for the stand-in calls the tool of the MCP server the page names, by what the model calls it', async () => {
  const [, written = ''] = /^```js\n([\s\S]*?),\n```$/m.exec(PAGE) ?? [];
  const [, words = ''] = /write \*(search the tracker for [^*]+)\*/.exec(PAGE) ?? [];

  const { when, say } = await ruleOf(written);
  const [call] = say(when.exec(words)!).calls;

  expect(call).toEqual({ tool: toolNameOf('tracker', 'search'), input: { query: 'invoices' } });
});

/** As JavaScript reads it. */
async function ruleOf(
  written: string,
): Promise<{ when: RegExp; say(match: RegExpExecArray): { calls: readonly WantedCall[] } }> {
  return (await import(`data:text/javascript,${encodeURIComponent(`export default ${written}`)}`)).default;
}
