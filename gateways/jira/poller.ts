/**
 * Asks Jira again and again what is new, for those whom Jira cannot call.
 *
 * Each question reaches back behind the last good one, because searches see changes late and to the minute; what was
 * handed over before is known by its id and changes nothing. The position is kept outside the process.
 * What changed is looked at whole, as far as so many comments go back: edits are told by their time, and what was
 * there the last time and is gone was deleted. Not seen: what was deleted while nothing polled, and edits and
 * deletions beyond so many comments; docs/connect/jira.md says so.
 *
 * Invariants
 *   1. The position moves only when everything up to it was handed over, but for what no further question would get:
 *      what Jira refuses to show, and what cannot be read.
 *   2. One question at a time.
 */
import { z } from 'zod';
import type { Clock } from '../../src/domain/clock.ts';
import { RateLimitedError, UndeliverableError } from '../../src/domain/errors.ts';
import type { Bookmarks } from '../../src/domain/gateway.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { JiraClient } from './client.ts';
import type { JiraSettings } from './config.ts';
import type { JiraIntake } from './intake.ts';
import { isAmong } from './jql.ts';
import type { JiraComment, JiraIssue } from './schema.ts';
import type { Listing, SeenIssues } from './seen-issues.ts';

const MINUTE_MS = 60_000;
/** Issues of one page. */
const PAGE = 50;
/** Readings of a list of several pages that changes while it is read; the next question begins anew. */
const MOST_READINGS = 10;
/** Comments of one page (REST API reference, "Get comments": default 100), and looked at in one issue, newest first. */
const COMMENT_PAGE = 100;
const MOST_COMMENTS = 1_000;
/** Changes from before this are not looked for the first time. */
const FIRST_LOOK_MS = 10 * MINUTE_MS;
/** Longest pause after failures, in ms. */
const LONGEST_PAUSE_MS = 5 * MINUTE_MS;

/** Pauses between questions, in ms. */
export interface PollTiming {
  /** Default: as the settings say. */
  readonly pollEveryMs?: number;
  /** After failures. */
  readonly pollPauseAtMostMs?: number;
}

export interface PollerDeps {
  readonly client: JiraClient;
  readonly intake: JiraIntake;
  readonly seen: SeenIssues;
  readonly settings: JiraSettings;
  readonly bookmarks: Bookmarks;
  /** Names the position of this site. */
  readonly bookmark: string;
  readonly clock: Clock;
  readonly log: Logger;
  readonly timing?: PollTiming;
}

export class JiraPoller {
  #timer: NodeJS.Timeout | undefined;
  #polling: Promise<void> = Promise.resolve();
  #isStopped = false;
  #failures = 0;

  constructor(private readonly deps: PollerDeps) {}

  /** Resolves after the first question, however it went. */
  async start(): Promise<void> {
    this.#isStopped = false;
    await this.#step();
  }

  /** Waits for the issue under way; the others are asked for again after the next start. Safe to call twice. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    await this.#polling;
  }

  /** Asks once, now. */
  async poll(): Promise<void> {
    const { bookmarks, bookmark, clock } = this.deps;
    const began = clock.now();
    const since = Number((await bookmarks.read(bookmark)) ?? began - FIRST_LOOK_MS);
    const isAll = await this.#takeSince(since - this.deps.settings.poll.overlap_minutes * MINUTE_MS);
    if (isAll) await bookmarks.write(bookmark, String(began));
  }

  async #step(): Promise<void> {
    this.#polling = this.poll().then(
      () => {
        this.#failures = 0;
      },
      (error: unknown) => {
        this.#failures += 1;
        this.deps.log.warn({ err: error }, 'Jira could not be asked what is new; trying again');
        this.#wait(error);
      },
    );
    await this.#polling;
    if (!this.#isStopped && this.#failures === 0) this.#schedule(this.#everyMs());
  }

  #everyMs(): number {
    const { timing, settings } = this.deps;
    return timing?.pollEveryMs ?? settings.poll.seconds * 1_000;
  }

  #wait(error: unknown): void {
    const { pollPauseAtMostMs = LONGEST_PAUSE_MS } = this.deps.timing ?? {};
    const backoff = this.#everyMs() * 2 ** Math.min(this.#failures, 10);
    const asked = error instanceof RateLimitedError ? error.retryAfterMs : 0;
    if (!this.#isStopped) this.#schedule(Math.max(asked, Math.min(backoff, pollPauseAtMostMs)));
  }

  #schedule(ms: number): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.#step(), ms);
    this.#timer.unref();
  }

  /** False when it was stopped before the end. */
  async #takeSince(since: number): Promise<boolean> {
    const { seen } = this.deps;
    for (const [id, updated] of await this.#changedSince(since)) {
      if (this.#isStopped) return false;
      if (updated !== undefined && seen.isSeen(id, updated)) continue;
      await this.#orPass({ issue: id }, () => this.#takeIssue(id, since));
    }
    return true;
  }

  /**
   * Every issue that changed, with when it did. Known before the first is taken: an answer changes an issue, and pages
   * move under whoever reads them meanwhile. What else changes does the same, so several pages are read until a
   * reading finds nothing that the ones before it have left out.
   */
  async #changedSince(since: number): Promise<Map<string, string | undefined>> {
    const { settings, clock } = this.deps;
    const minutes = Math.max(1, Math.ceil((clock.now() - since) / MINUTE_MS));
    const among = settings.projects ? `${isAmong(settings.projects)} AND ` : '';
    // Relative, because dates would be read in the time zone of the account.
    const jql = `${among}updated >= -${minutes}m ORDER BY created ASC`;
    const changed = new Map<string, string | undefined>();
    for (let reading = 1; reading <= MOST_READINGS; reading++) {
      const before = changed.size;
      const pages = await this.#readPages(jql, changed);
      if (pages === 1 || (reading > 1 && changed.size === before)) return changed;
    }
    throw new Error(
      `issues change faster than their list can be read: ${changed.size} of them in ${minutes} minutes`,
    );
  }

  async #readPages(jql: string, changed: Map<string, string | undefined>): Promise<number> {
    let pages = 0;
    let after: string | undefined;
    do {
      const page = await this.deps.client.search(jql, {
        fields: ['updated'],
        most: PAGE,
        ...(after === undefined ? {} : { after }),
      });
      pages++;
      for (const { id, fields = {} } of page.issues) {
        changed.set(id, typeof fields.updated === 'string' ? fields.updated : undefined);
      }
      after = page.isLast === true ? undefined : page.nextPageToken;
    } while (after !== undefined && !this.#isStopped);
    return pages;
  }

  async #takeIssue(id: string, since: number): Promise<void> {
    const { intake, seen } = this.deps;
    // Before its comments: what is written in between makes it newer than what is remembered.
    const issue = await intake.issue(id);
    await this.#orPass({ issue: id }, () => intake.takeAssigned(issue, since));
    const listing = await this.#list(issue.id);
    for (const gone of seen.goneFrom(issue, listing)) await intake.takeDeleted(gone, issue);
    for (const comment of listing.comments.toReversed()) {
      await this.#orPass({ issue: id, comment: comment.id }, () => this.#takeComment(comment, issue, since));
    }
    seen.remember(issue, listing);
  }

  async #takeComment(comment: JiraComment, issue: JiraIssue, since: number): Promise<void> {
    const { intake } = this.deps;
    const isNew = Date.parse(comment.created) >= since;
    const isEdited = comment.created !== comment.updated;
    if (isNew) await intake.takeComment(comment, issue);
    if (isEdited && Date.parse(comment.updated) >= since) await intake.takeEdited(comment, issue);
  }

  /** Newest first. Edits stay in their place, so the list is not left off at the first old comment. */
  async #list(issue: string): Promise<Listing> {
    const comments: JiraComment[] = [];
    const unread: string[] = [];
    for (let from = 0; from < MOST_COMMENTS; from += COMMENT_PAGE) {
      const page = await this.deps.client.comments(issue, { most: COMMENT_PAGE, from });
      comments.push(...page.comments);
      unread.push(...page.unread);
      if (page.comments.length + page.unread.length < COMMENT_PAGE)
        return { comments, unread, isWhole: true };
    }
    return { comments, unread, isWhole: false };
  }

  /** One thing that Jira does not show us, or that cannot be read, holds up nothing else. */
  async #orPass(facts: { readonly issue: string; readonly comment?: string }, take: () => Promise<void>) {
    try {
      await take();
    } catch (error) {
      if (!(error instanceof UndeliverableError || error instanceof z.ZodError)) throw error;
      this.deps.log.warn({ err: error, ...facts }, 'something in Jira is passed over: it cannot be taken in');
    }
  }
}
