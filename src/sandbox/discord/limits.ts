/** What Discord refuses or waits for. One constant per limit, each with its source (docs.discord.com/developers). */

/**
 * `content` of a message (Create Message). The published OpenAPI file says 4000; its own README says that the docs
 * win. Counted in UTF-16 units: never less than what Discord counts, so what fits here fits there.
 */
export const MAX_CONTENT_CHARS = 2_000;

/** The same for people who pay for Nitro (support.discord.com, Nitro). */
export const MAX_NITRO_CHARS = 4_000;

/** Embed limits (Message resource). */
export const MAX_EMBEDS = 10;
export const MAX_EMBED_TITLE_CHARS = 256;
export const MAX_EMBED_DESCRIPTION_CHARS = 4_096;
export const MAX_EMBED_FIELDS = 25;
export const MAX_EMBED_FIELD_NAME_CHARS = 256;
export const MAX_EMBED_FIELD_VALUE_CHARS = 1_024;
export const MAX_EMBED_FOOTER_CHARS = 2_048;
export const MAX_EMBED_AUTHOR_CHARS = 256;
/** Titles, descriptions, fields, footers and authors of all embeds of a message together. */
export const MAX_EMBEDS_TOTAL_CHARS = 6_000;

/** Components (Component reference). */
export const MAX_CUSTOM_ID_CHARS = 100;
export const MAX_ACTION_ROWS = 5;
export const MAX_ROW_BUTTONS = 5;
export const MAX_BUTTON_LABEL_CHARS = 80;
export const MAX_BUTTON_URL_CHARS = 512;
export const MAX_SELECT_OPTIONS = 25;
export const MAX_OPTION_CHARS = 100;
export const MAX_SELECT_PLACEHOLDER_CHARS = 150;
export const MAX_INPUT_CHARS = 4_000;
export const MAX_INPUT_LABEL_CHARS = 45;
export const MAX_INPUT_PLACEHOLDER_CHARS = 100;
export const MAX_LABEL_DESCRIPTION_CHARS = 100;
export const MAX_MODAL_TITLE_CHARS = 45;
export const MAX_MODAL_COMPONENTS = 5;
export const MAX_SECTION_TEXTS = 3;
export const MAX_GALLERY_ITEMS = 10;
export const MAX_FILE_UPLOADS = 10;
/** Components V2: nested ones included, and all texts together. */
export const MAX_V2_COMPONENTS = 40;
export const MAX_V2_TEXT_CHARS = 4_000;

/** Create Message. */
export const MAX_NONCE_CHARS = 25;
export const MAX_ALLOWED_MENTIONS = 100;
export const MAX_FILES = 10;
/** Uploads of a guild without boosts and of direct messages (Uploading Files). */
export const MAX_FILE_BYTES = 10 * 1024 * 1024;
/** A whole request (Uploading Files). */
export const MAX_REQUEST_BYTES = 25 * 1024 * 1024;
export const MAX_FILE_DESCRIPTION_CHARS = 1_024;
/** `enforce_nonce` finds messages of "the past few minutes"; the docs give no number. */
export const NONCE_LIFETIME_MS = 3 * 60_000;

/** Get Channel Messages. */
export const DEFAULT_PAGE_SIZE = 50;
export const MAX_PAGE_SIZE = 100;

/** Different emoji on one message (JSON error code 30010). */
export const MAX_REACTIONS = 20;

/** Threads of a guild that are not archived (JSON error code 160006; Discord, Threads FAQ). */
export const MAX_ACTIVE_THREADS = 1_000;
export const MAX_THREAD_NAME_CHARS = 100;
export const ARCHIVE_MINUTES: readonly number[] = [60, 1_440, 4_320, 10_080];

/** Application commands. */
export const MAX_COMMAND_NAME_CHARS = 32;
export const MAX_COMMAND_DESCRIPTION_CHARS = 100;
export const MAX_COMMAND_OPTIONS = 25;
export const MAX_COMMAND_CHOICES = 25;
export const MAX_CHOICE_CHARS = 100;
export const MAX_OPTION_STRING_CHARS = 6_000;
/** Names, descriptions and values of a command, its options and its choices together. */
export const MAX_COMMAND_TOTAL_CHARS = 8_000;
/** By command type: chat input, user, message. */
export const MAX_COMMANDS: Readonly<Record<number, number>> = { 1: 100, 2: 15, 3: 15 };
/** Creates of one guild, or of the global commands, in a day. */
export const MAX_COMMAND_CREATES = 200;
export const COMMAND_CREATES_PER_MS = 24 * 60 * 60_000;

/** Interactions (Receiving and Responding): for the first response, and for everything after it. */
export const FIRST_RESPONSE_MS = 3_000;
export const INTERACTION_TOKEN_LIFETIME_MS = 15 * 60_000;

/** Gateway. */
export const HEARTBEAT_INTERVAL_MS = 41_250;
export const MAX_GATEWAY_PAYLOAD_BYTES = 4_096;
export const MAX_GATEWAY_SENDS = 120;
export const GATEWAY_SENDS_PER_MS = 60_000;
export const MAX_IDENTIFIES = 1_000;
export const IDENTIFIES_PER_MS = 24 * 60 * 60_000;
/** How long a lost connection may be resumed: undocumented, a few minutes. */
export const RESUME_WINDOW_MS = 3 * 60_000;

/** Rate limits. */
export const GLOBAL_REQUESTS_PER_SECOND = 50;
export const MAX_INVALID_REQUESTS = 10_000;
export const INVALID_REQUESTS_PER_MS = 10 * 60_000;

/** A link to an attachment is signed, and ends after a day (Signed Attachment CDN URLs). */
export const FILE_LINK_LIFETIME_MS = 24 * 60 * 60_000;
/** Addresses refreshed by one request; not in the documentation, observed. */
export const MAX_REFRESHED_LINKS = 50;
