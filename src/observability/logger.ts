/** The log: facts, once, where something is decided. An object and a constant sentence; never a message body above debug. */
import { pino } from 'pino';

export interface Logger {
  debug(facts: object, sentence: string): void;
  info(facts: object, sentence: string): void;
  warn(facts: object, sentence: string): void;
  error(facts: object, sentence: string): void;
  child(bindings: Record<string, unknown>): Logger;
}

export function createLogger(options: { level: string; destination?: NodeJS.WritableStream }): Logger {
  return options.destination
    ? pino({ level: options.level }, options.destination)
    : pino({ level: options.level });
}
