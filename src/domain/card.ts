/**
 * An approval as a person sees it, before any platform's markup: one neutral model, built once by the core and
 * rendered by each gateway. Everything that matters comes from the arguments; prose of the model is marked as such.
 */
import { z } from 'zod';
import { ApprovalId } from './ids.ts';

export const CardChoice = z.enum([
  'approve',
  'deny',
  'deny-with-reason',
  'answer',
  /** Each with a form of its own (`domain/form.ts`): something to know first, other arguments, others like it, too. */
  'ask',
  'edit',
  'always',
  /** What really came of a call whose outcome nobody knows. */
  'happened',
  'did-not-happen',
  'retry',
]);
export type CardChoice = z.infer<typeof CardChoice>;

/** One of several things that an answer can be. */
export const AnswerOption = z.object({
  /** Stable: it comes back as the answer, whatever its label is in. */
  id: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,15}$/, 'an option is lower-case letters, digits, _ and -, 16 at most'),
  /** Plain text, as people read it. */
  label: z.string().min(1).max(75),
});
export type AnswerOption = z.infer<typeof AnswerOption>;

/** Options that are shown at once; more than these are chosen from a list. */
export const MOST_SHOWN_OPTIONS = 5;

export const Card = z.object({
  approvalId: ApprovalId,
  /** Generation and digest of what is shown; an answer carries both back. */
  gen: z.int().nonnegative(),
  digest: z.string(),
  /** One line, from the arguments: `refund: order 7, 120 EUR`. Plain text. */
  title: z.string(),
  /** What exactly would happen, argument by argument; hidden characters already made visible. Plain text. */
  facts: z.array(z.object({ label: z.string(), value: z.string() })),
  /** What the model says about it: untrusted prose, to be fenced and labelled. Plain text. */
  modelSays: z.string().optional(),
  requestedBy: z.string(),
  /** Who may answer, in words: `role manager`, `Dana`. */
  askedOf: z.string(),
  risk: z.enum(['low', 'medium', 'high']),
  reversible: z.boolean(),
  deadline: z.iso.datetime(),
  /** The same in words, on the clock of the hours it is counted by: `21 Nov 2026, 15:02 (Europe/Berlin)`. */
  deadlineText: z.string(),
  /**
   * What happens at the deadline, as things are: that nothing is done, that it runs, who is asked then. One sentence of
   * plain text, and part of `status` as well; absent once nobody is waited for.
   */
  silence: z.string().optional(),
  /** Offered while open, and while nobody knows what came of it; empty once settled. */
  choices: z.array(CardChoice),
  /** Where a yes is taken, in one sentence of plain text, for a place where it is not: nothing here offers one. */
  yesElsewhere: z.string().optional(),
  /** What an `answer` has to be one of, by its id; absent: any words. */
  options: z.array(AnswerOption).optional(),
  /** One true sentence about where it stands; once settled: who, when, from which channel, and what came of it. */
  status: z.object({
    state: z.enum([
      'open',
      'approved',
      'executing',
      'executed',
      'failed',
      'denied',
      'answered',
      'expired',
      'cancelled',
      'superseded',
      'revoked',
      'unknown',
    ]),
    sentence: z.string(),
  }),
  /** For surfaces without buttons (mail): the words to answer with, and the token of the reply address. */
  reply: z.object({ token: z.string(), approveCode: z.string(), denyCode: z.string() }).optional(),
});
export type Card = z.infer<typeof Card>;

/**
 * Names a request and the generation of it that was shown: `apr_p7_0123456789ab.1`. What people write to answer a
 * card where there are no buttons: `approve <ticket>`, `deny <ticket> <reason>`.
 */
export function ticketOf({ approvalId, gen }: Pick<Card, 'approvalId' | 'gen'>): string {
  return `${approvalId}.${gen}`;
}

/** Reads a ticket; one without a generation names what was asked first. Undefined for anything else. */
export function parseTicket(text: string): Pick<Card, 'approvalId' | 'gen'> | undefined {
  const [, id, gen] = /^(apr_[^.]+)(?:\.(\d{1,6}))?$/.exec(text.toLowerCase()) ?? [];
  if (id === undefined) return undefined;
  const approvalId = ApprovalId.safeParse(id);
  return approvalId.success ? { approvalId: approvalId.data, gen: Number(gen ?? 1) } : undefined;
}
