/** `send_message`: words to one person, or to a channel of the configuration, beside the answer. */
import { z } from 'zod';
import type { Clock } from '../domain/clock.ts';
import { FutileCallError } from '../domain/errors.ts';
import type { AccountId, ApprovalId, PersonId } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import type { Tool, ToolContext, ToolOutput } from '../domain/tool.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import { toOutEffect } from './outbox.ts';

/** Longest message, in characters: what every platform takes in one piece or a few. */
const MAX_MESSAGE_CHARS = 4_000;
/** Longest basis of a preview (`MAX_BASIS_CHARS` of agent/preview.ts would cut a longer one). */
const MAX_BASIS_CHARS = 500;

/** Of a message that was nothing but what may not go out. */
const NOTHING_LEFT = '(nothing is left of it)';

const SendMessage = z
  .object({
    person: z
      .string()
      .min(1)
      .max(100)
      .optional()
      .describe('Who it is for: the id or the whole name of somebody this place knows.'),
    channel: z.string().min(1).max(40).optional().describe('Or which channel, by the name it has here.'),
    text: z
      .string()
      .trim()
      .min(1)
      .max(MAX_MESSAGE_CHARS, { error: ({ input }) => tooLong(String(input).length) })
      .describe('What they read, in markdown.'),
  })
  .refine(({ person, channel }) => (person === undefined) !== (channel === undefined), {
    message: 'name either `person` or `channel`',
  });

function tooLong(chars: number): string {
  return `it has ${chars} characters, and a message takes ${MAX_MESSAGE_CHARS}; say it in fewer, or in several`;
}

/** Who is written to, and where. */
export interface Recipient {
  /** `Dana Reyes (dana), slack:T0/U0DANA`: what tells them from everybody else. */
  readonly words: string;
  readonly to: Address;
}

export interface MessageToolsDeps {
  /**
   * By id or whole name, where they prefer to be written to; a text says why not, as the end of a sentence, in words
   * of ours, of the configuration and of the call.
   */
  readonly person: (name: string) => Recipient | string;
  readonly channel: (name: string) => Recipient | string;
  readonly channels: () => readonly string[];
  /** How somebody is called. */
  readonly nameOf: (person: PersonId) => string;
  /** Where the call was asked for, so that whoever did hears of it if it cannot be delivered. */
  readonly originOf: (approvalId: ApprovalId) => Promise<Address | undefined>;
  readonly writer: Pick<EffectWriter, 'write'>;
  readonly rememberMs: () => number;
  readonly clock: Clock;
}

export function createMessageTools(deps: MessageToolsDeps): Tool[] {
  const recipientOf = ({ person, channel = '' }: z.output<typeof SendMessage>): Recipient => {
    const found = person === undefined ? deps.channel(channel) : deps.person(person);
    if (typeof found === 'string') throw new FutileCallError(found, { trust: 'tool' });
    return found;
  };
  const channels = deps.channels();
  const sendMessage: Tool<typeof SendMessage> = {
    name: 'send_message',
    group: 'messaging',
    version: 1,
    description: `Writes to a person, where they like to be written to, or to a channel. It is said in whose name. ${
      channels.length > 0 ? `Channels: ${channels.join(', ')}.` : 'There are no channels.'
    } Your answer in this conversation needs no tool.`,
    input: SendMessage,
    risk: 'medium',
    effect: 'idempotent',
    reversible: false,
    timeoutMs: 10_000,
    withWords: (input, toSay) => ({ ...input, text: toSay(input.text).trim() || NOTHING_LEFT }),
    async preview(input) {
      const { words, to } = recipientOf(input);
      return {
        changes: [{ label: 'goes to', after: `${words}; ${routeText(to)}` }],
        basis: `${words} ${routeText(to)}`.slice(0, MAX_BASIS_CHARS),
      };
    },
    async execute(input, context) {
      try {
        return await send(deps, recipientOf(input), input.text, context);
      } catch (error) {
        if (!(error instanceof FutileCallError)) throw error;
        return { status: 'error', text: `Not sent: ${error.why}.` };
      }
    },
  };
  // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
  return [sendMessage] as unknown as Tool[];
}

async function send(
  { nameOf, originOf, writer, rememberMs, clock }: MessageToolsDeps,
  { words, to }: Recipient,
  text: string,
  { idempotencyKey, conversationId, requester, approvalId }: ToolContext,
): Promise<ToolOutput> {
  const id = `told:${idempotencyKey}`;
  const author = approvalId && (await originOf(approvalId));
  const item = toOutEffect({
    kind: 'text',
    id,
    correlation: approvalId ?? id,
    conversationId,
    to,
    requester,
    ...(author ? { author } : {}),
    markdown: `_${plain(nameOf(requester))} has me tell you this:_\n\n${text}`,
    atMs: clock.now(),
  });
  await writer.write(conversationId, [item], { key: id, forMs: rememberMs() });
  return {
    status: 'ok',
    text: `It is on its way to ${words}. Whether it was read is not known; if it cannot be delivered, whoever asked is told.`,
  };
}

/** The channel of a route, the user, the thread: what the platform calls them. */
function routeText({ platform, route }: Address): string {
  const parts = Object.entries(route)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, value]) => `${key} ${value}`);
  return `${platform} (${parts.join(', ')})`;
}

/** A name is no markup. */
function plain(name: string): string {
  return name.replaceAll(/[\\`*_~[\]<>&|]/g, ' ');
}

/** Whose account it is, in words that no other person shares. */
export function personWords(name: string, id: PersonId, account: AccountId): string {
  return `${name} (${id}), ${account}`;
}
