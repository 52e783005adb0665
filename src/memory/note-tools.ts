/**
 * `remember`, `recall` and `forget`: the agent's notes about a person, in a conversation, or for the whole team.
 *
 * Invariant: what is noted about a person is told where they alone read it and nobody else has taken part, never
 * elsewhere, not even on that person's wish: what a tool tells stays in the conversation, and is read by the turns of
 * everybody in it.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../domain/clock.ts';
import { ConflictError } from '../domain/errors.ts';
import { isGuestId } from '../domain/person.ts';
import type { Tool, ToolContext, ToolOutput } from '../domain/tool.ts';
import type { IsAlone } from './alone.ts';
import type { Notes } from './memory-store.ts';
import { searchNotes } from './note-search.ts';
import { type Note, notesOf, trustIn } from './note-store.ts';

/** Longest note, in characters. */
const MAX_NOTE_CHARS = 2_000;
/** Notes told at once; the rest are counted, so that nothing is left out silently. */
const MOST_TOLD = 20;
/** Notes of one person, of one conversation, or of the team. */
const MOST_NOTES = 500;

const Scope = z
  .enum(['person', 'conversation', 'team'])
  .default('person')
  .describe(
    'person: about whoever you are talking to, told only where nobody else reads along, as in a direct message. conversation: for everybody in this one. team: for everybody.',
  );
type Scope = z.infer<typeof Scope>;

const Remember = z.object({
  text: z
    .string()
    .min(1)
    .max(MAX_NOTE_CHARS)
    .describe('What to remember, as one statement; in their own words where they gave them.'),
  topic: z
    .string()
    .min(1)
    .max(80)
    .optional()
    .describe('A short name. A later note of the same name replaces it.'),
  scope: Scope,
});

const Recall = z.object({
  words: z
    .string()
    .max(200)
    .default('')
    .describe('Words the notes must contain, in quotes if they stand together; leave empty for all notes.'),
  scope: Scope,
});

const Forget = z.object({
  note: z.string().min(1).max(200).describe('Its topic, its id, or words that only this note contains.'),
  scope: Scope,
});

/** What is answered in place of notes about a person. */
const NOT_HERE =
  'Others can read what is said in this conversation, so notes about a person are not told here. Ask them to write to you in a direct message.';

export function createNoteTools(notes: Notes, clock: Clock, isAlone: IsAlone): Tool[] {
  const isForOthersToo = async (scope: Scope, context: ToolContext) =>
    scope === 'person' && !(await isAlone(context));
  const remember: Tool<typeof Remember> = {
    name: 'remember',
    group: 'memory',
    version: 2,
    description:
      'Keeps a note for later conversations: about the person you are talking to, or, if they want that, for everybody in this conversation or the whole team.',
    input: Remember,
    risk: 'low',
    effect: 'idempotent',
    reversible: true,
    timeoutMs: 5_000,
    inTurn: true,
    // What is noted about a person is read in all their later conversations. Of their own words a stranger chose none.
    changesElsewhere: ({ scope, text, topic }, isOwn) =>
      scope === 'team' || (scope === 'person' && !(isOwn(text) && isWordOf(text, topic))),
    async execute({ text, topic, scope }, context) {
      if (scope === 'team' && isGuestId(context.requester)) {
        return failure('Guests have no notes for the whole team.');
      }
      const owner = ownerOf(scope, context);
      const name = topic ?? createHash('sha256').update(text).digest('base64url').slice(0, 12);
      const kept = await notes.list(owner);
      if (kept.length >= MOST_NOTES && !kept.some((note) => note.name === name)) {
        return failure(
          `Not noted: there are ${MOST_NOTES} notes already. Ask which of them can be forgotten.`,
        );
      }
      const before = kept.find((note) => note.name === name);
      // Written again it would be strangers' words, and no longer be kept from being replaced.
      if (context.hasReadStrangers && before?.text === text) return success('Noted.');
      if (context.hasReadStrangers && before && !before.isStrangers && before.text !== text) {
        return failure(
          `Not noted: there is a note "${name}" from before what others wrote was read here, and it stays. Choose another topic, or ask for that one to be forgotten.`,
        );
      }
      const by = {
        ...(scope === 'person' ? {} : { by: context.requester }),
        ...(context.hasReadStrangers ? { isStrangers: true as const } : {}),
      };
      try {
        await notes.write(owner, [{ name, text, over: before?.version ?? 0, ...by }], clock.now());
      } catch (error) {
        if (!(error instanceof ConflictError)) throw error;
        return failure(
          `Not noted: somebody else wrote "${name}" at this moment. Recall it, and note it again.`,
        );
      }
      return success('Noted.');
    },
  };
  const recall: Tool<typeof Recall> = {
    name: 'recall',
    group: 'memory',
    version: 2,
    description:
      'Reads your notes: about the person you are talking to, of this conversation, or of the whole team.',
    input: Recall,
    risk: 'low',
    effect: 'read',
    reversible: true,
    timeoutMs: 5_000,
    tells: 'outsider',
    composes: true,
    async execute({ words, scope }, context) {
      if (await isForOthersToo(scope, context)) return failure(NOT_HERE);
      const found = searchNotes(await notes.list(ownerOf(scope, context)), words);
      if (found.length === 0) return success('There is no such note.');
      const told = success(listed(found, ({ text, by }) => `- ${text}${by ? ` (noted by ${by})` : ''}`));
      return { ...told, trust: trustIn(found) };
    },
  };
  const forget: Tool<typeof Forget> = {
    name: 'forget',
    group: 'memory',
    version: 1,
    description: 'Removes one of your notes.',
    input: Forget,
    risk: 'low',
    effect: 'idempotent',
    reversible: false,
    timeoutMs: 5_000,
    inTurn: true,
    // In whatever scope: what is kept from being replaced could be replaced once it is gone.
    changesElsewhere: () => true,
    tells: 'outsider',
    composes: true,
    async execute({ note, scope }, context) {
      if (scope === 'team' && isGuestId(context.requester)) {
        return failure('Guests have no notes for the whole team.');
      }
      const owner = ownerOf(scope, context);
      const kept = await notes.list(owner);
      const named = kept.filter(({ name }) => name === note);
      const found = named.length > 0 ? named : searchNotes(kept, note);
      const [first] = found;
      if (!first) return success('There is no such note.');
      const isQuiet = await isForOthersToo(scope, context);
      if (found.length > 1) {
        if (isQuiet) return failure(`There are several such notes. ${NOT_HERE}`);
        const choices = listed(found, ({ name, text }) => `- ${name}: ${text}`);
        const asking = failure(`Which of these? Say its id, which stands first.\n${choices}`);
        return { ...asking, trust: trustIn(found) };
      }
      await notes.write(owner, [{ name: first.name, text: undefined, over: first.version }], clock.now());
      if (isQuiet) return success('Forgotten.');
      return { ...success(`Forgotten: ${first.text}`), trust: trustIn([first]) };
    },
  };
  // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
  return [remember, recall, forget] as unknown as Tool[];
}

/** One word says nothing that the text does not say; several may be a piece of it. */
function isWordOf(text: string, topic: string | undefined): boolean {
  if (topic === undefined) return true;
  return text
    .toLowerCase()
    .split(/[^\p{L}\p{N}\p{M}_-]+/u)
    .includes(topic.toLowerCase());
}

/** By what the gateway knows of the turn: nothing the model says leads to somebody else's notes. */
function ownerOf(scope: Scope, { requester, conversationId }: ToolContext): string {
  switch (scope) {
    case 'person':
      return notesOf.person(requester);
    case 'conversation':
      return notesOf.conversation(conversationId);
    case 'team':
      return notesOf.team();
    default:
      return scope satisfies never;
  }
}

function listed(notes: readonly Note[], line: (note: Note) => string): string {
  const rest = notes.length - MOST_TOLD;
  const more = rest > 0 ? [`(and ${rest} more)`] : [];
  return [...notes.slice(0, MOST_TOLD).map(line), ...more].join('\n');
}

/** Of our own words, unless it is said that there are others' in it. */
function success(text: string): ToolOutput {
  return { status: 'ok', text, trust: 'tool' };
}

function failure(text: string): ToolOutput {
  return { status: 'error', text, trust: 'tool' };
}
