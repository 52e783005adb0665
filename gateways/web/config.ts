/** The settings of the web gateway. */
import { z } from 'zod';
import { readUrl } from '../../src/domain/url.ts';

const ClientName = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,31}$/, 'a client is named with lower-case letters, digits and hyphens');

/** Printable, and without spaces, so that it fits into a header. */
const Token = z
  .string()
  .regex(
    /^[\x21-\x7e]{32,512}$/,
    'needs at least 32 characters, none of them a space: `openssl rand -hex 32` makes a good one',
  );

const OriginUrl = z
  .string()
  .refine(isOrigin, 'is an origin, as browsers send it: https://app.example.com, without a path');

const Settings = z.strictObject({
  /** `auto`: on when a client has a token. */
  enabled: z.union([z.literal('auto'), z.boolean()]).default('auto'),
  /** What every address of this gateway begins with. */
  path: z
    .string()
    .regex(/^\/[\w.~-]+(?:\/[\w.~-]+)*$/, 'begins with a slash and ends without one')
    .default('/web'),
  /** Web pages that may call from a browser; programs send no origin. */
  allowed_origins: z.array(OriginUrl).default([]),
  /** Programs that may connect, by name. One without a token cannot. */
  clients: z.record(ClientName, z.strictObject({ token: Token.optional() })).default({}),
});

export const WebSettings = Settings.refine(
  (web) => web.enabled !== true || missingWebSettings(web).length === 0,
  { error: 'is enabled but no client has a token' },
).refine(hasOwnTokens, { error: 'two clients have the same token: they could not be told apart' });
export type WebSettings = z.infer<typeof WebSettings>;

/** Names of the settings that are needed and not there. */
export function missingWebSettings(web: z.infer<typeof Settings>): string[] {
  return Object.values(web.clients).some(({ token }) => token !== undefined) ? [] : ['clients.<name>.token'];
}

function hasOwnTokens({ clients }: z.infer<typeof Settings>): boolean {
  const tokens = Object.values(clients).flatMap(({ token }) => token ?? []);
  return new Set(tokens).size === tokens.length;
}

function isOrigin(text: string): boolean {
  const url = readUrl(text);
  return url !== undefined && /^https?:$/.test(url.protocol) && url.origin === text;
}
