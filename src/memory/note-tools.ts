/** `remember` and `recall`: the agent's notes about the person it talks to. */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { Clock } from '../domain/clock.ts';
import type { Tool } from '../domain/tool.ts';
import type { NoteStore } from './note-store.ts';

/** Longest note, in characters. */
const MAX_NOTE_CHARS = 2_000;
/** Notes told at once; the rest are counted, so that nothing is left out silently. */
const MOST_TOLD = 20;

const Remember = z.object({
  text: z.string().min(1).max(MAX_NOTE_CHARS).describe('What to remember, as one statement.'),
  topic: z
    .string()
    .min(1)
    .max(80)
    .optional()
    .describe('A short name. A later note of the same name replaces it.'),
});

const Recall = z.object({
  words: z.string().max(200).default('').describe('Words the notes must contain; leave empty for all notes.'),
});

export function createNoteTools(notes: NoteStore, clock: Clock): Tool[] {
  const remember: Tool<typeof Remember> = {
    name: 'remember',
    group: 'memory',
    version: 1,
    description: 'Keeps a note about the person you are talking to, for later conversations with them.',
    input: Remember,
    risk: 'low',
    effect: 'idempotent',
    reversible: true,
    timeoutMs: 5_000,
    inTurn: true,
    async execute({ text, topic }, { requester }) {
      const name = topic ?? createHash('sha256').update(text).digest('base64url').slice(0, 12);
      await notes.write(ownerOf(requester), [{ name, text, over: undefined }], clock.now());
      return { status: 'ok', text: 'Noted.' };
    },
  };
  const recall: Tool<typeof Recall> = {
    name: 'recall',
    group: 'memory',
    version: 1,
    description: 'Reads your notes about the person you are talking to.',
    input: Recall,
    risk: 'low',
    effect: 'read',
    reversible: true,
    timeoutMs: 5_000,
    async execute({ words }, { requester }) {
      const found = await notes.search(ownerOf(requester), words);
      if (found.length === 0) return { status: 'ok', text: 'There is no such note.' };
      const told = found.slice(0, MOST_TOLD).map(({ text }) => `- ${text}`);
      const rest = found.length - told.length;
      return { status: 'ok', text: [...told, ...(rest > 0 ? [`(and ${rest} more)`] : [])].join('\n') };
    },
  };
  // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
  return [remember, recall] as unknown as Tool[];
}

function ownerOf(person: string): string {
  return `person:${person}`;
}
