/** The configuration files as JSON Schema, so that editors complete and explain every key. */
import { z } from 'zod';
import { Authorizations } from './authorizations.ts';
import { Contacts } from './contacts.ts';
import { EscalationConfig } from './escalation.ts';
import type { ConfigPart } from './load-config.ts';
import { Purpose } from './purpose.ts';
import { SchedulesConfig } from './schedules.ts';
import { type GatewaySchemas, settingsSchema } from './settings.ts';

export type JsonSchema = { readonly [key: string]: unknown };

/** One schema per file, made from the very schemas that are enforced. Pure. */
export function configJsonSchema(gateways: GatewaySchemas): Record<ConfigPart, JsonSchema> {
  return {
    purpose: toJsonSchema(Purpose),
    authorizations: toJsonSchema(Authorizations),
    contacts: toJsonSchema(Contacts),
    schedules: toJsonSchema(SchedulesConfig),
    escalation: toJsonSchema(EscalationConfig),
    settings: toJsonSchema(settingsSchema(gateways)),
  };
}

/** As it lies beside the configuration files, in the folder their first lines point to. */
export function renderJsonSchema(schema: JsonSchema): string {
  return `${JSON.stringify(schema, undefined, 2)}\n`;
}

function toJsonSchema(schema: z.ZodType): JsonSchema {
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
  return { $schema, ...asObject(admitReferences(rest)) };
}

/** A reference to the environment is text, and may stand wherever a value is more than plain text. */
const REFERENCE = { type: 'string', pattern: '\\$\\{[A-Za-z_]\\w*(:-[^}]*)?\\}' } as const;

const CONSTRAINTS = ['pattern', 'format', 'enum', 'minLength', 'maxLength'];

function admitReferences(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(admitReferences);
  if (typeof node !== 'object' || node === null) return node;
  if (isConstrainedLeaf(node)) {
    const { description, default: fallback, ...value } = asObject(node);
    return {
      ...(description === undefined ? {} : { description }),
      ...(fallback === undefined ? {} : { default: fallback }),
      anyOf: [value, REFERENCE],
    };
  }
  const entries = Object.entries(node).map(([key, inner]) => [
    key,
    SCHEMA_KEYS.has(key) ? admitEach(key, inner) : inner,
  ]);
  return Object.fromEntries(entries);
}

/** Keywords that hold further schemas of values; `propertyNames` is about keys, which take no references. */
const SCHEMA_KEYS: ReadonlySet<string> = new Set([
  'properties',
  'additionalProperties',
  'items',
  'anyOf',
  'oneOf',
  'allOf',
]);

function admitEach(keyword: string, inner: unknown): unknown {
  if (keyword !== 'properties') return admitReferences(inner);
  return Object.fromEntries(
    Object.entries(asObject(inner)).map(([name, schema]) => [name, admitReferences(schema)]),
  );
}

function isConstrainedLeaf(node: object): boolean {
  const { type } = asObject(node);
  if (type === 'number' || type === 'integer' || type === 'boolean') return true;
  return type === 'string' && CONSTRAINTS.some((keyword) => keyword in node);
}

function asObject(value: unknown): JsonSchema {
  // Only called on objects of a JSON Schema.
  return value as JsonSchema;
}
