/**
 * What the audit holds of people word for word, beside its entries: found, and erased.
 *
 *   asked by them, or for them      every word of the request goes
 *   asked by somebody else          what they said about it goes, and how they were called; so do arguments they wrote,
 *                                   and of the list of whose words had been read what is of them
 *   a standing yes to their calls   which calls it covers
 *
 * Invariants
 *   1. What is not over is left as it is: people still decide by it.
 *   2. Words go in one write with the entry that says so, so that the chain proves what was erased as well.
 *   3. What others said stays, and that strangers' words had been read.
 *   4. Of what was read, nobody is told more than that there was more where it cannot be told whether it is theirs.
 */
import type { AuditEntry, AuditLog } from '../audit/audit-log.ts';
import { isEnded } from '../domain/approval/record.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { RecordMovedError } from '../domain/errors.ts';
import { ApprovalId, type PersonId } from '../domain/ids.ts';
import { authorOf, MORE_SOURCES, type Sought, whoseSource } from '../domain/source.ts';
import {
  ERASED,
  ERASED_NAME,
  type Erasing,
  type KnownAs,
  type RequestOfPerson,
} from '../memory/person-data.ts';
import { digestOf, toBeside } from '../redis/audit-text.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect } from '../redis/effects.ts';
import { fingerprintOf } from '../redis/fingerprint.ts';
import type { Keys } from '../redis/keys.ts';
import type { ApprovalStore } from './approval-store.ts';

/** Times an erasure is decided anew when somebody else erases at the same moment. */
const MOST_TRIES = 5;

/** Who is erased, and all by which they are found; `names` and `calledThere` as with `Sought`. */
interface Erasee {
  readonly people: readonly PersonId[];
  readonly names: readonly string[];
  readonly calledThere: readonly string[];
  /** Where they wrote, whatever is kept of that. */
  readonly conversations: ReadonlySet<string>;
}

type Words = NonNullable<AuditEvent['words']>;

export class RequestedWords {
  constructor(
    private readonly log: Pick<AuditLog, 'entriesIn' | 'withWords'>,
    private readonly keys: Pick<Keys, 'partitions'>,
    private readonly approvals: Pick<ApprovalStore, 'find'>,
    private readonly writer: Pick<EffectWriter, 'writeIn'>,
  ) {}

  /** Every request that holds words of theirs, and these words. */
  async of(people: readonly PersonId[], known: KnownAs = {}): Promise<RequestOfPerson[]> {
    const found: RequestOfPerson[] = [];
    const erasee = await this.#eraseeOf(people, known);
    for (const partition of this.keys.partitions()) {
      for (const [id, changes] of await this.#changesIn(partition, erasee)) {
        const said = changes.map(({ entry, gone }) => ({
          atMs: entry.atMs,
          event: entry.event.event,
          words: gone,
        }));
        found.push({ id, isOver: await this.#isOver(id), said });
      }
    }
    return found;
  }

  /** How many requests hold no word of theirs any more, and how many still do, because they are not over. */
  async erase(
    people: readonly PersonId[],
    { names = [], calledThere = [], ...audit }: Erasing,
  ): Promise<{ readonly requests: number; readonly undecided: number }> {
    const erased = { requests: 0, undecided: 0 };
    const erasee = await this.#eraseeOf(people, { names, calledThere });
    for (const partition of this.keys.partitions()) {
      const { requests, undecided } = await this.#eraseIn(partition, erasee, audit);
      erased.requests += requests;
      erased.undecided += undecided;
    }
    return erased;
  }

  async #eraseIn(
    partition: number,
    erasee: Erasee,
    audit: Omit<Erasing, keyof KnownAs>,
  ): Promise<{ readonly requests: number; readonly undecided: number }> {
    const [erased, undecided] = [new Set<string>(), new Set<string>()];
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      let isMoved = false;
      for (const [id, changes] of await this.#changesIn(partition, erasee)) {
        if (!(await this.#isOver(id))) undecided.add(id);
        else if (await this.#write(partition, changes, { ...audit, subject: id })) erased.add(id);
        else isMoved = true;
      }
      if (!isMoved) return { requests: erased.size, undecided: undecided.size };
    }
    throw new Error(`what the audit holds was changed by others ${MOST_TRIES} times in a row`);
  }

  /** @returns false when somebody else erased there at the same moment; nothing was written */
  async #write(
    partition: number,
    changes: readonly Change[],
    about: Omit<Erasing, keyof KnownAs> & Pick<AuditEvent, 'subject'>,
  ): Promise<boolean> {
    const audit: AuditEvent = { ...about, event: 'memory.erased', detail: { what: 'request' } };
    return this.writer.writeIn(partition, toEffects(changes, audit)).catch((error: unknown) => {
      if (error instanceof RecordMovedError) return false;
      throw error;
    });
  }

  /** With all the audit knows of how they were called, and of where they wrote. */
  async #eraseeOf(people: readonly PersonId[], { names = [], calledThere = [] }: KnownAs): Promise<Erasee> {
    const called = new Set(calledThere);
    const conversations = new Set<string>();
    for (const partition of this.keys.partitions()) {
      for await (const { event, beside = '' } of this.log.entriesIn(partition)) {
        const { detail, subject, words } = event;
        if (event.event === 'message.received' && isOneOf(detail?.person, people)) conversations.add(subject);
        if (!people.some((person) => beside.includes(person))) continue;
        for (const name of [...namesIn(words, people), ...authorsIn(words, people)]) called.add(name);
      }
    }
    called.delete(ERASED_NAME);
    return { people, names, calledThere: [...called], conversations };
  }

  /** By what they are about. Read twice, so that of all others nothing is kept in mind. */
  async #changesIn(partition: number, erasee: Erasee): Promise<ReadonlyMap<string, readonly Change[]>> {
    const entries = new Map<string, AuditEntry[]>();
    for await (const { event, beside = '' } of this.log.withWords(partition)) {
      if (mayConcern(beside, event, erasee)) entries.set(event.subject, []);
    }
    if (entries.size === 0) return new Map();
    for await (const entry of this.log.withWords(partition)) {
      entries.get(entry.event.subject)?.push(entry);
    }
    const changes = [...entries].map(([id, all]) => [id, changesTo(all, erasee)] as const);
    return new Map(changes.filter(([, each]) => each.length > 0));
  }

  async #isOver(id: string): Promise<boolean> {
    const approvalId = ApprovalId.safeParse(id).data;
    const approval = approvalId && (await this.approvals.find(approvalId));
    return approval === undefined || isEnded(approval.state);
  }
}

// ── What goes ────────────────────────────────────────────────────────────────────────────────────────────────────

/** What becomes of the words beside one entry. */
interface Change {
  readonly entry: AuditEntry;
  readonly gone: unknown;
  /** Undefined: nothing. */
  readonly left: Words | undefined;
}

/** Whether it may be among the changes, told in no time of a great many. */
function mayConcern(beside: string, { detail, words }: AuditEvent, erasee: Erasee): boolean {
  const { people } = erasee;
  if (isOneOf(detail?.requester, people)) return true;
  if (people.some((person) => beside.includes(JSON.stringify(person)))) return true;
  const sources = sourcesIn(words);
  if (sources.length === 0) return false;
  const sought = soughtIn([words], erasee);
  return sources.some((source) => whoseSource(source, sought) !== 'others');
}

/** @param entries all of one request, each with its words */
function changesTo(entries: readonly AuditEntry[], erasee: Erasee): Change[] {
  const { people } = erasee;
  const sought = soughtIn(
    entries.map(({ event }) => event.words),
    erasee,
  );
  const isTheirs = entries.some(({ event }) => isAskedBy(event, people));
  return entries.flatMap((entry): Change[] => {
    const { words } = entry.event;
    if (words === undefined) return [];
    if (isTheirs) return [{ entry, gone: words, left: undefined }];
    const gone: unknown[] = [];
    const left = withoutSaid(words, sought, gone);
    return gone.length > 0 ? [{ entry, gone, left }] : [];
  });
}

/** What is looked for among the sources of one request. Who had a say in it is found by that name wherever it stands. */
function soughtIn(all: readonly (Words | undefined)[], erasee: Erasee): Sought {
  const { people: ids, names, calledThere, conversations } = erasee;
  const said = all.flatMap((words) => namesIn(words, ids)).filter((name) => name !== ERASED_NAME);
  const wasThere = all.some((words) => {
    const conversation = within(within(words, 'set'), 'conversationId');
    return typeof conversation === 'string' && conversations.has(conversation);
  });
  return { ids, names: [...new Set([...names, ...said])], calledThere, wasThere };
}

/** By them or on their behalf. */
function isAskedBy({ detail, words }: AuditEvent, people: readonly PersonId[]): boolean {
  const request = within(within(words, 'set'), 'request');
  const asking = [within(request, 'requester'), within(request, 'lineage'), detail?.requester].flat();
  return asking.some((id) => isOneOf(id, people));
}

function withoutSaid(words: Words, sought: Sought, gone: unknown[]): Words {
  const { ids: people } = sought;
  const left = withoutTheirs(words, people, gone) as Words; // an object, as it was
  const set = within(left, 'set');
  if (!isRecord(set)) return left;
  const erased = (text: unknown) => {
    if (text !== undefined && text !== ERASED) gone.push(text);
    return text === undefined ? undefined : ERASED;
  };
  const { remark, settledBy, edited } = set;
  const request = withoutSources(set.request, sought, gone);
  const isSettledByThem = isOneOf(within(settledBy, 'person'), people);
  const isEditedByThem = isOneOf(within(within(edited, 'by'), 'person'), people);
  return {
    ...left,
    set: {
      ...set,
      ...(isSettledByThem ? { remark: erased(remark) } : {}),
      ...(request === undefined ? {} : { request }),
      ...(isEditedByThem && isRecord(request)
        ? { request: { ...request, args: erased(request.args), preview: undefined } }
        : {}),
    },
  };
}

/** Without what is theirs, or may be, in the lists of whose words had been read. */
function withoutSources(request: unknown, sought: Sought, gone: unknown[]): unknown {
  if (!isRecord(request)) return request;
  const without = (sources: unknown) => {
    if (!Array.isArray(sources)) return sources;
    const whose = (source: unknown) => whoseSource(String(source), sought);
    const others = sources.filter((source) => whose(source) === 'others');
    if (others.length === sources.length) return sources;
    const theirs = sources.filter((source) => whose(source) === 'theirs');
    const isAllTold = theirs.length + others.length === sources.length;
    gone.push(...theirs, ...(isAllTold ? [] : [MORE_SOURCES]));
    return [...others.filter((source) => source !== MORE_SOURCES), MORE_SOURCES];
  };
  const lists = LISTS.filter((name) => name in request);
  return { ...request, ...Object.fromEntries(lists.map((name) => [name, without(request[name])])) };
}

/** Of a request: whose words had been read. */
const LISTS = ['strangers', 'heard'] as const;

function sourcesIn(words: Words | undefined): string[] {
  const request = within(within(words, 'set'), 'request');
  return LISTS.flatMap((name) => within(request, name)).flatMap((source) =>
    typeof source === 'string' ? [source] : [],
  );
}

/** How they are called where it is said that they asked, or that what they wrote had been read. */
function authorsIn(words: Words | undefined, people: readonly PersonId[]): string[] {
  const request = within(within(words, 'set'), 'request');
  const asked = within(request, 'requesterName');
  return [
    ...(isOneOf(within(request, 'requester'), people) && typeof asked === 'string' ? [asked] : []),
    ...sourcesIn(words).flatMap((source) => authorOf(source, people) ?? []),
  ];
}

function namesIn(value: unknown, people: readonly PersonId[]): string[] {
  if (Array.isArray(value)) return value.flatMap((each) => namesIn(each, people));
  if (!isRecord(value)) return [];
  const own = isOneOf(value.person, people) && typeof value.name === 'string' ? [value.name] : [];
  const called = isRecord(value.called) ? Object.entries(value.called) : [];
  const named = called.flatMap(([key, name]) =>
    typeof name === 'string' && isOneOf(calledBy(key, value), people) ? [name] : [],
  );
  return [...own, ...named, ...Object.values(value).flatMap((each) => namesIn(each, people))];
}

/** Whatever says by whom it is: their text goes, and how they were called. */
function withoutTheirs(value: unknown, people: readonly PersonId[], gone: unknown[]): unknown {
  if (Array.isArray(value)) return value.map((each) => withoutTheirs(each, people, gone));
  if (!isRecord(value)) return value;
  const isTheirs = isOneOf(value.person, people) || isOneOf(within(value.by, 'person'), people);
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => {
      if (key === 'called') return [key, withoutNames(each, value, people, gone)];
      if (!isTheirs || typeof each !== 'string' || !(key === 'text' || key === 'name'))
        return [key, withoutTheirs(each, people, gone)];
      const erased = key === 'text' ? ERASED : ERASED_NAME;
      if (each !== erased) gone.push(each);
      return [key, erased];
    }),
  );
}

function withoutNames(
  called: unknown,
  ids: Readonly<Record<string, unknown>>,
  people: readonly PersonId[],
  gone: unknown[],
): unknown {
  if (!isRecord(called)) return called;
  return Object.fromEntries(
    Object.entries(called).map(([key, name]) => {
      if (!isOneOf(calledBy(key, ids), people) || name === ERASED_NAME) return [key, name];
      gone.push(name);
      return [key, ERASED_NAME];
    }),
  );
}

/** Whose name stands under a key of `called`: theirs whose id stands under the same key beside it, or whose id it is. */
function calledBy(key: string, ids: Readonly<Record<string, unknown>>): unknown {
  return Object.hasOwn(ids, key) ? ids[key] : key;
}

function toEffects(changes: readonly Change[], audit: AuditEvent): Effect[] {
  const rewords = changes.map(({ entry: { number, beside }, left }) => ({
    kind: 'reword' as const,
    number,
    from: fingerprintOf(beside),
    beside: left && toBeside(left),
  }));
  const left = Object.fromEntries(
    rewords.map(({ number, beside }) => [number, beside === undefined ? '' : digestOf(beside)]),
  );
  return [...rewords, { kind: 'audit', event: { ...audit, detail: { ...audit.detail, left } } }];
}

function isOneOf(id: unknown, people: readonly PersonId[]): boolean {
  return people.some((person) => person === id);
}

function within(value: unknown, key: string): unknown {
  return isRecord(value) ? value[key] : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
