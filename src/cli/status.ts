/** `signalbox status`: whether the gateway runs, and how the services outside stand, as its processes see them. */
import type { BreakerState } from '../health/breakers.ts';
import { readHealth } from '../health/health-board.ts';
import { relative, table } from './table.ts';
import { demandOperator, say, type UsageOptions } from './usage.ts';
import { withKnownStores } from './with-stores.ts';

const STATE: Record<BreakerState, string> = {
  CLOSED: 'works',
  OPEN: 'cut off',
  HALF_OPEN: 'being tried',
};

/** Exit code 1 when something is cut off, or no gateway runs. */
export async function showStatus(options: UsageOptions): Promise<number> {
  return withKnownStores(options.config, async (session) => {
    demandOperator(session, options, 'see how the gateway is');
    const nowMs = Date.now();
    const [services, isRunning] = await Promise.all([
      readHealth(session.redis, session.keys, nowMs),
      session.isGatewayRunning(),
    ]);
    const isWell = isRunning && services.every(({ state }) => state === 'CLOSED');
    if (options.json) say(JSON.stringify({ ok: isWell, running: isRunning, services }, undefined, 2));
    else say(`${isRunning ? 'The gateway runs.' : 'No gateway runs.'}\n\n${render()}`);
    return isWell ? 0 : 1;

    function render(): string {
      if (services.length === 0) return 'No service outside was called in the last minute.';
      const rows = services
        .toSorted((a, b) => (a.name < b.name ? -1 : 1))
        .map(({ name, state, sinceMs, reason = '', process }) => [
          name,
          STATE[state],
          relative(sinceMs, nowMs),
          process,
          reason,
        ]);
      return table(['service', 'state', 'since', 'seen by', 'why'], rows);
    }
  });
}
