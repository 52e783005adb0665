/** What Slack refuses or waits for. One constant per limit, each with its source. */

/** `text` of chat.postMessage, in characters (docs.slack.dev, chat.postMessage). */
export const MAX_POST_TEXT_CHARS = 40_000;

/** `text` of chat.update, in UTF-8 bytes (docs.slack.dev, chat.update: `msg_too_long`; bytes as observed by its users). */
export const MAX_UPDATE_TEXT_BYTES = 4_000;

/** `markdown_text` and the texts of all markdown blocks together, in characters (docs.slack.dev, markdown block). */
export const MAX_MARKDOWN_CHARS = 12_000;

/** All texts of a message's blocks together, in characters: undocumented, about this (bolt-js issue 2509). */
export const MAX_BLOCKS_TOTAL_CHARS = 13_200;

/** Blocks of one message and of one modal (docs.slack.dev, Block Kit). */
export const MAX_MESSAGE_BLOCKS = 50;
export const MAX_MODAL_BLOCKS = 100;

/** Block Kit reference, docs.slack.dev; all in characters unless the name says otherwise. */
export const MAX_SECTION_CHARS = 3_000;
export const MAX_SECTION_FIELDS = 10;
export const MAX_FIELD_CHARS = 2_000;
export const MAX_HEADER_CHARS = 150;
export const MAX_CONTEXT_ELEMENTS = 10;
export const MAX_ACTIONS_ELEMENTS = 25;
export const MAX_BUTTON_TEXT_CHARS = 75;
export const MAX_BUTTON_VALUE_CHARS = 2_000;
export const MAX_URL_CHARS = 3_000;
export const MAX_ID_CHARS = 255;
export const MAX_ALT_TEXT_CHARS = 2_000;
export const MAX_LABEL_CHARS = 2_000;
export const MAX_PLACEHOLDER_CHARS = 150;
export const MAX_CONFIRM_TITLE_CHARS = 100;
export const MAX_CONFIRM_TEXT_CHARS = 300;
export const MAX_CONFIRM_BUTTON_CHARS = 30;
export const MAX_SELECT_OPTIONS = 100;
export const MAX_OVERFLOW_OPTIONS = 5;
export const MAX_CHECK_OPTIONS = 10;
export const MAX_MODAL_TITLE_CHARS = 24;
export const MAX_PRIVATE_METADATA_CHARS = 3_000;

/** An event or an interaction counts as failed without an answer after this long (docs.slack.dev, Events API). */
export const ACK_TIMEOUT_MS = 3_000;

/** When a failed event is delivered again: at once, after a minute, after five (docs.slack.dev, Events API). */
export const RETRY_DELAYS_MS: readonly number[] = [0, 60_000, 300_000];

/** A trigger_id opens one modal within this long (docs.slack.dev, Modals). */
export const TRIGGER_LIFETIME_MS = 3_000;

/** A response_url takes this many answers within this long (docs.slack.dev, Handling user interaction). */
export const RESPONSE_URL_USES = 5;
export const RESPONSE_URL_LIFETIME_MS = 30 * 60_000;

/** Open Socket Mode connections of one app (docs.slack.dev, Socket Mode). */
export const MAX_SOCKETS = 10;

/** Bytes of one uploaded file taken here; Slack itself takes 1 GB (docs.slack.dev, Working with files). */
export const MAX_UPLOAD_BYTES = 8 * 1024 * 1024;

/** Default and largest page of conversations.history and conversations.replies. */
export const DEFAULT_PAGE_SIZE = 100;
export const MAX_PAGE_SIZE = 1_000;
