/** The API as an OpenAPI 3.1 document, made of the very schemas that are enforced. Pure. */
import { z } from 'zod';
import { WrittenApprovers } from '../config/approvers.ts';
import { API_PATH, type Operation, operations } from './operations.ts';
import { PROBLEMS, type ProblemCode } from './problem.ts';
import {
  Act,
  AnswerRequest,
  ApprovalView,
  CancelRequest,
  Claimed,
  ClaimRequest,
  CompleteRequest,
  CreateRequest,
  Page,
  ProblemBody,
  RenewRequest,
  ReplyRequest,
  Waited,
  WebhookBody,
} from './schema.ts';

export type OpenApiDocument = { readonly [key: string]: unknown };

/** What goes wrong anywhere; `METHOD_NOT_ALLOWED` with any other method at the same address. */
const GENERAL: readonly ProblemCode[] = [
  'UNAUTHORIZED',
  'WRONG_SCOPE',
  'METHOD_NOT_ALLOWED',
  'TOO_MANY_REQUESTS',
  'TRY_AGAIN',
];
const WITH_BODY: readonly ProblemCode[] = ['TOO_LARGE', 'WRONG_MEDIA_TYPE'];

/** Schemas with a name of their own in the document. */
const NAMED = {
  Act,
  Answer: AnswerRequest,
  Approval: ApprovalView,
  Approvers: WrittenApprovers,
  Cancel: CancelRequest,
  Claim: ClaimRequest,
  Claimed,
  Complete: CompleteRequest,
  Create: CreateRequest,
  Page,
  Problem: ProblemBody,
  Renew: RenewRequest,
  Reply: ReplyRequest,
  Waited,
  WebhookEvent: WebhookBody,
} as const;

export function openApiDocument(): OpenApiDocument {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Signalbox',
      version: '1',
      summary: 'Ask people, on whatever channel they answer from, and act on their yes once.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: API_PATH }],
    security: [{ key: [] }],
    paths: toPaths(),
    webhooks: { approval: { post: toWebhook() } },
    components: {
      securitySchemes: {
        key: {
          type: 'http',
          scheme: 'bearer',
          description: 'A key of settings.yaml, or one made with `signalbox api keys create`.',
        },
      },
      schemas: toSchemas(),
    },
  };
}

export function renderOpenApi(): string {
  return `${JSON.stringify(openApiDocument(), undefined, 2)}\n`;
}

function toPaths(): Record<string, Record<string, unknown>> {
  const paths: Record<string, Record<string, unknown>> = {};
  for (const [id, operation] of operations()) {
    const path = operation.path.replaceAll(/:(\w+)/g, '{$1}');
    paths[path] = { ...paths[path], [operation.method.toLowerCase()]: toOperation(id, operation) };
  }
  return paths;
}

function toOperation(id: string, operation: Operation): Record<string, unknown> {
  const { summary, scope, body } = operation;
  const parameters = [
    ...toParameters('path', operation.params),
    ...toParameters('query', operation.query),
    ...idempotencyHeader(operation),
  ];
  return {
    operationId: id,
    summary,
    ...(scope ? { description: `Needs the scope \`${scope}\`.` } : { security: [] }),
    ...(parameters.length > 0 ? { parameters } : {}),
    ...(body
      ? { requestBody: { required: true, content: { 'application/json': { schema: toSchema(body) } } } }
      : {}),
    responses: { ...toAnswers(operation), ...toProblems(operation) },
  };
}

function idempotencyHeader({ idempotency }: Operation): unknown[] {
  if (!idempotency) return [];
  const needed =
    idempotency === 'required' ? 'Needed here, or as `idempotencyKey` in the body.' : 'Optional.';
  return [
    {
      name: 'Idempotency-Key',
      in: 'header',
      required: false,
      description: `Yours, and new for each act; the same again is the same act. ${needed}`,
      schema: { type: 'string', minLength: 1, maxLength: 200 },
    },
  ];
}

function toParameters(place: 'path' | 'query', schema: z.ZodType | undefined): unknown[] {
  if (!schema) return [];
  const { properties, required } = ObjectSchema.parse(toJson(schema));
  return Object.entries(properties).map(([name, { description, ...inner }]) => ({
    name,
    in: place,
    required: place === 'path' || required.includes(name),
    ...(description === undefined ? {} : { description }),
    schema: inner,
  }));
}

const ObjectSchema = z.object({
  properties: z.record(z.string(), z.looseObject({ description: z.string().optional() })),
  required: z.array(z.string()).default([]),
});

function toAnswers({ answers, events }: Operation): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema }]) => [
      status,
      {
        description,
        content: {
          'application/json': { schema: schema ? toSchema(schema) : { type: 'object' } },
          ...(events
            ? {
                'text/event-stream': {
                  schema: {
                    type: 'string',
                    description: 'Events `approval`, each with an approval as data and its rev as id.',
                  },
                },
              }
            : {}),
        },
      },
    ]),
  );
}

/** One answer for each status, with the codes that come with it. */
function toProblems({ scope, problems, body }: Operation): Record<string, unknown> {
  if (!scope) return {};
  const byStatus = new Map<number, ProblemCode[]>();
  for (const code of [...GENERAL, ...(body ? WITH_BODY : []), ...problems]) {
    const { status } = PROBLEMS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return Object.fromEntries(
    [...byStatus].map(([status, codes]) => [
      status,
      {
        description: codes.map((code) => `${code}: ${PROBLEMS[code].title}.`).join(' '),
        content: { 'application/problem+json': { schema: toSchema(ProblemBody) } },
      },
    ]),
  );
}

function toWebhook(): Record<string, unknown> {
  return {
    operationId: 'approvalChanged',
    summary: 'What became of something the client asked',
    description: 'Signed as Standard Webhooks says. Repeated until it is answered with 2xx, for a day.',
    security: [],
    parameters: ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map((name) => ({
      name,
      in: 'header',
      required: true,
      schema: { type: 'string' },
    })),
    requestBody: { required: true, content: { 'application/json': { schema: toSchema(WebhookBody) } } },
    responses: {
      '2XX': { description: 'It is taken.' },
      '410': { description: 'Nobody wants it: it goes to the dead letters at once.' },
    },
  };
}

// ── Schemas ──────────────────────────────────────────────────────────────────────────────────────────────────

function toSchema(schema: z.ZodType): unknown {
  const named = Object.entries(NAMED).find(([, each]) => each === schema);
  return named ? { $ref: `#/components/schemas/${named[0]}` } : toJson(schema);
}

function toSchemas(): Record<string, unknown> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(NAMED)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io: 'input',
    unrepresentable: 'any',
    uri: (id) => `#/components/schemas/${id}`,
  });
  return Object.fromEntries(Object.entries(schemas).map(([id, schema]) => [id, bare(schema)]));
}

function toJson(schema: z.ZodType): unknown {
  return bare(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
}

/** Without what says where a schema stands and in which dialect: the document says that. */
function bare({
  $schema: _dialect,
  $id: _place,
  ...schema
}: object & { $schema?: unknown; $id?: unknown }): object {
  return schema;
}
