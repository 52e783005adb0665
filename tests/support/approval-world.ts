/** Approvals on a real Redis, with the verbs of `approval-history.ts`, so that a history can be played on both. */
import { createHash } from 'node:crypto';
import type { Redis } from 'ioredis';
import { toHeard } from '../../src/approvals/approval-audit.ts';
import { fromDocument } from '../../src/approvals/approval-codec.ts';
import { ApprovalRounds } from '../../src/approvals/approval-rounds.ts';
import { ApprovalStore, toOpenEffect } from '../../src/approvals/approval-store.ts';
import { consequencesOf, consequencesOfOpening } from '../../src/approvals/consequences.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import type { Circumstances } from '../../src/domain/approval/time.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import type { ApprovalId } from '../../src/domain/ids.ts';
import type { Outage } from '../../src/domain/outage.ts';
import { fromAuditText } from '../../src/redis/audit-text.ts';
import type { RedisClient } from '../../src/redis/client.ts';
import { EffectWriter } from '../../src/redis/effect-writer.ts';
import { Keys, partitionOf } from '../../src/redis/keys.ts';
import { loadScript, runBinaryScript, type Script } from '../../src/redis/script.ts';
import type { Due, Held, World } from './approval-history.ts';
import type { Decide, Fate, Outcome, PartitionView } from './approval-model.ts';
import { BEGIN_MS } from './approval-plan.ts';
import { defer } from './core.ts';

/** Longer than any test. */
const KEEP_MS = 3_600_000;
const BATCH = 200;

const transition = loadScript(
  'transition',
  new URL('../../src/approvals/approval-store.ts', import.meta.url).href,
);

/** Until the server knows the script, a write is two requests, of which the first meets the fate of the second. */
export async function prepare(redis: Redis): Promise<void> {
  await redis.script('LOAD', transition.source);
}

export class ApprovalWorld implements World {
  readonly #keys: Keys;
  readonly #partition: number;
  readonly #processes: Process[];
  readonly #rounds: ApprovalRounds;
  /** Documents that were read before, as they were then: most are read again unchanged. */
  readonly #known = new Map<string, { readonly document: Buffer; readonly approval: Approval }>();
  #audit: AuditEvent[] = [];
  #marked: unknown;

  constructor(
    private readonly redis: Redis,
    prefix: string,
    private readonly conversation: string,
    copiesFor: Circumstances['copiesFor'],
  ) {
    this.#keys = new Keys(prefix);
    this.#partition = partitionOf(conversation);
    this.#processes = [new Process(redis, this.#keys, copiesFor), new Process(redis, this.#keys, copiesFor)];
    this.#rounds = new ApprovalRounds(redis, this.#keys);
  }

  async open(approvals: readonly Approval[]): Promise<void> {
    await this.pass(BEGIN_MS);
    const effects = approvals.flatMap((approval) => [
      toOpenEffect(approval, KEEP_MS),
      ...consequencesOfOpening(approval, BEGIN_MS),
    ]);
    await new EffectWriter(this.redis, this.#keys).write(this.conversation, effects);
  }

  async openAgain(approval: Approval): Promise<void> {
    await new EffectWriter(this.redis, this.#keys).write(this.conversation, [
      toOpenEffect(approval, KEEP_MS),
    ]);
  }

  apply(
    process: number,
    id: ApprovalId,
    decide: Decide,
    fate: Fate,
  ): Promise<{ outcome: Outcome; held?: Held }> {
    const { store, wire } = this.#processes[process]!;
    return wire.meet(fate, () => store.apply(id, decide));
  }

  async sweep(
    process: number,
    _tick: Decide,
    fate: Fate,
  ): Promise<{ due: Due; ticks: { outcome: Outcome; held?: Held }[] }> {
    const { store, wire } = this.#processes[process]!;
    const { approvals, nextMs } = await store.due(this.#partition, BATCH);
    const ticks = [];
    for (const [n, each] of approvals.entries()) {
      ticks.push(await wire.meet(n === 0 ? fate : 'done', () => store.tick(each)));
    }
    return { due: { ids: approvals.map(({ id }) => id), nextMs }, ticks };
  }

  /** The newest time anybody noted; the server's own clock is always behind it. */
  async pass(nowMs: number): Promise<void> {
    await this.redis.set(`${this.#prefix}clock`, nowMs);
  }

  async loseTimer({ id }: Approval): Promise<void> {
    await this.redis.zrem(this.#keys.timers(this.#partition), id);
  }

  async hear(approval: Approval): Promise<void> {
    const effects = toHeard(approval.state, approval);
    await new EffectWriter(this.redis, this.#keys).write(this.conversation, effects);
  }

  rearm(approval: Approval, dueMs: number | undefined): Promise<boolean> {
    return this.#rounds.rearm(approval, dueMs);
  }

  async mark(): Promise<void> {
    this.#marked = await runBinaryScript(this.redis, dumpScript, [], [this.#prefix]);
  }

  async lose(): Promise<void> {
    if (!Array.isArray(this.#marked)) return;
    this.#audit = [];
    await runBinaryScript(this.redis, restoreScript, [], [this.#prefix, ...this.#marked]);
  }

  /** Nothing of it is left. */
  async wipe(): Promise<void> {
    await runBinaryScript(this.redis, restoreScript, [], [this.#prefix]);
    await this.redis.del(`${this.#prefix}clock`);
  }

  async view(ids: readonly ApprovalId[]): Promise<PartitionView> {
    const reply = await runBinaryScript(
      this.redis,
      viewScript,
      [],
      [this.#prefix, this.#audit.length, ...ids],
    );
    const [documents, kept, timers, clock, watched, outages, lanes, count, audit, inboxes] = toLists(reply);
    this.#audit = [
      ...this.#audit,
      ...inPairs(toTexts(audit)).map(([text, words]) => fromAuditText(text, words || undefined).event),
    ].slice(0, Number(count));
    return {
      approvals: new Map(ids.flatMap((id, n) => this.#toApproval(id, list(documents)[n]))),
      ending: ids.filter((_id, n) => Number(list(kept)[n]) === 1),
      timers: new Map(inPairs(toTexts(timers)).map(([id, dueMs]) => [id, Number(dueMs)])),
      inboxes: new Map(list(inboxes).map((inbox) => toInbox(toTexts(inbox)))),
      clockMs: Number(clock),
      watchedMs: watched === null ? undefined : Number(watched),
      outages: toTexts(outages).map(toOutage),
      lanes: new Map(list(lanes).map((lane) => toLane(toTexts(lane)))),
      audit: this.#audit,
    };
  }

  get #prefix(): string {
    return this.#keys.partition(this.#partition);
  }

  #toApproval(id: ApprovalId, document: unknown): [ApprovalId, Approval][] {
    if (!Buffer.isBuffer(document)) return [];
    const known = this.#known.get(id);
    if (known?.document.equals(document)) return [[id, known.approval]];
    const approval = fromDocument(document);
    this.#known.set(id, { document, approval });
    return [[id, approval]];
  }
}

/** One process: its own view of the store, and its line to the server. */
class Process {
  readonly wire: Wire;
  readonly store: ApprovalStore;

  constructor(redis: Redis, keys: Keys, copiesFor: Circumstances['copiesFor']) {
    this.wire = new Wire(redis);
    this.store = new ApprovalStore(this.wire.client(), keys, consequencesOf, () => KEEP_MS);
    this.store.reachPeopleBy(copiesFor);
  }
}

/** The process is no longer there to hear of it. */
class Died extends Error {}

/** A line to the server on which the next write of an approval meets its fate. */
class Wire {
  #fate: Fate = 'done';
  #reached = defer();
  #released = defer<'done' | 'reply-lost'>();

  constructor(private readonly redis: Redis) {}

  /** As the store sees it. */
  client(): RedisClient {
    const callBuffer = (command: string, args: (string | Buffer | number)[]): Promise<unknown> =>
      args[0] === transition.sha ? this.#write(command, args) : this.redis.callBuffer(command, args);
    return new Proxy(this.redis, {
      get: (redis, name) => (name === 'callBuffer' ? callBuffer : Reflect.get(redis, name, redis)),
    });
  }

  /** Does something whose first write fares so. */
  async meet(fate: Fate, work: () => Promise<unknown>): Promise<{ outcome: Outcome; held?: Held }> {
    this.#fate = fate;
    this.#reached = defer();
    this.#released = defer();
    const { promise: reached } = this.#reached;
    const { resolve: release } = this.#released;
    const done = toOutcome(work());
    const outcome = await Promise.race([done, reached.then(() => ({ kind: 'held' }) as const)]);
    if (this.#fate === fate) this.#fate = 'done'; // nothing was written
    if (outcome.kind !== 'held') return { outcome };
    return {
      outcome,
      held: {
        release: async (how) => {
          release(how);
          return done;
        },
      },
    };
  }

  async #write(command: string, args: (string | Buffer | number)[]): Promise<unknown> {
    const fate = this.#fate;
    this.#fate = 'done';
    const send = (): Promise<unknown> => this.redis.callBuffer(command, args);
    switch (fate) {
      case 'done':
        return send();
      case 'crash':
        throw new Died();
      case 'reply-lost':
        await send();
        throw new Died();
      case 'twice':
        await send();
        return send();
      case 'held': {
        const { promise } = this.#released;
        this.#reached.resolve();
        const how = await promise;
        const reply = await send();
        if (how === 'reply-lost') throw new Died();
        return reply;
      }
      default:
        return fate satisfies never;
    }
  }
}

async function toOutcome(work: Promise<unknown>): Promise<Outcome> {
  try {
    return { kind: 'answered', result: await work };
  } catch (error) {
    if (error instanceof Died) return { kind: 'crashed' };
    throw error;
  }
}

/** Every key of a partition that a history writes: what there is of lanes is named by their ready lists. */
const KEYS_OF = `
local T = ARGV[1]
local function lanes()
  local found = {}
  for _, queue in ipairs({'m', 'o.slack', 'o.email'}) do
    for _, lane in ipairs(redis.call('LRANGE', T .. queue .. ':ready', 0, -1)) do
      found[#found + 1] = {queue, lane}
    end
  end
  return found
end
local INBOXES = {'role:manager', 'role:director', 'person:alex', 'person:lee', 'person:max', 'person:dana', 'person:mona',
  'person:rita', 'person:eve', 'conversation:"slack:T0:C0:1"',
  'held:"slack:T0:C0:1"', 'unknown'}
local function allKeys()
  local keys = {}
  for _, name in ipairs(INBOXES) do keys[#keys + 1] = T .. 'in:' .. name end
  for _, name in ipairs({'t', 'watched', 'outages', 'audit', 'audit:head', 'audit:words', 'm:ready', 'm:bell', 'o.slack:ready',
    'o.slack:bell', 'o.email:ready', 'o.email:bell'}) do keys[#keys + 1] = T .. name end
  for _, lane in ipairs(lanes()) do keys[#keys + 1] = T .. lane[1] .. ':q:' .. lane[2] end
  for n = 0, 1 do
    local id = 'apr_' .. string.match(T, '{(p%d+)}') .. '_00000000000' .. n
    keys[#keys + 1] = T .. 'apr:' .. id
    keys[#keys + 1] = T .. 'heard:' .. id
  end
  return keys
end
`;

/** Returns key, dump and remaining time in turn. */
const dumpScript = toScript(
  'dump',
  `${KEYS_OF}
local reply = {}
for _, key in ipairs(allKeys()) do
  local dump = redis.call('DUMP', key)
  if dump then
    reply[#reply + 1] = key
    reply[#reply + 1] = dump
    reply[#reply + 1] = tostring(math.max(redis.call('PTTL', key), 0))
  end
end
return reply`,
);

/** Makes it what was dumped; the clock stays. */
const restoreScript = toScript(
  'restore',
  `${KEYS_OF}
for _, key in ipairs(allKeys()) do redis.call('DEL', key) end
for i = 2, #ARGV, 3 do redis.call('RESTORE', ARGV[i], ARGV[i + 2], ARGV[i + 1]) end
return 1`,
);

const viewScript = toScript(
  'view',
  `${KEYS_OF}
local documents, kept, found = {}, {}, {}
for i = 3, #ARGV do
  documents[#documents + 1] = redis.call('GET', T .. 'apr:' .. ARGV[i])
  kept[#kept + 1] = redis.call('PTTL', T .. 'apr:' .. ARGV[i]) > 0 and 1 or 0
end
for _, lane in ipairs(lanes()) do
  local items = redis.call('LRANGE', T .. lane[1] .. ':q:' .. lane[2], 0, -1)
  table.insert(items, 1, lane[1] .. '|' .. lane[2])
  found[#found + 1] = items
end
local audit, filled = {}, {}
for _, name in ipairs(INBOXES) do
  local entries = redis.call('ZRANGE', T .. 'in:' .. name, 0, -1, 'WITHSCORES')
  if #entries > 0 then
    table.insert(entries, 1, name)
    filled[#filled + 1] = entries
  end
end
for _, entry in ipairs(redis.call('XRANGE', T .. 'audit', (ARGV[2] + 1) .. '-0', '+')) do
  audit[#audit + 1] = entry[2][4]
  audit[#audit + 1] = redis.call('HGET', T .. 'audit:words', string.match(entry[1], '%d+')) or ''
end
return {documents, kept, redis.call('ZRANGE', T .. 't', 0, -1, 'WITHSCORES'), redis.call('GET', T .. 'clock'),
  redis.call('GET', T .. 'watched'), redis.call('LRANGE', T .. 'outages', 0, -1), found,
  redis.call('XLEN', T .. 'audit'), audit, filled}`,
);

function toScript(name: string, source: string): Script {
  return { name, source, sha: createHash('sha1').update(source).digest('hex') };
}

function toLists(reply: unknown): unknown[] {
  return list(reply);
}

function list(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

function toTexts(value: unknown): string[] {
  return list(value).map(String);
}

function inPairs(flat: readonly string[]): [string, string][] {
  return flat.flatMap((each, n) => (n % 2 === 0 ? [[each, flat[n + 1] ?? '']] : []));
}

function toOutage(text: string): Outage {
  const [from, until] = text.split('-');
  return { fromMs: Number(from), untilMs: Number(until) };
}

function toInbox([name = '', ...entries]: readonly string[]): [string, Record<string, number>] {
  return [name, Object.fromEntries(inPairs(entries).map(([id, deadlineMs]) => [id, Number(deadlineMs)]))];
}

function toLane([lane = '', ...items]: readonly string[]): [string, string[]] {
  return [lane, items];
}
