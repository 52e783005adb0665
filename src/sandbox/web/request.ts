/** What a program asks of the web gateway, what became of it, and the frame it travels in. Pure. */
import { z } from 'zod';
import { FORM_CHOICES } from '../../domain/form.ts';
import { ApprovalId } from '../../domain/ids.ts';
import { AnswerChoice } from '../../domain/message.ts';
import { FormOffer, type ServerFrame } from './frames.ts';

const common = {
  /** Made once, and the same however often it is sent. */
  id: z.string(),
  client: z.string(),
  at: z.iso.datetime(),
};

/** A file that goes along with a message. */
const WebAttachment = z.object({ name: z.string(), mediaType: z.string(), base64: z.string() });
export type WebAttachment = z.infer<typeof WebAttachment>;

export const WebRequest = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('message'),
    ...common,
    conversation: z.string(),
    text: z.string(),
    attachments: z.array(WebAttachment).optional(),
  }),
  z.object({
    kind: z.literal('answer'),
    ...common,
    approvalId: ApprovalId,
    gen: z.int().nonnegative(),
    digest: z.string(),
    choice: AnswerChoice,
    text: z.string().optional(),
    fields: z.record(z.string(), z.string()).optional(),
  }),
  /** It is asked for and not kept: nothing comes of it. */
  z.object({
    kind: z.literal('form'),
    ...common,
    approvalId: ApprovalId,
    gen: z.int().nonnegative(),
    digest: z.string(),
    choice: z.enum(FORM_CHOICES),
  }),
]);
export type WebRequest = z.infer<typeof WebRequest>;

export const Outcome = z.object({
  /** `refused`: it was never taken; `reason` says why. */
  status: z.enum(['stored', 'duplicate', 'answered', 'ignored', 'refused']),
  reason: z.string().optional(),
  code: z.string().optional(),
  notice: z.string().optional(),
  buttons: z.array(z.object({ label: z.string(), says: z.string() })).optional(),
  offer: FormOffer.optional(),
});
export type Outcome = z.infer<typeof Outcome>;

export function toFrame(request: WebRequest): object {
  switch (request.kind) {
    case 'message': {
      const { id, conversation, text, at, attachments = [] } = request;
      const files = attachments.length === 0 ? {} : { attachments };
      return { type: 'message', id, conversation, text, ...files, sentAt: at };
    }
    case 'answer':
    case 'form': {
      const { kind: type, client: _, at: __, ...rest } = request;
      return { type, ...rest };
    }
    default:
      return request satisfies never;
  }
}

/** Undefined: the same is to be sent again. */
export function outcomeOf(reply: Extract<ServerFrame, { type: 'ok' | 'error' }>): Outcome | undefined {
  if (reply.type === 'ok') {
    const { type: _, id: __, status = 'stored', kind, form, ...rest } = reply;
    if (kind === undefined) return { status, ...rest };
    const offer = kind === 'form' ? { kind, form } : { kind, notice: rest.notice };
    return { status, offer: FormOffer.parse(offer) };
  }
  return reply.code === 'try-again' ? undefined : { status: 'refused', reason: reply.message };
}
