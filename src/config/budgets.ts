/** `budgets` of `settings.yaml`: how much the model may be used, by whom, and what that costs. */
import { z } from 'zod';
import { TimeZoneName } from './hours.ts';

const Tokens = z
  .int()
  .min(1)
  .max(1_000_000_000_000)
  .describe(
    'Most tokens, counted as the model counts them: read, written, and taken from or put into its cache.',
  );

const Money = z
  .number()
  .positive()
  .max(1_000_000_000)
  .describe('Most money, in `currency`. Needs the price of every model.');

/** Whatever is reached first; nothing is limited that is left out. */
export const Spending = z.strictObject({ tokens: Tokens.optional(), money: Money.optional() });
export type Spending = z.infer<typeof Spending>;

export const Quota = z.strictObject({
  day: Spending.prefault({}).describe('From midnight to midnight.'),
  month: Spending.prefault({}).describe('From the first of the month.'),
});
export type Quota = z.infer<typeof Quota>;

const PerMillion = z.number().min(0).max(1_000_000);

/** What a model costs, for a million tokens of each kind. */
export const Price = z.strictObject({
  input: PerMillion.describe('Read anew.'),
  output: PerMillion.describe('Written.'),
  cache_read: PerMillion.describe('Read from its cache.'),
  cache_write: PerMillion.describe('Put into its cache.'),
});
export type Price = z.infer<typeof Price>;

export const BudgetSettings = z.strictObject({
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'three letters such as USD or EUR')
    .default('USD')
    .describe('Of all money here.'),
  time_zone: TimeZoneName.default('UTC').describe(
    'Where the days and months of budgets begin: an IANA name. People read the time in their own.',
  ),
  turn: Spending.prefault({}).describe('One turn: everything the agent does about one message.'),
  conversation: Quota.prefault({}).describe('Each conversation.'),
  person: Quota.prefault({}).describe('Each person, in all conversations together.'),
  team: Quota.prefault({}).describe('Everybody together.'),
  prices: z
    .record(z.string().min(1), Price)
    .default({})
    .describe('For a million tokens, by the name of the model as it stands under `model`.'),
});
export type BudgetSettings = z.infer<typeof BudgetSettings>;
