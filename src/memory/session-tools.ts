/**
 * `sessions_list` and `sessions_history`: what the person who asks said in other conversations.
 *
 * Invariants
 *   1. Nobody is told anything of a conversation they said nothing in.
 *   2. They are told where nobody else reads it, and nowhere else: what was said in a direct message would be read in a
 *      channel otherwise.
 *   3. Of one that others speak in, they are told their own words alone; of one of their own, also what was answered.
 *   4. What they had planned is never told as their words: the agent chose them.
 */
import { z } from 'zod';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import { isStrangers, type Trust } from '../domain/provenance.ts';
import { cutBefore } from '../domain/text-cut.ts';
import type { Tool, ToolOutput } from '../domain/tool.ts';
import { type Entry, isSpoken, speakersTrust } from '../domain/transcript.ts';
import type { IsAlone } from './alone.ts';
import type { Spoken } from './person-data.ts';

/** Conversations told at once. */
const MOST_LISTED = 30;
/** Messages told at once, the newest. */
const MOST_TOLD = 40;
/** Shown of one message, and of the first words of a conversation, in characters. */
const MAX_SHOWN_CHARS = 1_500;
const MAX_GIST_CHARS = 120;

const List = z.object({});
const History = z.object({
  conversation: z.string().min(1).max(200).describe('As sessions_list tells it.'),
});

/** What is answered where others could read it. */
const NOT_HERE =
  'Others can read what is said in this conversation, so nothing of other conversations is told here. Ask them to write to you in a direct message.';

export interface SessionToolsDeps {
  readonly isAlone: IsAlone;
  /** Every id of a person, their own first. */
  readonly idsOf: (person: PersonId) => readonly PersonId[];
  /** Where they spoke, under any of these ids. */
  readonly spokenBy: (ids: readonly PersonId[]) => Promise<readonly Spoken[]>;
  /** Oldest first. */
  readonly entriesOf: (conversationId: ConversationId) => Promise<readonly Entry[]>;
}

export function createSessionTools(deps: SessionToolsDeps): Tool[] {
  const spokenBy = async (person: PersonId, here: ConversationId): Promise<Spoken[]> => {
    const conversations = await deps.spokenBy(deps.idsOf(person));
    return conversations
      .map((spoken) => ({ ...spoken, said: spoken.said.filter(isSpoken) }))
      .filter(({ conversationId, said }) => conversationId !== here && said.length > 0)
      .toSorted((a, b) => lastAt(b).localeCompare(lastAt(a)));
  };
  const common = {
    group: 'sessions',
    version: 1,
    risk: 'medium',
    effect: 'read',
    reversible: true,
    timeoutMs: 20_000,
    tells: 'outsider',
    composes: true,
  } as const;
  const list: Tool<typeof List> = {
    ...common,
    name: 'sessions_list',
    description:
      'Lists other conversations in which whoever asks has talked to you, the newest first. Use it only when they ask for it, where nobody else reads along, as in a direct message.',
    input: List,
    async execute(_input, context) {
      if (!(await deps.isAlone(context))) return notHere();
      const { conversationId, requester } = context;
      const spoken = await spokenBy(requester, conversationId);
      if (spoken.length === 0) {
        return { status: 'ok', text: 'There is no other conversation of theirs.', trust: 'tool' };
      }
      const lines = spoken.slice(0, MOST_LISTED).map(lineOf);
      const rest = spoken.length - lines.length;
      const text = [...lines, ...(rest > 0 ? [`(and ${rest} older ones)`] : [])].join('\n');
      const trust = trustIn(spoken.flatMap(({ said }) => said));
      return { status: 'ok', text, source: 'other conversations', trust };
    },
  };
  const history: Tool<typeof History> = {
    ...common,
    name: 'sessions_history',
    description:
      'Tells what whoever asks said in another conversation, and what was answered where nobody else took part. Use it only when they ask for it, where nobody else reads along, as in a direct message.',
    input: History,
    async execute({ conversation }, context) {
      if (!(await deps.isAlone(context))) return notHere();
      const { conversationId, requester } = context;
      const found = (await spokenBy(requester, conversationId)).find(
        (each) => each.conversationId === conversation,
      );
      if (!found) {
        // The same for one of somebody else as for one that is not there.
        return {
          status: 'error',
          text: `There is no other conversation of theirs called "${conversation}".`,
          trust: 'tool',
        };
      }
      const entries = found.alone ? await deps.entriesOf(found.conversationId) : found.said;
      const lines = entries.flatMap(toLine);
      const told = lines.slice(-MOST_TOLD);
      const rest = lines.length - told.length;
      const text = [...(rest > 0 ? [`(${rest} older messages are left out)`] : []), ...told].join('\n');
      const whose = found.alone ? '' : ' Others take part in it, so these are their own words alone.';
      return {
        status: 'ok',
        text,
        source: `the conversation ${found.conversationId}.${whose}`,
        trust: trustIn(entries),
      };
    },
  };
  // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
  return [list, history] as unknown as Tool[];
}

function notHere(): ToolOutput {
  return { status: 'error', text: NOT_HERE, trust: 'tool' };
}

/** Of what is told of a conversation: what was said in sight of strangers' words is theirs, too. */
function trustIn(entries: readonly Entry[]): Trust {
  return entries.some(isStrangersEntry) ? 'outsider' : 'tool';
}

function isStrangersEntry(entry: Entry): boolean {
  switch (entry.kind) {
    case 'user':
      return isStrangers(speakersTrust(entry)) || entry.passesOn === true || (entry.files ?? []).length > 0;
    case 'assistant':
      return (entry.strangers ?? []).length > 0;
    default:
      return false; // not told
  }
}

function lastAt({ said }: Spoken): string {
  return said.at(-1)?.at ?? '';
}

function lineOf(spoken: Spoken): string {
  const { conversationId, said, alone } = spoken;
  const where = alone ? 'alone with you' : 'with others';
  const gist = beginningOf(said.at(-1)?.text ?? '', MAX_GIST_CHARS);
  return `${conversationId}: ${said.length} messages, the last ${lastAt(spoken)}, ${where}: ${JSON.stringify(gist)}`;
}

function toLine(entry: Entry): string[] {
  switch (entry.kind) {
    case 'user': {
      const who = isSpoken(entry) ? entry.from.name : 'you, as it was planned';
      return [`${entry.at} ${who}: ${beginningOf(entry.text, MAX_SHOWN_CHARS)}`];
    }
    case 'assistant':
      return entry.text.trim() === '' ? [] : [`you: ${beginningOf(entry.text, MAX_SHOWN_CHARS)}`];
    // What tools told, and what the gateway told, is not talk.
    default:
      return [];
  }
}

function beginningOf(text: string, most: number): string {
  const end = cutBefore(text, most);
  return end < text.length ? `${text.slice(0, end)} … (cut, ${text.length} characters)` : text;
}
