/**
 * The identifiers that cross folders, each its own type, so that mixing two of them does not compile.
 *
 * Every id is derived from what it names (a platform's own id, the item that caused it), never drawn at
 * random where doing the same thing twice must do nothing the second time.
 */
import { z } from 'zod';

/** A channel's name: `slack`, `email`, `cli`. Open, so that a new gateway needs no change here. */
export const Platform = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a platform name is lower-case letters, digits and hyphens')
  .brand<'Platform'>();
export type Platform = z.infer<typeof Platform>;

/** Programs that ask are on a platform of their own, which no gateway serves. */
export const API_PLATFORM = Platform.parse('api');

/** Who a platform says this is: `<platform>:<its stable id>`, e.g. `slack:T024/U0DANA`, `email:dana@example.com`. */
export const AccountId = z
  .string()
  .regex(/^[a-z][a-z0-9-]*:.+$/, 'an account is written platform:id')
  .max(320)
  .brand<'AccountId'>();
export type AccountId = z.infer<typeof AccountId>;

/** A human of `contacts.yaml`, whatever account they act from. */
export const PersonId = z
  .string()
  .regex(
    /^[a-z][a-z0-9._-]{0,63}$/,
    'a person id is lower-case letters, digits, dots, hyphens and underscores',
  )
  .brand<'PersonId'>();
export type PersonId = z.infer<typeof PersonId>;

/** One thread of talk: `slack:<team>:<channel>:<thread>`, `email:<hash of the thread's first Message-ID>`. */
export const ConversationId = z.string().min(1).max(200).brand<'ConversationId'>();
export type ConversationId = z.infer<typeof ConversationId>;

/** One thing a platform delivered; the same on every redelivery: `slack:<team>:<channel>:<ts>`. */
export const MessageId = z.string().min(1).max(400).brand<'MessageId'>();
export type MessageId = z.infer<typeof MessageId>;

/** `apr_p<partition>_<12 characters>`; the partition inside lets any process find the record. */
export const ApprovalId = z
  .string()
  .regex(/^apr_p\d{1,2}_[0-9a-z]{12}$/, 'an approval id looks like apr_p7_0123456789ab')
  .brand<'ApprovalId'>();
export type ApprovalId = z.infer<typeof ApprovalId>;

/**
 * A short name of one conversation, for people to type and for buttons: `con_p<partition>_<12 characters>`; derived
 * from the conversation's id.
 */
export const ConversationTicket = z
  .string()
  .regex(/^con_p\d{1,2}_[0-9a-z]{12}$/, 'the ticket of a conversation looks like con_p7_0123456789ab')
  .brand<'ConversationTicket'>();
export type ConversationTicket = z.infer<typeof ConversationTicket>;

/** `esc_p<partition>_<12 characters>`, derived from what it is about: the same thing again is the same escalation. */
export const EscalationId = z
  .string()
  .regex(/^esc_p\d{1,2}_[0-9a-z]{12}$/, 'an escalation id looks like esc_p7_0123456789ab')
  .brand<'EscalationId'>();
export type EscalationId = z.infer<typeof EscalationId>;

/** Whether a text is a command on an escalation, `!ack esc_p7_0123456789ab`: its ticket says that it is meant for us. */
export function namesEscalation(text: string): boolean {
  const [, ticket = ''] = /^\s*[/!][a-z]+\s+(\S+)/i.exec(text) ?? [];
  return EscalationId.safeParse(ticket.toLowerCase()).success;
}

/** The platform part of an account. */
export function platformOf(account: AccountId): Platform {
  return Platform.parse(account.slice(0, account.indexOf(':')));
}

/**
 * What kind of channel an address is on, as rules and people name it. Each terminal is a platform of its own
 * (`cli-<session>`), because only its own process can write to it; they are all the channel `cli`.
 */
export function channelOf(platform: Platform): string {
  return isTerminal(platform) ? 'cli' : platform;
}

/** Whether it is a terminal, of whichever process: one person sits there. */
export function isTerminal(platform: Platform): boolean {
  return platform.startsWith('cli-');
}
