/** What people are told of the deadline, and of where a yes is taken, wherever a card is shown. */
import { describe, expect, it } from 'vitest';
import { renderCard } from '../../../gateways/cli/outbound.ts';
import { PLAIN } from '../../../gateways/cli/paint.ts';
import { toCard as toDiscordCard } from '../../../gateways/discord/card.ts';
import { questionBody } from '../../../gateways/email/approval-mail.ts';
import { toCardComments } from '../../../gateways/jira/card.ts';
import { toCard as toSlackCard } from '../../../gateways/slack/card.ts';
import { toView } from '../../../src/api/view.ts';
import { toCard } from '../../../src/approvals/card.ts';
import { reminderText } from '../../../src/approvals/sentences.ts';
import type { Approval } from '../../../src/domain/approval/record.ts';
import type { Card } from '../../../src/domain/card.ts';
import { Platform } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import { type ApprovalWish, anApproval, EMAIL, SLACK } from '../../support/approvals.ts';

const REPLY = { token: 't'.repeat(40), approveCode: 'K7QMX', denyCode: 'D4WRP' };

const mailOf = (card: Card) => questionBody(card, 'signalbox@gateway.test', 'Approval needed');

/** Every renderer there is, as one text of what it shows. */
const SURFACES: readonly (readonly [string, (card: Card) => string])[] = [
  ['Slack', (card) => JSON.stringify(toSlackCard(card).blocks)],
  ['a notification of Slack', (card) => toSlackCard(card).text],
  ['Discord', (card) => toDiscordCard(card).embeds[0]?.description ?? ''],
  ['Jira', (card) => toCardComments(card, []).join('\n')],
  ['a mail', (card) => mailOf(card).text],
  ['a mail in HTML', (card) => JSON.stringify(mailOf(card).html)],
  ['a terminal', (card) => renderCard(card, PLAIN, true)],
];

const director = { role: RoleName.parse('director') };
const harmless = { risk: 'low', reversible: true } as const;

const ENDINGS: readonly (readonly [string, ApprovalWish, string])[] = [
  ['expires', {}, 'it expires, and nothing is done.'],
  [
    'runs',
    { request: harmless, policy: { ladder: [{ kind: 'approve' }] } },
    'that counts as a yes, and it runs.',
  ],
  [
    'expires, because it is not harmless',
    { policy: { ladder: [{ kind: 'approve' }] } },
    'it expires, and nothing is done.',
  ],
  [
    'is answered',
    { policy: { ladder: [{ kind: 'default', text: 'ask tomorrow' }] } },
    'it is answered with “ask tomorrow”, and nothing is done.',
  ],
  [
    'goes to others, and runs then',
    {
      request: harmless,
      policy: { ladder: [{ kind: 'escalate', approvers: director, forMs: 60_000 }, { kind: 'approve' }] },
    },
    'role director may decide it as well; if it is not decided then either, that counts as a yes, and it runs.',
  ],
];

describe.each(ENDINGS)('a request that %s when nobody decides', (_ending, wish, expected) => {
  const approval = anApproval(wish);
  const sentence = `If it is not decided in time, ${expected}`;

  it.each(SURFACES)('OM-121 says so on %s', (_surface, shown) => {
    expect(shown(toCard(approval, REPLY))).toContain(sentence);
  });

  it('says so over the API, and in every reminder', () => {
    expect(toView(approval).sentence).toContain(sentence);
    expect(reminderText(approval)).toContain(sentence);
  });

  it('says so no more once it is settled', () => {
    const settled: Approval = { ...approval, state: 'CANCELLED' };

    expect(toCard(settled, undefined).silence).toBeUndefined();
    expect(toCard(settled, undefined).status.sentence).not.toContain('not decided in time');
  });
});

describe('a deadline that is counted by working hours', () => {
  const hours = { name: 'office', zone: 'Europe/Berlin' };
  const card = toCard(anApproval({ policy: { hours } }), REPLY);

  it.each(SURFACES)('is told on the clock of those hours on %s', (_surface, shown) => {
    expect(shown(card)).toContain('1 Jan 2026, 01:01 (Europe/Berlin)');
    expect(shown(card)).not.toMatch(/UTC|2026-01-01/);
  });
});

describe('a card where a yes is not taken', () => {
  const approval = anApproval({ policy: { approveFrom: [SLACK, Platform.parse('jira')] } });
  const card = toCard(approval, REPLY, EMAIL);

  it.each(SURFACES.filter(([name]) => !name.startsWith('a notification')))(
    'OM-124 says where it is taken, and offers none, on %s',
    (_surface, shown) => {
      const text = shown(card);

      expect(text).toContain('A yes to this is only taken on Slack or in Jira; a no can be said here.');
      expect(text).not.toMatch(
        /^\W*\/?(?:approve|edit|always) |"(?:Approve|Change…|Always…)"|approve K7QMX/m,
      );
      expect(text).not.toMatch(/edit K7QMX|What is to be changed/);
    },
  );

  it('OM-124 takes a no, an answer and a question all the same', () => {
    const asked = anApproval({
      policy: { approveFrom: [SLACK], choices: ['approve', 'deny', 'answer', 'edit', 'ask'] },
    });

    expect(toCard(asked, REPLY, EMAIL).choices).toEqual(['deny', 'deny-with-reason', 'answer', 'ask']);
    expect(mailOf(toCard(asked, REPLY, EMAIL)).text).toContain('\ndeny D4WRP\n');
  });

  it('offers a yes where it is taken, and at any terminal where it is taken at the terminal', () => {
    const atTerminals = anApproval({ policy: { approveFrom: [Platform.parse('cli')] } });

    expect(toCard(approval, REPLY, SLACK).choices).toContain('approve');
    expect(toCard(approval, REPLY, SLACK).yesElsewhere).toBeUndefined();
    expect(toCard(atTerminals, undefined, Platform.parse('cli-a1b2')).choices).toContain('approve');
  });

  it('lets nobody run a call of unknown outcome again from there', () => {
    const unknown: Approval = { ...approval, state: 'UNKNOWN' };

    expect(toCard(unknown, REPLY, EMAIL)).toMatchObject({
      choices: ['happened', 'did-not-happen'],
      yesElsewhere: 'That it may run again is only taken on Slack or in Jira.',
    });
  });
});
