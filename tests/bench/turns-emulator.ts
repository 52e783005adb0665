/**
 * The sandbox's Claude as a process of its own, so that what it costs is nobody's.
 *
 * Prints `listening on <port>`. Asked for `bodies`, it answers with the bodies of the requests it has had since it was
 * asked before, as they came.
 */
import fastify from 'fastify';
import { systemClock } from '../../src/domain/clock.ts';
import { ClaudeSandbox } from '../../src/sandbox/claude/claude-sandbox.ts';

const claude = new ClaudeSandbox(systemClock);
const app = fastify();
const bodies: unknown[] = [];
app.addHook('preHandler', async ({ body }) => {
  bodies.push(body);
});
claude.register(app);
claude.script(() => ({ text: 'It is paid, and on its way.' }));
await claude.start();
const origin = await app.listen({ host: '127.0.0.1', port: 0 });
process.on('message', () => process.send?.(bodies.splice(0)));
console.log(`listening on ${new URL(origin).port}`);
