/** What a request of the app carries: JSON, or a form with `payload_json` and files. */
import { MAX_FILE_BYTES } from './limits.ts';
import { Refusal } from './refusal.ts';

export interface UploadedFile {
  /** The number in `files[n]`, by which `attachments` names it. */
  readonly index: string;
  readonly filename: string;
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

export interface RequestBody {
  readonly json: unknown;
  readonly files: readonly UploadedFile[];
}

const FILE_FIELD = /^files?(?:\[(\d+)\])?$/;

/** @throws {Refusal} when it cannot be read, or a file is too large */
export async function readBody(raw: Buffer, contentType: string): Promise<RequestBody> {
  if (raw.length === 0) return { json: {}, files: [] };
  if (contentType.includes('multipart/form-data')) return readForm(raw, contentType);
  if (!contentType.includes('application/json')) throw unreadable();
  return { json: parseJson(raw.toString('utf8')), files: [] };
}

async function readForm(raw: Buffer, contentType: string): Promise<RequestBody> {
  const body = new Response(new Uint8Array(raw), { headers: { 'content-type': contentType } });
  const form = await body.formData().catch(() => {
    throw unreadable();
  });
  const files: UploadedFile[] = [];
  for (const [name, value] of form) {
    const index = FILE_FIELD.exec(name);
    if (index === null || typeof value === 'string') continue;
    if (value.size > MAX_FILE_BYTES) throw new Refusal(413, 40_005, 'Request entity too large');
    files.push({
      index: index[1] ?? '0',
      filename: value.name,
      contentType: value.type === '' ? 'application/octet-stream' : value.type,
      bytes: new Uint8Array(await value.arrayBuffer()),
    });
  }
  const json = form.get('payload_json');
  return { json: typeof json === 'string' ? parseJson(json) : {}, files };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Refusal(400, 50_109, 'The request body contains invalid JSON.');
  }
}

function unreadable(): Refusal {
  return new Refusal(400, 50_035, 'Invalid Form Body');
}
