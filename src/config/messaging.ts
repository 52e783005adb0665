/** `messaging` and `sessions` of `settings.yaml`: where the agent may write beside its answer, and what it may look up. */
import { z } from 'zod';

/** A platform and one of its channels, as the platform names it: `slack:C0123ABC`. */
export const ChannelPlace = z
  .string()
  .max(200)
  .regex(
    /^[a-z][a-z0-9-]*:[^\s#@]\S*$/,
    'a channel is written platform:id, by its id and not its name, such as slack:C0123ABC',
  );

export const MessagingSettings = z.strictObject({
  channels: z
    .record(
      z
        .string()
        .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'a channel is named in lower-case letters, digits, _ and -'),
      ChannelPlace,
    )
    .optional()
    .describe('Channels the agent may be told to write to, by the name it uses for each: slack:C0123ABC.'),
});
export type MessagingSettings = z.infer<typeof MessagingSettings>;

export const SessionSettings = z.strictObject({
  own_history: z
    .boolean()
    .default(false)
    .describe(
      'true: the agent can look up what somebody said to it in other conversations, when they ask; whoever reads the conversation they ask in reads the answer.',
    ),
});
export type SessionSettings = z.infer<typeof SessionSettings>;
