/**
 * Lua scripts: one file per verb, beside the class that calls it.
 *
 * A file may begin with a line `--@use name` for each shared fragment (`src/redis/<name>.lua`) it needs; the
 * fragment is put in its place. Each script starts with a `#!lua` line: without it a server lets a script touch
 * another slot that happens to be on the same node.
 */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { RedisClient } from './client.ts';

export interface Script {
  readonly name: string;
  readonly source: string;
  readonly sha: string;
}

/** Reads `<name>.lua` beside the module that asks. */
export function loadScript(name: string, moduleUrl: string): Script {
  const body = readFileSync(new URL(`./${name}.lua`, moduleUrl), 'utf8');
  const source = body.replace(/^--@use (\S+)$/gm, (_line, fragment: string) =>
    readFileSync(new URL(`./${fragment}.lua`, import.meta.url), 'utf8'),
  );
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}

/** What a script is given; bytes stay bytes. */
export type ScriptArgument = string | number | Buffer;

/** Runs a script by its hash; sends its text only to a server that does not know it yet. Texts come back as strings. */
export async function runScript(
  redis: RedisClient,
  script: Script,
  keys: readonly string[],
  args: readonly ScriptArgument[],
): Promise<unknown> {
  try {
    return await redis.evalsha(script.sha, keys.length, ...keys, ...args);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return redis.eval(script.source, keys.length, ...keys, ...args);
  }
}

/** The same for scripts that answer with bytes: every text comes back as a buffer. */
export async function runBinaryScript(
  redis: RedisClient,
  script: Script,
  keys: readonly string[],
  args: readonly ScriptArgument[],
): Promise<unknown> {
  try {
    return await redis.callBuffer('EVALSHA', [script.sha, keys.length, ...keys, ...args]);
  } catch (error) {
    if (!isUnknownScript(error)) throw error;
    return redis.callBuffer('EVAL', [script.source, keys.length, ...keys, ...args]);
  }
}

function isUnknownScript(error: unknown): boolean {
  return error instanceof Error && error.message.startsWith('NOSCRIPT');
}
