/**
 * Who is called because of what happens in a conversation, and who need not come any more: what the triggers of the
 * configuration make of it, to be written in the step in which it happens.
 *
 * Invariants
 *   1. A message is judged when it is first handled, whatever becomes of it then, or before that while it stands in line
 *      for a human, and once: also one that waits, is kept for a person, or fails for good.
 *   2. A model that is away is one thing, however many conversations wait for it, and over with the first turn that
 *      works.
 */
import { createHash } from 'node:crypto';
import type { TurnOutcome } from '../agent/turn.ts';
import type { Config } from '../config/load-config.ts';
import type { WhereOf } from '../control/whereabouts.ts';
import type { Clock } from '../domain/clock.ts';
import type { ModelUnavailableError } from '../domain/errors.ts';
import { isWorse, type Severity } from '../domain/escalation/plan.ts';
import { isLive } from '../domain/escalation/record.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import { MailboxItem } from '../domain/mailbox-item.ts';
import type { Address } from '../domain/message.ts';
import type { Entry } from '../domain/transcript.ts';
import type { EscalationStore } from '../escalation/escalation-store.ts';
import type { ModelOutage } from '../escalation/model-outage.ts';
import {
  type Closing,
  closingsOf,
  type Happening,
  onceKeyOf,
  type Recovery,
  reportsOf,
  type Scene,
  troubleMendedBy,
} from '../escalation/triggers.ts';
import type { Directory } from '../identity/directory.ts';
import { type Claim, type KeyedQueue, takingOf } from '../mailbox/keyed-queue.ts';
import { conversationOf } from '../mailbox/mailbox.ts';
import { type Effect, namelessOnce } from '../redis/effects.ts';
import { happeningsIn, recoveriesIn, type TurnSeen } from './happenings.ts';

/** Items in line that are looked at while a human is waited for; what stands behind them is judged in its turn. */
const MOST_IN_LINE = 1_000;
/** What was reported of a message, or of an outage, is not reported again within this time, in ms. */
const REPORT_ONCE_MS = 7 * 24 * 60 * 60_000;

export interface AlarmDeps {
  readonly escalations: Pick<EscalationStore, 'find' | 'begunByEach'>;
  readonly modelOutage: Pick<ModelOutage, 'note' | 'end'>;
  readonly queue: Pick<KeyedQueue, 'behind'>;
  readonly directory: Pick<Directory, 'speakerOf' | 'may'>;
  readonly whereOf: WhereOf;
  readonly config: () => Config;
  readonly clock: Clock;
}

/** A turn, and whoever it was for. */
export interface TurnOver {
  readonly claim: Claim;
  readonly item: MailboxItem;
  readonly conversationId: ConversationId;
  readonly replyTo: Address;
  readonly requester: { readonly person: PersonId };
}

export class Alarms {
  constructor(private readonly deps: AlarmDeps) {}

  /** Words somebody wrote to the agent, while they may. */
  ofMessage(item: MailboxItem): Effect[] {
    if (this.#triggers.length === 0 || item.kind !== 'message') return [];
    const { message, requester, correlation, planned } = item;
    if (message.overheard || planned) return [];
    const { directory, clock } = this.deps;
    const speaker = directory.speakerOf(message.sender, clock.now());
    if (!speaker || !directory.may(speaker.roles, 'ask')) return [];
    return this.#once(
      { kind: 'message', message, roles: speaker.roles },
      {
        id: `message:${item.id}`,
        conversationId: message.conversationId,
        ...this.#placeOf(message.replyTo),
        correlation,
        person: requester.person,
        nowMs: clock.now(),
      },
    );
  }

  /** The same of what stands in line behind this one, while nobody can tell when its turn comes. */
  async ofLine(claim: Claim): Promise<Effect[]> {
    if (!this.#triggers.some(({ when }) => when.kind === 'message')) return [];
    const waiting = await this.deps.queue.behind(claim, MOST_IN_LINE);
    return waiting.flatMap((json) => {
      const item = MailboxItem.safeParse(JSON.parse(json)).data;
      return item ? this.ofMessage(item) : [];
    });
  }

  /** What happened in a turn, and what works again. */
  async ofTurn(
    { claim, item, conversationId, replyTo, requester }: TurnOver,
    occasion: readonly Entry[],
    outcome: TurnOutcome,
  ): Promise<Effect[]> {
    const triggers = this.#triggers;
    const turn: TurnSeen = {
      occasion,
      outcome,
      mostSteps: this.deps.config().settings.model.max_steps,
      before: claim.entries,
    };
    const scene: Scene = {
      id: `turn:${item.id}`,
      conversationId,
      ...this.#placeOf(replyTo),
      correlation: item.correlation,
      person: requester.person,
      nowMs: this.deps.clock.now(),
    };
    const closings = await this.#closings(
      [
        { kind: 'turn-works', conversationId },
        { kind: 'model-works' },
        ...recoveriesIn(turn, conversationId),
      ],
      scene,
    );
    const [answersAgain = [], modelWorks = [], ...toolsWork] = closings;
    const reports = happeningsIn(turn).flatMap((happening, index) =>
      reportsOf(triggers, happening, { ...scene, id: `${scene.id}:${index}` }),
    );
    return [
      ...effectsOf(toolsWork.flat()),
      ...(await this.#ofTurns(answersAgain, claim)),
      // Last, for it forgets the outage.
      ...(await this.#ofModel(modelWorks)),
      ...reports,
    ];
  }

  /** A turn failed once more. */
  ofFailure(claim: Claim, item: MailboxItem): Effect[] {
    return reportsOf(
      this.#triggers,
      { kind: 'turn-failed', times: claim.failures + 1 },
      {
        id: `failed:${item.id}:${takingOf(claim)}`,
        conversationId: conversationOf(claim),
        correlation: item.correlation,
        ...(item.kind === 'message'
          ? { ...this.#placeOf(item.message.replyTo), person: item.requester.person }
          : {}),
        nowMs: this.deps.clock.now(),
      },
    );
  }

  /** @param pauseMs until the model is tried again */
  async ofModelAway(
    claim: Claim,
    item: MailboxItem,
    { reason }: ModelUnavailableError,
    pauseMs: number,
  ): Promise<Effect[]> {
    if (!this.#triggers.some(({ when }) => when.kind === 'model-away')) return [];
    const { sinceMs, forMs } = await this.deps.modelOutage.note(pauseMs);
    return this.#once(
      { kind: 'model-away', forMs, words: reason },
      {
        id: `model-away:${sinceMs}`,
        conversationId: conversationOf(claim),
        correlation: item.correlation,
        nowMs: this.deps.clock.now(),
      },
    );
  }

  /** An item went to the dead letters; one that cannot be read has no name. */
  ofDeath(claim: Claim, item: MailboxItem | undefined, reason: string): Effect[] {
    const conversationId = conversationOf(claim);
    return reportsOf(
      this.#triggers,
      { kind: 'dead-letter', queue: 'm', words: reason },
      {
        id: `dead:${item?.id ?? claim.lane}:${takingOf(claim)}`,
        conversationId,
        correlation: item?.correlation ?? conversationId,
        nowMs: this.deps.clock.now(),
      },
    );
  }

  /** What need not be looked after any more, for each thing that was seen to work; whatever the triggers say by now. */
  async #closings(recoveries: readonly Recovery[], scene: Scene): Promise<Closing[][]> {
    const begun = await this.deps.escalations.begunByEach(recoveries.map(troubleMendedBy));
    return recoveries.map((recovery, n) => closingsOf(this.#triggers, recovery, scene, begun[n]));
  }

  /** A turn is over: whoever was called because turns failed need not come. */
  async #ofTurns(closings: readonly Closing[], { failures }: Claim): Promise<Effect[]> {
    // What was reported at its last try may still be on its way; of an earlier item, the record is there by now.
    return failures > 0 ? effectsOf(closings) : this.#ofLive(closings);
  }

  /** So does the model. */
  async #ofModel(closings: readonly Closing[]): Promise<Effect[]> {
    if (closings.length === 0) return [];
    // As above: what was reported while it was away may still be on its way.
    const wasAway = await this.deps.modelOutage.end();
    return wasAway ? effectsOf(closings) : this.#ofLive(closings);
  }

  async #ofLive(closings: readonly Closing[]): Promise<Effect[]> {
    const found = await Promise.all(closings.map(({ escalation }) => this.deps.escalations.find(escalation)));
    return closings.flatMap(({ effect }, n) => {
      const known = found[n];
      return known && isLive(known) ? [effect] : [];
    });
  }

  /**
   * Reports of what is seen again and again until it is over: one for each rule, as bad as the worst of its name. Rules
   * may change meanwhile: how bad it is, and behind a name what it watches for, makes none a further one.
   */
  #once(happening: Happening, scene: Scene): Effect[] {
    const worst = new Map<string, { readonly severity: Severity; readonly reports: readonly Effect[] }>();
    for (const trigger of this.#triggers) {
      const { severity } = trigger;
      const id = `${scene.id}:${markOf(onceKeyOf(happening, trigger, scene.conversationId))}`;
      const reports = reportsOf([trigger], happening, { ...scene, id });
      const known = worst.get(id);
      if (reports.length > 0 && (!known || isWorse(severity, known.severity))) {
        worst.set(id, { severity, reports });
      }
    }
    return [...worst].flatMap(([id, { reports }]) => {
      const once = namelessOnce(`reported:${id}`, REPORT_ONCE_MS);
      return reports.map((effect) => (effect.kind === 'out' ? { ...effect, once } : effect));
    });
  }

  /** How whoever is called gets there. */
  #placeOf(origin: Address): Pick<Scene, 'origin' | 'link'> {
    return { origin, link: this.deps.whereOf(origin).link };
  }

  get #triggers(): Config['escalation']['triggers'] {
    return this.deps.config().escalation.triggers;
  }
}

/** Short, and by what the rule is for: where it stands among the others tells nothing. */
function markOf(rule: string): string {
  return createHash('sha256').update(rule).digest('base64url').slice(0, 12);
}

function effectsOf(closings: readonly Closing[]): Effect[] {
  return closings.map(({ effect }) => effect);
}
