import { ALEX, DANA } from '../../../src/sandbox/people.ts';
import type { SlackSandbox } from '../../../src/sandbox/slack/slack-sandbox.ts';
import { BOT, button, GENERAL, textOf } from '../story.ts';
import type { Surface } from './surface.ts';

export function slackSurface(slack: SlackSandbox): Surface {
  const fromBot = ({ user }: { user: string }) => user === BOT.slack;
  return {
    name: 'slack',
    ask: async (text, { slackUser: user } = ALEX) => {
      const said = await slack.say({ user, channel: GENERAL, text: `@signalbox ${text}` });
      await said.acknowledged;
      return said.ts;
    },
    said: (thread) => slack.thread(GENERAL, thread).filter(fromBot).map(textOf),
    shownToDana: () => slack.messages(DANA.slackDm).filter(fromBot).map(textOf),
    told: ({ slackUser }) => slack.ephemerals(slackUser).map(textOf),
    approve: async () => {
      const card = slack
        .messages(DANA.slackDm)
        .findLast((message) => fromBot(message) && /Waiting for/.test(textOf(message)));
      if (!card) throw new Error('Dana was not asked in Slack');
      const actionId = button(card, /Approve/);
      await slack.press({ user: DANA.slackUser, channel: DANA.slackDm, ts: card.ts, actionId });
    },
    until: (predicate) => slack.until(() => predicate()),
  };
}
