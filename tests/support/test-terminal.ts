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
/** How long `reads` waits before it says what is there instead. */
const READS_WITHIN_MS = 10_000;

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
  #output = '';

  constructor({ name, displayName, cards, clock, isTTY }: Sitting) {
    const input = Object.assign(new PassThrough(), { isTTY });
    const output = Object.assign(new PassThrough(), { isTTY, columns: COLUMNS });
    output.on('data', (chunk: Buffer) => {
      this.#output += chunk.toString();
    });
    this.#input = input;
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

  /** Resolves with what was printed after `from`, once it looks like this; looks for news meanwhile. */
  async reads(pattern: RegExp, from = 0): Promise<string> {
    const signal = AbortSignal.timeout(READS_WITHIN_MS);
    while (!pattern.test(this.text.slice(from))) {
      if (signal.aborted) throw new Error(`no ${pattern} on the terminal; there is: ${this.text}`);
      await this.gateway.showNews();
      await soon();
    }
    return this.text.slice(from);
  }
}
