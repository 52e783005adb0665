/** Runs a command on what is stored: opens it, closes it, and records what was refused. */
import { openStores } from '../app/open-stores.ts';
import { systemClock } from '../domain/clock.ts';
import { NotPermittedError } from './actor.ts';
import { standardError } from './console-logger.ts';
import { type Prepared, prepare, type StoreWish } from './prepare.ts';
import { isGatewayRunning, type StoreServer } from './store-server.ts';

export type OpenStores = Awaited<ReturnType<typeof openStores>>;

export interface StoreSession extends OpenStores {
  readonly config: Prepared['config'];
  /** Whether the server is one of ours. */
  readonly serverKind: StoreServer['kind'];
  /** Whether some process works on conversations now. */
  isGatewayRunning(): Promise<boolean>;
}

/** Resolves with what `work` resolves with, once everything is closed again. */
export async function withStores<Result>(
  folder: string,
  work: (session: StoreSession) => Promise<Result>,
  store: StoreWish = 'any',
): Promise<Result> {
  const { config, log, server } = await prepare(folder, { target: standardError(), quiet: true }, store);
  try {
    const stores = await openStores({ config: () => config, redisUrl: server.url, clock: systemClock, log });
    try {
      const session = {
        ...stores,
        config,
        serverKind: server.kind,
        isGatewayRunning: () => isGatewayRunning(stores.redis, stores.keys),
      };
      return await work(session);
    } catch (error) {
      if (error instanceof NotPermittedError) await recordRefusal(stores, error);
      throw error;
    } finally {
      stores.close();
    }
  } finally {
    await server.stop();
  }
}

/**
 * The same for a command about what is there already: it makes no store.
 *
 * @throws {StartupError} when there is none, so that nobody takes an empty one for an answer
 */
export async function withKnownStores<Result>(
  folder: string,
  work: (session: StoreSession) => Promise<Result>,
): Promise<Result> {
  return withStores(folder, work, 'known');
}

async function recordRefusal({ audit }: OpenStores, { actor, action }: NotPermittedError): Promise<void> {
  await audit.append('cli', {
    event: 'authorization.deny',
    actor,
    subject: `cli:${action}`,
    correlation: `cli:${action}`,
    channel: 'cli',
    detail: { action },
  });
}
