/** `settings.yaml`, section `outgoing`: what the agent's words may hold when they go out. */
import { z } from 'zod';

export const OutgoingSettings = z.strictObject({
  link_hosts: z
    .array(
      z
        .string()
        .regex(
          /^(\*\.)?([a-z0-9]([a-z0-9-]*[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]*[a-z0-9])?$/,
          'a host, such as docs.corp.test or *.corp.test',
        ),
    )
    .default([])
    .describe(
      'Hosts the agent may link to after it has read what strangers wrote; `*.corp.test` means all below. Other links go out then only if they stood in what it read.',
    ),
});
export type OutgoingSettings = z.infer<typeof OutgoingSettings>;
