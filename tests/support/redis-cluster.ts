/** A Redis Cluster of three real servers on loopback, for the tests that need one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import pRetry from 'p-retry';
import { findServerBinary } from '../../src/redis/server-binary.mjs';

const HOST = '127.0.0.1';
const NODES = 3;
const SLOTS = 16_384;
/** A node talks to the others on its port plus this; both must be valid ports. */
const BUS_OFFSET = 10_000;

export interface RedisCluster {
  /** As `redis.url` in settings.yaml takes it. */
  readonly url: string;
  /** A connection to each node, for looking at what it holds. */
  readonly nodes: readonly Redis[];
  stop(): Promise<void>;
}

/** Resolves once every node knows that all slots are served. */
export async function startCluster(): Promise<RedisCluster> {
  const binary = await findServerBinary();
  if (binary.kind !== 'found') throw new Error('a cluster needs a redis-server');
  const folder = await mkdtemp(join(tmpdir(), 'signalbox-cluster-'));
  const ports = await Promise.all(Array.from({ length: NODES }, freePort));
  const servers = await Promise.all(
    ports.map((port) => startNode(binary.command, join(folder, String(port)), port)),
  );
  const nodes = ports.map((port) => new Redis({ host: HOST, port }));
  // A node that is still starting refuses; the connection tries again.
  for (const node of nodes) node.on('error', () => undefined);
  await Promise.all(nodes.map((node, index) => giveSlots(node, index)));
  for (const port of ports.slice(1)) await nodes[0]?.call('CLUSTER', 'MEET', HOST, String(port));
  await Promise.all(nodes.map(untilServed));

  return {
    url: ports.map((port) => `redis://${HOST}:${port}`).join(','),
    nodes,
    stop: async () => {
      for (const node of nodes) node.disconnect();
      await Promise.all(servers.map(end));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function startNode(command: string, folder: string, port: number): Promise<ChildProcess> {
  await mkdir(folder);
  const options = ['--bind', HOST, '--port', String(port), '--dir', folder, '--cluster-enabled', 'yes'];
  const server = spawn(command, [...options, '--appendonly', 'no', '--save', ''], { stdio: 'ignore' });
  await once(server, 'spawn');
  return server;
}

async function giveSlots(node: Redis, index: number): Promise<void> {
  const first = Math.floor((index * SLOTS) / NODES);
  const last = Math.floor(((index + 1) * SLOTS) / NODES) - 1;
  await node.call('CLUSTER', 'ADDSLOTSRANGE', String(first), String(last));
}

/** The nodes agree by gossip, which nothing announces. */
async function untilServed(node: Redis): Promise<void> {
  const look = async () => {
    const info = String(await node.call('CLUSTER', 'INFO'));
    if (!/cluster_state:ok/.test(info) || !new RegExp(`cluster_known_nodes:${NODES}`).test(info)) {
      throw new Error(info);
    }
  };
  await pRetry(look, { retries: 100, minTimeout: 100, maxTimeout: 100 });
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, HOST);
  await once(server, 'listening');
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  const port = typeof address === 'object' && address ? address.port : 0;
  return port + BUS_OFFSET <= 65_535 ? port : freePort();
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null) return;
  server.kill('SIGKILL');
  await once(server, 'exit');
}
