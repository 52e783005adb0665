/**
 * Who speaks in what the agent is told of a request: the gateway says it, and repeats what others called for, wrote and
 * are called. Pure.
 */
import { bounded, quotesInNote, strangersOf, stringsIn } from '../agent/provenance.ts';
import { visible } from '../approvals/sentences.ts';
import {
  type Approval,
  type ApprovalRequest,
  type Delegation,
  heardBefore,
} from '../domain/approval/record.ts';
import { PersonId } from '../domain/ids.ts';
import { isGuestId, nameInNews } from '../domain/person.ts';

interface Author {
  readonly person: PersonId;
  readonly name: string;
}

/** When it was written makes nobody's word of it. */
const UNTOLD = new Date(0).toISOString();

/** Something a person wrote about it. */
interface Word {
  readonly by: Author;
  readonly text?: string | undefined;
}

/** The same without a name that its bearer has chosen, wherever somebody is named in it. */
export function withoutChosenNames(approval: Approval): Approval {
  const { request, delegations, ...rest } = approval;
  // The same in every other respect, so it is of the same shape.
  const renamed = renamedIn(rest) as typeof rest;
  return { ...renamed, request, ...(delegations ? { delegations: delegations.map(withPlainNames) } : {}) };
}

function renamedIn(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(renamedIn);
  const parts = Object.fromEntries(Object.entries(value).map(([key, each]) => [key, renamedIn(each)]));
  const person = PersonId.safeParse(parts.person);
  if (!person.success || typeof parts.name !== 'string') return parts;
  return { ...parts, name: nameInNews({ person: person.data, name: parts.name }) };
}

function withPlainNames(delegation: Delegation): Delegation {
  const { from, to, by, called } = delegation;
  if (!called) return delegation;
  const plain = (person: PersonId, name: string) => nameInNews({ person, name });
  return {
    ...delegation,
    called: { from: plain(from, called.from), to: plain(to, called.to), by: plain(by, called.by) },
  };
}

/**
 * What of strangers may stand in it, in words for people: all that had been read before the call, and what those who
 * had a say in it have passed on.
 *
 * @param told what the agent is told: words that are not told are nobody's
 */
export function strangersBehind(approval: Approval, told: string): string[] {
  const said = wordsAbout(approval).filter(({ text = '' }) => text !== '' && told.includes(visible(text)));
  return bounded([...heardBefore(approval.request), ...said.flatMap(sourcesOf)]);
}

/**
 * What of strangers is in a request whose arguments somebody changes, and was before: their words are the call's from
 * then on, so what they pass on is strangers' in all that comes of it. Undefined where none came in by that.
 */
export function heardInEdit(
  request: Pick<ApprovalRequest, 'args' | 'heard' | 'strangers'>,
  by: Author,
  args: unknown,
): readonly string[] | undefined {
  const before = new Set(stringsIn(request.args));
  const written = stringsIn(args).filter((text) => !before.has(text));
  const came = written.flatMap((text) => sourcesOf({ by, text }));
  return came.length > 0 ? bounded([...heardBefore(request), ...came]) : undefined;
}

function sourcesOf({ by, text = '' }: Word): string[] {
  return strangersOf([
    {
      kind: 'user',
      from: { person: by.person, name: by.name },
      text,
      trust: isGuestId(by.person) ? 'outsider' : 'member',
      ...(quotesInNote(text) ? { passesOn: true as const } : {}),
      at: UNTOLD,
    },
  ]);
}

function wordsAbout({ decision, assents, dissents, talk, remark, settledBy }: Approval): Word[] {
  return [
    ...(decision?.by && decision.source === 'human' ? [{ ...decision, by: decision.by }] : []),
    ...(assents ?? []),
    ...(dissents ?? []),
    ...(talk ?? []),
    ...(settledBy ? [{ by: settledBy, text: remark }] : []),
  ];
}

/** Everybody it speaks of. */
export function peopleIn({
  request,
  decision,
  settledBy,
  edited,
  assents,
  dissents,
  voided,
  talk,
  again,
  delegations = [],
}: Approval): PersonId[] {
  const spoke = [assents, dissents, voided, talk, again?.said].flatMap((some = []) => [...some]);
  const named = [decision?.by, settledBy, edited?.by, ...spoke.map(({ by }) => by)];
  const passed = delegations.flatMap(({ from, to, by }) => [from, to, by]);
  return [...new Set([request.requester, ...named.flatMap((who) => (who ? [who.person] : [])), ...passed])];
}
