/**
 * What people are told at the end of a turn: where it was asked, in place of the progress that was shown there; or
 * where this person wants answers, and then a word of it where they asked.
 */
import type { TurnOutcome } from '../agent/turn.ts';
import { viaText } from '../approvals/sentences.ts';
import { type OutboxItem, toOutEffect } from '../delivery/outbox.ts';
import type { Approval } from '../domain/approval/record.ts';
import type { Clock } from '../domain/clock.ts';
import { channelOf } from '../domain/ids.ts';
import type { OutFile } from '../domain/message.ts';
import type { Directory } from '../identity/directory.ts';
import type { Effect } from '../redis/effects.ts';
import type { BudgetGate } from './budget-gate.ts';
import { toReply, type Work } from './handling.ts';
import { conflictText } from './message-directives.ts';
import type { Reach } from './reach.ts';
import { doneIn, lastWords, paragraphs, turnText } from './turn-text.ts';

export interface ReplyDeps {
  readonly directory: Pick<Directory, 'find'>;
  readonly reach: Pick<Reach, 'placesOf'>;
  /** The session that may send to this platform at once, when this process has room; '' otherwise. */
  readonly sendNow: (platform: string) => string;
  readonly clock: Clock;
}

/** What came of a turn, as far as people are told of it. */
export interface Ended {
  readonly outcome: TurnOutcome;
  /** What it asks people for. */
  readonly asked: readonly Approval[];
  /** The message with its progress, if people saw one. */
  readonly shown: string | undefined;
}

interface Said {
  readonly markdown: string;
  readonly files: readonly OutFile[];
}

export class TurnReplies {
  constructor(
    private readonly deps: ReplyDeps,
    private readonly budgets: BudgetGate,
  ) {}

  /** None when the cards say it all. */
  of(work: Work, { outcome, asked, shown }: Ended): readonly Effect[] {
    const text =
      outcome.kind === 'exhausted' && outcome.by && outcome.by !== 'room'
        ? lastWords(outcome.text.trim(), this.budgets.brokenOff(work, outcome.by, doneIn(outcome)))
        : turnText(outcome, asked, shown !== undefined || work.claim.attempt > 1);
    const conflict =
      work.item.kind === 'message' && work.directives ? conflictText(work.directives) : undefined;
    const markdown = paragraphs(text, conflict);
    return markdown === '' ? [] : this.#placed(work, { markdown, files: outcome.files }, shown);
  }

  #placed(work: Work, said: Said, shown: string | undefined): Effect[] {
    const { item, conversationId, requester, replyTo } = work;
    const person = this.deps.directory.find(requester.person);
    const wanted = person?.answersOn;
    const place =
      person && wanted !== undefined && wanted !== channelOf(replyTo.platform)
        ? this.deps.reach.placesOf(person, { first: wanted }).find(({ to }) => to.platform === wanted)
        : undefined;
    if (!place) return [this.#reply(work, said, shown)];
    return [
      toOutEffect({
        kind: 'text',
        id: `elsewhere:${item.id}`,
        correlation: item.correlation,
        conversationId,
        to: place.to,
        author: replyTo,
        epoch: work.control.epoch,
        ...toContent(said),
        atMs: this.deps.clock.now(),
      }),
      this.#reply(work, { markdown: `I answered you ${viaText(place.to.platform)}.`, files: [] }, shown),
    ];
  }

  #reply(work: Work, said: Said, shown: string | undefined): Effect {
    const { replyTo, claim } = work;
    const out: OutboxItem = {
      ...toReply(work, this.deps.clock.now()),
      ...toContent(said),
      ...(shown === undefined ? {} : { replaces: shown }),
      ...(claim.attempt > 1 ? { mayExist: true } : {}),
    };
    return toOutEffect(out, { session: this.deps.sendNow(replyTo.platform) });
  }
}

function toContent({
  markdown,
  files,
}: Said): Pick<Extract<OutboxItem, { kind: 'text' }>, 'markdown' | 'files'> {
  return { markdown, ...(files.length > 0 ? { files: [...files] } : {}) };
}
