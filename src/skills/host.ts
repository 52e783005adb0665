/** What skills can build on here: this machine and this gateway. */
import { readFileSync } from 'node:fs';
import { programPath } from '../config/program-path.ts';
import type { Host } from './eligibility.ts';

export interface HostParts {
  /** Platforms that run: `slack`, `jira`. */
  readonly platforms: Iterable<string>;
  /** Of the tools the agent has: `jira`, `memory`. */
  readonly toolGroups: Iterable<string>;
  /** Whose model answers: `claude`. */
  readonly model: string;
  /** Folders in which programs are looked for. */
  readonly path: readonly string[];
}

export function createHost({ platforms, toolGroups, model, path }: HostParts): Host {
  return {
    os: process.platform,
    version: versionOfPackage(),
    providers: new Set([
      ...[...platforms].flatMap((name) => [name, `platform:${name}`]),
      ...[...toolGroups].flatMap((name) => [name, `tools:${name}`]),
      model,
      `model:${model}`,
    ]),
    hasBinary: (name) => !/[/\\]/.test(name) && programPath(name, path) !== undefined,
  };
}

export function versionOfPackage(): string {
  const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return String(version);
}
