/**
 * The sandbox as a process of its own, so that the gateway can be killed without it, and it without the gateway.
 *
 *   tsx src/sandbox/main.ts [--port N] [--data DIR] [--slack-url URL] [--smtp-target HOST:PORT]
 *                           [--retry-delays-ms 0,100,500] [--retry-until-acknowledged]
 *
 * Prints one line of JSON, `{"url": …, "env": {…}}`, once everything answers. Ends on SIGTERM, SIGINT, and
 * with its parent: when the IPC channel closes or, without one, standard input. Where the gateway listens may also
 * be told later: `PUT <url>/gateway`.
 */
import { parseArgs } from 'node:util';
import { z } from 'zod';
import { StartupError } from '../domain/errors.ts';
import { DEFAULT_PORT, type Sandbox, startSandbox } from './sandbox.ts';

const PortNumber = z.coerce.number().int().min(0).max(65_535);

const Arguments = z.object({
  port: PortNumber.default(DEFAULT_PORT),
  data: z.string().min(1).optional(),
  'slack-url': z.url().optional(),
  'smtp-target': z
    .string()
    .regex(/^[^:]+:\d+$/, 'a target is written host:port')
    .optional(),
  'retry-delays-ms': z
    .string()
    .transform((list) => list.split(',').map(Number))
    .pipe(z.array(z.number().nonnegative()))
    .optional(),
  'retry-until-acknowledged': z.boolean().optional(),
});
type Arguments = z.infer<typeof Arguments>;

const args = readArguments();
const sandbox = await start(args).catch(explainAndEnd);
endWithParent(sandbox); // Before anybody is told that we are here, and may tell us to go.
process.stdout.write(`${JSON.stringify({ url: sandbox.url, env: sandbox.env })}\n`);

function readArguments(): Arguments {
  const { values } = parseArgs({
    // The name of the command, when it was started by one.
    allowPositionals: true,
    options: {
      port: { type: 'string' },
      data: { type: 'string' },
      'slack-url': { type: 'string' },
      'smtp-target': { type: 'string' },
      'retry-delays-ms': { type: 'string' },
      'retry-until-acknowledged': { type: 'boolean' },
    },
  });
  return Arguments.parse(values);
}

async function start(wanted: Arguments): Promise<Sandbox> {
  const started = await startSandbox({
    port: wanted.port,
    ...(wanted.data === undefined ? {} : { dataDir: wanted.data }),
    slack: {
      ...(wanted['slack-url'] === undefined ? {} : { requestUrl: wanted['slack-url'] }),
      ...(wanted['retry-delays-ms'] === undefined ? {} : { retryDelaysMs: wanted['retry-delays-ms'] }),
      retryUntilAcknowledged: wanted['retry-until-acknowledged'] ?? false,
    },
  });
  const [host, port] = wanted['smtp-target']?.split(':') ?? [];
  if (host !== undefined) started.mail.connectGateway({ host, port: Number(port) });
  return started;
}

function explainAndEnd(error: unknown): never {
  if (!(error instanceof StartupError)) throw error;
  process.stderr.write(`${error.message}; ${error.remedy}\n`);
  process.exit(1);
}

function endWithParent(running: Sandbox): void {
  const end = () => {
    running.stop().finally(() => process.exit(0));
  };
  process.once('SIGTERM', end);
  process.once('SIGINT', end);
  // A parent with an IPC channel may have given standard input away, so only one of the two is watched.
  if (process.connected) process.once('disconnect', end);
  else process.stdin.once('end', end).once('error', end).resume();
}
