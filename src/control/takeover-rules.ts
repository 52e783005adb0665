/** When a conversation changes hands by itself: which rule of the configuration fits a message. Pure. */
import type { MessageCondition, TakeoverRule } from '../config/takeover.ts';
import { channelsOf, type InboundMessage } from '../domain/message.ts';
import { holdsPhrase } from '../domain/phrase.ts';

/** What a rule is held against. */
export interface Said {
  readonly message: Pick<InboundMessage, 'text' | 'replyTo'>;
  /** Of whoever wrote it, now. */
  readonly roles: readonly string[];
  /** Whether they may take conversations over. */
  readonly permitted: boolean;
  /** Whether somebody else has spoken in this conversation before. */
  readonly amongOthers: boolean;
}

/** The first rule that fits; undefined when none does. */
export function ruleFor(rules: readonly TakeoverRule[], said: Said): TakeoverRule | undefined {
  return rules.find((rule) => mayAct(rule, said));
}

function mayAct({ when, do: act }: TakeoverRule, { message, roles, permitted, amongOthers }: Said): boolean {
  // Whoever begins a conversation with the agent wants to speak to the agent.
  if (act === 'take-over' && !(permitted && amongOthers)) return false;
  return fits(when, message, roles);
}

/** Whether a message is one that a condition asks for. `roles`: of whoever wrote it, now. */
export function fits(
  { roles: wanted, platforms, channels, words }: MessageCondition,
  { replyTo, text }: Said['message'],
  roles: readonly string[],
): boolean {
  const places = channelsOf(replyTo);
  return (
    (wanted?.some((role) => roles.includes(role)) ?? true) &&
    (platforms?.includes(replyTo.platform) ?? true) &&
    (channels?.some((channel) => places.includes(channel)) ?? true) &&
    (words?.some((phrase) => holdsPhrase(text, phrase)) ?? true)
  );
}
