/**
 * What becomes of a call once the agent has read what strangers wrote. Pure.
 *
 * Whoever writes a mail, an issue or a page may have written what the agent is to do. So from then on each call that
 * changes something outside the conversation, or sends words of the agent's choosing to somebody of its choosing, needs a
 * human, whatever rule lets it run and whatever was agreed to before. What somebody we know has typed themselves (an
 * address) is not of the agent's choosing.
 */
import { z } from 'zod';
import type { Authorizations } from '../../config/authorizations.ts';
import type { Tool } from '../../domain/tool.ts';
import type { Reading } from '../provenance.ts';
import type { PolicyDecision } from './tool-policy.ts';

/** What one call may choose among: with more, words people typed could be made to spell others. */
const MOST_VALUES = 4;

export function afterReading(
  decision: PolicyDecision,
  { tool, args }: { readonly tool: Tool; readonly args: unknown },
  reading: Pick<Reading, 'strangers' | 'isTyped' | 'isOwn'>,
  { after_reading: asking, defaults }: Pick<Authorizations, 'after_reading' | 'defaults'>,
): PolicyDecision {
  const { strangers } = reading;
  if (decision.kind === 'deny' || strangers.length === 0) return decision;
  // What would run inside the turn keeps something: it is strangers' words, also where a rule has it wait.
  if (decision.kind === 'ask' && tool.inTurn === true) return { ...decision, strangers };
  if (!leavesHere(tool, args, reading)) return decision;
  if (decision.kind === 'ask') return { ...decision, strangers };
  const approvers = asking.approvers ?? defaults.approvers;
  const rule = `${decision.rule}, after reading what others wrote`;
  if (!approvers) return { kind: 'deny', rule };
  const { policy = 'default', channel } = asking;
  return { kind: 'ask', rule, approvers, policy, channel, strangers };
}

function leavesHere(tool: Tool, args: unknown, reading: Pick<Reading, 'isTyped' | 'isOwn'>): boolean {
  const calls = tool.calls?.(args);
  if (calls) return calls.some((call) => leavesHere(call.tool, call.args, reading));
  if (tool.inTurn === true) return tool.changesElsewhere?.(args, reading.isOwn) === true;
  if (tool.effect !== 'read') return true;
  return tool.reachesOut?.(args) === true && !isOfTheirs(tool, args, reading.isTyped);
}

/**
 * Whether what it is called with was typed by people we know, whole. Many small things typed somewhere, put together,
 * are of the agent's choosing again: which of them, in which order, spells anything.
 */
function isOfTheirs(tool: Tool, args: unknown, isTyped: Reading['isTyped']): boolean {
  const values = valuesIn(args);
  const given = givenBy(
    tool.inputSchema ?? z.toJSONSchema(tool.input, { unrepresentable: 'any', io: 'input' }),
  );
  const chosen = [...values, ...namesOf(args)].filter((each) => !given.has(each));
  return values.length <= MOST_VALUES && chosen.every(isTyped);
}

/** Texts, numbers, and yes or no. */
function valuesIn(value: unknown): string[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value.flatMap(valuesIn);
  if (typeof value === 'object') return Object.values(value).flatMap(valuesIn);
  return [String(value)];
}

/** Names of what is in it, at any depth. */
function namesOf(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  const own = Array.isArray(value) ? [] : Object.keys(value);
  return [...own, ...Object.values(value).flatMap(namesOf)];
}

/** What the schema of a tool names itself, at any depth: properties, choices, what is taken where nothing is said. */
function givenBy(schema: unknown): ReadonlySet<string> {
  const given = new Set(['true', 'false']);
  const visit = (part: unknown): void => {
    if (typeof part !== 'object' || part === null) return;
    for (const [key, inner] of Object.entries(part)) {
      const isNaming = key === 'properties' && typeof inner === 'object' && inner !== null;
      if (isNaming) for (const name of Object.keys(inner)) given.add(name);
      else if (CONSTANTS.has(key)) for (const value of valuesIn(inner)) given.add(value);
      visit(inner);
    }
  };
  visit(schema);
  return given;
}

/** Keywords of JSON Schema whose values are named as such. */
const CONSTANTS: ReadonlySet<string> = new Set(['enum', 'const', 'default']);
