/**
 * What must never be read in a log: credentials, and whatever lets a stranger answer in somebody's place.
 *
 * Three nets, because each alone has holes: names of keys (`api_key`, `authorization`, `response_url`), shapes of
 * values wherever they stand in a text (a Slack token, a bearer header, a reply address), and the very secrets of
 * the configuration, which may have no shape at all (a mail password).
 */
export const REDACTED = '[redacted]';

/** True for a key whose value is never shown, however it is written: `apiKey`, `api_key`, `API-KEY`. */
export function isSecretKey(key: string): boolean {
  return SECRET_KEY.test(key);
}

/**
 * The text without anything that looks like a secret, and without the `known` ones, whatever they look like.
 * Returns the same string when there is none.
 */
export function redactText(text: string, known: readonly string[] = []): string {
  const redacted = redactValues(text, known);
  return mayHoldSecret(redacted)
    ? redacted.replace(NAMED_VALUE, (whole, head: string) =>
        isNoSecret(whole.slice(head.length)) ? whole : head + REDACTED,
      )
    : redacted;
}

/** The same, but for values that have no shape and only a name beside them: `password: …`. */
export function redactValues(text: string, known: readonly string[]): string {
  let redacted = withoutKnown(text, known);
  if (!mayHoldSecret(redacted)) return redacted;
  for (const [shape, replacement] of SECRET_SHAPES) redacted = redacted.replace(shape, replacement);
  return redacted.replace(BASIC, (whole, scheme: string, login: string) =>
    isLogin(login) ? `${scheme} ${REDACTED}` : whole,
  );
}

/** The text without just these, whatever else in it looks like a secret. */
export function withoutKnown(text: string, known: readonly string[]): string {
  return known.reduce(
    (rest, secret) => (rest.includes(secret) ? rest.replaceAll(secret, REDACTED) : rest),
    text,
  );
}

/** Whether the end of a text may be the beginning of what has the shape of a secret: what follows tells. */
export function mayEndInSecret(text: string): boolean {
  return BEGUN_SHAPE.test(text.slice(-MAX_BEGUN_CHARS));
}

/** Longer than any secret that is told by its shape. */
const MAX_BEGUN_CHARS = 2_500;

/** A quick look: false where nothing has the shape of a secret. */
export function mayHoldSecret(text: string): boolean {
  return SUSPICIOUS.test(text);
}

/**
 * A copy of `facts` for the log: secrets replaced, errors as plain facts with their code and cause, nothing that
 * could throw or never end while it is written.
 */
export function redactFacts(facts: object, known: readonly string[] = []): Record<string, unknown> {
  const position = { depth: 0, above: [], known };
  if (facts instanceof Error) return { error: redactValue(facts, position) };
  return redactEntries(facts, { ...position, above: [facts] });
}

/** Shorter than this, a secret is as likely to be a word; hiding it everywhere would shred the log. */
const MIN_KNOWN_CHARS = 8;

/** What must not be read of a configuration: to be handed to the log as known. The longest first. */
export function secretsOf(config: { readonly secrets: readonly string[] }): string[] {
  const all = new Set([...secretsIn(config), ...config.secrets]);
  return [...all].toSorted((a, b) => b.length - a.length);
}

/** Every value under the name of a secret, at any depth, and what of other values lets somebody in. */
export function secretsIn(value: unknown, key = ''): string[] {
  if (typeof value === 'string')
    return isSecretKey(key) ? secretParts(value) : passwordsIn(value).filter(isLong);
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([inner, entry]) =>
    secretsIn(entry, Array.isArray(value) ? key : inner),
  );
}

/** A secret, and what of it is one without the rest: `Bearer …`, `user:password` in an address. None that is short. */
export function secretParts(secret: string): string[] {
  const [, scheme = '', credentials = ''] = /^(bearer|basic|token|bot|apikey)\s+(\S+)$/i.exec(secret) ?? [];
  const login = scheme.toLowerCase() === 'basic' ? Buffer.from(credentials, 'base64').toString() : '';
  const password = login.slice(login.indexOf(':') + 1);
  return [...new Set([secret, credentials, password, ...passwordsIn(secret)])].filter(isLong);
}

/**
 * A secret as it stands, and as programs write it that pass it on: in JSON, in hex, in an address, and in base64, where it
 * looks another way at each place modulo three that it begins at (RFC 4648, section 4).
 */
export function spellingsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  const hex = bytes.toString('hex');
  const base64 = [0, 1, 2].map((before) => {
    const whole = Buffer.concat([Buffer.alloc(before), bytes]);
    // Without the letters that hold bits of what is beside it.
    return whole.toString('base64').slice(Math.ceil((before * 8) / 6), Math.floor((whole.length * 8) / 6));
  });
  const base64url = base64.map((text) => text.replaceAll('+', '-').replaceAll('/', '_'));
  const percent = hex.replaceAll(/../g, '%$&');
  const inAddresses = [encodeURIComponent(bytes.toString()), percent, percent.toUpperCase()];
  const inJson = JSON.stringify(secret).slice(1, -1);
  const all = [secret, inJson, hex, hex.toUpperCase(), ...inAddresses, ...base64, ...base64url];
  return [...new Set(all)];
}

function isLong(secret: string): boolean {
  return secret.length >= MIN_KNOWN_CHARS;
}

/** Those of addresses, as they are written and as they are meant; a user without one is a token. */
function passwordsIn(text: string): string[] {
  return [...text.matchAll(/:\/\/([^\s/:@]*)(?::([^\s/@]*))?@/g)].flatMap(([, user = '', password]) => {
    const written = password === undefined || password === '' ? user : password;
    return [written, decoded(written)];
  });
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

interface Position {
  readonly depth: number;
  /** The objects this one lies in; meeting one of them again is a circle. */
  readonly above: readonly object[];
  readonly known: readonly string[];
}

/** Facts are small; what lies deeper than this, or beyond this many entries, is left out and said to be. */
const MAX_DEPTH = 6;
const MAX_ENTRIES = 100;
const MAX_TEXT_CHARS = 8_192;

function redactValue(value: unknown, position: Position): unknown {
  if (typeof value === 'string') return redactLongText(value, position.known);
  if (typeof value === 'bigint') return `${value}n`;
  if (typeof value === 'function' || typeof value === 'symbol') return `[${typeof value}]`;
  if (typeof value !== 'object' || value === null) return value;
  if (position.above.includes(value)) return '[circle]';
  if (position.depth >= MAX_DEPTH) return '[deeper]';

  const inside = { ...position, depth: position.depth + 1, above: [...position.above, value] };
  if (value instanceof Error) return redactError(value, inside);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'invalid date' : value.toISOString();
  if (value instanceof URL || value instanceof RegExp) return redactLongText(String(value), position.known);
  if (ArrayBuffer.isView(value)) return `[${value.byteLength} bytes]`;
  if (value instanceof Map) return redactEntries(Object.fromEntries([...value].map(named)), inside);
  const list = value instanceof Set ? [...value] : value;
  if (Array.isArray(list)) return redactList(list, inside);
  return redactEntries(value, inside);
}

/** An object as a key may have no way to be written, or one that throws. */
function named([key, value]: readonly [unknown, unknown], index: number): [string, unknown] {
  const isThing = typeof key === 'function' || (typeof key === 'object' && key !== null);
  return [isThing ? `[${typeof key} ${index}]` : String(key), value];
}

function redactList(list: readonly unknown[], inside: Position): unknown[] {
  const shown = list.slice(0, MAX_ENTRIES).map((entry) => redactValue(entry, inside));
  return list.length > MAX_ENTRIES ? [...shown, `… ${list.length - MAX_ENTRIES} more`] : shown;
}

function redactEntries(value: object, inside: Position): Record<string, unknown> {
  const copy: Record<string, unknown> = {};
  const keys = Object.keys(value);
  for (const key of keys.slice(0, MAX_ENTRIES)) {
    copy[redactText(key, inside.known)] = redactEntry(value, key, inside);
  }
  if (keys.length > MAX_ENTRIES) copy['…'] = `${keys.length - MAX_ENTRIES} more`;
  return copy;
}

function redactEntry(owner: object, key: string, inside: Position): unknown {
  const value = read(owner, key);
  return isSecretKey(key) && hides(key, value) ? REDACTED : redactValue(value, inside);
}

/** A number under `token` is a counter (a fencing token); a flag tells nothing. */
function hides(key: string, value: unknown): boolean {
  if (value === undefined || value === null || typeof value === 'boolean') return false;
  return typeof value !== 'number' || !/token$/i.test(key);
}

/** A getter may throw; the log never does. */
function read(owner: object, key: string): unknown {
  try {
    return Reflect.get(owner, key);
  } catch {
    return '[unreadable]';
  }
}

function redactError(error: Error, inside: Position): Record<string, unknown> {
  return {
    type: error.name,
    message: redactLongText(error.message, inside.known),
    ...('code' in error ? { code: redactValue(error.code, inside) } : {}),
    ...redactEntries(error, inside),
    ...(error instanceof AggregateError ? { errors: redactValue(error.errors, inside) } : {}),
    ...(error.cause === undefined ? {} : { cause: redactValue(error.cause, inside) }),
    ...(error.stack === undefined ? {} : { stack: redactLongText(error.stack, inside.known) }),
  };
}

function redactLongText(text: string, known: readonly string[]): string {
  // Cut first, generously, so that a huge text costs no more than a long one.
  const redacted = redactText(text.slice(0, 2 * MAX_TEXT_CHARS), known);
  return redacted.length <= MAX_TEXT_CHARS ? redacted : `${redacted.slice(0, MAX_TEXT_CHARS)}…`;
}

const SECRET_WORDS =
  'token|secret|password|passwd|passphrase|api[-_ ]?key|private[-_]?key|authorization|cookie|credentials?|' +
  'response[-_]?url|trigger[-_]?id|approve[-_]?code|deny[-_]?code|webhook[-_]?url|heartbeat[-_]?url';

const SECRET_KEY = new RegExp(`(?:${SECRET_WORDS})$`, 'i');

/** Cheap first look: most texts hold none of these and are left at that. */
const SUSPICIOUS = new RegExp(
  `${SECRET_WORDS}|xox|xapp-|sk-|gh[opusr]_|github_pat_|glpat-|at[abcs][tb]|[sr]k_(?:live|test)_|a[ks]ia[0-9a-z]{16}|aiza|ya29|npm_|pypi-|sg\\.|sbk_|whsec_|bearer|basic |hooks\\.slack|://[^/\\s]*@|apr\\+|eyJ|-----BEGIN|webhooks/|interactions/|\\.[\\w-]{6}\\.|[2-9a-z]{4}-[2-9a-z]{5}-[2-9a-z]{5}`,
  'i',
);

const SECRET_SHAPES: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, REDACTED],
  // Slack: bot, user, app, refresh and legacy tokens; `xoxe.xoxp-…` is a rotating one.
  [/(?<![A-Za-z0-9])xox[a-z](?:\.xox[a-z])?-[\w%.-]+/gi, REDACTED],
  [/(?<![A-Za-z0-9])xapp-[\w-]+/gi, REDACTED],
  // Slack: whoever knows these addresses can post.
  [/https?:\/\/hooks\.slack(?:-gov)?\.com\/[^\s"'<>\\|)]*/gi, REDACTED],
  [/(?<![A-Za-z0-9])sk-(?!learn)[A-Za-z0-9_-]{8,}/g, REDACTED],
  // GitHub and GitLab: personal, app and refresh tokens.
  [/(?<![A-Za-z0-9])(?:gh[opusr]_|github_pat_|glpat-)[\w-]{16,}/g, REDACTED],
  // Atlassian: tokens of accounts and of one space or repository, which Jira takes.
  [/(?<![A-Za-z0-9])AT(?:ATT|CTT|STT|BB)[\w=-]{20,}/g, REDACTED],
  // What agents meet in tickets and mails of others; prefixes as their makers document them: Stripe, AWS (the name of a
  // key and never its secret, which has no shape), Google, npm, PyPI, SendGrid.
  [/(?<![A-Za-z0-9])(?:[sr]k_(?:live|test)_[A-Za-z0-9]{10,}|A[KS]IA[0-9A-Z]{16}(?![A-Za-z0-9]))/g, REDACTED],
  [/(?<![A-Za-z0-9])(?:AIza[\w-]{30,}|ya29\.[\w-]{20,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{30,})/g, REDACTED],
  [/(?<![A-Za-z0-9])SG\.[\w-]{16,}\.[\w-]{16,}/g, REDACTED],
  // Keys of our own API, and what webhooks to its clients are signed with.
  [/(?<![A-Za-z0-9])(sbk_[0-9a-f]{12}_|whsec_)[\w+/=-]{8,}/g, `$1${REDACTED}`],
  // Codes by which accounts are linked; in small letters without a digit it is as likely three words.
  [/(?<![\w-])[2-9A-HJKMNP-TV-Z]{4}(?:-[2-9A-HJKMNP-TV-Z]{5}){2}(?![\w-])/g, REDACTED],
  [/(?<![\w-])(?=[A-Z-]*\d)[2-9A-HJKMNP-TV-Z]{4}(?:-[2-9A-HJKMNP-TV-Z]{5}){2}(?![\w-])/gi, REDACTED],
  // Discord: bot tokens, and the tokens inside webhook and interaction addresses.
  [/\b[\w-]{23,28}\.[\w-]{6}\.[\w-]{27,}\b/g, REDACTED],
  [/((?:webhooks|interactions)\/\d+\/)[\w.-]+/gi, `$1${REDACTED}`],
  [/(?<![A-Za-z0-9])eyJ[\w-]{1,2000}\.[\w-]+(?:\.[\w-]*)?/g, REDACTED],
  // The reply address of an approval: knowing it is half of answering.
  [/(?<![A-Za-z0-9])apr\+[^@\s"'<>]{1,200}(?=@)/gi, `apr+${REDACTED}`],
  // Behind `bearer` in small letters a word is a word; otherwise those are that speak of it.
  [/(?<![A-Za-z0-9])(bearer)\s+(?![a-z]{1,19}(?![\w~+/=-]))[\w.~+/=:-]{6,}/g, `$1 ${REDACTED}`],
  [
    /(?<![A-Za-z0-9])(Bearer|BEARER)\s+(?!(?:auth[a-z]*|tokens?|schemes?|credentials?|headers?|methods?|keys?|Auth[a-z]*|Tokens?|Schemes?)\b)[\w.~+/=:-]{6,}/g,
    `$1 ${REDACTED}`,
  ],
  // Who signs in stands before the `@` of an address, with a password or as a token; not what is asked for behind it.
  [/(:\/\/)(?:[^\s/@"'?#:]*:(?!\d{1,5}[?#])[^\s/@"']+|[^\s/@"'?#]+)@/g, `$1${REDACTED}@`],
];

/** What the shapes begin with, up to the end; that of a whole one, too, for it may go on. */
const BEGUN_SHAPE = new RegExp(
  `(?<![A-Za-z0-9])(?:${[
    '(?:xox[a-z]|xapp-|sk-|gh[opusr]_|github_pat_|glpat-|AT(?:ATT|CTT|STT|BB)|[sr]k_(?:live|test)_|A[KS]IA|AIza|ya29\\.|npm_|pypi-|SG\\.|sbk_|whsec_|eyJ)[\\w.%+/=-]*$',
    '[\\w-]{23,28}\\.[\\w.-]*$',
    '[2-9A-Z]{4}-[2-9A-Z-]{0,11}$',
    '(?:hooks\\.slack|webhooks\\/|interactions\\/)\\S*$',
    'apr\\+[^@\\s]*$',
    '(?:[Bb]earer|BEARER|[Bb]asic)\\s+\\S*$',
  ].join('|')})|:\\/\\/[^\\s/@"']*$`,
);

/** Who signs in and a password, in base64 (RFC 7617). */
const BASIC = /(?<![A-Za-z0-9])(basic)\s+([A-Za-z0-9+/]{8,}={0,2})/gi;

/** Words follow `basic` as well: these come to nothing when they are read as base64. */
function isLogin(text: string): boolean {
  const isLikely = text.length >= 16 && /[\d=+/]/.test(text);
  return isLikely || /^[\x20-\x7e]*:[\x20-\x7e]*$/.test(Buffer.from(text, 'base64').toString('latin1'));
}

/** What stands behind `token:` in a sentence or in a program as often as a token. */
function isNoSecret(value: string): boolean {
  const text = value.replace(/[.,!?)\]]+$/, '');
  return NO_SECRET.test(text) || CODE_EXPRESSION.test(text);
}

const NO_SECRET =
  /^(?:[a-z]{1,3}|none|null|undefined|true|false|required|optional|missing|invalid|expired|empty|unset|string|text|this|that|your|when|which|what|they|with|from|there|please)$/i;

/** `getToken()`, `process.env.API_KEY`, `${DB_PASSWORD}`, `$(pass show x)`, `<token>`. */
const CODE_EXPRESSION =
  /^(?:[A-Za-z_$.]+\(|(?:process\.env|os\.environ|import\.meta)\b.*|\$[\w({].*|<[a-z][\w -]*>?)$/;

/** `password: …` in running text, JSON within a string included; a reference to the environment is no secret. */
const NAMED_VALUE = new RegExp(
  `((?:${SECRET_WORDS})(?!:-(?:default|…)?\\})\\\\?["']?\\s*[:=]\\s*\\\\?["']?)(?!\\[redacted)[^\\s"'\\\\,;&}]+`,
  'gi',
);
