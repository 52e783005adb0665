/** What an application command may look like (docs.discord.com, Application Commands). */
import { z } from 'zod';
import {
  MAX_CHOICE_CHARS,
  MAX_COMMAND_CHOICES,
  MAX_COMMAND_DESCRIPTION_CHARS,
  MAX_COMMAND_NAME_CHARS,
  MAX_COMMAND_OPTIONS,
  MAX_COMMAND_TOTAL_CHARS,
  MAX_OPTION_STRING_CHARS,
} from './limits.ts';

export const CHAT_INPUT = 1;
export const MESSAGE_COMMAND = 3;

/** Option types that hold other options. */
export const SUB_COMMAND = 1;
export const SUB_COMMAND_GROUP = 2;

const LAST_OPTION_TYPE = 11;
const TYPES_WITH_CHOICES: readonly number[] = [3, 4, 10];

/** Letters, digits, `-`, `_` and `'` of any script, not upper case where there is a lower one. */
const CHAT_INPUT_NAME = /^[-_'\p{L}\p{N}\p{sc=Deva}\p{sc=Thai}]+$/u;

const Localizations = z.record(z.string(), z.string()).nullish();

export const CommandChoice = z.object({
  name: z.string().min(1).max(MAX_CHOICE_CHARS),
  name_localizations: Localizations,
  value: z.union([z.string().max(MAX_CHOICE_CHARS), z.number()]),
});
export type CommandChoice = z.infer<typeof CommandChoice>;

export const CommandOption = z
  .object({
    type: z.int().min(1).max(LAST_OPTION_TYPE),
    name: z.string().min(1).max(MAX_COMMAND_NAME_CHARS),
    name_localizations: Localizations,
    description: z.string().min(1).max(MAX_COMMAND_DESCRIPTION_CHARS),
    description_localizations: Localizations,
    required: z.boolean().optional(),
    choices: z.array(CommandChoice).max(MAX_COMMAND_CHOICES).optional(),
    get options() {
      return z.array(CommandOption).max(MAX_COMMAND_OPTIONS).optional();
    },
    channel_types: z.array(z.int()).optional(),
    min_value: z.number().optional(),
    max_value: z.number().optional(),
    min_length: z.int().min(0).max(MAX_OPTION_STRING_CHARS).optional(),
    max_length: z.int().min(1).max(MAX_OPTION_STRING_CHARS).optional(),
    autocomplete: z.boolean().optional(),
  })
  .superRefine((option, context) => {
    if (!isChatInputName(option.name)) badName(context);
    judgeOptionOrder(option.options ?? [], context);
    if (option.autocomplete === true && (option.choices?.length ?? 0) > 0)
      fail(
        context,
        ['choices'],
        'APPLICATION_COMMAND_OPTIONS_CHOICES_AND_AUTOCOMPLETE',
        'Cannot be combined',
      );
    if (option.autocomplete === true && !TYPES_WITH_CHOICES.includes(option.type))
      fail(context, ['autocomplete'], 'APPLICATION_COMMAND_OPTIONS_AUTOCOMPLETE_TYPE', 'Invalid option type');
  });
export type CommandOption = z.infer<typeof CommandOption>;

/** What the app sends, and the world keeps. */
export const CommandDefinition = z.object({
  name: z.string().min(1).max(MAX_COMMAND_NAME_CHARS),
  name_localizations: Localizations,
  description: z.string().max(MAX_COMMAND_DESCRIPTION_CHARS).default(''),
  description_localizations: Localizations,
  type: z.int().min(1).max(3).default(CHAT_INPUT),
  options: z.array(CommandOption).max(MAX_COMMAND_OPTIONS).optional(),
  default_member_permissions: z.string().regex(/^\d+$/).nullish(),
  dm_permission: z.boolean().nullish(),
  contexts: z.array(z.int().min(0).max(2)).nullish(),
  integration_types: z.array(z.int().min(0).max(1)).optional(),
  nsfw: z.boolean().optional(),
});
export type CommandDefinition = z.infer<typeof CommandDefinition>;

/** A definition with the rules that go beyond single fields. */
export const CommandForm = CommandDefinition.superRefine((command, context) => {
  if (command.type === CHAT_INPUT) judgeChatInput(command, context);
  else judgeContextCommand(command, context);
  if (totalChars(command) > MAX_COMMAND_TOTAL_CHARS)
    fail(
      context,
      [],
      'APPLICATION_COMMAND_TOO_LARGE',
      `Command exceeds maximum size (${MAX_COMMAND_TOTAL_CHARS})`,
    );
});

/** Bulk overwrite: the rules of one, and no name twice. */
export const CommandForms = z.array(CommandForm).superRefine((commands, context) => {
  const seen = new Set<string>();
  for (const [index, { type, name }] of commands.entries()) {
    if (seen.has(`${type} ${name}`))
      fail(
        context,
        [index, 'name'],
        'APPLICATION_COMMANDS_DUPLICATE_NAME',
        'Application command names must be unique',
      );
    seen.add(`${type} ${name}`);
  }
});

type Context = z.core.$RefinementCtx;

function judgeChatInput({ name, description, options = [] }: CommandDefinition, context: Context): void {
  if (!isChatInputName(name)) badName(context);
  if (description === '') fail(context, ['description'], 'BASE_TYPE_REQUIRED', 'This field is required');
  judgeOptionOrder(options, context);
}

function judgeContextCommand({ description, options }: CommandDefinition, context: Context): void {
  if (description !== '')
    fail(
      context,
      ['description'],
      'APPLICATION_COMMAND_INVALID_DESCRIPTION',
      'Context menu commands cannot have description',
    );
  if (options !== undefined && options.length > 0)
    fail(
      context,
      ['options'],
      'APPLICATION_COMMAND_INVALID_OPTIONS',
      'Context menu commands cannot have options',
    );
}

/** Required options come first, and no name twice. */
function judgeOptionOrder(options: readonly CommandOption[], context: Context): void {
  const names = new Set<string>();
  let optionalSeen = false;
  for (const [index, { name, required, type }] of options.entries()) {
    if (names.has(name))
      fail(
        context,
        ['options', index, 'name'],
        'APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS',
        'Option name already exists',
      );
    if (required === true && optionalSeen)
      fail(
        context,
        ['options', index],
        'APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID',
        'Required options must be placed before non-required options',
      );
    names.add(name);
    optionalSeen ||= required !== true && type > SUB_COMMAND_GROUP;
  }
}

function isChatInputName(name: string): boolean {
  return CHAT_INPUT_NAME.test(name) && name === name.toLowerCase();
}

function badName(context: Context): void {
  fail(
    context,
    ['name'],
    'APPLICATION_COMMAND_INVALID_NAME',
    'Command name must be lower case letters, digits, - and _',
  );
}

function totalChars({ name, description, options = [] }: CommandDefinition): number {
  return (
    name.length + description.length + options.reduce((total, option) => total + charsOfOption(option), 0)
  );
}

function charsOfOption({ name, description, choices = [], options = [] }: CommandOption): number {
  const ofChoices = choices.reduce((total, choice) => total + choice.name.length + valueChars(choice), 0);
  const nested = options.reduce((total, option) => total + charsOfOption(option), 0);
  return name.length + description.length + ofChoices + nested;
}

function valueChars({ value }: CommandChoice): number {
  return typeof value === 'string' ? value.length : 0;
}

function fail(context: Context, path: PropertyKey[], code: string, message: string): void {
  context.addIssue({ code: 'custom', path, message, params: { code } });
}
