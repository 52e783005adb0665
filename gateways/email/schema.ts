/** The parts of foreign data we read: what mailauth found, and the routes of our own addresses. */
import { z } from 'zod';

/** One DKIM signature of a mail, as mailauth reports it; `none` when there was none. */
export const SignatureReport = z.object({
  signingDomain: z.string().default(''),
  algo: z.string().default(''),
  status: z.object({ result: z.string() }),
  /** Names of the signed headers, colon-separated. */
  signingHeaders: z.object({ keys: z.string() }).default({ keys: '' }),
  /** Bytes of the body that were hashed, and that there are. */
  canonBodyLength: z.number().default(0),
  canonBodyLengthTotal: z.number().default(0),
});
export type SignatureReport = z.infer<typeof SignatureReport>;

export const SignatureReports = z.object({
  /** Every address in every From header. */
  headerFrom: z.array(z.string()),
  results: z.array(SignatureReport),
});
export type SignatureReports = z.infer<typeof SignatureReports>;

/** The policy of the From domain; `result` is `none` when it publishes none. */
export const PolicyReport = z.union([
  z.literal(false),
  z.object({
    status: z.object({ result: z.string() }),
    alignment: z.object({ dkim: z.object({ strict: z.boolean() }) }).optional(),
  }),
]);
export type PolicyReport = z.infer<typeof PolicyReport>;

/** Where a mail goes, and which thread it continues. */
export const MailRoute = z.object({
  /** One address. */
  to: z.string().min(3),
  /** Of the mail that is answered; absent when a new thread begins. */
  subject: z.string().optional(),
  inReplyTo: z.string().optional(),
  /** Message-IDs separated by spaces. */
  references: z.string().optional(),
});
export type MailRoute = z.infer<typeof MailRoute>;
