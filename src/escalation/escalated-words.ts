/**
 * What escalations hold of people word for word: found, and erased once they are over.
 *
 *   it comes from them, they raised     its title, what was said in it and as it ended, and the place it comes from, which
 *   it by hand, their budget began it   of a mail has its subject
 *   it is not known from whom it comes  what was said in it, that place, and a title with words that are not ours; where
 *                                       it is about a conversation in which they wrote
 *   they ended it, or have it           what they said as it ended, and how they were called
 *   it calls them by name               its title, or how it ended, where that is in our words; of a trouble of the
 *                                       gateway itself also what was wrong, there by their mail address as well
 *
 * Invariants
 *   1. One that is not over is left as it is: people still look after it, by these words.
 *   2. Nobody is called or told anything by an erasure, and nothing is kept for longer because of it.
 *   3. In doubt it goes. Several reports of the same stand in one record, which names everybody they come from and holds
 *      the words of one of them: where any of them is erased, the words go, whoever's they are.
 *   4. What others said of something that does not come from them stays.
 *   5. What goes in doubt is not told to whoever is erased: it may be what somebody else said in private.
 */
import { isDeepStrictEqual } from 'node:util';
import type { AuditLog } from '../audit/audit-log.ts';
import type { AuditEvent } from '../domain/audit-event.ts';
import { type Escalation, isLive, type Owner, type Standing } from '../domain/escalation/record.ts';
import { AccountId, type EscalationId, type PersonId } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import { guestIdOf } from '../domain/person.ts';
import { holdsName } from '../domain/phrase.ts';
import {
  ERASED,
  ERASED_NAME,
  type Erased,
  type EscalationOfPerson,
  type EscalationTraces,
} from '../memory/person-data.ts';
import type { Keys } from '../redis/keys.ts';
import type { EscalationStore } from './escalation-store.ts';
import { isOfBudgetOf, isOfPlan, isRaisedByHand } from './triggers.ts';

/** Who is erased, and all by which they are found. */
interface Erasee {
  readonly people: readonly PersonId[];
  readonly names: readonly string[];
  readonly conversations: ReadonlySet<string>;
  /** Those they have raised by hand. */
  readonly raised: ReadonlySet<string>;
}

export class EscalatedWords {
  constructor(
    private readonly escalations: Pick<EscalationStore, 'all' | 'reword'>,
    private readonly log: Pick<AuditLog, 'entriesIn'>,
    private readonly keys: Pick<Keys, 'partitions'>,
  ) {}

  /** Every escalation that holds words of theirs, or may, and those that are theirs. */
  async of(people: readonly PersonId[], traces: EscalationTraces): Promise<EscalationOfPerson[]> {
    const found: EscalationOfPerson[] = [];
    const erasee = await this.#eraseeOf(people, traces);
    for await (const escalation of this.escalations.all()) {
      const left = withoutThem(escalation, erasee);
      if (left !== escalation) found.push(toFound(escalation, left, erasee));
    }
    return found;
  }

  /** How many hold no word of theirs any more, and which still do, because they are not over. */
  async erase(
    people: readonly PersonId[],
    traces: EscalationTraces,
    about: Pick<AuditEvent, 'actor' | 'correlation'>,
  ): Promise<Pick<Erased, 'escalations' | 'unresolved'>> {
    const unresolved: EscalationId[] = [];
    let escalations = 0;
    const erasee = await this.#eraseeOf(people, traces);
    const without = (escalation: Escalation) => withoutThem(escalation, erasee);
    for await (const escalation of this.escalations.all()) {
      if (without(escalation) === escalation) continue;
      const { id } = escalation;
      const audit = { ...about, event: 'memory.erased', subject: id, detail: { what: 'escalation' } };
      const done = await this.escalations.reword(id, without, audit);
      if (done === 'reworded') escalations++;
      if (done === 'live') unresolved.push(id);
    }
    return { escalations, unresolved };
  }

  /** With what the audit knows of where they wrote, whatever is kept of that, and of what they raised. */
  async #eraseeOf(people: readonly PersonId[], { names, conversations }: EscalationTraces): Promise<Erasee> {
    const [wroteIn, raised] = [new Set<string>(conversations), new Set<string>()];
    for (const partition of this.keys.partitions()) {
      for await (const { event } of this.log.entriesIn(partition)) {
        const { subject, detail } = event;
        if (event.event === 'message.received' && isOneOf(people, detail?.person)) wroteIn.add(subject);
        if (event.event === 'escalation.asked-for' && isBy(event.actor, people)) raised.add(subject);
      }
    }
    return { people, names, conversations: wroteIn, raised };
  }
}

/** At the terminal somebody may act for somebody else: `dana as alex`. */
function isBy(actor: string, people: readonly PersonId[]): boolean {
  return actor.split(' as ').some((each) => isOneOf(people, each));
}

// ── What goes ────────────────────────────────────────────────────────────────────────────────────────────────────────

/** The very same escalation where nothing of it is theirs. */
function withoutThem(escalation: Escalation, erasee: Erasee): Escalation {
  const isTheirs = isFromThem(escalation, erasee);
  const mayBeTheirs = isTheirs || isFromWhereTheyWrote(escalation, erasee);
  const standing = standingWithout(escalation.standing, isTheirs, erasee);
  const { words, origin, link, ...rest } = escalation;
  const isTitleLeft = !isTheirs && !isTitleTheirs(escalation, mayBeTheirs, erasee);
  const isPlaceLeft = !mayBeTheirs && !(origin && isPlaceOf(origin, erasee));
  const left: Escalation = {
    ...rest,
    title: isTitleLeft ? rest.title : ERASED,
    ...(words !== undefined && !mayBeTheirs && !areAboutThem(escalation, erasee) ? { words } : {}),
    ...(origin !== undefined && isPlaceLeft ? { origin } : {}),
    ...(link !== undefined && isPlaceLeft ? { link } : {}),
    standing,
  };
  return isDeepStrictEqual(left, escalation) ? escalation : left;
}

function isFromThem({ id, key, except }: Escalation, { people, raised }: Erasee): boolean {
  return except.some((person) => people.includes(person)) || raised.has(id) || isOfBudgetOf(key, people);
}

/** Of something in the gateway itself, nobody has written anything in a conversation. */
function isFromWhereTheyWrote(
  { subject, except, isPartlyFromNobody }: Escalation,
  { conversations }: Erasee,
): boolean {
  const mayBeTheirs = except.length === 0 || isPartlyFromNobody === true;
  return mayBeTheirs && subject.kind !== 'trouble' && conversations.has(subject.conversationId);
}

/** What was wrong in the gateway itself, as when a mail to them came back. */
function areAboutThem({ subject, words }: Escalation, erasee: Erasee): boolean {
  if (subject.kind !== 'trouble' || words === undefined) return false;
  return calls(words, erasee) || addressesIn(words).some((each) => isMailOf(each, erasee));
}

function addressesIn(text: string): readonly string[] {
  return text.match(/[^\s<>()[\]",;:]+@[^\s<>()[\]",;:]+[^\s<>()[\]",;:.]/g) ?? [];
}

function isMailOf(address: string, { people }: Erasee): boolean {
  const account = AccountId.safeParse(`email:${address.toLowerCase()}`);
  return account.success && people.includes(guestIdOf(account.data));
}

/** One in our words where it calls them; one in other words where it may come from them. */
function isTitleTheirs(escalation: Escalation, mayBeTheirs: boolean, erasee: Erasee): boolean {
  if (isInOurWords(escalation)) return calls(escalation.title, erasee);
  return mayBeTheirs && !isRaisedByHand(escalation.key);
}

/** In a title for a request stand its arguments, in that of a plan words of the agent, by hand those of whoever wrote it. */
function isInOurWords({ key, subject }: Escalation): boolean {
  return subject.kind !== 'approval' && !isOfPlan(key) && !isRaisedByHand(key);
}

/** Where a mail comes from, in whatever case that is written, or a client of the web gateway. */
function isPlaceOf({ platform, route }: Address, erasee: Erasee): boolean {
  return Object.values(route).some((value) => {
    if (platform === 'email') return isMailOf(value, erasee);
    const account = AccountId.safeParse(`${platform}:${value}`);
    return account.success && erasee.people.includes(guestIdOf(account.data));
  });
}

function standingWithout(standing: Standing, isFromThem: boolean, erasee: Erasee): Standing {
  const { people } = erasee;
  switch (standing.state) {
    case 'ACKED':
      return { ...standing, owner: unnamed(standing.owner, people) };
    case 'SNOOZED':
      return { ...standing, by: unnamed(standing.by, people) };
    case 'RESOLVED':
    case 'CANCELLED': {
      const { by, remark } = standing;
      const isTheirs = isFromThem || (by ? people.includes(by.person) : calls(remark, erasee));
      return {
        ...standing,
        ...(by ? { by: unnamed(by, people) } : {}),
        ...(remark !== undefined && isTheirs ? { remark: ERASED } : {}),
      };
    }
    case 'ACTIVE':
    case 'HELD':
    case 'EXHAUSTED':
      return standing;
    default:
      return standing satisfies never;
  }
}

function unnamed(owner: Owner, people: readonly PersonId[]): Owner {
  return people.includes(owner.person) ? { ...owner, name: ERASED_NAME } : owner;
}

function calls(text: string | undefined, { names }: Pick<Erasee, 'names'>): boolean {
  return text !== undefined && names.some((name) => holdsName(text, name));
}

function isOneOf(people: readonly PersonId[], id: unknown): boolean {
  return people.some((person) => person === id);
}

// ── What is told of it ───────────────────────────────────────────────────────────────────────────────────────────────

/** What of it goes, without what somebody else may have said. */
function toFound(escalation: Escalation, left: Escalation, erasee: Erasee): EscalationOfPerson {
  const { id, title, words, origin, standing, firstMs } = escalation;
  const isTheirs = isFromThemAlone(escalation, erasee);
  const isPlaceTheirs = isTheirs || (origin !== undefined && isPlaceOf(origin, erasee));
  const isRemarkTheirs = isTheirs || !('by' in standing) || isOneOf(erasee.people, standing.by?.person);
  return {
    id,
    isOver: !isLive(escalation),
    firstMs,
    ...ifGone('title', title, isTheirs || isInOurWords(escalation) ? left.title : title),
    ...ifGone('words', words, isTheirs || areAboutThem(escalation, erasee) ? left.words : words),
    ...ifGone('origin', origin, isPlaceTheirs ? left.origin : origin),
    ...ifGone('remark', remarkOf(standing), remarkOf(isRemarkTheirs ? left.standing : standing)),
    ...ifGone('called', nameIn(standing), nameIn(left.standing)),
  };
}

/** A part as it was, under its name, where it is another now. */
function ifGone<Name extends string, Part>(
  name: Name,
  was: Part | undefined,
  is: Part | undefined,
): Partial<Record<Name, Part>> {
  if (was === undefined || was === is) return {};
  return { [name]: was } as Record<Name, Part>; // one key, of that name
}

function isFromThemAlone(escalation: Escalation, erasee: Erasee): boolean {
  const { except } = escalation;
  return isFromThem(escalation, erasee) && except.every((person) => erasee.people.includes(person));
}

function remarkOf(standing: Standing): string | undefined {
  return 'remark' in standing ? standing.remark : undefined;
}

function nameIn(standing: Standing): string | undefined {
  if ('owner' in standing) return standing.owner.name;
  return 'by' in standing ? standing.by?.name : undefined;
}
