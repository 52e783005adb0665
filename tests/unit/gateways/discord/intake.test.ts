import { describe, expect, it } from 'vitest';
import { Intake } from '../../../../gateways/discord/intake.ts';
import { RateLimitedError } from '../../../../src/domain/errors.ts';
import { collectingLogger, type LogLine } from '../../../support/slack-gateway.ts';

const timing = { retryAfterMs: 1, retryAtMostMs: 2 };

function open(catchUp = async (_: string) => {}): { intake: Intake; lines: LogLine[] } {
  const lines: LogLine[] = [];
  return { intake: new Intake({ log: collectingLogger(lines), timing, catchUp }), lines };
}

/** A promise, and what settles it. */
function gate(): { passed: Promise<void>; open: () => void } {
  let pass = () => {};
  const passed = new Promise<void>((resolve) => {
    pass = resolve;
  });
  return { passed, open: () => pass() };
}

describe('the intake', () => {
  it('tries what could not be stored until it is, before what came after it', async () => {
    const { intake, lines } = open();
    const stored: number[] = [];
    const done = gate();
    let failures = 3;

    intake.take('a', async () => {
      if (failures-- > 0) throw new Error('the store is away');
      stored.push(1);
    });
    intake.take('a', async () => {
      stored.push(2);
      done.open();
    });
    await done.passed;

    expect(stored).toEqual([1, 2]);
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(3);
    await intake.stop();
  });

  it('waits as long as Discord asks when too much is read at once, which is no error', async () => {
    const { intake, lines } = open();
    const done = gate();
    let refusals = 2;

    intake.take('a', async () => {
      if (refusals-- > 0) throw new RateLimitedError('discord', 1);
      done.open();
    });
    await done.passed;

    expect(lines.filter(({ level }) => level === 'error')).toEqual([]);
    expect(lines.filter(({ sentence }) => /asked to wait/.test(sentence))).toHaveLength(2);
    await intake.stop();
  });

  it('does not let one channel wait for another', async () => {
    const { intake } = open();
    const first = gate();
    const second = gate();

    intake.take('a', async () => first.passed);
    intake.take('b', async () => second.open());

    await second.passed;
    first.open();
    await intake.stop();
  });

  it('lets go of what does not fit, and reads the channel again once there is room', async () => {
    const caughtUp: string[] = [];
    const again = gate();
    const { intake, lines } = open(async (channel) => {
      caughtUp.push(channel);
      again.open();
    });
    const hold = gate();

    for (let count = 0; count < 10_005; count++) intake.take('a', () => hold.passed);
    hold.open();
    await again.passed;

    expect(caughtUp).toEqual(['a']);
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(1);
    await intake.stop();
  });

  it('takes nothing more when stopped, and gives what it has one more try', async () => {
    const { intake } = open();
    const stored: string[] = [];
    const hold = gate();

    intake.take('a', async () => {
      await hold.passed;
      stored.push('first');
    });
    intake.take('a', async () => {
      stored.push('second');
    });
    const stopping = intake.stop();
    intake.take('a', async () => {
      stored.push('third');
    });
    hold.open();
    await stopping;

    expect(stored).toEqual(['first', 'second']);
  });

  it('stops while nothing can be stored', async () => {
    const { intake } = open();

    intake.take('a', async () => {
      throw new Error('the store is away');
    });
    await intake.stop();
  });
});
