import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { setImmediate as soon } from 'node:timers/promises';
import { CliGateway } from '../../gateways/cli/gateway.ts';
import { Terminal } from '../../gateways/cli/terminal.ts';
import { AccountId } from '../../src/domain/ids.ts';
import type { Inbound } from '../../src/domain/message.ts';
import { silent } from '../support/core.ts';
import { describeGateway } from './gateway.contract.ts';
import type { PlatformWorld } from './platform-world.ts';

describeGateway('terminal', openTerminalWorld, {
  redelivery: 'what is typed is typed once',
  acknowledgement: 'whoever types is told that it was not stored, and types again',
  echo: 'nobody types what was printed',
  bots: 'whoever types is a person',
  loops: 'whoever types is a person',
  edits: 'what was typed stays as it is',
  splitting: 'a terminal takes any length',
  cards: 'requests are listed and answered by number; see the tests of the terminal',
  'rate limit': 'a terminal takes everything',
  'permanent error': 'a terminal takes everything',
  reconnect: 'there is no connection',
});

async function openTerminalWorld(): Promise<PlatformWorld> {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const folder = await mkdtemp(join(tmpdir(), 'contract-'));
  const received: Inbound[] = [];
  let core: Parameters<PlatformWorld['onReceive']>[0] = async () => ({ kind: 'stored' });
  const terminal = { gateway: create() };
  function create(): CliGateway {
    return new CliGateway(
      { name: 'abc', account: AccountId.parse('cli:local'), displayName: 'Alex' },
      {
        terminal: new Terminal({ input, output }),
        agentName: 'Signalbox',
        cards: { answerable: async () => [], find: async () => undefined },
        clock: { now: () => Date.now() },
        log: silent,
      },
    );
  }
  const start = () =>
    terminal.gateway.start(async (inbound) => {
      received.push(inbound);
      return core(inbound);
    });
  await start();
  let printed = '';
  output.on('data', (chunk: Buffer) => {
    printed += chunk.toString();
  });
  const type = async (line: string) => {
    const read = once(input, 'data');
    input.write(`${line}\n`);
    await read;
    await soon();
  };
  return {
    name: 'terminal',
    gateway: terminal.gateway,
    received,
    onReceive: (receive) => {
      core = receive;
    },
    start,
    say: async (text, files = []) => {
      for (const { name, base64 } of files) {
        await writeFile(join(folder, name), Buffer.from(base64, 'base64'));
        await type(`/attach ${join(folder, name)}`);
      }
      const before = received.length;
      await type(text);
      while (received.length === before) await soon();
      return { place: terminal.gateway.directAddress(), ref: String(printed.length) };
    },
    shown: async ({ ref }) => [printed.slice(Number(ref))],
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a terminal is painted with
    plain: (native) => native.replaceAll(/\u001b\[[0-9;]*m|\u001b\]8;;[^\u0007]*\u0007/g, ''),
    pings: () => [],
    malformed: async (count) => {
      for (let n = 0; n < count; n++) input.write(NONSENSE[n % NONSENSE.length] ?? '');
      input.write('\n');
      await soon();
    },
    files: async () => {
      const paths = [...printed.matchAll(/Saved: (.+)/g)].map(([, path = '']) => path.trim());
      return Promise.all(
        paths.map(async (path) => ({
          name: path.split('/').at(-1) ?? '',
          content: await readFile(path, 'utf8'),
        })),
      );
    },
    close: async () => {
      await terminal.gateway.stop();
      await rm(folder, { recursive: true });
    },
  };
}

const NONSENSE = ['\u0000', '\u001b[2J', '\ufffd\ud800', '\r\r', '\u0007\u0008', '\u001b]0;title\u0007'];
