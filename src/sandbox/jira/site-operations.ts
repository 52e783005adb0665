/** About the site, and about the app in it. */
import { z } from 'zod';
import type { Operation, Surroundings } from './operation.ts';
import { Refusal } from './refusal.ts';
import { toUser } from './wire.ts';

/** The permission to administer the whole site. */
const ADMINISTER = 'ADMINISTER';

export function siteOperations(around: Surroundings): Operation[] {
  const { site } = around;
  return [
    {
      id: 'getCurrentUser',
      method: 'GET',
      path: '/api/2/myself',
      query: z.strictObject({ expand: z.string().optional() }),
      run: ({ user }) => ({
        status: 200,
        body: { ...toUser(user, site()), groups: { size: user.groups.length, items: [] } },
      }),
    },
    {
      id: 'getServerInfo',
      method: 'GET',
      path: '/api/2/serverInfo',
      query: z.strictObject({}),
      run: () => ({
        status: 200,
        body: {
          baseUrl: site().url,
          version: site().flavour === 'cloud' ? `${site().version}-SNAPSHOT` : site().version,
          versionNumbers: site().version.split('.').map(Number),
          deploymentType: site().flavour === 'cloud' ? 'Cloud' : 'Server',
          serverTitle: 'Sandbox',
          serverTime: new Date(around.now()).toISOString().replace('Z', '+0000'),
        },
      }),
    },
    {
      id: 'getMyPermissions',
      method: 'GET',
      path: '/api/2/mypermissions',
      query: z.strictObject({
        permissions: z.string().optional(),
        projectKey: z.string().optional(),
        projectId: z.string().optional(),
        issueKey: z.string().optional(),
        issueId: z.string().optional(),
        commentId: z.string().optional(),
      }),
      run: ({ query }) => {
        if (query.permissions === undefined) {
          throw new Refusal(400, ['The "permissions" query parameter is required.']);
        }
        const entries = query.permissions.split(',').map((key) => {
          const isGlobal = key === ADMINISTER;
          const havePermission = !isGlobal || around.isAdministrator();
          return [key, { key, name: key, type: isGlobal ? 'GLOBAL' : 'PROJECT', havePermission }];
        });
        return { status: 200, body: { permissions: Object.fromEntries(entries) } };
      },
    },
  ];
}
