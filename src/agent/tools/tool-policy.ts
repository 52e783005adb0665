/**
 * Which calls run, which wait for a human, and which are refused: the rules of `authorizations.yaml`, applied.
 *
 * Pure. A rule that denies wins wherever it stands; otherwise the first rule that fits decides; otherwise the
 * defaults do, and those never let a call run that changes something. What cannot be compared with what a rule says
 * never slips past it: it fits the rules that ask or deny, and none that allows.
 *
 * A rule that denies may name people to ask for an exception. It gives way to every rule that denies without.
 *
 * What the agent itself may call is held against its roles first: what none of them covers is refused, whatever the
 * rules say, and no exception is asked for.
 */
import {
  AGENT,
  type Authorizations,
  type CallScope,
  type Exception,
  type Rule,
} from '../../config/authorizations.ts';
import { type Comparison, canTell, satisfies } from '../../config/comparison.ts';
import type { Platform } from '../../domain/ids.ts';
import type { Approvers } from '../../domain/quorum.ts';
import type { ToolEffect } from '../../domain/tool.ts';

export interface CallFacts {
  readonly tool: string;
  /** Its group and, if it has one, its family. */
  readonly groups: readonly string[];
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
      /** Normally it is denied; a yes is an exception, for this once. */
      readonly exception?: true;
      /** What the agent had read before, of people nobody vouches for; those who decide are told. */
      readonly strangers?: readonly string[];
    };

export function decideCall(authorizations: Authorizations, facts: CallFacts): PolicyDecision {
  const own = agentRule(authorizations, facts);
  if (own.verdict === 'deny') return { kind: 'deny', rule: own.rule };
  const fitting = authorizations.rules.filter((rule) => fits(rule, facts));
  const denying = fitting.filter((rule) => rule.decision === 'deny');
  const rule = denying.find(({ escalate }) => !escalate) ?? denying[0] ?? fitting[0];
  return rule ? byRule(rule) : byDefault(authorizations, facts);
}

/** What the roles of the agent say about a call, in the words of the audit. */
export function agentRule(
  { agents, roles }: Pick<Authorizations, 'agents' | 'roles'>,
  call: Pick<CallFacts, 'tool' | 'groups' | 'platform'>,
): { readonly verdict: 'allow' | 'deny'; readonly rule: string } {
  const own = agents[AGENT]?.roles;
  if (!own) return { verdict: 'allow', rule: `${AGENT} is held by the rules alone` };
  const covering = own.find((role) => roles[role]?.calls?.some((scope) => covers(scope, call)));
  return covering === undefined
    ? { verdict: 'deny', rule: `no role of ${AGENT} (${own.join(', ') || 'none'}) covers ${call.tool}` }
    : { verdict: 'allow', rule: `role ${covering} of ${AGENT}` };
}

function covers(
  { tools = [], groups: covered = [], platforms }: CallScope,
  { tool, groups, platform }: Pick<CallFacts, 'tool' | 'groups' | 'platform'>,
): boolean {
  const isNamed =
    tools.includes('*') || tools.includes(tool) || groups.some((group) => covered.includes(group));
  return isNamed && (platforms === undefined || platforms.some((each) => each === platform));
}

function byRule(rule: Rule): PolicyDecision {
  switch (rule.decision) {
    case 'allow':
      return { kind: 'allow', rule: rule.name };
    case 'deny':
      return rule.escalate
        ? { ...toAsk(rule.name, rule.escalate), exception: true }
        : { kind: 'deny', rule: rule.name };
    case 'ask':
      return toAsk(rule.name, rule);
    default:
      return rule satisfies never;
  }
}

function toAsk(
  rule: string,
  { approvers, policy = 'default', channel }: Exception,
): Extract<PolicyDecision, { kind: 'ask' }> {
  return { kind: 'ask', rule, approvers, policy, channel };
}

function byDefault({ defaults }: Authorizations, { effect }: CallFacts): PolicyDecision {
  const decision = effect === 'read' ? defaults.read : defaults.write;
  const rule = `default for tools that ${effect === 'read' ? 'read' : 'write'}`;
  if (decision !== 'ask') return { kind: decision, rule };
  // The configuration is refused when a default asks and names nobody to ask.
  if (!defaults.approvers) return { kind: 'deny', rule };
  return { kind: 'ask', rule, approvers: defaults.approvers, policy: 'default', channel: undefined };
}

function fits(rule: Rule, { tool, groups, args, roles, platform }: CallFacts): boolean {
  if (!rule.tool.includes('*') && !rule.tool.includes(tool)) return false;
  if (rule.group !== undefined && !groups.includes(rule.group)) return false;
  const { requester, when } = rule;
  if (requester?.roles && !requester.roles.some((role) => roles.includes(role))) return false;
  if (requester?.platforms && !requester.platforms.some((each) => each === platform)) return false;
  return Object.entries(when ?? {}).every(([path, comparison]) => meets(rule, comparison, at(args, path)));
}

function meets(rule: Rule, comparison: Comparison, argument: unknown): boolean {
  return canTell(comparison, argument) ? satisfies(comparison, argument) : rule.decision !== 'allow';
}

function at(args: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((value, key) => {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    return Reflect.get(value, key);
  }, args);
}
