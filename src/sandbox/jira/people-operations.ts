/** People. */
import { z } from 'zod';
import { type Operation, paging, type Surroundings } from './operation.ts';
import { Refusal } from './refusal.ts';
import { nameOf, toUser } from './wire.ts';
import { USERS } from './world.ts';

export function peopleOperations(around: Surroundings): Operation[] {
  const { site } = around;
  return [
    {
      id: 'getUser',
      method: 'GET',
      path: '/api/2/user',
      query: z.strictObject({
        accountId: z.string().optional(),
        key: z.string().optional(),
        username: z.string().optional(),
        expand: z.string().optional(),
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
    },
    ...(['/api/2/user/search', '/api/2/user/assignable/search'] as const).map(
      (path): Operation => ({
        id: path.includes('assignable') ? 'findAssignableUsers' : 'findUsers',
        method: 'GET',
        path,
        query: z.strictObject({
          ...paging,
          query: z.string().optional(),
          accountId: z.string().optional(),
          username: z.string().optional(),
          property: z.string().optional(),
          ...(path.includes('assignable')
            ? {
                project: z.string().optional(),
                issueKey: z.string().optional(),
                issueId: z.string().optional(),
                actionDescriptorId: z.coerce.number().optional(),
                recommend: z.string().optional(),
                sessionId: z.string().optional(),
                accountType: z.string().optional(),
              }
            : {}),
        }),
        run: ({ query }) => {
          if (site().flavour === 'cloud' && query.username !== undefined) {
            throw new Refusal(400, ["The query parameter 'username' is not supported in GDPR strict mode."]);
          }
          const words = (query.query ?? query.username ?? '').toLowerCase();
          const found = USERS.filter(({ accountId, displayName }) =>
            query.accountId === undefined
              ? displayName.toLowerCase().includes(words)
              : accountId === query.accountId,
          );
          return { status: 200, body: found.map((user) => toUser(user, site())) };
        },
      }),
    ),
  ];
}
