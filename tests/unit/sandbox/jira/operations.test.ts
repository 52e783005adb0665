/** Every operation is one of the published ones, and takes nothing but what was published. */
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import type { Operation, Surroundings } from '../../../../src/sandbox/jira/operation.ts';
import { createOperations } from '../../../../src/sandbox/jira/operations.ts';

/** Nothing of it is looked at before an operation runs. */
const operations = createOperations({} as Surroundings);
const named = operations.map((operation) => [`${operation.method} ${operation.path}`, operation] as const);

/** Any JSON is the value of a property. */
const FREE_BODIES = ['setCommentProperty', 'setIssueProperty'];

function refusesUnknown(schema: z.ZodType): boolean {
  const { error } = schema.safeParse({ 'no such thing': 1 });
  return error?.issues.some(({ code, path }) => code === 'unrecognized_keys' && path.length === 0) ?? false;
}

describe('the operations', () => {
  it.each(named)('%s has an operationId, and strict schemas', (_name, operation) => {
    expect(operation.id).toMatch(/^[a-z][A-Za-z]+$/);
    expect(refusesUnknown(operation.query)).toBe(true);
    if (operation.serverQuery) expect(refusesUnknown(operation.serverQuery)).toBe(true);
    if (operation.body && !FREE_BODIES.includes(operation.id)) {
      expect(refusesUnknown(operation.body)).toBe(true);
    }
  });

  it.each(['cloud', 'data-center'] as const)('are there once each on %s', (flavour) => {
    const here = operations.filter(({ on = flavour }) => on === flavour);
    const addresses = here.map(({ method, path }) => `${method} ${path}`);

    expect(new Set(addresses).size).toBe(addresses.length);
  });

  it('take a body where something is written, and only there', () => {
    const writing = operations.filter(({ body }) => body !== undefined).map(({ method }) => method);
    const reading = operations.filter(({ body }) => body === undefined).map(({ method }) => method);

    expect(new Set(writing)).toEqual(new Set(['POST', 'PUT']));
    expect(new Set(reading)).toEqual(new Set(['GET', 'DELETE']));
  });
});

describe('what an operation takes', () => {
  it.each([
    ['searchAndReconsileIssuesUsingJqlPost', { jql: 'x', maxResults: 5, fields: ['summary'] }, true],
    ['searchAndReconsileIssuesUsingJqlPost', { jql: 'x', maxResults: '5' }, false],
    ['searchAndReconsileIssuesUsingJqlPost', { jql: 'x', fields: 'summary' }, false],
    ['searchAndReconsileIssuesUsingJqlPost', { jql: 'x', failFast: true }, false],
    ['searchAndReconsileIssuesUsingJqlPost', { jql: 'x', startAt: 0 }, false],
    ['searchAndReconsileIssuesUsingJqlPost', { jql: 'x', reconcileIssues: Array(51).fill(1) }, false],
    ['searchForIssuesUsingJqlPost', { jql: 'x', startAt: 0, maxResults: 1, expand: ['changelog'] }, true],
    ['searchForIssuesUsingJqlPost', { jql: 'x', startAt: -1 }, false],
    ['searchForIssuesUsingJqlPost', { jql: 'x', maxResults: 1.5 }, false],
    ['createIssue', { fields: { summary: 'x' }, transition: { id: '11' }, historyMetadata: {} }, true],
    ['createIssue', { fields: { colour: 'red' } }, false],
    ['editIssue', { update: { labels: [{ add: 'a' }] }, historyMetadata: { type: 'x' } }, true],
    ['editIssue', { update: { summary: [{ add: 'a' }] } }, false],
    ['doTransition', { transition: { id: '11' }, fields: { assignee: null } }, true],
    ['addComment', { body: 'x', properties: [{ key: 'a', value: 1 }] }, true],
    ['addComment', { body: { type: 'doc' } }, false],
    ['getCommentsByIds', { ids: Array(1_001).fill(1) }, false],
  ])('%s: %j is right: %s', (id, body, isRight) => {
    expect(operationNamed(id).body?.safeParse(body).success).toBe(isRight);
  });

  it.each([
    ['searchAndReconsileIssuesUsingJql', { jql: 'x', fields: ['a,b', 'c'], failFast: 'true' }, true],
    ['searchAndReconsileIssuesUsingJql', { jql: 'x', maxResults: '-1' }, false],
    ['searchForIssuesUsingJql', { jql: 'x', startAt: '10', maxResults: '50' }, true],
    ['searchForIssuesUsingJql', { jql: 'x', startAt: 'ten' }, false],
    ['getComments', { orderBy: '-created', maxResults: '5' }, true],
    ['getComments', { orderBy: 'author' }, false],
    ['deleteIssue', { deleteSubtasks: 'perhaps' }, false],
    ['getChangeLogs', { startAt: '0', maxResults: '100' }, true],
    ['getMyPermissions', { permissions: 'BROWSE_PROJECTS,ADD_COMMENTS' }, true],
  ])('%s: ?%j is right: %s', (id, query, isRight) => {
    expect(operationNamed(id).query.safeParse(query).success).toBe(isRight);
  });
});

function operationNamed(id: string): Operation {
  const operation = operations.find((each) => each.id === id);
  if (!operation) throw new Error(`there is no operation ${id}`);
  return operation;
}
