/** A sign of life to somebody outside, who raises the alarm when it stays away. The address is a secret. */

import { timeLimit } from '../domain/time-limit.ts';
import type { Logger } from '../observability/logger.ts';

export interface HeartbeatSettings {
  readonly heartbeat_url?: string | undefined;
  readonly heartbeat_method: 'GET' | 'POST';
  readonly heartbeat_timeout: number;
}

export class Heartbeat {
  constructor(
    private readonly settings: () => HeartbeatSettings,
    private readonly log: Logger,
  ) {}

  /** Never throws: that it could not be sent is for whoever waits for it to notice. */
  async send(signal: AbortSignal): Promise<'sent' | 'failed' | 'off'> {
    const { heartbeat_url: url, heartbeat_method: method, heartbeat_timeout: timeoutMs } = this.settings();
    if (url === undefined) return 'off';
    const { host } = new URL(url);
    try {
      const response = await fetch(url, {
        method,
        signal: AbortSignal.any([signal, timeLimit(timeoutMs)]),
      });
      await response.body?.cancel();
      if (response.ok) return 'sent';
      this.log.warn(
        { host, status: response.status },
        'the heartbeat was refused; check watchdog.heartbeat_url',
      );
    } catch (error) {
      // Only the name of what went wrong: texts of errors quote addresses.
      this.log.warn({ host, reason: reasonOf(error) }, 'the heartbeat could not be sent');
    }
    return 'failed';
  }
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { cause } = error;
  return cause instanceof Error && 'code' in cause ? String(cause.code) : error.name;
}
