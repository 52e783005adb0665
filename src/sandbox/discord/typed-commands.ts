/**
 * Commands as people use them: what a client offers, and what it makes of the options before it sends anything.
 *
 * Like a client it takes only commands that the app has registered for the place, with options that fit them.
 */
import { CHAT_INPUT, type CommandOption, SUB_COMMAND, SUB_COMMAND_GROUP } from './command-rules.ts';
import { guildOf } from './events.ts';
import type { Files, Upload } from './files.ts';
import { isMember, type Payload, rolesOf, toMemberOnly, toRoles, toUser } from './wire.ts';
import type { Attachment, Command, World } from './world.ts';

/** An option by its name; users, channels and roles by id. */
export type OptionValues = Readonly<Record<string, string | number | boolean | Upload>>;

export interface TypedCommand {
  readonly command: Command;
  readonly data: Payload;
}

/** Option types (Application Command Option Type). */
const STRING = 3;
const INTEGER = 4;
const BOOLEAN = 5;
const USER = 6;
const CHANNEL = 7;
const ROLE = 8;
const MENTIONABLE = 9;
const NUMBER = 10;
const FILE = 11;

/** Where a global command without contexts shows up. */
const EVERY_CONTEXT: readonly number[] = [0, 1, 2];

interface Deps {
  readonly world: World;
  readonly files: Files;
  readonly toAttachment: (channel: string, file: Attachment) => Payload;
}

export class TypedCommands {
  constructor(private readonly deps: Deps) {}

  /**
   * `command` may name a subcommand too: `tickets close`.
   *
   * @throws {Error} when the app has not registered it here, or an option does not fit
   */
  slash(typed: { channel: string; command: string; options?: OptionValues | undefined }): TypedCommand {
    const [name = '', ...path] = typed.command.replace(/^\//, '').split(' ');
    const command = this.find(typed.channel, CHAT_INPUT, name);
    const leaf = leafOf(command, path);
    const values = typed.options ?? {};
    refuseUnfit(leaf, values, `/${typed.command}`);
    const resolved = new Resolved(this.deps, typed.channel);
    const options = leaf
      .filter((option) => values[option.name] !== undefined)
      .map((option) => ({
        name: option.name,
        type: option.type,
        value: resolved.value(option, values[option.name]),
      }));
    return { command, data: toData(command, wrap(path, options), resolved) };
  }

  /**
   * A command half typed, with the cursor in `option`.
   *
   * @throws {Error} when that option has no autocomplete
   */
  completing(typed: {
    channel: string;
    command: string;
    option: string;
    value: string;
    options?: OptionValues | undefined;
  }): TypedCommand {
    const [name = '', ...path] = typed.command.replace(/^\//, '').split(' ');
    const command = this.find(typed.channel, CHAT_INPUT, name);
    const leaf = leafOf(command, path);
    const focused = leaf.find((option) => option.name === typed.option);
    if (focused?.autocomplete !== true)
      throw new Error(`option ${typed.option} of /${typed.command} has no autocomplete`);
    const resolved = new Resolved(this.deps, typed.channel);
    const others = leaf
      .filter((option) => option.name !== typed.option && typed.options?.[option.name] !== undefined)
      .map((option) => ({
        name: option.name,
        type: option.type,
        value: resolved.value(option, typed.options?.[option.name]),
      }));
    const own = { name: focused.name, type: focused.type, value: typed.value, focused: true };
    return { command, data: toData(command, wrap(path, [...others, own]), resolved) };
  }

  /** @throws {Error} when the app has not registered it for this place */
  find(channel: string, type: number, name: string): Command {
    const guild = guildOf(channel, this.deps.world);
    const offered = [
      ...(guild === undefined ? [] : this.deps.world.commands(guild)),
      ...this.deps.world
        .commands(undefined)
        .filter((command) => showsIn(command, guild === undefined ? 1 : 0)),
    ];
    const command = offered.find((candidate) => candidate.type === type && candidate.name === name);
    if (command !== undefined) return command;
    const names = offered.map((candidate) => candidate.name).join(', ');
    throw new Error(`the app has no command "${name}" here; it has: ${names === '' ? 'none' : names}`);
  }
}

/** What an interaction says about the users, roles, channels and files that its options name. */
class Resolved {
  readonly #parts = new Map<string, Payload>();

  constructor(
    private readonly deps: Deps,
    private readonly channel: string,
  ) {}

  toWire(): Payload {
    return this.#parts.size === 0 ? {} : { resolved: Object.fromEntries(this.#parts) };
  }

  value({ type, name }: CommandOption, value: OptionValues[string] | undefined): unknown {
    switch (type) {
      case USER:
        return this.#user(String(value));
      case ROLE:
        return this.#role(String(value));
      case MENTIONABLE:
        return isMember(String(value)) ? this.#user(String(value)) : this.#role(String(value));
      case CHANNEL:
        return this.#note('channels', String(value), { id: value, type: 0, name: String(value) });
      case FILE: {
        if (typeof value !== 'object') throw new Error(`option ${name} takes a file`);
        const file = this.deps.files.keep(value);
        return this.#note('attachments', file.id, this.deps.toAttachment(this.channel, file));
      }
      default:
        return value;
    }
  }

  #user(id: string): string {
    if (guildOf(this.channel, this.deps.world) !== undefined)
      this.#note('members', id, { ...toMemberOnly(id), roles: rolesOf(id), permissions: '0' });
    return this.#note('users', id, toUser(id));
  }

  #role(id: string): string {
    return this.#note('roles', id, toRoles({ bits: 0n }).find((role) => role.id === id) ?? { id });
  }

  #note(kind: string, id: string, what: Payload): string {
    this.#parts.set(kind, { ...this.#parts.get(kind), [id]: what });
    return id;
  }
}

function toData(
  { id, name, type, guild }: Command,
  options: readonly Payload[],
  resolved: Resolved,
): Payload {
  return {
    id,
    name,
    type,
    options,
    ...(guild === undefined ? {} : { guild_id: guild }),
    ...resolved.toWire(),
  };
}

function showsIn({ contexts, dm_permission: dms }: Command, context: number): boolean {
  if (context === 1 && dms === false) return false;
  return (contexts ?? EVERY_CONTEXT).includes(context);
}

/** The options of the command, or of the subcommand that `path` names. */
function leafOf(command: Command, path: readonly string[]): readonly CommandOption[] {
  const options = path.reduce<readonly CommandOption[]>((level, name) => {
    const next = level.find((option) => option.name === name && option.type <= SUB_COMMAND_GROUP);
    if (next === undefined) throw new Error(`/${command.name} has no subcommand ${name}`);
    return next.options ?? [];
  }, command.options ?? []);
  if (options.some(({ type }) => type <= SUB_COMMAND_GROUP))
    throw new Error(`/${command.name} needs one of its subcommands`);
  return options;
}

/** Subcommands come as options that hold the options. */
function wrap(path: readonly string[], options: readonly Payload[]): readonly Payload[] {
  const types = path.length === 2 ? [SUB_COMMAND_GROUP, SUB_COMMAND] : [SUB_COMMAND];
  return path.reduceRight<readonly Payload[]>(
    (inner, name, index) => [{ name, type: types[index], options: inner }],
    options,
  );
}

/** What a client would not let a person send. */
function refuseUnfit(options: readonly CommandOption[], values: OptionValues, command: string): void {
  for (const name of Object.keys(values))
    if (!options.some((option) => option.name === name)) throw new Error(`${command} has no option ${name}`);
  for (const option of options) {
    const value = values[option.name];
    const reason = value === undefined ? option.required === true && 'is required' : unfit(option, value);
    if (typeof reason === 'string') throw new Error(`option ${option.name} of ${command} ${reason}`);
  }
}

function unfit(option: CommandOption, value: OptionValues[string]): string | undefined {
  switch (option.type) {
    case STRING:
      return unfitText(option, value) ?? unfitChoice(option, value);
    case INTEGER:
      return Number.isInteger(value)
        ? (unfitNumber(option, value) ?? unfitChoice(option, value))
        : 'takes an integer';
    case NUMBER:
      return typeof value === 'number'
        ? (unfitNumber(option, value) ?? unfitChoice(option, value))
        : 'takes a number';
    case BOOLEAN:
      return typeof value === 'boolean' ? undefined : 'takes true or false';
    case USER:
      return isMember(String(value)) ? undefined : 'takes a user';
    default:
      return undefined;
  }
}

function unfitText(
  { min_length: min = 0, max_length: max = 6_000 }: CommandOption,
  value: unknown,
): string | undefined {
  if (typeof value !== 'string' || value === '') return 'takes a text';
  if (value.length < min) return `takes at least ${min} characters`;
  return value.length > max ? `takes at most ${max} characters` : undefined;
}

function unfitNumber({ min_value: min, max_value: max }: CommandOption, value: unknown): string | undefined {
  if (min !== undefined && Number(value) < min) return `takes at least ${min}`;
  return max !== undefined && Number(value) > max ? `takes at most ${max}` : undefined;
}

function unfitChoice({ choices = [] }: CommandOption, value: unknown): string | undefined {
  if (choices.length === 0 || choices.some((choice) => choice.value === value)) return undefined;
  return `takes one of: ${choices.map((choice) => choice.value).join(', ')}`;
}
