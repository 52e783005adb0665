/** Every sentence of an escalation: what people who are called read, and what somebody who acted on it is told. Pure. */
import { literal, viaText, whenText } from '../approvals/sentences.ts';
import { ticketFor } from '../control/control-store.ts';
import { lengthText } from '../control/sentences.ts';
import type { DeedResult } from '../domain/escalation/answers.ts';
import type { Page } from '../domain/escalation/pager.ts';
import { holdOf } from '../domain/escalation/plan.ts';
import type { Act, Escalation, EscalationMove } from '../domain/escalation/record.ts';
import type { ConversationId, PersonId } from '../domain/ids.ts';
import type { Button } from '../domain/message.ts';
import { Importance } from '../domain/person.ts';
import { conversationToTake } from './human-wait.ts';
import { isOfPlan } from './triggers.ts';

/** A mail is no direct message. */
const EMAIL = 'email';

/** `apart`: for others than those it was said to, so without a word anybody wrote. */
export type Telling = 'whole' | 'apart';

/** What somebody is called with. */
export function callText(
  escalation: Escalation,
  why: Extract<Act, { kind: 'page' }>['why'],
  telling: Telling = 'whole',
): string {
  const { id, link, severity, count, firstMs, missedMs } = escalation;
  const title = titleFor(escalation, telling);
  const quoted = telling === 'apart' ? apartText(escalation) : wordsText(escalation);
  const said = link === undefined ? quoted : `${quoted}\n\n${link}`;
  const reported = count > 1 ? ` Reported ${count} times since ${whenText(firstMs)}.` : '';
  const missed =
    missedMs === undefined ? '' : ` Nobody who was to be called first was there for ${lengthText(missedMs)}.`;
  const again = `${missed}${reported}`;
  switch (why) {
    case 'call':
      return `**${literal(title)}** (${severity})${said}\n\nSomebody has to look after this.${again} ${whatToDo(escalation)}\`/ack ${id}\` says that you do, and nobody else is called. \`/snooze ${id} 1h\` puts it off; \`/escalate ${id}\` calls the next.`;
    case 'last':
      return `**Nobody has this: ${literal(title)}** (${severity})${said}\n\n${beforeText(escalation)}${again} ${whatToDo(escalation)}\`/ack ${id}\` says that you look after it.`;
    case 'still':
      return `**Are you still on it? ${literal(title)}** (${severity})${said}\n\n\`/ack ${id}\` says so, \`/resolve ${id}\` closes it, \`/release ${id}\` lets others be called. Without a word from you it goes on to others soon.`;
    default:
      return why satisfies never;
  }
}

function wordsText({ words }: Escalation): string {
  return words === undefined ? '' : `\n\n> ${literal(words).replaceAll('\n', '\n> ')}`;
}

/** In place of the words. */
function apartText({ origin }: Escalation): string {
  if (origin === undefined) return '';
  const { platform } = origin;
  const where = platform === EMAIL ? 'a mail to me alone' : `a direct message ${literal(viaText(platform))}`;
  return `\n\nIt comes from ${where}: what was said there is not repeated here.`;
}

/** In a title of ours that names what is asked for stand arguments; in that of a plan, words of the agent. */
function titleFor({ title, subject, key }: Escalation, telling: Telling): string {
  if (telling === 'whole') return title;
  if (subject.kind === 'approval') return 'A request waits for a yes';
  return isOfPlan(key) ? 'A plan needs a human' : title;
}

/** What became of those the policy names before the last resort. */
function beforeText({ stepsCalled }: Escalation): string {
  return stepsCalled === false
    ? 'Nobody named before you could be called.'
    : 'Everybody was called who is named before you.';
}

function whatToDo(escalation: Escalation): string {
  const { subject } = escalation;
  const conversation = conversationToTake(escalation);
  switch (subject.kind) {
    case 'approval': {
      const there = conversation === undefined ? '' : `${takeOverText(conversation, 'in its conversation')} `;
      return `The request is \`${subject.approvalId}\`; \`/approvals\` lists what waits for your own answer. ${there}`;
    }
    case 'conversation':
      return conversation === undefined ? '' : `${takeOverText(conversation, 'there')} `;
    case 'trouble':
      return '';
    default:
      return subject satisfies never;
  }
}

function takeOverText(conversation: ConversationId, where: string): string {
  return `\`/takeover ${ticketFor(conversation)}\` answers ${where} in place of the agent, if you may take conversations over.`;
}

/** What goes out for what somebody is told at one time, and the buttons for it where it is one thing. */
export function pageContent(all: readonly Page[]): { markdown: string; buttons?: Button[] } {
  const pages = thingsIn(all).flat();
  const markdown = textOf(pages);
  const [only] = pages;
  if (!only || pages.length > 1 || only.why === 'news') return { markdown };
  const { escalation: id, why, conversation } = only;
  return {
    markdown,
    buttons:
      why === 'still'
        ? [
            { label: 'Still on it', says: `/ack ${id}` },
            { label: 'It is done', says: `/resolve ${id}` },
          ]
        : [
            ...(conversation === undefined
              ? []
              : [{ label: 'Take over', says: `/takeover ${conversation}` }]),
            { label: 'I look after it', says: `/ack ${id}` },
            { label: 'In an hour', says: `/snooze ${id} 1h` },
          ],
  };
}

/**
 * What is told together, in the fewest messages of which each goes out whole, the worst first; what is about one thing
 * stays together, however long it is. What breaks off in the middle is tried again as it stands by then: of a text in
 * several parts, those that are there already would be left as they are, though what is to be told in the others has
 * moved up into them.
 */
export function inMessages(
  all: readonly Page[],
  isOneMessage: (markdown: string) => boolean,
): readonly (readonly Page[])[] {
  const ofThing = byEscalation(all);
  const messages: { readonly pages: Page[]; markdown: string }[] = [];
  for (const thing of thingsIn(all)) {
    // With what it stands for: that nobody else is told of.
    const pages = [...(ofThing.get(thing[0]?.escalation ?? '') ?? [])];
    const last = messages.at(-1);
    const together = textOf([...(last ? [last] : []), ...thing]);
    if (last && isOneMessage(together)) {
      last.pages.push(...pages);
      last.markdown = together;
    } else {
      messages.push({ pages, markdown: textOf(thing) });
    }
  }
  return messages.map(({ pages }) => pages);
}

function textOf(pages: readonly Pick<Page, 'markdown'>[]): string {
  return pages.map(({ markdown }) => markdown).join('\n\n---\n\n');
}

/**
 * What is told of each escalation, the worst first: that is what a mail has as its subject. What is about one thing, or
 * as loud, stays in its order. Who is called to the same once more is told of it as it stands by then.
 */
function thingsIn(all: readonly Page[]): readonly (readonly Page[])[] {
  const calls = all.filter(({ why }) => why !== 'news');
  const lastCalls = new Set(new Map(calls.map((page) => [page.escalation, page])).values());
  const things = [...byEscalation(all.filter((page) => page.why === 'news' || lastCalls.has(page))).values()];
  const loudness = (about: readonly Page[]) =>
    Math.max(...about.map(({ importance }) => Importance.options.indexOf(importance)));
  return things.toSorted((one, other) => loudness(other) - loudness(one));
}

function byEscalation(pages: readonly Page[]): ReadonlyMap<string, readonly Page[]> {
  const found = new Map<string, Page[]>();
  for (const page of pages) {
    const about = found.get(page.escalation);
    if (about) about.push(page);
    else found.set(page.escalation, [page]);
  }
  return found;
}

/** What those who were called are told when they need not do anything any more; undefined when that is not so. */
export function newsText({ next, event }: EscalationMove, telling: Telling = 'whole'): string | undefined {
  const title = literal(titleFor(next, telling));
  const { standing } = next;
  switch (event) {
    case 'acknowledged':
      return standing.state === 'ACKED'
        ? `${literal(standing.owner.name)} looks after it: ${title}.`
        : undefined;
    case 'snoozed':
      return standing.state === 'SNOOZED'
        ? `${literal(standing.by.name)} has put it off until ${whenText(standing.nextMs)}: ${title}.`
        : undefined;
    case 'resolved':
    case 'cancelled':
      return standing.state === 'RESOLVED' || standing.state === 'CANCELLED'
        ? `${standing.by ? `${literal(standing.by.name)} has closed it` : 'It is over'}: ${title}.${standing.remark === undefined ? '' : ` ${asSentence(literal(standing.remark))}`}`
        : undefined;
    default:
      return undefined;
  }
}

/** What whoever had it is told when it goes on without them; undefined when that is not so. */
export function lostText(
  { next, event }: Pick<EscalationMove, 'next' | 'event'>,
  telling: Telling = 'whole',
): string | undefined {
  const lost = `It is not yours any more, and goes on to others: ${literal(titleFor(next, telling))}. \`/ack ${next.id}\` takes it again.`;
  switch (event) {
    case 'not-confirmed':
      return `You were asked whether you are still on it, and did not say so. ${lost}`;
    case 'worse':
      return `It got worse. ${lost}`;
    case 'pushed':
      return `It was pushed on. ${lost}`;
    case 'let-go':
      return `Somebody else has taken its conversation over. ${lost}`;
    default:
      return undefined;
  }
}

function asSentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}

/** What whoever acted is told; `reader` is they, where that is known. */
export function deedText({ code, escalation, lostBy }: DeedResult, reader?: PersonId): string {
  const { standing } = escalation;
  const title = literal(escalation.title);
  switch (code) {
    case 'ACKNOWLEDGED':
      return `You look after it now, and nobody else is called: ${title}. ${whatToDo(escalation)}\`/resolve ${escalation.id}\` closes it, \`/release ${escalation.id}\` lets it go.`;
    case 'TAKEN':
      return `You have it now: ${title}. Whoever had it before is told.`;
    case 'CONFIRMED':
      return `Thank you; it stays yours: ${title}.`;
    case 'LET_GO':
      return `It is not yours any more, and others are called: ${title}.`;
    case 'SNOOZED':
      return standing.state === 'SNOOZED'
        ? `Nobody is called before ${whenText(standing.nextMs)}: ${title}.`
        : `It is put off: ${title}.`;
    case 'PUSHED':
      return `${pushedText(escalation)}${lostBy ? ` ${literal(lostBy.name)} had it, and is told that it goes on.` : ''}`;
    case 'RESOLVED':
      return `Closed: ${title}.`;
    case 'CANCELLED':
      return `Called off: ${title}.`;
    case 'ALREADY':
      if (standing.state === 'ACKED' && standing.owner.person === reader) {
        return `You have it already, since ${whenText(standing.sinceMs)}: ${title}.`;
      }
      return standing.state === 'ACKED'
        ? `${literal(standing.owner.name)} has it since ${whenText(standing.sinceMs)}: ${title}. \`/ack ${escalation.id} instead\` takes it from them, \`/snooze ${escalation.id} 1h instead\` puts it off all the same.`
        : `It is so already: ${title}.`;
    case 'NOT_YOURS':
      return `It is not you who looks after it: ${title}. Nothing has changed.`;
    case 'NOT_PERMITTED':
      return reader !== undefined && escalation.except.includes(reader)
        ? 'It comes from you, so others look after it, whatever your roles let you do otherwise. Nothing has changed.'
        : 'You were not called about this, and no role of yours lets you act on it. Nothing has changed.';
    case 'NO_SUCH_STEP':
      return `Its policy has no step of that name; it has ${escalation.plan.steps.map(({ id }) => `\`${literal(id)}\``).join(', ')}. Nothing has changed.`;
    case 'OVER':
      return `It is over already: ${title}. Nothing has changed.`;
    default:
      return code satisfies never;
  }
}

/** Who is there shows with the next look. */
function pushedText(escalation: Escalation): string {
  const { standing, plan, step, round, title } = escalation;
  const about = literal(title);
  if (standing.state !== 'ACTIVE') return `It was pushed on (${standingText(escalation)}): ${about}.`;
  const { pushed } = escalation;
  const left = plan.steps.slice(step);
  const next = pushed === 'to-next' ? left.find(({ kind }) => kind !== 'wait') : left[0];
  if (next?.kind === 'notify') {
    const otherwise = next.onEmpty.kind === 'hold' ? ' If none of them is, it waits until somebody is.' : '';
    return `It goes on now at ${stepText(next.id)}; who is there of those is called: ${about}.${otherwise}`;
  }
  if (next && pushed === 'to-next') return `It goes on now to whoever its policy calls next: ${about}.`;
  if (next) return `It goes on now at ${stepText(next.id)}: ${about}.`;
  return round + 1 < plan.rounds
    ? `No step is left in this round; it begins again now: ${about}.`
    : `No step is left; the last resort is called now: ${about}.`;
}

/** What has no id of its own goes by its number. */
function stepText(id: string): string {
  return /^\d+$/.test(id) ? `step ${id}` : `\`${literal(id)}\``;
}

/** One line for a list. */
export function lineText(escalation: Escalation): string {
  const { id, title, severity, firstMs } = escalation;
  return `- ${literal(title)} (${severity}, since ${whenText(firstMs)}): ${standingText(escalation)}\n  \`/ack ${id}\``;
}

function standingText({ standing, waitsSinceMs, plan }: Escalation): string {
  switch (standing.state) {
    case 'ACTIVE':
      return `people are being called; the next at ${whenText(standing.nextMs)}`;
    case 'HELD':
      if (standing.reason === 'asked') return 'a question is open; nobody is called until there is a reply';
      return standing.reason === 'closed'
        ? `waits for working hours, ${whenText(standing.nextMs)}`
        : `waits for somebody to be there${waitsSinceMs === undefined ? '' : `, until ${whenText(waitsSinceMs + holdOf(plan))} at most`}`;
    case 'ACKED':
      return `${literal(standing.owner.name)} has it since ${whenText(standing.sinceMs)}`;
    case 'SNOOZED':
      return `put off until ${whenText(standing.nextMs)}`;
    case 'EXHAUSTED':
      return 'nobody has taken it';
    case 'RESOLVED':
      return 'over';
    case 'CANCELLED':
      return 'called off';
    default:
      return standing satisfies never;
  }
}
