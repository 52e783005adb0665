/** Addresses that the app gives: well formed, and of a scheme that Discord opens (Message resource, Component reference). */
import { z } from 'zod';
import { readUrl } from '../../domain/url.ts';

/** Longest address in an embed (Message resource). */
const MAX_URL_CHARS = 2_048;

/** What a link may lead to. */
export const LINKS = ['http', 'https'] as const;
/** Where a picture may be: files of the same message, too. */
export const MEDIA = ['http', 'https', 'attachment'] as const;
/** What the button of a link may open: Discord itself, too. */
export const BUTTONS = ['http', 'https', 'discord'] as const;

export function UrlForm(schemes: readonly string[], maxChars = MAX_URL_CHARS) {
  return z
    .string()
    .max(maxChars)
    .superRefine((url, context) => {
      const scheme = readUrl(url)?.protocol.slice(0, -1);
      if (scheme === undefined) return fail(context, 'URL_TYPE_INVALID_URL', 'Not a well formed URL.');
      if (!schemes.includes(scheme))
        fail(
          context,
          'URL_TYPE_INVALID_SCHEME',
          `Scheme "${scheme}" must be one of (${schemes.map((each) => `'${each}'`).join(', ')}).`,
        );
    });
}

function fail(context: z.core.$RefinementCtx, code: string, message: string): void {
  context.addIssue({ code: 'custom', path: [], message, params: { code } });
}
