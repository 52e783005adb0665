/** What tests of the e-mail gateway share: somebody who receives, settings, and raw mails. */
import { PassThrough } from 'node:stream';
import { EmailSettings } from '../../gateways/email/config.ts';
import { type EmailDeps, EmailGateway } from '../../gateways/email/gateway.ts';
import type { Bookmarks, Receive } from '../../src/domain/gateway.ts';
import type { Inbound, InboundMessage } from '../../src/domain/message.ts';
import { createLogger, type Logger } from '../../src/observability/logger.ts';

/** Stands in for the core: keeps what it is handed, and refuses when told to. */
export class Core {
  readonly received: InboundMessage[] = [];
  refusals = 0;
  #failures = 0;
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  /** The next `times` messages are not stored. */
  failNext(times: number): void {
    this.#failures = times;
  }

  readonly receive: Receive = async (inbound: Inbound) => {
    if (this.#failures > 0) {
      this.#failures -= 1;
      this.refusals += 1;
      throw new Error('the store is away');
    }
    if (inbound.kind !== 'message') throw new Error(`unexpected ${inbound.kind}`);
    this.received.push(inbound);
    for (const { resolve } of this.#waiting.filter(({ count }) => this.received.length >= count)) resolve();
    return { kind: 'stored' };
  };

  /** Resolves with the message of this number, counted from 1. */
  async message(count: number): Promise<InboundMessage> {
    if (this.received.length < count) {
      await new Promise<void>((resolve) => this.#waiting.push({ count, resolve }));
    }
    return this.received[count - 1]!;
  }
}

/** Bookmarks in memory that outlive a gateway, as Redis does. */
export class MemoryBookmarks implements Bookmarks {
  readonly values = new Map<string, string>();

  async read(name: string): Promise<string | undefined> {
    return this.values.get(name);
  }

  async write(name: string, value: string): Promise<void> {
    this.values.set(name, value);
  }
}

export interface LogLine {
  readonly level: string;
  readonly msg: string;
  readonly [fact: string]: unknown;
}

/** A log whose lines a test can read. */
export function readableLog(): { readonly log: Logger; readonly lines: LogLine[] } {
  const lines: LogLine[] = [];
  const destination = new PassThrough();
  destination.on('data', (chunk: Buffer) => {
    for (const line of chunk.toString().split('\n')) if (line !== '') lines.push(JSON.parse(line));
  });
  return { log: createLogger({ level: 'debug', destination }), lines };
}

export function emailSettings(overrides: Record<string, unknown> = {}): EmailSettings {
  return EmailSettings.parse({
    address: 'signalbox@gateway.test',
    smtp: { host: '127.0.0.1', port: 9 },
    inbound: { listen: {} },
    ...overrides,
  });
}

export function emailGateway(settings: EmailSettings, deps: Partial<EmailDeps> = {}): EmailGateway {
  return new EmailGateway(settings, {
    log: createLogger({ level: 'silent' }),
    clock: { now: () => Date.now() },
    bookmarks: new MemoryBookmarks(),
    ...deps,
  });
}

/** A raw mail from its lines. */
export function rawMail(...lines: string[]): string {
  return `${lines.join('\r\n')}\r\n`;
}
