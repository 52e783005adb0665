/**
 * Handles what became of a request.
 *
 *   APPROVED                          ──▶ the call is run, once; its end comes back as an item of its own
 *   UNKNOWN                           ──▶ whoever has to find out is asked, and the agent is told
 *   a message was agreed to, or not   ──▶ its turn, or the word that there is none (`elevation-desk`)
 *   any other end                     ──▶ the agent is told, and its turn goes on, while whoever asked may ask
 *
 * Invariants
 *   1. Nothing of a turn changes anything outside the gateway: what changes something runs here, under a permit that is
 *      granted once, and what comes of it is written with the record of the outcome.
 *   2. The agent is told of an end once.
 */
import { runApproved } from '../agent/resume.ts';
import type { OutputShelf } from '../agent/tools/output.ts';
import { deniedTo } from '../agent/tools/profiles.ts';
import type { ToolCatalog } from '../agent/tools/tool-catalog.ts';
import { agentRule } from '../agent/tools/tool-policy.ts';
import { toHeard } from '../approvals/approval-audit.ts';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import type { PermitOffice } from '../approvals/permit-office.ts';
import { literal } from '../approvals/sentences.ts';
import type { Config } from '../config/load-config.ts';
import type { ControlStore } from '../control/control-store.ts';
import { holdYes } from '../domain/approval/holding.ts';
import { type Approval, heardBefore, isEnded } from '../domain/approval/record.ts';
import type { Clock } from '../domain/clock.ts';
import { channelOf } from '../domain/ids.ts';
import { groupsOf, type Tool } from '../domain/tool.ts';
import { Entry } from '../domain/transcript.ts';
import type { Directory } from '../identity/directory.ts';
import type { Claim } from '../mailbox/keyed-queue.ts';
import type { Effect } from '../redis/effects.ts';
import { ELEVATE } from './elevation.ts';
import type { ElevationDesk } from './elevation-desk.ts';
import { type ApprovalItem, type Deed, type Handling, prepend, type Work } from './handling.ts';
import { handledAudit } from './handling-audit.ts';
import type { HeldCalls } from './held-calls.ts';
import type { MessageHandler } from './message-handler.ts';
import type { News, Notices } from './notices.ts';
import type { ShownProgress } from './shown-progress.ts';
import type { Opening, TurnRunner } from './turn-runner.ts';

export interface ApprovalDeps {
  readonly approvals: Pick<ApprovalStore, 'find' | 'apply'>;
  readonly permits: PermitOffice;
  readonly tools: Pick<ToolCatalog, 'find' | 'whyGone'>;
  readonly outputs: OutputShelf;
  readonly directory: Directory;
  readonly controls: Pick<ControlStore, 'guardOf'>;
  readonly config: () => Config;
  readonly clock: Clock;
}

export interface ApprovalParts {
  readonly elevations: ElevationDesk;
  readonly heldCalls: HeldCalls;
  readonly messages: MessageHandler;
  readonly notices: Notices;
  readonly progress: ShownProgress;
  readonly turns: TurnRunner;
}

export class ApprovalHandler {
  constructor(
    private readonly deps: ApprovalDeps,
    private readonly parts: ApprovalParts,
  ) {}

  async handle(handling: Handling, item: ApprovalItem): Promise<Deed> {
    const approval = await this.deps.approvals.find(item.approvalId);
    if (!approval) {
      handling.log.warn({ approval: item.approvalId }, 'an approval is gone; its item is dropped');
      return { effects: [] };
    }
    return prepend(toHeard(item.state, approval), await this.#follow(handling, item, approval));
  }

  /** A call that was agreed to stays so while a person has the conversation; who has to find out something is asked. */
  async hold({ approvalId }: ApprovalItem): Promise<void> {
    const { approvals } = this.deps;
    const approval = await approvals.find(approvalId);
    if (approval?.state === 'UNKNOWN') await this.parts.heldCalls.askOwners(approval);
    if (approval?.state === 'APPROVED') await approvals.apply(approval.id, holdYes);
  }

  async #follow(handling: Handling, item: ApprovalItem, approval: Approval): Promise<Deed> {
    const { heldCalls, notices, progress, turns } = this.parts;
    const work = this.#workOn(handling, item, approval);
    if (item.state === 'APPROVED') {
      await this.#run(work, approval);
      return { effects: [] };
    }
    if (approval.state === 'UNKNOWN') await heldCalls.askOwners(approval);
    if (approval.request.tool === ELEVATE && isEnded(approval.state)) {
      return this.#elevate(handling, work, approval);
    }
    const news = notices.outcomeOf(approval);
    // The turn in which it ended has told of it.
    if (isEnded(approval.state) && isToldIn(handling.claim, news)) return { effects: [] };
    if (!(await this.deps.directory.mayGoOn(approval.request, this.deps.clock.now()))) {
      const givenUp = await progress.givenUp(handling.claim, item);
      return { effects: [...this.#goesNoFurther(work, news), ...givenUp] };
    }
    return turns.run(work, { entry: news, ...this.#agreedIn(approval) });
  }

  /** What was agreed to after the turn whose reply it was to go out with. */
  #agreedIn({ state, request }: Approval): Pick<Opening, 'agreed'> {
    const tool = this.deps.tools.find(request.tool);
    if (state !== 'EXECUTED' || tool?.deed !== 'reply' || tool.version !== request.version) return {};
    const args = tool.input.safeParse(request.args);
    return args.success ? { agreed: { tool, args: args.data, heard: heardBefore(request) } } : {};
  }

  #workOn(handling: Handling, item: ApprovalItem, { id, request, origin }: Approval): Work {
    const rolesNow = () => this.deps.directory.rolesOfRequester(request);
    return {
      ...handling,
      item,
      requester: {
        person: request.requester,
        name: request.requesterName,
        roles: rolesNow(),
        platform: channelOf(origin.platform),
      },
      replyTo: origin,
      lineage: request.lineage ?? [],
      accounts: request.accounts ?? [],
      rolesNow,
      directives: request.directives,
      log: handling.log.child({ approval: id }),
    };
  }

  /** Whatever comes of it is an item of its own. */
  async #run(work: Work, approval: Approval): Promise<void> {
    const { permits: desk, clock, outputs, tools, config } = this.deps;
    const tool = tools.find(approval.request.tool);
    const call = { tool: approval.request.tool, platform: work.requester.platform };
    const forbidden = lostRight(config(), call, tool);
    const whyGone = (name: string) => tools.whyGone(name);
    const resumed = await runApproved({ desk, clock, outputs, whyGone }, tool, approval, forbidden);
    work.log.info(
      {
        tool: approval.request.tool,
        result: resumed.kind,
        ...(resumed.kind === 'not-run' ? { why: resumed.why } : {}),
      },
      'an approved call was handled',
    );
  }

  async #elevate(handling: Handling, work: Work, approval: Approval): Promise<Deed> {
    const elevation = this.parts.elevations.settle(work, approval);
    if (elevation.kind === 'none') return { effects: elevation.effects };
    // Under the id of what brought it about: the message itself has had its reply.
    const message = { ...elevation.message, id: work.item.id };
    return prepend(elevation.effects, await this.parts.messages.handle(handling, message));
  }

  /** Whoever asked may ask no more: what was agreed to is done and on record, and the agent takes no further step. */
  #goesNoFurther(work: Work, news: News): Effect[] {
    const { requester, control } = work;
    const markdown = `${literal(requester.name)} may not ask me for things any more, so I do nothing further about this.`;
    return [
      ...this.parts.notices.keep(work, [news]),
      this.parts.notices.tell(work, markdown),
      handledAudit(work, 'authorization.deny', {
        action: 'ask',
        rule: 'no role has the permission ask any more',
      }),
      this.deps.controls.guardOf(control),
    ];
  }
}

/** Whether the agent has read just that. */
function isToldIn({ entries }: Claim, { text, told }: News): boolean {
  return entries.some((json) => {
    const entry = Entry.safeParse(JSON.parse(json)).data;
    return entry?.kind === 'event' && entry.text === text && entry.told === told;
  });
}

/** Why the agent has lost the right to a call that was agreed to; undefined while it has it. */
function lostRight(
  { authorizations }: Config,
  call: { readonly tool: string; readonly platform: string },
  tool: Tool | undefined,
): string | undefined {
  if (tool?.internal === true) return undefined;
  const own = agentRule(authorizations, { ...call, groups: tool ? groupsOf(tool) : [] });
  if (own.verdict === 'deny') return own.rule;
  const denied = tool && deniedTo(authorizations.tools, tool);
  return denied && `tools: ${denied}`;
}
