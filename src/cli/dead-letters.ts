/** `signalbox dead-letters …`: what could not be handled or delivered, and what is to become of it. */
import { visible } from '../approvals/sentences.ts';
import { StartupError } from '../domain/errors.ts';
import type { DeadLetter } from '../mailbox/dead-letters.ts';
import { secretsOf } from '../observability/redaction.ts';
import { type Actor, actorOf, auditName, demand } from './actor.ts';
import { toShownItem, toShownText } from './shown-item.ts';
import { facts, table } from './table.ts';
import { type StoreSession, withKnownStores } from './with-stores.ts';

export interface DeadLettersOptions {
  readonly config: string;
  readonly json: boolean;
}

export async function listDeadLetters(
  options: DeadLettersOptions & { readonly count: number },
): Promise<number> {
  return withOperator(options, async ({ deadLetters, config }) => {
    const known = secretsOf(config);
    const letters = await deadLetters.list(options.count);
    if (options.json)
      return print(
        JSON.stringify(
          letters.map((letter) => toJson(letter, known)),
          undefined,
          2,
        ),
      );
    if (letters.length === 0) return print('There are no dead letters.');
    const rows = letters.map((letter) => [
      letter.id,
      letter.at.toISOString(),
      whereTo(letter),
      String(letter.attempts),
      toShownText(letter.reason, known),
    ]);
    return print(table(['id', 'since', 'from or to', 'attempts', 'why'], rows));
  });
}

export async function showDeadLetter(id: string, options: DeadLettersOptions): Promise<number> {
  return withOperator(options, async ({ deadLetters, config }) => {
    const letter = await deadLetters.find(id);
    if (!letter) throw notThere(id);
    const json = toJson(letter, secretsOf(config));
    if (options.json) return print(JSON.stringify(json, undefined, 2));
    const entries: [string, string][] = [
      ['letter', letter.id],
      ['since', letter.at.toISOString()],
      ['from or to', whereTo(letter)],
      ['lane', letter.lane],
      ['attempts', String(letter.attempts)],
      ['why', json.reason],
    ];
    const item = JSON.stringify(json.item, undefined, 2).split('\n').map(visible).join('\n');
    return print(`${facts(entries)}\n\n${item}`);
  });
}

export async function retryDeadLetter(id: string, options: DeadLettersOptions): Promise<number> {
  return withOperator(options, async (session, actor) => {
    if (!(await session.deadLetters.retry(id, auditName(actor)))) throw notThere(id);
    const waits = (await session.isGatewayRunning())
      ? ''
      : ' No gateway is running; it is handled when one is started.';
    return settled(options, id, 'retried', `${id} is back in line.${waits}`);
  });
}

export async function discardDeadLetter(id: string, options: DeadLettersOptions): Promise<number> {
  return withOperator(options, async ({ deadLetters }, actor) => {
    if (!(await deadLetters.discard(id, auditName(actor)))) throw notThere(id);
    return settled(options, id, 'discarded', `${id} is gone for good.`);
  });
}

async function withOperator(
  { config }: DeadLettersOptions,
  work: (session: StoreSession, actor: Actor) => Promise<number>,
): Promise<number> {
  return withKnownStores(config, async (session) => {
    const actor = actorOf(session.config, session.directory);
    demand(session.directory, actor, 'operate', 'see or settle dead letters');
    return work(session, actor);
  });
}

function settled({ json }: DeadLettersOptions, id: string, outcome: string, sentence: string): number {
  return print(json ? JSON.stringify({ id, outcome }) : sentence);
}

function whereTo({ queue }: DeadLetter): string {
  return queue === 'm' ? 'a conversation' : `out by ${queue.replace(/^o\./, '')}`;
}

interface LetterJson extends Omit<DeadLetter, 'at' | 'item'> {
  readonly at: string;
  readonly item: unknown;
}

function toJson(letter: DeadLetter, known: readonly string[]): LetterJson {
  return {
    ...letter,
    reason: toShownText(letter.reason, known),
    at: letter.at.toISOString(),
    item: toShownItem(letter.item, known),
  };
}

function notThere(id: string): StartupError {
  return new StartupError(`there is no dead letter ${id}`, 'take an id from `signalbox dead-letters list`');
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
