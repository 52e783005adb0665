/** Whether a folder the agent may write to lies apart from what it must not reach. Looks at this machine. */
import { realpathSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { StartupError } from '../domain/errors.ts';

/** @throws {StartupError} when the folder lies in one of `kept`, or one of them in it */
export function mustLieApart(directory: string, kept: readonly string[]): void {
  const met = meets(directory, kept);
  if (met === undefined) return;
  throw new StartupError(
    `the workspace ${directory} and ${met} lie in one another`,
    'set workspace.directory in settings.yaml to a folder of its own: nothing of the configuration, the skills, the data or the program may be in it, or around it',
  );
}

/** The first of `kept`; also one that is not there yet, for whoever could make it could fill it. */
function meets(directory: string, kept: readonly string[]): string | undefined {
  return kept.find((place) => {
    const pairs = [
      [realPathOf(directory), realPathOf(place)],
      [resolve(directory), resolve(place)],
    ] as const;
    return pairs.some(([one, other]) => isWithin(one, other) || isWithin(other, one));
  });
}

/** Without links; what is not there yet lies where the folder above it lies. */
function realPathOf(path: string): string {
  const whole = resolve(path);
  try {
    return realpathSync(whole);
  } catch {
    const above = dirname(whole);
    return above === whole ? whole : join(realPathOf(above), basename(whole));
  }
}

function isWithin(inner: string, outer: string): boolean {
  return inner === outer || inner.startsWith(join(outer, '/'));
}
