/**
 * `storage_put`, `storage_get`, `storage_list` and `storage_delete`: texts kept by name for one conversation.
 *
 * Unlike a note, which is one statement the agent is reminded of, a document is only read when it is asked for, and
 * may be long: a list that is worked through, a draft.
 *
 * Invariant: what was kept before strangers' words were read is neither replaced nor deleted after that, unless a human
 * agrees.
 */
import { z } from 'zod';
import type { Clock } from '../domain/clock.ts';
import { ConflictError } from '../domain/errors.ts';
import type { ConversationId } from '../domain/ids.ts';
import type { Tool, ToolOutput } from '../domain/tool.ts';
import type { Notes } from './memory-store.ts';
import { trustIn } from './note-store.ts';

/** Longest document, in characters; it is read in one piece. */
const MAX_DOCUMENT_CHARS = 18_000;
/** Documents of one conversation. */
const MOST_DOCUMENTS = 50;

const Name = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} ._-]{0,79}$/u, 'a name is letters, digits, spaces and . _ -, 80 at most')
  .describe('What it is called in this conversation.');
const Put = z.object({
  name: Name,
  text: z.string().min(1).max(MAX_DOCUMENT_CHARS).describe('The whole content.'),
  replaces: z
    .int()
    .min(1)
    .optional()
    .describe('The version this takes the place of, as storage_get told it. Leave out for a new one.'),
});
const Get = z.object({ name: Name });
const Delete = z.object({ name: Name, version: z.int().min(1).describe('As storage_get told it.') });

export function createDocumentTools(notes: Notes, clock: Clock): Tool[] {
  const common = { group: 'storage', version: 1, risk: 'low', reversible: true, timeoutMs: 5_000 } as const;
  const writes = { ...common, effect: 'idempotent', inTurn: true } as const;

  const put: Tool<typeof Put> = {
    ...writes,
    name: 'storage_put',
    description: 'Keeps a text by name for this conversation, where everybody in it can ask for it.',
    input: Put,
    async execute({ name, text, replaces = 0 }, context) {
      const { conversationId, requester: by, hasReadStrangers, approvalId } = context;
      const owner = ownerOf(conversationId);
      const before = await notes.find(owner, name);
      if (before?.text === text) return kept(name, before.version);
      if (!before && (await notes.list(owner)).length >= MOST_DOCUMENTS) {
        return {
          status: 'error',
          text: `This conversation has ${MOST_DOCUMENTS} documents and can have no more.`,
        };
      }
      if (hasReadStrangers && before && !before.isStrangers && approvalId === undefined) return stays(name);
      const whose = hasReadStrangers ? { isStrangers: true as const } : {};
      return unlessMoved(name, async () => {
        const change = { name, text, by, over: replaces, ...whose };
        const [written] = await notes.write(owner, [change], clock.now());
        return kept(name, written?.version ?? replaces + 1);
      });
    },
  };
  const get: Tool<typeof Get> = {
    ...common,
    effect: 'read',
    name: 'storage_get',
    tells: 'outsider',
    composes: true,
    description: 'Reads a text that was kept for this conversation, and tells its version.',
    input: Get,
    async execute({ name }, { conversationId }) {
      const found = await notes.find(ownerOf(conversationId), name);
      return found
        ? {
            status: 'ok',
            text: `["${name}", version ${found.version}]\n${found.text}`,
            trust: trustIn([found]),
          }
        : {
            status: 'error',
            text: `Nothing is kept under "${name}" in this conversation.`,
            trust: 'tool',
          };
    },
  };
  const list: Tool<z.ZodObject> = {
    ...common,
    effect: 'read',
    name: 'storage_list',
    tells: 'outsider',
    composes: true,
    description: 'Lists what is kept for this conversation.',
    input: z.object({}),
    async execute(_input, { conversationId }) {
      const all = await notes.list(ownerOf(conversationId));
      const lines = all.map(
        ({ name, version, text }) => `"${name}", version ${version}, ${text.length} characters`,
      );
      const text = lines.join('\n') || 'Nothing is kept for this conversation.';
      return { status: 'ok', text, trust: trustIn(all) };
    },
  };
  const remove: Tool<typeof Delete> = {
    ...writes,
    name: 'storage_delete',
    description: 'Deletes a text that was kept for this conversation.',
    input: Delete,
    reversible: false,
    // What is kept from being replaced could be replaced once it is gone.
    changesElsewhere: () => true,
    async execute({ name, version }, { conversationId }) {
      const owner = ownerOf(conversationId);
      if (!(await notes.find(owner, name)))
        return { status: 'ok', text: `"${name}" is not kept (any more).` };
      return unlessMoved(name, async () => {
        await notes.write(owner, [{ name, text: undefined, over: version }], clock.now());
        return { status: 'ok', text: `"${name}" is deleted.` };
      });
    },
  };
  // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
  return [put, get, list, remove] as unknown as Tool[];
}

function ownerOf(conversationId: ConversationId): string {
  return `documents:${conversationId}`;
}

function kept(name: string, version: number): ToolOutput {
  return { status: 'ok', text: `"${name}" is kept, at version ${version}.` };
}

function stays(name: string): ToolOutput {
  const text = `Not kept: "${name}" is from before what others wrote was read here, and it stays. Choose another name, or delete that one first, which a human has to agree to.`;
  return { status: 'error', text };
}

async function unlessMoved(name: string, write: () => Promise<ToolOutput>): Promise<ToolOutput> {
  try {
    return await write();
  } catch (error) {
    if (!(error instanceof ConflictError)) throw error;
    const { current } = error;
    const text =
      current === 0
        ? `"${name}" is not kept (any more).`
        : `"${name}" is at version ${current} now; read it, then write over that.`;
    return { status: 'error', text };
  }
}
