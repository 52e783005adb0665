/** An address as the URL parser reads it. */

/**
 * Undefined for what is no address, also beside its base. Not by `URL.canParse`: on Node 20 and 22, once it was asked some
 * thousand times, it takes letters such as `ü` for none (Node 24 does not).
 */
export function readUrl(text: string, base?: string | URL): URL | undefined {
  try {
    return new URL(text, base);
  } catch {
    return undefined;
  }
}
