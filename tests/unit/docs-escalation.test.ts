/** What docs/escalation.md shows of steps and webhooks is what is read, and what is sent. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { WrittenPlan } from '../../src/config/escalation-plans.ts';
import { raise, tick } from '../../src/domain/escalation/course.ts';
import { EscalationPlan } from '../../src/domain/escalation/plan.ts';
import { ApprovalId, ConversationId, EscalationId } from '../../src/domain/ids.ts';
import { consequencesOf } from '../../src/escalation/consequences.ts';
import { surroundings } from '../support/escalation-world.ts';

const PAGE = readFileSync(join(import.meta.dirname, '../../docs/escalation.md'), 'utf8');
const [, STEPS = ''] = /^## Steps\n([\s\S]*?)^## /m.exec(PAGE) ?? [];

describe('the steps of docs/escalation.md', () => {
  const forms = [...STEPS.matchAll(/^\| `([^`]+)`/gm)].map(([, form = '']) => form);
  const withIds = [...STEPS.matchAll(/`(\{ \w+: [^`]*\bid: \w+ \})`/g)].map(([, form = '']) => form);

  it.each([...forms, ...withIds])('are read as they are written: %s', (form) => {
    const step = parse(form.replaceAll('…', 'dana'));

    const load = () => WrittenPlan.parse({ steps: [step], last_resort: 'dana' });

    expect(load).not.toThrow();
  });

  it('are all shown, with the form that takes an id where it is another', () => {
    const { oneOf, anyOf } = EscalationPlan.shape.steps.element.toJSONSchema() as {
      oneOf?: readonly unknown[];
      anyOf?: readonly unknown[];
    };

    const kinds = new Set(
      forms.map(
        (form) =>
          WrittenPlan.parse({ steps: [parse(form.replaceAll('…', 'dana'))], last_resort: 'dana' }).steps[0]
            ?.kind,
      ),
    );
    expect(kinds.size).toBe((oneOf ?? anyOf)?.length);
    expect(withIds).toHaveLength(2);
  });
});

describe('the call of a webhook in docs/escalation.md', () => {
  it('is what a step sends', () => {
    const [, shown = ''] = /^```json\n([\s\S]*?)^```/m.exec(PAGE) ?? [];
    const { type, timestamp, data } = JSON.parse(shown);
    const atMs = Date.parse(timestamp);
    const plan = EscalationPlan.parse({
      name: data.policy,
      steps: [{ kind: 'webhook', id: '1', webhook: 'pager' }],
      rounds: 1,
      lastResort: { who: [{ kind: 'person', person: 'dana' }], importance: 'urgent' },
      nagMs: 1,
      settleMs: 0,
      acknowledge: { remindMs: 1, withinMs: 1, goesOnAt: 'same' },
      maxAgeMs: 1_000,
      onWorse: { kind: 'restart' },
    });
    const { approvalId, conversationId } = data.subject;
    const report = {
      id: EscalationId.parse(data.escalation),
      key: 'it',
      subject: {
        kind: 'approval' as const,
        approvalId: ApprovalId.parse(approvalId),
        conversationId: ConversationId.parse(conversationId),
      },
      severity: data.severity,
      title: data.title,
      correlation: 'it',
      except: [],
    };
    const begun = raise(undefined, report, plan, atMs).moved!.next;
    const nobody = { hours: {}, schedules: {}, roles: {}, links: {}, posts: [] };
    const { moved } = tick(begun, surroundings(nobody, atMs));

    const effects = consequencesOf(begun, moved!, atMs);

    const bodies = effects.flatMap((effect) =>
      effect.kind === 'mail' || effect.kind === 'audit' || !('item' in effect)
        ? []
        : [(effect.item as { body?: unknown }).body].filter((body) => body !== undefined),
    );
    expect(bodies).toEqual([{ type, timestamp, data }]);
  });
});
