/** What clients send, over HTTP and over a socket. */
import { z } from 'zod';
import { FORM_CHOICES } from '../../src/domain/form.ts';
import { ApprovalId } from '../../src/domain/ids.ts';
import { AnswerChoice, MAX_INLINE_BYTES } from '../../src/domain/message.ts';

/** Together with their prefixes within the bounds of `MessageId` and `ConversationId`; a colon would make them ambiguous. */
const MAX_ID_CHARS = 100;
/** What a page or a program would sensibly hand over at once; the size of a request is bounded, too. */
const MAX_ATTACHMENTS = 10;
/** Longest wait of one request for events, in seconds: shorter than proxies wait for an answer, which is 60 s. */
const MAX_WAIT_S = 30;

const OwnId = z
  .string()
  .regex(
    new RegExp(`^[\\w.@=+/-]{1,${MAX_ID_CHARS}}$`),
    `1 to ${MAX_ID_CHARS} letters, digits and . _ @ = + / -`,
  );

const FileIn = z.strictObject({
  name: z.string().min(1).max(255),
  mediaType: z.string().min(1).max(255).default('application/octet-stream'),
  base64: z
    .base64()
    .refine((text) => bytesIn(text) <= MAX_INLINE_BYTES, `is larger than ${MAX_INLINE_BYTES} bytes`),
});

const messageFields = {
  conversation: OwnId,
  text: z.string(),
  attachments: z.array(FileIn).max(MAX_ATTACHMENTS).optional(),
  /** When it was written, for messages that waited to be sent. */
  sentAt: z.iso.datetime({ offset: true }).optional(),
};

export const MessageRequest = z.strictObject({ id: OwnId.optional(), ...messageFields });
export type MessageRequest = z.infer<typeof MessageRequest>;

const answerFields = {
  id: OwnId,
  approvalId: ApprovalId,
  choice: AnswerChoice,
  text: z.string().max(4_000).optional(),
  /** What was filled into the form of that choice, by the names of its fields. */
  fields: z.record(z.string().max(100), z.string().max(4_000)).optional(),
  gen: z.int().nonnegative(),
  digest: z.string().max(200),
};

export const AnswerRequest = z.strictObject(answerFields);
export type AnswerRequest = z.infer<typeof AnswerRequest>;

const formFields = {
  approvalId: ApprovalId,
  choice: z.enum(FORM_CHOICES),
  gen: z.int().nonnegative(),
  digest: z.string().max(200),
};

export const FormRequest = z.strictObject(formFields);
export type FormRequest = z.infer<typeof FormRequest>;

const Position = z.int().nonnegative();

export const EventsQuery = z.strictObject({
  after: z.coerce.number().pipe(Position).default(0),
  /** Seconds. */
  wait: z.coerce.number().pipe(z.number().min(0).max(MAX_WAIT_S)).default(0),
});
export type EventsQuery = z.infer<typeof EventsQuery>;

/** A frame says what it wants; its `id` is repeated in the reply. */
export const Frame = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('hello'), id: OwnId, token: z.string().max(512) }),
  z.strictObject({ type: z.literal('message'), id: OwnId, ...messageFields }),
  z.strictObject({ type: z.literal('answer'), ...answerFields }),
  z.strictObject({ type: z.literal('form'), id: OwnId, ...formFields }),
  z.strictObject({ type: z.literal('subscribe'), id: OwnId, after: Position.default(0) }),
  z.strictObject({ type: z.literal('approvals'), id: OwnId }),
]);
export type Frame = z.infer<typeof Frame>;

/** How many bytes a base64 text stands for. */
export function bytesIn(base64: string): number {
  const padding = base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0;
  return (base64.length / 4) * 3 - padding;
}
