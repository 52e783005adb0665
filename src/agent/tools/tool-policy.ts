/**
 * Which calls run, which wait for a human, and which are refused: the rules of `authorizations.yaml`, applied.
 *
 * Pure. A rule that denies wins wherever it stands; otherwise the first rule that fits decides; otherwise the
 * defaults do, and those never let a call run that changes something.
 *
 * What cannot be compared with what a rule says may fit it, or not. It never slips past a rule that denies or asks, and
 * never makes use of one that allows. Nor does a rule that may fit shield a call from what holds if it does not, be that
 * the rule that fits for certain behind it or a default: where both ask, both are asked, and where a default refuses, it
 * is refused.
 *
 * A rule that denies may name people to ask for an exception. It gives way to every rule that denies without.
 *
 * What the agent itself may call is held against its roles first: what none of them covers is refused, whatever the
 * rules say, and no exception is asked for.
 */
import { jointName } from '../../approvals/joint-policy.ts';
import {
  AGENT,
  type Authorizations,
  type CallScope,
  type Exception,
  type Rule,
} from '../../config/authorizations.ts';
import { type Comparison, canTell, satisfies } from '../../config/comparison.ts';
import type { Platform } from '../../domain/ids.ts';
import { together } from '../../domain/joint-approvers.ts';
import { type Approvers, MAX_PLACES, placesIn } from '../../domain/quorum.ts';
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
  const fitting = authorizations.rules
    .map((rule) => ({ rule, fit: fitOf(rule, facts) }))
    .filter(({ rule, fit }) => fit === 'certain' || (fit === 'possible' && rule.decision !== 'allow'))
    .toSorted((one, other) => rankOf(one.rule) - rankOf(other.rule));
  const certain = fitting.findIndex(({ fit }) => fit === 'certain');
  const possible = fitting.slice(0, certain === -1 ? undefined : certain).map(({ rule }) => byRule(rule));
  const rule = fitting[certain]?.rule;
  const otherwise = rule ? byRule(rule) : byDefault(authorizations, facts);
  return possible.length === 0 ? otherwise : strictest([...possible, otherwise]);
}

/** Those that deny come first, and of those the ones without an exception; all others stay as they are written. */
function rankOf(rule: Rule): number {
  if (rule.decision !== 'deny') return 2;
  return rule.escalate ? 1 : 0;
}

/** Of several decisions the strictest: refused if one refuses, and otherwise a yes of all who are to be asked. */
export function strictest(decisions: readonly PolicyDecision[]): PolicyDecision {
  const denied = decisions.find(({ kind }) => kind === 'deny');
  if (denied) return denied;
  const asking = decisions.filter((decision) => decision.kind === 'ask');
  if (asking.length === 0) return { kind: 'allow', rule: namesOf(decisions) };
  const approvers = together(asking.map((each) => each.approvers));
  if (placesIn(approvers) > MAX_PLACES) {
    return { kind: 'deny', rule: `at most ${MAX_PLACES} people have to agree to one thing` };
  }
  return {
    kind: 'ask',
    rule: namesOf(asking),
    approvers,
    policy: jointName(asking.map(({ policy }) => policy)),
    channel: asking.find(({ channel }) => channel !== undefined)?.channel,
    ...(asking.some(({ exception }) => exception) ? { exception: true as const } : {}),
  };
}

function namesOf(decisions: readonly PolicyDecision[]): string {
  return [...new Set(decisions.flatMap(({ rule }) => rule.split(AND)))].join(AND);
}

/** Between the names of rules that decide together; such a decision may be one of several itself. */
const AND = ' · ';

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

/** `possible`: nobody can tell. */
type Fit = 'certain' | 'possible' | 'none';

function fitOf(rule: Rule, { tool, groups, args, roles, platform }: CallFacts): Fit {
  if (!rule.tool.includes('*') && !rule.tool.includes(tool)) return 'none';
  if (rule.group !== undefined && !groups.includes(rule.group)) return 'none';
  const { requester, when } = rule;
  if (requester?.roles && !requester.roles.some((role) => roles.includes(role))) return 'none';
  if (requester?.platforms && !requester.platforms.some((each) => each === platform)) return 'none';
  const fits = Object.entries(when ?? {}).map(([path, comparison]) => meets(comparison, args, path));
  if (fits.includes('none')) return 'none';
  return fits.includes('possible') ? 'possible' : 'certain';
}

function meets(comparison: Comparison, args: unknown, path: string): Fit {
  const argument = argumentAt(args, path.split('.'));
  if (argument === 'untold' || !canTell(comparison, argument.value)) return 'possible';
  return satisfies(comparison, argument.value) ? 'certain' : 'none';
}

/** `untold` where a path meets a list, or a single value, and goes on: what is meant may well be in it. In null nothing is. */
function argumentAt(args: unknown, path: readonly string[]): { readonly value: unknown } | 'untold' {
  const [key, ...rest] = path;
  if (key === undefined) return { value: args };
  if (args === undefined || args === null) return { value: undefined };
  if (typeof args !== 'object') return 'untold';
  if (Object.hasOwn(args, key)) return argumentAt(Reflect.get(args, key), rest);
  return Array.isArray(args) && !/^\d+$/.test(key) ? 'untold' : { value: undefined };
}
