import { describe, expect, it } from 'vitest';
import { lacksRoom, MemorySettings, strategyFor, summarises } from '../../../src/config/memory.ts';
import { channelsOf } from '../../../src/domain/message.ts';

const held = (conversationId: string, ...channels: string[]) => ({ conversationId, channels });

describe('the memory settings', () => {
  it('OB-040 hold for a channel in its threads, unless a thread has its own', () => {
    const settings = MemorySettings.parse({
      channels: {
        discord: 'progressive',
        'discord:44:55': 'truncate',
        'discord:66': 'truncate',
        'discord:44:72': 'adaptive',
      },
    });
    const at = (conversationId: string, ...channels: string[]) =>
      strategyFor(settings, held(conversationId, ...channels));

    expect(at('discord:44:55', '55')).toBe('truncate');
    expect(at('discord:44:71', '71', '55')).toBe('truncate');
    expect(at('discord:44:71', '71', '66')).toBe('truncate');
    expect(at('discord:44:72', '72', '55')).toBe('adaptive');
    expect(at('discord:45:71', '71', '55')).toBe('progressive');
    // Begun in a channel, where its thread is yet to be opened.
    expect(at('discord:44:73', '55')).toBe('truncate');
  });

  it('OB-040 hold for a project of Jira in its issues', () => {
    const settings = MemorySettings.parse({ channels: { jira: 'truncate', 'jira:OPS': 'progressive' } });
    const at = (issue: string) =>
      strategyFor(settings, held(`jira:site:${issue}`, ...channelsOf({ route: { issue } })));

    expect(at('OPS-7')).toBe('progressive');
    expect(at('OPSX-7')).toBe('truncate');
  });

  it('OB-040 choose the strategy, for single channels as well, and reject a name that is none with those there are', () => {
    const settings = MemorySettings.parse({
      channels: { slack: 'progressive', 'slack:T0:C0': 'truncate', email: 'truncate' },
    });

    expect(strategyFor(settings, held('discord:1:2'))).toBe('adaptive');
    expect(strategyFor(settings, held('slack:T0:C1:17'))).toBe('progressive');
    expect(strategyFor(settings, held('slack:T0:C0:17'))).toBe('truncate');
    expect(strategyFor(settings, held('slack:T0:C01:17'))).toBe('progressive');
    expect(strategyFor(settings, held('email:abc'))).toBe('truncate');
    const wrong = MemorySettings.safeParse({ strategy: 'clever' }).error?.issues[0]?.message;
    expect(wrong).toMatch(/adaptive.*progressive.*truncate/);
    expect(MemorySettings.safeParse({ channels: { slack: 'clever' } }).success).toBe(false);
  });

  it('OB-040 are adaptive where nothing is said, and have nothing written down that was not asked for', () => {
    const settings = MemorySettings.parse({});

    expect(strategyFor(settings, held('slack:T0:C0:1'))).toBe('adaptive');
    expect(summarises(settings, held('slack:T0:C0:1'))).toBe(false);
    expect(settings.summaries.people).toBe(false);
  });

  it('have summaries written where they are asked for, always with progressive, never with truncate', () => {
    const asked = { summaries: { conversations: true } };

    expect(summarises(MemorySettings.parse(asked), held('slack:1'))).toBe(true);
    expect(summarises(MemorySettings.parse({ strategy: 'progressive' }), held('slack:1'))).toBe(true);
    expect(summarises(MemorySettings.parse({ ...asked, strategy: 'truncate' }), held('slack:1'))).toBe(false);
  });

  it('leave room for what is asked', () => {
    const model = { max_tokens: 4_096, thinking_tokens: 16_000 };

    expect(lacksRoom({ context_tokens: 28_096 }, model)).toBeUndefined();
    expect(lacksRoom({ context_tokens: 28_095 }, model)).toMatch(
      /^at least 28096: 8000 beside model\.max_tokens/,
    );
  });
});
