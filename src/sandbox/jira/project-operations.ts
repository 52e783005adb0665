/** Projects, and what issues in them are made of. */
import { z } from 'zod';
import { type Operation, paging, type Surroundings } from './operation.ts';
import { Refusal } from './refusal.ts';
import { toIssueType, toProject } from './wire.ts';
import { ISSUE_TYPES, PRIORITIES, PROJECTS } from './world.ts';

export function projectOperations(around: Surroundings): Operation[] {
  const { site } = around;
  return [
    {
      id: 'searchProjects',
      method: 'GET',
      path: '/api/2/project/search',
      query: z.strictObject({
        ...paging,
        orderBy: z.string().optional(),
        query: z.string().optional(),
        keys: z.string().optional(),
        id: z.string().optional(),
        typeKey: z.string().optional(),
        expand: z.string().optional(),
        action: z.string().optional(),
        status: z.string().optional(),
      }),
      run: () => ({
        status: 200,
        body: {
          startAt: 0,
          maxResults: 50,
          total: PROJECTS.length,
          isLast: true,
          values: PROJECTS.map((project) => toProject(project, site())),
        },
      }),
    },
    {
      id: 'getAllProjects',
      method: 'GET',
      path: '/api/2/project',
      query: z.strictObject({
        expand: z.string().optional(),
        recent: z.string().optional(),
        properties: z.string().optional(),
      }),
      run: () => ({ status: 200, body: PROJECTS.map((project) => toProject(project, site())) }),
    },
    {
      id: 'getProject',
      method: 'GET',
      path: '/api/2/project/:project',
      query: z.strictObject({ expand: z.string().optional(), properties: z.string().optional() }),
      run: ({ params }) => {
        const project = PROJECTS.find(({ id, key }) => id === params.project || key === params.project);
        if (!project) throw new Refusal(404, [`No project could be found with key '${params.project}'.`]);
        const issueTypes = ISSUE_TYPES.map(({ id }) => toIssueType(id, site()));
        return { status: 200, body: { ...toProject(project, site()), issueTypes } };
      },
    },
    {
      id: 'getCreateIssueMetaIssueTypes',
      method: 'GET',
      path: '/api/2/issue/createmeta/:project/issuetypes',
      query: z.strictObject(paging),
      run: () => ({
        status: 200,
        body: {
          startAt: 0,
          maxResults: 50,
          total: ISSUE_TYPES.length,
          issueTypes: ISSUE_TYPES.map(({ id }) => toIssueType(id, site())),
        },
      }),
    },
    {
      id: 'getIssueAllTypes',
      method: 'GET',
      path: '/api/2/issuetype',
      query: z.strictObject({}),
      run: () => ({ status: 200, body: ISSUE_TYPES.map(({ id }) => toIssueType(id, site())) }),
    },
    {
      id: 'getPriorities',
      method: 'GET',
      path: '/api/2/priority',
      query: z.strictObject({}),
      run: () => ({ status: 200, body: PRIORITIES }),
    },
  ];
}
