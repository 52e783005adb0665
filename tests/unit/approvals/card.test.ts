import { describe, expect, it } from 'vitest';
import { toCard as toDiscordCard } from '../../../gateways/discord/card.ts';
import { toCardComments } from '../../../gateways/jira/card.ts';
import { toCard as toSlackCard } from '../../../gateways/slack/card.ts';
import { choicesOf, toCard } from '../../../src/approvals/card.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import { ask, reply } from '../../../src/domain/approval/talk.ts';
import { AccountId, PersonId, Platform } from '../../../src/domain/ids.ts';
import { ALEX, anApproval, aVote, OPENED_MS, SLACK } from '../../support/approvals.ts';

const [DISCORD, JIRA, EMAIL] = ['discord', 'jira', 'email'].map((name) => Platform.parse(name));
/** As long as a question or a reply may be. */
const LONGEST = 700;

/** After so many questions, each with its reply; each word ends with its number. */
function talkedOver(
  rounds: number,
  opened = anApproval({ policy: { choices: ['approve', 'deny', 'ask'] } }),
) {
  const longText = (words: string) => words.padStart(LONGEST, 'x');
  return Array.from({ length: rounds }, (_, n) => n).reduce<Approval>((now, n) => {
    const { choice: _, ...question } = aVote(now, { text: longText(` QUESTION-${n}`), key: `q${n}` });
    const asked = ask(now, question, OPENED_MS + 2 * n + 1).moved?.next ?? now;
    const by = { person: ALEX, name: 'Alex Kim' };
    const words = { key: `r${n}`, by, via: SLACK, text: longText(` REPLY-${n}`), operates: false };
    return reply(asked, words, OPENED_MS + 2 * n + 2).moved?.next ?? asked;
  }, opened);
}

describe('where a request stands, after much was said', () => {
  it('OM-124 holds the last reply whole on every platform, and says that more was said', () => {
    const approval = talkedOver(4);
    const shown = [
      JSON.stringify(toSlackCard(toCard(approval, undefined, SLACK))),
      JSON.stringify(toDiscordCard(toCard(approval, undefined, DISCORD))),
      JSON.stringify(toCardComments(toCard(approval, undefined, JIRA), [])),
    ];

    for (const card of shown) {
      expect(card.replaceAll('\\', '')).toContain('REPLY-3');
      expect(card).toContain('More was said or changed before');
      expect(card.replaceAll('\\', '')).not.toContain('REPLY-0');
    }
  });

  it('OM-121 holds all of it in a mail, and where it is looked up', () => {
    for (const here of [EMAIL, undefined]) {
      const { sentence } = toCard(talkedOver(4), undefined, here).status;
      for (const n of [0, 1, 2, 3]) expect(sentence).toContain(`REPLY-${n}`);
    }
  });

  it('takes no question and no reply that would not stand there whole', () => {
    const opened = anApproval({ policy: { choices: ['approve', 'deny', 'ask'] } });
    const { choice: _, ...question } = aVote(opened, { text: 'x'.repeat(LONGEST + 1), key: 'q' });

    expect(ask(opened, question, OPENED_MS + 1).result).toMatchObject({
      code: 'INVALID',
      problem: expect.stringContaining('700 characters at most'),
    });
  });
});

describe('what a card of a call nobody knows the outcome of offers', () => {
  const decision = { choice: 'approve', digest: 'd', key: 'k', atMs: 1 } as const;

  it('lets it run again by a yes like the first one', () => {
    const unknown = {
      ...anApproval(),
      state: 'UNKNOWN' as const,
      decision: { ...decision, source: 'policy' as const },
    };

    expect(choicesOf(unknown)).toEqual(['happened', 'did-not-happen', 'retry']);
  });

  it('offers no second run by a standing yes, which nobody could grant', () => {
    const by = { person: PersonId.parse('dana'), name: 'Dana', account: AccountId.parse('slack:U0DANA') };
    const unknown = {
      ...anApproval(),
      state: 'UNKNOWN' as const,
      decision: { ...decision, source: 'grant' as const, by },
    };

    expect(choicesOf(unknown)).toEqual(['happened', 'did-not-happen']);
  });
});
