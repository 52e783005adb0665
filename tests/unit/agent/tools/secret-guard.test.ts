import { describe, expect, it } from 'vitest';
import { withoutSecrets } from '../../../../src/agent/tools/secret-guard.ts';
import type { Tool, ToolContext, ToolOutput } from '../../../../src/domain/tool.ts';
import { KnownSecrets } from '../../../../src/observability/known-secrets.ts';
import { createTestTools } from '../../../support/tools.ts';

const SECRET = 'correct-horse-battery-staple';
const SECRETS = new KnownSecrets(() => ({ secrets: [SECRET] }));
const CONTEXT = {} as ToolContext; // the calls here look at nothing of it

const told: ToolOutput = {
  status: 'ok',
  text: `${'y'.repeat(290)} ${SECRET}`,
  heading: SECRET,
  receipt: { key: SECRET },
};
const clean = { ...told, text: `${'y'.repeat(290)} [redacted]`, heading: '[redacted]' };

const [any] = createTestTools() as [Tool];
const telling: Tool = {
  ...any,
  effect: 'once',
  execute: async () => told,
  lookUp: async () => told,
  compensation: { describe: () => 'take it back', execute: async () => told },
};

describe('what a tool that changes something tells', () => {
  it('OM-187 holds no secret of the configuration, before anybody cuts it; what undoes the call gets it as it was', async () => {
    const guarded = withoutSecrets(telling, SECRETS);

    expect(await guarded.execute({}, CONTEXT)).toEqual(clean);
    expect(await guarded.lookUp?.({}, CONTEXT)).toEqual(clean);
    expect(await guarded.compensation?.execute({}, {}, CONTEXT)).toEqual(clean);
  });

  it('is left to a tool that reads as it was read', () => {
    const reading: Tool = { ...any, effect: 'read' };

    expect(withoutSecrets(reading, SECRETS)).toBe(reading);
  });
});
