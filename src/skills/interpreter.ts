/**
 * What runs a script: the program its first line names, if it is marked executable; else that of its ending. Pure.
 *
 * It is always named in the command, never left to the kernel, so that a script runs alike wherever it lies.
 */

/** Its words, in front of the path of the script. */
export type Interpreter = readonly [program: string, ...words: string[]];

const ENV = '/usr/bin/env';

/** For files that are not marked executable. */
const BY_ENDING: Readonly<Record<string, Interpreter>> = {
  sh: ['/bin/sh'],
  py: [ENV, 'python3'],
  mjs: [ENV, 'node'],
};

/** Longest first line that is read, in bytes; as long as the kernel's own (linux/binfmts.h, BINPRM_BUF_SIZE). */
const FIRST_LINE_BYTES = 256;

/** Undefined for what is no script. */
export function interpreterOf(file: {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly isExecutable: boolean;
}): Interpreter | undefined {
  const named = file.isExecutable ? namedIn(file.bytes) : undefined;
  const [, ending = ''] = /\.([a-z]+)$/.exec(file.path) ?? [];
  return named ?? (Object.hasOwn(BY_ENDING, ending) ? BY_ENDING[ending] : undefined);
}

/** As the kernel reads it: an absolute path, and all that follows it as one word. */
function namedIn(bytes: Uint8Array): Interpreter | undefined {
  const start = Buffer.from(bytes.subarray(0, FIRST_LINE_BYTES)).toString('latin1');
  const match = /^#![ \t]*(\/[!-~]+)(?:[ \t]+([ -~]*[!-~]))?[ \t]*\r?\n/.exec(start);
  if (!match) return undefined;
  const [, program = '', word] = match;
  return word === undefined ? [program] : [program, word];
}
