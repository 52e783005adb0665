/** Routes of the guild, its members and its roles, and of users. */
import { BOT, GUILD, PEOPLE } from '../people.ts';
import { activeThreads, guildChannels } from './channel-routes.ts';
import { Refusal, unknown } from './refusal.ts';
import { ok, param, type RestAnswer, type RestRequest, type RestRoute } from './rest-route.ts';
import { isMember, type SharedView, toGuild, toMember, toRoles, toUser } from './wire.ts';

interface Deps {
  readonly view: () => SharedView;
  /** The app was given the server-members intent, without which the list of members is refused. */
  readonly hasMembers: () => boolean;
}

export class GuildRoutes {
  readonly routes: readonly RestRoute[];

  constructor(private readonly deps: Deps) {
    this.routes = [
      { method: 'GET', path: '/users/@me', run: () => ok(toUser(BOT.discordUser)) },
      { method: 'GET', path: '/users/@me/guilds', run: () => this.#guilds() },
      { method: 'GET', path: '/users/:user', run: (request) => this.#user(request) },
      { method: 'GET', path: '/guilds/:guild', run: (request) => this.#guild(request) },
      { method: 'GET', path: '/guilds/:guild/channels', run: (request) => this.#channels(request) },
      { method: 'GET', path: '/guilds/:guild/threads/active', run: (request) => this.#threads(request) },
      { method: 'GET', path: '/guilds/:guild/roles', run: (request) => this.#roles(request) },
      { method: 'GET', path: '/guilds/:guild/members', run: (request) => this.#members(request) },
      { method: 'GET', path: '/guilds/:guild/members/:user', run: (request) => this.#member(request) },
    ];
  }

  #guilds(): RestAnswer {
    const permissions = String(this.deps.view().permissions.bits);
    return ok([{ id: GUILD.id, name: GUILD.name, icon: null, owner: false, permissions, features: [] }]);
  }

  #user(request: RestRequest): RestAnswer {
    const user = param(request, 'user');
    if (!isMember(user)) throw unknown.user();
    return ok(toUser(user));
  }

  #guild(request: RestRequest): RestAnswer {
    refuseOtherGuild(request);
    const { channels: _channels, threads: _threads, members: _members, ...guild } = toGuild(this.deps.view());
    return ok(guild);
  }

  #channels(request: RestRequest): RestAnswer {
    refuseOtherGuild(request);
    return ok(guildChannels(this.deps.view()));
  }

  #threads(request: RestRequest): RestAnswer {
    refuseOtherGuild(request);
    return ok({ threads: activeThreads(this.deps.view().world), members: [] });
  }

  #roles(request: RestRequest): RestAnswer {
    refuseOtherGuild(request);
    return ok(toRoles(this.deps.view().permissions));
  }

  #members(request: RestRequest): RestAnswer {
    refuseOtherGuild(request);
    if (!this.deps.hasMembers()) throw new Refusal(403, 50_001, 'Missing Access');
    return ok([...PEOPLE.map(({ discordUser }) => discordUser), BOT.discordUser].map(toMember));
  }

  #member(request: RestRequest): RestAnswer {
    refuseOtherGuild(request);
    const user = param(request, 'user');
    if (!isMember(user)) throw unknown.member();
    return ok(toMember(user));
  }
}

function refuseOtherGuild(request: RestRequest): void {
  if (param(request, 'guild') !== GUILD.id) throw unknown.guild();
}
