/** What a Redis server promises about what was accepted: its version, its append-only file, its memory. */
import type { CheckFinding } from '../domain/gateway.ts';
import type { RedisClient } from '../redis/client.ts';

/** The oldest version whose functions the scripts use. */
const OLDEST_MAJOR = 7;

/** @param where the server in words: `at redis://…`, `our own, data in data` */
export async function durabilityOf(redis: RedisClient, where: string): Promise<CheckFinding[]> {
  const info = String(await redis.info('server'));
  const settings = await readSettings(redis);
  return [versionFinding(info, where), persistenceFinding(settings), ...memoryFinding(settings)];
}

type Settings = ReadonlyMap<string, string>;

/** Empty where the server does not tell; providers often forbid the question. */
async function readSettings(redis: RedisClient): Promise<Settings> {
  const names = ['appendonly', 'appendfsync', 'maxmemory', 'maxmemory-policy'];
  const answers = await Promise.all(names.map((name) => redis.config('GET', name).catch(() => [])));
  return new Map(
    answers.flatMap((answer) => {
      const [name, value] = Array.isArray(answer) ? answer.map(String) : [];
      return name !== undefined && value !== undefined ? [[name, value] as const] : [];
    }),
  );
}

function versionFinding(info: string, where: string): CheckFinding {
  const valkey = /^valkey_version:(\S+)/m.exec(info)?.[1];
  const version = valkey ?? /^redis_version:(\S+)/m.exec(info)?.[1] ?? 'of unknown version';
  const subject = `${valkey === undefined ? 'Redis' : 'Valkey'} ${version}`;
  if (Number.parseInt(version, 10) < OLDEST_MAJOR) {
    const remedy = `Use Redis ${OLDEST_MAJOR}.0 or later, or Valkey.`;
    return { subject, status: 'failed', detail: `${where}; too old`, remedy };
  }
  return { subject, status: 'works', detail: where };
}

const FSYNC: Readonly<Record<string, string>> = {
  always: 'every write is on disk before it is acknowledged, so a power cut loses nothing that was accepted',
  everysec: 'the disk is written once a second, so a power cut may lose the last second',
  no: 'the operating system decides when the disk is written, so a power cut may lose half a minute',
};

function persistenceFinding(settings: Settings): CheckFinding {
  const subject = 'durability';
  const [appendOnly, fsync = ''] = [settings.get('appendonly'), settings.get('appendfsync')];
  if (appendOnly === undefined) {
    const detail = 'the server does not tell; ask its provider whether append-only persistence is on';
    return { subject, status: 'works', detail };
  }
  if (appendOnly === 'yes') {
    return { subject, status: 'works', detail: `appendfsync ${fsync}: ${FSYNC[fsync] ?? 'unknown'}` };
  }
  return {
    subject,
    status: 'failed',
    detail: 'appendonly no: a restart of the server loses messages, approvals and deadlines',
    remedy: 'Set `appendonly yes` and `appendfsync always` in its configuration.',
  };
}

function memoryFinding(settings: Settings): CheckFinding[] {
  const policy = settings.get('maxmemory-policy') ?? 'noeviction';
  if (policy === 'noeviction' || (settings.get('maxmemory') ?? '0') === '0') return [];
  return [
    {
      subject: 'memory',
      status: 'failed',
      detail: `maxmemory-policy ${policy}: when memory is full the server throws away what was accepted`,
      remedy: 'Set `maxmemory-policy noeviction` in its configuration.',
    },
  ];
}
