import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toRichText, toSlackText } from '../../../../src/sandbox/slack/typed-text.ts';

describe('what a person types', () => {
  it.each([
    ['@signalbox refund order 7', '<@U0SIGNALBOX> refund order 7'],
    ['ask @Dana, not @nobody', 'ask <@U0DANA>, not @nobody'],
    ['a < b & c > d', 'a &lt; b &amp; c &gt; d'],
    ['<@U0SIGNALBOX> hi <https://x.test|x>', '<@U0SIGNALBOX> hi <https://x.test|x>'],
    ['mail alex@dana.test', 'mail alex@dana.test'],
  ])('%j is stored as %j', (typed, stored) => {
    expect(toSlackText(typed)).toBe(stored);
  });

  it('is kept as a rich text block with mentions as elements', () => {
    expect(toRichText('<@U0SIGNALBOX> 1 &lt; 2')).toEqual({
      type: 'rich_text',
      elements: [
        {
          type: 'rich_text_section',
          elements: [
            { type: 'user', user_id: 'U0SIGNALBOX' },
            { type: 'text', text: ' 1 < 2' },
          ],
        },
      ],
    });
  });

  it('never lets a bracket through that is not part of markup', () => {
    fc.assert(
      fc.property(fc.string(), (typed) => {
        const markup = /<@[UW]\w+>|<#C\w+(?:\|[^>]*)?>|<![a-z]+(?:\|[^>]*)?>|<https?:\/\/[^>]+>/g;
        expect(toSlackText(typed).replaceAll(markup, '')).not.toMatch(/[<>]/);
      }),
    );
  });
});
