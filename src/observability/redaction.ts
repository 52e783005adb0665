/**
 * What must never be read in a log: credentials, and whatever lets a stranger answer in somebody's place.
 *
 * Two nets, because either alone has holes: names of keys (`api_key`, `authorization`, `response_url`), and shapes
 * of values wherever they stand in a text (a Slack token, a bearer header, a reply address).
 */
export const REDACTED = '[redacted]';

/** True for a key whose value is never shown, however it is written: `apiKey`, `api_key`, `API-KEY`. */
export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key);
}

/** The text without anything that looks like a secret. Returns the same string when there is none. */
export function redactText(text: string): string {
  if (!SUSPICIOUS.test(text)) return text;
  let redacted = text;
  for (const [shape, replacement] of SECRET_SHAPES) redacted = redacted.replace(shape, replacement);
  return redacted;
}

const SECRET_WORDS =
  'token|secret|password|passwd|passphrase|api[-_ ]?key|private[-_]?key|authorization|cookie|credentials?|' +
  'response[-_]?url|trigger[-_]?id|approve[-_]?code|deny[-_]?code|webhook[-_]?url';

const SECRET_KEY = new RegExp(`(?:${SECRET_WORDS})$`, 'i');

/** Cheap first look: most texts hold none of these and are left at that. */
const SUSPICIOUS = new RegExp(
  `${SECRET_WORDS}|xox|xapp-|sk-|bearer|basic |hooks\\.slack|://[^/\\s]*@|apr\\+|eyJ|-----BEGIN|webhooks/|interactions/|\\.[\\w-]{6}\\.`,
  'i',
);

const SECRET_SHAPES: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // Slack: bot, user, app, refresh and legacy tokens; `xoxe.xoxp-…` is a rotating one.
  [/\bxox[a-z](?:\.xox[a-z])?-[\w%.-]+/gi, REDACTED],
  [/\bxapp-[\w-]+/gi, REDACTED],
  // Slack: whoever knows these addresses can post.
  [/https?:\/\/hooks\.slack(?:-gov)?\.com\/[^\s"'<>\\|)]*/gi, REDACTED],
  [/\bsk-[A-Za-z0-9_-]{8,}/g, REDACTED],
  // Discord: bot tokens, and the tokens inside webhook and interaction addresses.
  [/\b[\w-]{23,28}\.[\w-]{6}\.[\w-]{27,}\b/g, REDACTED],
  [/((?:webhooks|interactions)\/\d+\/)[\w.-]+/gi, `$1${REDACTED}`],
  [/\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g, REDACTED],
  // The reply address of an approval: knowing it is half of answering.
  [/\bapr\+[^@\s"'<>]+(?=@)/gi, `apr+${REDACTED}`],
  [/\b(bearer)\s+[\w.~+/=:-]{6,}/gi, `$1 ${REDACTED}`],
  [/\b([Bb]asic)\s+(?=\S*[A-Z0-9=+/])[A-Za-z0-9+/]{8,}={0,2}/g, `$1 ${REDACTED}`],
  [/(:\/\/)[^\s/@"']+@/g, `$1${REDACTED}@`],
  [
    new RegExp(`((?:${SECRET_WORDS})\\\\?["']?\\s*[:=]\\s*\\\\?["']?)(?!\\[redacted)[^\\s"'\\\\,;&}]+`, 'gi'),
    `$1${REDACTED}`,
  ],
];
