/** The only reader of the environment. Everything else is handed what it needs. */
import { readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { parseEnv } from 'node:util';
import type { Environment } from './references.ts';

export const ENV_FILE = '.env';

/** The variables of the process, over those of `.env` in `directory`; what the process was given wins. */
export function readEnvironment(directory: string): Environment {
  return { ...readEnvFile(join(directory, ENV_FILE)), ...process.env };
}

/** The folders in which this machine looks for programs, in order. */
export function searchPath(): string[] {
  return (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
}

function readEnvFile(path: string): Environment {
  try {
    return parseEnv(readFileSync(path, 'utf8'));
  } catch (error) {
    if (isMissing(error)) return {}; // Optional: a fresh checkout has none.
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
