import type { JiraSandbox } from '../../../src/sandbox/jira/jira-sandbox.ts';
import { ALEX, BOT, DANA, PROJECT } from '../../../src/sandbox/people.ts';
import type { Surface } from './surface.ts';

export function jiraSurface(jira: JiraSandbox, issue = 'OPS-2'): Surface {
  const ours = (key: string) => jira.comments(key).filter(({ author }) => author === BOT.jiraAccount);
  return {
    name: 'jira',
    ask: async (text, { jiraAccount: user } = ALEX) => {
      const { id, acknowledged } = jira.comment({
        user,
        issue,
        text: `@signalbox ${text}`,
      });
      await acknowledged;
      return id;
    },
    said: (comment) =>
      ours(issue)
        .filter(({ id }) => Number(id) > Number(comment))
        .map(({ body }) => body),
    shownToDana: () => ours(PROJECT.approvalIssue).map(({ body }) => body),
    told: () =>
      [issue, PROJECT.approvalIssue]
        .flatMap(ours)
        .map(({ body }) => body)
        .filter((body) => !/Waiting for/.test(body)),
    approve: async () => {
      const asked = ours(PROJECT.approvalIssue).findLast(({ body }) => /^approve apr_/m.test(body));
      const line = /^approve apr_\S+$/m.exec(asked?.body ?? '')?.[0];
      if (!line) throw new Error('Dana was not asked in Jira');
      await jira.comment({ user: DANA.jiraAccount, issue: PROJECT.approvalIssue, text: line }).acknowledged;
    },
    until: (predicate) => jira.until(() => predicate() ?? undefined),
  };
}
