/** What a client says, in our words. Pure. */
import { ConversationId, MessageId } from '../../src/domain/ids.ts';
import type { InboundAnswer, InboundMessage, Sender } from '../../src/domain/message.ts';
import { accountOf, toAddress } from './outbound.ts';
import { type AnswerRequest, bytesIn, type MessageRequest } from './schema.ts';

/** @param now in milliseconds since the epoch; counts for messages that do not say when they were written */
export function toMessage(
  client: string,
  { id, conversation, text, attachments, sentAt }: MessageRequest & { readonly id: string },
  now: number,
): InboundMessage {
  return {
    kind: 'message',
    id: MessageId.parse(`web:${client}:${conversation}:${id}`),
    conversationId: ConversationId.parse(`web:${client}:${conversation}`),
    sender: toSender(client),
    text,
    ...(attachments === undefined || attachments.length === 0
      ? {}
      : { attachments: attachments.map((file) => ({ ...file, bytes: bytesIn(file.base64) })) }),
    addressedToBot: true,
    // A clock that is ahead must not make a message younger than it is.
    sentAt: new Date(Math.min(sentAt === undefined ? now : Date.parse(sentAt), now)).toISOString(),
    replyTo: toAddress(client, conversation),
  };
}

export function toAnswer(client: string, request: AnswerRequest): InboundAnswer {
  const { id, approvalId, choice, text, fields, gen, digest } = request;
  return {
    kind: 'answer',
    // Answers and messages are numbered apart; no conversation has an empty name.
    id: MessageId.parse(`web:${client}::${id}`),
    sender: toSender(client),
    approvalId,
    choice,
    ...(text === undefined ? {} : { text }),
    ...(fields === undefined ? {} : { fields }),
    gen,
    digest,
  };
}

/** The token vouches for the client. */
export function toSender(client: string): Sender {
  return { account: accountOf(client), displayName: client, authenticated: true, automatic: false };
}
