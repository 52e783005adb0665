/** What is configured for a channel, in the threads that hang on it. */
import { describe, expect, it } from 'vitest';
import { fits } from '../../../src/control/takeover-rules.ts';
import { AccountId, MessageId, PersonId, Platform } from '../../../src/domain/ids.ts';
import type { EscalationDesk } from '../../../src/escalation/escalation-desk.ts';
import { EscalationDirectives } from '../../../src/router/escalation-directives.ts';

const THREAD = { platform: Platform.parse('discord'), route: { channel: '71', parent: '55', guild: '4' } };

describe('in a thread of a channel', () => {
  it('whoever is there is in the channel that was called', async () => {
    const within: unknown[] = [];
    const directives = new EscalationDirectives({
      act: async () => undefined,
      listFor: async (by: Parameters<EscalationDesk['listFor']>[0]) => {
        within.push(by.within);
        return [];
      },
    });
    const message = {
      id: MessageId.parse('discord:4:71:9'),
      text: '!escalations',
      sender: {
        account: AccountId.parse('discord:7'),
        displayName: 'Dana',
        authenticated: true,
        automatic: false,
      },
      replyTo: THREAD,
    };

    await directives.take('escalations', message, { id: PersonId.parse('dana'), name: 'Dana', roles: [] });

    expect(within).toEqual([{ platform: 'discord', channels: ['71', '55'] }]);
  });

  it('rules for the channel hold', () => {
    const message = { text: 'hello', replyTo: THREAD };

    expect(fits({ channels: ['55'] }, message, [])).toBe(true);
    expect(fits({ channels: ['56'] }, message, [])).toBe(false);
  });
});
