/**
 * What is said about a request beside its cards: that somebody is waited for, that there is a question, that nobody
 * can be asked. It can come to be sent late, and is sent only while it is still true. Pure.
 */
import type { AboutApproval } from '../delivery/outbox.ts';
import { askedBy } from '../domain/approval/copies.ts';
import { answeredBy } from '../domain/approval/reconciliation.ts';
import { type Approval, type CardCopy, isWaiting, needsWord } from '../domain/approval/record.ts';
import { isAsked } from '../domain/approval/talk.ts';
import type { PersonId } from '../domain/ids.ts';
import { reminderText } from './sentences.ts';

/** A request as it stands now, for what is said about it. */
export function generationOf({
  id,
  gen,
}: Approval): Pick<Extract<AboutApproval, { kind: 'question' }>, 'approvalId' | 'gen'> {
  return { approvalId: id, gen };
}

/** Copies where somebody is reminded who has not spoken yet. */
export function remindedIn(approval: Approval, spared?: ReadonlySet<PersonId>): readonly CardCopy[] {
  const { copies } = approval;
  const answered = answeredBy(approval);
  // Where somebody has the card for themselves, they are reminded there.
  const own = new Set(copies.map(({ person }) => person));
  // Where nobody is asked by name, whoever reads it in the conversation is.
  const isForAll = copies.every((each) => askedBy(each).length === 0);
  return copies.filter((copy) => {
    if (copy.resting) return false;
    const asked = askedBy(copy).filter((person) => copy.person === person || !own.has(person));
    return isForAll || asked.some((person) => !answered.has(person) && !spared?.has(person));
  });
}

/** The words as they are true now; undefined where it was settled, changed or answered meanwhile. */
export function stillTrue(
  { markdown, about }: { readonly markdown: string; readonly about: AboutApproval },
  approval: Approval | undefined,
): string | undefined {
  if (!approval) return undefined;
  // Whatever it asks by now, they do not have it.
  if (about.kind === 'undelivered') return needsWord(approval.state) ? markdown : undefined;
  if (approval.gen !== about.gen) return undefined;
  switch (about.kind) {
    case 'reminder':
      return isReminded(approval, about.copyId) ? reminderText(approval) : undefined;
    case 'question':
      return isAsked(approval) ? markdown : undefined;
    case 'unasked':
      return isWaiting(approval.state) ? markdown : undefined;
    default:
      return about satisfies never;
  }
}

/** While a question is open they wait for the reply, and nobody waits for them. */
function isReminded(approval: Approval, copyId: string): boolean {
  const { state } = approval;
  return (state === 'OPEN' || state === 'UNKNOWN') && remindedIn(approval).some(({ id }) => id === copyId);
}
