/** Parts of `settings.yaml` about what happens when something is away, or is called too often. */
import { z } from 'zod';
import { isEncryptedOrLocal } from '../domain/encryption.ts';
import { duration } from './duration.ts';

/** A model that is asked when those before it are away. What is left out is as for the first. */
export const ModelFallback = z.strictObject({
  name: z.string().min(1).describe('The model.'),
  api_key: z.string().optional().describe('From the environment, never written here.'),
  base_url: z
    .url()
    .refine(isEncryptedOrLocal, 'must be https, or an address of this machine')
    .optional()
    .describe('Where it is asked.'),
});
export type ModelFallback = z.infer<typeof ModelFallback>;

export const BreakerSettings = z.strictObject({
  failures: z
    .int()
    .min(1)
    .max(1_000)
    .default(5)
    .describe('Failures, one after the other, after which a service is not called for a while.'),
  cool_down: duration({ min: '1ms', max: '1h' })
    .prefault('30s')
    .describe('How long. Then one call is made to see whether it is back.'),
});
export type BreakerSettings = z.infer<typeof BreakerSettings>;

const ToolName = z.string().regex(/^[A-Za-z][\w.:-]{0,63}$/, 'the name of a tool');

const ToolSetting = z.strictObject({
  per_minute: z
    .int()
    .min(1)
    .max(1_000_000)
    .optional()
    .describe('Most calls in a minute, by everybody together. Left out: as many as are wanted.'),
});

export const ToolSettings = z.record(ToolName, ToolSetting);
export type ToolSettings = z.infer<typeof ToolSettings>;
