/**
 * The commands people find under "/" and under "Apps" of a message, and what has to change to have them. Pure.
 *
 * Invariants
 *   1. Only what differs is created, edited or removed: a start with nothing changed writes nothing.
 *   2. Entry points and commands of users, which are not ours to have, are left as they are.
 */
import type { RESTGetAPIApplicationCommandsResult, RESTPostAPIApplicationCommandsJSONBody } from 'discord.js';
import { z } from 'zod';
import { MAX_REASON_CHARS } from './card.ts';
import { CommandType } from './schema.ts';

/** Option types (docs.discord.com, Application Command Option Type). */
const STRING = 3;
const ATTACHMENT = 11;

/** Longest question of `/ask`, in characters (docs.discord.com, Application Command Options). */
const MAX_OPTION_CHARS = 6_000;

/** Contexts: servers, and direct messages with the bot. Not: other people's direct messages. */
const CONTEXTS = [0, 1];

/** Installed to servers. */
const INTEGRATION_TYPES = [0];

export const ASK_ABOUT = 'Ask Signalbox about this';

const REQUEST = {
  type: STRING,
  name: 'request',
  description: 'Which request; start typing to choose one',
  required: true,
  autocomplete: true,
  max_length: 100,
} as const;

const CONVERSATION = {
  type: STRING,
  name: 'conversation',
  description: 'Another conversation than this one, by its ticket: con_…',
  max_length: 100,
} as const;

const COMMANDS: readonly RESTPostAPIApplicationCommandsJSONBody[] = [
  chatInput('ask', 'Ask a question or give a task', [
    {
      type: STRING,
      name: 'question',
      description: 'What you want to know, or have done',
      required: true,
      max_length: MAX_OPTION_CHARS,
    },
    { type: ATTACHMENT, name: 'file', description: 'A file that goes with it' },
  ]),
  chatInput('approvals', 'Show the requests that wait for your answer'),
  chatInput('approve', 'Approve a request', [REQUEST]),
  chatInput('deny', 'Deny a request', [
    REQUEST,
    {
      type: STRING,
      name: 'reason',
      description: 'Why not; the requester reads it',
      max_length: MAX_REASON_CHARS,
    },
  ]),
  chatInput('withdraw', 'Take back what you asked for', [
    {
      type: STRING,
      name: 'request',
      description: 'Its ticket, as /status lists it: apr_…',
      required: true,
      max_length: 100,
    },
    {
      type: STRING,
      name: 'reason',
      description: 'Why; those who were asked read it',
      max_length: MAX_REASON_CHARS,
    },
  ]),
  chatInput('takeover', 'Answer here yourself instead of the bot, where you may', [CONVERSATION]),
  chatInput('handback', 'Let the bot answer here again', [
    {
      type: STRING,
      name: 'note',
      description: 'What it should know of what happened meanwhile',
      max_length: 1_900,
    },
    CONVERSATION,
  ]),
  chatInput('new', 'Begin a new context: the bot is not shown any more what was said here'),
  chatInput('stop', 'Stop what the bot is doing here'),
  chatInput('status', 'Show what is going on in this conversation'),
  chatInput('help', 'Show what I understand'),
  {
    type: CommandType.message,
    name: ASK_ABOUT,
    contexts: CONTEXTS,
    integration_types: INTEGRATION_TYPES,
  },
];

type ChatInput = Extract<RESTPostAPIApplicationCommandsJSONBody, { description: string }>;

function chatInput(
  name: string,
  description: string,
  options: NonNullable<ChatInput['options']> = [],
): ChatInput {
  return {
    type: CommandType.chatInput,
    name,
    description,
    options,
    contexts: CONTEXTS,
    integration_types: INTEGRATION_TYPES,
  };
}

/** In one guild, or everywhere. Contexts and kinds of installation are for commands everywhere (docs.discord.com). */
export function commandsFor(guild: string | undefined): readonly RESTPostAPIApplicationCommandsJSONBody[] {
  if (guild === undefined) return COMMANDS;
  return COMMANDS.map(({ contexts: _contexts, integration_types: _kinds, ...command }) => command);
}

export type RegisteredCommand = Pick<RESTGetAPIApplicationCommandsResult[number], 'id' | 'name'> & {
  readonly type?: number | undefined;
};

export interface CommandChanges {
  readonly create: readonly RESTPostAPIApplicationCommandsJSONBody[];
  readonly edit: readonly { readonly id: string; readonly command: RESTPostAPIApplicationCommandsJSONBody }[];
  readonly remove: readonly RegisteredCommand[];
}

/** What turns those that are registered into those that are wanted. */
export function diffCommands(
  wanted: readonly RESTPostAPIApplicationCommandsJSONBody[],
  registered: readonly RegisteredCommand[],
): CommandChanges {
  const byKey = new Map(registered.map((command) => [keyOf(command), command]));
  const wantedKeys = new Set(wanted.map(keyOf));
  return {
    create: wanted.filter((command) => !byKey.has(keyOf(command))),
    edit: wanted.flatMap((command) => {
      const existing = byKey.get(keyOf(command));
      return existing && normalized(existing) !== normalized(command) ? [{ id: existing.id, command }] : [];
    }),
    // Commands of other names were made by somebody else, for whatever the application does besides.
    remove: registered.filter((command) => OUR_KEYS.has(keyOf(command)) && !wantedKeys.has(keyOf(command))),
  };
}

/** Every command we ever had, in any scope. */
const OUR_KEYS: ReadonlySet<string> = new Set(commandsFor(undefined).map(keyOf));

/** A name is unique within its type. */
function keyOf(command: { name: string; type?: number | undefined }): string {
  return `${typeOf(command)} ${command.name}`;
}

function typeOf({ type }: { type?: number | undefined }): number {
  return type ?? CommandType.chatInput;
}

/** What of an option is ours to say, with what Discord leaves out when it is the default. */
const Option = z.object({
  type: z.number(),
  name: z.string(),
  description: z.string(),
  required: z.boolean().default(false),
  autocomplete: z.boolean().default(false),
  min_length: z.number().optional(),
  max_length: z.number().optional(),
});

/** The order of keys is that of the schema, so that equal commands have equal texts. */
const Normalized = z.object({
  type: z.number().default(CommandType.chatInput),
  name: z.string(),
  description: z.string().default(''),
  options: z.array(Option).default([]),
  contexts: z.array(z.number()).nullish(),
  integration_types: z.array(z.number()).optional(),
  default_member_permissions: z
    .string()
    .nullish()
    .transform((bits) => bits ?? undefined),
  nsfw: z.boolean().default(false),
});

/** A guild's commands have neither contexts nor kinds of installation; Discord answers without them. */
function normalized(command: unknown): string {
  const { data } = Normalized.safeParse(command);
  if (!data) return 'unreadable';
  const { contexts, integration_types: kinds, ...rest } = data;
  return JSON.stringify({
    ...rest,
    contexts: (contexts ?? CONTEXTS).toSorted(),
    integration_types: (kinds ?? INTEGRATION_TYPES).toSorted(),
  });
}
