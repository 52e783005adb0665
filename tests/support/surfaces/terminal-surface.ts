/** Terminals of a story: what `signalbox chat` runs, beside the gateway that does the work. */
import { setImmediate as soon } from 'node:timers/promises';
import { openStores } from '../../../src/app/open-stores.ts';
import { startApp } from '../../../src/app.ts';
import { cardsFor } from '../../../src/cli/chat.ts';
import { AccountId, PersonId } from '../../../src/domain/ids.ts';
import type { Person } from '../../../src/domain/person.ts';
import { DANA } from '../../../src/sandbox/people.ts';
import { silent } from '../core.ts';
import { type Story, withPerson } from '../story.ts';
import { TestTerminal } from '../test-terminal.ts';
import type { Surface } from './surface.ts';

/** How long `until` waits before it says what is there instead. */
const UNTIL_TIMEOUT_MS = 10_000;

/** Whose terminals there are. */
export interface Terminals {
  readonly alex: TestTerminal;
  readonly dana: TestTerminal;
  close(): Promise<void>;
}

/** Gives Alex and Dana a terminal each. */
export async function openTerminals(story: Story): Promise<Terminals> {
  for (const id of ['alex', 'dana']) {
    const { accounts } = story.config.contacts.people[id] ?? {};
    story.config = withPerson(story.config, id, { accounts: { ...accounts, cli: [id] } });
  }
  const options = { config: () => story.config, redisUrl: story.redisUrl, clock: story.clock, log: silent };
  const stores = await openStores(options);
  const sit = (name: string): TestTerminal => {
    const person = personOf(name);
    const account = AccountId.parse(`cli:${name}`);
    const cards = cardsFor({ person, account, operator: undefined }, stores);
    return new TestTerminal({ name, displayName: person.name, cards, clock: story.clock, isTTY: true });
  };
  const personOf = (name: string): Person => {
    const person = stores.directory.find(PersonId.parse(name));
    if (!person) throw new Error(`there is no ${name} in contacts.yaml`);
    return person;
  };
  const [alex, dana] = [sit('alex'), sit('dana')];
  const gateways = [alex.gateway, dana.gateway];
  const elsewhere = story.config.settings.gateways;
  const app = await startApp({ ...options, platforms: false, workers: false, gateways, elsewhere });
  return {
    alex,
    dana,
    close: async () => {
      await app.stop();
      stores.close();
    },
  };
}

export function terminalSurface({ alex, dana }: Terminals): Surface {
  return {
    name: 'cli',
    // What is printed from there on is about it: one thing is asked at a time.
    ask: async (text, who) => {
      const from = alex.text.length;
      await (who === DANA ? dana : alex).type(text);
      return String(from);
    },
    said: (place) => alex.pieces(Number(place)),
    shownToDana: () => dana.pieces(),
    told: (who) => (who === DANA ? dana : alex).pieces(),
    approve: async () => {
      const id = openRequest(dana);
      await dana.type(`/approve ${id}`);
    },
    until: async (predicate) => {
      const signal = AbortSignal.timeout(UNTIL_TIMEOUT_MS);
      for (;;) {
        const found = predicate();
        if (found !== undefined) return found;
        if (signal.aborted) throw new Error(`not seen in the terminals; there is: ${alex.text}${dana.text}`);
        await dana.gateway.showNews();
        await soon();
      }
    },
  };
}

/** The newest request that somebody at a terminal is asked to answer. */
export function openRequest({ text }: TestTerminal): string {
  const id = [...text.matchAll(/│ \/approve (apr_\w+)/g)].at(-1)?.[1];
  if (id === undefined) throw new Error(`nobody is asked for an answer here: ${text}`);
  return id;
}
