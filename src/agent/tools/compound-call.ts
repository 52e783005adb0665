/**
 * What the rules say of a call, however many calls of other tools it is made of. Pure.
 *
 * Invariants
 *   1. A call that is made of others is held as the strictest of them: it is refused if one is, and waits for everybody
 *      whom one of them would wait for, by all of their policies. Nothing gets through in it that would not get through alone.
 *   2. It is as risky as the riskiest of them, and reversible only if each of them is.
 *   3. What it tells holds the agent's own words as soon as what one of them tells may.
 *   4. Nobody is asked about a call that only tells the gateway something, such as that a human is wanted.
 */
import type { Authorizations } from '../../config/authorizations.ts';
import type { ToolAccess } from '../../config/tool-access.ts';
import { groupsOf, type Risk, type Tool } from '../../domain/tool.ts';
import { deniedTo } from './profiles.ts';
import { type CallFacts, decideCall, type PolicyDecision, strictest } from './tool-policy.ts';

const RISKS: readonly Risk[] = ['low', 'medium', 'high'];

/** What the rules say of a call of this tool, now. */
export function decideTool(
  authorizations: Authorizations,
  tool: Tool,
  args: unknown,
  who: Pick<CallFacts, 'roles' | 'platform'>,
): PolicyDecision {
  const calls = tool.calls?.(args);
  // What only makes other calls changes nothing by itself.
  const effect = calls ? 'read' : tool.effect;
  const own = decideCall(authorizations, { ...who, tool: tool.name, groups: groupsOf(tool), effect, args });
  if (tool.deed === 'word') return unasked(own);
  if (!calls) return own;
  return strictest([own, ...calls.map((call) => decideTool(authorizations, call.tool, call.args, who))]);
}

/** Denied stays denied, for an exception would be asked for just as much in vain. */
function unasked(decision: PolicyDecision): PolicyDecision {
  if (decision.kind !== 'ask') return decision;
  return { kind: decision.exception ? 'deny' : 'allow', rule: decision.rule };
}

export function riskOf(tool: Tool, args: unknown): Risk {
  const risks = [tool.risk, ...(tool.calls?.(args) ?? []).map((call) => riskOf(call.tool, call.args))];
  return RISKS.findLast((risk) => risks.includes(risk)) ?? tool.risk;
}

/** Once all of it is done: what undoes a step when a later one fails is another matter. */
export function isReversible(tool: Tool, args: unknown): boolean {
  const calls = tool.calls?.(args);
  if (!calls) return tool.reversible;
  return calls.every((call) => call.tool.effect === 'read' || isReversible(call.tool, call.args));
}

/** Whether what it tells may be put together of what the agent wrote; see `Tool.composes`. */
export function isComposing(tool: Tool, args: unknown): boolean {
  return (
    tool.composes === true || (tool.calls?.(args) ?? []).some((call) => isComposing(call.tool, call.args))
  );
}

/** Of it and all the calls it makes, one that is denied to everybody. */
export function deniedAmong(access: ToolAccess, tool: Tool, args: unknown): Tool | undefined {
  if (deniedTo(access, tool) !== undefined) return tool;
  for (const call of tool.calls?.(args) ?? []) {
    const denied = deniedAmong(access, call.tool, call.args);
    if (denied) return denied;
  }
  return undefined;
}

/** The name of a tool that it would call with these arguments, and would not have with those it was asked with. */
export function broughtIn(tool: Tool, asked: unknown, wanted: unknown): string | undefined {
  const before = tool.input.safeParse(asked);
  const calls = before.success ? (tool.calls?.(before.data) ?? []) : [];
  const had = new Set(calls.map((call) => call.tool.name));
  return tool.calls?.(wanted).find((call) => !had.has(call.tool.name))?.tool.name;
}
