/** `attach_file`: text that is better read as a file than in a message. */
import { z } from 'zod';
import { toFileName } from '../domain/file-name.ts';
import type { Tool } from '../domain/tool.ts';

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

/** Programs that show tables calculate in them. */
const TABLE = /\.(?:csv|tsv)$/i;

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
    async execute({ name, text, media_type: wanted }, { hasReadStrangers }) {
      const content = hasReadStrangers && TABLE.test(name) ? withoutFormulas(text) : text;
      const bytes = Buffer.from(content.replaceAll(/\p{Surrogate}/gu, '\uFFFD'));
      const given = toFileName(name);
      // A page, or a picture made of text, would load what strangers wished for as soon as it is opened.
      const isPlain = hasReadStrangers === true && !INERT.test(given);
      const mediaType = hasReadStrangers && !INERT_TYPES.has(wanted) ? 'text/plain' : wanted;
      const file = {
        name: isPlain ? toFileName(`${given}.txt`) : given,
        mediaType,
        base64: bytes.toString('base64'),
      };
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

/** A cell that would be calculated could put an address together and load it (OWASP, "CSV Injection"): it is text. */
function withoutFormulas(table: string): string {
  return table.replaceAll(/(^|[,;\t])([ \t]*"?[ \t]*)(?=[=@]|[+-](?![\d.]+"?(?:[,;\t]|$)))/gm, "$1$2'");
}
