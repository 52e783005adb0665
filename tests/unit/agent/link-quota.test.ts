/** How many addresses of strangers go out in one conversation. */
import { describe, expect, it } from 'vitest';
import { LinkQuota } from '../../../src/agent/link-quota.ts';
import { outgoingText } from '../../../src/agent/outgoing-text.ts';
import { readingOf } from '../../../src/agent/provenance.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import type { Entry } from '../../../src/domain/transcript.ts';

const at = '2026-01-01T00:00:00Z';
const LETTERS = [...'abcdefghijklmnopqrstuvwxyz'];
const SPELLING = LETTERS.map((letter) => `https://evil.test/0/${letter}`);

function page(text: string, more: object = {}): Entry {
  return { kind: 'tool-result', callId: 'p', status: 'ok', text, trust: 'web', ...more };
}

function alex(text: string): Entry {
  return { kind: 'user', from: { person: PersonId.parse('alex'), name: 'Alex' }, text, at };
}

function agent(text: string, calls: { tool: string; input: unknown }[] = []): Entry {
  const made = calls.map((call, n) => ({ id: `c${n}`, ...call }));
  return { kind: 'assistant', text, calls: made, model: 'm', strangers: ['a page of the web'] };
}

function say(entries: readonly Entry[], text: string, hosts: string[] = []): string {
  const links = new LinkQuota(entries, readingOf(entries).isSeen);
  return outgoingText(text, readingOf(entries), { hosts, secrets: [], links });
}

const live = (text: string) => text.match(/https:\/\/[^\s>)]+/g) ?? [];

describe('addresses that strangers wrote', () => {
  it('OM-187 go out three of a host, and the rest so that nothing opens them', () => {
    const said = say([page(SPELLING.join(' '))], SPELLING.slice(0, 5).join('\n'));

    expect(live(said)).toEqual(SPELLING.slice(0, 3));
    expect(said.replaceAll('\\', '')).toContain('https[:]//evil[.]test/0/d');
  });

  it('OM-187 go out three of a host whatever its names are, and six of all hosts', () => {
    const below = LETTERS.map((letter) => `https://${letter}.evil.test/`);
    const many = LETTERS.map((letter) => `https://${letter}-evil.test/x`);

    expect(live(say([page(below.join(' '))], below.join('\n')))).toHaveLength(3);
    expect(live(say([page(many.join(' '))], many.join('\n')))).toHaveLength(6);
    expect(live(say([page(many.join(' '))], many.map((url) => `[x](${url})`).join(' ')))).toHaveLength(6);
  });

  it.each(['abc.io', 'abc.co.uk', 'pages.github.io'])(
    'OM-187 go out three of what somebody has below a name they registered, or were let have: %s',
    (site) => {
      const below = LETTERS.map((letter) => `https://${letter}.${site}/`);
      expect(live(say([page(below.join(' '))], below.join(' ')))).toHaveLength(3);
    },
  );

  it('OM-187 count over the whole conversation, in answers and in what is sent elsewhere', () => {
    const read = page(SPELLING.join(' '));
    const [a = '', b = '', c = '', d = ''] = SPELLING;
    const sent = { tool: 'send_message', input: { person: 'dana', text: c } };
    const before = [read, agent(`see ${a} and ${b}`), agent('', [sent])];

    expect(live(say(before, `${d} ${a} ${c}`))).toEqual([a, c]);
  });

  it('OM-187 count for all the words of one answer together', () => {
    const entries = [page(SPELLING.join(' '))];
    const links = new LinkQuota(entries, readingOf(entries).isSeen);
    const each = (text: string) => outgoingText(text, readingOf(entries), { hosts: [], secrets: [], links });

    expect(live(SPELLING.map(each).join(' '))).toHaveLength(3);
  });

  it('OM-187 are not among those of allowed hosts, of people we know, of tools that know it themselves, and of pages it fetched', () => {
    const own = SPELLING.slice(0, 8);
    const all = own.join('\n');
    const fetched = own.map((url) => agent('', [{ tool: 'web_fetch', input: { url } }]));

    expect(live(say([page(all)], all, ['evil.test']))).toHaveLength(8);
    expect(live(say([alex(all), page('x')], all))).toHaveLength(8);
    expect(live(say([page(all, { trust: 'tool' }), page('x')], all))).toHaveLength(8);
    expect(live(say([page(all), ...fetched], own.slice(5).join('\n')))).toHaveLength(3);
  });

  it('OM-187 do not go out at all where marks put them together', () => {
    expect(live(say([page(SPELLING.join(' '))], 'https&#58;//evil.test/0/a'))).toEqual([]);
  });
});
