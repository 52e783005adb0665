/**
 * The role that came with the bot, server by server. Discord offers it beside the bot when somebody types its name, and
 * people cannot tell the two apart.
 *
 * A session tells the roles of a server as it begins; where it did not (it was resumed), they are asked for once.
 */
import { UndeliverableError } from '../../src/domain/errors.ts';
import type { Role } from './schema.ts';

export class OwnRoles {
  /** By server; undefined where there is none: the bot came in without permissions of its own. */
  readonly #known = new Map<string, string | undefined>();

  constructor(private readonly ask: (guild: string) => Promise<readonly Role[]>) {}

  /** `us`: the user id of the bot. */
  learn(guild: string, roles: readonly Role[], us: string): void {
    this.#known.set(guild, roles.find(({ tags }) => tags?.bot_id === us)?.id);
  }

  /** Without asking. */
  known(guild: string): string | undefined {
    return this.#known.get(guild);
  }

  /** Rejects when Discord cannot be asked now. */
  async find(guild: string, us: string): Promise<string | undefined> {
    if (!this.#known.has(guild)) this.learn(guild, await this.#ask(guild), us);
    return this.#known.get(guild);
  }

  async #ask(guild: string): Promise<readonly Role[]> {
    try {
      return await this.ask(guild);
    } catch (error) {
      if (error instanceof UndeliverableError) return []; // not ours to see
      throw error;
    }
  }
}
