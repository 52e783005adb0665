import { ALEX, DANA } from '../../../src/sandbox/people.ts';
import type { Heard } from '../../../src/sandbox/web/event-log.ts';
import type { WebSandbox } from '../../../src/sandbox/web/web-sandbox.ts';
import type { Surface } from './surface.ts';

/** Programs of Alex and Dana. */
export function webSurface(web: WebSandbox): Surface {
  let places = 0;
  return {
    name: 'web',
    ask: async (text, { webClient: client } = ALEX) => {
      const conversation = `talk-${++places}`;
      const id = web.say({ client, conversation, text });
      await web.until(() => web.outcome(id));
      return conversation;
    },
    said: (place) =>
      web
        .heard(ALEX.webClient)
        .filter(({ event }) => event.conversation === place)
        .map(textOf),
    shownToDana: () => web.heard(DANA.webClient).map(textOf),
    told: ({ webClient }) => web.asked(webClient).flatMap(({ outcome }) => outcome?.notice ?? []),
    approve: async () => {
      const card = openCardFor(web, DANA.webClient);
      if (!card) throw new Error('Dana was not asked over the web');
      const id = web.answer({ client: DANA.webClient, card, choice: 'approve' });
      await web.until(() => web.outcome(id));
    },
    until: (predicate) => web.until(() => predicate() ?? undefined),
  };
}

/** The newest request that a program is asked to answer. */
export function openCardFor(web: WebSandbox, client: string) {
  const cards = web.heard(client).flatMap(({ event }) => (event.kind === 'card' ? [event.card] : []));
  return cards.findLast(({ choices }) => choices.length > 0);
}

function textOf({ event }: Heard): string {
  if (event.kind !== 'card') return event.markdown;
  const { title, facts, status } = event.card;
  return [title, ...facts.map(({ label, value }) => `${label} ${value}`), status.sentence].join('\n');
}
