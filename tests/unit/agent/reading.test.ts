/** Which words count as written by people we know, which as read, and how much is kept of whose they were. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bounded, MOST_KEPT, readingOf, strangersOf } from '../../../src/agent/provenance.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { MORE_SOURCES } from '../../../src/domain/source.ts';
import type { Entry } from '../../../src/domain/transcript.ts';

const at = '2026-01-01T00:00:00Z';

function said(text: string, more: Partial<Extract<Entry, { kind: 'user' }>> = {}): Entry {
  return { kind: 'user', from: { person: PersonId.parse('alex'), name: 'Alex' }, text, at, ...more };
}

describe('a text of a call, or an address in an answer', () => {
  it.each([
    ['a whole address', 'https://a.test/abc', true],
    ['an address that others follow', 'https://b.test/x', true],
    ['an address in brackets', 'https://c.test/', true],
    ['a beginning of an address', 'https://a.test/ab', false],
    ['the host of an address', 'https://a.test', false],
    ['whole words', 'coffee machine', true],
    ['a word', 'machine', true],
    ['a piece of a word', 'offee', false],
    ['a letter of a word', 'f', false],
    ['words of a script without spaces', '天气', true],
    ['a beginning of an address among words', 'at https://a.test/ab', false],
    ['nothing', '', true],
  ])('OM-187 counts %s: %s', (_what, text, isTypedThere) => {
    const { isTyped } = readingOf([
      said('look at https://a.test/abc, https://b.test/x. Or <https://c.test/>: a coffee machine, 看天气吗'),
    ]);

    expect(isTyped(text)).toBe(isTypedThere);
  });

  it.each([
    ['in code', 'read `https://docs.corp.test/a`'],
    ['behind a colon', 'link:https://docs.corp.test/a'],
    ['in a script without spaces', '请看https://docs.corp.test/a。'],
    ['before a comma', 'https://docs.corp.test/a, https://docs.corp.test/b'],
    ['without its scheme', 'see docs.corp.test/a.'],
    ['with the other one', 'see http://docs.corp.test/a'],
  ])('OM-187 counts an address as typed %s, and no other one', (_where, text) => {
    const { isTyped } = readingOf([said(text)]);

    expect(isTyped('https://docs.corp.test/a')).toBe(true);
    expect(isTyped('https://docs.corp.test/')).toBe(false);
    expect(isTyped('https://docs.corp.test')).toBe(false);
  });

  it('OM-187 counts as seen no address that the agent has written first, however it comes back', () => {
    const wrote = (input: unknown): Entry => ({
      kind: 'assistant',
      text: '',
      calls: [{ id: 'c9', tool: 'look', input }],
      model: 'm',
    });
    const told = (text: string, more: object = {}): Entry => ({
      kind: 'tool-result',
      callId: 'c9',
      status: 'ok',
      text,
      ...more,
    });
    const url = 'https://evil.test/?q=secret';
    const isSeen = (...entries: Entry[]) => readingOf(entries).isSeen(url);

    expect(isSeen(told(`There is no ${url}`), wrote(url))).toBe(true);
    expect(isSeen(wrote({ at: url }), told(`There is no ${url}`))).toBe(false);
    expect(isSeen(wrote({ [url]: true }), told(`There is no ${url}`))).toBe(false);
    expect(isSeen(wrote(['HTTPS://evil.te\tst/?q=%73ecret']), told(`There is no ${url}`))).toBe(false);
    expect(isSeen(told(`- ${url}`, { composed: true }))).toBe(false);
    expect(isSeen(wrote(url), told(url), said(`yes, ${url}`))).toBe(true);
  });

  it('OM-187 counts as seen no address that stands in a refusal, or in words of the gateway alone', () => {
    const url = 'https://evil.test/?q=secret';
    const told = (status: 'ok' | 'error' | 'waiting'): Entry => ({
      kind: 'tool-result',
      callId: 'c',
      status,
      text: url,
    });
    const event = (more: object = {}): Entry => ({ kind: 'event', text: url, at, ...more });
    const ran = { tool: 'jira_search', status: 'ok' as const };
    const asked: Entry = {
      kind: 'assistant',
      text: '',
      calls: [{ id: 'c', tool: url, input: {} }],
      model: 'm',
    };
    const seen: [Entry[], boolean][] = [
      [[told('ok')], true],
      [[told('error')], false],
      [[told('waiting')], false],
      [[asked, told('ok')], false],
      [[event()], false],
      [[event({ ran })], true],
      [[event({ ran: { ...ran, status: 'error' } })], false],
      [[event({ ran, composed: true })], false],
    ];
    for (const [entries, expected] of seen)
      expect(readingOf(entries).isSeen(url), JSON.stringify(entries)).toBe(expected);
  });
});

describe('an address that was read', () => {
  const told = (text: string, more: object = {}): Entry => ({
    kind: 'tool-result',
    callId: 'c',
    status: 'ok',
    text,
    trust: 'web',
    ...more,
  });

  it.each([
    ['as it stands', 'https://a.test/long/abc', true],
    ['a beginning of it', 'https://a.test/long/ab', false],
    ['its host', 'https://a.test', false],
    ['the bare name of its host', 'a.test', false],
    ['an end of it', 'test/long/abc', false],
    ['one without a scheme', 'b.test/x', true],
    ['one with marks behind it', 'https://c.test/y', true],
    ['one within another', 'https://evil.test/q', false],
  ])('OM-187 counts as seen only as a whole: %s', (_what, address, expected) => {
    const page =
      '[x](https://a.test/long/abc), b.test/x, **https://c.test/y** https://d.test/?x=https://evil.test/q';

    expect(readingOf([told(page)]).isSeen(address)).toBe(expected);
  });

  it('OM-187 is none of those in a plan for later, whose words the agent may have chosen', () => {
    const { isSeen } = readingOf([said('https://evil.test/?q=S', { planned: true })]);

    expect(isSeen('https://evil.test/?q=S')).toBe(false);
  });

  it('OM-187 is, of what was put together of others, one that is named beside it', () => {
    const composed = { composed: true, seen: ['https://a.test/x'] };
    const { isSeen } = readingOf([told('https://a.test/x and https://evil.test/?q=S', composed)]);

    expect(isSeen('https://a.test/x')).toBe(true);
    expect(isSeen('https://evil.test/?q=S')).toBe(false);
  });
});

describe('what is kept of sources', () => {
  const person = fc.constantFrom('guest-eve', 'guest-kim', 'alex');
  const source = fc.oneof(
    {
      weight: 3,
      arbitrary: fc
        .tuple(fc.string({ maxLength: 8 }), person)
        .map(([name, id]) => `what ${name} wrote (${id})`),
    },
    fc.string({ maxLength: 12 }).map((name) => `the file “${name}”`),
    fc.constant(MORE_SOURCES),
  );
  const sources = fc.array(source, { maxLength: 60 });
  const answerAfter = (strangers: string[]): Entry => ({
    kind: 'assistant',
    text: '',
    calls: [],
    model: 'm',
    strangers,
  });
  const isHeld = (strangers: string[], who: string) =>
    readingOf([answerAfter(strangers)], [], PersonId.parse(who)).strangers.length > 0;

  it('OM-187 is bounded, and never takes less for read than all of it, whoever asks', () => {
    fc.assert(
      fc.property(fc.nat({ max: 40 }), sources, person, (own, others, who) => {
        const all = [...Array.from({ length: own }, (_, n) => `what ${n} wrote (${who})`), ...others];
        const kept = bounded(all);

        expect(kept.length).toBeLessThanOrEqual(MOST_KEPT + 1);
        expect(kept.length > 0).toBe(all.length > 0);
        const isOwn = (label: string) => label.endsWith(` wrote (${who})`);
        if (all.some((label) => !isOwn(label))) expect(kept.some((label) => !isOwn(label))).toBe(true);
        if (all.some((label) => !isOwn(label))) expect(isHeld(all, who)).toBe(true);
      }),
    );
  });

  it('OM-187 stays the same when it is bounded again, and grows no further however long the talk is', () => {
    fc.assert(
      fc.property(sources, sources, (first, then) => {
        const once = bounded(first);
        expect(bounded(once)).toEqual(once);
        expect(bounded([...once, ...then])).toEqual(bounded([...first, ...then]));
      }),
    );
    const entries = Array.from({ length: 300 }, (_, n) =>
      said('see', { passesOn: true, from: { name: `Eve ${n}` } }),
    );
    const heard = strangersOf(entries);
    expect(heard).toHaveLength(MOST_KEPT + 1);
    expect(strangersOf([...entries, answerAfter(heard)], heard)).toEqual(heard);
  });

  it('OM-187 names no source at any length', () => {
    const [label = ''] = strangersOf([said('x', { passesOn: true, from: { name: 'x'.repeat(10_000) } })]);
    expect(label.length).toBeLessThan(120);
  });
});
