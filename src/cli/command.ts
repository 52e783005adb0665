/** What every command is given beside its own options. */

/** Options that stand before any command. */
export interface Globals {
  /** Folder of the six files. */
  readonly config: string;
}

/** Does a command's work and keeps its exit code. */
export type Run = (work: (globals: Globals) => Promise<number>) => Promise<void>;

/** What a process started, and has to stop again. */
export interface Stoppable {
  stop(): Promise<void>;
}

/** Stops the newest first; one that fails does not keep the others running. */
export async function stopAll(running: Stoppable[]): Promise<void> {
  for (let each = running.pop(); each; each = running.pop()) await each.stop().catch(() => undefined);
}
