/** What programs send and are sent, field by field. The OpenAPI document is made of these. */
import { z } from 'zod';
import { visible } from '../approvals/sentences.ts';
import { WrittenApprovers } from '../config/approvers.ts';
import { ApprovalState } from '../domain/approval/record.ts';
import { AnswerOption } from '../domain/card.ts';
import { ApprovalId, PersonId } from '../domain/ids.ts';

/** Longest idempotency key, in characters. */
export const MAX_KEY_CHARS = 200;
/** Longest line a card begins with, in characters; longer ones are cut by platforms. */
const MAX_TITLE_CHARS = 120;
/** Facts or arguments of one request: what a person can still read on a card. */
const MAX_FACTS = 50;
/** What people can still choose from; a menu of Discord has 25 (docs.discord.com, String Select). */
const MAX_OPTIONS = 20;
/** All arguments together, as JSON, in characters. */
const MAX_ARGS_CHARS = 16_000;
const MAX_TEXT_CHARS = 4_000;
/** Longest wait for one answer, in seconds: below what proxies allow by default. */
const MAX_WAIT_S = 55;

const Line = z
  .string()
  .min(1)
  .max(MAX_TITLE_CHARS)
  .refine((text) => visible(text) === text, 'is one line of characters that can be seen');

export const IdempotencyKey = z
  .string()
  .min(1)
  .max(MAX_KEY_CHARS)
  .regex(/^[\x21-\x7e]+$/, 'is of printable ASCII characters, without spaces')
  .describe('Yours, and new for each act. The same again is the same act, however often it is sent.');

const Text = z.string().trim().min(1).max(MAX_TEXT_CHARS);

/** Whoever types an answer may use the id or the label, so neither may stand for two of them. */
function areDistinct(options: readonly AnswerOption[]): boolean {
  const names = options.flatMap(({ id, label }) => [...new Set([id, label.trim().toLowerCase()])]);
  return new Set(names).size === names.length;
}

// ── What is sent to us ───────────────────────────────────────────────────────────────────────────────────────

const Choice = z.enum(['approve', 'deny', 'answer', 'ask']);

export const CreateRequest = z
  .strictObject({
    idempotencyKey: IdempotencyKey.optional().describe('In place of the header Idempotency-Key.'),
    title: Line.optional().describe('What is asked, in one line. This, or `tool`.'),
    tool: z
      .string()
      .regex(/^[A-Za-z][\w.:-]{0,63}$/, 'is a name: letters, digits and . _ : -')
      .optional()
      .describe('The name of what would be done. This, or `title`.'),
    args: z
      .record(z.string().min(1).max(100), z.unknown())
      .optional()
      .refine((args) => args === undefined || Object.keys(args).length <= MAX_FACTS, {
        error: `has at most ${MAX_FACTS} entries`,
      })
      .refine((args) => args === undefined || JSON.stringify(args).length <= MAX_ARGS_CHARS, {
        error: `is at most ${MAX_ARGS_CHARS} characters of JSON`,
      })
      .describe('What exactly would happen, argument by argument. This, or `facts`, or neither.'),
    facts: z
      .array(z.strictObject({ label: z.string().min(1).max(100), value: z.string().max(2_000) }))
      .max(MAX_FACTS)
      .optional()
      .refine((facts = []) => new Set(facts.map(({ label }) => label)).size === facts.length, {
        error: 'has a label twice',
      })
      .describe('The same, in words and in order.'),
    risk: z.enum(['low', 'medium', 'high']).default('high'),
    reversible: z.boolean().default(false).describe('Whether it can be undone.'),
    approvers: WrittenApprovers.optional().describe(
      'Who has to say yes, as in authorizations.yaml: `{ role: … }`, `{ role: …, count: 2 }`, `{ person: … }`, or several of these: `{ all: […] }`, `{ any: […] }`, `{ at_least: 2, of: […] }`. This, or `rule`.',
    ),
    rule: z.string().optional().describe('A preset of the client in settings.yaml. This, or `approvers`.'),
    policy: z.string().optional().describe('A policy of escalation.yaml that the client may name.'),
    requester: PersonId.optional().describe(
      'Who wants it, by person id; they cannot decide it. Left out: the client itself.',
    ),
    choices: z
      .array(Choice)
      .min(2)
      .refine((choices) => new Set(choices).size === choices.length, { error: 'has a choice twice' })
      .default(['approve', 'deny', 'answer', 'ask'])
      .describe('What people are offered. answer: words in place of a yes or no. ask: a question first.'),
    options: z
      .array(
        AnswerOption.strict().refine(({ label }) => visible(label) === label && label.trim() === label, {
          error: 'is one line of characters that can be seen, with no blank at its ends',
          path: ['label'],
        }),
      )
      .min(2)
      .max(MAX_OPTIONS)
      .optional()
      .refine((options) => options === undefined || areDistinct(options), {
        error: 'has an id or a label twice, or a label that is the id of another one',
      })
      .describe('What an answer has to be one of; without it, an answer is any words.'),
    permit: z
      .boolean()
      .default(false)
      .describe('Whether you claim a permit before you act on a yes, so that it is acted on once.'),
    idempotent: z
      .boolean()
      .default(false)
      .describe('With `permit`: whether acting twice under the same key is harmless.'),
  })
  .refine(
    ({ choices, options }) =>
      options !== undefined || (choices.includes('approve') && choices.includes('deny')),
    { error: 'offers at least approve and deny', path: ['choices'] },
  )
  .refine(({ choices, options }) => options === undefined || choices.includes('answer'), {
    error: 'offers answer, if there are options for it',
    path: ['choices'],
  })
  .refine(({ title, tool }) => (title === undefined) !== (tool === undefined), {
    error: 'has either a title or a tool',
    path: ['title'],
  })
  .refine(({ args, facts }) => args === undefined || facts === undefined, {
    error: 'has args or facts, not both',
    path: ['facts'],
  })
  .refine(({ approvers, rule }) => (approvers === undefined) !== (rule === undefined), {
    error: 'has either approvers or a rule',
    path: ['approvers'],
  });
export type CreateRequest = z.infer<typeof CreateRequest>;

export const AnswerRequest = z.strictObject({
  idempotencyKey: IdempotencyKey.optional().describe('In place of the header Idempotency-Key.'),
  person: PersonId.describe('Whose answer it is, by person id.'),
  choice: z
    .enum(['approve', 'deny', 'answer', 'ask', 'take-back'])
    .describe('take-back: what they said before is unsaid.'),
  text: Text.optional().describe('The reason of a no; the answer; the question.'),
  gen: z.int().nonnegative().describe('Of what they were shown.'),
  digest: z.string().max(100).describe('Of what they were shown.'),
});
export type AnswerRequest = z.infer<typeof AnswerRequest>;

export const ReplyRequest = z.strictObject({
  idempotencyKey: IdempotencyKey.optional().describe('In place of the header Idempotency-Key.'),
  text: Text.describe('What those who asked back read.'),
});
export type ReplyRequest = z.infer<typeof ReplyRequest>;

export const CancelRequest = z.strictObject({
  reason: Text.max(500).default('no reason was given').describe('Shown to those who were asked.'),
});
export type CancelRequest = z.infer<typeof CancelRequest>;

export const ClaimRequest = z.strictObject({
  digest: z.string().max(100).describe('Of what you are about to do: that of the approval you have read.'),
  attempt: IdempotencyKey.optional().describe(
    'New for every attempt; the same when you repeat a claim whose reply you did not get.',
  ),
});
export type ClaimRequest = z.infer<typeof ClaimRequest>;

const Epoch = z.int().min(1).describe('Of your permit.');

export const RenewRequest = z.strictObject({ epoch: Epoch });
export type RenewRequest = z.infer<typeof RenewRequest>;

export const CompleteRequest = z.strictObject({
  epoch: Epoch,
  status: z
    .enum(['ok', 'error', 'unknown'])
    .describe('unknown: it was begun, and you cannot tell whether it happened.'),
  text: Text.max(2_000).describe('What came of it, in a sentence.'),
});
export type CompleteRequest = z.infer<typeof CompleteRequest>;

/**
 * Of what stands in an address: all of it is text until it is read. Undefined leaves the word to the bound that is not
 * kept: what is given here is asked about those as well.
 */
const A_NUMBER: z.core.$ZodErrorMap = ({ code, expected }) =>
  code === 'invalid_type' && expected === 'number' ? 'has to be a number' : undefined;

export const ListQuery = z.strictObject({
  state: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(ApprovalState))
    .optional()
    .describe('One state, or several with commas between.'),
  client: z
    .string()
    .max(40)
    .optional()
    .describe(
      'Of this client; `*` for every one; `agent` for what the agent asked and still waits. Left out: what your client asked.',
    ),
  cursor: z.string().max(200).optional().describe('`next` of the page before.'),
  limit: z.coerce.number({ error: A_NUMBER }).int().min(1).max(100).default(20),
});
export type ListQuery = z.infer<typeof ListQuery>;

export const WaitQuery = z.strictObject({
  timeout: z.coerce
    .number({ error: A_NUMBER })
    .min(0)
    .max(MAX_WAIT_S)
    .default(30)
    .describe('In seconds. Not for events.'),
  until: z
    .enum(['decided', 'ended'])
    .default('decided')
    .describe('decided: it no longer waits for people. ended: nothing more can become of it.'),
  after: z.coerce
    .number({ error: A_NUMBER })
    .int()
    .nonnegative()
    .optional()
    .describe('Also answer as soon as its `rev` is higher than this.'),
});
export type WaitQuery = z.infer<typeof WaitQuery>;

export const ApprovalParams = z.strictObject({ id: ApprovalId });

// ── What is sent to programs ─────────────────────────────────────────────────────────────────────────────────

const Instant = z.iso.datetime();
const Speaker = z.object({ person: z.string(), name: z.string() });
const Said = Speaker.extend({ via: z.string(), at: Instant, text: z.string().nullable() });

/** What a program acts on; the states say it in more detail. */
export const Outcome = z.enum([
  'approved',
  'denied',
  'answered',
  'expired',
  'cancelled',
  'superseded',
  'revoked',
  'unknown',
]);
export type Outcome = z.infer<typeof Outcome>;

export const ApprovalView = z.object({
  id: ApprovalId,
  state: ApprovalState,
  outcome: Outcome.nullable().describe(
    'Null while people are asked, and, without a permit, until their yes is handed over. approved, also once it was acted on; expired is nobody’s no.',
  ),
  sentence: z.string().describe('Where it stands, in one true sentence. Plain text.'),
  rev: z.int().describe('Grows with every change.'),
  gen: z.int().describe('Grows when what is asked changes.'),
  digest: z.string().describe('Of what is asked; a yes is bound to it.'),
  title: z.string(),
  action: z.string().describe('`title` or `tool` of the request.'),
  args: z.unknown(),
  facts: z.array(z.object({ label: z.string(), value: z.string() })),
  risk: z.enum(['low', 'medium', 'high']),
  reversible: z.boolean(),
  client: z.string().nullable().describe('Null for what the agent asked.'),
  requester: Speaker,
  askedOf: z.string(),
  policy: z.string(),
  choices: z.array(z.string()),
  options: z.array(AnswerOption).describe('What an answer has to be one of; none: any words.'),
  createdAt: Instant,
  deadline: Instant,
  decision: z
    .object({
      choice: z.enum(['approve', 'deny', 'answer']),
      source: z.enum(['human', 'policy', 'timeout', 'grant']),
      by: Speaker.nullable(),
      via: z.string().nullable(),
      text: z.string().nullable(),
      option: z.string().nullable().describe('The id of the option that was chosen; its label is the text.'),
      at: Instant,
      validUntil: Instant.nullable().describe('With a permit: it has to be claimed by then.'),
    })
    .nullable(),
  yes: z.array(Said).describe('Who has said yes so far, where more than one has to.'),
  no: z.array(Said).describe('Who has said no so far, where one no is not enough.'),
  talk: z.array(Said.extend({ kind: z.enum(['question', 'reply']), text: z.string() })),
  permit: z.boolean(),
  execution: z.object({ epoch: z.int(), attempt: z.int(), leaseUntil: Instant }).nullable(),
  result: z.object({ status: z.enum(['ok', 'error']), text: z.string(), at: Instant }).nullable(),
  remark: z.string().nullable().describe('Why it was revoked, cancelled or became unknown.'),
  supersededBy: ApprovalId.nullable().describe('The newer request that took its place.'),
  supersedes: z.array(ApprovalId).describe('Those whose place it took; they ended as it began.'),
});
export type ApprovalView = z.infer<typeof ApprovalView>;

export const Act = z.object({
  code: z.string().describe('What became of it.'),
  sentence: z.string().describe('The same for people. Markdown.'),
  approval: ApprovalView,
});
export type Act = z.infer<typeof Act>;

export const Permit = z.object({
  epoch: z.int(),
  idempotencyKey: z
    .string()
    .describe('The same for every attempt: give it to whatever you call, where it takes one.'),
  leaseUntil: Instant.describe('Begin before then, by a clock of yours that you read before the claim.'),
  leaseMs: z.int(),
});

export const Claimed = Act.extend({ permit: Permit });
export type Claimed = z.infer<typeof Claimed>;

export const Page = z.object({
  approvals: z.array(ApprovalView).describe('Newest first. May be fewer than asked for, also none.'),
  next: z.string().nullable().describe('The cursor of the next page; null when there is none.'),
});
export type Page = z.infer<typeof Page>;

export const Waited = z.object({
  code: z.enum(['SETTLED', 'CHANGED', 'WAITING']).describe('WAITING: time was up; ask again.'),
  approval: ApprovalView,
});
export type Waited = z.infer<typeof Waited>;

/** RFC 9457. */
export const ProblemBody = z.object({
  type: z.string().describe('Names the kind of problem: urn:signalbox:problem:<code>.'),
  title: z.string(),
  status: z.int(),
  code: z.string(),
  detail: z.string().describe('What went wrong, with which thing.'),
  remedy: z.string().describe('What to do about it.'),
  errors: z
    .array(z.object({ at: z.string().describe('Where, as a JSON pointer.'), problem: z.string() }))
    .optional(),
  approval: ApprovalView.optional().describe('As it is now.'),
});
export type ProblemBody = z.infer<typeof ProblemBody>;

export const WebhookBody = z.object({
  type: z
    .string()
    .describe('approval.<state in lower case>, or approval.notice for a remark on what was asked.'),
  timestamp: Instant.describe('When it happened.'),
  data: z.object({
    approval: ApprovalView.optional().describe('As it was then.'),
    approvalId: z.string(),
    notice: z.string().optional().describe('Markdown.'),
  }),
});
export type WebhookBody = z.infer<typeof WebhookBody>;
