/** `npm run check`: what a machine can say about the code without running it; all of it, a verdict for each. */
import { existsSync } from 'node:fs';
import { inRoot, ROOT } from './root.mjs';
import { runQuietly } from './run.mjs';

/** @typedef {{ name: string, tool: string, args: string[] }} Check */

/** @type {readonly Check[]} */
const CHECKS = [
  { name: 'types', tool: 'tsc', args: ['--noEmit', '--project', '.'] },
  { name: 'lint and format', tool: 'biome', args: ['ci', '--colors=off'] },
  { name: 'import direction and cycles', tool: 'depcruise', args: folders(['src', 'gateways', 'bin']) },
  { name: 'unused code and dependencies', tool: 'knip', args: ['--no-progress', '--no-config-hints'] },
];

/** @returns {Promise<number>} the exit code */
export async function runChecks() {
  const failures = [];
  // One after the other: each uses every core there is.
  for (const check of CHECKS) {
    if (!(await passes(check))) failures.push(check.name);
  }
  return failures.length === 0 ? 0 : 1;
}

/** @param {Check} check */
async function passes({ name, tool, args }) {
  const began = Date.now();
  const { code, output } = await runQuietly(inRoot('node_modules', '.bin', tool), args, { cwd: ROOT });
  if (code !== 0) console.log(output.trim());
  console.log(`${code === 0 ? 'ok    ' : 'FAILED'}  ${name} (${((Date.now() - began) / 1000).toFixed(1)} s)`);
  return code === 0;
}

/** Those of the folders that exist. @param {string[]} names */
function folders(names) {
  return names.filter((name) => existsSync(inRoot(name)));
}
