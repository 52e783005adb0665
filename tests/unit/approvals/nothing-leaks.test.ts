/** What people read of a request shows no secret, and nothing that opens by itself where strangers may have written it. */
import { describe, expect, it } from 'vitest';
import { toCard } from '../../../src/approvals/card.ts';
import { outcomeText, standing, titleOf, toldIn } from '../../../src/approvals/sentences.ts';
import { Trust } from '../../../src/domain/provenance.ts';
import type { Saga } from '../../../src/domain/saga.ts';
import { KnownSecrets } from '../../../src/observability/known-secrets.ts';
import { raisedText, troubleText } from '../../../src/plans/sentences.ts';
import type { Schedule } from '../../../src/scheduler/schedule.ts';
import { beginningText, stoppedText, waitingText } from '../../../src/scheduler/sentences.ts';
import { ALEX, anApproval, OPENED_MS } from '../../support/approvals.ts';

const TOKEN = 'xoxb-123456789012-abcdefghijkl';
const LINK = 'https://evil.test/login?u=dana';

describe('what people read of a request', () => {
  it('OM-187 shows no secret of its arguments, of what the model says, or of what it would change', () => {
    const changes = [{ label: 'note', before: null, after: `token ${TOKEN}` }];
    const approval = anApproval({
      request: {
        args: { order: 7, reason: `token ${TOKEN}`, [TOKEN]: { deep: [TOKEN] } },
        summary: `The token is ${TOKEN}.`,
        preview: { changes } as never,
      },
    });

    const card = toCard(approval, undefined);

    expect(JSON.stringify(card)).not.toContain(TOKEN);
    expect(card.facts.map(({ value }) => value)).toContain('token [redacted]');
    expect(titleOf(approval)).not.toContain(TOKEN);
    expect(approval.request.args).toMatchObject({ reason: `token ${TOKEN}` });
  });

  it('OM-187 shows a beginning of what came of it, which opens nothing, and the agent is told all of it', () => {
    const page = `Confirm at ${LINK}, token ${TOKEN}. ${'More. '.repeat(200)}The end.`;
    const trust = Trust.parse('web');
    for (const [state, status] of [
      ['EXECUTED', 'ok'],
      ['FAILED', 'error'],
    ] as const) {
      const result = { status, text: page, atMs: OPENED_MS, trust };
      const approval = { ...anApproval(), state, result };

      const said = standing(approval);
      expect(said).not.toContain(TOKEN);
      expect(said).not.toContain(LINK);
      expect(said).toContain('https[:]//evil[.]test/login?u=dana');
      expect(said.length).toBeLessThan(600);
      expect(outcomeText(approval)).not.toContain('Confirm at');
      expect(toldIn(approval)).toContain('The end.');
    }
  });

  it('OM-187 shows nothing of the configuration that is a secret, in whatever way it is spelled', () => {
    const secrets = new KnownSecrets(() => ({ secrets: ['hunter2hunter2'] }));
    const hex = Buffer.from('hunter2hunter2').toString('hex');
    const card = { title: 'x hunter2hunter2', facts: [{ label: 'a', value: `b ${hex}` }], gen: 1 };

    expect(secrets.without(card)).toEqual({
      title: 'x [redacted]',
      facts: [{ label: 'a', value: 'b [redacted]' }],
      gen: 1,
    });
  });
});

describe('what people read of what the agent has planned', () => {
  it('OM-187 shows no secret of a title, and nothing in it opens by itself', () => {
    const schedule = {
      id: 's',
      by: { person: ALEX, name: 'Alex' },
      title: `${LINK} ${TOKEN}`,
      text: 'x',
      when: { kind: 'cron', expression: '0 9 * * *', zone: 'UTC' },
    } as unknown as Schedule; // all that a sentence needs
    for (const said of [
      beginningText(schedule, { plannedMs: 0, lateMs: 0 } as never),
      waitingText(schedule, { resetMs: 0 } as never),
      stoppedText(schedule),
    ]) {
      expect(said).not.toContain(TOKEN);
      expect(said).not.toContain('evil.test');
    }
  });

  it('OM-187 shows nothing that opens by itself of what the steps of a plan told, and no secret', () => {
    const step = { tool: 'look', words: LINK, runs: 1, undos: 0 };
    const outcome = { status: 'ok', text: `Confirm at ${LINK}, token ${TOKEN}` };
    const saga = {
      id: 's',
      title: `see ${LINK}`,
      state: 'raised',
      steps: [
        { ...step, state: 'done', outcome },
        { ...step, state: 'unknown' },
      ],
    } as unknown as Saga; // all that a sentence needs
    for (const said of [raisedText(saga), troubleText(saga)]) {
      expect(said).not.toContain(TOKEN);
      expect(said).not.toContain('evil.test');
    }
  });
});
