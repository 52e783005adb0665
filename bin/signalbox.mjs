#!/usr/bin/env -S node --max-semi-space-size=8
/** The `signalbox` command: builds the program if its sources changed, and runs it in this process. */
import module from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { NoBuildError, provideBuild } from './build/provide-build.mjs';

const main = await provideBuild().catch((error) => {
  if (!(error instanceof NoBuildError)) throw error;
  console.error(`signalbox: ${error.message}.`);
  process.exit(1);
});
// Node 22 keeps compiled code on disk; Node 20 does without.
if ('enableCompileCache' in module && typeof module.enableCompileCache === 'function') {
  module.enableCompileCache(join(dirname(main), 'code'));
}
process.setSourceMapsEnabled(true);
await import(pathToFileURL(main).href);
