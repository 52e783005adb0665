import { readFileSync } from 'node:fs';
import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { openApiDocument, renderOpenApi } from '../../../src/api/openapi.ts';
import { operations } from '../../../src/api/operations.ts';
import { PROBLEMS } from '../../../src/api/problem.ts';
import { CreateRequest } from '../../../src/api/schema.ts';
import { SCOPES } from '../../../src/cli/commands/api.ts';
import { ApiScope } from '../../../src/config/api.ts';

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const validator = new Validator();

    const result = await validator.validate(structuredClone(openApiDocument()));

    expect(result.errors).toBeUndefined();
    expect(result.valid).toBe(true);
    expect(validator.version).toBe('3.1');
  });

  it('is the one that lies in the documentation', async () => {
    await expect(renderOpenApi()).toMatchFileSnapshot('../../../docs/openapi.json');
  });

  it('leads nowhere that is not there', () => {
    const text = renderOpenApi();
    const named = Object.keys((openApiDocument().components as { schemas: object }).schemas);

    const references = [...text.matchAll(/"\$ref": "#\/components\/schemas\/([^"]+)"/g)].map(
      ([, name]) => name,
    );
    expect(references.length).toBeGreaterThan(10);
    expect(references.filter((name) => !named.includes(name!))).toEqual([]);
    expect([...text.matchAll(/"\$ref": "(?!#\/components\/schemas\/)/g)]).toEqual([]);
  });

  it('describes each address, with the scope it takes', () => {
    const paths = openApiDocument().paths as Record<string, Record<string, { description?: string }>>;

    for (const [, { path, method, scope }] of operations()) {
      const described = paths[path.replace(':id', '{id}')]?.[method.toLowerCase()];
      expect(described, path).toBeDefined();
      if (scope) expect(described!.description).toContain(scope);
    }
  });
});

describe('what goes wrong', () => {
  const codes = Object.entries(PROBLEMS).map(([code, { status }]) => [code, String(status)] as const);

  it('stands in the OpenAPI document, each code with its status', () => {
    const paths = openApiDocument().paths as Record<string, Record<string, { responses: object }>>;
    const answers = Object.values(paths).flatMap((methods) =>
      Object.values(methods).flatMap(({ responses }) => Object.entries(responses)),
    );

    for (const [code, status] of codes) {
      const told = answers.filter(([, { description }]) => new RegExp(`\\b${code}: `).test(description));
      expect([...new Set(told.map(([at]) => at))], code).toEqual([status]);
    }
  });

  it('stands in the guide, each code with its status', () => {
    const [, table = ''] = readFileSync('docs/api.md', 'utf8').split('## When it goes wrong');
    const rows = [...table.matchAll(/^\| (\d{3}) \| (.*) \|$/gm)];
    const told = rows.flatMap(([, status, text]) =>
      [...text!.matchAll(/`([A-Z_]+)`/g)].map(([, code]) => [code, status]),
    );

    expect(told.toSorted()).toEqual([...codes].toSorted());
  });
});

it('approvers that fit nothing are told what would fit', () => {
  for (const approvers of [{ all: [] }, { any: [] }, { role: 'manager', person: 'dana' }, 'manager', {}]) {
    const result = CreateRequest.safeParse({ title: 'Deploy', facts: [], approvers });

    const about = result.error!.issues.filter(({ path }) => path[0] === 'approvers');
    expect(about.map(({ message }) => message).join()).toMatch(
      /^must be \{ role: … \}.*at least one of these/,
    );
  }
});

it('the command line offers every scope there is', () => {
  expect(SCOPES).toEqual(ApiScope.options);
});
