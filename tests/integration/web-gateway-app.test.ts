/** The web gateway in the whole product: a program asks, and hears the answer after it was away. */
import { expect, it, onTestFinished } from 'vitest';
import { Story } from '../support/story.ts';
import { TOKEN } from '../support/web-gateway.ts';

it('OB-010 a program asks with a directive, and reads the answer among its events, over a restart', async () => {
  const story = await Story.begin({
    config: (shipped) => {
      const { contacts, settings } = shipped;
      const { alex } = contacts.people;
      const web = { ...settings.gateways.web, clients: { local: { token: TOKEN } } };
      return {
        ...shipped,
        contacts: {
          ...contacts,
          people: { ...contacts.people, alex: { ...alex!, accounts: { ...alex!.accounts, web: ['local'] } } },
        },
        settings: { ...settings, gateways: { ...settings.gateways, web } },
      };
    },
  });
  onTestFinished(() => story.end());
  const headers = { authorization: `Bearer ${TOKEN}` };
  const body = JSON.stringify({ id: 'm1', conversation: 'c1', text: '/help' });
  const say = async () => {
    const response = await fetch(`${story.app.listener.url}/web/messages`, { method: 'POST', headers, body });
    return (await response.json()) as object;
  };

  const first = await say();
  await story.restart();
  const again = await say();
  const events = await fetch(`${story.app.listener.url}/web/events?wait=30`, { headers });

  expect(first).toMatchObject({ id: 'm1', duplicate: false });
  expect(again).toMatchObject({ id: 'm1', duplicate: true });
  expect(await events.json()).toMatchObject({
    events: [{ position: 1, kind: 'notice', conversation: 'c1' }],
  });
});
