/** `memory` of `settings.yaml`: how much of a conversation the model is shown, and what is kept beyond it. */
import { z } from 'zod';

/** Each has its file in `src/agent/compaction`. */
export const CompactionName = z.enum(['adaptive', 'progressive', 'truncate']);
export type CompactionName = z.infer<typeof CompactionName>;

const SummarySettings = z.strictObject({
  conversations: z
    .boolean()
    .default(false)
    .describe(
      'Whether a model writes down what a long conversation was about, for when its beginning is not shown any more.',
    ),
  people: z
    .boolean()
    .default(false)
    .describe('Whether it writes down what people who have agreed to it (`/memory on`) want and like.'),
  model: z.string().min(1).optional().describe('The model that writes them. Left out: `model.name`.'),
  after_entries: z
    .int()
    .min(4)
    .max(10_000)
    .default(40)
    .describe('New entries of a conversation until its summary is brought up to date.'),
  after_messages: z
    .int()
    .min(1)
    .max(1_000)
    .default(10)
    .describe(
      'New messages of a person in one conversation until what is known of them is brought up to date.',
    ),
  max_tokens: z
    .int()
    .min(100)
    .max(4_000)
    .default(1_500)
    .describe('Longest summary, in tokens. One that reaches it is not kept, so leave some room.'),
});

export const MemorySettings = z.strictObject({
  strategy: CompactionName.default('adaptive').describe(
    'What of a long conversation is shown. adaptive: as much of the newest as fits. progressive: the newest, and a summary of what stands before it. truncate: the oldest is dropped until the rest fits.',
  ),
  channels: z
    .record(z.string().min(1), CompactionName)
    .optional()
    .describe(
      'Another strategy for a platform (`slack`), for one of its channels (`slack:C0OPS`; its threads are in it), or by the beginning of conversations (`slack:T024:C0OPS`); the nearest that fits counts.',
    ),
  context_tokens: z
    .int()
    .min(8_000)
    .max(1_000_000)
    .default(100_000)
    .describe('Most tokens of one request, together with `model.max_tokens` for its answer.'),
  cut_to: z
    .number()
    .min(0.2)
    .max(0.95)
    .default(0.7)
    .describe(
      'What part of the room a conversation takes after it was cut; the lower, the more rarely it is cut.',
    ),
  summaries: SummarySettings.prefault({}).describe(
    'What a model writes down about conversations and people.',
  ),
});
export type MemorySettings = z.infer<typeof MemorySettings>;

/** A conversation, and where it is held. */
export interface Held {
  readonly conversationId: string;
  /** Ids of the channels it is in, nearest first; see `channelsOf`. */
  readonly channels: readonly string[];
}

/** The strategy for a conversation. */
export function strategyFor(
  { strategy, channels = {} }: Pick<MemorySettings, 'strategy' | 'channels'>,
  held: Held,
): CompactionName {
  const known = new Map(Object.entries(channels));
  const nearest = namesOf(held).find((name) => known.has(name));
  return (nearest === undefined ? undefined : known.get(nearest)) ?? strategy;
}

/** Nearest first: itself, its channels with and without what stands before them, then what it is part of. */
function namesOf({ conversationId, channels }: Held): string[] {
  const parts = conversationId.split(':');
  const [own = '', ...outer] = parts.map((_, n) => parts.slice(0, parts.length - n).join(':'));
  const stems = [...new Set([outer[0], outer.at(-1)])].filter((stem) => stem !== undefined);
  return [own, ...channels.flatMap((channel) => stems.map((stem) => `${stem}:${channel}`)), ...outer];
}

/** Whether a model writes down what a conversation is about. */
export function summarises(settings: MemorySettings, held: Held): boolean {
  const strategy = strategyFor(settings, held);
  return strategy === 'progressive' || (strategy === 'adaptive' && settings.summaries.conversations);
}

/** Least tokens that instructions, tools and what is said need together. */
const LEAST_ROOM = 8_000;

/** What is wrong when answers leave too little room for what is asked; undefined when they do not. */
export function lacksRoom(
  { context_tokens: context }: Pick<MemorySettings, 'context_tokens'>,
  answer: { readonly max_tokens: number; readonly thinking_tokens: number },
): string | undefined {
  const least = answer.max_tokens + answer.thinking_tokens + LEAST_ROOM;
  if (context >= least) return undefined;
  return `at least ${least}: ${LEAST_ROOM} beside model.max_tokens and model.thinking_tokens`;
}
