/** `list_refunds`: which refunds the shop has made of an order. */
import { z } from 'zod';
import type { Tool } from '../../src/domain/tool.ts';

const ListRefunds = z.object({
  order: z.int().positive().describe('The number of the order.'),
});

/** What is used of the shop's answer. */
const Refunds = z.array(
  z.object({ id: z.string(), order: z.int(), amount: z.number(), currency: z.string() }),
);

/** `shopUrl` is where the shop's routes begin, e.g. `http://127.0.0.1:4080/shop`. */
export function createListRefunds(shopUrl: string): Tool {
  const tool: Tool<typeof ListRefunds> = {
    name: 'list_refunds',
    group: 'automation',
    family: 'shop',
    version: 1,
    description: 'Tells each refund that was made of one order. Use it before you ask for another.',
    input: ListRefunds,
    risk: 'low',
    effect: 'read',
    reversible: true,
    timeoutMs: 5_000,
    async execute({ order }, { signal }) {
      const response = await fetch(`${shopUrl}/refunds`, { signal });
      if (!response.ok) throw new Error(`the shop answered ${response.status}`);
      const refunds = Refunds.parse(await response.json()).filter((refund) => refund.order === order);
      const lines = refunds.map(({ id, amount, currency }) => `${id}: ${amount.toFixed(2)} ${currency}`);
      return { status: 'ok', text: lines.join('\n') || `Nothing was refunded of order ${order}.` };
    },
  };
  // A tool takes its own input; the list it goes into holds tools of different inputs, each checked by its schema first.
  return tool as unknown as Tool;
}
