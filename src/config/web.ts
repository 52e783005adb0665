/** `web` of `settings.yaml`: which pages the agent may read, and who searches for it. */
import { z } from 'zod';
import { isEncryptedOrLocal } from '../domain/encryption.ts';
import { readUrl } from '../domain/url.ts';
import { duration } from './duration.ts';

/** Every host that anybody can reach. */
export const ANY_HOST = '*';

const HOST_WORDS =
  'must be a host as in example.com, *.example.com for everything below it, or "*" for every public host; with :port where it is another than the usual';
const INTERNAL_WORDS = 'must be one host as in wiki.internal or 10.0.0.5, with :port where it is another';

/** As URLs write it: in small letters, other scripts as Punycode, numbers as an address. */
const HostPattern = z.string().transform((text, context): string => {
  const written = canonical(text);
  if (written === undefined) context.addIssue({ code: 'custom', message: HOST_WORDS });
  return written ?? text;
});

const InternalHost = z.string().transform((text, context): string => {
  const written = text.includes(ANY_HOST) ? undefined : canonical(text);
  if (written === undefined) context.addIssue({ code: 'custom', message: INTERNAL_WORDS });
  return written ?? text;
});

const SearchFields = z.strictObject({
  provider: z
    .enum(['off', 'brave', 'searxng'])
    .default('off')
    .describe('Who is asked: brave (api.search.brave.com, with a key), or a searxng of your own.'),
  api_key: z.string().min(1).optional().describe('Of brave. From the environment, never written here.'),
  base_url: z
    .url({ protocol: /^https?$/ })
    .refine(isEncryptedOrLocal, 'must be https, or an address of this machine')
    .optional()
    .describe('Where the searxng is; of brave, another address for its API.'),
  results: z.int().min(1).max(20).default(8).describe('Most results of one search.'),
});

const SearchSettings = SearchFields.superRefine(({ provider, api_key, base_url }, context) => {
  const missing =
    provider === 'brave' && api_key === undefined
      ? 'api_key'
      : provider === 'searxng' && base_url === undefined
        ? 'base_url'
        : undefined;
  if (missing === undefined) return;
  context.addIssue({ code: 'custom', path: [missing], message: `is needed to search with ${provider}` });
});
export type SearchSettings = z.infer<typeof SearchSettings>;

export const WebSettings = z.strictObject({
  allow: z
    .array(HostPattern)
    .default([])
    .describe(
      'Hosts whose pages the agent may read, over https: example.com, *.example.com for all below it, "*" for every public one. None: it reads no pages.',
    ),
  deny: z.array(HostPattern).default([]).describe('Hosts it may not read, whatever `allow` says.'),
  internal: z
    .array(InternalHost)
    .default([])
    .describe(
      'Single hosts of your own network, each with what it may be reached by: also at a private address, and over http.',
    ),
  timeout: duration({ min: '1s', max: '2m' })
    .prefault('20s')
    .describe('For one page, with everything it redirects to.'),
  max_bytes: z
    .int()
    .min(1_000)
    .max(20_000_000)
    .default(2_000_000)
    .describe('Most that is read of one page, unpacked; the rest is cut, and said to be.'),
  max_chars: z
    .int()
    .min(500)
    .max(200_000)
    .default(30_000)
    .describe(
      'Most text of one page that the agent is shown at once, in characters; the rest is kept, and read on demand.',
    ),
  search: SearchSettings.prefault({}).describe('Searching the web.'),
});
export type WebSettings = z.infer<typeof WebSettings>;

/** `host` or `host:port`, perhaps with `*.` before it; undefined for what is neither. */
function canonical(text: string): string | undefined {
  const [, below = '', host = '', port] = PATTERN.exec(text.trim()) ?? [];
  if (host === ANY_HOST) return below === '' ? withPort(ANY_HOST, port) : undefined;
  const url = readUrl(`https://${host}`);
  if (!url) return undefined;
  const { hostname, pathname, username } = url;
  const isHost = hostname !== '' && pathname === '/' && username === '';
  return isHost ? withPort(`${below}${hostname.replace(/\.$/, '')}`, port) : undefined;
}

const PATTERN = /^(\*\.)?(\*|\[[0-9A-Fa-f:.]+\]|[^\s:/?#@*\\[\]]+)(?::(\d{1,5}))?$/;

function withPort(host: string, port: string | undefined): string {
  return port === undefined ? host : `${host}:${port}`;
}
