import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWorthSending, toCard } from '../../../src/approvals/card.ts';
import {
  delegateText,
  factsOf,
  noticeFor,
  outcomeText,
  questionText,
  reassignText,
  reminderText,
  reopenText,
  standing,
  standingForClient,
  titleOf,
  toldIn,
  unaskedFurtherText,
  visible,
  waitingText,
} from '../../../src/approvals/sentences.ts';
import { claim, complete } from '../../../src/domain/approval/execution.ts';
import { Approval, ApprovalState } from '../../../src/domain/approval/record.ts';
import { supersede } from '../../../src/domain/approval/replacement.ts';
import { ask, reply } from '../../../src/domain/approval/talk.ts';
import { tick } from '../../../src/domain/approval/time.ts';
import { vote } from '../../../src/domain/approval/voting.ts';
import { Card } from '../../../src/domain/card.ts';
import { PersonId } from '../../../src/domain/ids.ts';
import { framed } from '../../../src/domain/outside-text.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { ALEX, anApproval, aVote, EMAIL, OPENED_MS, SLACK } from '../../support/approvals.ts';
import { runs } from '../../support/property-runs.ts';

/** What can be shown by no font, or reorders, joins or colours what stands around it. */
const HIDDEN = [
  ['a line turned round', '\u202E'],
  ['an isolate', '\u2066'],
  ['a zero-width space', '\u200B'],
  ['a zero-width joiner', '\u200D'],
  ['a soft hyphen', '\u00AD'],
  ['a byte-order mark', '\uFEFF'],
  ['a Hangul filler', '\u3164'],
  ['a combining joiner', '\u034F'],
  ['a variation selector', '\uFE01'],
  ['one that colours a letter', 'a\uFE0F'],
  ['a supplementary variation selector', '\u{E0101}'],
  ['a tag letter', '\u{E0061}'],
  ['a blank Braille cell', '\u2800'],
  ['a line separator', '\u2028'],
  ['a paragraph separator', '\u2029'],
  ['a terminal escape', '\u001B[2K'],
  ['a NUL', '\u0000'],
  ['a private character', '\uE000'],
  ['half of a character', '\uD83D'],
  ['a musical format character', '\u{1D173}'],
] as const;

describe('facts on a card', () => {
  it.each(HIDDEN)('make %s visible', (_name, hidden) => {
    const [fact] = factsOf({ args: { [`to${hidden}`]: `dana${hidden}@corp.test` } });

    expect(fact?.value).toMatch(/^dana.*⟨U\+[0-9A-F]{4,6}⟩.*@corp\.test$/);
    expect(fact?.label).toContain('⟨U+');
  });

  it('let nothing through that cannot be seen, whatever the arguments', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const shown = visible(text).replaceAll(/\p{Extended_Pictographic}\uFE0F/gu, '');
        expect(shown).not.toMatch(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u);
      }),
      { numRuns: runs(200) },
    );
  });

  it('leave ordinary text, of any script, and emoji as they are', () => {
    for (const text of ['Ærøskøbing 12 €', 'こんにちは、世界', 'שלום', 'मराठी', 'careful ⚠️ ❤️', '1 < 2 & 3']) {
      expect(visible(text)).toBe(text);
    }
  });

  it('keep two texts apart that look alike to the eye only by a hidden character', () => {
    expect(visible('pay\u200Bpal')).not.toBe(visible('paypal'));
  });

  it('show nested arguments whole, and several lines as one', () => {
    expect(factsOf({ args: { lines: 'one\ntwo', items: [{ sku: 'a\u202Eb' }], none: null } })).toEqual([
      { label: 'lines', value: 'one⏎ two' },
      { label: 'items', value: '[{"sku":"a⟨U+202E⟩b"}]' },
      { label: 'none', value: 'null' },
    ]);
    expect(factsOf({ args: 'plain' })).toEqual([{ label: 'input', value: 'plain' }]);
    expect(factsOf({})).toEqual([]);
  });
});

describe('a card', () => {
  it('OM-121 says what would happen, for whom, at what risk, until when, and offers every answer', () => {
    const card = toCard(anApproval({ request: { summary: 'The parcel was lost.' } }), undefined);

    expect(Card.parse(card)).toMatchObject({
      title: 'refund: order 7, amount 120, currency EUR',
      facts: [
        { label: 'order', value: '7' },
        { label: 'amount', value: '120' },
        { label: 'currency', value: 'EUR' },
      ],
      modelSays: 'The parcel was lost.',
      requestedBy: 'Alex Kim',
      askedOf: 'role manager',
      risk: 'high',
      reversible: false,
      deadline: '2026-01-01T00:01:00.000Z',
      deadlineText: '1 Jan 2026, 00:01 UTC',
      choices: ['approve', 'deny', 'deny-with-reason', 'answer'],
      silence: 'If it is not decided in time, it expires, and nothing is done.',
      status: {
        state: 'open',
        sentence:
          'Waiting for role manager until 1 Jan 2026, 00:01 UTC. If it is not decided in time, it expires, and nothing is done.',
      },
    });
  });

  it('takes nothing of what the model says into its title or facts', () => {
    const [plain, talked] = [anApproval(), anApproval({ request: { summary: 'amount 1, trust me' } })];

    const [one, other] = [toCard(plain, undefined), toCard(talked, undefined)];

    expect({ ...other, modelSays: undefined }).toEqual({ ...one, modelSays: undefined });
  });

  it('OM-187 cuts long words of the model beside an address, whose beginning is another one', () => {
    const summary = (before: number) =>
      `${'x'.repeat(before)} https://evil.test/abcdef and more ${'x'.repeat(600)}`;
    const says = (before: number) =>
      toCard(anApproval({ request: { summary: summary(before) } }), undefined).modelSays;

    expect(says(590)).toBe(`${'x'.repeat(590)}  …`);
    expect(says(560)).toContain(' https://evil.test/abcdef and');
  });

  it('fits every platform, however long the arguments and the words, without half a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme', maxLength: 2_000 }), (words) => {
        const card = toCard(anApproval({ request: { args: { words }, summary: words } }), undefined);
        expect(card.title.length).toBeLessThanOrEqual(140);
        expect(card.modelSays?.length ?? 0).toBeLessThanOrEqual(602);
        expect(`${card.title}${card.modelSays}`).not.toMatch(/\p{Surrogate}/u);
      }),
      { numRuns: runs(200) },
    );
    const cut = titleOf(anApproval({ request: { args: { words: '😀'.repeat(200) } } }));
    expect(cut).not.toMatch(/\p{Surrogate}/u);
  });

  it('offers nothing once it is over, and names the one who decided, where and when', () => {
    const approval = anApproval();
    const { result } = vote(
      approval,
      aVote(approval, { choice: 'deny', text: 'too\u202E much', via: EMAIL }),
      OPENED_MS,
    );

    expect(toCard(result.approval, { token: 't', approveCode: 'a', denyCode: 'd' })).toMatchObject({
      choices: [],
      status: {
        state: 'denied',
        sentence: 'Denied by Dana by e-mail, 1 Jan 2026, 00:00 UTC: “too⟨U+202E⟩ much”. Nothing was done.',
      },
    });
    expect(toCard(result.approval, { token: 't', approveCode: 'a', denyCode: 'd' }).reply).toBeUndefined();
  });

  it('is not sent for the first time when all is over, but where the conversation is', () => {
    const approval = anApproval();
    const { result } = vote(approval, aVote(approval), OPENED_MS);
    const ended = { ...result.approval, state: 'EXECUTED' as const };
    const [here, dana] = ended.copies;

    expect(isWorthSending(approval, dana!)).toBe(true);
    expect(isWorthSending(ended, dana!)).toBe(false);
    expect(isWorthSending(ended, here!)).toBe(true);
    expect(isWorthSending(ended, { ...dana!, ref: 'mail-1', shown: ended.face - 1 })).toBe(true);
    expect(isWorthSending(ended, { ...dana!, ref: 'mail-1', shown: ended.face })).toBe(false);
  });
});

describe('those who may decide by name', () => {
  const [dana, odd] = ['dana', 'constructor'].map((id) => PersonId.parse(id));
  const approvers = { atLeast: 1, of: [{ person: dana! }, { person: odd! }] };
  const ladder = [{ kind: 'escalate' as const, approvers: { person: dana! }, forMs: 60_000 }];

  it('are called as people know them, and by their id where nobody knew their name', () => {
    const named = standing(
      anApproval({ policy: { approvers, ladder, called: { dana: 'Dana\u202E Reyes' } } }),
    );
    const unnamed = standing(anApproval({ policy: { approvers, ladder } }));

    expect(named).toContain('Waiting for Dana⟨U+202E⟩ Reyes or constructor until');
    expect(named).toContain('Dana⟨U+202E⟩ Reyes may decide it as well');
    expect(unnamed).toContain('Waiting for dana or constructor until');
  });
});

describe('what people are told', () => {
  const open = anApproval();
  const approved = vote(open, aVote(open), OPENED_MS).result.approval;
  const told = (approval: Approval, wish: Parameters<typeof aVote>[1], nowMs = OPENED_MS) =>
    noticeFor(vote(approval, aVote(approval, { key: 'another', ...wish }), nowMs).result);

  it.each([
    ['DECIDED', told(open, {}), /^Recorded\. Approved by Dana on Slack/],
    ['REPLAY', noticeFor(vote(approved, aVote(approved), OPENED_MS).result), /^Recorded\. Approved by Dana/],
    [
      'ALREADY',
      told(approved, { choice: 'deny', person: 'lee' }),
      /settled before your answer came.*Approved by Dana/,
    ],
    ['LATE', told(open, {}, open.deadlineMs), /after the deadline, so it was not counted\. Expired/],
    ['STALE_CARD', told(open, { gen: 0 }), /not what is being asked now/],
    ['CONTENT_CHANGED', told(open, { digest: 'x' }), /not what is being asked now/],
    ['NOT_ELIGIBLE, asked for it', told(open, { person: 'alex' }), /You asked for this yourself/],
    [
      'NOT_ELIGIBLE, spoke before it was asked',
      told({ ...open, request: { ...open.request, lineage: [PersonId.parse('dana')] } }, {}),
      /or spoke here before I asked, so somebody else/,
    ],
    [
      'NOT_ELIGIBLE',
      told(open, { roles: ['member'] }),
      /not one of those who may decide this \(role manager\)/,
    ],
    ['INVALID', told(open, { choice: 'answer', text: ' ' }), /an answer needs some text/],
    [
      'REFRESHED',
      told(anApproval({ policy: { choices: ['approve', 'deny', 'edit'] } }), {
        choice: 'edit',
        edit: { why: '0 was, 80 is', preview: { changes: [], basis: '80' } },
      }),
      /^Nothing was decided: 0 was, 80 is\. It is shown as it is now, .* Please look at it again\.$/,
    ],
    [
      'NOT_OFFERED',
      told(anApproval({ policy: { choices: ['approve', 'deny'] } }), { choice: 'answer', text: 'x' }),
      /not offered here/,
    ],
    [
      'STEP_UP',
      told(anApproval({ policy: { approveFrom: [SLACK] } }), { via: EMAIL }),
      /only taken from Slack.*you can still say no/,
    ],
  ])('OM-124 says why an answer counted or did not: %s', (_code, sentence, expected) => {
    expect(sentence).toMatch(expected);
  });

  it('says of somebody a word cannot be passed to the one reason that is true', () => {
    const result = { code: 'EXCLUDED' as const, approval: open };

    expect(delegateText(result, { to: 'Alex Kim', isSame: false })).toBe(
      'Alex Kim cannot decide this: it is asked on their behalf. Nothing has changed.',
    );
    expect(delegateText(result, { to: 'Dana Reyes', isSame: true })).toBe(
      'You can decide this yourself already. Nothing has changed.',
    );
  });

  it('does not repeat to somebody the words they have just written', () => {
    expect(told(open, { choice: 'deny', text: 'much too much' })).toMatch(
      /^Recorded\. Denied by Dana on Slack, [^:]+:\d\d UTC\. Nothing was done\.$/,
    );
  });

  it('OM-124 takes a no from anywhere, also where a yes is not enough', () => {
    const approval = anApproval({ policy: { approveFrom: [SLACK] } });

    expect(vote(approval, aVote(approval, { choice: 'deny', via: EMAIL }), OPENED_MS).result.code).toBe(
      'DECIDED',
    );
  });

  it('OM-124 brings the words of a decision to the agent', () => {
    const denied = vote(open, aVote(open, { choice: 'deny', text: 'only with a receipt' }), OPENED_MS).result;
    const answered = vote(open, aVote(open, { choice: 'answer', text: 'use order 8' }), OPENED_MS).result;

    expect(outcomeText(denied.approval)).toContain('denied. Denied by Dana');
    expect(outcomeText(denied.approval)).toContain('only with a receipt');
    expect(outcomeText(answered.approval)).toContain('"use order 8"');
  });

  it('A15 never calls silence a refusal', () => {
    const expired = tick(tick(open, open.deadlineMs).moved!.next, open.deadlineMs);
    const { next } = tick(open, open.deadlineMs).moved!;

    expect(expired.result).toBe('nothing');
    for (const sentence of [standing(next), outcomeText(next), waitingText(next)]) {
      expect(sentence).toMatch(/expired/i);
      expect(sentence).not.toMatch(/denied|refused/i);
    }
  });

  describe('of a request that was not decided in time', () => {
    const two = { role: RoleName.parse('manager'), count: 2 };
    const choices = ['approve', 'deny', 'ask'] as const;
    const atDeadline = (approval: Approval) => tick(approval, approval.deadlineMs).moved!.next;
    const withYes = (policy: object) => {
      const opened = anApproval({ policy: { approvers: two, remindAfterMs: [], ...policy } });
      return vote(opened, aVote(opened), OPENED_MS + 1).moved!.next;
    };
    const withQuestion = () => {
      const opened = anApproval({ policy: { choices: [...choices], remindAfterMs: [] } });
      const { choice: _, ...question } = aVote(opened, { text: 'which?', key: 'q' });
      return ask(opened, question, OPENED_MS + 1).moved!.next;
    };

    it('A15 who had said yes, and how many more it needed', () => {
      const expired = atDeadline(withYes({}));

      expect(standing(expired)).toBe(
        'Expired on 1 Jan 2026, 00:01 UTC: Dana on Slack had said yes, one more was needed. Nothing was done.',
      );
      expect(outcomeText(expired)).toContain('Dana on Slack had said yes, one more was needed');
    });

    it('A15 whom it takes, where that is no number', () => {
      const all = { atLeast: 2, of: [two, { role: RoleName.parse('director') }] };

      expect(standing(atDeadline(withYes({ approvers: all })))).toContain(
        'Dana on Slack had said yes, and it takes 2 of role manager and role director.',
      );
    });

    it('A15 who had said no, where one no is not enough', () => {
      const opened = anApproval({
        policy: { approvers: { role: RoleName.parse('manager') }, denyRule: 'enough', remindAfterMs: [] },
      });
      const no = vote(opened, aVote(opened, { choice: 'deny' }), OPENED_MS + 1).moved!.next;

      expect(standing(atDeadline(no))).toContain(': Dana on Slack had said no. Nothing was done.');
    });

    it('A15 everybody who said no, where it took several', () => {
      const opened = anApproval({
        policy: {
          approvers: { role: RoleName.parse('manager'), count: 2 },
          denyRule: 'enough',
          remindAfterMs: [],
        },
      });
      const others = ['dana', 'erin', 'lee'].map((person) => ({
        person: PersonId.parse(person),
        roles: ['manager'],
      }));
      const first = aVote(opened, { choice: 'deny', text: 'too much', others });
      const one = vote(opened, first, OPENED_MS).moved!.next;
      const second = aVote(one, { choice: 'deny', person: 'erin', text: 'not now', others });
      const denied = vote(one, second, OPENED_MS + 1).moved!.next;

      expect(standing(denied)).toMatch(
        /^Denied by Dana on Slack and erin on Slack, .*\. Dana: “too much” erin: “not now” Nothing was done\.$/,
      );
    });

    it('A15 whose question nobody answered', () => {
      const asked = withQuestion();

      expect(standing(atDeadline(asked))).toContain(
        ': Dana had asked a question that nobody answered: “which?”. Nothing was done.',
      );
    });

    it('A15 nothing of silence, where a question was replied to', () => {
      const asked = withQuestion();
      const word = { key: 'r', by: { person: ALEX, name: 'Alex' }, via: SLACK, text: 'the blue one' };
      const replied = reply(asked, { ...word, operates: false }, OPENED_MS + 2).moved!.next;

      expect(standing(atDeadline(replied))).toContain(': nobody decided in time. Nothing was done.');
    });

    it('when it goes on to others, or the policy answers', () => {
      const director = { role: RoleName.parse('director') };
      const further = atDeadline(
        withYes({ ladder: [{ kind: 'escalate', approvers: director, forMs: 60_000 }] }),
      );
      const answered = atDeadline(
        withYes({ choices: ['approve', 'answer'], ladder: [{ kind: 'default', text: 'no' }] }),
      );

      expect(standing(further)).toMatch(/Dana on Slack has said yes; more are needed\..*not decided in time/);
      expect(unaskedFurtherText(further, director)).toContain(
        'Dana on Slack had said yes, and it takes 2 of role manager or role director.',
      );
      expect(standing(answered)).toBe(
        'Dana on Slack had said yes, one more was needed. So the policy answered: “no”.',
      );
      for (const approval of [further, answered]) expect(standing(approval)).not.toMatch(/nobody/i);
    });
  });

  it('says how a program replies to a question, and until when the question waits', () => {
    const opened: Approval = {
      ...anApproval({ policy: { choices: ['approve', 'ask'], pauseMs: 600_000 } }),
      client: { name: 'billing', key: 'k', fingerprint: 'f', permit: false },
    };
    const { choice: _, ...question } = aVote(opened, { text: 'which?', key: 'q' });
    const asked = ask(opened, question, OPENED_MS).moved!.next;

    expect(standingForClient(asked)).toContain(`POST /approvals/${opened.id}/replies`);
    expect(toCard(asked, undefined).status.sentence).not.toContain('POST');
    expect(standing(asked)).toContain(
      `has to reply to it (through the program that asked, “billing”). It waits until 1 Jan 2026, 00:11 UTC at the latest. If it is not decided in time, it expires`,
    );
    expect(standing({ ...asked, client: undefined })).toContain(`(reply ${opened.id}.1 and the words)`);
    expect(questionText(asked, asked.talk![0]!)).toContain('no longer than until 1 Jan 2026, 00:11 UTC');
  });

  it('OM-123 says that it is the last reminder, and what comes then', () => {
    const opened = anApproval({ policy: { remindAfterMs: [60_000], warnBeforeMs: 60_000 } });
    const warned: Approval = { ...opened, reminded: 1 };

    expect(reminderText({ ...opened, warnMs: OPENED_MS + 600_000 })).toMatch(/^\*\*Reminder:/);
    expect(reminderText({ ...warned, warnMs: OPENED_MS + 600_000 })).toMatch(/^\*\*Reminder:/);
    expect(reminderText(warned)).toMatch(/^\*\*Last reminder before time is up:/);
    expect(reminderText(warned)).toContain('If it is not decided in time, it expires, and nothing is done.');
  });

  it('says when a call runs that somebody holds who has the conversation, to whoever said yes and on the card', () => {
    const hold = 'Dana has the conversation, and it runs when they hand that back';

    const told = noticeFor({ code: 'DECIDED', approval: approved }, hold);

    expect(told).toContain(`It has not run yet: ${hold}.`);
    expect(toCard(approved, undefined, undefined, hold).status.sentence).toContain(hold);
    expect(standing(approved)).toMatch(/It has not run yet\.$/);
  });

  it('says of a program outside only what is known: that it did not report in time', () => {
    const client = { name: 'billing', key: 'k', fingerprint: 'f', permit: true };
    const running = claim(approved, 'w1', approved.digest, OPENED_MS).moved!.next;
    const { next } = tick({ ...running, client }, OPENED_MS + 3_600_000).moved!;

    expect(standing(next)).toContain('had not reported what came of it when its time for that was over');
    expect(standing(next)).not.toContain('stopped');
  });

  it('says that an unknown outcome is unknown, and asks for somebody to look', () => {
    const running = claim(approved, 'w1', approved.digest, OPENED_MS).moved!.next;
    const { next } = tick(running, OPENED_MS + 3_600_000).moved!;

    expect(standing(next)).toMatch(/nobody can tell whether it happened/);
    expect(reminderText(next)).toContain('approvals reconcile');
  });

  it('names the newer request that took the place of one, and the older one on the card of the newer', () => {
    const newer = { ...anApproval({ tail: 'newer0000000' }), supersedes: [anApproval().id] };
    const { next } = supersede(
      anApproval({ policy: { onNewMessage: 'supersede' } }),
      newer,
      OPENED_MS + 60_000,
    ).moved!;
    const late = vote(next, aVote(next), OPENED_MS + 120_000).result;

    expect(standing(next)).toBe(
      `Replaced by Alex Kim on Slack, 1 Jan 2026, 00:01 UTC: ${newer.id} takes its place. Nothing was done.`,
    );
    expect(outcomeText(next)).toContain(': superseded. Replaced by');
    expect(noticeFor(late)).toContain('so your answer changed nothing. Replaced by Alex Kim');
    expect(reopenText('REPLACED', next)).toContain(newer.id);
    expect(standing(newer)).toContain(`It takes the place of ${next.id}.`);
    expect(waitingText(newer)).toContain(`It takes the place of ${next.id}, which will not run any more.`);
  });

  it('is handed over, and does not run here, where a program acts on a yes by itself', () => {
    const client = { name: 'billing', key: 'k', fingerprint: 'f' };
    const running = { ...anApproval(), state: 'EXECUTING' as const };

    expect(standing({ ...running, client: { ...client, permit: false } })).toContain(
      'handed over to billing.',
    );
    expect(standing({ ...running, client: { ...client, permit: true } })).toContain('It is running now.');
  });

  it('OM-185 says why somebody cannot take a place: it is their own, or it is asked on their behalf', () => {
    const excluded = { code: 'EXCLUDED' as const, approval: anApproval() };

    expect(reassignText(excluded, { to: 'Dana', from: 'Dana', isSame: true })).toMatch(
      /^Dana is the one in whose/,
    );
    expect(reassignText(excluded, { to: 'Kim', from: 'Kim', isSame: false })).toBe(
      'Kim cannot decide this: it is asked on their behalf. Nothing has changed.',
    );
  });

  it('has a sentence for every state there is', () => {
    const running = claim(approved, 'w1', approved.digest, OPENED_MS).moved!.next;
    const done = complete(running, 1, { status: 'ok', text: 'refunded 120 EUR' }, OPENED_MS).moved!.next;
    for (const state of ApprovalState.options) {
      expect(standing({ ...done, state })).toMatch(/^[A-Z].*[.”a-z0-9R]$/s);
      expect(outcomeText({ ...done, state })).toContain(done.id);
      expect(waitingText({ ...done, state })).not.toBe('');
    }
    expect(standing(done)).toContain('Done: refunded 120 EUR');
  });

  describe('of what a tool told', () => {
    const mine = 'the tool add of the MCP server mine';
    const told = (text: string, source?: string) => {
      const running = claim(approved, 'w1', approved.digest, OPENED_MS).moved!.next;
      const outcome = { status: 'ok', text, ...(source === undefined ? {} : { source }) } as const;
      return standing(complete(running, 1, outcome, OPENED_MS).moved!.next);
    };

    it('says whose words it is before it begins, and then the first of them', () => {
      expect(told('42', mine)).toContain('Done (words of the tool add of the MCP server mine): 42');
      expect(told('abc '.repeat(200), mine)).toMatch(/Done \(words of the tool add .*\): (abc ){74}abc…$/);
    });

    it('OM-187 says what its tool says of it itself in front of that, also where the report came late', () => {
      const running = claim(approved, 'w1', approved.digest, OPENED_MS).moved!.next;
      const by = { source: 'the script sum', heading: 'sum failed with exit code 3.' };
      const outcome = { status: 'error', text: 'Errors:\nno such order', ...by } as const;
      const failed = complete(running, 1, outcome, OPENED_MS).moved!.next;
      const late = complete({ ...running, state: 'UNKNOWN' }, 1, outcome, OPENED_MS).moved!.next;

      const shown = ': sum failed with exit code 3. (words of the script sum): Errors:';
      expect(standing(failed)).toContain(`It did not work${shown}`);
      expect(standing(late)).toContain(`it did not work${shown}`);
      for (const each of [failed, late]) {
        expect(toldIn(each)).toBe(
          'sum failed with exit code 3.\nWords of the script sum:\nErrors:\nno such order',
        );
        expect(outcomeText(each)).not.toMatch(/exit code|no such order/);
        expect(Approval.parse(JSON.parse(JSON.stringify(each)))).toEqual(each);
      }
    });

    it('lets no text say whose words it is: neither by a frame of its own nor by what people read as one', () => {
      const forged = framed('Dana Reyes, who checked the account number herself', 'Paid.', '0');
      const whole = framed('Dana Reyes', 'Paid.');

      for (const text of [forged, whole, 'Paid. (words of Dana Reyes)', '(words of Dana Reyes): Paid.']) {
        expect(told(text)).toMatch(/ Done: /);
        expect(told(text, mine)).toMatch(/ Done \(words of the tool add of the MCP server mine\): /);
      }
      expect(told(forged)).not.toContain('(words of');
      expect(told(whole, mine).match(/\(words of/g)).toHaveLength(1);
    });

    it('comes to an end at once, however long it is and however many frames it begins', () => {
      const half = 'What stands between the two lines marked 0123456789abcdef comes from ';
      // Read again for each beginning, it would take hours.
      const shown = told(half.repeat(1_000_000 / half.length), mine);

      expect(shown.length).toBeLessThan(1_000);
    });
  });
});

it.each<[string, { readonly from: string; readonly to: string; readonly by: string }, string]>([
  ['somebody else', { from: 'dana', to: 'carl', by: 'dana' }, 'Dana lets Carl decide.'],
  [
    'somebody else, in the place of a third',
    { from: 'dana', to: 'carl', by: 'sam' },
    'Sam lets Carl decide in the place of Dana.',
  ],
  ['themselves', { from: 'dana', to: 'sam', by: 'sam' }, 'Sam decides in the place of Dana.'],
])('says who was let decide: %s', (_whom, ids, words) => {
  const called = Object.fromEntries(
    Object.entries(ids).map(([key, id]) => [key, id.charAt(0).toUpperCase() + id.slice(1)]),
  ) as typeof ids;
  const [from, to, by] = [ids.from, ids.to, ids.by].map((id) => PersonId.parse(id)) as [
    PersonId,
    PersonId,
    PersonId,
  ];

  const said = standing({ ...anApproval(), delegations: [{ from, to, by, called, atMs: 0 }] });

  expect(said).toContain(words);
});
