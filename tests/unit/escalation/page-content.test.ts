import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Page } from '../../../src/domain/escalation/pager.ts';
import { EscalationId, Platform } from '../../../src/domain/ids.ts';
import { inMessages, pageContent } from '../../../src/escalation/sentences.ts';

const FIRST = EscalationId.parse('esc_p0_000000000000');
const SECOND = EscalationId.parse('esc_p0_111111111111');

function aPage(markdown: string, more: Partial<Page> = {}): Page {
  return {
    id: markdown,
    escalation: FIRST,
    epoch: 1,
    platform: Platform.parse('email'),
    importance: 'low',
    why: 'call',
    markdown,
    atMs: 0,
    ...more,
  };
}

describe('what somebody is told at one time', () => {
  it('OM-053 calls them to one thing once, as it stands by then, with its buttons', () => {
    const pages = [aPage('it leaks (info)'), aPage('it leaks (critical)', { importance: 'urgent' })];

    const { markdown, buttons } = pageContent(pages);

    expect(markdown).toBe('it leaks (critical)');
    expect(buttons?.map(({ says }) => says)).toContain(`/ack ${FIRST}`);
  });

  it('OM-053 begins with what is worst, and keeps the order of what is about one thing', () => {
    const news = aPage('it was put off', { escalation: SECOND, why: 'news' });
    const pages = [aPage('mild'), news, aPage('bad', { escalation: SECOND, importance: 'urgent' })];

    const { markdown, buttons } = pageContent(pages);

    expect(markdown.split('\n\n---\n\n')).toEqual(['it was put off', 'bad', 'mild']);
    expect(buttons).toBeUndefined();
  });

  it('OM-053 E13 goes out in messages that are sent whole, nothing twice and nothing left out, the worst first', () => {
    const one = fc.record({
      escalation: fc.constantFrom(FIRST, SECOND, EscalationId.parse('esc_p0_222222222222')),
      importance: fc.constantFrom('low' as const, 'high' as const, 'urgent' as const),
      why: fc.constantFrom('call' as const, 'news' as const, 'still' as const),
      size: fc.integer({ min: 1, max: 60 }),
    });
    fc.assert(
      fc.property(fc.array(one, { minLength: 1, maxLength: 12 }), (wishes) => {
        const pages = wishes.map(({ size, ...more }, n) => aPage(`${n}:`.padEnd(size, 'x'), more));
        const isOneMessage = (markdown: string) => markdown.length <= 80;

        const messages = inMessages(pages, isOneMessage);

        expect(messages.flat().toSorted((a, b) => pages.indexOf(a) - pages.indexOf(b))).toEqual(pages);
        for (const each of messages) {
          const about = new Set(each.map(({ escalation }) => escalation));
          expect(about.size === 1 || isOneMessage(pageContent(each).markdown)).toBe(true);
        }
        const words = messages.map((each) => pageContent(each).markdown).join('\n\n---\n\n');
        expect(words).toBe(pageContent(pages).markdown);
      }),
    );
  });
});
