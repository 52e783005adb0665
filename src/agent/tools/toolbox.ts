/**
 * The tools of one turn: what the model is offered, which of its calls may run at once, and running those.
 *
 * Only calls that change nothing, or that are harmless to repeat and touch nothing outside the gateway, run inside
 * a turn. Everything else leaves the turn as a held call and runs later, once, under a permit.
 *
 * Invariants
 *   1. Each call is held against the lists, the rules, the agent's roles and the requester's roles as they are at the
 *      moment of that call, so that what is taken away in the middle of a turn is gone for the next call.
 *   2. What the model is offered and what a call is checked against is one list, made by `profiles.ts`.
 */
import { z } from 'zod';
import type { Authorizations } from '../../config/authorizations.ts';
import type { ConversationId, PersonId } from '../../domain/ids.ts';
import { flawIn } from '../../domain/json-flaw.ts';
import { toldInTurn } from '../../domain/outside-text.ts';
import { timeLimit } from '../../domain/time-limit.ts';
import { groupsOf, type Tool, type ToolCall, type ToolContext, type ToolOutput } from '../../domain/tool.ts';
import type { ToolSpec } from '../model/model-client.ts';
import { NOTHING_READ, type Reading } from '../provenance.ts';
import { afterReading } from './after-reading.ts';
import { decideTool, isComposing } from './compound-call.ts';
import { type OutputShelf, withinCap } from './output.ts';
import { type Asker, keptBackFrom } from './profiles.ts';
import type { ToolCatalog } from './tool-catalog.ts';
import { agentRule, type PolicyDecision } from './tool-policy.ts';

export interface Requester {
  readonly person: PersonId;
  readonly name: string;
  readonly roles: readonly string[];
  readonly platform: string;
}

/** What may change while a turn goes on; asked at each call. */
export interface Standing {
  authorizations(): Authorizations;
  /** Of the requester. */
  roles(): readonly string[];
  /** What the message asked for, and where; absent: nothing, on the requester's platform. */
  asked?(): Pick<Asker, 'channels' | 'profile' | 'elevated'>;
  /** What is said where it was asked is read by the requester alone; left out: others may read it. */
  readonly isPrivate?: boolean;
}

/** A call that does not run inside the turn: somebody has to agree, or it must run exactly once. */
export interface HeldCall {
  readonly call: ToolCall;
  readonly tool: Tool;
  readonly args: unknown;
  readonly decision: Extract<PolicyDecision, { kind: 'ask' | 'allow' }>;
  /** All of strangers that had been read when it was made, whoever asks. */
  readonly heard: readonly string[];
}

export type Screened =
  | {
      readonly kind: 'run';
      readonly call: ToolCall;
      readonly tool: Tool;
      readonly args: unknown;
      readonly rule: string;
      readonly agentRule: string;
    }
  | ({ readonly kind: 'held'; readonly agentRule: string } & HeldCall)
  /** Refused, or not a call we can make sense of; the model is told why. */
  | {
      readonly kind: 'refused';
      readonly call: ToolCall;
      readonly reason: string;
      readonly rule: string | undefined;
    };

/** Of one call that runs inside the turn. */
export interface RunningCall {
  /** Same for every attempt. */
  readonly key: string;
  readonly hasReadStrangers: boolean;
  /** By which it looks into questions beside the turn, where that can be done. */
  readonly inquire?: ToolContext['inquire'];
}

/** What a turn asks of its tools. */
export type TurnTools = Pick<Toolbox, 'specs' | 'list' | 'screen' | 'run'>;

export class Toolbox {
  constructor(
    private readonly catalog: ToolCatalog,
    private readonly standing: Standing,
    private readonly requester: Pick<Requester, 'person' | 'platform'>,
    private readonly conversationId: ConversationId,
    private readonly outputs: OutputShelf,
  ) {}

  /** What the model may call, as things are now. */
  get specs(): readonly ToolSpec[] {
    const left = new Set(this.list().map(({ name }) => name));
    return this.catalog.specs.filter(({ name }) => left.has(name));
  }

  /** The tools themselves. */
  list(): readonly Tool[] {
    const keptBack = this.#keptBackNow();
    return this.catalog.list().filter((tool) => keptBack(tool) === undefined);
  }

  /**
   * Checks one call: whether the turn has the tool, its arguments by the tool's schema, its right to run by the rules.
   *
   * @param reading what the agent had read when it made the call
   */
  screen(call: ToolCall, reading: Reading = NOTHING_READ): Screened {
    const all = new Map(this.catalog.list().map((tool) => [tool.name, tool]));
    const tool = all.get(call.tool);
    const keptBack = this.#keptBackNow();
    const why = tool && keptBack(tool);
    if (!tool || why !== undefined) {
      const left = this.list().map(({ name }) => name);
      const known = left.join(', ') || 'none';
      return {
        kind: 'refused',
        call,
        rule: why && `tools: ${why}`,
        reason: `${why === undefined ? `There is no tool "${call.tool}".` : `"${call.tool}" is not among the tools of this message: ${why}.`} Tools: ${known}.`,
      };
    }
    // Before the schema, which would walk it.
    const flaw = flawIn(call.input);
    if (flaw) {
      const reason = `The arguments do not fit: ${flaw.path.join('.')} ${flaw.problem}. Nothing was done; call it again without that.`;
      return { kind: 'refused', call, rule: undefined, reason };
    }
    const parsed = tool.input.safeParse(call.input);
    if (!parsed.success) {
      return {
        kind: 'refused',
        call,
        rule: undefined,
        reason: `The arguments do not fit: ${z.prettifyError(parsed.error)}`,
      };
    }
    const args: unknown = parsed.data;
    const missing = tool.calls?.(args).find((each) => !all.has(each.tool.name) || keptBack(each.tool));
    if (missing) {
      const kept = keptBack(missing.tool);
      const reason = `There is no tool "${missing.tool.name}" here, not for a step either${kept === undefined ? '' : `: ${kept}`}.`;
      return { kind: 'refused', call, rule: kept && `tools: ${kept}`, reason };
    }
    const authorizations = this.standing.authorizations();
    const { platform } = this.requester;
    const byRules = decideTool(authorizations, tool, args, { roles: this.standing.roles(), platform });
    const decision = afterReading(byRules, { tool, args }, reading, authorizations);
    if (decision.kind === 'deny') {
      return {
        kind: 'refused',
        call,
        rule: decision.rule,
        reason: `Not allowed by the rule "${decision.rule}".`,
      };
    }
    const { rule: own } = agentRule(authorizations, { tool: tool.name, groups: groupsOf(tool), platform });
    if (decision.kind === 'allow' && (tool.effect === 'read' || tool.inTurn === true)) {
      return { kind: 'run', call, tool, args, rule: decision.rule, agentRule: own };
    }
    return { kind: 'held', call, tool, args, decision, heard: reading.heard, agentRule: own };
  }

  /** By the lists and the roles as they are at this moment. */
  #keptBackNow(): ReturnType<typeof keptBackFrom> {
    const { person, platform } = this.requester;
    const roles = this.standing.roles();
    const asked = this.standing.asked?.() ?? { channels: [platform], elevated: false };
    return keptBackFrom(this.standing.authorizations().tools, { person, roles, ...asked });
  }

  /** Runs a call that `screen` let through. Never throws: what went wrong is the result. */
  async run(tool: Tool, args: unknown, call: RunningCall, signal: AbortSignal): Promise<ToolOutput> {
    const { key } = call;
    const output = toldInTurn(await this.#outcomeOf(tool, args, call, signal));
    const of = { tool, isComposed: isComposing(tool, args), conversationId: this.conversationId, key };
    return withinCap(output, of, this.outputs);
  }

  async #outcomeOf(
    tool: Tool,
    args: unknown,
    { key, hasReadStrangers, inquire }: RunningCall,
    signal: AbortSignal,
  ): Promise<ToolOutput> {
    const timeout = timeLimit(tool.timeoutMs);
    try {
      return await tool.execute(args, {
        idempotencyKey: key,
        conversationId: this.conversationId,
        requester: this.requester.person,
        ...(this.standing.isPrivate ? { isPrivate: true as const } : {}),
        ...(hasReadStrangers ? { hasReadStrangers: true as const } : {}),
        ...(inquire ? { inquire } : {}),
        signal: AbortSignal.any([signal, timeout]),
      });
    } catch (error) {
      signal.throwIfAborted();
      const text = timeout.aborted
        ? `${tool.name} did not answer within ${tool.timeoutMs / 1_000} s`
        : `${tool.name} failed: ${error instanceof Error ? error.message : String(error)}`;
      return { status: 'error', text };
    }
  }
}
