/** A process that starts the embedded Redis in the folder it is given, says so, and goes on until it is killed. */
import { createLogger } from '../../src/observability/logger.ts';
import { startEmbeddedRedis } from '../../src/redis/embedded.ts';

const [dataDir] = process.argv.slice(2);
if (!dataDir) throw new Error('usage: redis-starter.ts <data directory>');

const redis = await startEmbeddedRedis({ dataDir, log: createLogger({ level: 'silent' }) });
process.stdout.write(`${JSON.stringify({ url: redis.url, pid: redis.pid() })}\n`);
