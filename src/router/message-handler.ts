/**
 * Handles what somebody wrote to the agent.
 *
 *   may not ask any more          ──▶ their author is told; nothing is run
 *   asks for what is kept back    ──▶ elevated, or somebody is asked (`elevation-desk`); a turn as for any other where
 *                                     nothing is
 *   any other, and what is elevated ──▶ a turn
 *
 * Invariants
 *   1. Whether somebody may ask is looked up when it is handled, and what their roles are at each call.
 *   2. What waited for somebody until they write again is withdrawn before their turn begins.
 */
import { type Enclosures, toEnclosures, withUnseen } from '../agent/enclosures.ts';
import { quotesOthers, trustOf } from '../agent/provenance.ts';
import { toOutEffect, toSender } from '../delivery/outbox.ts';
import type { Clock } from '../domain/clock.ts';
import type { Gateway } from '../domain/gateway.ts';
import { channelOf, platformOf } from '../domain/ids.ts';
import type { InboundMessage } from '../domain/message.ts';
import type { Trust } from '../domain/provenance.ts';
import type { Entry } from '../domain/transcript.ts';
import type { Directory, Speaker } from '../identity/directory.ts';
import type { Effect } from '../redis/effects.ts';
import { elevationNews, wantsElevation } from './elevation.ts';
import type { ElevationDesk } from './elevation-desk.ts';
import { readFiles } from './file-reader.ts';
import { type Deed, type Handling, type MessageItem, prepend, type Work } from './handling.ts';
import { receivedAudit } from './handling-audit.ts';
import type { HeldCalls } from './held-calls.ts';
import type { News, Notices } from './notices.ts';
import type { ShownProgress } from './shown-progress.ts';
import type { TurnRunner } from './turn-runner.ts';

export interface MessageDeps {
  readonly directory: Directory;
  readonly gateways: ReadonlyMap<string, Gateway>;
  readonly clock: Clock;
}

export interface MessageParts {
  readonly elevations: ElevationDesk;
  readonly heldCalls: HeldCalls;
  readonly notices: Notices;
  readonly progress: ShownProgress;
  readonly turns: TurnRunner;
}

export class MessageHandler {
  constructor(
    private readonly deps: MessageDeps,
    private readonly parts: MessageParts,
  ) {}

  /** A turn on it; or what has to come before one. */
  async handle(handling: Handling, item: MessageItem): Promise<Deed> {
    const { message, requester, directives } = item;
    const { directory, clock } = this.deps;
    const speaker = await directory.speakerNow(message.sender, clock.now());
    if (!speaker || !directory.may(speaker.roles, 'ask')) {
      const givenUp = await this.parts.progress.givenUp(handling.claim, item);
      return { effects: [...noLonger(item, clock.now()), ...givenUp] };
    }
    const platform = channelOf(message.replyTo.platform);
    const work: Work = {
      ...handling,
      item,
      requester: { person: requester.person, name: requester.name, roles: speaker.roles, platform },
      replyTo: message.replyTo,
      lineage: [],
      accounts: [message.sender.account],
      rolesNow: () => this.#rolesNow(message, speaker),
      directives,
    };
    return this.#answer(work, item);
  }

  /** Kept for the agent to read, while a person answers. */
  async keep(handling: Handling, item: MessageItem): Promise<Effect[]> {
    const { said } = await this.#said(handling, item);
    return [...receivedAudit(item), ...this.parts.notices.keep(handling, [withUnseen(said, 'not-run')])];
  }

  async #answer(work: Work, item: MessageItem): Promise<Deed> {
    const { directives } = item;
    const { elevations } = this.parts;
    if (!wantsElevation(directives)) return this.#turn(work, item);
    const nothing = elevations.nothingToLift(work);
    if (nothing) return prepend([nothing], await this.#turn(work, item));
    if (!this.deps.directory.may(work.requester.roles, 'elevate')) {
      return prepend(receivedAudit(item), await elevations.ask(work, item));
    }
    const lifted = elevations.lift(work, directives);
    const own = { directives: lifted.directives };
    return prepend(lifted.effects, await this.#turn({ ...work, ...own }, { ...item, ...own }));
  }

  async #turn(work: Work, item: MessageItem): Promise<Deed> {
    const { said, exhibits } = await this.#said(work, item);
    const news = () => this.#newsBefore(work);
    return prepend(receivedAudit(item), await this.parts.turns.run(work, { entry: said, exhibits, news }));
  }

  async #newsBefore(work: Work): Promise<News[]> {
    const { heldCalls, notices } = this.parts;
    const { elevation } = work.directives ?? {};
    return [
      ...(await heldCalls.callOff(work)).map((approval) => notices.outcomeOf(approval)),
      ...(elevation ? [notices.event(elevationNews(elevation.untilMs))] : []),
    ];
  }

  /** With what came with it. */
  async #said(
    { claim, log }: Handling,
    { message, requester, directives, planned }: MessageItem,
  ): Promise<{ said: Entry; exhibits: Enclosures['exhibits'] }> {
    const gateway = this.deps.gateways.get(message.replyTo.platform);
    const enclosed = toEnclosures(await readFiles(message, gateway, log, claim.signal));
    const said: Entry = {
      kind: 'user',
      from: { person: requester.person, name: requester.name },
      text: message.text,
      trust: this.#trustOf(requester),
      ...(planned ? { planned } : {}),
      ...(message.passesOn || quotesOthers(message.text) ? { passesOn: true as const } : {}),
      ...(enclosed.notes.length > 0 ? { files: [...enclosed.notes] } : {}),
      ...(directives ? { directives } : {}),
      at: message.sentAt,
    };
    return { said, exhibits: enclosed.exhibits };
  }

  #trustOf({ person, roles }: MessageItem['requester']): Trust {
    return trustOf(this.deps.directory.standingOf(person, roles));
  }

  /** Of somebody who is nobody here any more: what denies guests, and whoever is in a group, holds for them still. */
  #rolesNow({ sender }: InboundMessage, { id, roles }: Speaker): readonly string[] {
    const { directory, clock } = this.deps;
    const asked = { requester: id, accounts: [sender.account], roles: directory.lentRoles(id, roles) };
    return directory.speakerOf(sender, clock.now())?.roles ?? directory.rolesOfRequester(asked);
  }
}

/** The right to ask, or the account, was taken away while the message waited. */
function noLonger({ message, requester }: MessageItem, atMs: number): Effect[] {
  const { id, conversationId, sender } = message;
  const markdown = 'You may not ask me for things any more, so I did nothing with what you wrote.';
  return [
    toOutEffect(toSender(message, { id: `no-longer:${id}`, markdown, atMs })),
    {
      kind: 'audit',
      event: {
        event: 'message.refused',
        actor: sender.account,
        subject: conversationId,
        correlation: id,
        channel: platformOf(sender.account),
        detail: {
          reason: 'may-not-ask',
          person: requester.person,
          authorization: 'deny',
          rule: 'no role has the permission ask any more',
        },
      },
    },
  ];
}
