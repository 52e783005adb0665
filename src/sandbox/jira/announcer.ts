/** Tells those who want to know what happened in the emulated Jira, by its webhooks. */
import type { Clock } from '../../domain/clock.ts';
import { BOT } from '../people.ts';
import { userOf } from './catalogue.ts';
import { parseJql } from './jql.ts';
import type { Happening } from './operation.ts';
import { type PayloadOptions, toWebhook } from './webhook-payloads.ts';
import type { Webhooks } from './webhooks.ts';
import type { Site } from './wire.ts';
import type { Issue, World } from './world.ts';

export class Announcer {
  constructor(
    private readonly world: World,
    private readonly webhooks: Webhooks,
    private readonly site: () => Site,
    private readonly clock: Clock,
    private readonly options: PayloadOptions,
  ) {}

  /** Resolves once everybody has acknowledged it; rejects if Jira gives up. */
  tell(happening: Happening): Promise<void> {
    const acknowledged = this.#told(happening);
    acknowledged.catch(() => undefined); // whoever waits for it hears of it
    return acknowledged;
  }

  async #told(happening: Happening): Promise<void> {
    const { world, options } = this;
    const told = toWebhook(happening, { world, site: this.site(), now: this.clock.now(), options });
    if (told) await this.webhooks.tell(told.event, told.payload, this.#matcher(told.issue));
  }

  /** Whether a webhook with this JQL is told of the issue. JQL limits what happens to issues, and nothing else. */
  #matcher(issue: Issue | undefined): (jql: string) => boolean {
    if (!issue) return () => true;
    const user = userOf(BOT.jiraAccount);
    if (!user) throw new Error('the bot has no account');
    const context = { world: this.world, user, now: this.clock.now() };
    return (jql) => parseJql(jql, context).matches(issue);
  }
}
