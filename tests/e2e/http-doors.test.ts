/** Every door that HTTP comes in by, under what no platform and no program would send. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { API_PATH } from '../../src/api/operations.ts';
import { aClient, beginApiStory, TOKEN } from '../support/api.ts';
import type { Story } from '../support/story.ts';

let story: Story;
let doors: Readonly<Record<string, string>>;
/** Of programs, so that what they send is read. */
let tokens: Readonly<Record<string, string | undefined>>;

beforeAll(async () => {
  story = await beginApiStory(
    { shop: aClient() },
    {
      config: (shipped) => {
        const { gateways } = shipped.settings;
        const { slack, discord } = gateways;
        return {
          ...shipped,
          settings: {
            ...shipped.settings,
            gateways: {
              ...gateways,
              slack: { ...slack, mode: 'http' },
              discord: { ...discord, mode: 'http' },
            },
          },
        };
      },
    },
  );
  const { slack, discord, jira, web } = story.config.settings.gateways;
  const { url } = story.app.listener;
  doors = {
    Slack: `${url}${slack.path}`,
    Discord: `${url}${discord.path}`,
    Jira: `${url}${jira.path}`,
    'the web, messages': `${url}${web.path}/messages`,
    'the web, answers': `${url}${web.path}/answers`,
    'the API': `${url}${API_PATH}/approvals`,
  };
  const own = web.clients.alex?.token;
  tokens = { 'the web, messages': own, 'the web, answers': own, 'the API': TOKEN };
});
afterAll(async () => {
  await story.end();
});

const BODIES: readonly (readonly [name: string, type: string, body: string | Buffer])[] = [
  ['nothing', 'application/json', ''],
  ['no JSON', 'application/json', '{"type": '],
  ['a list', 'application/json', '[]'],
  ['null', 'application/json', 'null'],
  ['fields of the wrong type', 'application/json', '{"type":7,"text":[],"event":"x","comment":null}'],
  ['a key of the language', 'application/json', '{"__proto__":{"type":"x"},"constructor":1}'],
  ['nesting without end', 'application/json', '['.repeat(50_000)],
  ['bytes', 'application/octet-stream', Buffer.from([0, 255, 1, 254])],
  ['a form without fields', 'application/x-www-form-urlencoded', '&&&==='],
  ['more than it reads', 'application/json', `"${'x'.repeat(3_000_000)}"`],
];

describe.each(['Slack', 'Discord', 'Jira', 'the web, messages', 'the web, answers', 'the API'])(
  'the door of %s',
  (door) => {
    it.each(BODIES)('OM-185 answers %s with 4xx', async (_, type, body) => {
      const answer = await fetch(doors[door]!, {
        method: 'POST',
        headers: { 'content-type': type, authorization: `Bearer ${tokens[door] ?? 'none'}` },
        body,
      }).catch(
        // What is too much may be cut off while it is still being sent.
        (error: unknown) => error,
      );

      if (answer instanceof Response)
        expect(answer.status).toSatisfy((status: number) => status >= 400 && status < 500 && status !== 404);
      else expect(body.length).toBeGreaterThan(1_000_000);
    });

    it('OM-185 is still open after all of it', async () => {
      const answer = await fetch(doors[door]!, { method: 'POST', body: '{}' });

      expect(answer.status).toBeLessThan(500);
      expect(answer.status).not.toBe(404);
    });
  },
);
