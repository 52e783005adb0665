/** About the site, and about the app in it. */
import { z } from 'zod';
import { PERMISSIONS, PROJECTS } from './catalogue.ts';
import { defineOperation, List, type Operation, type Surroundings } from './operation.ts';
import { noIssue, Refusal } from './refusal.ts';
import { toUser } from './wire.ts';

export function siteOperations(around: Surroundings): Operation[] {
  const { world, site } = around;

  /** Which project somebody asks about; undefined for any. @throws {Refusal} when there is none they may see */
  function projectIn(asked: Where): string | undefined {
    const { projectKey, projectId, issueKey, issueId } = asked;
    const issueName = issueKey ?? issueId;
    const issue = issueName === undefined ? undefined : world.issue(issueName);
    if (issueName !== undefined && !issue) throw noIssue();
    const name = issue?.project ?? projectKey ?? projectId;
    if (name === undefined) return undefined;
    const project = PROJECTS.find(({ id, key }) => id === name || key === name);
    if (!project || !around.holds('BROWSE_PROJECTS', project.key)) {
      throw new Refusal(404, [`No project could be found with key '${name}'.`]);
    }
    return project.key;
  }

  return [
    defineOperation({
      id: 'getCurrentUser',
      method: 'GET',
      scope: 'read:jira-user',
      path: '/api/2/myself',
      query: z.strictObject({ expand: z.string().optional() }),
      serverQuery: z.strictObject({}),
      run: ({ user }) => ({
        status: 200,
        body: { ...toUser(user, site()), groups: { size: user.groups.length, items: [] } },
      }),
    }),
    defineOperation({
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
    }),
    defineOperation({
      id: 'getMyPermissions',
      method: 'GET',
      path: '/api/2/mypermissions',
      query: z.strictObject({
        permissions: List.optional(),
        projectKey: z.string().optional(),
        projectId: z.string().optional(),
        issueKey: z.string().optional(),
        issueId: z.string().optional(),
        projectUuid: z.string().optional(),
        projectConfigurationUuid: z.string().optional(),
        commentId: z.string().optional(),
      }),
      serverQuery: z.strictObject({
        permissions: List.optional(),
        projectKey: z.string().optional(),
        projectId: z.string().optional(),
        issueKey: z.string().optional(),
        issueId: z.string().optional(),
      }),
      run: ({ query }) => {
        const { permissions = site().flavour === 'cloud' ? undefined : EVERY_PERMISSION } = query;
        if (permissions === undefined) {
          throw new Refusal(400, ['The "permissions" query parameter is required.']);
        }
        const unknown = permissions.filter((key) => !EVERY_PERMISSION.includes(key));
        if (unknown.length > 0) throw new Refusal(400, [`Unrecognized permissions: ${unknown.join(', ')}`]);
        const project = projectIn(query);
        const entries = permissions.map((key) => [
          key,
          { ...toPermission(key), havePermission: around.holds(key, project) },
        ]);
        return { status: 200, body: { permissions: Object.fromEntries(entries) } };
      },
    }),
    defineOperation({
      id: 'getAllPermissions',
      method: 'GET',
      path: '/api/2/permissions',
      query: z.strictObject({}),
      run: () => {
        const entries = EVERY_PERMISSION.map((key) => [key, toPermission(key)]);
        return { status: 200, body: { permissions: Object.fromEntries(entries) } };
      },
    }),
  ];
}

interface Where {
  readonly projectKey?: string | undefined;
  readonly projectId?: string | undefined;
  readonly issueKey?: string | undefined;
  readonly issueId?: string | undefined;
}

const EVERY_PERMISSION: readonly string[] = Object.values(PERMISSIONS).flat();

function toPermission(key: string) {
  const isGlobal = PERMISSIONS.GLOBAL.some((each) => each === key);
  return { key, name: key, type: isGlobal ? 'GLOBAL' : 'PROJECT', description: '' };
}
