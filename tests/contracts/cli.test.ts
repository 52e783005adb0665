import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate as soon } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import type { Card } from '../../src/domain/card.ts';
import { systemClock } from '../../src/domain/clock.ts';
import type { Inbound } from '../../src/domain/message.ts';
import { TestTerminal } from '../support/test-terminal.ts';
import { describeGateway } from './gateway.contract.ts';
import type { PlatformWorld, Said } from './platform-world.ts';

for (const kind of ['terminal', 'pipe'] as const) {
  describeGateway(kind, () => openTerminalWorld(kind === 'terminal'), {
    redelivery: 'what is typed is typed once',
    acknowledgement: 'whoever types is told that it was not stored, and types it anew',
    echo: 'nobody types what was printed',
    bots: 'whoever types is a person',
    loops: 'whoever types is a person',
    edits: 'what was typed stays as it is',
    splitting: 'a terminal takes any length',
    progress: 'the line that shows it is gone with the process that wrote it',
    'rate limit': 'a terminal takes everything',
    'permanent error': 'a terminal takes everything',
    reconnect: 'there is no connection',
  });
}

/** Each of the three sits at a terminal of their own; Alex talks to the agent, Dana and Eve are there to be asked. */
async function openTerminalWorld(isTTY: boolean): Promise<PlatformWorld> {
  const folder = await mkdtemp(join(tmpdir(), 'contract-'));
  const received: Inbound[] = [];
  let core: Parameters<PlatformWorld['onReceive']>[0] = async () => ({ kind: 'stored' });
  let kept: Card | undefined;
  const find = async () => kept;
  const open = async () => (kept && kept.choices.length > 0 ? [kept] : []);
  const sit = (name: string, displayName: string, answerable: () => Promise<Card[]>) =>
    new TestTerminal({ name, displayName, cards: { answerable, find }, clock: systemClock, isTTY });
  const alex = sit('alex', 'Alex Kim', async () => []);
  const dana = sit('dana', 'Dana Reyes', open);
  const eve = sit('eve', 'Eve Stone', async () => []);
  const all = [alex, dana, eve];
  const startOne = ({ gateway }: TestTerminal) =>
    gateway.start(async (inbound) => {
      received.push(inbound);
      return core(inbound);
    });
  for (const each of all) await startOne(each);
  const place = alex.gateway.directAddress();
  /** Where somebody has read up to when this was said. */
  const readTo = ({ ref }: Said, who: 'alex' | 'dana') => Number(ref.split('/')[who === 'alex' ? 0 : 1]);
  /** What Dana reads of it, once her terminal has looked. */
  const ofDana = async (said: Said) => {
    await dana.gateway.showNews();
    return dana.output.slice(readTo(said, 'dana'));
  };
  const answer = async (who: TestTerminal, line: string) => {
    const [from, before] = [who.output.length, received.length];
    await who.type(line);
    while (received.length === before && who.output.length === from) await soon();
    await soon();
    return stripVTControlCharacters(who.output.slice(from));
  };
  return {
    name: 'terminal',
    gateway: alex.gateway,
    received,
    onReceive: (receive) => {
      core = receive;
    },
    start: () => startOne(alex),
    say: async (text, files = []) => {
      for (const { name, base64 } of files) {
        await writeFile(join(folder, name), Buffer.from(base64, 'base64'));
        await alex.type(`/attach ${join(folder, name)}`);
      }
      const before = received.length;
      await alex.type(text);
      while (received.length === before) await soon();
      return { place, ref: `${alex.output.length}/${dana.output.length}` };
    },
    sayUnheard: async (text) => {
      await alex.type(text);
      await soon();
    },
    shown: async (said) => [alex.output.slice(readTo(said, 'alex')), await ofDana(said)],
    plain: stripVTControlCharacters, // a link shows its address behind its text, always
    // A bell rings and a window calls for attention by a control sequence; of those a terminal has its own alone.
    pings: () => all.flatMap(({ output }) => output.match(BELLS) ?? []),
    unguarded: () => all.flatMap(({ output }) => output.replaceAll(OWN_SEQUENCES, '').match(CONTROLS) ?? []),
    toldTo: async (words) =>
      (['alex', 'dana', 'eve'] as const).filter((_, n) => all[n]?.text.includes(words)),
    keep: (card) => {
      kept = card;
    },
    cards: {
      inWords: false,
      isOpen: async (said) => {
        const texts = [alex.output.slice(readTo(said, 'alex')), await ofDana(said)];
        // Wherever it was shown last as what is to be decided, and not as what became of it.
        return texts
          .map(stripVTControlCharacters)
          .some(
            (text) =>
              text.lastIndexOf(`Request ${kept?.approvalId}`) >
              text.lastIndexOf(`${kept?.approvalId}  ${kept?.title}`),
          );
      },
      approve: async (said, who) => {
        if (who === 'dana') {
          await ofDana(said);
          return answer(dana, '/approve');
        }
        const shown = await answer(eve, `/approve ${kept?.approvalId}`);
        if (/│.*\/(?:approve|deny)/.test(shown)) throw new Error(`Eve is offered an answer: ${shown}`);
        return answer(eve, `/approve ${kept?.approvalId}`);
      },
      deny: async (said, reason) => {
        await ofDana(said);
        await answer(dana, `/deny ${kept?.approvalId} ${reason}`);
      },
    },
    malformed: async (count) => {
      for (let n = 0; n < count; n++) alex.write(NONSENSE[n % NONSENSE.length] ?? '');
      alex.write('\n');
      await soon();
    },
    files: async () => {
      const paths = [...alex.text.matchAll(/Saved: (.+)/g)].map(([, path = '']) => path.trim());
      return Promise.all(
        paths.map(async (path) => ({
          name: path.split('/').at(-1) ?? '',
          content: await readFile(path, 'utf8'),
        })),
      );
    },
    close: async () => {
      for (const { gateway } of all) await gateway.stop();
      await rm(folder, { recursive: true });
    },
  };
}

// biome-ignore-start lint/suspicious/noControlCharactersInRegex: these are what a terminal is spoken to with
const BELLS = /\u0007|\u001b\][^\u0007\u001b]*/g;
/** Colours, and what the line being typed is moved with. */
const OWN_SEQUENCES = /\u001b\[\d*(?:;\d+)*[mGJKABCD]/g;
const CONTROLS = /(?![\n\r\t])\p{Cc}/gu;
// biome-ignore-end lint/suspicious/noControlCharactersInRegex: as above

const NONSENSE = ['\u0000', '\u001b[2J', '\ufffd\ud800', '\r\r', '\u0007\u0008', '\u001b]0;title\u0007'];
