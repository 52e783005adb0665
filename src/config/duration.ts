/** How long, written as people write it (`24h`, `30m`, `500ms`) and read as milliseconds. */
import ms, { type StringValue } from 'ms';
import { z } from 'zod';

/** What a duration yields once parsed; a whole number. */
export type Milliseconds = number;

const DURATION_PATTERN = /^\d+(\.\d+)?(ms|s|m|h|d|w)$/;
const DURATION_WORDS = 'a duration such as 500ms, 30s, 15m, 24h, 7d or 2w';

/** A duration in a configuration file; parsing yields whole milliseconds. Bounds are written like the value itself. */
export function duration(bounds: { min?: StringValue; max?: StringValue } = {}) {
  const { min, max } = bounds;
  return z
    .string({ error: ({ input }) => (input === undefined ? undefined : DURATION_WORDS) })
    .regex(DURATION_PATTERN, DURATION_WORDS)
    .transform((text, context): Milliseconds => {
      const value = toMilliseconds(text);
      if (min !== undefined && value < ms(min)) {
        context.addIssue({ code: 'custom', message: `a duration of at least ${min}` });
      }
      if (max !== undefined && value > ms(max)) {
        context.addIssue({ code: 'custom', message: `a duration of at most ${max}` });
      }
      return value;
    });
}

/** Whole: 1.1h times its factor is 3960000.0000000005, which no moment that is kept may be. */
function toMilliseconds(text: string): Milliseconds {
  // The pattern above admits only what `ms` understands.
  return Math.round(ms(text as StringValue));
}
