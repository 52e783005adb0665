/** The log as this console wants it: lines for a person at a terminal, JSON for anything else. */
import { createLogger, type Logger } from '../observability/logger.ts';

type LoggerOptions = Parameters<typeof createLogger>[0];

/** Where the log goes; a person reads along there or not. */
export interface LogTarget {
  readonly stream: NodeJS.WritableStream;
  readonly readByPerson: boolean;
}

export const standardOutput = (): LogTarget => ({
  stream: process.stdout,
  readByPerson: process.stdout.isTTY,
});
export const standardError = (): LogTarget => ({ stream: process.stderr, readByPerson: true });

export async function createConsoleLogger(
  options: Omit<LoggerOptions, 'destination'>,
  { stream, readByPerson }: LogTarget,
): Promise<Logger> {
  // The log's own way to standard output is faster than Node's stream.
  if (!readByPerson)
    return createLogger(stream === process.stdout ? options : { ...options, destination: stream });
  const { default: pretty } = await import('pino-pretty');
  return createLogger({
    ...options,
    destination: pretty({
      colorize: 'isTTY' in stream && stream.isTTY === true,
      translateTime: 'SYS:HH:MM:ss',
      messageFormat: '{if stage}{stage}: {end}{msg}',
      ignore: 'pid,hostname,step,stage',
      singleLine: true,
      destination: stream,
    }),
  });
}
