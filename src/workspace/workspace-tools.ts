/**
 * What the agent can do with the files of its workspace.
 *
 * Whatever changes something names the version it was made for (`read_file` tells it), so that the second run of a call
 * is harmless and nothing that somebody else wrote meanwhile is lost.
 */
import { z } from 'zod';
import { FutileCallError } from '../domain/errors.ts';
import type { Trust } from '../domain/provenance.ts';
import { cutBefore } from '../domain/text-cut.ts';
import type { Preview, Tool, ToolContext, ToolOutput } from '../domain/tool.ts';
import { wholeAddressesIn } from '../links/whole-addresses.ts';
import { applyEdit, beforeEdit, changesBetween } from './edit.ts';
import { FilePath, FolderPath } from './file-path.ts';
import { PathRefusal, WorkspaceRefusal } from './jail.ts';
import { versionOf, type Workspace } from './workspace.ts';

const TIMEOUT_MS = 20_000;
/** Entries of a folder that are told at once. */
const MOST_LISTED = 200;
/** A page of a file, in characters; with its heading less than what is shown of one call. */
const PAGE_CHARS = 18_000;
/** Lines told of a search, and of each so many characters. */
const MOST_HITS = 50;
const MAX_HIT_CHARS = 300;
/** Longest content of a call, in characters; a model's whole answer is shorter. */
const MAX_TEXT_CHARS = 200_000;
/** Longest content that is remembered to bring it back when a plan is undone, in characters. */
const MAX_KEPT_CHARS = 100_000;

const Path = FilePath.describe('From the top of the workspace: reports/may.csv.');
const Version = z
  .string()
  .regex(/^[0-9a-f]{16}$/, 'a version is 16 of the characters 0-9 and a-f')
  .describe('The version of the file this is about, as read_file told it.');

const ListFiles = z.object({
  folder: FolderPath.default('').describe('Leave empty for the top of the workspace.'),
  after: z.string().max(255).default('').describe('Only names after this one, to go on with a long list.'),
});
const ReadFile = z.object({
  path: Path,
  offset: z.int().min(0).default(0).describe('Characters to leave out at the beginning.'),
});
const SearchFiles = z.object({
  words: z
    .string()
    .min(2)
    .max(200)
    .describe('What the line must contain, letter by letter; case does not count.'),
  folder: FolderPath.default('').describe('Where to look; leave empty for everywhere.'),
});
const WriteFile = z.object({
  path: Path,
  text: z.string().max(MAX_TEXT_CHARS).describe('The whole content.'),
  replaces: Version.optional().describe('The version this takes the place of. Leave out for a new file.'),
});
const EditFile = z.object({
  path: Path,
  version: Version,
  find: z.string().min(1).max(MAX_TEXT_CHARS).describe('Stands in the file exactly once, as it is here.'),
  replace: z.string().max(MAX_TEXT_CHARS).describe('Takes its place.'),
});
const MoveFile = z.object({ from: Path, to: Path, version: Version });
const DeleteFile = z.object({ path: Path, version: Version });

/** What stood in a file before a call, to bring it back: nothing where there was no file. */
const Receipt = z.object({ before: z.string().optional(), after: z.string() });
type Receipt = z.infer<typeof Receipt>;

const common = {
  group: 'fs',
  version: 1,
  timeoutMs: TIMEOUT_MS,
} as const;
const looks = { ...common, risk: 'low', effect: 'read', reversible: true } as const;
const changes = { ...common, risk: 'medium', effect: 'idempotent', reversible: false } as const;

export function createWorkspaceTools(files: Workspace): Tool[] {
  const listFiles: Tool<typeof ListFiles> = {
    ...looks,
    name: 'list_files',
    tells: 'outsider',
    description: 'Lists what lies in a folder of the workspace, with sizes.',
    input: ListFiles,
    execute: ({ folder, after }) => told(() => list(files, folder, after)),
  };
  const readFile: Tool<typeof ReadFile> = {
    ...looks,
    name: 'read_file',
    tells: 'outsider',
    description: 'Reads a text file of the workspace, page by page, and tells its version.',
    input: ReadFile,
    execute: ({ path, offset }) => told(() => read(files, path, offset)),
  };
  const searchFiles: Tool<typeof SearchFiles> = {
    ...looks,
    name: 'search_files',
    tells: 'outsider',
    description: 'Finds lines in the text files of the workspace.',
    input: SearchFiles,
    execute: ({ words, folder }, { signal }) => told(() => search(files, folder, words, signal)),
  };
  const writeFile: Tool<typeof WriteFile> = {
    ...changes,
    name: 'write_file',
    description:
      'Writes a whole text file of the workspace: a new one, or in place of a version you have read.',
    input: WriteFile,
    preview: (input, { signal }) => foreseen(() => foreseeWrite(files, input, signal)),
    execute: ({ path, text, replaces }, { signal }) =>
      told(async () => {
        const before = replaces === undefined ? undefined : await textAt(files, path, replaces);
        const after = await files.write({ path, text, over: replaces }, signal);
        return {
          ...ok(`"${path}" is written; it is at version ${after} now.`),
          ...receiptOf(before, after, replaces),
        };
      }),
    compensation: {
      describe: ({ path, replaces }) =>
        replaces === undefined ? `delete ${path} again` : `put back what was in ${path} before`,
      execute: ({ path, replaces }, receipt, context) => putBack(files, path, receipt, replaces, context),
    },
  };
  const editFile: Tool<typeof EditFile> = {
    ...changes,
    name: 'edit_file',
    description: 'Replaces one place in a text file of the workspace.',
    input: EditFile,
    preview: (input) => foreseen(() => foreseeEdit(files, input)),
    execute: ({ path, version, ...edit }, { signal }) =>
      told(async () => {
        const { text, version: now } = await files.read(path);
        const was = now === version ? undefined : beforeEdit(text, edit, version);
        if (was !== undefined) {
          return {
            ...ok(`"${path}" is edited; it is at version ${now} now.`),
            ...receiptOf(was, now, version),
          };
        }
        const after = editedOrRefused(path, text, edit, { now, version });
        const written = await files.write({ path, text: after, over: version }, signal);
        return {
          ...ok(`"${path}" is edited; it is at version ${written} now.`),
          ...receiptOf(text, written, version),
        };
      }),
    compensation: {
      describe: ({ path }) => `put back what was in ${path} before`,
      execute: ({ path, version }, receipt, context) => putBack(files, path, receipt, version, context),
    },
  };
  const moveFile: Tool<typeof MoveFile> = {
    ...changes,
    reversible: true,
    name: 'move_file',
    description: 'Gives a file of the workspace another path. Nothing is overwritten.',
    input: MoveFile,
    preview: (input) => foreseen(() => foreseeMove(files, input)),
    execute: ({ from, to, version }, { signal }) =>
      told(async () => {
        await files.move({ from, to, over: version }, signal);
        return ok(`"${from}" is "${to}" now.`);
      }),
    compensation: {
      describe: ({ from, to }) => `move ${to} back to ${from}`,
      execute: ({ from, to, version }, _receipt, { signal }) =>
        told(async () => {
          await files.move({ from: to, to: from, over: version }, signal);
          return ok(`"${to}" is "${from}" again.`);
        }),
    },
  };
  const deleteFile: Tool<typeof DeleteFile> = {
    ...changes,
    name: 'delete_file',
    description: 'Deletes a file of the workspace.',
    input: DeleteFile,
    preview: (input) => foreseen(() => foreseeDelete(files, input)),
    execute: ({ path, version }) =>
      told(async () => {
        const before = await files.read(path).catch(() => undefined);
        await files.remove(path, version);
        const kept = before?.version === version ? before.text : undefined;
        return { ...ok(`"${path}" is deleted.`), ...receiptOf(kept, '', version) };
      }),
    compensation: {
      describe: ({ path }) => `write ${path} again as it was`,
      execute: ({ path, version }, receipt, context) => putBack(files, path, receipt, version, context),
    },
  };
  // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
  return [listFiles, readFile, searchFiles, writeFile, editFile, moveFile, deleteFile] as unknown as Tool[];
}

// ── Looking ────────────────────────────────────────────────────────────────────────────────────────────────────

async function list(files: Workspace, folder: string, after: string): Promise<ToolOutput> {
  const { entries, more } = await files.list(folder);
  const left = entries.filter(({ path }) => path.slice(path.lastIndexOf('/') + 1) > after);
  const told = left.slice(0, MOST_LISTED);
  if (told.length === 0) return ok(after === '' ? 'There is nothing in it.' : 'There is nothing after that.');
  const lines = told.map(({ path, kind, bytes }) =>
    kind === 'file' ? `${path} (${bytes} bytes)` : `${path}${kind === 'folder' ? '/' : ` (${kind})`}`,
  );
  const last = told.at(-1)?.path ?? '';
  const rest = left.length - told.length;
  return ok(
    [
      ...lines,
      ...(rest > 0 ? [`(and ${rest} more; go on after "${last.slice(last.lastIndexOf('/') + 1)}")`] : []),
      ...(more ? ['(The folder holds more than is looked at.)'] : []),
    ].join('\n'),
  );
}

async function read(files: Workspace, path: string, offset: number): Promise<ToolOutput> {
  const { text, bytes, version } = await files.read(path);
  const about = `"${path}", ${bytes} bytes, version ${version}`;
  if (text === '') return ok(`[${about}. It is empty.]`);
  if (offset >= text.length) {
    throw new PathRefusal(`"${path}" has ${text.length} characters; there is nothing at ${offset}`);
  }
  const end = cutBefore(text, PAGE_CHARS, offset);
  const rest = end < text.length ? `Go on at offset ${end}.` : 'This is its end.';
  return {
    ...ok(
      `[${about}. Characters ${offset} to ${end} of ${text.length}. ${rest}]\n${text.slice(offset, end)}`,
    ),
    // Where it is cut is chosen by whoever reads it.
    seen: wholeAddressesIn(text, offset, end),
  };
}

async function search(
  files: Workspace,
  folder: string,
  words: string,
  signal: AbortSignal,
): Promise<ToolOutput> {
  const { hits, files: count, leftOut } = await files.search(folder, words, MOST_HITS, signal);
  const lines = hits.map(({ path, line, text }) => {
    const end = cutBefore(text, MAX_HIT_CHARS);
    return `${path}:${line}: ${text.slice(0, end)}${end < text.length ? ' …' : ''}`;
  });
  const none = hits.length === 0 ? [`No line contains that, in ${count} files.`] : [];
  return ok([...lines, ...none, ...leftOut.map((why) => `(${why})`)].join('\n'));
}

// ── Before it changes ──────────────────────────────────────────────────────────────────────────────────────────

async function foreseeWrite(
  files: Workspace,
  { path, text, replaces }: z.output<typeof WriteFile>,
  signal: AbortSignal,
): Promise<Preview> {
  const now = await files.versionAt(path);
  mustBeAt(path, now, replaces);
  await files.mayWrite({ path, text }, signal);
  const before = now === undefined ? '' : (await files.read(path)).text;
  return {
    changes: changesBetween(before, text),
    basis: basisOf(path, now),
    told: {
      title: `write_file: ${path}`,
      facts: [
        { label: 'file', value: path },
        { label: 'will have', value: `${Buffer.byteLength(text)} bytes, version ${versionOf(text)}` },
        { label: 'takes the place of', value: replaces === undefined ? 'nothing' : `version ${replaces}` },
      ],
    },
  };
}

async function foreseeEdit(
  files: Workspace,
  { path, version, ...edit }: z.output<typeof EditFile>,
): Promise<Preview> {
  mustBeAt(path, await files.versionAt(path), version);
  const { text, version: now } = await files.read(path);
  const after = editedOrRefused(path, text, edit, { now, version });
  return { changes: changesBetween(text, after), basis: basisOf(path, now) };
}

async function foreseeMove(
  files: Workspace,
  { from, to, version }: z.output<typeof MoveFile>,
): Promise<Preview> {
  const now = await files.versionAt(from);
  mustBeAt(from, now, version);
  if ((await files.versionAt(to)) !== undefined) {
    throw new PathRefusal(`there is something at "${to}" already`);
  }
  return { changes: [{ label: 'path', before: from, after: to }], basis: basisOf(from, now) };
}

async function foreseeDelete(
  files: Workspace,
  { path, version }: z.output<typeof DeleteFile>,
): Promise<Preview> {
  const now = await files.versionAt(path);
  mustBeAt(path, now, version);
  const was = await files.read(path).catch(() => undefined);
  const before = was ? `${was.bytes} bytes of text` : 'something that is no text';
  return { changes: [{ label: path, before, after: 'nothing' }], basis: basisOf(path, now) };
}

function basisOf(path: string, version: string | undefined): string {
  return version === undefined ? `there is no ${path}` : `${path} at version ${version}`;
}

function mustBeAt(path: string, now: string | undefined, wanted: string | undefined): void {
  if (now === wanted) return;
  if (now === undefined) throw new PathRefusal(`there is no file "${path}"`);
  throw new PathRefusal(
    wanted === undefined
      ? `there is a file "${path}" already; read it, and name its version to replace it`
      : `"${path}" is at version ${now}, not ${wanted}; read it again`,
  );
}

function editedOrRefused(
  path: string,
  text: string,
  edit: { readonly find: string; readonly replace: string },
  { now, version }: { readonly now: string; readonly version: string },
): string {
  mustBeAt(path, now, version);
  const edited = applyEdit(text, edit);
  if ('problem' in edited) throw new PathRefusal(`"${path}": ${edited.problem}`);
  return edited.text;
}

// ── Taking it back ─────────────────────────────────────────────────────────────────────────────────────────────

async function textAt(files: Workspace, path: string, version: string): Promise<string | undefined> {
  const was = await files.read(path).catch(() => undefined);
  return was?.version === version ? was.text : undefined;
}

/** Nothing where it could not be taken back: what was there is too long to be remembered, or is not known any more. */
function receiptOf(
  before: string | undefined,
  after: string,
  replaced: string | undefined,
): { receipt?: Receipt } {
  if (replaced === undefined) return { receipt: { after } };
  return before === undefined || before.length > MAX_KEPT_CHARS ? {} : { receipt: { before, after } };
}

async function putBack(
  files: Workspace,
  path: string,
  receipt: unknown,
  replaced: string | undefined,
  { signal }: ToolContext,
): Promise<ToolOutput> {
  const kept = Receipt.safeParse(receipt).data;
  const before = kept?.before;
  if (!kept || (replaced !== undefined && before === undefined)) {
    return { status: 'error', text: `What was in "${path}" before is not kept; it was too long.` };
  }
  return told(async () => {
    if (before === undefined) {
      await files.remove(path, kept.after);
      return ok(`"${path}" is gone again.`);
    }
    await files.write({ path, text: before, over: kept.after === '' ? undefined : kept.after }, signal);
    return ok(`"${path}" is as it was, at version ${versionOf(before)}.`);
  });
}

// ── In words ───────────────────────────────────────────────────────────────────────────────────────────────────

function ok(text: string): ToolOutput {
  return { status: 'ok', text };
}

/** A refusal is an answer; so is one by the system, for a file changes in its last step or not at all. */
async function told(run: () => Promise<ToolOutput>): Promise<ToolOutput> {
  try {
    return await run();
  } catch (error) {
    const refused = refusalOf(error);
    if (refused === undefined) throw error;
    return { status: 'error', text: `${upperFirst(refused.why)}.`, trust: refused.trust };
  }
}

async function foreseen(look: () => Promise<Preview>): Promise<Preview> {
  try {
    return await look();
  } catch (error) {
    const refused = refusalOf(error);
    if (refused === undefined) throw error;
    throw new FutileCallError(refused.why, { cause: error, trust: refused.trust });
  }
}

/** Undefined for what is none. Where a link leads is a name that anybody may have given. */
function refusalOf(error: unknown): { readonly why: string; readonly trust: Trust } | undefined {
  if (error instanceof WorkspaceRefusal) {
    return { why: error.why, trust: error instanceof PathRefusal ? 'tool' : 'outsider' };
  }
  const isOfSystem = error instanceof Error && 'syscall' in error && 'code' in error;
  if (!isOfSystem) return undefined;
  // The paths in what the system says are of this machine, and nobody else's business.
  return { why: `the system did not let it be done (${String(error.code)})`, trust: 'tool' };
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
