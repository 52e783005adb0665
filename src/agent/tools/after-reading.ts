/**
 * What becomes of a call once the agent has read what strangers wrote. Pure.
 *
 * Whoever writes a mail, an issue or a page may have written what the agent is to do. So from then on each call that
 * changes something outside the conversation, or sends words of the agent's choosing to somebody of its choosing, needs a
 * human, whatever rule lets it run and whatever was agreed to before. What somebody we know has typed themselves (an
 * address) is not of the agent's choosing.
 */
import type { Authorizations } from '../../config/authorizations.ts';
import type { Tool } from '../../domain/tool.ts';
import type { Reading } from '../provenance.ts';
import type { PolicyDecision } from './tool-policy.ts';

export function afterReading(
  decision: PolicyDecision,
  { tool, args }: { readonly tool: Tool; readonly args: unknown },
  { strangers, isTyped }: Pick<Reading, 'strangers' | 'isTyped'>,
  { after_reading: asking, defaults }: Pick<Authorizations, 'after_reading' | 'defaults'>,
): PolicyDecision {
  if (decision.kind === 'deny' || strangers.length === 0 || !leavesHere(tool, args, isTyped)) return decision;
  if (decision.kind === 'ask') return { ...decision, strangers };
  const approvers = asking.approvers ?? defaults.approvers;
  const rule = `${decision.rule}, after reading what others wrote`;
  if (!approvers) return { kind: 'deny', rule };
  const { policy = 'default', channel } = asking;
  return { kind: 'ask', rule, approvers, policy, channel, strangers };
}

function leavesHere(tool: Tool, args: unknown, isTyped: Reading['isTyped']): boolean {
  const calls = tool.calls?.(args);
  if (calls) return calls.some((call) => leavesHere(call.tool, call.args, isTyped));
  if (tool.effect !== 'read' && tool.inTurn !== true) return true;
  return tool.reachesOut === true && !textsIn(args).every(isTyped);
}

function textsIn(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (typeof value === 'number' || typeof value === 'bigint') return [String(value)];
  if (typeof value !== 'object' || value === null) return [];
  if (Array.isArray(value)) return value.flatMap(textsIn);
  return Object.values(value).flatMap(textsIn);
}
