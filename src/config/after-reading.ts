/** `authorizations.yaml`, section `after_reading`: what is asked once the agent has read what strangers wrote. */
import { z } from 'zod';
import { Platform } from '../domain/ids.ts';
import { WrittenApprovers } from './approvers.ts';

export const AfterReading = z.strictObject({
  approvers: WrittenApprovers.optional().describe(
    'Who is asked then about calls that a rule lets run. Left out: `defaults.approvers`; without those, such calls are refused.',
  ),
  policy: z.string().optional().describe('A policy of escalation.yaml. Left out: `default`.'),
  channel: Platform.optional().describe('Ask on this platform, instead of where the approver prefers.'),
});
export type AfterReading = z.infer<typeof AfterReading>;
