/** The same requests, by the SDK alone: what a turn costs at least that asks the model once. */
import Anthropic from '@anthropic-ai/sdk';
import { cpuOfEach } from './turns-meter.ts';
import type { ReferenceOrder } from './turns-order.ts';

type Params = Parameters<Anthropic['messages']['stream']>[0];

process.once('message', async ({ url, bodies, warmUp }: ReferenceOrder) => {
  const anthropic = new Anthropic({ apiKey: 'bench', baseURL: url, maxRetries: 0 });
  const cpu = await cpuOfEach(bodies.length - warmUp, warmUp, (n) =>
    // They were made by this very SDK.
    anthropic.messages.stream(bodies[n] as Params).finalMessage(),
  );
  process.send?.(cpu);
});
console.log('ready');
