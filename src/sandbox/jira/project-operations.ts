/** Projects, and what issues in them are made of. */
import { z } from 'zod';
import { FIELDS, type Field, ISSUE_TYPES, PRIORITIES, PROJECTS, STATUSES } from './catalogue.ts';
import { fieldsOn } from './create-screen.ts';
import { MAX_PROJECT_PAGE } from './limits.ts';
import {
  Count,
  defineOperation,
  Flag,
  List,
  type Operation,
  pageOf,
  paging,
  type Surroundings,
} from './operation.ts';
import { Refusal } from './refusal.ts';
import { toIssueType, toProject, toStatus } from './wire.ts';

export function projectOperations(around: Surroundings): Operation[] {
  const { site } = around;

  /** Those that the app's account may see. */
  function seen() {
    return PROJECTS.filter(({ key }) => around.holds('BROWSE_PROJECTS', key));
  }

  function projectOf(idOrKey: string | undefined) {
    const project = seen().find(({ id, key }) => id === idOrKey || key === idOrKey);
    if (!project) throw new Refusal(404, [`No project could be found with key '${idOrKey}'.`]);
    return project;
  }

  /** A page of what is needed to create an issue: Data Center calls every list `values`. */
  function createPage(all: readonly unknown[], query: z.infer<z.ZodObject<typeof paging>>, name: string) {
    const { values, isLast, ...page } = pageOf(all, { maxResults: 50, ...query }, MAX_PROJECT_PAGE);
    const body = site().flavour === 'cloud' ? { ...page, [name]: values } : { ...page, isLast, values };
    return { status: 200, body };
  }

  return [
    defineOperation({
      id: 'searchProjects',
      method: 'GET',
      path: '/api/2/project/search',
      on: 'cloud',
      query: z.strictObject({
        ...paging,
        orderBy: z
          .string()
          .regex(
            /^[+-]?(category|issueCount|key|lastIssueUpdatedDate|lastIssueUpdatedTime|name|owner|archivedDate|deletedDate)$/,
          )
          .optional(),
        id: List.optional(),
        keys: List.optional(),
        query: z.string().optional(),
        typeKey: List.optional(),
        categoryId: z.string().optional(),
        action: z.enum(['view', 'browse', 'edit', 'create']).optional(),
        expand: z.string().optional(),
        status: List.optional(),
        properties: List.optional(),
        propertyQuery: z.string().optional(),
      }),
      run: ({ query }) => {
        const { id, keys, typeKey, query: words = '' } = query;
        const matching = seen()
          .filter((project) => id === undefined || id.includes(project.id))
          .filter((project) => keys === undefined || keys.includes(project.key))
          .filter((project) => typeKey === undefined || typeKey.includes(project.type))
          .filter(({ key, name }) => `${key} ${name}`.toLowerCase().includes(words.toLowerCase()));
        const page = pageOf(matching, { maxResults: 50, ...query }, MAX_PROJECT_PAGE);
        return { status: 200, body: { ...page, values: page.values.map((each) => toProject(each, site())) } };
      },
    }),
    defineOperation({
      id: 'getAllProjects',
      method: 'GET',
      path: '/api/2/project',
      query: z.strictObject({
        expand: z.string().optional(),
        recent: Count.optional(),
        properties: List.optional(),
      }),
      serverQuery: z.strictObject({
        expand: z.string().optional(),
        recent: Count.optional(),
        includeArchived: Flag.optional(),
        browseArchive: Flag.optional(),
      }),
      run: () => ({ status: 200, body: seen().map((project) => toProject(project, site())) }),
    }),
    defineOperation({
      id: 'getProject',
      method: 'GET',
      path: '/api/2/project/:project',
      query: z.strictObject({ expand: z.string().optional(), properties: List.optional() }),
      serverQuery: z.strictObject({ expand: z.string().optional() }),
      run: ({ params }) => {
        const project = projectOf(params.project);
        const issueTypes = ISSUE_TYPES.map(({ id }) => toIssueType(id, site()));
        return { status: 200, body: { ...toProject(project, site()), issueTypes } };
      },
    }),
    defineOperation({
      id: 'getCreateIssueMetaIssueTypes',
      method: 'GET',
      path: '/api/2/issue/createmeta/:project/issuetypes',
      query: z.strictObject(paging),
      run: ({ params, query }) => {
        projectOf(params.project);
        const types = ISSUE_TYPES.map(({ id }) => toIssueType(id, site()));
        return createPage(types, query, 'issueTypes');
      },
    }),
    defineOperation({
      id: 'getCreateIssueMetaIssueTypeId',
      method: 'GET',
      path: '/api/2/issue/createmeta/:project/issuetypes/:type',
      query: z.strictObject(paging),
      run: ({ params, query }) => {
        projectOf(params.project);
        if (!ISSUE_TYPES.some(({ id }) => id === params.type)) {
          throw new Refusal(404, [`Issue type with id '${params.type}' is not in the project.`]);
        }
        return createPage(fieldsOn(around.createScreen).map(toCreateField), query, 'fields');
      },
    }),
    defineOperation({
      id: 'getFields',
      method: 'GET',
      path: '/api/2/field',
      query: z.strictObject({}),
      run: () => ({ status: 200, body: FIELDS.map(toField) }),
    }),
    defineOperation({
      id: 'getIssueAllTypes',
      method: 'GET',
      path: '/api/2/issuetype',
      query: z.strictObject({}),
      run: () => ({ status: 200, body: ISSUE_TYPES.map(({ id }) => toIssueType(id, site())) }),
    }),
    defineOperation({
      id: 'getStatuses',
      method: 'GET',
      path: '/api/2/status',
      query: z.strictObject({}),
      run: () => ({ status: 200, body: STATUSES.map(({ id }) => toStatus(id, site())) }),
    }),
    defineOperation({
      id: 'getPriorities',
      method: 'GET',
      path: '/api/2/priority',
      query: z.strictObject({}),
      run: () => ({ status: 200, body: PRIORITIES }),
    }),
  ];
}

function toField({ id, name, type, canBeSet }: Field) {
  return {
    id,
    key: id,
    name,
    custom: false,
    orderable: canBeSet,
    navigable: true,
    searchable: true,
    clauseNames: [id],
    schema: { type, system: id },
  };
}

function toCreateField({ id, name, type, isRequired = false }: Field) {
  const allowed = { project: PROJECTS, issuetype: ISSUE_TYPES, priority: PRIORITIES };
  const values = Object.entries(allowed).find(([field]) => field === id)?.[1];
  return {
    fieldId: id,
    key: id,
    name,
    required: isRequired,
    hasDefaultValue: id === 'priority',
    operations: id === 'labels' ? ['add', 'set', 'remove'] : ['set'],
    schema: { type, system: id, ...(type === 'array' ? { items: 'string' } : {}) },
    ...(values ? { allowedValues: values } : {}),
  };
}
