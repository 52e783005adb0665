/** The settings of the e-mail gateway. */
import { z } from 'zod';
import { isLoopback } from '../../src/domain/encryption.ts';

/** What mail servers commonly take; a larger mail is refused before it is read. */
const DEFAULT_MAX_SIZE_BYTES = 25 * 1024 * 1024;

/** RFC 5321, 4.5.3.1.1: the part before the @ has at most 64 octets, and a reply address adds 51 to ours. */
const MAX_LOCAL_PART = 13;

const port = z.int().min(1).max(65_535);
const host = z.string().min(1);

const BotAddress = z
  .email()
  .toLowerCase()
  .describe('The mail address people write to, e.g. signalbox@example.com.');

export const SmtpSettings = z.strictObject({
  host,
  port: port.default(587),
  secure: z
    .boolean()
    .default(false)
    .describe(
      'true: TLS from the first byte (port 465). false: STARTTLS, which is required outside this machine.',
    ),
  user: z.string().optional(),
  password: z.string().optional().describe('From the environment, never written here.'),
  access_token: z.string().optional().describe('OAuth 2 access token, in place of a password.'),
  ca: z
    .string()
    .optional()
    .describe('PEM of the authority that signed the certificate of the server, if it is your own.'),
});
export type SmtpSettings = z.infer<typeof SmtpSettings>;

export const DkimSettings = z.strictObject({
  domain: host,
  selector: z.string().min(1),
  private_key: z.string().min(1).describe('PEM, from the environment.'),
});

export const ImapSettings = z.strictObject({
  host,
  port: port.default(993),
  secure: z
    .boolean()
    .default(true)
    .describe('true: TLS from the first byte. false: STARTTLS, which is required outside this machine.'),
  user: z.string().min(1),
  password: z.string().optional().describe('From the environment, never written here.'),
  access_token: z.string().optional().describe('OAuth 2 access token, in place of a password.'),
  mailbox: z.string().min(1).default('INBOX'),
  ca: z
    .string()
    .optional()
    .describe('PEM of the authority that signed the certificate of the server, if it is your own.'),
  watchdog_seconds: z
    .number()
    .min(1)
    .max(1_700)
    .default(60)
    .describe('How often the mailbox is searched even if the server announced nothing.'),
  lookback_hours: z
    .number()
    .min(0)
    .max(24 * 30)
    .default(24)
    .describe(
      'How old a mail may be that is read on the very first start, or again after the mailbox was rebuilt.',
    ),
});
export type ImapSettings = z.infer<typeof ImapSettings>;

export const ListenSettings = z.strictObject({
  protocol: z.enum(['smtp', 'lmtp']).default('smtp'),
  host: host.default('127.0.0.1'),
  port: z.int().min(0).max(65_535).default(0).describe('0 takes a free one.'),
  tls: z
    .strictObject({ key: z.string().min(1), cert: z.string().min(1) })
    .optional()
    .describe('PEM; offers STARTTLS.'),
});
export type ListenSettings = z.infer<typeof ListenSettings>;

export const EmailSettings = z
  .strictObject({
    /** `auto`: on when an address and an SMTP server are there. */
    enabled: z.union([z.literal('auto'), z.boolean()]).default('auto'),
    address: BotAddress.optional(),
    aliases: z
      .array(BotAddress)
      .default([])
      .describe(
        'Other addresses that lead here. A mail counts only if it is addressed to one of ours: one that names none was meant for somebody else, who may have passed it on.',
      ),
    name: z.string().min(1).max(100).default('Signalbox').describe('Shown as the sender.'),
    smtp: SmtpSettings.optional().describe('Where mail is sent through.'),
    dkim: DkimSettings.optional().describe('Signs what is sent. Left out: the server does.'),
    inbound: z
      .strictObject({ imap: ImapSettings.optional(), listen: ListenSettings.optional() })
      .default({})
      .describe('How mail comes in: read from a mailbox, or delivered here by a mail server.'),
    dns_server: z
      .string()
      .regex(
        /^(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-fA-F:]+\])(?::\d+)?$/,
        'an IP address with an optional port, as 127.0.0.1:53',
      )
      .optional()
      .describe('Asked for the keys and policies of senders. Left out: the resolver of this machine.'),
    plus_addressing: z
      .boolean()
      .default(true)
      .describe('Mail to name+anything@ reaches name@. false: the reply token is put in the subject.'),
    max_size: z
      .int()
      .min(10_000)
      .max(100 * 1024 * 1024)
      .default(DEFAULT_MAX_SIZE_BYTES)
      .describe('Largest mail read, in bytes.'),
    allow_insecure: z
      .boolean()
      .default(false)
      .describe('Allows unencrypted connections to other machines. For closed networks only.'),
  })
  .superRefine((email, context) => {
    const missing = missingEmailSettings(email);
    if (email.enabled === true && missing.length > 0) {
      context.addIssue({ code: 'custom', message: `is enabled but lacks ${missing.join(' and ')}` });
    }
    const local = email.address?.split('@')[0] ?? '';
    if (email.plus_addressing && Buffer.byteLength(local) > MAX_LOCAL_PART) {
      context.addIssue({
        code: 'custom',
        path: ['address'],
        message: `must have at most ${MAX_LOCAL_PART} characters before the @ so that a reply token fits behind them (or set plus_addressing to false)`,
      });
    }
    const { listen } = email.inbound;
    if (listen && !listen.tls && !isLoopback(listen.host) && !email.allow_insecure) {
      context.addIssue({
        code: 'custom',
        path: ['inbound', 'listen'],
        message:
          'would take mail in the clear from other machines: give it tls, listen on 127.0.0.1, or set allow_insecure',
      });
    }
  });
export type EmailSettings = z.infer<typeof EmailSettings>;

/** What a running gateway has for certain. */
export type ReadyEmailSettings = EmailSettings & { readonly address: string; readonly smtp: SmtpSettings };

export function isReady(email: EmailSettings): email is ReadyEmailSettings {
  return missingEmailSettings(email).length === 0;
}

/** Names of the settings that are needed and not there. */
export function missingEmailSettings(email: Pick<EmailSettings, 'address' | 'smtp' | 'inbound'>): string[] {
  return [
    ...(email.address === undefined ? ['address'] : []),
    ...(email.smtp === undefined ? ['smtp'] : []),
    ...(email.inbound.imap || email.inbound.listen ? [] : ['inbound.imap or inbound.listen']),
  ];
}
