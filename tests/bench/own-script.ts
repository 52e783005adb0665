/** How the benchmark starts one of its own files as a process. */
import { fileURLToPath } from 'node:url';

export function ownScript(file: URL): { command: string; args: string[] } {
  const path = fileURLToPath(file);
  return { command: process.execPath, args: path.endsWith('.ts') ? ['--import', 'tsx', path] : [path] };
}
