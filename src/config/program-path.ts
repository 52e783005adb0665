/** Where a program is, as this machine looks for programs. */
import { accessSync, constants, statSync } from 'node:fs';
import { join, resolve } from 'node:path';

/** Its whole path; undefined when there is none of that name. `folders` are looked through in order. */
export function programPath(name: string, folders: readonly string[]): string | undefined {
  if (/[/\\]/.test(name)) return isProgram(resolve(name)) ? resolve(name) : undefined;
  return folders.map((folder) => join(folder, name)).find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
