/** Keys of the API, by the real command. */
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type CliHome, createCliHome } from '../support/cli.ts';

vi.setConfig({ testTimeout: 60_000 });

let home: CliHome;

beforeEach(() => {
  home = createCliHome();
  home.edit(
    'settings.yaml',
    '  clients: {}\n',
    '  clients:\n    shop: { asks: [{ role: manager }], keys: { deployed: { scopes: [approvals:read] } } }\n',
  );
});
afterEach(() => home.remove());

describe('signalbox api keys', () => {
  it('makes a key and shows it once, lists it without its secret, and revokes it', async () => {
    const made = await home.run(
      'api',
      'keys',
      'create',
      '--name',
      'ci',
      '--scope',
      'approvals:create',
      '--scope',
      'approvals:read',
      '--expires',
      '90d',
    );
    const [token = ''] = made.out.split('\n');
    const id = token.split('_')[1] ?? '';
    const listed = await home.run('api', 'keys', 'list');
    const revoked = await home.run('api', 'keys', 'revoke', id);
    const gone = await home.run('api', 'keys', 'revoke', id);
    const audit = await home.run('audit', 'tail', '--json');

    expect(made).toMatchObject({ code: 0, err: '' });
    expect(token).toMatch(/^sbk_[0-9a-f]{12}_[\w-]{43}$/);
    expect(listed.out).toContain(id);
    expect(listed.out).toContain('approvals:create approvals:read');
    expect(listed.out).not.toContain(token.slice(-43));
    expect(revoked.code).toBe(0);
    expect(gone).toMatchObject({ code: 1, err: expect.stringContaining('there is no key') });
    expect(audit.out).toContain('api-key.created');
    expect(audit.out).toContain('api-key.revoked');
    expect(audit.out).not.toContain(token);
  });

  it('makes none for a client that is not configured, without a scope, or twice under one name', async () => {
    const create = ['api', 'keys', 'create', '--name', 'ci'];
    const foreign = await home.run(...create, '--client', 'nobody', '--scope', 'approvals:read');
    const unscoped = await home.run(...create);
    const unknown = await home.run(...create, '--scope', 'everything');
    const written = await home.run(
      'api',
      'keys',
      'create',
      '--name',
      'deployed',
      '--scope',
      'approvals:read',
    );
    const tooLong = await home.run(...create, '--scope', 'approvals:read', '--expires', '9999d');
    const badName = await home.run('api', 'keys', 'create', '--name', 'C I', '--scope', 'approvals:read');
    await home.run(...create, '--scope', 'approvals:read');
    const twice = await home.run(...create, '--scope', 'approvals:read');

    expect(foreign).toMatchObject({ code: 1, err: expect.stringMatching(/no client nobody[\s\S]*shop/) });
    expect(unscoped).toMatchObject({ code: 2, err: expect.stringContaining('--scope') });
    expect(written).toMatchObject({ code: 1, err: expect.stringContaining('deployed in settings.yaml') });
    expect(tooLong).toMatchObject({ code: 1, err: expect.stringContaining('ten years at the most') });
    expect(unknown).toMatchObject({ code: 2, err: expect.stringContaining('approvals:create') });
    expect(badName).toMatchObject({ code: 1 });
    expect(twice).toMatchObject({ code: 1, err: expect.stringContaining('already') });
  });

  it('is for those who run the gateway', async () => {
    home.edit('contacts.yaml', 'email: alex@corp.test', 'email: alex@corp.test\n      cli: alex');
    home.edit('settings.yaml', 'account: local', 'account: alex');

    const refused = await home.run('api', 'keys', 'list');

    expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('no role of theirs has operate') });
  });
});

it('signalbox api openapi prints the document', async () => {
  const { code, out } = await home.run('api', 'openapi');

  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({ openapi: '3.1.0', paths: { '/approvals': {} } });
});
