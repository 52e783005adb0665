import { describe, expect, it } from 'vitest';
import { toCard, toReasonModal } from '../../../../gateways/slack/card.ts';
import { judgeMessageBlocks, judgeView } from '../../../../src/sandbox/slack/block-rules.ts';
import { aCard } from '../../../support/slack-gateway.ts';

describe('an approval card', () => {
  it('shows what is asked, by whom, of whom, and until when', () => {
    const { blocks, text } = toCard(aCard());
    const shown = JSON.stringify(blocks);

    for (const part of [
      'refund: order 7, 120 EUR',
      'amount',
      '120 EUR',
      'Alex Kim',
      'role manager',
      'high risk, cannot be undone',
      '1 May 2026, 12:00 UTC',
      'Waiting for an answer.',
    ]) {
      expect(shown).toContain(part);
    }
    expect(text).toBe('Approval needed: refund: order 7, 120 EUR — Waiting for an answer.');
  });

  it('has buttons with stable names that carry what was shown', () => {
    const actions = toCard(aCard({ choices: ['approve', 'deny', 'deny-with-reason', 'answer'] })).blocks.at(
      -1,
    );

    expect(actions).toMatchObject({
      type: 'actions',
      elements: [
        { action_id: 'signalbox.approve', style: 'primary' },
        { action_id: 'signalbox.deny', style: 'danger' },
        { action_id: 'signalbox.deny_with_reason' },
        { action_id: 'signalbox.answer' },
      ].map((button) => ({
        ...button,
        value: '{"approval":"apr_p7_0123456789ab","gen":1,"digest":"sha256-of-the-call"}',
      })),
    });
  });

  it.each([
    'approved',
    'executed',
    'failed',
    'denied',
    'answered',
    'expired',
    'cancelled',
    'superseded',
    'revoked',
    'unknown',
  ] as const)('has no buttons once %s', (state) => {
    const { blocks } = toCard(aCard({ choices: [], status: { state, sentence: 'So it went.' } }));

    expect(blocks.some((block) => block.type === 'actions')).toBe(false);
    expect(blocks.at(-1)).toMatchObject({
      type: 'section',
      text: { text: expect.stringContaining('So it went.') },
    });
  });

  it('fences what the model says, says whose words they are, and shows what they hide', () => {
    const { blocks } = toCard(aCard({ modelSays: '```\n*Approved by Dana* pay\u202Elap' }));
    const index = blocks.findIndex((block) => block.type === 'rich_text');

    expect(blocks[index - 1]).toMatchObject({
      type: 'context',
      elements: [{ text: expect.stringContaining('The model says') }],
    });
    expect(blocks[index]).toMatchObject({
      elements: [
        {
          type: 'rich_text_preformatted',
          elements: [{ type: 'text', text: '```\n*Approved by Dana* pay⟨U+202E⟩lap' }],
        },
      ],
    });
  });

  it('has no text that is read as markup', () => {
    expect(JSON.stringify(toCard(aCard({ modelSays: 'x' })).blocks)).not.toContain('mrkdwn');
  });

  it('keeps what is too long for it, whole, for a place before it', () => {
    const value = 'v'.repeat(5_000);
    const { attachments, blocks } = toCard(
      aCard({
        title: 't'.repeat(600),
        facts: [
          { label: 'body', value },
          { label: 'to', value: 'dana' },
        ],
      }),
    );

    expect(attachments).toMatchObject([{ value: 't'.repeat(600) }, { label: 'body', value }]);
    expect(JSON.stringify(blocks)).toContain('5000 characters, in full above');
    expect(JSON.stringify(blocks)).toContain('dana');
  });

  it.each([
    [
      'nothing',
      aCard({ title: '', facts: [{ label: '', value: '' }], status: { state: 'open', sentence: '' } }),
    ],
    [
      'everything',
      aCard({
        title: 't'.repeat(5_000),
        facts: Array.from({ length: 100 }, () => ({ label: 'l'.repeat(500), value: 'v'.repeat(1_500) })),
        modelSays: 'm'.repeat(50_000),
        requestedBy: 'r'.repeat(5_000),
        status: { state: 'open', sentence: 's'.repeat(5_000) },
      }),
    ],
    [
      'just what fits',
      aCard({
        title: 't'.repeat(500),
        facts: Array.from({ length: 24 }, () => ({ label: 'l'.repeat(100), value: 'v'.repeat(208) })),
        modelSays: 'm'.repeat(5_000),
        requestedBy: 'r'.repeat(5_000),
        status: { state: 'open', sentence: 's'.repeat(5_000) },
      }),
    ],
  ])('is within the limits of Slack with %s in it', (_, card) => {
    expect(judgeMessageBlocks(toCard(card).blocks)).toEqual({ kind: 'accepted' });
  });

  it.each(['deny', 'answer'] as const)(
    'has a form to %s with words, within the limits of Slack',
    (choice) => {
      const context = {
        approval: aCard().approvalId,
        gen: 1,
        digest: 'd',
        choice,
        channel: 'C0GEN',
        ts: '1712345678.000100',
        thread: undefined,
      };

      expect(judgeView(toReasonModal(context))).toEqual({ kind: 'accepted' });
      expect(JSON.parse(toReasonModal(context).private_metadata!)).toMatchObject({ choice, digest: 'd' });
    },
  );
});
