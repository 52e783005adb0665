import type { JiraSandbox } from '../../../src/sandbox/jira/jira-sandbox.ts';
import type { Comment } from '../../../src/sandbox/jira/world.ts';
import { ALEX, BOT, DANA } from '../../../src/sandbox/people.ts';
import { keyOf, type Post, type Surface } from './surface.ts';

/** Every conversation is an issue. */
export function createJiraSurface(jira: JiraSandbox): Surface {
  const ours = (issue: string) => jira.comments(issue).filter(({ author }) => author === BOT.jiraAccount);
  return {
    platform: 'jira',
    write: async ({ conversation, place, text }) => {
      const issue =
        place ?? jira.createIssue({ user: ALEX.jiraAccount, summary: `Conversation ${conversation}` }).key;
      const { acknowledged } = jira.comment({
        user: ALEX.jiraAccount,
        issue,
        text: `@signalbox ${text}`, // people talk with each other in an issue: it is spoken to by its name
      });
      return { place: issue, acknowledged };
    },
    speak: async (issue, text) =>
      jira.comment({ user: DANA.jiraAccount, issue, text: `@signalbox ${text}` }).acknowledged,
    posts: (issue) => ours(issue).map(toPost),
    approve: async (issue, card) => {
      const line = /^approve apr_\S+$/m.exec(card.raw)?.[0];
      if (line === undefined) return false;
      await jira.comment({ user: DANA.jiraAccount, issue, text: line }).acknowledged.catch(() => undefined);
      return true;
    },
    get unacknowledged() {
      return jira.unacknowledged;
    },
    get written() {
      return jira.calls.filter(({ operation }) => operation === 'addComment' || operation === 'updateComment')
        .length;
    },
    get stored() {
      return jira.deliveries.filter(({ state }) => state === 'acknowledged').length;
    },
    onChange: (listener) => jira.onChange(listener),
  };
}

function toPost({ body, properties }: Comment): Post {
  return {
    text: body,
    key: 'signalbox' in properties ? JSON.stringify(properties.signalbox) : keyOf(body),
    isProgress: false,
    isOpen: /^approve apr_/m.test(body),
    raw: body,
  };
}
