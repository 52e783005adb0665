/** How the agent names a file of its workspace: folders and a name with `/` between them, from the workspace's top. */
import { z } from 'zod';

/** Longest path, in characters; every system we run on takes more. */
const MAX_PATH_CHARS = 1_000;
/** Longest name of one file or folder, in bytes (NAME_MAX of Linux and macOS). */
const MAX_NAME_BYTES = 255;
/** Deepest folder. */
const MOST_LEVELS = 32;

/** Begins the name of what is being written; no file of the workspace is called so. */
export const UNFINISHED = '.signalbox-unfinished-';

/** Its folders and its name; `''` for the top itself. */
export const FilePath = z
  .string()
  .min(1)
  .max(MAX_PATH_CHARS)
  .superRefine((text, context) => {
    const problem = problemOf(text);
    if (problem !== undefined) context.addIssue({ code: 'custom', message: problem });
  });

/** Of a folder; empty for the top of the workspace. */
export const FolderPath = z.union([z.literal(''), z.literal('.'), FilePath]);

/** The names a path is made of, outermost first. */
export function namesIn(path: string): string[] {
  return path === '' || path === '.' ? [] : path.split('/');
}

/** Why a text is no path; undefined when it is one. */
export function problemOf(path: string): string | undefined {
  if (path.startsWith('/') || /^[A-Za-z]:/.test(path))
    return 'must begin at the top of the workspace, without /';
  const names = path.split('/');
  if (names.length > MOST_LEVELS) return `must have at most ${MOST_LEVELS} levels`;
  return names.map(problemOfName).find((problem) => problem !== undefined);
}

function problemOfName(name: string): string | undefined {
  if (name === '') return 'must have a name between two /, and none at its end';
  if (name === '.' || name === '..') return 'must not contain . or .. as a name';
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `must have names of at most ${MAX_NAME_BYTES} bytes`;
  // A backslash is a separator elsewhere; what cannot be seen makes two names look like one on a card.
  if (/[\\\p{C}\p{Zl}\p{Zp}]/u.test(name)) return 'must not contain \\ or characters that cannot be seen';
  if (name !== name.trim()) return 'must have names without spaces around them';
  if (name !== name.normalize('NFC')) return 'must be in Unicode normal form C';
  return name.startsWith(UNFINISHED) ? `must not have a name that begins with ${UNFINISHED}` : undefined;
}
