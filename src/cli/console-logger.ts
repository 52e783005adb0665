/** The log as this console wants it: lines for a person at a terminal, JSON for anything else. */
import { createLogger, type Logger } from '../observability/logger.ts';

type LoggerOptions = Parameters<typeof createLogger>[0];

export async function createConsoleLogger(options: LoggerOptions): Promise<Logger> {
  if (!process.stdout.isTTY) return createLogger(options);
  const { default: pretty } = await import('pino-pretty');
  return createLogger({
    ...options,
    destination: pretty({
      colorize: true,
      translateTime: 'SYS:HH:MM:ss',
      ignore: 'pid,hostname',
      singleLine: true,
    }),
  });
}
