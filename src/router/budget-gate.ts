/**
 * What budgets do to a conversation: whoever has used up theirs is told so, once; what a turn uses is counted as it
 * goes; whoever is to hear of a budget that runs out is called, and told when there is something left again.
 *
 * Invariants
 *   1. A message that comes when a budget is used up is kept in the transcript, and nothing is run for it.
 *   2. Of one limit in one period people of one conversation are told once, and people are called once. People are
 *      told again when it was changed and is used up as well.
 */
import type { BudgetDesk, TurnBudget } from '../budget/budget-desk.ts';
import { type Ceiling, percentOf, type Spender, type Standing } from '../budget/limits.ts';
import { alertText, brokenOffText, usedUpText } from '../budget/sentences.ts';
import { TurnMeter } from '../budget/turn-meter.ts';
import type { Config } from '../config/load-config.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import type { Clock } from '../domain/clock.ts';
import { isLive } from '../domain/escalation/record.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { Address } from '../domain/message.ts';
import type { EscalationStore } from '../escalation/escalation-store.ts';
import { closingsOf, type Quota, reportsOf, type Scene, troubleMendedBy } from '../escalation/triggers.ts';
import type { Logger } from '../observability/logger.ts';
import { type Effect, namelessOnce } from '../redis/effects.ts';
import { handledAudit } from './handling-audit.ts';

export interface GateDeps {
  readonly budgets: BudgetDesk;
  readonly escalations: Pick<EscalationStore, 'find' | 'begunBy'>;
  readonly config: () => Config;
  readonly clock: Clock;
}

/** What is handled, and for whom. */
export interface Handled {
  readonly item: MailboxItem;
  readonly conversationId: ConversationId;
  readonly requester: { readonly person: PersonId };
  readonly replyTo: Address;
  readonly control: { readonly epoch: number };
}

export class BudgetGate {
  constructor(private readonly deps: GateDeps) {}

  /** What there is for a turn; nothing is run when `usedUp` names a limit. */
  open(handled: Handled): Promise<TurnBudget> {
    return this.deps.budgets.open(spenderOf(handled));
  }

  /** Counts what the turn uses of it. */
  meter(handled: Handled, budget: TurnBudget, log: Pick<Logger, 'warn'>): TurnMeter {
    return new TurnMeter(budget, { spender: spenderOf(handled), desk: this.deps.budgets, log });
  }

  /** What people are told in place of an answer, and who is called. */
  async refused(handled: Handled, standing: Standing): Promise<Effect[]> {
    const { item, conversationId, requester, replyTo, control } = handled;
    const { currency } = this.deps.config().settings.budgets;
    const nowMs = this.deps.clock.now();
    const { name } = this.#quotaOf(standing, handled);
    const whose = standing.subject === 'person' ? requester.person : standing.subject;
    const key = `used-up:${whose}:${conversationId}:${name}:${standing.periodName}:${standing.most}`;
    return [
      toOutEffect(
        {
          kind: 'text',
          id: `used-up:${item.id}`,
          correlation: item.correlation,
          conversationId,
          to: replyTo,
          requester: requester.person,
          epoch: control.epoch,
          markdown: usedUpText(standing, currency, this.#zoneOf(requester.person)),
          atMs: nowMs,
        },
        { once: namelessOnce(key, Math.max(standing.resetMs - nowMs, 1)) },
      ),
      handledAudit(handled, 'turn.refused', {
        reason: 'budget',
        rule: alertText(standing, requester.person, currency), // an id: the audit outlives names
        authorization: 'deny',
        resets: new Date(standing.resetMs).toISOString(),
      }),
      ...(await this.#alarms([standing], handled)),
    ];
  }

  /**
   * That a turn is done, in the write that ends it. `tools`: one name for each call.
   *
   * @throws when what it used of the model cannot be counted
   */
  async counted(handled: Handled, meter: TurnMeter, tools: readonly string[]): Promise<Effect[]> {
    await meter.settle();
    return [
      ...this.deps.budgets.counted(spenderOf(handled), tools),
      ...(await this.#alarms(await meter.standings(), handled)),
    ];
  }

  /** What is said at the end of a turn that a budget has ended. */
  brokenOff(handled: Handled, ceiling: Ceiling, done: readonly string[]): string {
    const { currency } = this.deps.config().settings.budgets;
    return brokenOffText(ceiling, done, currency, this.#zoneOf(handled.requester.person));
  }

  /** Who is called because so much is used, and who need not come any more. */
  async #alarms(standings: readonly Standing[], handled: Handled): Promise<Effect[]> {
    const triggers = this.deps.config().escalation.triggers.filter(({ when }) => when.kind === 'budget');
    const effects = await Promise.all(
      standings.map((standing) => this.#alarmsOf(standing, triggers, handled)),
    );
    return effects.flat();
  }

  async #alarmsOf(
    standing: Standing,
    triggers: Config['escalation']['triggers'],
    handled: Handled,
  ): Promise<Effect[]> {
    const { item, conversationId, replyTo } = handled;
    const quota = this.#quotaOf(standing, handled);
    const percent = percentOf(standing);
    const happening = { kind: 'budget' as const, percent, quota };
    const scene: Scene = {
      id: `budget:${quota.name}:${standing.periodName}`,
      conversationId,
      origin: replyTo,
      correlation: item.correlation,
      nowMs: this.deps.clock.now(),
    };
    const isReached = ({ when }: (typeof triggers)[number]) =>
      when.kind === 'budget' && percent >= when.percent;
    const reached = new Set(triggers.filter(isReached).map(({ raise }) => raise));
    const effects: Effect[] = [];
    for (const raise of new Set(triggers.map((trigger) => trigger.raise))) {
      const own = triggers.filter((trigger) => trigger.raise === raise);
      const [closing] = closingsOf(own, { kind: 'quota-left', quota }, { ...scene, id: item.id });
      const known = closing && (await this.deps.escalations.find(closing.escalation));
      if (!reached.has(raise)) {
        if (closing && known && isLive(known)) effects.push(closing.effect);
        continue;
      }
      // One that somebody has settled stays settled for as long as this budget lasts.
      if (known && !isLive(known) && known.firstMs >= standing.sinceMs) continue;
      const reports = reportsOf(own, happening, { ...scene, id: `${scene.id}:${raise}` });
      effects.push(...reports.map((effect, n) => once(effect, `${scene.id}:${raise}:${n}`, standing, scene)));
    }
    // Begun by a policy that no trigger names any more: over as soon as nothing says that too much is used.
    if (reached.size === 0 && percent < 100)
      effects.push(...(await this.#furtherMended(triggers, quota, { ...scene, id: item.id })));
    return effects;
  }

  async #furtherMended(
    triggers: Config['escalation']['triggers'],
    quota: Quota,
    scene: Scene,
  ): Promise<Effect[]> {
    const left = { kind: 'quota-left', quota } as const;
    const named = new Set(closingsOf(triggers, left, scene).map(({ escalation }) => escalation));
    const begun = await this.deps.escalations.begunBy(troubleMendedBy(left));
    const further = begun.filter((id) => !named.has(id));
    return closingsOf([], left, scene, further).map(({ effect }) => effect);
  }

  #quotaOf(standing: Standing, { requester, conversationId }: Handled): Quota {
    const { subject, period, of } = standing;
    const { settings, contacts } = this.deps.config();
    const whose =
      subject === 'person' ? requester.person : subject === 'conversation' ? conversationId : 'all';
    const name = contacts.people[requester.person]?.name ?? requester.person;
    return {
      name: `${subject}:${whose}:${period}:${of}`,
      title: alertText(standing, name, settings.budgets.currency),
    };
  }

  #zoneOf(person: PersonId): string {
    const { contacts, calendar, settings } = this.deps.config();
    const contact = contacts.people[person];
    const hours =
      contact?.working_hours === undefined ? undefined : calendar.hoursNamed(contact.working_hours);
    return contact?.time_zone ?? hours?.zone ?? settings.budgets.time_zone;
  }
}

function spenderOf({ requester, conversationId }: Handled): Spender {
  return { person: requester.person, conversationId };
}

/** The same report again within the period changes nothing. */
function once(effect: Effect, key: string, { resetMs }: Standing, { nowMs }: Scene): Effect {
  if (effect.kind !== 'out') return effect;
  return { ...effect, once: namelessOnce(`reported:${key}`, Math.max(resetMs - nowMs, 1)) };
}
