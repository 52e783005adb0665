/**
 * The person's terminal: lines they type, lines we print, and one line that says what is going on.
 *
 * What is printed while somebody is typing appears above what they have typed so far, which stays. Where input or
 * output is a file or a pipe there is no prompt and no status line: lines in, lines out.
 */
import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline';
import stringWidth from 'string-width';
import wrapAnsi from 'wrap-ansi';
import { COLOURED, type Paint, PLAIN } from './paint.ts';

/** The parts of a terminal we use; standard input and output have them. */
export interface TerminalStreams {
  readonly input: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly output: NodeJS.WritableStream & {
    readonly isTTY?: boolean;
    readonly columns?: number;
    hasColors?(): boolean;
  };
}

export interface TerminalOptions {
  readonly prompt: string;
  /** What the Tab key offers for a line so far. */
  readonly complete: (line: string) => readonly string[];
  readonly onLine: (line: string) => void;
  /** The person has left, or the input has ended. */
  readonly onEnd: () => void;
}

/** Narrower than this, words are left to the terminal. */
const MIN_COLUMNS = 20;
/** Assumed where nobody says how wide the terminal is. */
const USUAL_COLUMNS = 80;

export class Terminal {
  /** A person sits there, and sees at once what is printed. */
  readonly interactive: boolean;
  readonly paint: Paint;
  #lines: Interface | undefined;
  #status: string | undefined;

  constructor(private readonly streams: TerminalStreams) {
    this.interactive = streams.input.isTTY === true && streams.output.isTTY === true;
    this.paint = this.interactive && streams.output.hasColors?.() !== false ? COLOURED : PLAIN;
  }

  start({ prompt, complete, onLine, onEnd }: TerminalOptions): void {
    const { input, output } = this.streams;
    const lines = this.interactive
      ? createInterface({ input, output, terminal: true, prompt, completer: toCompleter(complete) })
      : createInterface({ input, terminal: false });
    this.#lines = lines;
    lines.on('line', (line) => {
      onLine(line);
      this.#prompt();
    });
    lines.on('SIGINT', () =>
      lines.line === '' ? lines.close() : lines.write(null, { ctrl: true, name: 'u' }),
    );
    lines.once('close', onEnd);
    this.#prompt();
  }

  /** Reads no more. Safe to call twice. */
  stop(): void {
    this.status(undefined);
    const lines = this.#lines;
    this.#lines = undefined;
    if (!lines) return;
    if (this.interactive) {
      // The prompt nobody is going to answer.
      cursorTo(this.streams.output, 0);
      clearScreenDown(this.streams.output);
    }
    lines.close();
  }

  /** Long lines are broken between words where somebody reads along. */
  print(text: string): void {
    const lines = this.interactive ? wrapped(text, this.#columns) : text;
    this.#above(() => this.streams.output.write(`${lines}\n`));
  }

  /** One line below everything printed, replaced by the next; undefined takes it away. Only where somebody watches. */
  status(text: string | undefined): void {
    if (!this.interactive || text === this.#status) return;
    this.#above(() => {
      this.#status = text;
    });
  }

  get #columns(): number {
    return this.streams.output.columns ?? USUAL_COLUMNS;
  }

  #prompt(): void {
    if (this.interactive) this.#lines?.prompt();
  }

  /** Takes status and prompt away, lets `change` happen, and puts them back. */
  #above(change: () => void): void {
    const lines = this.#lines;
    if (!this.interactive || !lines) {
      change();
      return;
    }
    const { output } = this.streams;
    const typedRows = lines.getCursorPos().rows;
    moveCursor(output, 0, -(typedRows + (this.#status === undefined ? 0 : 1)));
    cursorTo(output, 0);
    clearScreenDown(output);
    change();
    if (this.#status !== undefined) output.write(`${this.paint.faint(this.#fit(this.#status))}\n`);
    // We are at the beginning of a row of our own; readline, which remembers rows of its own, is not to go up again.
    Reflect.set(lines, 'prevRows', 0);
    lines.prompt(true);
  }

  #fit(text: string): string {
    const room = this.#columns - 1;
    const line = text.replaceAll(/\s+/g, ' ').trim();
    return line.length > room ? `${line.slice(0, room - 1)}…` : line;
  }
}

/** What a line begins with before its first word: blanks, a bullet, the edge of a frame. */
const LEAD = /^(?:│|\s)*(?:(?:•|\d+\.|\[[ x]\])\s)?/;

/** Broken between words; what follows stands below the first word of its line, inside the same frame. */
function wrapped(text: string, columns: number): string {
  return text
    .split('\n')
    .map((line) => {
      const [lead = ''] = LEAD.exec(line) ?? [];
      const room = Math.max(columns - stringWidth(lead) - 1, MIN_COLUMNS);
      const [first = '', ...rest] = wrapAnsi(line.slice(lead.length), room, { trim: true }).split('\n');
      const below = lead.replaceAll(/[^│]/g, ' ');
      return [`${lead}${first}`, ...rest.map((part) => `${below}${part}`)].join('\n');
    })
    .join('\n');
}

function toCompleter(complete: TerminalOptions['complete']): (line: string) => [string[], string] {
  return (line) => [[...complete(line)], line];
}
