/**
 * Reads a mailbox: everything that arrives, in order, once.
 *
 *   connect ─▶ search beyond the cursor ─▶ take each mail, move the cursor ─▶ wait (IDLE, watchdog) ─┐
 *      ▲                  ▲                                                                          │
 *      └── backoff ◀── connection lost                        └──────────────────────────────────────┘
 *
 * Invariants
 *   1. The cursor (UIDVALIDITY, last UID, UIDs put off) lives outside the process and moves past a mail only after
 *      it is stored, put off, or known to be unreadable. A mail whose storing failed is tried again before any later
 *      one.
 *   2. Whether a person or another program has read a mail does not matter: the mailbox is opened read-only.
 *   3. When UIDVALIDITY changes, UIDs mean nothing any more: recent mail is read again, and the core knows which
 *      of it was taken before.
 *   4. One mail that cannot be read, or that breaks the connection again and again, holds up no other.
 *   5. A silent connection is not trusted: the mailbox is searched at intervals, whatever IDLE says.
 *   6. A mail whose sender cannot be looked up now is put off, and for so long that a failing name service is noticed
 *      and mended; only then is it taken as nobody's.
 *
 * A connection object serves once; every attempt has a new one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { ImapFlow, type MailboxObject } from 'imapflow';
import { z } from 'zod';
import type { Clock } from '../../src/domain/clock.ts';
import { isLoopback } from '../../src/domain/encryption.ts';
import type { Bookmarks } from '../../src/domain/gateway.ts';
import type { Logger } from '../../src/observability/logger.ts';
import type { ImapSettings } from './config.ts';
import { type Intake, UnverifiedMailError } from './intake.ts';

/** In milliseconds. */
const CONNECT_TIMEOUT_MS = 15_000;
const GREETING_TIMEOUT_MS = 10_000;
/** A server that does not answer a command for this long is gone, whatever the socket says. */
export const ANSWER_TIMEOUT_MS = 30_000;
/** RFC 2177: at most 29 minutes; routers forget connections sooner. */
const RENEW_IDLE_MS = 4 * 60_000;

const FIRST_BACKOFF_MS = 500;
const MAX_BACKOFF_MS = 60_000;

/** Between two attempts at storing the same mail. */
const FIRST_STORE_BACKOFF_MS = 250;
const MAX_STORE_BACKOFF_MS = 15_000;

/** A mail during which the connection broke this often is passed over. */
const MAX_BREAKS_PER_MAIL = 3;

/** Bytes fetched at a time, so that a mail is never in memory as a whole. */
const FETCH_BYTES = 256 * 1024;

/** Between two looks at who sent a mail that was put off, and for how long it is looked at. */
const LOOK_UP_AGAIN_MS = 60_000;
const PUT_OFF_MS = 24 * 3_600_000;
/** Longest time given to mails put off before new ones are looked at. */
const AGAIN_BUDGET_MS = 20_000;
/** Mails put off at a time; one more is taken as it is. */
const MAX_PUT_OFF = 500;

const PutOff = z.object({ uid: z.int().positive(), since: z.number(), triedAt: z.number() });

const Cursor = z.object({
  uidValidity: z.string(),
  lastUid: z.int().nonnegative(),
  /** When the last mail taken had arrived, in milliseconds since the epoch. */
  lastArrival: z.number(),
  putOff: z.array(PutOff).readonly().default([]),
});
type Cursor = z.infer<typeof Cursor>;

export interface ImapDeps {
  readonly log: Logger;
  readonly clock: Clock;
  readonly bookmarks: Bookmarks;
}

export class ImapReader {
  #stopping = new AbortController();
  readonly #breaks = new Map<string, number>();
  #running: Promise<void> = Promise.resolve();

  constructor(
    private readonly imap: ImapSettings,
    private readonly limits: {
      readonly maxSize: number;
      readonly allowInsecure: boolean;
      readonly answerMs: number;
    },
    private readonly deps: ImapDeps,
  ) {}

  /** Resolves once the mailbox is open and its waiting mail taken, or the first attempt has failed and others follow. */
  async start(intake: Intake): Promise<void> {
    let ready = () => {};
    const firstAttempt = new Promise<void>((resolve) => {
      ready = resolve;
    });
    this.#stopping = new AbortController();
    this.#running = this.#run(intake, ready, this.#stopping.signal);
    await firstAttempt;
  }

  /** Finishes the mail at hand. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
  }

  /** Connects, signs in and opens the mailbox; changes nothing. */
  async verify(): Promise<void> {
    const client = this.#newClient();
    try {
      await client.connect();
      await client.mailboxOpen(this.imap.mailbox, { readOnly: true });
    } finally {
      client.close();
    }
  }

  async #run(intake: Intake, ready: () => void, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#session(
          intake,
          () => {
            failures = 0;
            ready();
          },
          signal,
        );
      } catch (error) {
        failures += 1;
        if (!signal.aborted)
          this.deps.log.warn(
            { error, failures, host: this.imap.host },
            'the mailbox is unreachable; trying again',
          );
      }
      ready();
      await pause(backoff(failures, FIRST_BACKOFF_MS, MAX_BACKOFF_MS), signal);
    }
  }

  /** One connection, from greeting to loss. */
  async #session(intake: Intake, ready: () => void, signal: AbortSignal): Promise<void> {
    const client = this.#newClient();
    const wake = new Wake();
    const hangUp = () => {
      wake.ring();
      if (!client.usable) client.close(); // still connecting
    };
    client.on('exists', () => wake.ring());
    client.on('close', () => wake.ring());
    client.on('error', (error: Error) =>
      this.deps.log.debug({ error: error.message }, 'mailbox connection error'),
    );
    signal.addEventListener('abort', hangUp, { once: true });
    try {
      await client.connect();
      await this.#answer(client, client.mailboxOpen(this.imap.mailbox, { readOnly: true }));
      this.deps.log.info({ host: this.imap.host, mailbox: this.imap.mailbox }, 'reading the mailbox');
      while (!signal.aborted && client.usable) {
        wake.reset();
        await this.#takeNew(client, intake, signal);
        ready();
        await this.#waitForMail(client, wake, signal);
      }
      if (signal.aborted) await this.#answer(client, client.logout());
      else throw new Error('the connection was lost');
    } finally {
      signal.removeEventListener('abort', hangUp);
      client.close();
    }
  }

  async #waitForMail(client: ImapFlow, wake: Wake, signal: AbortSignal): Promise<void> {
    if (signal.aborted || !client.usable) return;
    // Left to itself imapflow waits 15 s before it listens.
    client.idle().catch(() => {}); // a broken connection also closes, which wakes us
    await wake.within(this.imap.watchdog_seconds * 1000);
    if (!signal.aborted && client.usable) await this.#answer(client, client.noop());
  }

  async #takeNew(client: ImapFlow, intake: Intake, signal: AbortSignal): Promise<void> {
    const mailbox = client.mailbox;
    if (!mailbox) throw new Error('no mailbox is open');
    const uidValidity = String(mailbox.uidValidity);
    let cursor = await this.#readCursor(mailbox);
    const rebuilt = cursor.uidValidity !== uidValidity;
    const keep = async (changed: Partial<Cursor>) => {
      cursor = { ...cursor, uidValidity, ...changed };
      await this.#persist(() => this.#writeCursor(cursor), signal);
    };
    const move = (lastUid: number, arrival: number, putOff = cursor.putOff) =>
      keep({ lastUid, lastArrival: Math.max(cursor.lastArrival, arrival), putOff });

    // UIDs of before a rebuilding name other mails now; those put off are among the recent ones.
    const began = this.deps.clock.now();
    const again = rebuilt ? [] : cursor.putOff.filter(({ triedAt }) => began - triedAt >= LOOK_UP_AGAIN_MS);
    for (const { uid, since } of again) {
      const nowMs = this.deps.clock.now();
      if (nowMs - began > AGAIN_BUDGET_MS) break; // those just failed are the last next time
      const arrival = await this.#takeOne(client, uid, mailbox, intake, signal, nowMs - since >= PUT_OFF_MS);
      if (arrival === 'stopped') return;
      const others = cursor.putOff.filter((each) => each.uid !== uid);
      await keep({ putOff: arrival === 'put-off' ? [...others, { uid, since, triedAt: nowMs }] : others });
    }
    const found = await this.#search(client, mailbox, cursor);
    if (rebuilt) cursor = { ...cursor, putOff: [] };
    for (const uid of found) {
      if (signal.aborted) return;
      const full = cursor.putOff.length >= MAX_PUT_OFF;
      const arrival = await this.#takeOne(client, uid, mailbox, intake, signal, full);
      if (arrival === 'stopped') return;
      const nowMs = this.deps.clock.now();
      if (arrival === 'put-off')
        await move(uid, 0, [...cursor.putOff, { uid, since: nowMs, triedAt: nowMs }]);
      else await move(uid, arrival);
    }
    // From here on everything new counts, however long we are away.
    if (rebuilt)
      await move(Math.max(cursor.uidValidity === uidValidity ? cursor.lastUid : 0, mailbox.uidNext - 1), 0);
  }

  async #search(client: ImapFlow, mailbox: MailboxObject, cursor: Cursor): Promise<number[]> {
    const known = cursor.uidValidity === String(mailbox.uidValidity);
    const since = new Date(cursor.lastArrival - this.imap.lookback_hours * 3_600_000);
    const wanted = known ? { uid: `${cursor.lastUid + 1}:*` } : { since };
    const found = await this.#answer(client, client.search(wanted, { uid: true }));
    // `n:*` names the last mail even if it is older than n.
    return (found || []).filter((uid) => !known || uid > cursor.lastUid).sort((a, b) => a - b);
  }

  /** Resolves with the time the mail had arrived, once it needs no more attention. */
  async #takeOne(
    client: ImapFlow,
    uid: number,
    mailbox: MailboxObject,
    intake: Intake,
    signal: AbortSignal,
    last: boolean,
  ): Promise<number | 'put-off' | 'stopped'> {
    const where = { uid, mailbox: this.imap.mailbox };
    const key = `${mailbox.uidValidity}:${uid}`;
    for (let failures = 0; ; ) {
      const facts = await this.#answer(
        client,
        client.fetchOne(String(uid), { uid: true, size: true, internalDate: true }, { uid: true }),
      );
      if (!facts) return 0; // deleted meanwhile
      const arrivedAt = new Date(facts.internalDate ?? this.deps.clock.now());
      if ((facts.size ?? 0) > this.limits.maxSize) {
        this.deps.log.warn(
          { ...where, size: facts.size, reason: 'too-large' },
          'a mail could not be read and was passed over',
        );
        return arrivedAt.getTime();
      }
      if ((this.#breaks.get(key) ?? 0) >= MAX_BREAKS_PER_MAIL) {
        this.deps.log.error(
          { ...where, reason: 'breaks-connection' },
          'a mail could not be read and was passed over',
        );
        return arrivedAt.getTime();
      }
      try {
        const { content } = await client.download(String(uid), undefined, {
          uid: true,
          chunkSize: FETCH_BYTES,
        });
        if (content) await intake.take(content, { where, arrivedAt, last });
        this.#breaks.delete(key);
        return arrivedAt.getTime();
      } catch (error) {
        if (!client.usable) {
          this.#breaks.set(key, (this.#breaks.get(key) ?? 0) + 1);
          throw error;
        }
        if (error instanceof UnverifiedMailError) {
          this.deps.log.warn(
            where,
            'who sent a mail could not be looked up; it is looked at again. Is the name service (DNS) well?',
          );
          return 'put-off';
        }
        failures += 1;
        this.deps.log.error({ ...where, error, failures }, 'a mail could not be stored; trying again');
        await pause(backoff(failures, FIRST_STORE_BACKOFF_MS, MAX_STORE_BACKOFF_MS), signal);
        if (signal.aborted) return 'stopped';
      }
    }
  }

  /** The answer to a command; without one in time the connection is closed, which is noticed everywhere. */
  async #answer<Answer>(client: ImapFlow, command: Promise<Answer>): Promise<Answer> {
    const timer = setTimeout(() => client.close(), this.limits.answerMs);
    try {
      return await command;
    } finally {
      clearTimeout(timer);
    }
  }

  /** Without a cursor, the mailbox is new to us: only recent mail is meant for us. */
  async #readCursor(mailbox: MailboxObject): Promise<Cursor> {
    const stored = await this.deps.bookmarks.read(this.#bookmark());
    if (stored !== undefined) {
      const cursor = Cursor.safeParse(jsonOf(stored));
      if (cursor.success) return this.#noteValidity(cursor.data, mailbox);
      this.deps.log.warn(
        { mailbox: this.imap.mailbox },
        'the reading position is unreadable; recent mail is read again',
      );
    }
    return { uidValidity: '', lastUid: 0, lastArrival: this.deps.clock.now(), putOff: [] };
  }

  #noteValidity(cursor: Cursor, mailbox: MailboxObject): Cursor {
    if (cursor.uidValidity !== String(mailbox.uidValidity)) {
      this.deps.log.warn(
        { mailbox: this.imap.mailbox },
        'the mailbox was rebuilt; recent mail is read again',
      );
    }
    return cursor;
  }

  #writeCursor(cursor: Cursor): Promise<void> {
    return this.deps.bookmarks.write(this.#bookmark(), JSON.stringify(cursor));
  }

  #bookmark(): string {
    return `imap:${this.imap.user}@${this.imap.host}:${this.imap.port}/${this.imap.mailbox}`;
  }

  /** Tries until it works or we stop; if we stop, the mail is taken again and known to the core. */
  async #persist(write: () => Promise<void>, signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted || failures === 0; ) {
      try {
        return await write();
      } catch (error) {
        failures += 1;
        this.deps.log.error({ error, failures }, 'the reading position could not be kept; trying again');
        await pause(backoff(failures, FIRST_STORE_BACKOFF_MS, MAX_STORE_BACKOFF_MS), signal);
      }
    }
  }

  #newClient(): ImapFlow {
    const { host, port, secure, user, password, access_token, ca } = this.imap;
    const local = isLoopback(host);
    return new ImapFlow({
      host,
      port,
      secure,
      // OM-190: beyond this machine no password is said in the clear, unless that was asked for.
      ...(secure ? {} : plainText({ local: local && ca === undefined, allowed: this.limits.allowInsecure })),
      ...(ca === undefined ? {} : { tls: { ca } }),
      auth: access_token === undefined ? { user, pass: password ?? '' } : { user, accessToken: access_token },
      disableAutoIdle: true,
      maxIdleTime: RENEW_IDLE_MS,
      maxLiteralSize: this.limits.maxSize,
      connectionTimeout: CONNECT_TIMEOUT_MS,
      greetingTimeout: GREETING_TIMEOUT_MS,
      logger: false,
    });
  }
}

/** STARTTLS: never on this machine, if offered where that was allowed, and required everywhere else. */
function plainText({ local, allowed }: { local: boolean; allowed: boolean }): { doSTARTTLS?: boolean } {
  if (local) return { doSTARTTLS: false };
  return allowed ? {} : { doSTARTTLS: true };
}

/** A bell that can ring before anybody waits for it. */
class Wake {
  #rung = false;
  #answer = () => {};

  ring(): void {
    this.#rung = true;
    this.#answer();
  }

  reset(): void {
    this.#rung = false;
  }

  /** Resolves when the bell rings or the time is over. */
  async within(ms: number): Promise<void> {
    if (this.#rung) return;
    const timeout = new AbortController();
    const rung = new Promise<void>((resolve) => {
      this.#answer = resolve;
    });
    await Promise.race([rung, pause(ms, timeout.signal)]);
    timeout.abort();
  }
}

function backoff(failures: number, first: number, most: number): number {
  return failures === 0 ? 0 : Math.min(most, first * 2 ** (failures - 1));
}

/** Ends early, without complaint, when we stop. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
