/** What `signalbox check` says of what is planned for another time. Pure. */
import type { CheckFinding } from '../domain/gateway.ts';
import type { Schedule } from '../scheduler/schedule.ts';

/** So long after its time something is taken for late, in ms; the gateway runs it within seconds. */
const LATE_MS = 5 * 60_000;

type Planned = Pick<Schedule, 'id' | 'nextMs'>;

export interface Now {
  readonly gatewayRuns: boolean;
  /** Of those, whose author may not ask any more. */
  readonly orphaned: readonly Planned[];
  readonly nowMs: number;
}

/** @param active the next first. Undefined when nothing is planned */
export function scheduleFinding(
  active: readonly Planned[],
  { gatewayRuns, orphaned, nowMs }: Now,
): CheckFinding | undefined {
  const [next] = active;
  if (!next) return undefined;
  const subject = 'schedules';
  const late = active.filter(({ nextMs }) => nextMs < nowMs - LATE_MS);
  const [oldest] = late;
  if (gatewayRuns && oldest) {
    return {
      subject,
      status: 'failed',
      detail: `${late.length} of ${active.length} planned should have been run, the first at ${moment(oldest)} (${oldest.id}), though the gateway runs`,
      remedy: 'Read its log; lines about what was planned say what it fails at.',
    };
  }
  const parts = [
    `${active.length} planned`,
    late.length > 0
      ? `${late.length} of them late: run once a gateway does`
      : `the next at ${moment(next)} (${next.id})`,
    ...(late.length === 0 && !gatewayRuns ? ['nothing is run until a gateway does'] : []),
    ...(orphaned.length > 0 ? [orphanedText(orphaned)] : []),
  ];
  return { subject, status: 'works', detail: parts.join('; ') };
}

function orphanedText(orphaned: readonly Planned[]): string {
  const ids = orphaned.map(({ id }) => id).join(', ');
  return `stopped when their time comes, because whoever planned them may not ask any more: ${ids}`;
}

function moment({ nextMs }: Planned): string {
  return new Date(nextMs).toISOString();
}
