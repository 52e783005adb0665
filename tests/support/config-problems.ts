/** What the loader would say about a text held against one schema. */
import type { z } from 'zod';
import { ConfigFile } from '../../src/config/config-file.ts';
import { checkSchema } from '../../src/config/schema-check.ts';

/** Each problem as `key path: expected …`, with the hint where there is one. */
export function problemsOf(schema: z.ZodType, text: string): string[] {
  return checkSchema(new ConfigFile('test.yaml', text, {}), schema).problems.map(
    ({ keyPath, expected, hint }) => `${keyPath}: ${expected}${hint === undefined ? '' : ` (${hint})`}`,
  );
}

/** What the file says, once it is parsed; undefined if it has a problem. */
export function readConfig<Schema extends z.ZodType>(
  schema: Schema,
  text: string,
): z.output<Schema> | undefined {
  const { value, problems } = checkSchema(new ConfigFile('test.yaml', text, {}), schema);
  return problems.length === 0 ? value : undefined;
}
