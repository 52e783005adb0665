/** What `signalbox check` says of the self-audit. Pure. */
import type { CheckFinding } from '../domain/gateway.ts';
import type { LookRecord } from '../services/watchdog-record.ts';

/** Looks that may fail to happen, while a gateway takes over from another or is busy. */
const LOOKS_MISSED = 4;

export function auditFinding(
  last: { readonly look: LookRecord; readonly mendedEver: number } | undefined,
  {
    gatewayRuns,
    everyMs,
    nowMs,
  }: { readonly gatewayRuns: boolean; readonly everyMs: number; readonly nowMs: number },
): CheckFinding {
  const subject = 'self-audit';
  if (!last) return { subject, status: 'works', detail: 'it begins when the gateway has run for a while' };

  const { look, mendedEver } = last;
  const agoMs = nowMs - look.atMs;
  const when = `${Math.max(0, Math.round(agoMs / 1_000))} s ago`;
  if (gatewayRuns && agoMs > look.tookMs + LOOKS_MISSED * everyMs) {
    return {
      subject,
      status: 'failed',
      detail: `the last look was ${when}, though the gateway runs`,
      remedy: 'Read its log; lines about the self-audit say what it fails at.',
    };
  }
  const found = Object.entries(look.found).map(([kind, count]) => `${count} × ${kind}`);
  if (found.length > 0) {
    return {
      subject,
      status: 'failed',
      detail: `${when} it found ${found.join(', ')}; ${look.mended} put right`,
      remedy:
        'Read the log and `signalbox audit tail` for what it was; what was put right need not be done again.',
    };
  }
  const repairs = mendedEver === 0 ? 'nothing was ever wrong' : `${mendedEver} things were put right in all`;
  const heard = {
    sent: 'the heartbeat was sent',
    failed: 'the heartbeat could not be sent',
    withheld: 'no heartbeat was sent',
    off: 'nobody outside hears of it: watchdog.heartbeat_url is not set',
  }[look.heartbeat];
  const detail = `${when} all ${look.approvals} requests were in order; ${repairs}; ${heard}`;
  if (look.heartbeat !== 'failed') return { subject, status: 'works', detail };
  return {
    subject,
    status: 'failed',
    detail,
    remedy: 'Check watchdog.heartbeat_url, and that this machine can reach it.',
  };
}
