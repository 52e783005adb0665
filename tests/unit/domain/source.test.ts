/** Whose words a source is of, told from what it says. */
import { describe, expect, it } from 'vitest';
import { PersonId } from '../../../src/domain/ids.ts';
import {
  MORE_SOURCES,
  type Sought,
  sourceOfFile,
  sourceOfQuote,
  sourceOfWords,
  unsigned,
  whoseSource,
} from '../../../src/domain/source.ts';

const EVE = PersonId.parse('eve');
const LEE = PersonId.parse('lee');
const GUEST = PersonId.parse('guest.0123456789abcdef');

function whose(source: string, change: Partial<Sought> = {}) {
  const sought = { ids: [EVE, GUEST], names: ['Eve Novak'], calledThere: [], wasThere: false };
  return whoseSource(source, { ...sought, ...change });
}

describe('a source', () => {
  it.each([
    sourceOfWords({ person: GUEST, name: 'Quill Osterhagen' }),
    sourceOfQuote({ person: EVE, name: 'E.' }),
    sourceOfFile({ person: EVE, name: 'novak-divorce-papers.pdf' }),
    sourceOfFile({ person: LEE, name: 'CV of Eve Novak.pdf' }),
    unsigned(sourceOfQuote({ person: EVE, name: 'Eve Novak' })),
  ])('OM-193 is of somebody by their id, whatever they are called, or names them: %s', (source) => {
    expect(whose(source, { wasThere: true })).toBe('theirs');
    expect(whose(source)).toBe('theirs');
  });

  it.each([
    sourceOfWords({ person: LEE, name: 'Lee' }),
    sourceOfQuote({ person: LEE, name: 'Evelyn Novakova' }),
    sourceOfFile({ person: LEE, name: 'a” (eve).pdf' }),
    'a page of the web (web_fetch)',
    'what others wrote (jira_search)',
    'what jira_search told',
    MORE_SOURCES,
  ])('OM-193 stays that of others, also where they wrote there: %s', (source) => {
    expect(whose(source, { wasThere: true })).toBe('others');
  });

  it.each(['what somebody passed on', 'the file “novak-divorce-papers.pdf”', 'the file “a” (lee)”'])(
    'OM-193 of before that says not whose it is may be theirs where they wrote: %s',
    (source) => {
      expect(whose(source, { wasThere: true })).toBe('untold');
      expect(whose(source)).toBe('others');
    },
  );

  it('OM-193 of before is known by what they were called there, as a whole name and as nothing else', () => {
    const calledThere = ['Quill Osterhagen', 'wrote', 'pdf', 'the file'];

    expect(whose('what Quill Osterhagen passed on', { calledThere })).toBe('theirs');
    expect(whose('what Quill Osterhagen-Lee passed on', { calledThere })).toBe('others');
    expect(whose('the file “plan.pdf”', { calledThere })).toBe('others');
    expect(whose(sourceOfWords({ person: LEE, name: 'wrote' }), { calledThere })).toBe('others');
  });

  it.each([
    ['of whoever runs the gateway', (name: string) => ({ names: [name] })],
    ['of their own', (name: string) => ({ calledThere: [name] })],
  ])('OM-193 is known by a name %s that stands in it shortened', (_, known) => {
    const name = `Eve ${'Maximiliana '.repeat(8).trim()}`;
    const source = unsigned(sourceOfQuote({ person: undefined, name })).replace(' (unknown person)', '');

    expect(source).toContain('…');
    expect(whose(source, known(name))).toBe('theirs');
    expect(whose(source, known(`Max ${name}`))).toBe('others');
    expect(whose('what E… passed on', known(name))).toBe('others');
  });
});
