/** `authorizations.yaml`: who may do what, and which calls of the agent wait for a human. */
import { z } from 'zod';
import { Platform } from '../domain/ids.ts';
import { RoleName } from '../domain/person.ts';
import { AfterReading } from './after-reading.ts';
import { WrittenApprovers } from './approvers.ts';
import { type Comparison, parseComparison, Scalar } from './comparison.ts';
import { duration } from './duration.ts';
import { Takeover } from './takeover.ts';
import { Elevation, ToolAccess } from './tool-access.ts';

/**
 * What a role may do. Closed: a permission nobody checks would promise what nobody keeps.
 *
 *   ask            talk to the agent
 *   approve        decide approvals that name the role or the person
 *   operate        dead letters, revoking, reconciling: the work of running the gateway
 *   take-over      take a conversation over from the agent, and hand it back
 *   pair           let strangers in
 *   elevate        open for a message of theirs what is kept back otherwise
 *   audit.read     read the audit
 *   config.change  change these files through Signalbox
 */
export const Permission = z.enum([
  'ask',
  'approve',
  'operate',
  'take-over',
  'pair',
  'elevate',
  'audit.read',
  'config.change',
]);
export type Permission = z.infer<typeof Permission>;

const ToolName = z.string().regex(/^(\*|[A-Za-z][\w.:-]{0,63})$/, 'the name of a tool, or * for every tool');

const GroupName = z.string().regex(/^[a-z][a-z0-9-]{0,31}$/, 'the name of a group of tools, such as jira');

/** Tools an agent may call, by name or by group. */
export const CallScope = z
  .strictObject({
    tools: z.array(ToolName).min(1).optional().describe('By name, or "*" for every tool.'),
    groups: z.array(GroupName).min(1).optional().describe('Whole groups of tools, such as `jira`.'),
    platforms: z
      .array(Platform)
      .min(1)
      .optional()
      .describe('Only for somebody who asked on one of these platforms.'),
  })
  .refine(({ tools, groups }) => tools !== undefined || groups !== undefined, {
    path: ['tools'],
    message: 'must name tools or groups; `tools: ["*"]` for every tool',
  });
export type CallScope = z.infer<typeof CallScope>;

export const Role = z.strictObject({
  description: z.string().optional().describe('For readers of this file.'),
  permissions: z
    .array(Permission)
    .default([])
    .describe(
      'ask: talk to the agent. approve: decide approvals. operate: run the gateway. take-over: take conversations ' +
        'over from the agent. pair: let strangers in. elevate: open for a message of theirs what is kept back (/elevated). audit.read: read the audit. config.change: change these files ' +
        'through Signalbox.',
    ),
  calls: z
    .array(CallScope)
    .optional()
    .describe('Tools that an agent with this role may call; an empty list: none. Means nothing for people.'),
  granted_by: z
    .array(z.string().regex(/^[a-z][a-z0-9-]*:.+$/, 'a group is written platform:id'))
    .optional()
    .describe(
      'Groups of a platform whose members hold this role while they act there, by stable id. ' +
        'discord: `discord:<server id>/<role id>`. Who decides an approval has to be in contacts.yaml all the same.',
    ),
});
export type Role = z.infer<typeof Role>;

const ArgumentPath = z
  .string()
  .regex(/^[A-Za-z_][\w-]*(\.[A-Za-z_0-9][\w-]*)*$/, 'an argument, or a path to one such as `order.total`');

const WrittenComparison = z
  .union([Scalar, z.array(Scalar).min(1)])
  .transform((written, context): Comparison => {
    try {
      return parseComparison(written);
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      context.addIssue({ code: 'custom', message: error.message });
      return z.NEVER;
    }
  })
  .describe(
    '50: equals. [EUR, USD]: one of. "> 50", ">= 50", "< 50", "<= 50", "!= EUR": an operator. "= > 50": that text itself.',
  );

const ruleCondition = {
  name: z.string().min(1).max(120).describe('What the rule is for; shown in the audit and to approvers.'),
  tool: z
    .union([ToolName, z.array(ToolName).min(1)])
    .transform((tool) => (typeof tool === 'string' ? [tool] : tool))
    .describe('The tool, a list of tools, or "*" for every tool.'),
  group: GroupName.optional().describe(
    'Only tools of this group, such as `jira`; with `tool: "*"` all of them.',
  ),
  when: z
    .record(ArgumentPath, WrittenComparison)
    .optional()
    .describe('Conditions on the arguments of the call; all must hold.'),
  requester: z
    .strictObject({
      roles: z.array(RoleName).min(1).optional().describe('The one who asked holds one of these roles.'),
      platforms: z.array(Platform).min(1).optional().describe('They asked on one of these platforms.'),
    })
    .optional()
    .describe('Conditions on the one who asked; all must hold.'),
};

export const AllowRule = z.strictObject({
  ...ruleCondition,
  decision: z.literal('allow').describe('Run it.'),
});
export type AllowRule = z.infer<typeof AllowRule>;

/** Who is asked, by which policy, where. */
const asking = {
  approvers: WrittenApprovers,
  policy: z
    .string()
    .optional()
    .describe('A policy of escalation.yaml: deadline and reminders. Left out: `default`.'),
  channel: Platform.optional().describe('Ask on this platform, instead of where the approver prefers.'),
};

export const Exception = z.strictObject(asking);
export type Exception = z.infer<typeof Exception>;

export const DenyRule = z.strictObject({
  ...ruleCondition,
  decision: z.literal('deny').describe('Refuse it.'),
  escalate: Exception.optional().describe(
    'Instead of refusing it flatly, ask these for an exception, this once. Another rule that denies it without this wins.',
  ),
});
export type DenyRule = z.infer<typeof DenyRule>;

export const AskRule = z.strictObject({
  ...ruleCondition,
  decision: z.literal('ask').describe('Hold it until an approver says yes.'),
  ...asking,
});
export type AskRule = z.infer<typeof AskRule>;

/** One rule; `tool` is always a list once parsed, `when` holds parsed comparisons. */
export const Rule = z
  .discriminatedUnion('decision', [AllowRule, AskRule, DenyRule])
  .describe('allow: run it. ask: hold it until an approver says yes. deny: refuse it.');
export type Rule = z.infer<typeof Rule>;

/** The one agent there is, as `agents` names it. */
export const AGENT = 'signalbox';

export const Agents = z
  .strictObject({
    [AGENT]: z
      .strictObject({
        roles: z
          .array(RoleName)
          .describe('Its roles. What it may call is what `calls` of one of them names.'),
      })
      .optional()
      .describe('The agent people talk to.'),
  })
  .describe(
    'What the agent itself may call, beside the rules: the stricter of both counts. An agent that is left out is held ' +
      'by the rules alone.',
  );
export type Agents = z.infer<typeof Agents>;

/** As long as a guest may be let in at a time, at most. */
export const LONGEST_STAY = '365d';

export const Authorizations = z
  .strictObject({
    roles: z.record(RoleName, Role).describe('Every role, with what it may do.'),
    agents: Agents.prefault({}),
    unknown_senders: z
      .enum(['ignore', 'answer', 'ask-to-pair'])
      .default('ignore')
      .describe(
        'Somebody who is not in contacts.yaml. ignore: no answer. answer: treat them as `guest_role`. ' +
          'ask-to-pair: give them a code, by which somebody with the permission pair can let them in.',
      ),
    guest_role: RoleName.optional().describe(
      'The role of unknown senders when they are answered, and of those who were let in as guests. It may ask, and has no other permission.',
    ),
    guests_stay: duration({ min: '1h', max: LONGEST_STAY })
      .prefault('30d')
      .describe('How long somebody stays a guest, if nothing else is said when they are let in.'),
    rules: z
      .array(Rule)
      .default([])
      .describe('The first that fits decides, from the top; one that denies wins wherever it stands.'),
    defaults: z
      .strictObject({
        read: z.enum(['allow', 'ask', 'deny']).default('allow').describe('For tools that change nothing.'),
        write: z
          .enum(['ask', 'deny'])
          .default('deny')
          .describe('For tools that change something. There is no `allow`: write a rule for what may run.'),
        approvers: WrittenApprovers.optional().describe('Who is asked when a default says `ask`.'),
      })
      .prefault({})
      .describe('What happens when no rule fits.'),
    after_reading: AfterReading.prefault({}).describe(
      'Once the agent has read what strangers wrote, a human decides whatever leaves the conversation.',
    ),
    takeover: Takeover.prefault({}).describe('How people take conversations over from the agent.'),
    tools: ToolAccess.prefault({}).describe('Which tools a message has at all, before the rules are asked.'),
    elevation: Elevation.prefault({}).describe(
      'Who agrees when somebody without the permission elevate writes /elevated.',
    ),
  })
  .describe('Who may do what, and what waits for a human.');
export type Authorizations = z.infer<typeof Authorizations>;

/** Whom a rule asks, and the keys under which that is written; undefined where it asks nobody. */
export function askingOf(
  rule: Rule,
): { readonly asking: Exception; readonly at: readonly string[] } | undefined {
  switch (rule.decision) {
    case 'allow':
      return undefined;
    case 'ask':
      return { asking: rule, at: [] };
    case 'deny':
      return rule.escalate && { asking: rule.escalate, at: ['escalate'] };
    default:
      return rule satisfies never;
  }
}

/** Whether one of these roles carries the permission. An unknown role carries none. */
export function mayDo(
  authorizations: Authorizations,
  roles: readonly string[],
  permission: Permission,
): boolean {
  return roles.some((role) => authorizations.roles[role]?.permissions.includes(permission) ?? false);
}
