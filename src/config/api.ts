/** The section `api` of `settings.yaml`: programs that ask people through Signalbox, and whom each may ask. */
import { z } from 'zod';
import { isEncryptedOrLocal } from '../domain/encryption.ts';
import { PersonId } from '../domain/ids.ts';
import { RoleName } from '../domain/person.ts';
import { ScheduleName } from '../domain/quorum.ts';
import { WrittenApprovers } from './approvers.ts';
import { duration } from './duration.ts';

/**
 * What a key may be used for. Closed: a scope nobody checks would promise what nobody keeps.
 *
 *   approvals:create    ask people; reply to their questions
 *   approvals:read      see, list and wait for what was asked
 *   approvals:answer    record what a person said
 *   approvals:cancel    take back what was asked
 *   approvals:execute   claim the permit to act on a yes, once
 */
export const ApiScope = z.enum([
  'approvals:create',
  'approvals:read',
  'approvals:answer',
  'approvals:cancel',
  'approvals:execute',
]);
export type ApiScope = z.infer<typeof ApiScope>;

/** What clients call the agent where they say whose requests they want to see. */
export const THE_AGENT = 'agent';

/** Fits into the id of a person and of an account, which a client is when it asks for itself. */
export const ClientName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a client is named with lower-case letters, digits and hyphens')
  .refine((name) => name !== THE_AGENT, 'is what the agent is called; name the client something else');

export const KeyName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a key is named with lower-case letters, digits and hyphens');

/** Printable, and without spaces, so that it fits into a header. */
const Token = z
  .string()
  .regex(
    /^[\x21-\x7e]{32,512}$/,
    'needs at least 32 characters, none of them a space: `openssl rand -hex 32` makes a good one',
  );

const PresetName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a preset is named with lower-case letters, digits and hyphens');

/** Standard Webhooks: `whsec_` and base64 of 24 to 64 bytes. */
export const SigningSecret = z
  .string()
  .regex(
    /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/,
    'must be written whsec_ and 24 to 64 bytes in base64: `echo whsec_$(openssl rand -base64 32)` makes a good one',
  );

const WebhookFields = z.strictObject({
  url: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Where the client hears what became of what it asked. Left out: it has to ask.'),
  secret: SigningSecret.optional().describe('Signs what is sent: whsec_… From the environment.'),
  former_secret: SigningSecret.optional().describe(
    'Signs as well, while the client changes over to another secret.',
  ),
  allow_insecure: z
    .boolean()
    .default(false)
    .describe('Allows http:// to another machine. For closed networks only.'),
});

const Webhook = WebhookFields.superRefine(({ url, secret, allow_insecure: isAllowed }, context) => {
  if (url === undefined) return;
  const problem = problemWithUrl(url, isAllowed);
  if (problem !== undefined) context.addIssue({ code: 'custom', path: ['url'], message: problem });
  if (secret === undefined) {
    context.addIssue({
      code: 'custom',
      path: ['secret'],
      message: 'is needed with a url: nobody could tell our word from a stranger’s without it',
    });
  }
});
export type WebhookSettings = z.infer<typeof Webhook>;

function problemWithUrl(url: string, isAllowed: boolean): string | undefined {
  if (!isAllowed && !isEncryptedOrLocal(url)) {
    return 'would send answers of people in the clear: write https://, or set allow_insecure';
  }
  const { username, password } = new URL(url);
  if (username !== '' || password !== '') return 'holds a user or a password; what is sent is signed instead';
  return undefined;
}

export const ApiClient = z.strictObject({
  description: z.string().max(200).optional().describe('For readers of this file.'),
  keys: z
    .record(
      KeyName,
      z.strictObject({
        token: Token.optional().describe('From the environment. Without one the key opens nothing.'),
        scopes: z.array(ApiScope).min(1).describe('What may be done with it.'),
      }),
    )
    .default({})
    .describe('Keys from the environment; others are made with `signalbox api keys create`.'),
  asks: z
    .array(
      z.union([
        z.strictObject({ role: RoleName.describe('Holders of this role.') }),
        z.strictObject({ person: PersonId.describe('This person of contacts.yaml.') }),
        z.strictObject({ on_call: ScheduleName.describe('Whoever is on call by this schedule.') }),
      ]),
    )
    .default([])
    .describe('Whom it may ask, in whatever combination. Nobody, if left out.'),
  presets: z
    .record(
      PresetName,
      z.strictObject({
        approvers: WrittenApprovers,
        policy: z.string().default('default').describe('A policy of escalation.yaml.'),
      }),
    )
    .default({})
    .describe('Whom to ask, by a name that the client uses as `rule`.'),
  policies: z
    .array(z.string())
    .min(1, 'has to name one, or has to be left out')
    .default(['default'])
    .describe('Policies of escalation.yaml it may name; the first is used when it names none.'),
  asks_for: z
    .union([z.literal('everybody'), z.array(PersonId)])
    .default([])
    .describe('People on whose behalf it may ask. For itself it always may.'),
  answers_for: z
    .union([z.literal('everybody'), z.array(PersonId)])
    .default([])
    .describe('People whose answers it may record, with approvals:answer. Each is checked like everywhere.'),
  answers_own: z.boolean().default(false).describe('Whether it may record answers to what it asked itself.'),
  sees: z
    .enum(['own', 'all'])
    .default('own')
    .describe('own: what it asked. all: also what other clients and the agent asked.'),
  requests_per_minute: z
    .int()
    .min(1)
    .max(100_000)
    .default(600)
    .describe('More than this with one key is refused.'),
  webhook: Webhook.prefault({}).describe('Where it is told what became of what it asked.'),
});
export type ApiClient = z.infer<typeof ApiClient>;

const ApiFields = z.strictObject({
  enabled: z
    .union([z.literal('auto'), z.boolean()])
    .default('auto')
    .describe('auto: on when there is a client.'),
  clients: z.record(ClientName, ApiClient).default({}).describe('Programs that may ask, by name.'),
  forget_webhooks_after: duration({ min: '1m', max: '7d' })
    .prefault('24h')
    .describe('A webhook nobody takes for so long goes to the dead letters.'),
});

export const ApiSettings = ApiFields.refine(hasOwnTokens, {
  error: 'two keys have the same token: they could not be told apart',
  path: ['clients'],
});
export type ApiSettings = z.infer<typeof ApiSettings>;

/** Whether anybody can be a client. */
export function isApiOn({ enabled, clients }: ApiSettings): boolean {
  return enabled === 'auto' ? Object.keys(clients).length > 0 : enabled;
}

function hasOwnTokens({ clients }: z.infer<typeof ApiFields>): boolean {
  const tokens = Object.values(clients).flatMap(({ keys }) =>
    Object.values(keys).flatMap(({ token }) => token ?? []),
  );
  return new Set(tokens).size === tokens.length;
}
