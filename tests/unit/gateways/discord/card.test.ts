import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MAX_REASON_CHARS, toCard, toReasonModal } from '../../../../gateways/discord/card.ts';
import { escapeText } from '../../../../gateways/discord/discord-markdown.ts';
import { showHidden } from '../../../../gateways/markdown/hidden-characters.ts';
import { ApprovalId } from '../../../../src/domain/ids.ts';
import { aCard } from '../../../support/slack-gateway.ts';

const sizeOf = (card: ReturnType<typeof toCard>) => {
  const [embed] = card.embeds;
  const fields = embed?.fields ?? [];
  return [
    embed?.title,
    embed?.description,
    embed?.footer?.text,
    ...fields.flatMap(({ name, value }) => [name, value]),
  ].join('').length;
};

describe('an approval card on Discord', () => {
  it('OM-121 shows what, why, risk, deadline and labelled choices', () => {
    const card = toCard(aCard({ modelSays: 'the tea was cold' }));

    expect(card.content).toBe('⏳ **Approval needed:** refund: order 7, 120 EUR');
    expect(card.embeds).toEqual([
      expect.objectContaining({
        title: 'refund: order 7, 120 EUR',
        description: '⏳ Waiting for an answer.\nDecide by <t:1777636800:f> (<t:1777636800:R>).',
        fields: [
          { name: 'order', value: '7' },
          { name: 'amount', value: '120 EUR' },
          {
            name: 'The model says about it (its own words, not checked)',
            value: '```\nthe tea was cold\n```',
          },
        ],
        footer: { text: 'Requested by Alex Kim · asked: role manager · high risk, cannot be undone' },
      }),
    ]);
    expect(card.components[0]?.components).toMatchObject([
      { label: 'Approve' },
      { label: 'Deny' },
      { label: 'Deny with reason…' },
    ]);
  });

  it('has no buttons once it is settled', () => {
    const card = toCard(aCard({ choices: [], status: { state: 'denied', sentence: 'Dana said no.' } }));

    expect(card.components).toEqual([]);
    expect(card.content).toBe('⛔ Dana said no.');
  });

  it('puts a value too long for it before it, whole', () => {
    const value = 'line of a mail\n'.repeat(200);

    const card = toCard(aCard({ facts: [{ label: 'text', value }] }));

    expect(card.attachments).toEqual([{ label: 'text', value, escaped: expect.anything(), onCard: false }]);
    expect(card.embeds[0]?.fields?.[0]?.value).toBe(`(${value.length} characters, in full above)`);
  });

  it('shows a reason of any length that is taken, whole', () => {
    const reason = 'Not *this* time. '.repeat(200).slice(0, MAX_REASON_CHARS);
    const sentence = `Denied by Dana Reyes on Discord, 21 Nov 2026, 14:02 UTC: “${reason}”. Nothing was done.`;

    const card = toCard(aCard({ choices: [], status: { state: 'denied', sentence } }));

    expect(card.embeds[0]?.description).toBe(`⛔ ${escapeText(sentence)}`);
    expect(card.content).toBe(`⛔ ${escapeText(sentence)}`);
  });

  it('OM-186 is literal, and within the limits, whatever is in it', () => {
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3_000 }),
      fc
        .array(
          fc.constantFrom('@everyone', '<@1>', '```', '[x](https://evil.example)', '# ', '\n', '*', 'a'),
          {
            maxLength: 1_000,
          },
        )
        .map((tokens) => tokens.join('')),
    );
    const facts = fc.array(fc.record({ label: text, value: text }), { maxLength: 40 });

    fc.assert(
      fc.property(text, facts, text, text, (title, list, says, sentence) => {
        const card = toCard(
          aCard({
            title,
            facts: list,
            modelSays: says,
            requestedBy: says,
            status: { state: 'open', sentence },
          }),
        );

        const [embed] = card.embeds;
        expect(sizeOf(card)).toBeLessThanOrEqual(6_000);
        expect(card.content.length).toBeLessThanOrEqual(2_000);
        expect(embed?.title?.length).toBeLessThanOrEqual(256);
        expect(embed?.fields?.length).toBeLessThanOrEqual(25);
        for (const { name, value } of embed?.fields ?? []) {
          expect(name.trim()).not.toBe('');
          expect(value.trim()).not.toBe('');
          expect(name.length).toBeLessThanOrEqual(256);
          expect(value.length).toBeLessThanOrEqual(1_024);
        }
        expect(card.content.replaceAll(/\\[\s\S]/g, '')).not.toMatch(/<|@(?!\u200B)/);
        const shown = embed?.fields?.map((field) => field.value) ?? [];
        for (const { value } of list.map((fact) => ({ value: showHidden(fact.value) }))) {
          const onCard = shown.includes(escapeText(value)) || value.trim() === '';
          expect(onCard || card.attachments.some((attached) => attached.value === value)).toBe(true);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('the form for a reason', () => {
  it.each([
    ['deny-with-reason', MAX_REASON_CHARS],
    ['answer', 4_000],
  ] as const)('fits what Discord takes, for %s', (pressed, longest) => {
    const modal = toReasonModal({
      pressed,
      approvalId: ApprovalId.parse('apr_p7_0123456789ab'),
      gen: 1,
      digest: 'd'.repeat(43),
    });

    expect(modal.title.length).toBeLessThanOrEqual(45);
    expect(modal.custom_id.length).toBeLessThanOrEqual(100);
    expect(JSON.stringify(modal)).toContain(`"max_length":${longest}`);
  });
});
