/** The JSON Schema of a tool's arguments as a check of ours. */
import { Ajv, type ErrorObject, type Options } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import formats from 'ajv-formats';
import { z } from 'zod';
import { readUrl } from '../domain/url.ts';
import { checkable, matcherOf } from './patterns.ts';

/** What is unknown to it is passed over, as JSON Schema says; it neither fills in defaults nor changes types. */
const OPTIONS: Options = {
  strict: false,
  validateFormats: true,
  allErrors: false,
  logger: false,
  code: { regExp: Object.assign((pattern: string) => matcherOf(pattern), { code: 'matcherOf' }) },
};

/**
 * Takes no longer than the arguments are long, whatever patterns a server has written: what cannot be checked in such a
 * time (`uncheckedIn`) is left to the server. Compiled right away: make one only of a schema that somebody has agreed to.
 *
 * @throws when the schema is none, or refers to another
 */
export function argumentsSchema(schema: Readonly<Record<string, unknown>>): z.ZodType {
  const ajv = ajvFor(String(schema.$schema ?? ''));
  formats.default(ajv, { mode: 'fast', keywords: true });
  ajv.addFormat('url', isUrl);
  const validate = ajv.compile(checkable(schema));
  return z.record(z.string(), z.unknown()).superRefine((args, context) => {
    if (validate(args)) return;
    for (const error of validate.errors ?? []) {
      context.addIssue({ code: 'custom', path: pathOf(error), message: messageOf(error) });
    }
  });
}

/** The dialect it is written in; MCP's own, 2020-12, where it does not say (MCP specification, "Tools"). */
function ajvFor(dialect: string): Ajv {
  if (/draft-0[67]/.test(dialect)) return new Ajv(OPTIONS);
  return dialect.includes('2019-09') ? new Ajv2019(OPTIONS) : new Ajv2020(OPTIONS);
}

/** The pattern for it takes ten seconds for a hundred thousand characters, in both modes of `ajv-formats`. */
function isUrl(text: string): boolean {
  return /^(?:https?|ftp):\/\/\S+$/i.test(text) && readUrl(text) !== undefined;
}

function pathOf({ instancePath }: ErrorObject): string[] {
  return instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function messageOf({ message = 'does not fit', params, keyword }: ErrorObject): string {
  const { additionalProperty, allowedValues } = params as {
    additionalProperty?: unknown;
    allowedValues?: unknown;
  };
  // Of `additionalProperties` and `enum`, what it is about stands in the parameters alone.
  if (keyword === 'additionalProperties') return `must not have "${String(additionalProperty)}"`;
  return keyword === 'enum' ? `${message}: ${JSON.stringify(allowedValues)}` : message;
}
