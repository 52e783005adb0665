/** What somebody means who writes a command about an escalation. */
import { describe, expect, it } from 'vitest';
import { AccountId, MessageId, PersonId, Platform } from '../../../src/domain/ids.ts';
import { RoleName } from '../../../src/domain/person.ts';
import type { EscalationAct } from '../../../src/escalation/escalation-desk.ts';
import { EscalationDirectives } from '../../../src/router/escalation-directives.ts';

const TICKET = 'esc_p0_0123456789ab';
const MINUTE = 60_000;

describe('/snooze', () => {
  it.each([
    ['', 60 * MINUTE, false],
    ['30m', 30 * MINUTE, false],
    ['2h instead', 120 * MINUTE, true],
    ['instead', 60 * MINUTE, true],
    ['2h INSTEAD', 120 * MINUTE, true],
  ])(
    'with "%s" behind the ticket puts it off for %d ms, instead of whoever has it: %s',
    async (rest, forMs, instead) => {
      expect(await actOf(`/snooze ${TICKET} ${rest}`)).toEqual({ kind: 'snooze', forMs, instead });
    },
  );

  it.each(['for ever', '2h please', '2hinstead'])('does not understand "%s"', async (rest) => {
    expect(await actOf(`/snooze ${TICKET} ${rest}`)).toMatch(/^For how long\?/);
  });
});

/** What is asked of the desk; or the sentence that says why nothing is. */
async function actOf(text: string): Promise<EscalationAct | string> {
  let asked: EscalationAct | undefined;
  const desk = {
    act: async (_gesture: unknown, act: EscalationAct) => {
      asked = act;
      return undefined;
    },
    listFor: async () => [],
  };
  const slack = Platform.parse('slack');
  const said = await new EscalationDirectives(desk).take(
    'snooze',
    {
      id: MessageId.parse('slack:C1:1'),
      text,
      sender: {
        account: AccountId.parse('slack:T1/U1'),
        displayName: 'Dana',
        authenticated: true,
        automatic: false,
      },
      replyTo: { platform: slack, route: { channel: 'C1' } },
    },
    { id: PersonId.parse('dana'), name: 'Dana', roles: [RoleName.parse('manager')] },
  );
  return asked ?? said;
}
