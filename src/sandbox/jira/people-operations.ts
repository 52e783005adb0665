/** People and groups. */
import { z } from 'zod';
import { GROUPS, USERS } from './catalogue.ts';
import { MAX_GROUP_PAGE, MAX_GROUPS, MAX_PEOPLE_PAGE } from './limits.ts';
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
import { nameOf, toUser } from './wire.ts';

/** Cloud finds people by any of their attributes. */
const finding = {
  ...paging,
  query: z.string().optional(),
  username: z.string().optional(),
  accountId: z.string().optional(),
};
const assigning = {
  project: z.string().optional(),
  issueKey: z.string().optional(),
  actionDescriptorId: Count.optional(),
};

export function peopleOperations(around: Surroundings): Operation[] {
  const { site } = around;

  function found(words: string, page: { startAt?: number | undefined; maxResults?: number | undefined }) {
    const people = USERS.filter(
      (user) => user.displayName.toLowerCase().includes(words.toLowerCase()) || user.accountId === words,
    );
    const { values } = pageOf(people, { maxResults: 50, ...page }, MAX_PEOPLE_PAGE);
    return { status: 200, body: values.map((user) => toUser(user, site())) };
  }

  function foundOnCloud(query: z.infer<z.ZodObject<typeof finding>>) {
    if (query.username !== undefined) {
      throw new Refusal(400, ["The query parameter 'username' is not supported in GDPR strict mode."]);
    }
    if (query.query === undefined && query.accountId === undefined) {
      throw new Refusal(400, ['One of the query, accountId or property parameters must be provided.']);
    }
    return found(query.accountId ?? query.query ?? '', query);
  }

  return [
    defineOperation({
      id: 'getUser',
      method: 'GET',
      scope: 'read:jira-user',
      path: '/api/2/user',
      query: z.strictObject({
        accountId: z.string().optional(),
        key: z.string().optional(),
        username: z.string().optional(),
        expand: z.string().optional(),
      }),
      serverQuery: z.strictObject({
        key: z.string().optional(),
        username: z.string().optional(),
        includeDeleted: Flag.optional(),
      }),
      run: ({ query }) => {
        const user = USERS.find(({ accountId, displayName }) =>
          site().flavour === 'cloud'
            ? accountId === query.accountId
            : accountId === query.key || nameOf({ displayName }) === query.username,
        );
        if (!user) throw new Refusal(404, ['The user does not exist.']);
        return { status: 200, body: toUser(user, site()) };
      },
    }),
    defineOperation({
      id: 'findUsers',
      method: 'GET',
      scope: 'read:jira-user',
      path: '/api/2/user/search',
      on: 'cloud',
      query: z.strictObject({ ...finding, property: z.string().optional() }),
      run: ({ query }) => foundOnCloud(query),
    }),
    defineOperation({
      id: 'findAssignableUsers',
      method: 'GET',
      scope: 'read:jira-user',
      path: '/api/2/user/assignable/search',
      on: 'cloud',
      query: z.strictObject({
        ...finding,
        ...assigning,
        sessionId: z.string().optional(),
        issueId: z.string().optional(),
        recommend: Flag.optional(),
        accountType: List.optional(),
        appType: List.optional(),
      }),
      run: ({ query }) => {
        const isAbout = query.project ?? query.issueKey ?? query.issueId;
        if (isAbout === undefined) {
          throw new Refusal(400, ['Either project, issueKey or issueId has to be provided.']);
        }
        return foundOnCloud({ query: '', ...query });
      },
    }),
    defineOperation({
      id: 'findUsers',
      method: 'GET',
      scope: 'read:jira-user',
      path: '/api/2/user/search',
      on: 'data-center',
      query: z.strictObject({
        ...paging,
        username: z.string(),
        includeActive: Flag.optional(),
        includeInactive: Flag.optional(),
      }),
      run: ({ query }) => found(query.username, query),
    }),
    defineOperation({
      id: 'findAssignableUsers',
      method: 'GET',
      scope: 'read:jira-user',
      path: '/api/2/user/assignable/search',
      on: 'data-center',
      query: z.strictObject({
        ...assigning,
        maxResults: Count.optional(),
        username: z.string().optional(),
      }),
      run: ({ query }) => found(query.username ?? '', query),
    }),
    defineOperation({
      id: 'findGroups',
      method: 'GET',
      scope: 'read:jira-user',
      path: '/api/2/groups/picker',
      query: z.strictObject({
        accountId: z.string().optional(),
        userName: z.string().optional(),
        query: z.string().optional(),
        exclude: List.optional(),
        excludeId: List.optional(),
        maxResults: Count.optional(),
        caseInsensitive: Flag.optional(),
      }),
      serverQuery: z.strictObject({
        userName: z.string().optional(),
        query: z.string().optional(),
        exclude: List.optional(),
        maxResults: Count.optional(),
      }),
      run: ({ query: { query = '', exclude = [], excludeId = [], maxResults, caseInsensitive } }) => {
        const told = (text: string) => (caseInsensitive === 'true' ? text.toLowerCase() : text);
        const matching = GROUPS.filter(({ name }) => told(name).includes(told(query)))
          .filter(({ id, name }) => !exclude.includes(name) && !excludeId.includes(id))
          .toSorted((one, other) => one.name.localeCompare(other.name));
        const { values } = pageOf(matching, { maxResults }, MAX_GROUPS);
        const groups = values.map(({ id, name }) => ({
          name,
          html: name,
          labels: [],
          ...(site().flavour === 'cloud' ? { groupId: id } : {}),
        }));
        const header = `Showing ${groups.length} of ${matching.length} matching groups`;
        return { status: 200, body: { header, total: matching.length, groups } };
      },
    }),
    defineOperation({
      id: 'getUsersFromGroup',
      method: 'GET',
      scope: 'read:jira-user',
      path: '/api/2/group/member',
      query: z.strictObject({
        ...paging,
        groupname: z.string().optional(),
        groupId: z.string().optional(),
        includeInactiveUsers: Flag.optional(),
      }),
      serverQuery: z.strictObject({
        ...paging,
        groupname: z.string(),
        includeInactiveUsers: Flag.optional(),
      }),
      run: ({ query }) => {
        const { groupname, groupId } = query;
        if ((groupname === undefined) === (groupId === undefined)) {
          throw new Refusal(400, ['Provide either groupname or groupId.']);
        }
        const group = GROUPS.find(({ id, name }) => id === groupId || name === groupname);
        if (!group) throw new Refusal(404, [`The group named '${groupname ?? groupId}' does not exist.`]);
        const page = pageOf(
          USERS.filter(({ groups }) => groups.includes(group.name)),
          query,
          MAX_GROUP_PAGE,
        );
        const self = `${site().url}/rest/api/2/group/member?groupname=${encodeURIComponent(group.name)}`;
        return {
          status: 200,
          body: { self, ...page, values: page.values.map((user) => toUser(user, site())) },
        };
      },
    }),
  ];
}
