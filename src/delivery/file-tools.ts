/**
 * `attach_file`: text that is better read as a file than in a message. The call only makes it: it goes out with the reply
 * of the turn, or, where somebody had to agree first, of the turn that hears that they did (`router/approval-handler`).
 */
import { z } from 'zod';
import { toFileName } from '../domain/file-name.ts';
import type { OutFile } from '../domain/message.ts';
import type { Tool } from '../domain/tool.ts';
import { withoutFormulas } from './formulas.ts';

/** Longest file, in characters. A model's whole answer is shorter, and four bytes each still fit in a message. */
const MAX_TEXT_CHARS = 200_000;

/** Files that programs show as the text they are. */
const INERT = /\.(?:txt|csv|tsv|json|jsonl|ya?ml|toml|log|diff|patch|sql)$/i;
const INERT_TYPES: ReadonlySet<string> = new Set([
  'text/plain',
  'text/csv',
  'text/tab-separated-values',
  'application/json',
  'application/yaml',
]);

const AttachFile = z.object({
  name: z.string().min(1).max(255).describe('The name with its ending, without a path: `report.csv`.'),
  text: z.string().min(1).max(MAX_TEXT_CHARS).describe('The whole content.'),
  media_type: z
    .string()
    .regex(/^[a-z0-9]+\/[a-z0-9][a-z0-9.+-]*$/, 'a media type is written type/subtype, in lower case')
    .max(100)
    .default('text/plain')
    .describe('For example text/csv, text/markdown, application/json.'),
});

/** Programs that show tables calculate in them; which one opens a file is up to its name, or to its type. */
const TABLE = /\.(?:csv|tsv)$/i;
const TABLE_TYPES: ReadonlySet<string> = new Set(['text/csv', 'text/tab-separated-values']);

export function createFileTools(): Tool[] {
  const attachFile: Tool<typeof AttachFile> = {
    name: 'attach_file',
    group: 'messaging',
    family: 'files',
    version: 1,
    description:
      'Attaches a text file to your reply. A second file of the same name replaces the first. Say in your reply what it is.',
    input: AttachFile,
    risk: 'low',
    effect: 'idempotent',
    reversible: true,
    timeoutMs: 5_000,
    inTurn: true,
    deed: 'reply',
    async execute({ name, text, media_type: wanted }, { hasReadStrangers }) {
      const sent = hasReadStrangers ? harmless(name, wanted) : { name: toFileName(name), mediaType: wanted };
      const content = hasReadStrangers && isTable(sent) ? withoutFormulas(text) : text;
      const bytes = Buffer.from(content.replaceAll(/\p{Surrogate}/gu, '\uFFFD'));
      const file = { ...sent, base64: bytes.toString('base64') };
      return {
        status: 'ok',
        text: `"${file.name}" (${bytes.length} bytes) goes out with your reply.`,
        files: [file],
      };
    },
  };
  // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
  return [attachFile] as unknown as Tool[];
}

/** As it goes out: by its name and by its type. */
type Sent = Pick<OutFile, 'name' | 'mediaType'>;

/** A page, or a picture made of text, would load what strangers wished for as soon as it is opened: it is plain text. */
function harmless(name: string, wanted: string): Sent {
  const given = toFileName(name);
  return {
    name: INERT.test(given) ? given : toFileName(`${given}.txt`),
    mediaType: INERT_TYPES.has(wanted) ? wanted : 'text/plain',
  };
}

function isTable({ name, mediaType }: Sent): boolean {
  return TABLE.test(name) || TABLE_TYPES.has(mediaType);
}
