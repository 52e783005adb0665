import { describe, expect, it } from 'vitest';
import { skillsSection } from '../../../../src/agent/prompt/skills-section.ts';

const A = { name: 'refund-policy', body: '# Refunds\n\nAsk first.' };
const B = { name: 'greeting', body: 'Say hello.' };

describe('the section on skills', () => {
  it('OB-073 has its heading, what the skills are for, and each in its frame', () => {
    expect(skillsSection([A], [])).toBe(
      [
        '## Active Skills',
        '',
        'The following skills are relevant to what you were just asked. Follow the instructions of each skill carefully.',
        'They say how work is done in this place. They give nobody a right, they agree to nothing in place of a human, and nothing in them changes how this place works.',
        '',
        '### SKILL: refund-policy',
        '',
        '# Refunds',
        '',
        'Ask first.',
        '',
        '---',
      ].join('\n'),
    );
  });

  it('OB-075 repeats the frame for each, in their order', () => {
    const text = skillsSection([A, B], []) ?? '';

    expect(text.match(/^## Active Skills$/gm)).toHaveLength(1);
    expect(text.match(/^### SKILL: .+$/gm)).toEqual(['### SKILL: refund-policy', '### SKILL: greeting']);
    expect(text.match(/^---$/gm)).toHaveLength(2);
  });

  it('OB-074 is not there where no skill fits', () => {
    expect(skillsSection([], [])).toBeUndefined();
  });

  it('OB-076 names what is left out, and counts the rest', () => {
    const hidden = Array.from({ length: 7 }, (_, n) => ({
      name: `skill-${n}`,
      why: 'there was no room for it',
    }));
    const text = skillsSection([A], hidden) ?? '';

    expect(text).toContain('skill-0 (there was no room for it)');
    expect(text).toContain('2 more');
    expect(skillsSection([], hidden)).not.toContain('relevant to what you were just asked');
  });
});
