/** `scheduler` of `settings.yaml`: how much people may have the agent do at another time. */
import { z } from 'zod';
import { isTimeZone } from '../calendar/time-zone.ts';
import { duration } from './duration.ts';

export const SchedulerSettings = z.strictObject({
  per_person: z
    .int()
    .min(0)
    .max(1_000)
    .default(20)
    .describe('Most of them that one person has at a time. 0: nobody may have any.'),
  least_interval: duration({ min: '1m', max: '30d' })
    .prefault('5m')
    .describe('Shortest time between two runs of what is done again and again.'),
  time_zone: z
    .string()
    .refine(isTimeZone, 'must be a time zone such as Europe/Berlin')
    .default('UTC')
    .describe('Whose times are meant where somebody names no other: Europe/Berlin.'),
});
export type SchedulerSettings = z.infer<typeof SchedulerSettings>;
