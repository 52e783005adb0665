/** Times in which no process of ours was there: what somebody had time for until then, they have later. Pure. */

/** A time in which no process of ours was there, so that nobody could answer, in ms. */
export interface Outage {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** How much of a time nobody of ours was there, in ms. */
export function awayBetween(outages: readonly Outage[], fromMs: number, untilMs: number): number {
  return outages.reduce(
    (sum, outage) => sum + Math.max(0, Math.min(outage.untilMs, untilMs) - Math.max(outage.fromMs, fromMs)),
    0,
  );
}

/** As the scripts tell them: `<from>-<until>` each. */
export function toOutages(list: unknown): Outage[] {
  return (Array.isArray(list) ? list : []).map((text) => {
    const [from, until] = String(text).split('-');
    return { fromMs: Number(from), untilMs: Number(until) };
  });
}
