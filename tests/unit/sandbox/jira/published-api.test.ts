/** The operations of the sandbox against what Atlassian has published, and requests against it. */
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import type { Operation, Surroundings } from '../../../../src/sandbox/jira/operation.ts';
import { createOperations } from '../../../../src/sandbox/jira/operations.ts';
import {
  isNewer,
  LATER,
  laterParameters,
  PublishedApi,
  UNDESCRIBED,
} from '../../../../src/sandbox/jira/published-api.ts';

const api = PublishedApi.read();
/** Nothing of it is looked at before an operation runs. */
const onCloud = createOperations({} as Surroundings).filter(({ on }) => on !== 'data-center');
const described = onCloud.filter((each) => !isNewer(each) && !UNDESCRIBED.includes(each.id));

function keysOf(schema: z.ZodType): string[] {
  return Object.keys(
    z
      .object({})
      .loose()
      .parse(Object(schema) && 'shape' in schema ? schema.shape : {}),
  );
}

function operationNamed(id: string): Operation {
  const operation = onCloud.find((each) => each.id === id);
  if (!operation) throw new Error(`there is no operation ${id}`);
  return operation;
}

describe('every operation of the sandbox', () => {
  it.each(described.map((operation) => [operation.id, operation] as const))(
    '%s is published under its name, and takes no parameter that is not',
    (id, operation) => {
      const published = api.operation(operation);

      expect(published?.operationId).toBe(id);
      const known = [...(published?.parameters ?? []).map(({ name }) => name), ...laterParameters(id)];
      expect(keysOf(operation.query).filter((name) => !known.includes(name))).toEqual([]);
    },
  );

  it.each(
    described.flatMap((each) =>
      each.body && keysOf(each.body).length > 0 ? [[each.id, each] as const] : [],
    ),
  )('%s takes no property in its body that is not published', (_id, operation) => {
    const { schema } = api.operation(operation)?.requestBody?.content['application/json'] ?? {};
    const known = Object.keys(z.record(z.string(), z.unknown()).parse(schema?.properties));

    expect(keysOf(operation.body!).filter((name) => !known.includes(name))).toEqual([]);
  });

  it('is listed as later than the description only while it is', () => {
    const later = onCloud.filter(isNewer);

    expect(new Set(later.map(({ id }) => id))).toEqual(new Set(LATER.operations));
    expect(later.filter((operation) => api.operation(operation))).toEqual([]);
    for (const [id, names] of Object.entries(LATER.parameters)) {
      const known = api.operation(operationNamed(id))?.parameters.map(({ name }) => name) ?? [];
      expect(known.filter((name) => names.some((each) => each === name))).toEqual([]);
    }
  });
});

describe('a request', () => {
  const comment = { body: 'x', visibility: { type: 'role', value: 'Administrators' } };

  it.each([
    ['addComment', {}, comment, undefined],
    ['addComment', {}, { ...comment, visibility: { type: 'tribe', value: 'x' } }, /body: not as published/],
    ['addComment', {}, { ...comment, properties: [{ key: 'a', value: 1, colour: 'red' }] }, /colour/],
    ['addComment', {}, undefined, /wants one/],
    ['getComments', { startAt: '0', orderBy: '-created' }, undefined, undefined],
    ['getComments', { startAt: 'first' }, undefined, /startAt cannot be first/],
    ['getComments', { orderBy: 'author' }, undefined, /orderBy cannot be author/],
    ['getComments', { page: '1' }, undefined, /page is not in the published description/],
    ['getComments', {}, { body: 'x' }, /has none/],
    ['updateComment', { notifyUsers: 'perhaps' }, comment, /notifyUsers cannot be perhaps/],
    ['getCommentsByIds', {}, { ids: ['a'] }, /expected number/],
    ['linkIssues', {}, { type: { name: 'Blocks' }, inwardIssue: { key: 'A-1' } }, /outwardIssue/],
    ['assignIssue', {}, { accountId: null }, undefined],
    ['assignIssue', {}, { accountId: 7 }, /expected string/],
    ['editIssue', { returnIssue: 'true' }, { fields: { summary: 'x' } }, undefined],
    ['searchAndReconsileIssuesUsingJqlPost', {}, { whatever: 1 }, undefined],
  ] as const)('of %s with ?%j and %j is judged by the description', (id, query, body, problem) => {
    const found = api.problemOf(operationNamed(id), query, body);

    if (problem === undefined) expect(found).toBeUndefined();
    else expect(found).toMatch(problem);
  });

  it('under another name than the published one is none', () => {
    const renamed = { ...operationNamed('addComment'), id: 'sayThings' };

    expect(api.problemOf(renamed, {}, comment)).toMatch(/no such operation/);
    expect(api.problemOf({ ...renamed, path: '/api/2/treasure' }, {}, comment)).toMatch(/no such operation/);
  });
});
