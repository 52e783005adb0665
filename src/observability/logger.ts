/**
 * The log: facts, once, where something is decided. An object and a constant sentence; never a message body above debug.
 *
 * No secret gets through: whatever is written, and only that, is redacted first.
 */
import { pino } from 'pino';
import { redactFacts, redactText } from './redaction.ts';

export interface Logger {
  debug(facts: object, sentence: string): void;
  info(facts: object, sentence: string): void;
  warn(facts: object, sentence: string): void;
  error(facts: object, sentence: string): void;
  child(bindings: Record<string, unknown>): Logger;
}

export interface LoggerOptions {
  /** The least important level written, or a function asked at every line, so that it can change; `silent` writes none. */
  readonly level: string | (() => string);
  /** Secrets to hide wherever they appear, asked for at every line; see `secretsOf`. */
  readonly secrets?: () => readonly string[];
  /** Standard output, unless given. */
  readonly destination?: NodeJS.WritableStream;
}

export function createLogger({ level, secrets = () => [], destination }: LoggerOptions): Logger {
  const settings = {
    level: 'trace',
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
  };
  const sink = destination === undefined ? pino(settings) : pino(settings, destination);
  return new RedactingLogger(() => sink, typeof level === 'string' ? () => level : level, secrets);
}

type Level = 'debug' | 'info' | 'warn' | 'error';

/** Higher is more important; a level of another name lets everything through. */
const IMPORTANCE: Readonly<Record<string, number>> = {
  debug: 20,
  info: 30,
  warn: 40,
  error: 50,
  silent: 100,
};

class RedactingLogger implements Logger {
  #sink: pino.Logger | undefined;

  /** @param open made when something is written; most children never write */
  constructor(
    private readonly open: () => pino.Logger,
    private readonly least: () => string,
    private readonly secrets: () => readonly string[],
  ) {}

  debug(facts: object, sentence: string): void {
    this.#write('debug', facts, sentence);
  }

  info(facts: object, sentence: string): void {
    this.#write('info', facts, sentence);
  }

  warn(facts: object, sentence: string): void {
    this.#write('warn', facts, sentence);
  }

  error(facts: object, sentence: string): void {
    this.#write('error', facts, sentence);
  }

  child(bindings: Record<string, unknown>): Logger {
    return new RedactingLogger(
      () => this.#opened().child(redactFacts(bindings, this.secrets())),
      this.least,
      this.secrets,
    );
  }

  #opened(): pino.Logger {
    this.#sink ??= this.open();
    return this.#sink;
  }

  #write(level: Level, facts: object, sentence: string): void {
    if ((IMPORTANCE[level] ?? 0) < (IMPORTANCE[this.least()] ?? 0)) return;
    const known = this.secrets();
    this.#opened()[level](redactFacts(facts, known), redactText(sentence, known));
  }
}
