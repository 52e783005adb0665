/**
 * Programs of the sandbox's people at the web gateway, one each: what they say goes out over a socket, and what they
 * hear is shown.
 *
 * Nothing is emulated here. The gateway's side is its published protocol (docs/web-api.md), and these are programs
 * that keep to it, as anybody's would; the people's side is this class, for the page and for tests.
 *
 * Invariants
 *   1. What somebody asks is in the journal before it is sent, and what came of it after that; what has no outcome is
 *      sent again after a start, with the same id.
 *   2. Tokens are made once and kept in the journal, so that a gateway that kept running still knows them.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import { z } from 'zod';
import type { Card } from '../../domain/card.ts';
import { type Clock, systemClock } from '../../domain/clock.ts';
import type { FormChoice } from '../../domain/form.ts';
import type { AnswerChoice } from '../../domain/message.ts';
import type { Journal } from '../journal.ts';
import { PEOPLE, type SandboxPerson } from '../people.ts';
import { Watch } from '../watch.ts';
import type { Heard } from './event-log.ts';
import type { FormOffer } from './frames.ts';
import { Outcome, type WebAttachment, WebRequest } from './request.ts';
import { type ConnectionState, WEB_TIMING, WebProgram, type WebTiming } from './web-program.ts';

export interface WebSandboxOptions {
  readonly timing?: Partial<WebTiming>;
}

/** Something somebody asked, with what came of it once that is known. */
export interface Asked {
  readonly request: WebRequest;
  readonly outcome: Outcome | undefined;
}

const JOURNAL_KIND = 'web';

const Entry = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('token'), client: z.string(), token: z.string() }),
  z.object({ kind: z.literal('asked'), request: WebRequest }),
  z.object({ kind: z.literal('outcome'), id: z.string(), outcome: Outcome }),
]);
type Entry = z.infer<typeof Entry>;

export class WebSandbox {
  /** Frames that do not fit the published protocol. */
  readonly violations: string[] = [];

  readonly #asked = new Map<string, Asked>();
  readonly #tokens = new Map<string, string>();
  readonly #programs = new Map<string, WebProgram>();
  readonly #watch = new Watch('on the web');
  /** Forms that came and were not looked at yet, by request. */
  readonly #offers = new Map<string, Outcome>();
  #url: string | undefined;

  constructor(
    private readonly journal: Journal,
    private readonly options: WebSandboxOptions = {},
    private readonly clock: Clock = systemClock,
  ) {}

  /** Reads the journal back. Nobody connects before `connectTo`. */
  async start(): Promise<void> {
    for (const record of this.journal.replay(JOURNAL_KIND)) this.#apply(Entry.parse(record));
    for (const person of PEOPLE) {
      if (!this.#tokens.has(person.webClient)) this.#record(newToken(person));
      this.#programs.set(person.webClient, this.#programOf(person));
    }
    for (const { request, outcome } of this.#asked.values()) {
      if (outcome === undefined) this.#program(request.client).ask(request);
    }
  }

  /** Ends the connections. Safe to call twice. */
  async stop(): Promise<void> {
    await Promise.all([...this.#programs.values()].map((program) => program.stop()));
  }

  /** What makes clients of these programs, as environment variables. */
  get env(): Record<string, string> {
    return Object.fromEntries(
      PEOPLE.flatMap(({ webClient, webTokenVariable }) =>
        webTokenVariable === undefined ? [] : [[webTokenVariable, this.#tokens.get(webClient) ?? '']],
      ),
    );
  }

  // What people do.

  /** Says something in a conversation, which begins with that. Resolves at once; `until` waits for the outcome. */
  say(wanted: {
    client: string;
    conversation: string;
    text: string;
    attachments?: readonly WebAttachment[];
  }): string {
    const { client, conversation, text, attachments = [] } = wanted;
    const files = attachments.length === 0 ? {} : { attachments: [...attachments] };
    return this.#ask({ kind: 'message', ...this.#gesture(client), conversation, text, ...files });
  }

  /** Answers a card; `gen` and `digest` are those of what was shown. */
  answer(wanted: {
    client: string;
    card: Pick<Card, 'approvalId' | 'gen' | 'digest'>;
    choice: AnswerChoice;
    text?: string;
    /** What was filled into the form of that choice. */
    fields?: Readonly<Record<string, string>>;
  }): string {
    const { client, card, choice, text, fields } = wanted;
    const { approvalId, gen, digest } = card;
    const said = { ...(text === undefined ? {} : { text }), ...(fields ? { fields: { ...fields } } : {}) };
    return this.#ask({ kind: 'answer', ...this.#gesture(client), approvalId, gen, digest, choice, ...said });
  }

  /** Asks for the form of an answer. */
  async form(wanted: {
    client: string;
    card: Pick<Card, 'approvalId' | 'gen' | 'digest'>;
    choice: FormChoice;
  }): Promise<FormOffer> {
    const { client, card, choice } = wanted;
    const { approvalId, gen, digest } = card;
    const request = { kind: 'form' as const, ...this.#gesture(client), approvalId, gen, digest, choice };
    this.#program(client).ask(request);
    return this.until(() => {
      const outcome = this.#offers.get(request.id);
      if (outcome) this.#offers.delete(request.id);
      return outcome && (outcome.offer ?? { kind: 'refused', notice: outcome.reason ?? 'There is none.' });
    });
  }

  // What there is.

  connection(client: string): ConnectionState {
    return this.#program(client).state;
  }

  /** Where the programs were told that the gateway is. */
  get url(): string | undefined {
    return this.#url;
  }

  /** What a person asked, oldest first. */
  asked(client: string): Asked[] {
    return [...this.#asked.values()].filter(({ request }) => request.client === client);
  }

  outcome(id: string): Outcome | undefined {
    return this.#asked.get(id)?.outcome;
  }

  /** What a person's program heard, in order. */
  heard(client: string): Heard[] {
    return this.#program(client).heard;
  }

  /** Calls `listener` after every change of anything above; the function returned ends that. */
  onChange(listener: () => void): () => void {
    return this.#watch.onChange(listener);
  }

  /**
   * Resolves with what `find` returns, as soon as that is neither undefined nor false. Looks after every change.
   *
   * @throws {Error} after `timeoutMs` (default 10 s), with what there is instead
   */
  async until<Found>(
    find: (web: this) => Found | undefined | false,
    { timeoutMs }: { timeoutMs?: number } = {},
  ): Promise<Found> {
    return this.#watch.until(
      () => find(this),
      () => this.#summary(),
      timeoutMs,
    );
  }

  // What the gateway's owner does, and what goes wrong.

  /** @param url of the web gateway, such as `http://127.0.0.1:4000/web`; undefined: there is none */
  connectTo(url: string | undefined): void {
    this.#url = url;
    for (const program of this.#programs.values()) program.goTo(url);
  }

  /** Ends a program's connection as a network would; it comes again by itself. */
  drop(client: string): void {
    this.#program(client).drop();
  }

  #ask(request: WebRequest): string {
    const program = this.#program(request.client);
    this.#record({ kind: 'asked', request }); // invariant 1
    program.ask(request);
    this.#watch.changed();
    return request.id;
  }

  #gesture(client: string): { id: string; client: string; at: string } {
    return { id: randomUUID(), client, at: new Date(this.clock.now()).toISOString() };
  }

  #program(client: string): WebProgram {
    const program = this.#programs.get(client);
    if (!program)
      throw new Error(`there is no program ${client}; there are ${[...this.#programs.keys()].join(', ')}`);
    return program;
  }

  #programOf({ webClient, webTokenVariable }: SandboxPerson): WebProgram {
    return new WebProgram({
      client: webClient,
      token: this.#tokens.get(webClient) ?? '',
      // Who is known to be nobody's client knocks when there is something to say, not at every start.
      listens: webTokenVariable !== undefined,
      timing: { ...WEB_TIMING, ...this.options.timing },
      changed: () => this.#watch.changed(),
      settled: ({ kind, id }, outcome) => {
        if (kind === 'form') this.#offers.set(id, outcome);
        else this.#record({ kind: 'outcome', id, outcome });
        this.#watch.changed();
      },
      violated: (what) => {
        this.violations.push(what);
        this.#watch.changed();
      },
    });
  }

  #record(entry: Entry): void {
    this.journal.append(JOURNAL_KIND, entry);
    this.#apply(entry);
  }

  #apply(entry: Entry): void {
    switch (entry.kind) {
      case 'token':
        this.#tokens.set(entry.client, entry.token);
        return;
      case 'asked':
        this.#asked.set(entry.request.id, { request: entry.request, outcome: undefined });
        return;
      case 'outcome': {
        const asked = this.#asked.get(entry.id);
        if (asked) this.#asked.set(entry.id, { ...asked, outcome: entry.outcome });
        return;
      }
      default:
        entry satisfies never;
    }
  }

  #summary(): string {
    return JSON.stringify(
      PEOPLE.map(({ webClient }) => ({
        client: webClient,
        connection: this.connection(webClient).kind,
        asked: this.asked(webClient).slice(-3),
        heard: this.heard(webClient).slice(-5),
      })),
    ).slice(0, 4_000);
  }
}

function newToken({ webClient }: SandboxPerson): Entry {
  return { kind: 'token', client: webClient, token: randomBytes(32).toString('base64url') };
}
