/** What a client may ask, and of whom: whatever its settings do not name is refused. Pure. */
import type { ApiClient } from '../config/api.ts';
import type { EscalationPolicy } from '../config/escalation.ts';
import { optionOf } from '../domain/approval/answer.ts';
import type { PersonId } from '../domain/ids.ts';
import { type Approvers, type Leaf, leavesOf } from '../domain/quorum.ts';
import { Problem } from './problem.ts';
import type { CreateRequest } from './schema.ts';

export interface Grounds {
  readonly approvers: Approvers;
  /** Named in the audit and on cards. */
  readonly rule: string;
  readonly policyName: string;
  readonly policy: EscalationPolicy;
}

/** @throws {Problem} when the client may not ask this */
export function groundsOf(
  client: string,
  settings: ApiClient,
  request: Pick<CreateRequest, 'approvers' | 'rule' | 'policy' | 'requester'>,
  policies: Readonly<Record<string, EscalationPolicy>>,
): Grounds {
  checkRequester(client, settings, request.requester);
  const { approvers, rule, presetPolicy } = whoIsAsked(client, settings, request);
  const policyName = request.policy ?? presetPolicy ?? settings.policies[0] ?? 'default';
  const isNamed = settings.policies.includes(policyName) || policyName === presetPolicy;
  const policy = Object.hasOwn(policies, policyName) ? policies[policyName] : undefined;
  if (!isNamed || !policy) {
    throw new Problem({
      code: 'UNKNOWN_POLICY',
      detail: `The client ${client} may not name the policy "${policyName}".`,
      remedy: policy
        ? `Name one of ${settings.policies.join(', ')}, or add it to api.clients.${client}.policies in settings.yaml.`
        : `Name a policy of escalation.yaml: ${settings.policies.join(', ')}.`,
    });
  }
  return { approvers, rule, policyName, policy };
}

/**
 * Whoever offers options takes no other words, of the policy neither.
 *
 * @throws {Problem} when the policy answers with none of them if nobody does
 */
export function checkSilence(
  { policyName, policy }: Pick<Grounds, 'policyName' | 'policy'>,
  { options }: Pick<CreateRequest, 'options'>,
): void {
  const answers = policy.on_timeout.flatMap((rung) => (rung.kind === 'default' ? [rung.text] : []));
  const foreign = options && answers.find((text) => !optionOf({ options }, text));
  if (!options || foreign === undefined) return;
  throw new Problem({
    code: 'NOT_OFFERED',
    detail: `When nobody answers, the policy "${policyName}" answers "${foreign}", which is none of the options: ${options.map(({ id }) => id).join(', ')}.`,
    remedy:
      'Offer that as an option, by its id or its label, or name a policy that answers with one of these.',
  });
}

function whoIsAsked(
  client: string,
  settings: ApiClient,
  { approvers, rule }: Pick<CreateRequest, 'approvers' | 'rule'>,
): Pick<Grounds, 'approvers' | 'rule'> & { readonly presetPolicy?: string } {
  if (rule !== undefined) {
    const preset = Object.hasOwn(settings.presets, rule) ? settings.presets[rule] : undefined;
    if (!preset) {
      throw new Problem({
        code: 'UNKNOWN_RULE',
        detail: `The client ${client} has no rule "${rule}".`,
        remedy: `Name one of api.clients.${client}.presets in settings.yaml, or say who is to be asked under \`approvers\`.`,
      });
    }
    return { approvers: preset.approvers, rule: `${client}: ${rule}`, presetPolicy: preset.policy };
  }
  // The schema wants one of the two.
  if (!approvers) throw new Error('a request names neither approvers nor a rule');
  const foreign = leavesOf(approvers).find((leaf) => !settings.asks.some((each) => isSame(each, leaf)));
  if (foreign) {
    throw new Problem({
      code: 'NOT_ALLOWED',
      detail: `The client ${client} may not ask ${nameOf(foreign)}.`,
      remedy: `Add it to api.clients.${client}.asks in settings.yaml, or ask somebody else.`,
    });
  }
  return { approvers, rule: `client ${client}` };
}

function checkRequester(client: string, { asks_for }: ApiClient, requester: PersonId | undefined): void {
  if (requester === undefined || asks_for === 'everybody' || asks_for.includes(requester)) return;
  throw new Problem({
    code: 'NOT_ALLOWED',
    detail: `The client ${client} may not ask on behalf of ${requester}.`,
    remedy: `Add them to api.clients.${client}.asks_for in settings.yaml, or leave \`requester\` out.`,
  });
}

function isSame(allowed: ApiClient['asks'][number], leaf: Leaf): boolean {
  if ('role' in allowed) return 'role' in leaf && leaf.role === allowed.role;
  if ('on_call' in allowed) return 'onCall' in leaf && leaf.onCall === allowed.on_call;
  return 'person' in leaf && leaf.person === allowed.person;
}

function nameOf(leaf: Leaf): string {
  if ('role' in leaf) return `the role ${leaf.role}`;
  return 'onCall' in leaf ? `whoever is on call for ${leaf.onCall}` : `the person ${leaf.person}`;
}
