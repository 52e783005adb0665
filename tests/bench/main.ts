/**
 * `npm run bench`: measures the product beside what it is compared with.
 *
 * Progress goes to standard error; standard output carries the tables, or with `--json` exactly one JSON object.
 */
import { parseArgs } from 'node:util';
import { findServerBinary, serverRemedy } from '../../src/redis/server-binary.mjs';
import { CONTENDERS } from './contender.ts';
import { measureMention } from './mention.ts';
import { createProgress } from './progress.ts';
import { installReferences } from './reference-install.ts';

const progress = createProgress(performance.now());
const binary = await findServerBinary();
if (binary.kind !== 'found') throw new Error(serverRemedy(binary));
await installReferences(progress);
const { values } = parseArgs({ options: { rounds: { type: 'string' }, quick: { type: 'boolean' } } });
const report = await measureMention(
  {
    redisServer: binary.command,
    rounds: Number(values.rounds ?? 3),
    threads: 5000,
    warmUp: 2000,
    inFlight: 50,
    contenders: CONTENDERS.slice(1),
    fsyncModes: ['always', 'everysec'],
  },
  progress,
);
console.log(JSON.stringify(report, null, 1));
