import { describe, expect, it } from 'vitest';
import { gatewaySettings } from '../../../gateways/gateway-settings.ts';
import { ApiSettings, isApiOn } from '../../../src/config/api.ts';
import { ConfigError } from '../../../src/config/config-error.ts';
import { parseConfig, readConfigTexts } from '../../../src/config/load-config.ts';

const TOKEN = 'a'.repeat(32);
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;

function problemsOf(api: unknown): string[] {
  const parsed = ApiSettings.safeParse(api);
  return parsed.success
    ? []
    : parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

function withWebhook(webhook: object): unknown {
  return { clients: { shop: { webhook } } };
}

describe('the settings of the API', () => {
  it('are off until there is a client, and then as they are told', () => {
    expect(isApiOn(ApiSettings.parse({}))).toBe(false);
    expect(isApiOn(ApiSettings.parse({ clients: { shop: {} } }))).toBe(true);
    expect(isApiOn(ApiSettings.parse({ enabled: false, clients: { shop: {} } }))).toBe(false);
  });

  it('let a client do nothing that they do not name', () => {
    const { shop } = ApiSettings.parse({ clients: { shop: {} } }).clients;

    expect(shop).toMatchObject({
      asks: [],
      asks_for: [],
      answers_for: [],
      answers_own: false,
      sees: 'own',
      keys: {},
    });
  });

  it.each([
    'http://example.com/hook',
    'ftp://example.com/hook',
    'https://user:secret@example.com/hook',
    'file:///etc/passwd',
    'http://localhost.example.com/hook',
    'http://[::ffff:10.0.0.1]/hook',
  ])('take no webhook to %s', (url) => {
    expect(problemsOf(withWebhook({ url, secret: SECRET }))).not.toEqual([]);
  });

  it.each(['https://example.com/hook', 'http://127.0.0.1:8080/hook', 'http://[::1]/hook'])(
    'take a webhook to %s',
    (url) => {
      expect(problemsOf(withWebhook({ url, secret: SECRET }))).toEqual([]);
    },
  );

  it('take http elsewhere only where that is insisted on', () => {
    const webhook = { url: 'http://10.0.0.7/hook', secret: SECRET };

    expect(problemsOf(withWebhook(webhook))[0]).toMatch(/in the clear/);
    expect(problemsOf(withWebhook({ ...webhook, allow_insecure: true }))).toEqual([]);
  });

  it('name a policy, or leave them out', () => {
    expect(problemsOf({ clients: { shop: { policies: [] } } })[0]).toMatch(/policies: has to name one/);
  });

  it('want a secret with a webhook, and tokens that tell keys apart', () => {
    const key = { token: TOKEN, scopes: ['approvals:read'] };

    expect(problemsOf(withWebhook({ url: 'https://example.com' }))[0]).toMatch(/webhook.secret: is needed/);
    expect(problemsOf({ clients: { a: { keys: { one: key } }, b: { keys: { two: key } } } })[0]).toMatch(
      /two keys have the same token/,
    );
    expect(
      problemsOf({ clients: { a: { keys: { one: { ...key, scopes: ['everything'] } } } } }),
    ).toHaveLength(1);
  });

  it('name roles, people and policies of the other files, or say which are not there', () => {
    const settings = `api:
  clients:
    shop:
      asks: [{ role: manger }, { person: dan }]
      presets:
        refunds: { approvers: { all: [{ role: manager }, { role: finance }] }, policy: urgnt }
      policies: [default, never]
      asks_for: [alex, bob]
      answers_for: [eve]
`;
    const texts = { ...readConfigTexts('config'), settings };

    const error = thrown(() =>
      parseConfig(texts, { directory: 'config', env: {}, gateways: gatewaySettings }),
    );

    const places = error.problems.map(({ keyPath }) => keyPath);
    expect(places).toEqual([
      'api.clients.shop.asks[0].role',
      'api.clients.shop.asks[1].person',
      'api.clients.shop.presets.refunds.approvers.all[1].role',
      'api.clients.shop.presets.refunds.policy',
      'api.clients.shop.policies[1]',
      'api.clients.shop.asks_for[1]',
      'api.clients.shop.answers_for[0]',
    ]);
    expect(error.message).toMatch(/did you mean manager\?/);
  });
});

function thrown(work: () => unknown): ConfigError {
  try {
    work();
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error('it was taken');
}
