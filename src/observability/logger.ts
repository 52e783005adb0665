/**
 * The log: facts, once, where something is decided. An object and a constant sentence; never a message body above debug.
 *
 * No secret gets through: everything is redacted on its way in, and only for lines that are written at all.
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

/** `level` is the least important level written; `silent` writes nothing. */
export function createLogger(options: { level: string; destination?: NodeJS.WritableStream }): Logger {
  const settings = {
    level: options.level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: {
      level: (label: string) => ({ level: label }),
      bindings: redactFacts,
    },
    hooks: {
      logMethod(this: pino.Logger, args: Parameters<pino.LogFn>, method: pino.LogFn): void {
        const [facts, sentence, ...rest] = args as unknown[]; // pino types the arguments per call shape
        Reflect.apply(method, this, [
          clean(facts),
          ...(sentence === undefined ? [] : [clean(sentence)]),
          ...rest.map(clean),
        ]);
      },
    },
  };
  return options.destination ? pino(settings, options.destination) : pino(settings);
}

function clean(argument: unknown): unknown {
  if (typeof argument === 'string') return redactText(argument);
  return typeof argument === 'object' && argument !== null ? redactFacts(argument) : argument;
}
