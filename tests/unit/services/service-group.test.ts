import { describe, expect, it } from 'vitest';
import type { Gateway } from '../../../src/domain/gateway.ts';
import { Platform } from '../../../src/domain/ids.ts';
import { GatewayService } from '../../../src/services/gateway-service.ts';
import type { Service } from '../../../src/services/service.ts';
import { ServiceGroup } from '../../../src/services/service-group.ts';
import { silent } from '../../support/core.ts';

type Fault = 'start' | 'stop' | undefined;

function services(faults: Record<string, Fault>) {
  const log: string[] = [];
  const list = Object.entries(faults).map(
    ([name, fault]): Service => ({
      name,
      async start() {
        if (fault === 'start') throw new Error(`${name} cannot start`);
        log.push(`+${name}`);
      },
      async stop() {
        log.push(`-${name}`);
        if (fault === 'stop') throw new Error(`${name} cannot stop`);
      },
    }),
  );
  return { log, list };
}

describe('a group of services', () => {
  it('OM-010 starts in order and stops in reverse, once, however often it is told', async () => {
    const { log, list } = services({ a: undefined, b: undefined, c: undefined });
    const group = new ServiceGroup(list, silent);

    await group.start();
    await Promise.all([group.stop(), group.stop()]);
    await group.stop();

    expect(log).toEqual(['+a', '+b', '+c', '-c', '-b', '-a']);
  });

  it('stops what it had started when one cannot start', async () => {
    const { log, list } = services({ a: undefined, b: 'start', c: undefined });

    await expect(new ServiceGroup(list, silent).start()).rejects.toThrow('b cannot start');

    expect(log).toEqual(['+a', '-a']);
  });

  it('stops the others when one does not stop cleanly', async () => {
    const { log, list } = services({ a: undefined, b: 'stop', c: undefined });
    const group = new ServiceGroup(list, silent);
    await group.start();

    await group.stop();

    expect(log.slice(3)).toEqual(['-c', '-b', '-a']);
  });
});

describe('the gateways together', () => {
  function gateways(faults: Record<string, Fault>) {
    const { log, list } = services(faults);
    const all = list.map(
      (service): Gateway => ({
        platform: Platform.parse(service.name),
        start: () => service.start(),
        stop: () => service.stop(),
        send: async () => ({ ref: '' }),
        directAddress: () => ({ platform: Platform.parse(service.name), route: {} }),
        check: async () => [],
      }),
    );
    return { log, all };
  }

  const core = {
    receive: async () => ({ kind: 'stored' }) as const,
    lookup: { approvalsFor: async () => [] },
  };

  it('are all stopped again when one cannot start', async () => {
    const { log, all } = gateways({ slack: undefined, email: 'start' });

    await expect(new GatewayService(all, core, silent).start()).rejects.toThrow('email cannot start');

    expect(log).toEqual(['+slack', '-slack', '-email']);
  });

  it('are all stopped, also when one does not stop cleanly', async () => {
    const { log, all } = gateways({ slack: 'stop', email: undefined });
    const service = new GatewayService(all, core, silent);
    await service.start();

    await service.stop();

    expect(log.slice(2)).toEqual(['-slack', '-email']);
  });
});
