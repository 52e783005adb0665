import { describe, expect, it } from 'vitest';
import { gatewaySettings } from '../../../gateways/gateway-settings.ts';
import { changedAtStart } from '../../../src/config/config-source.ts';
import { parseConfig, readConfigTexts } from '../../../src/config/load-config.ts';

const TEXTS = readConfigTexts('config');

function configWith(settings: string) {
  return parseConfig({ ...TEXTS, settings }, { directory: 'config', env: {}, gateways: gatewaySettings });
}

function startOverFor(before: string, after: string): string[] {
  return changedAtStart(configWith(before), configWith(after));
}

describe('a change of the settings', () => {
  it.each([
    ['http: { port: 4001 }', 'settings.http'],
    ['messaging: { channels: { ops: "slack:C0123ABC" } }', 'settings.messaging'],
    ['workers: { lease: 4s }', 'settings.workers.lease'],
  ])('starts the gateway over where it is read at start: %s', (after, part) => {
    expect(startOverFor('log: { level: info }', after)).toEqual([part]);
  });

  it('of the API starts the gateway over where it turns it on or off, and is applied at once otherwise', () => {
    const none = 'api: {}';
    const one = 'api: { clients: { shop: { sees: own } } }';
    const other = 'api: { clients: { shop: { sees: all }, till: {} } }';

    expect(startOverFor(none, one)).toEqual(['settings.api']);
    expect(startOverFor(one, none)).toEqual(['settings.api']);
    expect(startOverFor(one, 'api: { enabled: false, clients: { shop: { sees: own } } }')).toEqual([
      'settings.api',
    ]);
    expect(startOverFor(one, other)).toEqual([]);
    expect(startOverFor('workers: { outbound: 4 }', 'workers: { outbound: 5 }')).toEqual([]);
  });
});
