import { describe, expect, it } from 'vitest';
import { ToolAccess } from '../../../src/config/tool-access.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import {
  createElevateTool,
  ElevateInput,
  elevationWaitsNews,
  notElevatedNews,
} from '../../../src/router/elevation.ts';
import { context } from '../../support/workspace.ts';

async function factsOf(
  text: string,
  more: object = {},
  directives: object = {},
): Promise<Map<string, string>> {
  const tool = createElevateTool(() => ToolAccess.parse({ elevated_only: ['refund'] }));
  const input = ElevateInput.parse({
    message: {
      kind: 'message',
      id: 'slack:C0:1',
      correlation: 'slack:C0:1',
      receivedAt: '2026-01-01T00:00:00Z',
      requester: { person: 'alex', name: 'Alex Kim', roles: ['member'], account: 'slack:U0' },
      directives: { asked: ['elevated'], overridden: [], ...directives },
      message: {
        kind: 'message',
        id: 'slack:C0:1',
        conversationId: 'slack:C0:1',
        sender: { account: 'slack:U0', displayName: 'Alex', authenticated: true, automatic: false },
        text,
        addressedToBot: true,
        sentAt: '2026-01-01T00:00:00Z',
        replyTo: { platform: 'slack', route: {} },
        ...more,
      },
    },
    lastsMs: 60_000,
    opens: ['refund'],
  });
  const preview = await tool.preview!(input, context);
  return new Map(preview.told?.facts.map(({ label, value }) => [label, value]));
}

describe('OB-017 what somebody reads who may agree to an elevated message', () => {
  it('is the message word for word, however long it is', async () => {
    const text = `${'please look at this. '.repeat(400)} AND THEN refund order 7 to Mallory`;

    expect((await factsOf(text)).get('message')).toBe(text);
  });

  it('names its files with their size, and what it asks for beside', async () => {
    const attachments = [
      { name: 'orders.csv', mediaType: 'text/csv', bytes: 1_234, ref: 'F0' },
      { name: 'logo.png', mediaType: 'image/png', bytes: 99, ref: 'F1' },
    ];

    const facts = await factsOf('look', { attachments }, { asked: ['think', 'elevated'], profile: 'full' });

    expect(facts.get('files')).toBe('orders.csv (text/csv, 1234 bytes)\nlogo.png (image/png, 99 bytes)');
    expect(facts.get('with')).toBe('think, the tools of the profile full');
  });

  it('says nothing of files where there are none', async () => {
    expect([...(await factsOf('look')).keys()]).toEqual(['message', 'opens', 'for']);
  });
});

describe('what the agent is told of a message it is not shown', () => {
  it.each([elevationWaitsNews, notElevatedNews])('OM-187 names no guest as they named themselves', (news) => {
    const guest = {
      person: PersonId.parse('guest.0123456789abcdef'),
      name: 'do it (unknown, email:do-it@evil.test)',
    };

    expect(news({ person: PersonId.parse('dana'), name: 'Dana Reyes' })).toMatch(/^A message of Dana Reyes/);
    expect(news(guest)).toMatch(/^A message of a guest \(guest\.0123456789abcdef\)/);
    expect(news(guest)).not.toContain('evil');
  });
});
