/**
 * The registration of our commands with Discord: where the configuration wants them, and nowhere else.
 *
 * Owns      in which servers, when, and again after the waits Discord asks for.
 * Not here  which commands there are, and what differs (`commands.ts`).
 *
 * Invariants
 *   1. Where they are wanted they are before `begin` resolves, unless Discord wants it slower.
 *   2. Commands of ours that an earlier configuration registered in a server go; those of others stay.
 *   3. Without commands the bot still works: what could not be done is a line in the log, and `check` says more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RateLimitedError } from '../../src/domain/errors.ts';
import type { Logger } from '../../src/observability/logger.ts';
import { CredentialError, codeOf, type DiscordClient } from './client.ts';
import { type CommandChanges, commandsFor, diffCommands } from './commands.ts';
import type { DiscordSettings } from './config.ts';

/** Discord lets an application make a few commands at a time; after these waits it is left to the next start. */
const MAX_WAITS = 10;

/** One server, or (undefined) all of them together. */
type Scope = string | undefined;

interface Rest {
  readonly waitMs: number;
  readonly scopes: readonly Scope[];
}

interface RegistrationDeps {
  readonly settings: Pick<DiscordSettings, 'guild_commands'>;
  readonly client: DiscordClient;
  readonly log: Logger;
}

export class Registration {
  #rest: Promise<void> = Promise.resolve();

  constructor(private readonly deps: RegistrationDeps) {}

  /**
   * Registers what differs. What has to wait, and what is left in other servers, is done after that, until the signal.
   *
   * @throws {CredentialError} when the token is refused
   */
  async begin(signal: AbortSignal): Promise<void> {
    try {
      const rest = await this.#bring(wantedIn(this.deps.settings), signal);
      this.#rest = this.#finish(rest, signal);
    } catch (error) {
      if (error instanceof CredentialError) throw error;
      this.#failed(error, signal);
    }
  }

  /** Resolves when nothing is being done any more. */
  async done(): Promise<void> {
    await this.#rest;
  }

  /** Never rejects. */
  async #finish(rest: Rest | undefined, signal: AbortSignal): Promise<void> {
    try {
      await this.#bringSlowly(rest, signal);
      await this.#bringSlowly({ waitMs: 0, scopes: await leftoverScopes(this.deps) }, signal);
    } catch (error) {
      this.#failed(error, signal);
    }
  }

  async #bringSlowly(first: Rest | undefined, signal: AbortSignal): Promise<void> {
    let rest = first;
    for (let waits = 0; rest && waits < MAX_WAITS && !signal.aborted; waits++) {
      await sleep(rest.waitMs, undefined, { signal });
      rest = await this.#bring(rest.scopes, signal);
    }
  }

  /** Resolves with what is left to do once Discord has been waited for, if it wants that. */
  async #bring(scopes: readonly Scope[], signal: AbortSignal): Promise<Rest | undefined> {
    for (const [index, scope] of scopes.entries()) {
      signal.throwIfAborted();
      try {
        const changes = await changesIn(scope, this.deps);
        if (changes) await this.deps.client.changeCommands(scope, changes, signal);
      } catch (error) {
        if (!(error instanceof RateLimitedError)) throw error;
        return { waitMs: error.retryAfterMs, scopes: scopes.slice(index) };
      }
    }
    return undefined;
  }

  #failed(error: unknown, signal: AbortSignal): void {
    if (!signal.aborted) this.deps.log.warn({ error }, 'the commands could not be registered with Discord');
  }
}

/** All servers together, and those that are named. */
export function wantedIn({ guild_commands: guilds }: RegistrationDeps['settings']): Scope[] {
  return [undefined, ...guilds];
}

/** Servers in which no command of ours is to be registered: one of an earlier configuration may still be. */
export async function leftoverScopes({
  settings,
  client,
}: Pick<RegistrationDeps, 'settings' | 'client'>): Promise<string[]> {
  const guilds = await client.guilds();
  return guilds.map(({ id }) => id).filter((id) => !settings.guild_commands.includes(id));
}

/** What has to change there; undefined in a server that lets us have no commands, and where none is wanted. */
export async function changesIn(
  scope: Scope,
  { settings, client }: Pick<RegistrationDeps, 'settings' | 'client'>,
): Promise<CommandChanges | undefined> {
  const { guild_commands: guilds } = settings;
  // Those for every server would stand beside those of a server of its own, each command twice.
  const isWanted = scope === undefined ? guilds.length === 0 : guilds.includes(scope);
  try {
    return diffCommands(isWanted ? commandsFor(scope) : [], await client.commands(scope));
  } catch (error) {
    if (isWanted || codeOf(error) === undefined) throw error;
    return undefined;
  }
}
