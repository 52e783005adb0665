/** `signalbox memory …`: what is remembered of one person: shown, exported, put aside, put back, erased. */
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import writeFileAtomic from 'write-file-atomic';
import { z } from 'zod';
import { visible } from '../approvals/sentences.ts';
import { StartupError } from '../domain/errors.ts';
import { PersonId } from '../domain/ids.ts';
import { namesOf } from '../domain/link.ts';
import { guestIdOf } from '../domain/person.ts';
import { timeLimit } from '../domain/time-limit.ts';
import { type Found, type Open, type Sought, Unsettled } from '../mailbox/unsettled.ts';
import {
  type Erased,
  type KnownAs,
  notesIn,
  type PersonExport,
  PersonSnapshot,
} from '../memory/person-data.ts';
import { rewriteAppendOnlyFile } from '../redis/append-only-file.ts';
import { partitionOf } from '../redis/keys.ts';
import { type Actor, actorOf, auditName, demand } from './actor.ts';
import { facts } from './table.ts';
import { type StoreSession, withKnownStores } from './with-stores.ts';

export interface MemoryOptions {
  readonly config: string;
  readonly json: boolean;
}

/** Longest wait until the files of the store are written anew: they take about a second for some hundred megabytes. */
const REWRITTEN_WITHIN_MS = 120_000;
/** Only whoever runs this may read what lies in it: it is about a person. */
const PRIVATE = 0o600;
/** Decides where in the audit it stands what these commands do. */
const AUDITED_BY = 'cli';
/** What an erasure leaves, because it is not settled, and a name tells of. */
const NAMED_EVENT = 'memory.unsettled';
const NamedDetail = z.object({ items: z.array(z.string()) });
/** Ids in one entry of the audit. */
const MOST_ITEMS = 100;

// ── The commands ─────────────────────────────────────────────────────────────────────────────────────────────────────

export async function showMemory(who: string, options: MemoryOptions): Promise<number> {
  return withPerson(who, options, 'see what is remembered of', async ({ personData }, subject) => {
    const all = await personData.collect(subject.ids, subject.known);
    requireSomebody(subject, all);
    return print(options.json ? toJson(all) : describe(all));
  });
}

export async function exportMemory(
  who: string,
  file: string | undefined,
  options: MemoryOptions,
): Promise<number> {
  return withPerson(who, options, 'export what is remembered of', async (session, subject) => {
    const all = await session.personData.collect(subject.ids, subject.known);
    requireSomebody(subject, all);
    await record(session, subject, 'memory.exported', { conversations: all.conversations.length });
    if (file === undefined) return print(toJson(all));
    await writeFileAtomic(file, `${toJson(all)}\n`, { mode: PRIVATE });
    return say(options, { file }, `Everything about ${subject.name} is in ${file}.`);
  });
}

export async function snapshotMemory(who: string, file: string, options: MemoryOptions): Promise<number> {
  return withPerson(who, options, 'keep a copy of what is remembered of', async (session, subject) => {
    const snapshot = await session.personData.snapshot(subject.ids, Date.now());
    await writeFileAtomic(file, `${toJson(snapshot)}\n`, { mode: PRIVATE });
    const notes = notesIn(snapshot);
    await record(session, subject, 'memory.snapshot-taken', { notes });
    return say(options, { file, notes }, `${snapshotText(notes, snapshot, subject)} in ${file}.`);
  });
}

export async function restoreMemory(who: string, file: string, options: MemoryOptions): Promise<number> {
  return withPerson(who, options, 'put back what was remembered of', async (session, subject) => {
    const snapshot = await readSnapshot(file);
    if (snapshot.person !== subject.id) {
      throw new StartupError(
        `${file} is about ${visible(snapshot.person)}`,
        `name that person, or another file`,
      );
    }
    const restored = await session.personData.restore(subject.ids, snapshot, Date.now(), subject.reach);
    await record(session, subject, 'memory.restored', { ...restored });
    const profile = {
      none: '',
      restored: ' The profile is, too.',
      'no-consent': ` The profile is not: ${subject.name} does not agree to one now.`,
    }[restored.profile];
    const words = `${restoredText(restored.notes, subject)}${leftOutText(restored.leftOut, subject)}${profile}`;
    return say(options, restored, words);
  });
}

export async function eraseMemory(who: string, isMeant: boolean, options: MemoryOptions): Promise<number> {
  return withPerson(who, options, 'erase what is remembered of', async (session, subject) => {
    if (!isMeant) {
      const counted = await session.personData.count(subject.ids, subject.known);
      const { named: _, ...left } = await unsettledOf(session, await soughtFor(session, subject));
      const words = `${erasedText(counted)}\n\nNothing was erased. To do it: signalbox memory erase ${subject.id} --yes${leftText(left, counted)}`;
      return say(options, { erased: false, ...counted, left }, words);
    }
    const about = { actor: subject.actor, correlation: `cli:${randomUUID()}` };
    const erase = async () => {
      // How they were called stands beside what they said, which goes: what is found by that is recorded before.
      const sought = await soughtFor(session, subject);
      const { named } = await unsettledOf(session, sought);
      await recordNamed(session, subject, named);
      const known = { ...about, ...subject.known };
      const items = [...sought.items, ...named];
      return {
        sought: { ...sought, items },
        erased: await session.personData.erase(subject.ids, known, Date.now()),
      };
    };
    const { sought, erased } = await erase().catch((error: unknown) => {
      const why = error instanceof Error ? error.message : String(error);
      throw new StartupError(
        `erasing what is remembered of ${subject.name} was broken off, and a part is left: ${why}`,
        'run it again: it finds what is left, and erases that',
        { cause: error },
      );
    });
    await session.audit.append(AUDITED_BY, {
      ...about,
      event: 'memory.erased',
      subject: subject.id,
      channel: 'cli',
      detail: { ...erased, unresolved: erased.unresolved.length },
    });
    const files = await rewriteFiles(session);
    const { named, ...left } = await unsettledOf(session, sought);
    await recordNamed(session, subject, named);
    const rest = leftText(left, erased);
    const all = rest === '' ? 'All of it is erased.' : 'All of it is erased that is settled.';
    const words = `${erasedText(erased)}\n\n${all}${FILES_TEXT[files]}${rest}`;
    return say(options, { erased: true, ...erased, files, left }, words);
  });
}

// ── Parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface Subject {
  readonly id: PersonId;
  readonly name: string;
  /** Somebody we know now: not a guest, and not whoever was taken out of contacts.yaml. */
  readonly isKnown: boolean;
  /** Every id they go by, their own first. */
  readonly ids: readonly [PersonId, ...PersonId[]];
  /** Their name in contacts.yaml, or their id where they are not there; and what their accounts were called as they were linked. */
  readonly known: KnownAs;
  /** Who asks, as the audit names them. */
  readonly actor: string;
  /** Whether they may put back what is for others as well. */
  readonly reach: 'own' | 'everywhere';
}

/**
 *   rewritten  the files of the store hold nothing of it any more
 *   not-yet    they may
 *   not-ours   so may those of a server that is not ours
 */
type Files = 'rewritten' | 'not-yet' | 'not-ours';

/** Waited for: a server that ends with this command would leave its files as they were. */
async function rewriteFiles({ redis, serverKind }: StoreSession): Promise<Files> {
  if (serverKind === 'given') return 'not-ours';
  const isDone = await rewriteAppendOnlyFile(redis, timeLimit(REWRITTEN_WITHIN_MS));
  return isDone ? 'rewritten' : 'not-yet';
}

function unsettledOf({ redis, keys, deadLetters }: StoreSession, sought: Sought): Promise<Found> {
  return new Unsettled(redis, keys, deadLetters).of(sought);
}

/** By every name they are known by, here and where they wrote, and by what such a name has told of before. */
async function soughtFor(session: StoreSession, { ids, known }: Subject): Promise<Sought> {
  const { personData } = session;
  const { names = [], calledThere = [] } = known;
  const spoken = await personData.spokenBy(ids);
  const called = spoken.flatMap(({ said }) => said.map(({ from }) => from.name));
  const items = await namedBefore(session, ids);
  return { people: ids, names: [...new Set([...names, ...calledThere, ...called])], items };
}

/** Ids alone: an erasure after this one finds by them what nothing else tells of any more, also where this one is broken off. */
async function recordNamed(
  { audit }: StoreSession,
  { id, actor }: Subject,
  named: readonly string[],
): Promise<void> {
  const about = { actor, subject: id, correlation: `cli:${randomUUID()}`, channel: 'cli' };
  for (let from = 0; from < named.length; from += MOST_ITEMS) {
    const items = named.slice(from, from + MOST_ITEMS);
    await audit.append(AUDITED_BY, { ...about, event: NAMED_EVENT, detail: { items } });
  }
}

async function namedBefore({ audit }: StoreSession, ids: readonly PersonId[]): Promise<string[]> {
  const found: string[] = [];
  for (const id of ids) {
    for (const { event } of await audit.about(id, partitionOf(AUDITED_BY))) {
      if (event.event === NAMED_EVENT) found.push(...NamedDetail.parse(event.detail).items);
    }
  }
  return found;
}

/** Everybody may do this with what is their own; with what is somebody else's, whoever operates the gateway. */
async function withPerson(
  who: string,
  { config }: MemoryOptions,
  action: string,
  work: (session: StoreSession, subject: Subject) => Promise<number>,
): Promise<number> {
  return withKnownStores(config, async (session) => {
    const actor: Actor = actorOf(session.config, session.directory);
    if (actor.person.id !== who) demand(session.directory, actor, 'operate', `${action} somebody else`);
    const id = PersonId.safeParse(who).data;
    if (id === undefined) {
      throw new StartupError(`"${who}" is no id of a person`, '`signalbox people list` shows them');
    }
    // Whoever is no longer in contacts.yaml, and a guest, may be erased all the same.
    const known = session.directory.find(id);
    const ids = [id, ...session.directory.idsOf(id).filter((each) => each !== id)] as const;
    const calledThere = namesOf(await session.links.now(), (account) => ids.includes(guestIdOf(account)));
    return work(session, {
      id,
      name: visible(known?.name ?? id),
      isKnown: known !== undefined,
      ids,
      known: { names: [known?.name ?? id], calledThere },
      actor: auditName(actor),
      reach: session.directory.may(actor.person.roles, 'operate') ? 'everywhere' : 'own',
    });
  });
}

/** @throws {StartupError} for somebody nobody knows, of whom there is nothing: that is a name written wrong */
function requireSomebody({ id, isKnown }: Subject, all: PersonExport): void {
  const { ids: _, ...kept } = all;
  if (isKnown || Object.values(kept).some((each) => each.length > 0)) return;
  throw new StartupError(
    `there is no ${id} in contacts.yaml, and nothing is remembered of anybody by that id`,
    '`signalbox people list` shows who there is',
  );
}

async function record(
  { audit }: StoreSession,
  { id, actor }: Subject,
  event: string,
  detail: Record<string, unknown>,
): Promise<void> {
  const correlation = `cli:${randomUUID()}`;
  await audit.append(AUDITED_BY, { event, actor, subject: id, correlation, channel: 'cli', detail });
}

/** @throws {StartupError} when the file cannot be read, or is something else */
async function readSnapshot(file: string): Promise<PersonSnapshot> {
  const remedy = 'take a file that `signalbox memory snapshot` has written';
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new StartupError(`${file} cannot be read`, remedy, { cause: error });
  });
  const parsed = PersonSnapshot.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new StartupError(
    `${file} is no snapshot: ${issue?.path.join('.') ?? ''} ${issue?.message ?? ''}`,
    remedy,
  );
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function describe({
  ids,
  profiles,
  notes,
  conversations,
  schedules,
  learned,
  requests,
  escalations,
}: PersonExport): string {
  const [profile] = profiles;
  const messages = conversations.reduce((sum, { said }) => sum + said.length, 0);
  const head = facts([
    ['person', ids.join(', ')],
    ['agreed to a profile', profile?.consent.given ? new Date(profile.consent.atMs).toISOString() : 'no'],
    ['notes', String(notes.reduce((sum, each) => sum + each.notes.length, 0))],
    ['conversations', String(conversations.length)],
    ['messages', String(messages)],
    ['summaries', String(conversations.filter(({ summary }) => summary).length)],
    ['planned', String(schedules.length)],
    ['named in learned skills', String(learned.length)],
    ['requests for approval', String(requests.length)],
    ['escalations', String(escalations.length)],
  ]);
  const known = profiles.flatMap(({ text }) => (text === undefined ? [] : [`\nProfile\n${indented(text)}`]));
  const noted = notes.map(
    (each) =>
      `\n${visible(each.owner)}\n${each.notes.map(({ name, text }) => indented(`${name}: ${text}`)).join('\n')}`,
  );
  const planned = schedules.map(
    ({ title, text, state, nextMs }) =>
      `\n${visible(title)} (${state}, ${new Date(nextMs).toISOString()})\n${indented(text)}`,
  );
  return [head, ...known, ...noted, ...planned].join('\n');
}

/** `1 note of Dana Reyes is`, `2 notes and the profile of Dana Reyes are` */
function snapshotText(notes: number, { profile }: PersonSnapshot, { name }: Subject): string {
  const isOne = notes === 1 && profile === undefined;
  return `${notesText(notes)}${profile === undefined ? '' : ' and the profile'} of ${name} ${isOne ? 'is' : 'are'}`;
}

function restoredText(notes: number, { name }: Subject): string {
  return `${notesText(notes)} of ${name} ${notes === 1 ? 'is as it was' : 'are as they were'}.`;
}

function leftOutText(notes: number, { reach }: Subject): string {
  if (notes === 0) return '';
  const forOthers =
    reach === 'own' ? ', or is for others, which takes the permission operate to put back' : '';
  return notes === 1
    ? ` 1 was left out: it is written over by somebody else, or is of an account that is not linked any more${forOthers}.`
    : ` ${notes} were left out: each is written over by somebody else, or is of an account that is not linked any more${forOthers}.`;
}

function notesText(notes: number): string {
  return `${notes} ${notes === 1 ? 'note' : 'notes'}`;
}

function erasedText({
  profiles,
  notes,
  messages,
  summaries,
  conversations,
  schedules,
  learned,
  told,
  requests,
  escalations,
}: Erased): string {
  return facts([
    ['profiles', String(profiles)],
    ['notes', String(notes)],
    ['messages', String(messages)],
    ['summaries', String(summaries)],
    ['whole conversations', String(conversations)],
    ['planned', String(schedules)],
    ['named in learned skills', String(learned)],
    ['told to their clients', String(told)],
    ['requests for approval', String(requests)],
    ['escalations', String(escalations)],
  ]);
}

const FILES_TEXT: Readonly<Record<Files, string>> = {
  rewritten: ' The files of the store were written anew, without it.',
  'not-yet':
    '\n\nThe files of the store could not be written anew, so it may still stand in them. Erase again to try it again.',
  'not-ours':
    '\n\nIt may still stand in the files of your Redis until they are written anew: `BGREWRITEAOF` does that. docs/memory.md says more.',
};

/** Nothing where all is settled. */
function leftText(
  { waiting, letters }: Open,
  { undecided, unresolved }: Pick<Erased, 'undecided' | 'unresolved'>,
): string {
  const left = [
    ...(undecided > 0
      ? [
          `the words of ${undecided} ${undecided === 1 ? 'request for approval that is' : 'requests for approval that are'} not over (\`signalbox approvals list\`)`,
        ]
      : []),
    ...(unresolved.length > 0
      ? [
          `what stands in ${unresolved.length === 1 ? 'an escalation that is' : 'escalations that are'} not over: ${unresolved.join(', ')} (\`signalbox escalation list\`)`,
        ]
      : []),
    ...(waiting > 0 ? [`${waiting} of what they wrote, are to be told or are named in, still in line`] : []),
    ...(letters.length > 0
      ? [
          `dead letters ${letters.join(', ')}, which are theirs, or may quote or name them (\`signalbox dead-letters\`)`,
        ]
      : []),
  ];
  if (left.length === 0) return '';
  return `\n\nNot erased as long as it is not settled: ${left.join('; ')}.\nErase again once it is.`;
}

function indented(text: string): string {
  return text
    .split('\n')
    .map((line) => `  ${visible(line)}`)
    .join('\n');
}

function toJson(value: object): string {
  return JSON.stringify(value, undefined, 2);
}

function say({ json }: MemoryOptions, what: object, words: string): number {
  return print(json ? toJson(what) : words);
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
