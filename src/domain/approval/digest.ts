/** What a yes is bound to, as one string. Pure. */
import { createHash } from 'node:crypto';
import canonicalize from 'canonicalize';
import type { ApprovalRequest } from './record.ts';

/** What a yes is bound to: this tool in this version, these arguments, for this person. No prose of the model. */
export function digestOf(request: Pick<ApprovalRequest, 'tool' | 'version' | 'args' | 'requester'>): string {
  const { tool, version, args, requester } = request;
  // As it is stored, so that it is the same before and after: a date is its text, for one.
  const stored: unknown = JSON.parse(JSON.stringify({ tool, version, args: args ?? null, requester }));
  return createHash('sha256')
    .update(String(canonicalize(normalise(stored))))
    .digest('base64url');
}

function normalise(value: unknown): unknown {
  if (typeof value === 'string') return normaliseText(value);
  if (Array.isArray(value)) return value.map(normalise);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [normaliseText(key), normalise(inner)]),
  );
}

/** Half of a character has no canonical form; it counts as the character that stands for it everywhere. */
function normaliseText(text: string): string {
  return text.replaceAll(/\p{Surrogate}/gu, '\uFFFD').normalize('NFC');
}
