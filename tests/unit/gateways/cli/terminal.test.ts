import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import xterm from '@xterm/headless';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Terminal } from '../../../../gateways/cli/terminal.ts';
import { waitingText } from '../../../support/waiting-text.ts';

const COLUMNS = 40;

/** A keyboard and a screen: what a person types, and what they see. */
class Desk {
  readonly input = Object.assign(new PassThrough(), { isTTY: true });
  readonly output = Object.assign(new PassThrough(), { isTTY: true, columns: COLUMNS, rows: 30 });
  readonly screen = new xterm.Terminal({ cols: COLUMNS, rows: 30, allowProposedApi: true });
  readonly lines: string[] = [];
  ended = false;
  readonly terminal = new Terminal({ input: this.input, output: this.output });

  start(): void {
    this.terminal.start({
      prompt: 'Dana › ',
      complete: (line) => ['/approvals'].filter((each) => each.startsWith(line)),
      onLine: (line) => this.lines.push(line),
      onEnd: () => {
        this.ended = true;
      },
    });
  }

  /** Resolves once the keys have been read. */
  async type(keys: string): Promise<void> {
    const read = once(this.input, 'data');
    this.input.write(keys);
    await read;
  }

  /** The lines on the screen, down to the last that is not empty. */
  async seen(): Promise<string[]> {
    // A terminal in its usual mode turns a line feed into a new line.
    const text = waitingText(this.output).replaceAll(/\r?\n/g, '\r\n');
    await new Promise<void>((done) => this.screen.write(text, done));
    const { active } = this.screen.buffer;
    const lines = Array.from({ length: active.length }, (_, row) =>
      (active.getLine(row)?.translateToString(true) ?? '').trimEnd(),
    );
    return lines.slice(0, lines.findLastIndex((line) => line !== '') + 1);
  }
}

let desk: Desk;

beforeEach(() => {
  desk = new Desk();
  desk.start();
});

afterEach(() => desk.terminal.stop());

describe('a terminal somebody sits at', () => {
  it('prints above what is being typed, which stays', async () => {
    await desk.type('half a sent');

    desk.terminal.print('Something happened.');
    await desk.type('ence\r');

    expect(await desk.seen()).toEqual(['Something happened.', 'Dana › half a sentence', 'Dana ›']);
    expect(desk.lines).toEqual(['half a sentence']);
  });

  it('prints above it even where it takes several rows', async () => {
    const long = 'a line that is quite a bit longer than the screen is wide, really';
    await desk.type(long);

    desk.terminal.print('First.');
    desk.terminal.print('Second.');

    expect(await desk.seen()).toEqual([
      'First.',
      'Second.',
      `Dana › ${long.slice(0, COLUMNS - 7)}`,
      long.slice(COLUMNS - 7),
    ]);
  });

  it('has one line for what is going on, which is replaced and taken away', async () => {
    desk.terminal.status('working on it');
    desk.terminal.status('a status that is far too long to fit into one row of the screen');
    const during = await desk.seen();
    desk.terminal.print('Done.');
    const after = await desk.seen();
    desk.terminal.status(undefined);

    expect(during).toEqual(['a status that is far too long to fit i…', 'Dana ›']);
    expect(after).toEqual(['Done.', 'a status that is far too long to fit i…', 'Dana ›']);
    expect(await desk.seen()).toEqual(['Done.', 'Dana ›']);
  });

  it('breaks long lines between words, below where they began', async () => {
    desk.terminal.print('  • one two three four five six seven eight nine');
    desk.terminal.print('│ one two three four five six seven eight nine');

    expect(await desk.seen()).toEqual([
      '  • one two three four five six seven',
      '    eight nine',
      '│ one two three four five six seven',
      '│ eight nine',
      'Dana ›',
    ]);
  });

  it('ends with Ctrl+D, and with Ctrl+C on an empty line only', async () => {
    await desk.type('oops');
    await desk.type('\u0003');
    expect(desk.ended).toBe(false);

    await desk.type('\u0003');

    expect(desk.ended).toBe(true);
    expect(desk.lines).toEqual([]);
  });
});

describe('a pipe', () => {
  it('gets lines and no prompt, no colour, no status', async () => {
    const [input, output] = [new PassThrough(), new PassThrough()];
    const lines: string[] = [];
    const terminal = new Terminal({ input, output });
    const ended = new Promise<void>((resolve) => {
      terminal.start({
        prompt: 'Dana › ',
        complete: () => [],
        onLine: (line) => lines.push(line),
        onEnd: resolve,
      });
    });

    terminal.status('working');
    terminal.print('A line that is longer than any screen, and nobody breaks it, since a program reads it.');
    input.end('one\ntwo\n');
    await ended;

    expect(lines).toEqual(['one', 'two']);
    expect(waitingText(output)).toBe(
      'A line that is longer than any screen, and nobody breaks it, since a program reads it.\n',
    );
  });
});
