/**
 * Who is called because of what happens in a conversation, and who need not come any more: what the triggers of the
 * configuration make of it, to be written in the step in which it happens.
 *
 * Invariants
 *   1. A message is judged when it is first handled, whatever becomes of it then, and once: also one that waits, is
 *      kept for a person, or fails for good.
 *   2. A model that is away is one thing, however many conversations wait for it, and over with the first turn that
 *      works.
 */
import type { TurnOutcome } from '../agent/turn.ts';
import type { Config } from '../config/load-config.ts';
import type { WhereOf } from '../control/whereabouts.ts';
import type { Clock } from '../domain/clock.ts';
import type { ModelUnavailableError } from '../domain/errors.ts';
import { isLive } from '../domain/escalation/record.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { Address } from '../domain/message.ts';
import type { Entry } from '../domain/transcript.ts';
import type { EscalationStore } from '../escalation/escalation-store.ts';
import type { ModelOutage } from '../escalation/model-outage.ts';
import {
  type Closing,
  closingsOf,
  type Happening,
  type Recovery,
  reportsOf,
  type Scene,
  troubleMendedBy,
} from '../escalation/triggers.ts';
import type { Directory } from '../identity/directory.ts';
import { type Claim, takingOf } from '../mailbox/keyed-queue.ts';
import { conversationOf } from '../mailbox/mailbox.ts';
import { type Effect, namelessOnce } from '../redis/effects.ts';
import { happeningsIn, recoveriesIn, type TurnSeen } from './happenings.ts';

/** What was reported of a message, or of an outage, is not reported again within this time, in ms. */
const REPORT_ONCE_MS = 7 * 24 * 60 * 60_000;

export interface AlarmDeps {
  readonly escalations: Pick<EscalationStore, 'find' | 'begunByEach'>;
  readonly modelOutage: Pick<ModelOutage, 'note' | 'end'>;
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

  /** Reports of what is seen again and again until it is over. */
  #once(happening: Happening, scene: Scene): Effect[] {
    return reportsOf(this.#triggers, happening, scene).map((effect, n) =>
      effect.kind === 'out'
        ? { ...effect, once: namelessOnce(`reported:${scene.id}:${n}`, REPORT_ONCE_MS) }
        : effect,
    );
  }

  /** How whoever is called gets there. */
  #placeOf(origin: Address): Pick<Scene, 'origin' | 'link'> {
    return { origin, link: this.deps.whereOf(origin).link };
  }

  get #triggers(): Config['escalation']['triggers'] {
    return this.deps.config().escalation.triggers;
  }
}

function effectsOf(closings: readonly Closing[]): Effect[] {
  return closings.map(({ effect }) => effect);
}
