/** Properties of issues: what apps keep with an issue and nobody sees. */
import { z } from 'zod';
import {
  type Call,
  defineOperation,
  issueOf,
  type Operation,
  PropertyValue,
  type Surroundings,
} from './operation.ts';
import { Refusal } from './refusal.ts';

export function issuePropertyOperations(around: Surroundings): Operation[] {
  const { world, site } = around;

  function keyOf({ params }: Call): string {
    return params.key ?? '';
  }

  return [
    defineOperation({
      id: 'getIssuePropertyKeys',
      method: 'GET',
      path: '/api/2/issue/:issue/properties',
      query: z.strictObject({}),
      run: (call) => {
        const { id, properties } = issueOf(world, call);
        const keys = Object.keys(properties).map((key) => ({
          key,
          self: `${site().url}/rest/api/2/issue/${id}/properties/${encodeURIComponent(key)}`,
        }));
        return { status: 200, body: { keys } };
      },
    }),
    defineOperation({
      id: 'getIssueProperty',
      method: 'GET',
      path: '/api/2/issue/:issue/properties/:key',
      query: z.strictObject({}),
      run: (call) => {
        const { properties } = issueOf(world, call);
        const key = keyOf(call);
        if (!Object.hasOwn(properties, key)) throw noProperty(key);
        return { status: 200, body: { key, value: properties[key] } };
      },
    }),
    defineOperation({
      id: 'setIssueProperty',
      method: 'PUT',
      path: '/api/2/issue/:issue/properties/:key',
      writes: true,
      query: z.strictObject({}),
      body: PropertyValue,
      run: (call) => {
        const issue = issueOf(world, call);
        const key = keyOf(call);
        const isNew = !Object.hasOwn(issue.properties, key);
        world.keepInIssue(issue, { ...issue.properties, [key]: call.body });
        return { status: isNew ? 201 : 200, body: '' };
      },
    }),
    defineOperation({
      id: 'deleteIssueProperty',
      method: 'DELETE',
      path: '/api/2/issue/:issue/properties/:key',
      writes: true,
      query: z.strictObject({}),
      run: (call) => {
        const issue = issueOf(world, call);
        const { [keyOf(call)]: removed, ...properties } = issue.properties;
        if (removed === undefined) throw noProperty(keyOf(call));
        world.keepInIssue(issue, properties);
        return { status: 204 };
      },
    }),
  ];
}

function noProperty(key: string): Refusal {
  return new Refusal(404, [`The property with key '${key}' does not exist.`]);
}
