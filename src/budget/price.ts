/** What the use of a model comes to. Money is counted in millionths of the currency, so that sums stay exact. Pure. */
import type { Price } from '../config/budgets.ts';
import type { Usage } from '../domain/transcript.ts';

/** Millionths of the configured currency. */
export type MicroMoney = number;

export const MICRO = 1_000_000;

/**
 * The price of a model as the service names it: one that is configured by a name of its family (`claude-x`) also
 * counts for a dated one (`claude-x-20260901`). Of a model nobody has set a price for, the dearest of each kind, so
 * that a budget is never overrun for want of one; nothing where there are no prices at all.
 */
export function priceOf(model: string, prices: Readonly<Record<string, Price>>): Price | undefined {
  const exact = Object.hasOwn(prices, model) ? prices[model] : undefined;
  if (exact) return exact;
  const family = Object.keys(prices)
    .filter((name) => model.startsWith(`${name}-`))
    .toSorted((a, b) => b.length - a.length)[0];
  return family === undefined ? dearest(Object.values(prices)) : prices[family];
}

export function costOf(usage: Usage, price: Price | undefined): MicroMoney {
  if (!price) return 0;
  // So many per million tokens is so many millionths for one.
  return Math.ceil(
    usage.inputTokens * price.input +
      usage.outputTokens * price.output +
      usage.cacheReadTokens * price.cache_read +
      usage.cacheWriteTokens * price.cache_write,
  );
}

export function tokensOf(usage: Usage): number {
  return usage.inputTokens + usage.outputTokens + usage.cacheReadTokens + usage.cacheWriteTokens;
}

function dearest(prices: readonly Price[]): Price | undefined {
  const most = (kind: keyof Price) => Math.max(...prices.map((price) => price[kind]));
  if (prices.length === 0) return undefined;
  return {
    input: most('input'),
    output: most('output'),
    cache_read: most('cache_read'),
    cache_write: most('cache_write'),
  };
}
