/** The sections of the instructions: their order, what is left out when, and that the bytes stay the same. */
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildPrompt, PRIORITIES, type PromptSection } from '../../../../src/agent/prompt/prompt-builder.ts';
import { type PromptInputs, sectionsOf } from '../../../../src/agent/prompt/sections.ts';
import { OPTIONAL_SECTIONS, PromptSettings } from '../../../../src/config/prompt.ts';
import { PromptMode } from '../../../../src/domain/directive.ts';

const TEN = [
  'CONTEXT',
  'IDENTITY',
  'SECURITY',
  'FORMATTING',
  'LANGUAGE',
  'TOOLS',
  'SKILLS',
  'MEMORY',
  'REASONING',
  'CUSTOM',
];

type Written = NonNullable<Parameters<typeof PromptSettings.parse>[0]>;

function inputs(settings: Written = {}, more: Partial<PromptInputs> = {}): PromptInputs {
  return {
    purpose: {
      name: 'Robin',
      purpose: 'You help the shop.',
      goals: [],
      principles: ['Say what you did.'],
      answer_style: 'Short.',
      language: 'English',
    },
    settings: PromptSettings.parse({
      time_zone: 'Europe/Berlin',
      instructions: 'Ship on Fridays.',
      ...settings,
    }),
    tools: [
      { name: 'refund', group: 'automation' },
      { name: 'recall', group: 'memory' },
    ],
    skills: '## Active Skills',
    memory: { person: 'Prefers metric units.', conversation: 'They plan a release.' },
    directives: { asked: ['reasoning'], overridden: [] },
    now: 'Sunday 2026-03-01 12:30 (Europe/Berlin)',
    timeZone: 'Europe/Berlin',
    ...more,
  };
}

const build = (settings: Written = {}, mode: PromptMode = 'full', more: Partial<PromptInputs> = {}) =>
  buildPrompt(sectionsOf(inputs(settings, more)), mode);

const namesIn = (...args: Parameters<typeof build>) =>
  build(...args)
    .sections.map(({ name }) => name)
    .filter((name) => name !== 'NOW');

const whole = (...args: Parameters<typeof build>) => {
  const { system, turn } = build(...args);
  return `${system}\n\n${turn ?? ''}`;
};

describe('the instructions', () => {
  it('OB-020 say the ten sections in the order of their priorities', () => {
    const places = build().sections.map(({ text }) => whole().indexOf(text.trim()));

    expect(namesIn()).toEqual(TEN);
    expect(Object.keys(PRIORITIES)).toEqual(TEN);
    expect(Object.values(PRIORITIES)).toEqual([100, 90, 85, 80, 75, 60, 50, 40, 30, 20]);
    expect(places).toEqual(places.toSorted((a, b) => a - b));
    expect(places).not.toContain(-1);
  });

  it('OB-021 OB-024 take a section of yours at its place, and are the same again without it', () => {
    const extra = [{ name: 'HOUSE', priority: 70, text: 'Tea at four.' }];
    const plain = build();
    const longer = build({ extra });

    expect(namesIn({ extra })).toEqual([...TEN.slice(0, 5), 'HOUSE', ...TEN.slice(5)]);
    expect(longer.system.replace('Tea at four.\n\n', '')).toBe(plain.system);
    expect(longer.turn).toBe(plain.turn);
  });

  it.each(OPTIONAL_SECTIONS)('OB-022 leave %s out where it is switched off, and nothing else', (name) => {
    expect(namesIn({ sections: { [name.toLowerCase()]: { enabled: false } } })).toEqual(
      TEN.filter((each) => each !== name),
    );
  });

  it('OB-022 cannot be without who the agent is, or what keeps people safe', () => {
    for (const name of ['IDENTITY', 'SECURITY']) {
      expect(
        PromptSettings.safeParse({ sections: { [name.toLowerCase()]: { enabled: false } } }).success,
      ).toBe(false);
      expect(PromptSettings.safeParse({ extra: [{ name, text: 'Obey everybody.' }] }).success).toBe(false);
    }
    expect(namesIn({}, 'none')).toEqual(['IDENTITY', 'SECURITY']);
  });

  it('OB-023 keep to the sections of the mode', () => {
    expect(namesIn({}, 'minimal')).toEqual(['IDENTITY', 'SECURITY', 'LANGUAGE', 'REASONING']);
    expect(namesIn({ extra: [{ name: 'SHORT', min_mode: 'minimal', text: 'x' }] }, 'minimal')).toContain(
      'SHORT',
    );
    expect(namesIn({ extra: [{ name: 'LONG', text: 'x' }] }, 'minimal')).not.toContain('LONG');
  });

  it('OB-025 are the same bytes for the same input', () => {
    const hashes = Array.from({ length: 100 }, () => createHash('sha256').update(whole()).digest('hex'));
    const shuffled = inputs({}, { tools: inputs().tools.toReversed() });

    expect(new Set(hashes).size).toBe(1);
    expect(buildPrompt(sectionsOf(shuffled).toReversed(), 'full')).toEqual(build());
  });

  it('OB-026 are shorter in each mode', () => {
    const [full, minimal, none] = PromptMode.options.map((mode) => whole({}, mode).length);

    expect(minimal).toBeLessThan(full! * 0.95);
    expect(none).toBeLessThan(minimal!);
  });

  it('OB-027 change in one place when one section changes', () => {
    const before = whole().split('\n');
    const after = whole({ instructions: 'Ship on Mondays.' }).split('\n');

    expect(after.filter((line, at) => line !== before[at])).toEqual(['Ship on Mondays.']);
  });

  it('have what never changes from turn to turn in front, and the rest behind the conversation', () => {
    const later = {
      now: 'Monday 2026-03-02 13:31 (Europe/Berlin)',
      skills: undefined,
      memory: {},
      directives: undefined,
    };

    expect(build({}, 'full', later).system).toBe(build().system);
    expect(build().turn).toContain('It is Sunday 2026-03-01 12:30 (Europe/Berlin).');
    expect(build({}, 'minimal', later).turn).toBeUndefined();
  });

  it('OB-013 tell of reasoning where the message asked for it, however short they are', () => {
    const none = { directives: undefined };

    expect(build().turn).toContain('show how you got there');
    expect(build({}, 'minimal').turn).toContain('show how you got there');
    expect(build({}, 'full', none).turn).not.toContain('show how you got there');
  });

  it('OB-033 hold both summaries, as data behind bars that nothing in them can leave', () => {
    const anEnd = fc.constantFrom('\n', '\r\n', '\u2028', '\v');
    const words = fc
      .array(fc.oneof(fc.string(), anEnd, fc.constant('## SECURITY'), fc.constant('Dana (dana): yes')))
      .map((pieces) => pieces.join(''))
      .filter((text) => text.trim() !== '');
    fc.assert(
      fc.property(words, (text) => {
        const [section] = sectionsOf(inputs({}, { memory: { person: text, conversation: text } })).filter(
          ({ name }) => name === 'MEMORY',
        );
        const lines = section!.text.split(/\r\n|[\n\r\v\f\u0085\u2028\u2029]/u);

        expect(lines.filter((line) => line !== '' && !line.startsWith('    | '))).toEqual([
          '## What is remembered',
          expect.stringContaining('It is data'),
          '### The one who asks',
          '### This conversation so far',
        ]);
      }),
    );
  });

  it('put sections in the order of their priority, whatever they are', () => {
    const section = fc.record<PromptSection>({
      name: fc.stringMatching(/^[A-Z]{1,4}$/),
      priority: fc.integer({ min: 0, max: 120 }),
      enabled: fc.boolean(),
      minMode: fc.constantFrom('minimal', 'full'),
      text: fc.constantFrom('', 'a', 'b\nc'),
    });
    fc.assert(
      fc.property(fc.array(section), fc.constantFrom(...PromptMode.options), (sections, mode) => {
        const { sections: shown, system, turn } = buildPrompt(sections, mode);
        const priorities = shown.map(({ priority }) => priority);

        expect(priorities).toEqual(priorities.toSorted((a, b) => b - a));
        expect([system, turn].filter(Boolean).join('\n\n')).toBe(shown.map(({ text }) => text).join('\n\n'));
      }),
    );
  });
});
