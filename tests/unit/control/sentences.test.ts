import { describe, expect, it } from 'vitest';
import { ticketFor } from '../../../src/control/control-store.ts';
import { takeOverText } from '../../../src/control/sentences.ts';
import { type TakeOverResult, takeOver, untouched } from '../../../src/domain/control.ts';
import { ConversationId, PersonId } from '../../../src/domain/ids.ts';

const TALK = ConversationId.parse('email:t');
const DANA = { person: PersonId.parse('dana'), name: 'Dana Reyes' };

describe('whoever has taken a conversation over', () => {
  it.each<[string, TakeOverResult]>([
    ['now', taken()],
    ['already', { code: 'ALREADY', control: taken().control }],
  ])('OM-053 %s is told the command that hands it back where they read that', (_, result) => {
    expect(takeOverText(result, 'this conversation')).toContain('`/handback`');
    expect(takeOverText(result, 'that conversation')).toContain(`\`/handback ${ticketFor(TALK)}\``);
  });
});

function taken(): TakeOverResult {
  return takeOver(untouched(TALK), { by: DANA, permitted: true, idleMs: 60_000 }, 0).result;
}
