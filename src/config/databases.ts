/** `databases` of `settings.yaml`: what the agent may ask questions of, by the name it uses for it. */
import { z } from 'zod';
import { isLoopback } from '../domain/encryption.ts';
import { readUrl } from '../domain/url.ts';
import { duration } from './duration.ts';

export const DatabaseName = z
  .string()
  .regex(/^[a-z][a-z0-9_-]{0,31}$/, 'a database is named in lower-case letters, digits, _ and -');

const URL_WORDS = 'must be postgres://user@host:port/database; the password has a key of its own';

export const DatabaseSettings = z.strictObject({
  url: z
    .string()
    .refine(isPostgresUrl, URL_WORDS)
    .refine(isDecodable, 'must have two hexadecimal digits behind each %; a % itself is written %25')
    .describe('postgres://user@host:port/database. The user is one that may only read.'),
  password: z.string().min(1).optional().describe('From the environment, never written here.'),
  description: z
    .string()
    .max(500)
    .default('')
    .describe('What is in it, for the agent: which questions it answers.'),
  timeout: duration({ min: '100ms', max: '2m' }).prefault('10s').describe('For one question.'),
  max_rows: z.int().min(1).max(1_000).default(100).describe('Most rows of one answer.'),
  connections: z.int().min(1).max(20).default(4).describe('Most connections at the same time.'),
  sends_nothing: z
    .boolean()
    .default(false)
    .describe(
      'Says that nothing in this database can send what it is asked: no dblink, no foreign server, no program. Then ' +
        'questions run without a human also after strangers were read. A database where it is not so is not used.',
    ),
  allow_insecure: z
    .boolean()
    .default(false)
    .describe('Allows an unencrypted connection to another machine. For closed networks only.'),
});

export type DatabaseSettings = z.infer<typeof DatabaseSettings>;

export const Databases = z.record(DatabaseName, DatabaseSettings);
export type Databases = z.infer<typeof Databases>;

/** Whether what is said to it leaves this machine. */
export function isLocal({ url }: Pick<DatabaseSettings, 'url'>): boolean {
  return isLoopback(new URL(url).hostname);
}

/** What follows a `%` is taken for a character when a connection is opened. */
function isDecodable(text: string): boolean {
  try {
    decodeURIComponent(text);
    return true;
  } catch {
    return false;
  }
}

function isPostgresUrl(text: string): boolean {
  const url = readUrl(text);
  if (!url) return false;
  const { protocol, hostname, username, password, pathname, search } = url;
  const isWhole = hostname !== '' && username !== '' && pathname.length > 1;
  return /^postgres(ql)?:$/.test(protocol) && isWhole && password === '' && search === '';
}
