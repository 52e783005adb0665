/** The part of `authorizations.yaml` about people who take conversations over from the agent. */
import { z } from 'zod';
import { Platform } from '../domain/ids.ts';
import { RoleName } from '../domain/person.ts';
import { isPhrase } from '../domain/phrase.ts';
import { duration } from './duration.ts';

/** What is asked of a message somebody writes to the agent; all must hold. */
export const MessageCondition = z
  .strictObject({
    words: z
      .array(
        z.string().min(2).max(120).refine(isPhrase, {
          error: 'must have a letter or a digit in it: no message ever holds anything else',
        }),
      )
      .min(1)
      .optional()
      .describe(
        'One of these words or phrases is in the text, as whole words where the script has spaces between them; ' +
          'capitals and punctuation do not matter.',
      ),
    platforms: z.array(Platform).min(1).optional().describe('It was written on one of these platforms.'),
    channels: z
      .array(z.string().min(1))
      .min(1)
      .optional()
      .describe(
        'It was written in one of these channels, or in a thread of theirs, by the id the platform gives them; ' +
          'a project of Jira goes by its key.',
      ),
    roles: z.array(RoleName).min(1).optional().describe('Whoever wrote it holds one of these roles.'),
  })
  .refine((condition) => Object.keys(condition).length > 0, 'at least one condition; all must hold');

export type MessageCondition = z.infer<typeof MessageCondition>;

export const TakeoverRule = z
  .strictObject({
    name: z.string().min(1).max(120).describe('What the rule is for; shown in the audit and to people.'),
    when: MessageCondition.describe('Conditions on a message to the agent; all must hold.'),
    do: z
      .enum(['call-human', 'take-over'])
      .describe(
        'call-human: the agent falls silent and somebody who may take over is asked to come. take-over: whoever ' +
          'wrote the message has the conversation, if others have spoken in it before and the permission take-over is theirs.',
      ),
  })
  .refine(({ do: act, when }) => act !== 'take-over' || when.roles !== undefined, {
    path: ['when'],
    error: 'a rule that takes over says by `roles` whose message does',
  });
export type TakeoverRule = z.infer<typeof TakeoverRule>;

/** Times are in milliseconds once parsed. */
export const Takeover = z.strictObject({
  wait: duration({ min: '5s', max: '7d' })
    .prefault('10m')
    .describe('How long a human is waited for before the agent goes on, with an apology.'),
  idle: duration({ min: '5s', max: '30d' })
    .prefault('30m')
    .describe('How long whoever has taken over may be quiet before the agent takes the conversation back.'),
  run_while_human: z
    .boolean()
    .default(false)
    .describe(
      'Whether calls that are approved while a person has the conversation run at once, not after it.',
    ),
  rules: z
    .array(TakeoverRule)
    .default([])
    .describe('When a conversation changes hands by itself; the first rule that fits.'),
});
export type Takeover = z.infer<typeof Takeover>;
