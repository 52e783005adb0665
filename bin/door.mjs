#!/usr/bin/env node
/**
 * The way in for whoever has a clone and Node: sees to everything a verb needs, then runs it.
 *
 *   start  dev  test  newest  check  model  crash  bench
 *
 * Plain JavaScript without dependencies, because it runs before they are installed; this file in a syntax that an
 * old Node understands, so that it can say so. What it says goes to standard error.
 */
const OLDEST_NODE = { major: 20, minor: 19 };

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < OLDEST_NODE.major || (major === OLDEST_NODE.major && minor < OLDEST_NODE.minor)) {
  console.error(
    'signalbox: this is Node ' +
      process.versions.node +
      ' and Signalbox needs ' +
      OLDEST_NODE.major +
      '.' +
      OLDEST_NODE.minor +
      ' or later: get it from https://nodejs.org/en/download or with `nvm install 24`.',
  );
  process.exit(1);
}
const { runVerb } = await import('./door/verbs.mjs');
process.exitCode = await runVerb(process.argv[2], process.argv.slice(3));
