/** Somebody at a terminal of their own: what they type, and what they read. */
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { setImmediate as soon } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { type CliDeps, CliGateway } from '../../gateways/cli/gateway.ts';
import { Terminal } from '../../gateways/cli/terminal.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { AccountId } from '../../src/domain/ids.ts';
import { silent } from './core.ts';

/** Wider than any line of a test: none is broken. */
const COLUMNS = 10_000;

export interface Sitting {
  /** Also the name of the account, `cli:<name>`, and of the session. */
  readonly name: string;
  readonly displayName: string;
  readonly cards: CliDeps['cards'];
  readonly clock: Clock;
  /** False: a pipe, lines in and lines out. */
  readonly isTTY: boolean;
}

export class TestTerminal {
  readonly gateway: CliGateway;
  readonly #input: PassThrough;
  readonly #prompt: string;
  #output = '';

  constructor({ name, displayName, cards, clock, isTTY }: Sitting) {
    const input = Object.assign(new PassThrough(), { isTTY });
    const output = Object.assign(new PassThrough(), { isTTY, columns: COLUMNS });
    output.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString();
    });
    this.#input = input;
    this.#prompt = `${displayName} › `;
    this.gateway = new CliGateway(
      { name, account: AccountId.parse(`cli:${name}`), displayName },
      { terminal: new Terminal({ input, output }), agentName: 'Signalbox', cards, clock, log: silent },
    );
  }

  /** Everything printed so far, escape sequences included. */
  get output(): string {
    return this.#output;
  }

  /** Everything printed so far, as a person reads it. */
  get text(): string {
    return stripVTControlCharacters(this.#output);
  }

  /** The same after a position in `text`, one thing after the other: the prompt is shown anew behind each. */
  pieces(from = 0): string[] {
    return this.text.slice(from).split(this.#prompt);
  }

  /** Resolves once the line was read, with everything that follows from it at once; at once when nobody reads. */
  async type(line: string): Promise<void> {
    // Asking for what is read would make it read.
    const isRead = this.#input.isPaused() ? undefined : once(this.#input, 'data');
    this.#input.write(`${line}\n`);
    await isRead;
    await soon();
  }

  /** Whatever bytes. */
  write(bytes: string): void {
    this.#input.write(bytes);
  }
}
