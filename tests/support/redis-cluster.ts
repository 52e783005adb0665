/** A Redis Cluster of three masters on loopback, for as long as a test needs it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { findServerBinary, serverRemedy } from '../../src/redis/server-binary.mjs';

const SLOTS = 16_384;
const NODES = 3;
const HOST = '127.0.0.1';

export interface RedisCluster {
  /** What `createRedis` takes. */
  readonly url: string;
  /** One connection to each node, to look at what it holds. */
  readonly nodes: readonly Redis[];
  /** Ends a node as a crash would, and starts it again on its data. */
  restart(node: number): Promise<void>;
  stop(): Promise<void>;
}

export async function startRedisCluster(): Promise<RedisCluster> {
  const found = await findServerBinary();
  if (found.kind !== 'found') throw new Error(serverRemedy(found));
  const { command } = found;
  const home = await mkdtemp(join(tmpdir(), 'signalbox-cluster-'));
  const ports = await freePorts(NODES * 2);
  const places = Array.from({ length: NODES }, (_, index) => ({
    port: ports[index]!,
    busPort: ports[NODES + index]!,
    dir: join(home, `node-${index}`),
  }));
  const servers = await Promise.all(places.map((place) => startNode(command, place)));
  const nodes = places.map(({ port }) => connectTo(port));
  await Promise.all(nodes.map(isUp));
  await joinUp(nodes, places);
  return {
    url: places.map(({ port }) => `redis://${HOST}:${port}`).join(','),
    nodes,
    async restart(node) {
      await end(servers[node]!, 'SIGKILL');
      servers[node] = await startNode(command, places[node]!);
      await isUp(nodes[node]!);
      await isFormed(nodes);
    },
    async stop() {
      for (const node of nodes) node.disconnect();
      await Promise.all(servers.map((server) => end(server, 'SIGTERM')));
      await rm(home, { recursive: true, force: true });
    },
  };
}

interface Place {
  readonly port: number;
  readonly busPort: number;
  readonly dir: string;
}

async function startNode(command: string, { port, busPort, dir }: Place): Promise<ChildProcess> {
  await mkdir(dir, { recursive: true });
  const options = {
    port,
    bind: HOST,
    dir,
    'cluster-enabled': 'yes',
    'cluster-port': busPort,
    'cluster-node-timeout': 2_000,
    appendonly: 'yes',
    save: '',
  };
  const args = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)]);
  const server = spawn(command, args, { stdio: 'ignore' });
  await once(server, 'spawn');
  return server;
}

function connectTo(port: number): Redis {
  const node = new Redis({ host: HOST, port, maxRetriesPerRequest: null, retryStrategy: () => 20 });
  node.on('error', () => undefined);
  return node;
}

/** The nodes meet, share the slots, and agree on it. */
async function joinUp(nodes: readonly Redis[], places: readonly Place[]): Promise<void> {
  const [first, ...others] = nodes;
  for (const [index, node] of nodes.entries()) {
    const from = Math.ceil((SLOTS / NODES) * index);
    const to = Math.ceil((SLOTS / NODES) * (index + 1)) - 1;
    await node.call('CLUSTER', 'ADDSLOTSRANGE', from, to);
    await node.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
  }
  for (const index of others.keys()) {
    const { port, busPort } = places[index + 1]!;
    await first!.call('CLUSTER', 'MEET', HOST, port, busPort);
  }
  await isFormed(nodes);
}

async function isUp(node: Redis): Promise<void> {
  await node.ping();
}

async function isFormed(nodes: readonly Redis[]): Promise<void> {
  for (const node of nodes) {
    const formed = async (): Promise<boolean> => {
      const info = String(await node.call('CLUSTER', 'INFO'));
      return info.includes('cluster_state:ok') && info.includes(`cluster_size:${NODES}`);
    };
    while (!(await formed()));
  }
}

async function end(server: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  server.kill(signal);
  await ended;
}

/** Held open together, so that no two are the same. */
async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, HOST));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => {
    const address = server.address();
    if (typeof address !== 'object' || address === null) throw new Error('a server has no port');
    return address.port;
  });
  await Promise.all(servers.map((server) => once(server.close(), 'close')));
  return ports;
}
