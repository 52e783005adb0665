import { describe, expect, it } from 'vitest';
import type { Page } from '../../../src/domain/escalation/pager.ts';
import { EscalationId, Platform } from '../../../src/domain/ids.ts';
import { pageContent } from '../../../src/escalation/sentences.ts';

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
});
