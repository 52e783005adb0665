/** `npm run check`: everything a machine can say about the code without running it. All of it, each with a verdict. */
import { existsSync } from 'node:fs';
import { inRoot, ROOT } from './root.mjs';
import { runQuietly } from './run.mjs';

/** What is checked, and the arguments of the tool in node_modules that checks it. */
const CHECKS = [
  { name: 'types', tool: ['typescript', 'tsc'], args: ['--noEmit', '--project', '.'] },
  { name: 'lint and format', tool: ['@biomejs/biome', 'biome'], args: ['ci', '--reporter=summary'] },
  { name: 'import direction and cycles', tool: ['dependency-cruiser', 'depcruise'], args: [] },
  { name: 'unused code and dependencies', tool: ['knip', 'knip'], args: [] },
];
