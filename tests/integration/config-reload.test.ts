import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { changeSetting } from '../../src/config/change-setting.ts';
import { ConfigSource } from '../../src/config/config-source.ts';
import { toPeople } from '../../src/config/contacts.ts';
import { readEnvironment } from '../../src/config/environment.ts';
import { loadConfig } from '../../src/config/load-config.ts';
import type { AuditEvent } from '../../src/domain/audit-event.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { icalFile } from '../support/calendars.ts';
import {
  aConfig,
  aDirectory,
  gateways,
  parse,
  type TestConfig,
  writeTexts,
} from '../unit/config/config-texts.ts';

const DAY_MS = 24 * 60 * 60 * 1000;

let directory: string;
let source: ConfigSource<typeof gateways>;
let audited: AuditEvent[];
let heard: (event: AuditEvent) => void;

beforeEach(async () => {
  directory = aDirectory();
  audited = [];
  heard = () => {};
  source = aSource();
  await source.start();
});

afterEach(async () => {
  await source.stop();
  rmSync(dirname(directory), { recursive: true, force: true });
});

function aSource(inspect = (_: TestConfig): void => undefined) {
  const initial = loadConfig({ directory, env: {}, gateways });
  return new ConfigSource(initial, {
    directory,
    gateways,
    readEnvironment: () => readEnvironment(dirname(directory)),
    inspect,
    log: createLogger({ level: 'silent' }),
    audit: (event) => {
      audited.push(event);
      heard(event);
    },
  });
}

/** Does something to the files; resolves with the audit entry that follows. */
function entryAfter(act: () => unknown): Promise<AuditEvent> {
  return new Promise((resolve) => {
    heard = resolve;
    act();
  });
}

const write = (part: 'escalation' | 'settings' | 'contacts', text: string) =>
  writeTexts(directory, { [part]: text });
const withDeadline = (deadline: string) => (aConfig().escalation ?? '').replace('24h', deadline);

describe('a configuration whose files change', () => {
  it('OM-022 is applied without a restart, and its listeners are told', async () => {
    const processId = process.pid;
    const told: TestConfig[] = [];
    source.subscribe((config) => told.push(config));

    const entry = await entryAfter(() => write('escalation', withDeadline('48h')));

    expect(source.current().escalation.policies.default.deadline).toBe(2 * DAY_MS);
    expect(told).toEqual([source.current()]);
    expect(entry).toMatchObject({ event: 'config.changed', detail: { changed: ['escalation.policies'] } });
    expect(process.pid).toBe(processId);
  });

  it('keeps the days off that were in force when a calendar file becomes one whose rule never comes', async () => {
    const file = join(directory, 'bank.ics');
    const day = ['SUMMARY:Bank holiday', 'DTSTART;VALUE=DATE:20260501'];
    const isOff = () => source.current().calendar.names.holidays.get('bank')?.local[0]?.from;
    writeFileSync(file, icalFile(day));
    writeTexts(directory, { schedules: 'holidays: { bank: { file: bank.ics } }\n' });
    await entryAfter(() => source.reload());
    expect(isOff()).toBe(Date.UTC(2026, 4, 1));

    const entry = await entryAfter(() => {
      writeFileSync(file, icalFile([...day, 'RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30']));
    });

    expect(entry.event).toBe('config.refused');
    expect(isOff()).toBe(Date.UTC(2026, 4, 1));
  });

  it('OM-097 OM-098 gives whoever was handed the source the new value at its next use', async () => {
    /** A component as any other: it is given what to ask, and asks when it needs the answer. */
    class Approvals {
      constructor(private readonly config: () => TestConfig) {}
      deadlineOf(now: number): number {
        return now + this.config().escalation.policies.default.deadline;
      }
    }
    const approvals = new Approvals(() => source.current());
    const withPlainObject = new Approvals(() => parse({ escalation: withDeadline('36h') }));
    expect(approvals.deadlineOf(0)).toBe(DAY_MS);

    await entryAfter(() => write('escalation', withDeadline('72h')));

    expect(approvals.deadlineOf(0)).toBe(3 * DAY_MS);
    expect(withPlainObject.deadlineOf(0)).toBe(1.5 * DAY_MS);
  });

  it('OM-100 stays as it was when the change is broken, and says where, once', async () => {
    const before = source.current();

    const entry = await entryAfter(() => write('escalation', withDeadline('soon')));
    source.reload();
    source.reload();

    expect(source.current()).toBe(before);
    expect(audited).toHaveLength(1);
    expect(entry).toMatchObject({
      event: 'config.refused',
      detail: {
        problems: [
          { file: 'escalation.yaml', line: 4, keyPath: 'policies.default.deadline', found: '"soon"' },
        ],
      },
    });
  });

  it('OM-100 stays as it was where the change is in order and this machine is not', async () => {
    await source.stop();
    let isApart = true;
    source = aSource(() => {
      if (!isApart) throw new Error('the workspace and skills lie in one another');
    });
    await source.start();
    const before = source.current();
    isApart = false;

    const entry = await entryAfter(() => write('escalation', withDeadline('48h')));

    expect(source.current()).toBe(before);
    expect(entry).toMatchObject({
      event: 'config.refused',
      detail: { problems: 'the workspace and skills lie in one another' },
    });
  });

  it('OM-100 is applied again once it is mended', async () => {
    await entryAfter(() => write('escalation', withDeadline('soon')));

    await entryAfter(() => write('escalation', withDeadline('25h')));

    expect(source.current().escalation.policies.default.deadline).toBe(25 * 60 * 60 * 1000);
    expect(audited.map(({ event }) => event)).toEqual(['config.refused', 'config.changed']);
  });

  it('OM-099 is at every moment one whole configuration, while it changes under load', async () => {
    /** In every version the port and the deadline say the same number. */
    const version = (n: number) => ({
      settings: `http: { port: ${n} }\n`,
      escalation: withDeadline(`${n}h`),
    });
    writeTexts(directory, version(50));
    await entryAfter(() => source.reload());
    const seen = new Set<number>();
    let served = 0;
    let going = true;
    const load = (async () => {
      while (going) {
        const { settings, escalation } = source.current();
        expect(escalation.policies.default.deadline).toBe(settings.http.port * 3_600_000);
        seen.add(settings.http.port);
        served++;
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();

    for (const n of [51, 52, 53, 54, 55]) await entryAfter(() => writeTexts(directory, version(n)));
    going = false;
    await load;

    expect(seen.size).toBeGreaterThan(1);
    expect(served).toBeGreaterThan(100);
    expect(source.current().settings.http.port).toBe(55);
  });

  it('OM-024 refuses a change that grants an unknown role', async () => {
    const entry = await entryAfter(() =>
      write('contacts', (aConfig().contacts ?? '').replace('[member]', '[owner]')),
    );

    expect(entry).toMatchObject({
      event: 'config.refused',
      detail: { problems: [{ keyPath: 'people.alex.roles[0]' }] },
    });
    expect(toPeople(source.current().contacts)[0]?.roles).toEqual(['member']);
  });

  it('OM-023 follows .env as well', async () => {
    write('settings', `cli: { account: "\${SIGNALBOX_TEST_ACCOUNT:-nobody}" }\n`);
    source.reload();

    await entryAfter(() => writeFileSync(join(dirname(directory), '.env'), 'SIGNALBOX_TEST_ACCOUNT=alex\n'));

    expect(source.current().settings.cli.account).toBe('alex');
  });

  it('notices a change made by `config set`, and one made while nobody watched', async () => {
    const [, dana] = toPeople(source.current().contacts);
    const request = { key: 'settings.log.level', value: 'debug', by: dana! };
    const options = { directory, env: {}, gateways };
    let outcome: unknown;

    await entryAfter(async () => {
      outcome = await changeSetting(request, source.current().authorizations, options);
    });
    expect(outcome).toMatchObject({ kind: 'changed' });
    expect(source.current().settings.log.level).toBe('debug');

    await source.stop();
    await source.stop();
    write('settings', 'log: { level: warn }\n');
    expect(source.current().settings.log.level).toBe('debug');
    await source.start();
    expect(source.current().settings.log.level).toBe('warn');
  });

  it('tells the other listeners when one of them fails, and nobody who has left', () => {
    const told: string[] = [];
    source.subscribe(() => {
      throw new Error('broken listener');
    });
    const leave = source.subscribe(() => told.push('left'));
    source.subscribe(() => told.push('stayed'));
    leave();

    write('escalation', withDeadline('48h'));
    source.reload();

    expect(told).toEqual(['stayed']);
  });
});
