/**
 * Which calls run, which wait for a human, and which are refused: the rules of `authorizations.yaml`, applied.
 *
 * Pure. A rule that denies wins wherever it stands; otherwise the first rule that fits decides; otherwise the
 * defaults do, and those never let a call run that changes something. What cannot be compared with a limit never
 * slips under it: it fits the rules that ask or deny, and none that allows.
 */
import type { Authorizations, Rule } from '../../config/authorizations.ts';
import { type Comparison, satisfies } from '../../config/comparison.ts';
import type { Platform } from '../../domain/ids.ts';
import type { Approvers } from '../../domain/quorum.ts';
import type { ToolEffect } from '../../domain/tool.ts';

export interface CallFacts {
  readonly tool: string;
  /** Of the tool. */
  readonly group: string;
  readonly effect: ToolEffect;
  readonly args: unknown;
  readonly roles: readonly string[];
  readonly platform: string;
}

export type PolicyDecision =
  | { readonly kind: 'allow'; readonly rule: string }
  | { readonly kind: 'deny'; readonly rule: string }
  | {
      readonly kind: 'ask';
      readonly rule: string;
      readonly approvers: Approvers;
      readonly policy: string;
      readonly channel: Platform | undefined;
    };

export function decideCall(authorizations: Authorizations, facts: CallFacts): PolicyDecision {
  const fitting = authorizations.rules.filter((rule) => fits(rule, facts));
  const rule = fitting.find(({ decision }) => decision === 'deny') ?? fitting[0];
  return rule ? byRule(rule) : byDefault(authorizations, facts);
}

function byRule(rule: Rule): PolicyDecision {
  switch (rule.decision) {
    case 'allow':
      return { kind: 'allow', rule: rule.name };
    case 'deny':
      return { kind: 'deny', rule: rule.name };
    case 'ask':
      return {
        kind: 'ask',
        rule: rule.name,
        approvers: rule.approvers,
        policy: rule.policy ?? 'default',
        channel: rule.channel,
      };
    default:
      return rule satisfies never;
  }
}

function byDefault({ defaults }: Authorizations, { effect }: CallFacts): PolicyDecision {
  const decision = effect === 'read' ? defaults.read : defaults.write;
  const rule = `default for tools that ${effect === 'read' ? 'read' : 'write'}`;
  if (decision !== 'ask') return { kind: decision, rule };
  // The configuration is refused when a default asks and names nobody to ask.
  if (!defaults.approvers) return { kind: 'deny', rule };
  return { kind: 'ask', rule, approvers: defaults.approvers, policy: 'default', channel: undefined };
}

function fits(rule: Rule, { tool, group, args, roles, platform }: CallFacts): boolean {
  if (!rule.tool.includes('*') && !rule.tool.includes(tool)) return false;
  if (rule.group !== undefined && rule.group !== group) return false;
  const { requester, when } = rule;
  if (requester?.roles && !requester.roles.some((role) => roles.includes(role))) return false;
  if (requester?.platforms && !requester.platforms.some((each) => each === platform)) return false;
  return Object.entries(when ?? {}).every(([path, comparison]) => meets(rule, comparison, at(args, path)));
}

function meets(rule: Rule, comparison: Comparison, argument: unknown): boolean {
  const unclear = comparison.kind === 'order' && argument !== undefined && !satisfies(ANY_NUMBER, argument);
  return unclear ? rule.decision !== 'allow' : satisfies(comparison, argument);
}

const ANY_NUMBER: Comparison = { kind: 'order', operator: '>=', than: Number.NEGATIVE_INFINITY };

function at(args: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    return Reflect.get(value, key);
  }, args);
}
