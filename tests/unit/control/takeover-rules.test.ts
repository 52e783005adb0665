import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TakeoverRule } from '../../../src/config/takeover.ts';
import { ruleFor, type Said } from '../../../src/control/takeover-rules.ts';
import { Platform } from '../../../src/domain/ids.ts';
import { runs } from '../../support/property-runs.ts';

function aRule(when: object, act: 'call-human' | 'take-over' = 'call-human'): TakeoverRule {
  return TakeoverRule.parse({ name: 'a rule', when, do: act });
}

function said(text: string, more: Partial<Said> = {}): Said {
  const replyTo = { platform: Platform.parse('slack'), route: { channel: 'C1', thread: '1.2' } };
  return { message: { text, replyTo }, roles: ['member'], permitted: false, amongOthers: false, ...more };
}

describe('rules by which a conversation changes hands', () => {
  it.each([
    ['I will call my LAWYER!', { words: ['lawyer'] }, true],
    ['the lawyers are on it', { words: ['lawyer'] }, false],
    ['we  sue,\nyou know', { words: ['sue you'] }, true],
    ['我要找律师谈', { words: ['律师'] }, true],
    ['我要找师律谈', { words: ['律师'] }, false],
    ['弁護士に相談します', { words: ['弁護士'] }, true],
    ['ｻｰﾊﾞｰが落ちた', { words: ['サーバー'] }, true],
    ['ฉันจะฟ้องทนายความ', { words: ['ทนาย'] }, true],
    ['我的iPhone坏了', { words: ['iphone'] }, true],
    ['我的iPhones坏了', { words: ['iphone'] }, false],
    ['мой адвокат, скоро', { words: ['АДВОКАТ'] }, true],
    ['мои адвокаты', { words: ['адвокат'] }, false],
    ['hello', { platforms: ['slack'] }, true],
    ['hello', { platforms: ['email'] }, false],
    ['hello', { channels: ['C1'] }, true],
    ['hello', { channels: ['C2'] }, false],
    ['hello', { roles: ['member'] }, true],
    ['hello lawyer', { words: ['lawyer'], channels: ['C2'] }, false],
  ])('"%s" against %j: %s', (text, when, fits) => {
    expect(ruleFor([aRule(when)], said(text)) !== undefined).toBe(fits);
  });

  it.each<[string, Record<string, string>, boolean]>([
    ['a thread that is a channel of its own, by what it hangs on', { channel: '71', parent: 'OPS' }, true],
    ['an issue, by the key of its project', { issue: 'OPS-7' }, true],
    ['an issue of another project', { issue: 'OPSX-7' }, false],
    ['a mail, by what its sender wrote above it', { to: 'kim@corp.test', subject: 'OPS' }, false],
  ])('that name channels are about %s', (_place, route, fits) => {
    const { message, ...rest } = said('hello');
    const there = { ...message, replyTo: { ...message.replyTo, route } };

    expect(ruleFor([aRule({ channels: ['OPS'] })], { ...rest, message: there }) !== undefined).toBe(fits);
  });

  it('take over for somebody who may, where others have spoken, and never else', () => {
    const rules = [aRule({ roles: ['operator'] }, 'take-over')];
    const operator = { roles: ['operator'], permitted: true, amongOthers: true };

    expect(ruleFor(rules, said('hello', operator))).toBeDefined();
    expect(ruleFor(rules, said('hello', { ...operator, permitted: false }))).toBeUndefined();
    expect(ruleFor(rules, said('hello', { ...operator, amongOthers: false }))).toBeUndefined();
  });

  it('cannot be written with words that no text ever holds', () => {
    const { error } = TakeoverRule.safeParse({
      name: 'x',
      when: { words: ['lawyer', '!!'] },
      do: 'call-human',
    });

    expect(error?.issues).toMatchObject([
      {
        path: ['when', 'words', 1],
        message: 'must have a letter or a digit in it: no message ever holds anything else',
      },
    ]);
  });

  it('find every phrase in a text that holds it, whatever it is made of', () => {
    const phrase = fc.string({ unit: 'grapheme', minLength: 2, maxLength: 20 });
    fc.assert(
      fc.property(phrase, (text) => {
        const written = TakeoverRule.safeParse({ name: 'x', when: { words: [text] }, do: 'call-human' });
        fc.pre(written.success);

        expect(ruleFor([written.data!], said(`… ${text} …`))).toBeDefined();
      }),
      { numRuns: runs(300) },
    );
  });

  it('cannot be written without a condition, nor take over for whoever writes', () => {
    expect(TakeoverRule.safeParse({ name: 'x', when: {}, do: 'call-human' }).success).toBe(false);
    expect(TakeoverRule.safeParse({ name: 'x', when: { words: ['hm'] }, do: 'take-over' }).success).toBe(
      false,
    );
  });
});
