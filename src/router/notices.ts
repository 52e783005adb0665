/** The gateway's own word about what is handled: for the agent in the transcript, for people where it was asked. */
import { isComposing } from '../agent/tools/compound-call.ts';
import type { ToolCatalog } from '../agent/tools/tool-catalog.ts';
import { addressesIn } from '../approvals/plain-address.ts';
import { outcomeText, toldIn } from '../approvals/sentences.ts';
import type { Config } from '../config/load-config.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import type { Approval } from '../domain/approval/record.ts';
import type { Clock } from '../domain/clock.ts';
import type { Entry } from '../domain/transcript.ts';
import type { Effect } from '../redis/effects.ts';
import { type Handling, toReply, type Work } from './handling.ts';

export type News = Extract<Entry, { kind: 'event' }>;

export interface NoticeDeps {
  readonly tools: Pick<ToolCatalog, 'find'>;
  readonly config: () => Config;
  readonly clock: Clock;
}

export class Notices {
  constructor(private readonly deps: NoticeDeps) {}

  event(text: string): News {
    return { kind: 'event', text, at: this.#at() };
  }

  /** What came of a request, with who speaks in that: the tool may tell what strangers wrote. */
  outcomeOf(approval: Approval): News {
    const { request, result, lateReport } = approval;
    const told = toldIn(approval);
    // What nobody can tell the end of may say in a stranger's words what went wrong.
    const mayHoldOthers = told !== undefined || approval.state === 'UNKNOWN';
    const trust = mayHoldOthers
      ? (result?.trust ?? lateReport?.trust ?? this.deps.tools.find(request.tool)?.tells)
      : undefined;
    return {
      kind: 'event',
      text: outcomeText(approval),
      at: this.#at(),
      ...(told === undefined ? {} : { told }),
      ...ranOf(approval),
      ...(this.#isComposed(request) ? { composed: true as const } : {}),
      ...(trust === undefined ? {} : { trust }),
    };
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
  remark(handling: Pick<Handling, 'conversationId'>, text: string): Effect[] {
    return this.keep(handling, [this.event(text)]);
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

  #at(): string {
    return new Date(this.deps.clock.now()).toISOString();
  }
}

/** How its call ended, where it was run and that is known. */
function ranOf({ state, request }: Approval): Pick<News, 'ran'> {
  const status = state === 'EXECUTED' ? 'ok' : state === 'FAILED' ? 'error' : undefined;
  return status === undefined ? {} : { ran: { tool: request.tool, status } };
}
