/** Pieces of JQL. Pure. */

/** Quoted: keys of projects may be words of the language (`ORDER`, `SET`, `USER`), which it refuses as they are. */
export function isAmong(projects: readonly string[]): string {
  return `project in (${projects.map((key) => `"${key}"`).join(', ')})`;
}
