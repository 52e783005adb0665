/** The gateway's own word about what is handled: for the agent in the transcript, for people where it was asked. */
import { isComposing } from '../agent/tools/compound-call.ts';
import type { ToolCatalog } from '../agent/tools/tool-catalog.ts';
import { calledWith, outcomeText, toldIn } from '../approvals/sentences.ts';
import type { Config } from '../config/load-config.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import type { Approval } from '../domain/approval/record.ts';
import { LAPSED } from '../domain/approval/time.ts';
import type { Clock } from '../domain/clock.ts';
import type { PersonId } from '../domain/ids.ts';
import type { Trust } from '../domain/provenance.ts';
import type { Entry } from '../domain/transcript.ts';
import { addressesIn } from '../links/plain-address.ts';
import type { Effect } from '../redis/effects.ts';
import { type Handling, toReply, type Work } from './handling.ts';
import { peopleIn, strangersBehind, withoutChosenNames } from './outcome-words.ts';

export type News = Extract<Entry, { kind: 'event' }>;

export interface NoticeDeps {
  readonly tools: Pick<ToolCatalog, 'find'>;
  readonly config: () => Config;
  readonly clock: Clock;
}

export class Notices {
  constructor(private readonly deps: NoticeDeps) {}

  /** @param about everybody it speaks of; how they are called in it: `nameInNews` */
  event(text: string, about: readonly PersonId[] = []): News {
    return { kind: 'event', text, at: this.#at(), ...(about.length > 0 ? { about: [...about] } : {}) };
  }

  /**
   * What came of a request, with who speaks in that: the tool may tell what strangers wrote, the call may be what they
   * wished for, and whoever decided may have passed their words on.
   */
  outcomeOf(ended: Approval): News {
    const approval = withoutChosenNames(ended);
    const { request } = approval;
    const text = outcomeText(approval);
    const told = toldIn(approval);
    const call = calledWith(request);
    const strangers = strangersBehind(ended, text);
    const trust = this.#trustIn(approval);
    return {
      kind: 'event',
      text,
      at: this.#at(),
      about: peopleIn(approval),
      ...(told === undefined ? {} : { told }),
      ...(call === undefined ? {} : { call }),
      ...(strangers.length > 0 ? { strangers } : {}),
      ...ranOf(approval),
      ...(this.#isComposed(request) ? { composed: true as const } : {}),
      ...(trust === undefined ? {} : { trust }),
    };
  }

  #trustIn(approval: Approval): Trust | undefined {
    const { request, result, lateReport } = approval;
    const tells = this.deps.tools.find(request.tool)?.tells;
    // How things are now is told in the words of whoever made them so: a name, the title of something.
    if (hasDrifted(approval)) return tells ?? 'outsider';
    // What nobody can tell the end of may say in a stranger's words what went wrong.
    const mayHoldOthers = toldIn(approval) !== undefined || approval.state === 'UNKNOWN';
    return mayHoldOthers ? (result?.trust ?? lateReport?.trust ?? tells) : undefined;
  }

  /**
   * Its tool may tell what the agent wrote, or a step of it may; and it repeats the call, so an address in there is one
   * that the agent has written. Of a tool that is gone, or of a step that is, nobody can tell any more.
   */
  #isComposed({ tool: name, args }: Approval['request']): boolean {
    const tool = this.deps.tools.find(name);
    const known = tool?.input.safeParse(args);
    return (
      !tool ||
      !known?.success ||
      isComposing(tool, known.data) ||
      addressesIn(JSON.stringify(args)).some(({ isBareHost }) => !isBareHost)
    );
  }

  /** For the agent to read later: the conversation is one it has a part in. */
  remark(
    handling: Pick<Handling, 'conversationId'>,
    text: string,
    about: readonly PersonId[] = [],
  ): Effect[] {
    return this.keep(handling, [this.event(text, about)]);
  }

  /** Entries of the transcript. */
  keep({ conversationId }: Pick<Handling, 'conversationId'>, entries: readonly Entry[]): Effect[] {
    const { transcripts: keepMs } = this.deps.config().settings.retention;
    return entries.map((entry) => ({ kind: 'entry', conversationId, entry, keepMs }));
  }

  /** In place of an answer, where it was asked for. */
  tell(work: Work, markdown: string): Effect {
    return toOutEffect({ ...toReply(work, this.deps.clock.now()), markdown });
  }

  /** Beside the answer that comes of the turn. @param why one word, the same for the same item */
  tellBeside(work: Work, why: string, markdown: string): Effect {
    const reply = toReply(work, this.deps.clock.now());
    return toOutEffect({ ...reply, id: `${why}:${reply.id}`, markdown });
  }

  #at(): string {
    return new Date(this.deps.clock.now()).toISOString();
  }
}

/** Things were not any more as people had been shown, and what is told says how they are. */
function hasDrifted({ state, settledBy, remark, request }: Approval): boolean {
  return state === 'REVOKED' && !settledBy && remark !== LAPSED && request.preview !== undefined;
}

/** How its call ended, where it was run and that is known. */
function ranOf({ state, request }: Approval): Pick<News, 'ran'> {
  const status = state === 'EXECUTED' ? 'ok' : state === 'FAILED' ? 'error' : undefined;
  return status === undefined ? {} : { ran: { tool: request.tool, status } };
}
