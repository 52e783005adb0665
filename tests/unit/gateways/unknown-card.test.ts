/** A card whose outcome nobody knows, as each platform shows it: who looked can say what came of it. */
import { describe, expect, it } from 'vitest';
import { parseLine } from '../../../gateways/cli/inbound.ts';
import { renderCard } from '../../../gateways/cli/outbound.ts';
import { PLAIN } from '../../../gateways/cli/paint.ts';
import { toCard as toDiscordCard } from '../../../gateways/discord/card.ts';
import { parseCustomId } from '../../../gateways/discord/custom-id.ts';
import { questionBody } from '../../../gateways/email/approval-mail.ts';
import { toCardComments } from '../../../gateways/jira/card.ts';
import { toCard as toSlackCard } from '../../../gateways/slack/card.ts';
import { aCard } from '../../support/slack-gateway.ts';

const ID = 'apr_p7_0123456789ab';
const card = aCard({
  choices: ['happened', 'did-not-happen', 'retry'],
  status: { state: 'unknown', sentence: 'Nobody can tell whether it happened.' },
  reply: { token: 't'.repeat(40), approveCode: 'K7QMX', denyCode: 'D4WRP' },
});

describe('a card of which nobody knows what came of it', () => {
  it('has three buttons on Slack, and asks nobody to decide', () => {
    const { blocks, text } = toSlackCard(card);

    expect(blocks.at(-1)).toMatchObject({
      elements: [
        { action_id: 'signalbox.happened', text: { text: 'It ran' } },
        { action_id: 'signalbox.did_not_happen', text: { text: 'It did not run' } },
        { action_id: 'signalbox.retry', text: { text: 'Run it again' } },
      ],
    });
    expect(text).not.toContain('Approval needed');
    expect(JSON.stringify(blocks)).not.toContain('decide by');
  });

  it('has three buttons on Discord, whose ids say what was pressed', () => {
    const { components, content } = toDiscordCard(card);

    const ids = components[0]?.components.map(({ custom_id }) => parseCustomId(custom_id)?.pressed);
    expect(ids).toEqual(['happened', 'did-not-happen', 'retry']);
    expect(content).not.toContain('Approval needed');
  });

  it('names three lines in Jira', () => {
    const [comment] = toCardComments(card, []);

    expect(comment).toContain(
      `{noformat}\nhappened ${ID}.1\ndid-not-happen ${ID}.1\nretry ${ID}.1\n{noformat}`,
    );
    expect(comment).not.toMatch(/Approval needed|decide before/);
  });

  it('names three lines by mail, each with its code', () => {
    const { text } = questionBody(card, 'signalbox@gateway.test', 'What came of it?');

    expect(text).toContain('happened K7QMX\ndid-not-happen D4WRP\nretry K7QMX\n');
    expect(text).toContain('What is known: Nobody can tell whether it happened.');
    expect(text).not.toMatch(/Decide before|waiting for your decision/);
  });

  it('names three commands at the terminal, which are read there', () => {
    const shown = renderCard(card, PLAIN, true);

    for (const choice of ['happened', 'did-not-happen', 'retry'] as const) {
      expect(shown).toContain(`/${choice} ${ID}`);
      expect(parseLine(`/${choice} ${ID}`)).toMatchObject({ kind: 'answer', choice, approvalId: ID });
      expect(parseLine(`/${choice} ${ID} maybe`)).toMatchObject({ kind: 'mistake' });
    }
    expect(shown).not.toContain('To be decided');
  });
});
