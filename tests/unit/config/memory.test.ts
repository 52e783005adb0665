import { describe, expect, it } from 'vitest';
import { lacksRoom, MemorySettings, strategyFor, summarises } from '../../../src/config/memory.ts';

describe('the memory settings', () => {
  it('OB-040 choose the strategy, for single channels as well, and reject a name that is none with those there are', () => {
    const settings = MemorySettings.parse({
      channels: { slack: 'progressive', 'slack:T0:C0': 'truncate', email: 'truncate' },
    });

    expect(strategyFor(settings, 'discord:1:2')).toBe('adaptive');
    expect(strategyFor(settings, 'slack:T0:C1:17')).toBe('progressive');
    expect(strategyFor(settings, 'slack:T0:C0:17')).toBe('truncate');
    expect(strategyFor(settings, 'slack:T0:C01:17')).toBe('progressive');
    expect(strategyFor(settings, 'email:abc')).toBe('truncate');
    const wrong = MemorySettings.safeParse({ strategy: 'clever' }).error?.issues[0]?.message;
    expect(wrong).toMatch(/adaptive.*progressive.*truncate/);
    expect(MemorySettings.safeParse({ channels: { slack: 'clever' } }).success).toBe(false);
  });

  it('OB-040 are adaptive where nothing is said, and have nothing written down that was not asked for', () => {
    const settings = MemorySettings.parse({});

    expect(strategyFor(settings, 'slack:T0:C0:1')).toBe('adaptive');
    expect(summarises(settings, 'slack:T0:C0:1')).toBe(false);
    expect(settings.summaries.people).toBe(false);
  });

  it('have summaries written where they are asked for, always with progressive, never with truncate', () => {
    const asked = { summaries: { conversations: true } };

    expect(summarises(MemorySettings.parse(asked), 'slack:1')).toBe(true);
    expect(summarises(MemorySettings.parse({ strategy: 'progressive' }), 'slack:1')).toBe(true);
    expect(summarises(MemorySettings.parse({ ...asked, strategy: 'truncate' }), 'slack:1')).toBe(false);
  });

  it('leave room for what is asked', () => {
    const model = { max_tokens: 4_096, thinking_tokens: 16_000 };

    expect(lacksRoom({ context_tokens: 28_096 }, model)).toBeUndefined();
    expect(lacksRoom({ context_tokens: 28_095 }, model)).toMatch(
      /^at least 28096: 8000 beside model\.max_tokens/,
    );
  });
});
