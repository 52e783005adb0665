/** The parts of `authorizations.yaml` about which tools a turn has at all, before the rules are asked about a call. */
import { z } from 'zod';
import { ToolProfile } from '../domain/directive.ts';
import { PersonId, Platform } from '../domain/ids.ts';
import { RoleName } from '../domain/person.ts';
import { TOOL_GROUPS } from '../domain/tool.ts';
import { WrittenApprovers } from './approvers.ts';
import { duration } from './duration.ts';

const ToolOrGroup = z
  .string()
  .regex(/^[A-Za-z][\w.:-]{0,63}$/, 'the name of a tool, or of a group of tools such as fs or jira');

/** `slack`, or `slack:C0123ABC`: everything on a platform, or one of its channels; never by a name, which changes hands. */
const ChannelName = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]*(?::[^\s#@]\S*)?$/,
    'a platform such as slack, or one of its channels by id, not by name: slack:C0123ABC',
  );

/** Of a role, a person or a channel. */
export const ToolLimits = z
  .strictObject({
    profile: ToolProfile.optional().describe('What a message has that asks for no profile itself.'),
    ceiling: ToolProfile.optional().describe('No message has more than this, whatever it asks for.'),
  })
  .refine(({ profile, ceiling }) => profile !== undefined || ceiling !== undefined, {
    message: 'must say `profile`, `ceiling` or both',
  });
export type ToolLimits = z.infer<typeof ToolLimits>;

export const ToolAccess = z.strictObject({
  default_profile: ToolProfile.default('full').describe(
    'What a message has when neither it nor `channels`, `people` or `roles` says otherwise: minimal, coding, messaging or full.',
  ),
  group_overrides: z
    .partialRecord(z.enum(TOOL_GROUPS), z.boolean())
    .default({})
    .describe('true: this group is in every profile. false: it is in none.'),
  allow: z
    .array(ToolOrGroup)
    .default([])
    .describe(
      'Tools and groups that a message has beside its profile, unless it asks for a profile itself. Opens nothing that a ceiling, `deny` or `elevated_only` keeps back.',
    ),
  deny: z.array(ToolOrGroup).default([]).describe('Tools and groups that no message has.'),
  elevated_only: z
    .array(ToolOrGroup)
    .default([])
    .describe('Tools and groups that only a message has that was elevated (/elevated).'),
  channels: z
    .record(ChannelName, ToolLimits)
    .default({})
    .describe('By platform (`slack`) or by channel (`slack:C0123ABC`).'),
  people: z.record(PersonId, ToolLimits).default({}).describe('By the name contacts.yaml gives them.'),
  roles: z
    .record(RoleName, ToolLimits)
    .default({})
    .describe(
      'By role. Of several roles of a person the first in this list gives the profile; each ceiling holds.',
    ),
});
export type ToolAccess = z.infer<typeof ToolAccess>;

/** Who says yes to /elevated of somebody without the permission `elevate`. `lasts` is in milliseconds once parsed. */
export const Elevation = z.strictObject({
  approvers: WrittenApprovers.optional().describe(
    'Who may agree that a message is elevated. Left out: nobody may, and it is refused.',
  ),
  policy: z
    .string()
    .optional()
    .describe('A policy of escalation.yaml: deadline and reminders. Left out: `default`.'),
  channel: Platform.optional().describe('Ask on this platform, instead of where the approver prefers.'),
  lasts: duration({ min: '1m', max: '24h' })
    .prefault('15m')
    .describe('How long what is kept back is open for that one message.'),
});
export type Elevation = z.infer<typeof Elevation>;
