import { Validator } from '@seriousme/openapi-schema-validator';
import { describe, expect, it } from 'vitest';
import { openApiDocument, renderOpenApi } from '../../../src/api/openapi.ts';
import { operations } from '../../../src/api/operations.ts';
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

it('the command line offers every scope there is', () => {
  expect(SCOPES).toEqual(ApiScope.options);
});
