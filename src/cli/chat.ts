/**
 * `signalbox chat`: the agent in this terminal.
 *
 *   does a gateway run? ─yes─▶ carry for this terminal alone; it does the work
 *                       └no──▶ run the whole gateway here, so that whoever must be asked is asked
 */
import { randomInt } from 'node:crypto';
import { Writable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { type CardSource, CliGateway } from '../../gateways/cli/gateway.ts';
import { conversationOfSession, platformOfSession } from '../../gateways/cli/inbound.ts';
import { Terminal } from '../../gateways/cli/terminal.ts';
import { openStores } from '../app/open-stores.ts';
import { toCard } from '../approvals/card.ts';
import { inboxesFor } from '../approvals/inbox.ts';
import { type Approval, needsWord } from '../domain/approval/record.ts';
import { mayDecide } from '../domain/approval/voting.ts';
import { systemClock } from '../domain/clock.ts';
import { StartupError } from '../domain/errors.ts';
import { type ConversationId, isTerminal, platformOf } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import type { Person } from '../domain/person.ts';
import type { Directory } from '../identity/directory.ts';
import { type Actor, actorOf } from './actor.ts';
import { maySee } from './approvals.ts';
import { platformName } from './banner.ts';
import { type Stoppable, stopAll } from './command.ts';
import { type LogTarget, standardError } from './console-logger.ts';
import { attach, type Launched, launch } from './launch.ts';
import { type Prepared, prepare } from './prepare.ts';
import { isAllDone } from './queue-state.ts';
import { isGatewayRunning, platformsOpen } from './store-server.ts';
import type { OpenStores } from './with-stores.ts';

/** Between two looks for requests that wait for the person here, in ms. */
const LOOK_EVERY_MS = 2_000;
/** Between two looks whether everything asked through a pipe is done, in ms. */
const SETTLED_EVERY_MS = 50;
/** Requests that wait for one person that are shown, at most, and calls nobody knows the end of. */
const MOST_REQUESTS = 200;

export interface ChatOptions {
  readonly config: string;
  /** An earlier conversation to go on with. */
  readonly session: string | undefined;
  readonly sandbox: boolean;
  readonly sandboxPort: number | undefined;
}

/** Resolves with the exit code once the person has left and everything has stopped. */
export async function chat(options: ChatOptions): Promise<number> {
  const terminal = new Terminal({ input: process.stdin, output: process.stdout });
  const prepared = await prepare(options.config, { target: logTarget(terminal), quiet: true });
  const name = options.session ?? newSession();
  const running: Stoppable[] = [prepared.server];
  try {
    const stores = await openStores({
      config: prepared.current,
      redisUrl: prepared.server.url,
      clock: systemClock,
      log: prepared.log,
    });
    running.push({ stop: async () => stores.close() });
    const actor = actorOf(prepared.config, stores.directory);
    const session = { name, account: actor.account, displayName: actor.person.name };
    const gatewayRuns = await isGatewayRunning(stores.redis, stores.keys);
    const open = await platformsOpen(stores.redis, stores.keys);
    if (open.includes(platformOfSession(name))) throw openElsewhere(name);

    const gateway = new CliGateway(session, {
      terminal,
      agentName: prepared.config.purpose.name,
      cards: cardsFor(actor, stores),
      clock: systemClock,
      log: prepared.log,
    });
    running.push(
      gatewayRuns
        ? await attach(prepared, { config: options.config, gateways: [gateway], open })
        : await launchHere(prepared, terminal, gateway, options),
    );
    await untilLeft(gateway, terminal, () =>
      settled(stores, conversationOfSession(session), gateway.directAddress()),
    );
    await stopAll(running);
    if (terminal.interactive) process.stdout.write(farewell(name, gateway.isWaiting));
    return 0;
  } catch (error) {
    terminal.stop();
    await stopAll(running);
    throw error;
  }
}

async function launchHere(
  prepared: Prepared,
  terminal: Terminal,
  gateway: CliGateway,
  options: ChatOptions,
): Promise<Launched> {
  const say = (text: string) => terminal.interactive && terminal.print(terminal.paint.faint(text));
  say('No gateway is running, so this terminal runs it until you leave …');
  const launched = await launch(prepared, { ...options, gateways: [gateway] });
  say(whatRuns(launched));
  return launched;
}

function whatRuns({ app, played, sandboxUrl }: Launched): string {
  const names = [...app.gateways.values()]
    .map(({ platform }) => platform)
    .filter((platform) => !isTerminal(platform))
    .map(platformName);
  const platforms = names.length === 0 ? 'No platform is connected.' : `Also open: ${names.join(', ')}.`;
  const sandbox =
    sandboxUrl === undefined
      ? ''
      : ` Played by the sandbox (${sandboxUrl}): ${played.map(platformName).join(', ')}.`;
  return `${platforms}${sandbox}\n/help tells what can be typed.`;
}

/** What the person at a terminal may answer, or see, with the rights they have at that moment. */
export function cardsFor(actor: Actor, { approvals, directory }: OpenStores): CardSource {
  const current = () => directory.find(actor.person.id);
  const here = platformOf(actor.account);
  return {
    answerable: async () => {
      const person = current();
      if (!person) return [];
      const isTheirs = (approval: Approval) => isForThem(approval, person, directory);
      const inboxes = inboxesFor(directory.voterOf(person, systemClock.now()));
      const waiting = await approvals.inbox(inboxes, isTheirs, MOST_REQUESTS);
      const unknown = await approvals.unknown(isTheirs, MOST_REQUESTS);
      return [...waiting, ...unknown].map((approval) => toCard(approval, undefined, here));
    },
    find: async (id) => {
      const [person, approval] = [current(), await approvals.find(id)];
      if (!person || !approval || !maySee(directory, { person }, approval)) return undefined;
      return toCard(approval, undefined, here);
    },
  };
}

/** Whether somebody can answer it: decide it, or say what came of it. */
function isForThem(approval: Approval, person: Person, directory: Directory): boolean {
  const operates = directory.may(person.roles, 'operate');
  if (approval.state === 'UNKNOWN' && operates) return true;
  return (
    needsWord(approval.state) &&
    directory.may(person.roles, 'approve') &&
    mayDecide(approval, directory.voterOf(person, systemClock.now()))
  );
}

/** Until the person leaves, or what came through a pipe is done. */
async function untilLeft(
  gateway: CliGateway,
  terminal: Terminal,
  everythingDone: () => Promise<void>,
): Promise<void> {
  const left = new AbortController();
  const watching = terminal.interactive ? watch(gateway, left.signal) : Promise.resolve();
  const leaves = terminal.interactive ? gateway.ended : gateway.ended.then(everythingDone);
  await Promise.race([leaves, signal()]).finally(() => left.abort());
  await watching;
}

/** Nobody watches a pipe, so what was asked is answered, and what follows from it is done, before we leave. */
async function settled(stores: OpenStores, conversation: ConversationId, to: Address): Promise<void> {
  while (!(await isAllDone(stores, conversation, to))) await pause(SETTLED_EVERY_MS);
}

/** Shows what somebody asks of the person here, and what came of their answers, while they sit here. */
async function watch(gateway: CliGateway, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await gateway.showNews().catch(() => undefined);
    await pause(LOOK_EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

/** Log lines do not run into what the person is typing, nor into what a program reads. */
function logTarget(terminal: Terminal): LogTarget {
  if (!terminal.interactive) return standardError();
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      terminal.print(terminal.paint.faint(chunk.toString().trimEnd()));
      done();
    },
  });
  return { stream, readByPerson: true };
}

function openElsewhere(session: string): StartupError {
  return new StartupError(
    `the session ${session} is open in another terminal`,
    'close it there, or leave --session out to begin another conversation',
  );
}

function farewell(session: string, waits: boolean): string {
  const again = `signalbox chat --session ${session}`;
  return waits
    ? `An answer is still on its way. It is kept for you: ${again}\n`
    : `To go on with this conversation: ${again}\n`;
}

function newSession(): string {
  return Array.from({ length: 6 }, () => randomInt(36).toString(36)).join('');
}

/** Resolves with SIGTERM, or with SIGINT where no prompt takes it. */
function signal(): Promise<void> {
  return new Promise((resolve) => {
    process.once('SIGTERM', () => resolve());
    process.once('SIGINT', () => resolve());
  });
}
