/**
 * Who speaks in what the agent is told of a request: the gateway says it, and repeats what others called for, wrote and
 * are called. Pure.
 */
import { bounded, quotesInNote, strangersOf } from '../agent/provenance.ts';
import { visible } from '../approvals/sentences.ts';
import { type Approval, heardBefore } from '../domain/approval/record.ts';
import type { PersonId } from '../domain/ids.ts';
import { isGuestId, nameInNews } from '../domain/person.ts';

interface Author {
  readonly person: PersonId;
  readonly name: string;
}

/** Something a person wrote about it. */
interface Word {
  readonly by: Author;
  readonly text?: string | undefined;
  readonly atMs: number;
}

/** The same without a name that its bearer has chosen. */
export function withoutChosenNames(approval: Approval): Approval {
  const { decision, settledBy, edited, assents, dissents, voided, talk, again } = approval;
  return {
    ...approval,
    ...(decision?.by ? { decision: { ...decision, by: renamed(decision.by) } } : {}),
    ...(settledBy ? { settledBy: renamed(settledBy) } : {}),
    ...(edited ? { edited: byRenamed(edited) } : {}),
    ...(assents ? { assents: assents.map(byRenamed) } : {}),
    ...(dissents ? { dissents: dissents.map(byRenamed) } : {}),
    ...(voided ? { voided: voided.map(byRenamed) } : {}),
    ...(talk ? { talk: talk.map(byRenamed) } : {}),
    ...(again ? { again: { ...again, said: again.said.map(byRenamed) } } : {}),
  };
}

function byRenamed<Said extends { readonly by: Author }>(said: Said): Said {
  return { ...said, by: renamed(said.by) };
}

function renamed<Who extends Author>(who: Who): Who {
  return { ...who, name: nameInNews(who) };
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

function sourcesOf({ by, text = '', atMs }: Word): string[] {
  return strangersOf([
    {
      kind: 'user',
      from: { person: by.person, name: by.name },
      text,
      trust: isGuestId(by.person) ? 'outsider' : 'member',
      ...(quotesInNote(text) ? { passesOn: true as const } : {}),
      at: new Date(atMs).toISOString(),
    },
  ]);
}

function wordsAbout({ decision, assents, dissents, talk, remark, settledBy }: Approval): Word[] {
  return [
    ...(decision?.by && decision.source === 'human' ? [{ ...decision, by: decision.by }] : []),
    ...(assents ?? []),
    ...(dissents ?? []),
    ...(talk ?? []),
    ...(settledBy ? [{ by: settledBy, text: remark, atMs: settledBy.atMs }] : []),
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
}: Approval): PersonId[] {
  const spoke = [assents, dissents, voided, talk, again?.said].flatMap((some = []) => [...some]);
  const named = [decision?.by, settledBy, edited?.by, ...spoke.map(({ by }) => by)];
  return [...new Set([request.requester, ...named.flatMap((who) => (who ? [who.person] : []))])];
}
