/**
 * Every sentence about who speaks for this side of a conversation: what people read there, what the one who acted is
 * told, and what the agent is told. Pure.
 */
import { literal, visible, whenText } from '../approvals/sentences.ts';
import {
  askerOf,
  type Control,
  type Controller,
  type ControlMove,
  type HandBackResult,
  type Handback,
  type HandoffRequest,
  type HandoffResult,
  type PendingControl,
  type TakeOverResult,
} from '../domain/control.ts';
import type { PersonId } from '../domain/ids.ts';
import { nameInNews } from '../domain/person.ts';
import { ticketFor } from './control-store.ts';
import type { WhereOf } from './whereabouts.ts';

/** What everybody in the conversation is told; undefined where there is nothing to say. */
export function announcementOf(
  before: Control,
  { next, event, settled, calledOff }: ControlMove,
  asked: readonly string[] | undefined,
): string | undefined {
  switch (event) {
    case 'handoff-requested':
      return next.state === 'HANDOFF_PENDING' ? wantedText(next.request, next.untilMs, asked) : undefined;
    case 'handoff-withdrawn':
      return withdrawnText(before, calledOff !== undefined);
    case 'handoff-unanswered':
      return `${unansweredText(before)} I answer here again myself, beginning with what was written meanwhile. \`/human\` asks for somebody once more.`;
    case 'unanswered-in-part':
      return next.state === 'HANDOFF_PENDING'
        ? `${unansweredText(before)} A policy still has people called here. ${goOnText(next)} ${callOffText(next.request)}`
        : undefined;
    case 'looked-after':
      return next.state === 'HANDOFF_PENDING' ? lookedAfterText(before, next) : undefined;
    case 'let-go':
      return next.state === 'HANDOFF_PENDING' ? letGoText(before, next) : undefined;
    case 'settled':
      return `${settledText(settled)} I answer here again, beginning with what was written meanwhile. \`/human\` asks for somebody once more.`;
    case 'settled-in-part':
      return next.state === 'HANDOFF_PENDING' ? `${settledText(settled)} ${stillText(next)}` : undefined;
    case 'taken-over':
    case 'place-learned':
      return next.state === 'HUMAN' ? takenText(before, next.owner.name) : undefined;
    case 'returned':
      return before.state === 'HANDBACK_PENDING' ? backText(before) : undefined;
    case 'handed-back':
    case 'gone-quiet':
    case 'active':
    case 'said':
    case 'credited':
    case 'place-moved':
      return undefined;
    default:
      return event satisfies never;
  }
}

function wantedText(request: HandoffRequest, untilMs: number, asked: readonly string[] | undefined): string {
  const { by, reason } = request;
  const why = reason === undefined ? '' : ` (“${literal(reason)}”)`;
  const opening = {
    person: `A human was asked for${why}.`,
    agent: `I am asking for a human to take over here${why}.`,
    rule: 'This is for a human.',
    escalation: 'This is for a human.',
  }[by.kind];
  return `${opening} ${toldText(asked)} Until somebody comes I say nothing more; if nobody has come by ${whenText(untilMs)}, I go on myself. ${callOffText(request)}`;
}

/** @param asked their names; undefined: a policy says whom it calls */
function toldText(asked: readonly string[] | undefined): string {
  if (asked === undefined) return 'Those who can help are told.';
  return asked.length === 0
    ? 'I know nobody whom I could tell; whoever reads this and may, takes it over with `/takeover`.'
    : `I have told ${names(asked)}.`;
}

/** By whom, as far as whoever reads it may be somebody who cannot. */
function callOffText(request: HandoffRequest): string {
  return askerOf(request) === undefined
    ? 'Whoever may take conversations over can call it off with `/handback`.'
    : '`/handback` calls it off.';
}

/** Whoever only asked has said nothing for those who are called for something else. */
function withdrawnText({ calledBy = [] }: Control, isForAll: boolean): string {
  const stillCalled = isForAll
    ? 'Who was called because of this wait is called on only about a request that waits for its answer, or about something that comes from whoever said this.'
    : 'Who was called here for another reason is still called, and may come.';
  return `All right, no human is needed: I answer here again.${calledBy.length === 0 ? '' : ` ${stillCalled}`}`;
}

function unansweredText(before: Control): string {
  const helpers = helpersOf(before);
  return helpers.length > 0
    ? `I am sorry: ${namesOf(helpers)} said they look after it, and I have not heard of it since.`
    : 'I am sorry: nobody could come in time.';
}

function lookedAfterText(before: Control, next: PendingControl): string {
  const helpers = helpersOf(next);
  const comes = without(helpers, helpersOf(before));
  const others = without(helpers, comes);
  const too = others.length > 0 ? ` too, as ${namesOf(others)} ${others.length === 1 ? 'does' : 'do'}` : '';
  return `**${namesOf(comes)} looks after it${too}.** I say nothing more here for as long. ${callOffText(next.request)}`;
}

/** @param next names who still has it, if anybody */
function letGoText(before: Control, next: PendingControl): string {
  const left = helpersOf(next);
  const gone = without(helpersOf(before), left);
  const then =
    left.length > 0
      ? `${namesOf(left)} still ${left.length === 1 ? 'does' : 'do'}, and I say nothing more here for as long.`
      : goOnText(next);
  return `${namesOf(gone)} does not look after it any more. ${then}`;
}

/** Those who look after it, each once. */
export function helpersOf(control: Control): Controller[] {
  if (control.state !== 'HANDOFF_PENDING') return [];
  return [...new Map(control.helpers.map((helper) => [helper.person, helper])).values()];
}

function without(some: readonly Controller[], others: readonly Controller[]): Controller[] {
  return some.filter(({ person }) => !others.some((other) => other.person === person));
}

function namesOf(people: readonly Controller[]): string {
  return names(people.map(({ name }) => name));
}

/** What they noted is for the agent, as with a hand-back. */
function settledText(settled: Handback | undefined): string {
  return settled?.by
    ? `${literal(settled.by.name)} has looked after it, and says that it is done.`
    : 'What a human was wanted for is over.';
}

/** Another wants a human there, too. */
function stillText(next: PendingControl): string {
  const then =
    next.helpers.length > 0
      ? `${lookAfterIt(next)}, and I say nothing more here for as long.`
      : goOnText(next);
  return `A human is still waited for here for another reason. ${then} ${callOffText(next.request)}`;
}

function goOnText({ untilMs }: PendingControl): string {
  return `If nobody has come by ${whenText(untilMs)}, I go on myself.`;
}

function takenText(before: Control, name: string): string {
  const from =
    before.state === 'HUMAN' && before.owner.name !== name ? ` from ${literal(before.owner.name)}` : '';
  return `**${literal(name)} has taken over${from}.** You are talking to a person now. I read along, all but pictures and PDFs, and say nothing until this is handed back (\`/handback\`).`;
}

function backText({ owner, handback }: Extract<Control, { state: 'HANDBACK_PENDING' }>): string {
  const why = handback.by
    ? `${literal(handback.by.name)} has handed this conversation back to me.`
    : `${literal(owner.name)} has not written for a while, so I take this conversation back.`;
  return `${why} I know what was said, and I answer again. \`/human\` asks for a person.`;
}

/** What those who could take over are told, where they are told it. Where one person alone reads, nobody else writes. */
export function callText(
  { request, origin, untilMs }: PendingControl,
  ticket: string,
  whereOf: WhereOf,
): string {
  const { by, reason } = request;
  const who = {
    person: by.kind === 'person' ? `${literal(by.name)} asks for a human` : '',
    agent: 'I do not get on and ask for a human',
    rule: by.kind === 'rule' ? `The rule “${literal(by.rule)}” asks for a human` : '',
    escalation: by.kind === 'escalation' ? `The policy “${literal(by.policy)}” asks for a human` : '',
  }[by.kind];
  const at = origin && whereOf(origin);
  const where = at === undefined ? '' : ` ${literal(at.text)}`;
  const why = reason === undefined ? '.' : `: “${literal(reason)}”.`;
  const there = at?.link === undefined ? '' : `\n\n${at.link}`;
  const inIt = at?.isPrivate ? '' : ', or write `/takeover` in it';
  return `**${who}**${where}${why}${there}\n\nTake the conversation over before ${whenText(untilMs)} with \`/takeover ${ticket}\`${inIt}. After that I go on myself.`;
}

/** What somebody has to look after, in a line: who wants a human, and where. Plain text. */
export function wishTitle(
  { by, from }: HandoffRequest,
  where: string | undefined,
  nameOf: (person: PersonId) => string,
): string {
  const forWhom = from === undefined ? '' : ` (${visible(nameOf(from))} wrote last)`;
  const who = {
    person: by.kind === 'person' ? `, by ${visible(by.name)}` : '',
    agent: `, by the agent${forWhom}`,
    rule: by.kind === 'rule' ? `, by the rule “${visible(by.rule)}”${forWhom}` : '',
    escalation: '',
  }[by.kind];
  return `A human is wanted ${where ?? 'in a conversation'}${who}`;
}

// ── What the one who acted is told ───────────────────────────────────────────────────────────────────────────

/** As it is called where somebody acts on it: in it, or elsewhere. */
export type Which = 'this conversation' | 'that conversation';

/** @param back what hands it back where this is read */
export function takeOverText(
  result: TakeOverResult,
  which: Which,
  back = handBackCommand(result.control, which),
): string {
  const { code, control } = result;
  switch (code) {
    case 'TAKEN':
      return `You have ${which} now; I say nothing until you hand it back with \`${back}\`, or have not written for ${lengthText(control.state === 'HUMAN' ? control.idleMs : 0)}.`;
    case 'ALREADY':
      return `You have ${which} already. \`${back}\` gives it back to me.`;
    case 'NOT_PERMITTED':
      return 'You may not take conversations over: no role of yours has the permission `take-over`. `/human` asks for somebody who may.';
    default:
      return code satisfies never;
  }
}

/** Elsewhere, the ticket says which one is meant. */
function handBackCommand({ conversationId }: Control, which: Which): string {
  return which === 'this conversation' ? '/handback' : `/handback ${ticketFor(conversationId)}`;
}

export function handBackText({ code, control }: HandBackResult, which: Which): string {
  switch (code) {
    case 'HANDED_BACK':
      return 'Thank you. I have it again, and I know what was said.';
    case 'WITHDRAWN':
      return 'Nobody is waited for any more; I answer again.';
    case 'NOT_HELD':
      return `Nobody has taken ${which} over: I am the one who answers there.`;
    case 'ALREADY':
      return 'It is being handed back already.';
    case 'NOT_PERMITTED':
      return control.state === 'HUMAN'
        ? `Only ${literal(control.owner.name)}, or somebody who may take conversations over, can hand ${which} back.`
        : notPermittedText(control);
    default:
      return code satisfies never;
  }
}

function notPermittedText(control: Control): string {
  const isAsked = control.state === 'HANDOFF_PENDING' && askerOf(control.request) !== undefined;
  const who = 'somebody who may take conversations over';
  return `Only ${isAsked ? `the one who asked for a human, or ${who},` : who} can call that off.`;
}

export function handoffText({ code, control }: HandoffResult): string {
  if (code === 'PENDING') return 'A human is asked to come. You can go on writing here; they will read it.';
  switch (control.state) {
    case 'HANDOFF_PENDING':
      return control.helpers.length > 0
        ? `A human was asked to come already: ${lookAfterIt(control)}.`
        : `A human was asked to come already; if nobody has by ${whenText(control.untilMs)}, I go on myself.`;
    case 'HUMAN':
      return `${literal(control.owner.name)} has this conversation: you are talking to a person.`;
    case 'HANDBACK_PENDING':
    case 'BOT':
      return 'This conversation is being handed back to me just now. Ask again in a moment.';
    default:
      return control satisfies never;
  }
}

/** @param areThey whether whoever asks could take over themselves */
export function nobodyCouldCome(areThey: boolean): string {
  return areThey
    ? 'There is nobody else who could take over here: of those I know, only you have the permission `take-over`. I go on answering.'
    : 'There is nobody who could take over here: no role of anybody I know has the permission `take-over`. I go on answering.';
}

/** What somebody is told who writes while a human is waited for. */
export function waitingText(control: PendingControl): string {
  if (control.helpers.length > 0) return `${lookAfterIt(control)}. I keep quiet here until they have.`;
  return `A human has been asked to come and will read this. If nobody has come by ${whenText(control.untilMs)}, I answer it myself.`;
}

function lookAfterIt(control: PendingControl): string {
  const helpers = helpersOf(control);
  return `${namesOf(helpers)} ${helpers.length === 1 ? 'looks' : 'look'} after it`;
}

/** When a call that was agreed to runs, in a part of a sentence; undefined when nothing holds it. Plain text. */
export function holdText(control: Control): string | undefined {
  switch (control.state) {
    case 'BOT':
      return undefined;
    case 'HANDOFF_PENDING':
      return 'a human is waited for in the conversation it belongs to, and it runs once the agent answers there again';
    case 'HUMAN':
      return `${visible(control.owner.name)} has the conversation it belongs to, and it runs when they hand that back`;
    case 'HANDBACK_PENDING':
      return 'the conversation it belongs to is being handed back, and it runs then';
    default:
      return control satisfies never;
  }
}

/** In place of words that were begun and are not said any more. */
export const BROKEN_OFF = '_I broke off here: this conversation has changed hands._';

// ── What the agent is told ───────────────────────────────────────────────────────────────────────────────────

export const NOT_SENT =
  'Your last answer was not sent, or not to its end: the conversation had changed hands before it went out. Nobody has read it.';

/** Of one that was on its way when a process ended. */
export const MAY_BE_SENT =
  'Whether your last answer was sent is not known: it was on its way when the conversation changed hands.';

export const SENT_IN_PART =
  'Your last answer was sent in part: the conversation changed hands while it went out, and nobody has read the rest of it.';

/** Undefined where it needs not know. @param waiting what still waits for a human in this conversation */
export function eventText(
  before: Control,
  { next, event, settled }: ControlMove,
  waiting: readonly string[],
): string | undefined {
  switch (event) {
    case 'handoff-requested':
      return next.state === 'HANDOFF_PENDING'
        ? `A human was asked to take this conversation over. Until you are told otherwise you are silent here.`
        : undefined;
    case 'handoff-withdrawn':
      return `The wish for a human was called off. ${NO_LONGER_SILENT}`;
    case 'settled':
      return settledEventText(settled);
    case 'settled-in-part':
      return settledEventText(settled, STILL_SILENT);
    case 'handoff-unanswered':
      return `${noHumanText(before, next)} ${NO_LONGER_SILENT} Do not promise them a human.`;
    case 'unanswered-in-part':
      return `${noHumanText(before, next)} A policy still has people called here: you stay silent until you are told otherwise.`;
    case 'taken-over':
      return next.state === 'HUMAN'
        ? `${JSON.stringify(nameInNews(next.owner))}, a person, has taken this conversation over. Until you are told otherwise you are silent here: what follows is said between people. Calls of yours that wait for a human stay valid.`
        : undefined;
    case 'returned':
      return before.state === 'HANDBACK_PENDING' ? returnedText(before, waiting) : undefined;
    case 'handed-back':
    case 'gone-quiet':
    case 'active':
    case 'said':
    case 'credited':
    case 'place-moved':
    case 'place-learned':
    case 'looked-after':
    case 'let-go':
      return undefined;
    default:
      return event satisfies never;
  }
}

function noHumanText(before: Control, { origin }: Control): string {
  return `No human ${cameText(before)}${origin ? ', and people here were told so with an apology' : ''}.`;
}

function cameText(before: Control): string {
  const helpers = helpersOf(before);
  if (helpers.length === 0) return 'could come';
  return `came, although ${helpers.map((helper) => JSON.stringify(nameInNews(helper))).join(' and ')} said that they look after it`;
}

function settledEventText({ by, summary }: Handback = {}, then = NO_LONGER_SILENT): string {
  return [
    by
      ? `${JSON.stringify(nameInNews(by))}, a person who was called, has looked after what a human was wanted for here, and says that it is done.`
      : 'What a human was wanted for here is over.',
    ...(by || summary === undefined ? [] : [`What is known of it: ${JSON.stringify(summary)}`]),
    then,
    ...(by && summary !== undefined ? [NOTE_BELOW] : []),
  ].join(' ');
}

/** It is theirs, not ours; see `consequences.ts`. */
const NOTE_BELOW = 'What they write right below is their note for you.';

const STILL_SILENT =
  'A human is still waited for here, for another reason: you stay silent until you are told otherwise.';

const NO_LONGER_SILENT = 'You answer again here: what you were told about being silent no longer holds.';

function returnedText(
  { owner, handback }: Extract<Control, { state: 'HANDBACK_PENDING' }>,
  waiting: readonly string[],
): string {
  const { by, summary } = handback;
  return [
    by
      ? `${JSON.stringify(nameInNews(by))} handed this conversation back.`
      : `${JSON.stringify(nameInNews(owner))} had it and was not heard of any more, so it was taken back.`,
    'What was said since it was taken over, as far back as you are told so above, was said between people.',
    NO_LONGER_SILENT,
    waiting.length === 0
      ? 'Nothing of this conversation waits for a human.'
      : `Still waiting for a human: ${waiting.join('; ')}.`,
    'Calls that were agreed to meanwhile run now, and you are told what comes of them.',
    ...(by && summary !== undefined ? [NOTE_BELOW] : []),
  ].join(' ');
}

// ── Words ────────────────────────────────────────────────────────────────────────────────────────────────────

/** `30 minutes`, `2 hours`. */
export function lengthText(ms: number): string {
  const [count, unit] =
    ms < 120_000
      ? [ms / 1_000, 'seconds']
      : ms < 7_200_000
        ? [ms / 60_000, 'minutes']
        : ms < 172_800_000
          ? [ms / 3_600_000, 'hours']
          : [ms / 86_400_000, 'days'];
  return `${Math.round(Number(count))} ${unit}`;
}

function names(all: readonly string[]): string {
  const shown = all.map(literal);
  if (shown.length < 2) return shown.join('');
  return `${shown.slice(0, -1).join(', ')} and ${shown.at(-1)}`;
}
