/** What is written in a scenario: numbered messages, so that whoever reads them can tell what is missing. Pure. */

/**
 * `plain`      is answered
 * `alarm`      the same, and somebody is called
 * `allowed`    asks for a refund that the policy allows
 * `by-button`  asks for one that Dana approves in the thread
 * `by-mail`    asks for one that Dana approves by mail
 * `to-dana`    is written while Dana has the conversation: nobody answers it, and the agent reads it later
 */
export type MessageKind = CallKind | 'plain' | 'alarm' | 'to-dana';
export type CallKind = 'allowed' | 'by-button' | 'by-mail';

export interface Message {
  readonly conversation: number;
  /** Within its conversation, from 1. */
  readonly number: number;
  readonly kind: MessageKind;
  /** In ms since 1970; 0 where it is taken for granted, since nothing is acknowledged. */
  acknowledgedAt?: number;
  /** How far it got, once it was written. */
  trace?: () => string;
}

export interface Label {
  readonly conversation: number;
  readonly number: number;
}

/** The word that calls somebody. */
export const ALARM_WORD = 'fire';

/** More messages than a conversation has. */
const ORDERS_PER_CONVERSATION = 100_000;

export function labelOf({ conversation, number }: Label): string {
  return `c${conversation} m${number}`;
}

/** The first label in a text. */
export function labelIn(text: string): Label | undefined {
  const [, conversation, number] = /\bc(\d+) m(\d+)\b/.exec(text) ?? [];
  return conversation && number ? { conversation: Number(conversation), number: Number(number) } : undefined;
}

/** Every message asks about an order of its own, so that a refund can be traced to it. */
export function orderOf({ conversation, number }: Label): number {
  return conversation * ORDERS_PER_CONVERSATION + number;
}

export function ofOrder(order: number): Label {
  return {
    conversation: Math.floor(order / ORDERS_PER_CONVERSATION),
    number: order % ORDERS_PER_CONVERSATION,
  };
}

export function textOf(message: Message): string {
  const label = labelOf(message);
  if (message.kind === 'alarm') return `${label} there is a ${ALARM_WORD}, what now?`;
  if (!isCall(message.kind)) return `${label} how are things?`;
  return `${label} please refund ${amountOf(message.kind)} EUR of order ${orderOf(message)}`;
}

export function isCall(kind: MessageKind): kind is CallKind {
  return kind !== 'plain' && kind !== 'alarm' && kind !== 'to-dana';
}

/** The shipped rules allow up to 50 and ask a manager above. */
export function amountOf(kind: CallKind): number {
  return kind === 'allowed' ? 20 : 80;
}

/** What is to be refunded, if the text asks for that. */
export function refundIn(text: string): { amount: number; order: number } | undefined {
  const [, amount, order] = /please refund (\d+) EUR of order (\d+)/.exec(text) ?? [];
  return amount && order ? { amount: Number(amount), order: Number(order) } : undefined;
}
