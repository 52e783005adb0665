/** What Slack's libraries have to say, as lines of our log: warnings and errors only, and never a token. */
import { LogLevel, type Logger as SlackLogger } from '@slack/bolt';
import type { Logger } from '../../src/observability/logger.ts';

const TOKEN = /\bx(?:ox[a-z]|app)-[\w-]+|(?<=ticket=)[\w-]+/g;

export function toSlackLogger(log: Logger): SlackLogger {
  return {
    debug: () => {},
    info: () => {},
    warn: (...said) => log.warn({ said: toLine(said) }, 'a Slack library warns'),
    error: (...said) => log.warn({ said: toLine(said) }, 'a Slack library reports an error'),
    getLevel: () => LogLevel.WARN,
    setLevel: () => {},
    setName: () => {},
  };
}

function toLine(said: readonly unknown[]): string {
  return said
    .map((part) => (part instanceof Error ? part.message : String(part)))
    .join(' ')
    .replace(TOKEN, '[redacted]')
    .slice(0, 500);
}
