import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createLogger } from '../../../src/observability/logger.ts';

function aLog(level: string | (() => string) = 'info', secrets: () => readonly string[] = () => []) {
  const lines: Record<string, unknown>[] = [];
  const destination = new Writable({
    write(chunk, _encoding, done) {
      lines.push(JSON.parse(String(chunk)));
      done();
    },
  });
  return { log: createLogger({ level, secrets, destination }), lines };
}

describe('the log', () => {
  it('writes facts and a sentence, with level and time', () => {
    const { log, lines } = aLog();

    log.info({ conversation: 'slack:T0:C0:1.2' }, 'turn done');

    expect(lines).toEqual([
      {
        level: 'info',
        time: expect.stringMatching(/^\d{4}-.*Z$/),
        conversation: 'slack:T0:C0:1.2',
        msg: 'turn done',
      },
    ]);
  });

  it('lets no secret through: in facts, sentences, errors, or what a child carries', () => {
    const { log, lines } = aLog('debug');
    const child = log.child({ bot_token: 'hunter2hunter2', url: 'redis://:hunter2hunter2@host' });

    child.debug({ body: '{"token":"hunter2hunter2"}' }, 'said Bearer hunter2hunter2');
    child
      .child({ header: 'authorization: hunter2hunter2' })
      .error({ error: new Error('password=hunter2hunter2') }, 'failed');

    expect(lines).toHaveLength(2);
    expect(JSON.stringify(lines)).not.toContain('hunter2');
  });

  it('hides the secrets of the configuration as they are now', () => {
    let secrets = ['staple42'];
    const { log, lines } = aLog('info', () => secrets);
    const child = log.child({ carried: 'staple42' });

    child.info({ text: 'with staple42' }, 'and staple42');
    secrets = ['correct horse'];
    child.info({ text: 'with correct horse' }, 'after the change');

    expect(JSON.stringify(lines)).not.toMatch(/staple42|correct horse/);
  });

  it('hands the facts of a child on to its children', () => {
    const { log, lines } = aLog();

    log.child({ a: 1 }).child({ b: 2 }).warn({ c: 3 }, 'all');

    expect(lines[0]).toMatchObject({ level: 'warn', a: 1, b: 2, c: 3 });
  });

  it.each([
    ['debug', ['debug', 'info', 'warn', 'error']],
    ['info', ['info', 'warn', 'error']],
    ['warn', ['warn', 'error']],
    ['error', ['error']],
    ['silent', []],
  ])('at level %s writes %j', (level, written) => {
    const { log, lines } = aLog(level);

    for (const each of ['debug', 'info', 'warn', 'error'] as const) log[each]({}, each);

    expect(lines.map((line) => line.level)).toEqual(written);
  });

  it('OM-098 asks for its level at every line, children included', () => {
    let level = 'error';
    const { log, lines } = aLog(() => level);
    const child = log.child({});

    child.info({}, 'before');
    level = 'debug';
    child.info({}, 'after');

    expect(lines.map((line) => line.msg)).toEqual(['after']);
  });

  it('looks at nothing that it does not write', () => {
    const { log } = aLog('error');
    const facts = Object.defineProperty({}, 'costly', {
      enumerable: true,
      get: () => {
        throw new Error('looked at');
      },
    });

    expect(() => log.debug(facts, 'quiet')).not.toThrow();
  });
});
