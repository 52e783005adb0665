/**
 * Everything that is remembered of one person, under every id they go by: told, kept aside and put back, erased.
 *
 * Invariants
 *   1. Erased is what was said by them, what was noted about them or by them, what is known of them, what they have
 *      planned for another time, their name in what is kept of skills and in what the gateway told the agent, what they
 *      used in days and months that are over, what is kept for clients of their own, and every summary that is made of
 *      their words as well. Where nobody else spoke, the whole conversation goes, with the outputs that are kept of it.
 *   2. What the audit holds of them word for word goes, too, once the request is over; its entries stay, and say so:
 *      without an entry nobody could prove the others.
 *   3. What escalations hold of them goes, too, once those are over; until then it is told which they are.
 *   4. What is put back gives no consent: what is known of a person comes back only while they agree to it. Nor does
 *      it take anything from others: their own notes are as they were, those for others only where there is room.
 *   5. A summary that is being written while its people are erased is not kept: it is dropped after their words are
 *      gone, too, and whoever began to write it before has seen another revision.
 *   6. What finds the rest goes last, so that an erasure that was broken off is finished by the next: what names them
 *      in a conversation goes before what they said there.
 */
import { z } from 'zod';
import type { AuditEvent } from '../domain/audit-event.ts';
import { AccountId, type ConversationId, type EscalationId, PersonId } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import { guestIdOf } from '../domain/person.ts';
import { holdsName } from '../domain/phrase.ts';
import type { Entry } from '../domain/transcript.ts';
import { Note, type NoteChange, notesOf } from './note-store.ts';
import type { OutputStore } from './output-store.ts';
import type { Profile, Summary } from './records.ts';
import type { RedisMemory } from './redis-memory.ts';
import type { StoredEntry, TranscriptStore } from './transcript-store.ts';

/** In place of what somebody wrote. */
export const ERASED = '(erased at the wish of whoever wrote it)';
export const ERASED_NAME = 'Somebody';
/** In place of what the gateway told the agent about somebody. */
const ERASED_NEWS = '(erased at the wish of somebody it named)';

/** What there is, as whoever it is about may read it. */
export interface PersonExport {
  readonly ids: readonly PersonId[];
  readonly profiles: readonly Profile[];
  readonly notes: readonly { readonly owner: string; readonly notes: readonly Note[] }[];
  readonly conversations: readonly (Spoken & {
    readonly told: readonly Told[];
    readonly summary?: Summary;
  })[];
  readonly schedules: readonly PlannedByPerson[];
  /** Skills that were learned, and name them. */
  readonly learned: readonly string[];
  readonly requests: readonly RequestOfPerson[];
  readonly escalations: readonly EscalationOfPerson[];
  readonly used: readonly UsedByPerson[];
}

/** A conversation, and what they said in it. */
export interface Spoken {
  readonly conversationId: ConversationId;
  /** Nobody else spoke in it. */
  readonly alone: boolean;
  readonly said: readonly Extract<Entry, { kind: 'user' }>[];
}

/**
 * What stands in a conversation beside what they said: what the agent told them where nobody else spoke, and what the
 * gateway told the agent about them. Where others spoke, that about nobody but them: it may be in the words of others.
 */
export interface Told {
  readonly by: 'agent' | 'gateway';
  readonly text: string;
  /** How many of their own messages stand before it. */
  readonly after: number;
  readonly at?: string;
}

/** A request for approval, or a standing yes, as the audit holds it: what it says in words of theirs, or to them. */
export interface RequestOfPerson {
  readonly id: string;
  /** Nobody has to decide it or to carry it out any more. */
  readonly isOver: boolean;
  readonly said: readonly { readonly atMs: number; readonly event: string; readonly words: unknown }[];
}

/** Something people were called about, and what it says in words of theirs; none that may be somebody else's. */
export interface EscalationOfPerson {
  readonly id: EscalationId;
  /** Nobody has to look after it any more. */
  readonly isOver: boolean;
  /** When it was reported first, in ms. */
  readonly firstMs: number;
  readonly title?: string;
  readonly words?: string;
  /** The place it comes from; of a mail, with its subject. */
  readonly origin?: Address;
  /** What was said as it ended. */
  readonly remark?: string;
  /** How they are called, where they have it, or ended it. */
  readonly called?: string;
}

/** Something a person wants done at another time. */
export interface PlannedByPerson {
  readonly id: string;
  readonly conversationId: ConversationId;
  readonly title: string;
  /** What the agent is told when the time has come. */
  readonly text: string;
  readonly state: string;
  /** When its time is, or was, in ms. */
  readonly nextMs: number;
}

/** Where that is kept. */
export interface PlannedStore {
  plannedBy(people: readonly PersonId[]): Promise<readonly PlannedByPerson[]>;
  /** Whether it was there. */
  drop(id: string, audit: AuditEvent): Promise<boolean>;
}

/** What is kept of skills that were learned: who proposed one, and who agreed. */
export interface LearnedStore {
  naming(people: readonly PersonId[]): Promise<readonly { readonly id: string }[]>;
  /** Whether they were named in it. */
  forget(id: string, people: readonly PersonId[], audit: AuditEvent): Promise<boolean>;
}

/** What the audit holds word for word. */
export interface RequestStore {
  of(people: readonly PersonId[], known: KnownAs): Promise<readonly RequestOfPerson[]>;
  /** How many requests hold nothing of theirs any more, and how many still do, because they are not over. */
  erase(
    people: readonly PersonId[],
    erasing: Erasing,
  ): Promise<{ readonly requests: number; readonly undecided: number }>;
}

/** What people were called about. */
export interface EscalatedStore {
  of(people: readonly PersonId[], traces: EscalationTraces): Promise<readonly EscalationOfPerson[]>;
  /** How many hold nothing of theirs any more, and which still do, because they are not over. */
  erase(
    people: readonly PersonId[],
    traces: EscalationTraces,
    about: Pick<AuditEvent, 'actor' | 'correlation'>,
  ): Promise<Pick<Erased, 'escalations' | 'unresolved'>>;
}

/** By what of theirs escalations are found beside their ids. */
export interface EscalationTraces {
  /** What they are, or were, called. */
  readonly names: readonly string[];
  /** Conversations of which it is kept that they wrote there. */
  readonly conversations: readonly ConversationId[];
}

/** What somebody used of the model in one day, `2026-11-21`, or month, `2026-11`: turns, tokens, money. */
export interface UsedByPerson {
  readonly period: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** Counters of what people used of the model. */
export interface UsedStore {
  /** What they used, as long as that is kept; `money` in millionths of the currency. */
  of(people: readonly PersonId[]): Promise<readonly UsedByPerson[]>;
  /** Forgets those of periods that are over. */
  forget(people: readonly PersonId[], nowMs: number): Promise<void>;
}

/** What is kept for programs that come and go, by the name of each. */
export interface ClientStore {
  /** One may come twice. */
  clients(): AsyncIterable<string>;
  kept(client: string): Promise<number>;
  /** How many there were. */
  erase(client: string): Promise<number>;
}

/** How much was, or would be, removed. */
export interface Erased {
  readonly profiles: number;
  readonly notes: number;
  readonly messages: number;
  readonly summaries: number;
  /** Conversations that are gone as a whole. */
  readonly conversations: number;
  /** Planned for another time, also what is over. */
  readonly schedules: number;
  /** Skills that were learned, and do not name them any more. */
  readonly learned: number;
  /** What their own clients of the web gateway were told, or are to be. */
  readonly told: number;
  /** Requests for approval of which the audit holds no word of theirs any more. */
  readonly requests: number;
  /** Those it still does, because they are not over. */
  readonly undecided: number;
  /** Escalations that hold no word of theirs any more. */
  readonly escalations: number;
  /** Those that still do, because they are not over. */
  readonly unresolved: readonly EscalationId[];
}

const snapshotted = { person: PersonId, takenAtMs: z.int(), profile: z.string().optional() };
/** Of the notes of the one id alone that a person has of their own. */
const FirstSnapshot = z
  .strictObject({ ...snapshotted, format: z.literal('signalbox-memory/1'), notes: z.array(Note) })
  .transform(({ notes, ...rest }) => ({
    ...rest,
    format: 'signalbox-memory/2' as const,
    notes: [{ owner: notesOf.person(rest.person), notes }],
  }));

export const PersonSnapshot = z.union([
  z.strictObject({
    ...snapshotted,
    format: z.literal('signalbox-memory/2'),
    /** Under every id of theirs all there were, if there were none, too; and theirs of those for others. */
    notes: z.array(z.strictObject({ owner: z.string(), notes: z.array(Note) })),
  }),
  FirstSnapshot,
]);
export type PersonSnapshot = z.output<typeof PersonSnapshot>;

/** By what somebody is found beside their ids. */
export interface KnownAs {
  /** What they are called here. */
  readonly names?: readonly string[];
  /** How they called themselves; how they were called where they wrote is known from there. */
  readonly calledThere?: readonly string[];
}

/** Who does it, and by what is found who is erased. */
export interface Erasing extends Pick<AuditEvent, 'actor' | 'correlation'>, KnownAs {}

/**
 * What of strangers an answer of the agent had read, in words for people, is a list that may name them. Takes such a list
 * of one conversation to what is left of it; the very same list where nothing changes.
 */
export type SourcesWithout = (
  entries: readonly Entry[],
  ids: readonly PersonId[],
) => (sources: readonly string[]) => readonly string[];

export interface PersonDataDeps {
  readonly memory: RedisMemory;
  readonly transcripts: TranscriptStore;
  readonly outputs: Pick<OutputStore, 'drop'>;
  readonly planned: PlannedStore;
  readonly learned: LearnedStore;
  readonly used: UsedStore;
  readonly clients: ClientStore;
  readonly requests: RequestStore;
  readonly escalated: EscalatedStore;
  readonly sourcesWithout: SourcesWithout;
}

export interface Restored {
  readonly notes: number;
  /** Notes that are somebody else's now, or stand where somebody else's does, or are for others, and may not be brought. */
  readonly leftOut: number;
  /** `no-consent`: it was left out, because the person does not agree to it now. */
  readonly profile: 'restored' | 'none' | 'no-consent';
}

export class PersonData {
  constructor(private readonly deps: PersonDataDeps) {}

  /** @param ids every id of the person, their own first */
  async collect(ids: readonly PersonId[], known: KnownAs = {}): Promise<PersonExport> {
    const profiles = await Promise.all(ids.map((id) => this.deps.memory.profileOf(id)));
    const conversations: PersonExport['conversations'][number][] = [];
    for await (const { conversationId, entries } of this.#transcripts()) {
      const said = entries.flatMap(({ entry }) => (isSaidBy(entry, ids) ? [entry] : []));
      const alone = said.length > 0 && isAlone(entries, ids);
      const told = toldIn(entries, ids, alone);
      if (said.length === 0 && told.length === 0) continue;
      const summary = said.length > 0 ? await this.deps.memory.summaryOf(conversationId) : undefined;
      conversations.push({ conversationId, alone, said, told, ...(summary ? { summary } : {}) });
    }
    const spoken = conversations.filter(({ said }) => said.length > 0);
    const listed = new Map(conversations.map((each, n) => [each.conversationId, n]));
    for await (const summary of this.#summariesOf(ids)) {
      const { conversationId } = summary;
      const place = listed.get(conversationId);
      const there = place === undefined ? undefined : conversations[place];
      if (place !== undefined && there) {
        conversations[place] = { ...there, summary };
        continue;
      }
      listed.set(conversationId, conversations.length);
      conversations.push({ conversationId, alone: false, said: [], told: [], summary });
    }
    const called = withNamesIn(spoken, known);
    return {
      ids,
      profiles: profiles.flatMap((profile) => profile ?? []),
      notes: await this.#notes(ids),
      conversations,
      schedules: (await this.deps.planned.plannedBy(ids)).map(toPlanned),
      learned: (await this.deps.learned.naming(ids)).map(({ id }) => id),
      requests: await this.deps.requests.of(ids, called),
      escalations: await this.deps.escalated.of(ids, tracesOf(spoken, called)),
      used: await this.deps.used.of(ids),
    };
  }

  /** Every conversation that they spoke in. What else is kept of them is not looked at: there may be a lot of it. */
  async spokenBy(ids: readonly PersonId[]): Promise<Spoken[]> {
    const found: Spoken[] = [];
    for await (const { conversationId, entries } of this.#transcripts()) {
      const said = entries.flatMap(({ entry }) => (isSaidBy(entry, ids) ? [entry] : []));
      if (said.length > 0) found.push({ conversationId, alone: isAlone(entries, ids), said });
    }
    return found;
  }

  /** What `erase` would remove. Changes nothing. */
  async count(ids: readonly PersonId[], known: KnownAs = {}): Promise<Erased> {
    const all = await this.collect(ids, known);
    const { profiles, notes, conversations, schedules, learned, requests, escalations } = all;
    return {
      profiles: profiles.length,
      notes: notes.reduce((sum, each) => sum + each.notes.length, 0),
      messages: conversations.reduce((sum, { said }) => sum + said.length, 0),
      summaries: conversations.filter(({ summary }) => summary).length,
      conversations: conversations.filter(({ alone }) => alone).length,
      schedules: schedules.length,
      learned: learned.length,
      told: await this.#sumOfClients(ids, (client) => this.deps.clients.kept(client)),
      requests: requests.filter(({ isOver }) => isOver).length,
      undecided: requests.filter(({ isOver }) => !isOver).length,
      escalations: escalations.filter(({ isOver }) => isOver).length,
      unresolved: escalations.flatMap(({ id, isOver }) => (isOver ? [] : [id])),
    };
  }

  /**
   * May be called again, also after it failed: what is left is found as before, what is gone is not counted twice.
   *
   * @throws what a store throws; then a part is erased
   */
  async erase(
    ids: readonly PersonId[],
    { names = [], calledThere = [], ...about }: Erasing,
    nowMs: number,
  ): Promise<Erased> {
    const removed = {
      profiles: 0,
      notes: 0,
      messages: 0,
      summaries: 0,
      conversations: 0,
      schedules: 0,
      learned: 0,
      told: 0,
      requests: 0,
      undecided: 0,
      escalations: 0,
      unresolved: [],
    };
    const audit = (subject: string, detail: Record<string, unknown>): AuditEvent => ({
      ...about,
      event: 'memory.erased',
      subject,
      detail,
    });
    // First: a run that begins would say their words again.
    for (const { id } of await this.deps.planned.plannedBy(ids)) {
      if (await this.deps.planned.drop(id, audit(id, { what: 'schedule' }))) removed.schedules++;
    }
    for (const { id } of await this.deps.learned.naming(ids)) {
      if (await this.deps.learned.forget(id, ids, audit(id, { what: 'learning record' }))) removed.learned++;
    }
    // Before what they said is gone: how they were called there stands beside it.
    const spoken = await this.spokenBy(ids);
    const known = withNamesIn(spoken, { names, calledThere });
    Object.assign(removed, await this.deps.requests.erase(ids, { ...about, ...known }));
    Object.assign(removed, await this.deps.escalated.erase(ids, tracesOf(spoken, known), about));
    for (const id of ids) {
      if (await this.deps.memory.dropProfile(id, audit(id, { what: 'profile' }))) removed.profiles++;
    }
    await this.deps.used.forget(ids, nowMs);
    for (const { owner, notes } of await this.#notes(ids)) {
      const changes = notes.map(({ name }) => ({ name, text: undefined, over: undefined }));
      await this.deps.memory.notes.write(owner, changes, nowMs);
      removed.notes += notes.length;
    }
    const dropSummary = async (conversationId: ConversationId) => {
      const found = audit(conversationId, { what: 'summary' });
      if (await this.deps.memory.dropSummary(conversationId, found)) removed.summaries++;
    };
    for await (const { conversationId, entries } of this.#transcripts()) {
      const said = entries.filter(({ entry }) => isSaidBy(entry, ids)).length;
      if (said > 0) await dropSummary(conversationId);
      if (said > 0 && isAlone(entries, ids)) {
        const detail = { what: 'conversation', messages: said };
        if (await this.#dropWhole(conversationId, entries, audit(conversationId, detail))) {
          removed.conversations++;
          removed.messages += said;
        }
      }
      // A summary that does not say whose words it holds may tell what they were told about.
      const told = entries.some(({ entry }) => isToldOf(entry, ids));
      if (told) await dropSummary(conversationId);
      removed.messages += await this.#rewrite(conversationId, entries, (seen) =>
        withoutThem(seen, ids, { names, sourcesWithout: this.deps.sourcesWithout }),
      );
      if (said > 0 || told) await dropSummary(conversationId);
    }
    for await (const { conversationId } of this.#summariesOf(ids)) await dropSummary(conversationId);
    removed.told = await this.#sumOfClients(ids, (client) => this.deps.clients.erase(client));
    return removed;
  }

  /** Of the clients that are accounts of theirs: an id a guest has tells of which account it was made. */
  async #sumOfClients(
    ids: readonly PersonId[],
    countOf: (client: string) => Promise<number>,
  ): Promise<number> {
    let sum = 0;
    const clients = new Set<string>();
    for await (const client of this.deps.clients.clients()) clients.add(client);
    for (const client of clients) {
      const account = AccountId.parse(`web:${client}`);
      if (ids.includes(guestIdOf(account))) sum += await countOf(client);
    }
    return sum;
  }

  /** How many messages of theirs became another entry. */
  async #rewrite(
    conversationId: ConversationId,
    entries: readonly StoredEntry[],
    without: (entries: readonly StoredEntry[]) => ReturnType<typeof withoutThem>,
  ): Promise<number> {
    const { transcripts } = this.deps;
    let messages = 0;
    for (let seen = entries; ; seen = await transcripts.read(conversationId)) {
      const { said, named } = without(seen);
      // First: what they are called here is known from what they said.
      const isUnnamed = (await transcripts.rewrite(conversationId, named)) === named.length;
      // Otherwise the beginning was taken off meanwhile, and nothing is where it was.
      if (!isUnnamed) continue;
      const replaced = await transcripts.rewrite(conversationId, said);
      messages += replaced;
      if (replaced === said.length) return messages;
    }
  }

  async #dropWhole(
    conversationId: ConversationId,
    entries: readonly StoredEntry[],
    audit: AuditEvent,
  ): Promise<boolean> {
    const last = entries.at(-1);
    if (!last) return false;
    await this.deps.outputs.drop(conversationId);
    return this.deps.transcripts.trim(conversationId, entries.length, last.json, audit);
  }

  /** What can be put back: what was noted about them or by them under any of their ids, and what is known of them. */
  async snapshot(ids: readonly [PersonId, ...PersonId[]], nowMs: number): Promise<PersonSnapshot> {
    const [person] = ids;
    const found = new Map((await this.#notes(ids)).map(({ owner, notes }) => [owner, notes]));
    const own = ids.map(notesOf.person);
    const profile = await this.deps.memory.profileOf(person);
    return {
      format: 'signalbox-memory/2',
      person,
      takenAtMs: nowMs,
      notes: [...new Set([...own, ...found.keys()])].map((owner) => ({
        owner,
        notes: [...(found.get(owner) ?? [])],
      })),
      ...(profile?.text === undefined ? {} : { profile: profile.text }),
    };
  }

  /**
   * Their own notes are as they were then, under each id all or none; one that came later is gone. Of those for others
   * they get back what nobody else has written over.
   *
   * @param reach what a copy says of notes for others is the word of whoever brings it: by `own` none of those comes back
   */
  async restore(
    ids: readonly [PersonId, ...PersonId[]],
    snapshot: PersonSnapshot,
    nowMs: number,
    reach: 'own' | 'everywhere',
  ): Promise<Restored> {
    const own = new Set(ids.map(notesOf.person));
    const isBack = (owner: string) => own.has(owner) || reach === 'everywhere';
    let restored = 0;
    for (const { owner, notes } of snapshot.notes.filter((each) => isBack(each.owner))) {
      const now = await this.deps.memory.notes.list(owner);
      const back = own.has(owner) ? notes : notes.filter((note) => hasRoom(note, now, ids, owner));
      const names = new Set(back.map(({ name }) => name));
      const later = own.has(owner) ? now.filter(({ name }) => !names.has(name)) : [];
      await this.deps.memory.notes.write(
        owner,
        [...back.map(toChange), ...later.map(({ name }) => ({ name, text: undefined, over: undefined }))],
        nowMs,
      );
      restored += back.length;
    }
    const profile = await this.#restoreProfile(ids[0], snapshot);
    return { notes: restored, leftOut: notesIn(snapshot) - restored, profile };
  }

  async #restoreProfile(person: PersonId, { profile: text }: PersonSnapshot): Promise<Restored['profile']> {
    if (text === undefined) return 'none';
    const now = await this.deps.memory.profileOf(person);
    if (!now?.consent.given) return 'no-consent';
    const written = await this.deps.memory.keepProfile(person, { text }, now.rev);
    return written === 'written' ? 'restored' : 'no-consent';
  }

  /** Their own, and those they had noted for others. */
  async #notes(ids: readonly PersonId[]): Promise<PersonExport['notes']> {
    const own = new Set(ids.map(notesOf.person));
    const found = new Map<string, readonly Note[]>();
    for await (const owner of this.deps.memory.notes.owners()) {
      const notes = await this.deps.memory.notes.list(owner);
      const theirs = own.has(owner) ? notes : notes.filter(({ by }) => by !== undefined && ids.includes(by));
      if (theirs.length > 0) found.set(owner, theirs);
    }
    return [...found].map(([owner, notes]) => ({ owner, notes }));
  }

  /** Each once. */
  async *#transcripts(): AsyncGenerator<StoredConversation> {
    const seen = new Set<ConversationId>();
    for await (const conversationId of this.deps.transcripts.conversations()) {
      if (seen.has(conversationId)) continue;
      seen.add(conversationId);
      yield { conversationId, entries: await this.deps.transcripts.read(conversationId) };
    }
  }

  /** Those made of their words, also where the words are gone. */
  async *#summariesOf(ids: readonly PersonId[]): AsyncGenerator<Summary> {
    for await (const summary of this.deps.memory.summaries()) {
      if (summary.people?.some((person) => ids.includes(person))) yield summary;
    }
  }
}

interface StoredConversation {
  readonly conversationId: ConversationId;
  readonly entries: readonly StoredEntry[];
}

function withNamesIn(
  spoken: readonly Spoken[],
  { names = [], calledThere = [] }: KnownAs,
): Required<KnownAs> {
  const called = spoken.flatMap(({ said }) => said.map(({ from }) => from.name));
  return { names, calledThere: [...new Set([...calledThere, ...called])] };
}

function tracesOf(spoken: readonly Spoken[], { names, calledThere }: Required<KnownAs>): EscalationTraces {
  return {
    names: [...names, ...calledThere],
    conversations: spoken.map(({ conversationId }) => conversationId),
  };
}

export function notesIn({ notes }: Pick<PersonSnapshot, 'notes'>): number {
  return notes.reduce((sum, each) => sum + each.notes.length, 0);
}

/** Whether one they had noted for others is theirs still, and would take nobody's place. */
function hasRoom(note: Note, now: readonly Note[], ids: readonly PersonId[], owner: string): boolean {
  const isTheirs = ({ by }: Note) => by !== undefined && ids.includes(by);
  const there = now.find(({ name }) => name === note.name);
  return !owner.startsWith('person:') && isTheirs(note) && (there === undefined || isTheirs(there));
}

function toChange({ name, text, by, isStrangers }: Note): NoteChange {
  return {
    name,
    text,
    over: undefined,
    ...(by ? { by } : {}),
    ...(isStrangers ? { isStrangers } : {}),
  };
}

function toPlanned({ id, conversationId, title, text, state, nextMs }: PlannedByPerson): PlannedByPerson {
  return { id, conversationId, title, text, state, nextMs };
}

function isSaidBy(
  entry: Entry | undefined,
  ids: readonly PersonId[],
): entry is Extract<Entry, { kind: 'user' }> {
  return entry?.kind === 'user' && entry.from.person !== undefined && ids.includes(entry.from.person);
}

/** Whether the gateway told the agent there of something about them. */
function isToldOf(entry: Entry | undefined, ids: readonly PersonId[]): boolean {
  return entry?.kind === 'event' && (entry.about ?? []).some((person) => ids.includes(person));
}

function toldIn(entries: readonly StoredEntry[], ids: readonly PersonId[], alone: boolean): Told[] {
  let after = 0;
  return entries.flatMap(({ entry }): Told[] => {
    if (isSaidBy(entry, ids)) after++;
    if (alone && entry?.kind === 'assistant' && entry.text !== '') {
      return [{ by: 'agent', text: entry.text, after }];
    }
    if (entry?.kind !== 'event' || !isToldOf(entry, ids)) return [];
    const isTheirs = alone || (entry.about ?? []).every((person) => ids.includes(person));
    const { at, text, told } = entry;
    return isTheirs
      ? [{ by: 'gateway', text: told === undefined ? text : `${text}\n${told}`, after, at }]
      : [];
  });
}

function isAlone(entries: readonly StoredEntry[], ids: readonly PersonId[]): boolean {
  return entries.every(({ entry }) => entry?.kind !== 'user' || isSaidBy(entry, ids));
}

interface Rewrite {
  readonly index: number;
  readonly seen: string;
  readonly entry: Entry;
}

/** What of a transcript becomes another entry: what they said, and what names them. */
function withoutThem(
  entries: readonly StoredEntry[],
  ids: readonly PersonId[],
  {
    names: known,
    sourcesWithout,
  }: { readonly names: readonly string[]; readonly sourcesWithout: SourcesWithout },
): { said: Rewrite[]; named: Rewrite[] } {
  const theirs = entries.flatMap(({ entry }) => (isSaidBy(entry, ids) ? [entry] : []));
  const names = [...known, ...theirs.map(({ from }) => from.name), ...ids];
  const withoutTheirs = sourcesWithout(
    entries.flatMap(({ entry }) => entry ?? []),
    ids,
  );
  const rewrite = (next: (entry: Entry) => Entry | undefined): Rewrite[] =>
    entries.flatMap(({ json, entry }, index) => {
      const other = entry && next(entry);
      return other && JSON.stringify(other) !== JSON.stringify(entry)
        ? [{ index, seen: json, entry: other }]
        : [];
    });
  return {
    said: rewrite((entry) => (isSaidBy(entry, ids) ? withoutWords(entry) : undefined)),
    named: rewrite((entry) => {
      if (entry.kind !== 'event' && entry.kind !== 'assistant') return undefined;
      const left = withoutSources(entry, withoutTheirs);
      return left.kind === 'event' && isAbout(left, ids, names) ? withoutNews(left, ids) : left;
    }),
  };
}

/** Also where the gateway has written a name in JSON. */
function isNamed(text: string, names: readonly string[]): boolean {
  return names
    .flatMap((name) => [name, JSON.stringify(name).slice(1, -1)])
    .some((name) => holdsName(text, name));
}

type News = Extract<Entry, { kind: 'event' }>;

/** By their id, or by a name of theirs, whatever wrote it there. */
function isAbout(
  { about = [], text, told = '', call = '' }: News,
  ids: readonly PersonId[],
  names: readonly string[],
): boolean {
  const all = `${text}\n${told}\n${call}`;
  return (
    ids.some((id) => about.includes(id)) ||
    isNamed(all, names) ||
    guestsIn(all).some((id) => ids.includes(id))
  );
}

/** In entries of before, a guest is called as they called themselves; the account behind that says who it was. */
const GUEST_NAMED = /\((?:unknown|guest), ([^\s()]+)\)/g;

function guestsIn(text: string): PersonId[] {
  return [...text.matchAll(GUEST_NAMED)].flatMap(([, written]) => {
    const account = AccountId.safeParse(written);
    return account.success ? [guestIdOf(account.data)] : [];
  });
}

/** How a call ended stays; what people said about it may be in the same sentence as their name. */
function withoutNews(
  { told: _told, call: _call, about = [], ...entry }: News,
  ids: readonly PersonId[],
): Entry {
  const ended = entry.ran ? ` A call of ${entry.ran.tool} ended: ${entry.ran.status}.` : '';
  const others = about.filter((person) => !ids.includes(person));
  return { ...entry, text: `${ERASED_NEWS}${ended}`, ...(others.length > 0 ? { about: others } : {}) };
}

/** The same where nothing changes. */
function withoutSources(
  entry: Extract<Entry, { kind: 'assistant' | 'event' }>,
  withoutTheirs: ReturnType<SourcesWithout>,
): typeof entry {
  const { strangers = [] } = entry;
  const left = withoutTheirs(strangers);
  return left === strangers ? entry : { ...entry, strangers: [...left] };
}

/** Whose trust they had stays: what came of their words is held to it still. */
function withoutWords({ at, trust }: Extract<Entry, { kind: 'user' }>): Entry {
  return { kind: 'user', from: { name: ERASED_NAME }, text: ERASED, ...(trust ? { trust } : {}), at };
}
