/** Routes of the app itself: who it is, its commands, and the gateway it connects to. */
import type { Clock } from '../../domain/clock.ts';
import { BOT, GUILD } from '../people.ts';
import { CommandDefinition, CommandForm, CommandForms } from './command-rules.ts';
import {
  COMMAND_CREATES_PER_MS,
  IDENTIFIES_PER_MS,
  MAX_COMMAND_CREATES,
  MAX_COMMANDS,
  MAX_IDENTIFIES,
} from './limits.ts';
import { parseForm, Refusal, unknown } from './refusal.ts';
import {
  created,
  NO_CONTENT,
  ok,
  param,
  type RestAnswer,
  type RestRequest,
  type RestRoute,
} from './rest-route.ts';
import { type Payload, toCommand, toUser } from './wire.ts';
import type { Command, World } from './world.ts';

/** The app tells apart at most this many IDENTIFYs at a time (Gateway, Session Start Limit). */
const MAX_CONCURRENCY = 16;

interface Deps {
  readonly world: World;
  readonly clock: Clock;
  readonly gatewayUrl: () => string;
  readonly shards: number;
  readonly identifiesLeft: () => number;
  readonly applicationFlags: () => number;
  readonly publicKey: string;
  readonly interactionsUrl: () => string | undefined;
}

/** What a PATCH may say; the rules are checked on the whole command. */
const CommandChange = CommandDefinition.partial().omit({ type: true });

export class ApplicationRoutes {
  readonly routes: readonly RestRoute[];

  constructor(private readonly deps: Deps) {
    this.routes = [
      { method: 'GET', path: '/gateway', run: () => ok({ url: deps.gatewayUrl() }) },
      { method: 'GET', path: '/gateway/bot', run: () => this.#gateway() },
      { method: 'GET', path: '/applications/@me', run: () => ok(this.#application()) },
      { method: 'GET', path: '/oauth2/applications/@me', run: () => ok(this.#application()) },
      ...this.#commandRoutes('/applications/:app/commands'),
      ...this.#commandRoutes('/applications/:app/guilds/:guild/commands'),
    ];
  }

  #commandRoutes(path: string): RestRoute[] {
    const one = `${path}/:command`;
    return [
      { method: 'GET', path, run: (request) => ok(this.#inScope(request).map(toCommand)) },
      { method: 'POST', path, run: (request) => this.#create(request) },
      { method: 'PUT', path, run: (request) => this.#overwrite(request) },
      { method: 'GET', path: one, run: (request) => ok(toCommand(this.#named(request))) },
      { method: 'PATCH', path: one, run: (request) => this.#change(request) },
      { method: 'DELETE', path: one, run: (request) => this.#delete(request) },
    ];
  }

  #gateway(): RestAnswer {
    return ok({
      url: this.deps.gatewayUrl(),
      shards: this.deps.shards,
      session_start_limit: {
        total: MAX_IDENTIFIES,
        remaining: this.deps.identifiesLeft(),
        reset_after: IDENTIFIES_PER_MS,
        max_concurrency: MAX_CONCURRENCY,
      },
    });
  }

  #application(): Payload {
    return {
      id: BOT.discordApplication,
      name: BOT.name,
      icon: null,
      description: '',
      bot_public: true,
      bot_require_code_grant: false,
      bot: toUser(BOT.discordUser),
      verify_key: this.deps.publicKey,
      team: null,
      flags: this.deps.applicationFlags(),
      approximate_guild_count: 1,
      interactions_endpoint_url: this.deps.interactionsUrl() ?? null,
      tags: [],
      integration_types_config: {
        0: { oauth2_install_params: { scopes: ['applications.commands', 'bot'], permissions: '0' } },
      },
    };
  }

  #create(request: RestRequest): RestAnswer {
    const guild = scopeOf(request);
    const form = parseForm(CommandForm, request.json);
    const existing = this.#sameName(guild, form);
    if (existing === undefined) this.#refuseTooMany(guild, [form]);
    const command = this.#put(guild, form, existing);
    return existing === undefined ? created(toCommand(command)) : ok(toCommand(command));
  }

  /** Replaces every command of every type; those that stay under their name keep their id. */
  #overwrite(request: RestRequest): RestAnswer {
    const guild = scopeOf(request);
    const forms = parseForm(CommandForms, request.json);
    const added = forms.filter((form) => this.#sameName(guild, form) === undefined);
    this.#refuseTooMany(guild, added, forms);
    const kept = forms.map((form) => this.#put(guild, form, this.#sameName(guild, form)));
    const ids = new Set(kept.map(({ id }) => id));
    for (const { id } of this.deps.world.commands(guild))
      if (!ids.has(id)) this.deps.world.record({ kind: 'command-gone', id });
    return ok(kept.map(toCommand));
  }

  #change(request: RestRequest): RestAnswer {
    const before = this.#named(request);
    const change = parseForm(CommandChange, request.json);
    const { id: _id, version: _version, guild: _guild, ...definition } = before;
    const form = parseForm(CommandForm, { ...definition, ...change });
    const other = this.#sameName(before.guild, form);
    if (other !== undefined && other.id !== before.id)
      throw new Refusal(400, 50_035, 'Application command names must be unique');
    return ok(toCommand(this.#put(before.guild, form, before)));
  }

  #delete(request: RestRequest): RestAnswer {
    this.deps.world.record({ kind: 'command-gone', id: this.#named(request).id });
    return NO_CONTENT;
  }

  #put(guild: string | undefined, form: CommandDefinition, existing: Command | undefined): Command {
    const { world, clock } = this.deps;
    const id = existing?.id ?? world.nextId();
    const command: Command = {
      ...form,
      id,
      version: world.nextId(),
      ...(guild === undefined ? {} : { guild }),
    };
    world.record({ kind: 'command-put', command, isNew: existing === undefined, at: clock.now() });
    return command;
  }

  #refuseTooMany(
    guild: string | undefined,
    added: readonly CommandDefinition[],
    all: readonly CommandDefinition[] = [...this.deps.world.commands(guild), ...added],
  ): void {
    const { world, clock } = this.deps;
    const today = world.commandCreatesSince(guild, clock.now() - COMMAND_CREATES_PER_MS);
    if (today + added.length > MAX_COMMAND_CREATES)
      throw new Refusal(
        400,
        30_034,
        `Max number of daily application command creates has been reached (${MAX_COMMAND_CREATES})`,
      );
    for (const [type, most] of Object.entries(MAX_COMMANDS))
      if (all.filter((command) => command.type === Number(type)).length > most)
        throw new Refusal(400, 30_032, `Maximum number of application commands reached (${most})`);
  }

  #inScope(request: RestRequest): Command[] {
    return this.deps.world.commands(scopeOf(request));
  }

  #named(request: RestRequest): Command {
    const command = this.#inScope(request).find(({ id }) => id === param(request, 'command'));
    if (command === undefined) throw unknown.command();
    return command;
  }

  #sameName(guild: string | undefined, { type, name }: CommandDefinition): Command | undefined {
    return this.deps.world.commands(guild).find((command) => command.type === type && command.name === name);
  }
}

/** The guild, or undefined for global commands. @throws {Refusal} for an app or a guild that is not ours */
function scopeOf(request: RestRequest): string | undefined {
  if (param(request, 'app') !== BOT.discordApplication) throw unknown.application();
  const { guild } = request.params;
  if (guild !== undefined && guild !== GUILD.id) throw new Refusal(403, 50_001, 'Missing Access');
  return guild;
}
