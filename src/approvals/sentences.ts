/**
 * Every sentence people read about an approval: where it stands, what became of their answer, what the agent is
 * told. Each result code has one; all are true at the moment they are written. Pure.
 */
import { placesTaken } from '../domain/approval/agreement.ts';
import type { DelegateResult } from '../domain/approval/delegation.ts';
import { consentsTo, type ReconcileResult } from '../domain/approval/reconciliation.ts';
import {
  type Approval,
  approversOf,
  type Consent,
  type Delegation,
  hardDeadlineOf,
  heardBefore,
  isContested,
  isWaiting,
  type Remark,
  type VoidedAssent,
} from '../domain/approval/record.ts';
import type { ReopenCode } from '../domain/approval/reopening.ts';
import { endOf, type Silence, whatSilenceDoes } from '../domain/approval/silence.ts';
import type { ReplyResult } from '../domain/approval/talk.ts';
import type { VoteResult } from '../domain/approval/voting.ts';
import type { WithdrawResult } from '../domain/approval/withdrawal.ts';
import { ticketOf } from '../domain/card.ts';
import type { Grant } from '../domain/grant.ts';
import { API_PLATFORM, channelOf, type PersonId, type Platform } from '../domain/ids.ts';
import type { Approvers } from '../domain/quorum.ts';
import { unlinked } from '../links/plain-address.ts';
import { redactText } from '../observability/redaction.ts';

/** Channels as people say them, and how something comes over them. */
const CHANNELS: Readonly<Record<string, { readonly name: string; readonly via: string }>> = {
  email: { name: 'e-mail', via: 'by e-mail' },
  slack: { name: 'Slack', via: 'on Slack' },
  discord: { name: 'Discord', via: 'on Discord' },
  jira: { name: 'Jira', via: 'in Jira' },
  web: { name: 'the web', via: 'over the web' },
  cli: { name: 'the terminal', via: 'in the terminal' },
  api: { name: 'the API', via: 'over the API' },
};

export function channelName(platform: string): string {
  return CHANNELS[platform]?.name ?? platform;
}

/** `by e-mail`, `on Slack`. */
export function viaText(platform: string): string {
  return CHANNELS[platform]?.via ?? `on ${platform}`;
}

/** `21 Nov 2026, 14:02 UTC`, or in the zone of somebody's hours: `21 Nov 2026, 15:02 (Europe/Berlin)`. */
export function whenText(ms: number, zone = 'UTC'): string {
  const text = new Intl.DateTimeFormat('en-GB', {
    day: 'numeric',
    month: 'short',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    timeZone: zone,
  }).format(ms);
  return zone === 'UTC' ? `${text} UTC` : `${text} (${zone})`;
}

/** When it ends, on the clock of the hours it was counted by. */
export function endText(approval: Approval): string {
  return whenText(endOf(approval), approval.policy.hours?.zone);
}

/** What happens at the deadline, as things are; undefined once nobody is waited for. Plain text. */
export function silenceText(approval: Approval): string | undefined {
  if (!isWaiting(approval.state)) return undefined;
  const steps = whatSilenceDoes(approval).map((step) => stepText(step, approval));
  return `If it is not decided in time, ${steps.join('; if it is not decided then either, ')}.`;
}

function stepText(step: Silence, approval: Approval): string {
  switch (step.kind) {
    case 'expires':
      return 'it expires, and nothing is done';
    case 'runs':
      return 'that counts as a yes, and it runs';
    case 'answers':
      return `it is answered with “${visible(step.text)}”, and nothing is done`;
    case 'asks':
      return `${approversText(step.approvers, approval)} may decide it as well`;
    case 'agrees':
      return `${approversText(step.approvers, approval)} may decide it as well, and what was said before is enough then: it runs`;
    default:
      return step satisfies never;
  }
}

/** Where a yes to it is taken, for a place where it is not; undefined where it is. Plain text. */
export function yesElsewhereText(
  { policy: { approveFrom, choices }, state }: Pick<Approval, 'policy' | 'state'>,
  here: Platform | undefined,
): string | undefined {
  if (here === undefined || !approveFrom) return undefined;
  if (approveFrom.some((platform) => platform === channelOf(here))) return undefined;
  const there = approveFrom.map(viaText).join(' or ');
  if (state === 'UNKNOWN') return `That it may run again is only taken ${there}.`;
  return `A yes to this is only taken ${there}${choices.includes('deny') ? '; a no can be said here' : ''}.`;
}

/** One line, from the arguments alone: `refund: order 7, amount 120, currency EUR`. */
export function titleOf({ request }: Approval): string {
  const facts = factsOf(request).map(({ label, value }) => `${label} ${value}`);
  const said = request.preview?.told ? visible(request.preview.told.title) : facts.join(', ');
  const line = said === '' ? request.tool : `${request.tool}: ${asRead(request, said)}`;
  return line.length > MAX_TITLE_CHARS ? `${firstChars(line, MAX_TITLE_CHARS - 1)}…` : line;
}

/** Fits the header of every platform. */
const MAX_TITLE_CHARS = 140;

/** The arguments, one fact each; nested values as JSON; what cannot be seen is made visible. */
export function factsOf({
  args,
  labels = [],
}: Pick<Approval['request'], 'labels'> & { readonly args?: unknown }): { label: string; value: string }[] {
  if (typeof args !== 'object' || args === null)
    return args === undefined ? [] : [{ label: 'input', value: show(args) }];
  const placeOf = ([label]: readonly [string, unknown]) =>
    labels.includes(label) ? labels.indexOf(label) : labels.length;
  const entries = Object.entries(args).toSorted((one, other) => placeOf(one) - placeOf(other));
  return entries.map(([label, value]) => ({ label: visible(label), value: show(value) }));
}

/** What is asked for: as the tool tells it, or its arguments. */
export function toldOf(request: Approval['request']): { label: string; value: string }[] {
  const { preview } = request;
  const facts = preview?.told
    ? preview.told.facts.map(({ label, value }) => ({ label: visible(label), value: visible(value) }))
    : factsOf(request);
  return facts.map(({ label, value }) => ({ label: asRead(request, label), value: asRead(request, value) }));
}

/** Without what is shaped like a secret. What may be a stranger's wish holds no address that opens by itself, either. */
function asRead({ strangers }: Approval['request'], text: string): string {
  const shown = redactText(text);
  return strangers === undefined ? shown : unlinked(shown);
}

/** Longest words of a tool in what people read of its call, in characters: it may have read a whole page. */
const MAX_RESULT_CHARS = 300;
const MAX_SOURCE_CHARS = 100;

/** What came of a call, with whose words tell it where its tool names somebody. */
type Told = Pick<NonNullable<Approval['result']>, 'text' | 'source' | 'heading'>;

/**
 * The beginning of what a tool told, behind the verb it belongs to, for people: `: 7 rows (words of the database shop):
 * [1]`. Of no text is it sure who wrote it, so nothing in it opens by itself; whose words it is, it cannot say of itself,
 * for that stands in front of the colon, behind what the tool itself says.
 */
function resultText({ text, source, heading }: Told): string {
  const own = heading === undefined ? '' : `: ${firstWords(heading, MAX_RESULT_CHARS)}`;
  return `${own}${wordsOf(source)}: ${firstWords(text, MAX_RESULT_CHARS)}`;
}

function wordsOf(source: string | undefined): string {
  return source === undefined ? '' : ` (words of ${firstWords(source, MAX_SOURCE_CHARS)})`;
}

function firstWords(text: string, most: number): string {
  const shown = unlinked(visible(redactText(firstChars(text, 4 * most))));
  return shown.length > most ? `${firstChars(shown, most - 1)}…` : shown;
}

/** Said first, where a yes lets something through that a rule denies. */
export function exceptionOf({ policy }: Pick<Approval, 'policy'>): { label: string; value: string }[] {
  if (!policy.exception) return [];
  const value = `by the rule “${visible(policy.rule)}”; a yes makes an exception, this once`;
  return [{ label: 'normally denied', value }];
}

/** Said early: somebody nobody vouches for may be the one who wants it. */
export function readBeforeOf({ strangers = [] }: Approval['request']): { label: string; value: string }[] {
  if (strangers.length === 0) return [];
  const value = `${strangers.map((each) => unlinked(visible(each))).join('; ')}. Make sure that it is what whoever asked wants`;
  return [{ label: 'read before', value }];
}

/** What it would change, one fact each: `stock: 5 → 3`. */
export function changesOf(request: Approval['request']): { label: string; value: string }[] {
  const { preview } = request;
  if (!preview) return [];
  const { problem } = preview;
  const unknown =
    problem === undefined
      ? []
      : [
          {
            label: 'what it changes',
            value: `could not be found out, so that a yes will not be acted on: ${visible(problem)}`,
          },
        ];
  const known = preview.changes.map(({ label, before, after }) => ({
    label: `${visible(label)} (now → then)`,
    value: `${visible(before ?? 'nothing')} → ${visible(after)}`,
  }));
  return [...known, ...unknown].map(({ label, value }) => ({ label, value: asRead(request, value) }));
}

function show(value: unknown): string {
  return visible(typeof value === 'string' ? value : JSON.stringify(value));
}

/**
 * Characters that show nothing, or change what is shown around them: control and format characters, line breaks of
 * other kinds, halves of characters, fillers, variation selectors. One that only colours an emoji stays.
 */
const INVISIBLE =
  /(\p{Extended_Pictographic}\uFE0F)|[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]/gu;

/** Invisible characters written out as `⟨U+202E⟩`, so that nothing hides in a fact. */
export function visible(text: string): string {
  return text.replaceAll(INVISIBLE, (character: string, emoji: string | undefined) => {
    if (emoji !== undefined) return emoji;
    if (character === '\n') return '⏎ ';
    if (character === '\t') return ' ';
    return `⟨U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

/** The first characters of a text, none of them halved. */
export function firstChars(text: string, count: number): string {
  return text.slice(0, count).replace(/[\uD800-\uDBFF]$/, '');
}

export function askedOf(approval: Approval): string {
  return approversText(approversOf(approval), approval);
}

/** `role manager`, `2 of role manager`, `(role finance and Dana Reyes) or role director`. */
function approversText(approvers: Approvers, approval: Pick<Approval, 'policy'>): string {
  if ('person' in approvers) return nameOf(approval, approvers.person);
  if ('onCall' in approvers) return `whoever is on call for ${approvers.onCall}`;
  if ('role' in approvers) {
    const { role, count = 1 } = approvers;
    return count === 1 ? `role ${role}` : `${count} of role ${role}`;
  }
  const { atLeast, of } = approvers;
  const parts = of.map((each) =>
    'of' in each && each.of.length > 1 ? `(${approversText(each, approval)})` : approversText(each, approval),
  );
  if (atLeast === of.length) return parts.join(' and ');
  return atLeast === 1 ? parts.join(' or ') : `${atLeast} of (${parts.join(', ')})`;
}

/** By their id where nobody knew their name. */
function nameOf({ policy: { called = {} } }: Pick<Approval, 'policy'>, person: PersonId): string {
  return visible((Object.hasOwn(called, person) ? called[person] : undefined) ?? person);
}

/** ` Dana Reyes on Slack has said yes; more are needed.` */
function saidSoFar(approval: Approval): string {
  const { assents = [], dissents = [], voided = [] } = approval;
  const yes = assents.length > 0 ? [`${voices(approval, assents)} said yes; more are needed`] : [];
  const no = dissents.length > 0 ? [`${voices(approval, dissents)} said no; others may still agree`] : [];
  return [...yes, ...no, ...voided.map(voidedText)].map((sentence) => ` ${sentence}.`).join('');
}

function voidedText({ by, via, why }: VoidedAssent): string {
  const because = {
    gone: 'whoever said it is nobody here any more',
    'not-theirs':
      via === API_PLATFORM
        ? 'the program that passed it on does not speak for them any more'
        : 'the account it came from is not theirs any more',
    requester: 'it is asked on their behalf',
    powerless: 'they may not decide this any more',
  }[why];
  return `The yes of ${visible(by.name)} no longer counts: ${because}`;
}

function voices(approval: Approval, said: readonly Consent[]): string {
  return `${names(approval, said)} ${said.length === 1 ? 'has' : 'have'}`;
}

/** `Dana Reyes on Slack and Carl Chen in the place of Lee Park by e-mail` */
function names(approval: Approval, said: readonly Consent[]): string {
  const places = placesTaken(approval, said);
  return joined(
    said.map(({ by, via }) => `${visible(by.name)}${inWhosePlace(places.get(by.person))} ${viaText(via)}`),
  );
}

/** How much of it is shown where there is little room: the newest words whole, in characters. */
const BRIEF_COURSE_CHARS = 850;

/**
 * What has happened to the request since it was made: other arguments, another preview, questions and replies, stand-ins.
 *
 * @param isBrief what was said last before what was said first, and what does not fit is named as left out
 */
function courseOf(approval: Approval, isBrief = false): string {
  const { words, ...others } = courseIn(approval);
  const { before, change, after } = others;
  const all = [...before, ...change, ...words, ...after].map((sentence) => ` ${upperFirst(sentence)}.`);
  if (!isBrief || all.join('').length <= BRIEF_COURSE_CHARS) return all.join('');
  const kept = new Set<string>();
  let left = BRIEF_COURSE_CHARS;
  for (const sentence of [...words.toReversed(), ...after, ...before, ...change]) {
    left -= sentence.length + 2;
    if (left < 0 && kept.size > 0) break;
    kept.add(` ${upperFirst(sentence)}.`);
  }
  const rest = ` More was said or changed before; it is left out here for its length, and stands in “signalbox approvals show ${approval.id}”.`;
  return `${rest}${all.filter((sentence) => kept.has(sentence)).join('')}`;
}

interface CourseParts {
  readonly before: readonly string[];
  readonly change: readonly string[];
  readonly words: readonly string[];
  readonly after: readonly string[];
}

function courseIn({
  edited,
  refreshedMs,
  talk = [],
  delegations = [],
  rung = 0,
  reopenedFrom,
  supersedes,
}: Approval): CourseParts {
  const change = edited
    ? [
        `${visible(edited.by.name)} changed it ${viaText(edited.via)}; it was ${visible(JSON.stringify(edited.from))}`,
      ]
    : [];
  const fresh =
    refreshedMs === undefined
      ? []
      : ['things have changed since it was asked, and are shown as they are now'];
  const words = talk.map(({ kind, by, text }) =>
    kind === 'question'
      ? `${visible(by.name)} asks: “${visible(text)}”`
      : `${visible(by.name)} replies: “${visible(text)}”`,
  );
  const passed = delegations.map(passedText);
  const further = rung > 0 ? ['it was not decided in time, so more people may decide it'] : [];
  const before =
    reopenedFrom === undefined ? [] : [`it was asked before (${reopenedFrom}), and ended without effect`];
  const instead = supersedes ? [`it takes the place of ${joined(supersedes)}`] : [];
  return {
    before: [...before, ...instead],
    change: [...change, ...fresh],
    words,
    after: [...passed, ...further],
  };
}

function passedText({ from, to, by, called = { from, to, by } }: Delegation): string {
  const place = by === from ? '' : ` in the place of ${visible(called.from)}`;
  if (by === to) return `${visible(called.by)} decides${place}`;
  return `${visible(called.by)} lets ${visible(called.to)} decide${place}`;
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function joined(names: readonly string[]): string {
  return names.length < 2 ? names.join('') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}

/**
 * Where it stands, for the card: plain text of one line, whatever a tool or a person said.
 *
 * @param hold when it runs once it is agreed to, in a part of a sentence; undefined where nothing holds it
 * @param isBrief where there is little room: of many words the last ones
 */
export function standing(approval: Approval, hold?: string, isBrief = false): string {
  return redactText(standingWith(approval, resultText, { hold, isBrief }));
}

interface ShownWith {
  readonly hold?: string | undefined;
  readonly isBrief?: boolean;
}

function standingWith(
  approval: Approval,
  shown: (told: Told) => string,
  { hold, isBrief }: ShownWith = {},
): string {
  const { decision, result, remark } = approval;
  switch (approval.state) {
    case 'OPEN':
      return `Waiting for ${askedOf(approval)} until ${endText(approval)}. ${silenceText(approval)}${saidSoFar(approval)}${courseOf(approval, isBrief)}`;
    case 'NEEDS_INFO':
      return `A question is open, and ${visible(approval.request.requesterName)} has to reply to it (${howToReply(approval)}). It waits until ${endText(approval)} at the latest. ${silenceText(approval)}${saidSoFar(approval)}${courseOf(approval, isBrief)}`;
    case 'APPROVED':
      return `${decided(approval)} It has not run yet${hold === undefined ? '' : `: ${hold}`}.`;
    case 'EXECUTING':
      return `${decided(approval)} ${runningText(approval)}`;
    case 'EXECUTED':
      return `${decided(approval)} Done${shown(result ?? { text: 'it ran' })}${settled(approval)}`;
    case 'FAILED':
      return `${decided(approval)} It did not work${shown(result ?? { text: 'no reason was given' })}${settled(approval)}`;
    case 'DENIED':
      return decision?.source === 'policy'
        ? `Refused: ${decision.text ?? 'the policy does not allow it'}. Nothing was done.`
        : `${decided(approval)} Nothing was done.`;
    case 'ANSWERED':
      return decided(approval);
    case 'EXPIRED':
      return `Expired on ${endText(approval)}: ${unfinished(approval)}. Nothing was done.`;
    case 'CANCELLED':
      return `Withdrawn${bySettler(approval)}: ${visible(remark ?? 'no longer needed')}. Nothing was done.`;
    case 'SUPERSEDED':
      return `${decision ? `${decided(approval)} ` : ''}Replaced${bySettler(approval)}: ${approval.supersededBy ?? 'a newer request'} takes its place. Nothing was done.`;
    case 'REVOKED':
      return `${decided(approval)} Taken back before it ran${bySettler(approval)}: ${visible(remark ?? 'no reason was given')}.`;
    case 'UNKNOWN':
      return `${decided(approval)} It was started, and nobody can tell whether it happened: ${visible(remark ?? 'no report came back')}.${reportedLate(approval, shown)}${agreedAgain(approval)} Somebody has to look, and say what happened: on the card, with a line like “happened ${ticketOf({ approvalId: approval.id, gen: approval.gen })}”, or with: signalbox approvals reconcile ${ticketOf({ approvalId: approval.id, gen: approval.gen })} happened, or did-not-happen`;
    default:
      return approval.state satisfies never;
  }
}

/** What a program asked it carries out itself, where it claims no permit. */
function runningText({ client }: Approval): string {
  return client?.permit === false
    ? `It is being handed over to ${visible(client.name)}.`
    : 'It is running now.';
}

/** A program has no conversation to write a line in. */
function howToReply({ id, gen, client }: Approval): string {
  return client
    ? `through the program that asked, “${visible(client.name)}”`
    : `reply ${ticketOf({ approvalId: id, gen })} and the words`;
}

/** The same for the program that asked. Plain text. @param hold as for `standing` */
export function standingForClient(approval: Approval, hold?: string): string {
  const { id, state } = approval;
  const stands = standing(approval, hold);
  return state === 'NEEDS_INFO' ? `${stands} The reply: POST /approvals/${id}/replies.` : stands;
}

/** What had been said when time was up, and what was lacking: nobody is said to have been silent who was not. */
function unfinished(approval: Approval): string {
  const { assents = [], dissents = [], talk = [] } = approval;
  const last = talk.at(-1);
  const said = [
    ...(assents.length > 0 ? [`${names(approval, assents)} had said yes, ${lacking(approval)}`] : []),
    ...(dissents.length > 0 ? [`${names(approval, dissents)} had said no`] : []),
    ...(last?.kind === 'question'
      ? [`${visible(last.by.name)} had asked a question that nobody answered: “${visible(last.text)}”`]
      : []),
  ];
  if (said.length > 0) return said.join('; ');
  return talk.length > 0 ? 'nobody decided in time' : 'nobody answered in time';
}

/** `one more was needed`; where that is no number, whom it takes. */
function lacking(approval: Approval): string {
  const approvers = approversOf(approval);
  const more = 'role' in approvers ? (approvers.count ?? 1) - (approval.assents?.length ?? 0) : 0;
  if (more === 1) return 'one more was needed';
  return more > 1 ? `${more} more were needed` : `and it takes ${askedOf(approval)}`;
}

function reportedLate({ lateReport, execution }: Approval, shown: (told: Told) => string): string {
  if (!lateReport || lateReport.epoch !== execution?.epoch) return '';
  const { status, atMs } = lateReport;
  return ` A report came after that, on ${whenText(atMs)}: ${status === 'ok' ? 'it worked' : 'it did not work'}${shown(lateReport)}.`;
}

/** ` Dana Reyes on Slack has agreed that it runs again; more have to.` */
function agreedAgain(approval: Approval): string {
  const said = consentsTo(approval);
  return said.length > 0 ? ` ${voices(approval, said)} agreed that it runs again; more have to.` : '';
}

/** ` by Alex Kim in the terminal, 21 Nov 2026, 14:02 UTC`; nothing where no person was at work. */
function bySettler({ settledBy }: Approval): string {
  if (!settledBy) return '';
  const { name, via, atMs } = settledBy;
  return ` by ${visible(name)} ${viaText(via)}, ${whenText(atMs)}`;
}

/** Where and when somebody found out what had come of it. */
function settled({ settledBy }: Approval): string {
  return settledBy ? ` (${viaText(settledBy.via)}, ${whenText(settledBy.atMs)})` : '';
}

function decided(approval: Approval): string {
  const { decision, assents = [], dissents = [] } = approval;
  if (!decision) return '';
  if (decision.source === 'policy') return 'Allowed by policy.';
  if (decision.source === 'grant') {
    return `Allowed by a standing yes of ${visible(decision.by?.name ?? 'somebody')} (${decision.text ?? ''}).`;
  }
  if (decision.source === 'timeout') {
    const why = upperFirst(unfinished(approval));
    return decision.choice === 'approve'
      ? `${why}. The policy lets it run then.`
      : `${why}. So the policy answered: “${visible(decision.text ?? '')}”.`;
  }
  const verb = { approve: 'Approved', deny: 'Denied', answer: 'Answered' }[decision.choice];
  const by = decision.by?.name ?? 'somebody';
  const via = decision.via ? ` ${viaText(decision.via)}` : '';
  const together = { approve: assents, deny: dissents, answer: [] }[decision.choice];
  if (together.length > 1) {
    const said = together.flatMap(({ by: { name }, text }) =>
      text ? [` ${visible(name)}: “${visible(text)}”`] : [],
    );
    return `${verb} by ${names(approval, together)}, ${whenText(decision.atMs)}.${said.join('')}`;
  }
  const words = decision.text ? `: “${visible(decision.text)}”.` : '.';
  return `${verb} by ${by}${inWhosePlace(decision.insteadOf)}${via}, ${whenText(decision.atMs)}${words}`;
}

/** ` in the place of Dana Reyes`; nothing where it was their own word that counted. */
function inWhosePlace(
  places: readonly { readonly person: PersonId; readonly name?: string | undefined }[] = [],
): string {
  if (places.length === 0) return '';
  return ` in the place of ${joined(places.map(({ person, name }) => visible(name ?? person)))}`;
}

/**
 * Plain text that stands in markdown as the characters it is made of: what a tool, a requester or a mail server wrote
 * must not become a link, a picture or an emphasis in a sentence of ours.
 */
export function literal(text: string): string {
  return visible(text).replaceAll(MARKUP, (character) => `&#${character.charCodeAt(0)};`);
}

/** References, not backslashes: a bare address before one would swallow it. An underscore within a word means nothing. */
const MARKUP = /[\\`*~[\]<]|(?<![\p{L}\p{N}])_|_(?![\p{L}\p{N}])|&(?=#?\w{1,31};)/gu;

/** For whoever agreed, and has thought better of it. */
function waysBack({ id, gen, state }: Approval): string {
  if (state !== 'APPROVED') return '';
  return ` If the yes was yours, \`/undo ${ticketOf({ approvalId: id, gen })}\` takes it back, as long as it has not run.`;
}

/** What became of somebody's answer, in markdown; for them alone. @param hold as for `standing` */
export function noticeFor(result: VoteResult, hold?: string): string {
  const { approval } = result;
  const stands = literal(standing(approval, hold));
  switch (result.code) {
    case 'DECIDED':
    case 'REPLAY':
    case 'RECORDED':
      return `Recorded. ${literal(standing(withoutWords(approval), hold))}`;
    case 'ALREADY':
      return `This was settled before your answer came, so your answer changed nothing. ${stands}${waysBack(approval)}`;
    case 'LATE':
      return `Your answer came after the deadline, so it was not counted. ${stands}`;
    case 'STALE_CARD':
    case 'CONTENT_CHANGED':
      return 'What you answered is not what is being asked now, so nothing was decided. Please look at the newest card.';
    case 'NOT_ELIGIBLE':
      return notEligibleText(result);
    case 'NOT_OFFERED':
      return 'That answer is not offered here. Nothing was decided.';
    case 'STEP_UP': {
      const from = (approval.policy.approveFrom ?? []).map(channelName).join(' or ');
      return `A yes to this is only taken from ${from}. Nothing was decided; you can still say no from here.`;
    }
    case 'REFRESHED':
      return `Nothing was decided: ${literal(result.why)}. It is shown as it is now, and what was said about it before does not count any more. Please look at it again.`;
    case 'INVALID':
      return `Nothing was decided: ${literal(result.problem)}.`;
    default:
      return result satisfies never;
  }
}

function notEligibleText(result: Extract<VoteResult, { code: 'NOT_ELIGIBLE' }>): string {
  const { reason, approval } = result;
  switch (reason) {
    case 'requester':
      return `You asked for this yourself${approval.request.lineage ? ', or spoke here before I asked' : ''}, so somebody else has to decide. Nothing was decided.`;
    case 'not-an-approver':
      return `You are not one of those who may decide this (${literal(askedOf(approval))}). Nothing was decided.`;
    case 'has-spoken':
      return `You have said something about this already, for yourself or in somebody’s name, and one human is one word. Nothing was decided; somebody else has to say it. ${literal(standing(approval))}`;
    case 'own-word': {
      const name = literal(result.name);
      return `${name} has said ${result.theirs} here themselves; only ${name} can take that back. Nothing was decided.`;
    }
    default:
      return reason satisfies never;
  }
}

/** Nobody needs to be told what they have just written. */
function withoutWords(approval: Approval): Approval {
  const { decision } = approval;
  if (decision?.source !== 'human') return approval;
  const { text: _text, ...rest } = decision;
  return { ...approval, decision: rest };
}

/** What became of a reply to a question, in markdown; for its author alone. */
export function replyText(result: ReplyResult): string {
  const { code, approval } = result;
  switch (code) {
    case 'RECORDED':
    case 'REPLAY':
      return `Your reply is recorded. ${literal(standing(approval))}`;
    case 'NOT_ASKED':
      return `No question is open about this. ${literal(standing(approval))}`;
    case 'NOT_ELIGIBLE':
      return 'Only those on whose behalf this is asked can reply to the question. Nothing has changed.';
    case 'INVALID':
      return `${upperFirst(result.problem)}. Nothing has changed.`;
    default:
      return code satisfies never;
  }
}

/** What became of taking a request back, in markdown; for whoever wanted it alone. */
export function withdrawText({ code, approval }: WithdrawResult): string {
  const stands = literal(standing(approval));
  switch (code) {
    case 'DONE':
      return `Recorded, and everybody who was asked sees it. ${stands}`;
    case 'ALREADY':
      return `It was settled before, so there is nothing to withdraw. ${stands}`;
    case 'TOO_LATE':
      return `It has begun, so it cannot be withdrawn any more. ${stands}`;
    case 'NOT_ELIGIBLE':
      return 'Only the one who asked for it, or somebody who runs me, can withdraw it; those who are asked say no with `deny`. Nothing has changed.';
    default:
      return code satisfies never;
  }
}

/** Why something is not asked again, in markdown. */
export function reopenText(code: Exclude<ReopenCode, 'DONE'>, approval: Approval): string {
  const stands = literal(standing(approval));
  switch (code) {
    case 'NOT_ENDED':
      return `It has not ended, so there is nothing to ask again. ${stands}`;
    case 'REPLACED':
      return `A newer request took its place, and is the one to answer; this one is not asked again. ${stands}`;
    case 'HAD_EFFECT':
      return `It was carried out, or may have been, so it is not asked again. ${stands}`;
    case 'TOO_OLD':
      return `It ended too long ago to be asked again like that; let the agent ask for it anew. ${stands}`;
    case 'NOT_ELIGIBLE':
      return approval.state === 'DENIED' || isContested(approval)
        ? 'Somebody said no to this; only those who may decide it can have it asked again. Nothing has changed.'
        : 'Only those on whose behalf it was asked, those who may decide it and operators can have it asked again. Nothing has changed.';
    default:
      return code satisfies never;
  }
}

/** What became of saying what came of a call; plain text. */
export function reconcileText({ code, approval }: ReconcileResult): string {
  switch (code) {
    case 'DONE':
      return `Recorded. ${standing(approval)}`;
    case 'RECORDED':
      return `Recorded: you agree that it runs again, and others have to, as with the first yes (${askedOf(approval)}). ${standing(approval)}`;
    case 'NOT_UNKNOWN':
      return `${whyKnown(approval)} ${standing(approval)}`;
    case 'NOT_ELIGIBLE':
      return 'Only those who may decide this, or an operator, can say what happened; to let it run again takes the right to approve it, or to operate where a rule allowed it. Nothing changed.';
    case 'HAS_SPOKEN':
      return `You have agreed to that already, for yourself or in somebody’s name, and one human is one word; others have to agree (${askedOf(approval)}). Nothing changed.`;
    case 'NOT_YET':
      return 'The process that ran it may still be at work. Try again in a minute; nothing changed.';
    case 'STALE_CARD':
      return `It was changed or let run again after what you looked at, so nothing changed. ${standing(approval)}`;
    case 'STEP_UP': {
      const from = (approval.policy.approveFrom ?? []).map(channelName).join(' or ');
      return `That it may run again is only taken from ${from}. Nothing changed; what happened you can still say from here.`;
    }
    default:
      return code satisfies never;
  }
}

/** Why nobody has to find out what came of it. */
function whyKnown({ state }: Approval): string {
  if (state === 'EXECUTING') return 'It has not ended, so nobody can say yet what came of it.';
  if (state === 'APPROVED' || isWaiting(state))
    return 'It has not been run, so there is nothing to reconcile.';
  return 'Its outcome is known, so there is nothing to reconcile.';
}

/** What became of passing one's word on, in markdown; for its author alone. */
export function delegateText(
  result: DelegateResult,
  { to, isSame }: Pick<ReassignedNames, 'to' | 'isSame'>,
): string {
  const { code, approval } = result;
  switch (code) {
    case 'STANDS_IN':
      return `You can decide this only in the place of ${literal(insteadOf(result))} (away now), and that word is not yours to pass on. Whoever runs me can let somebody decide it there: \`reassign ${ticketOf({ approvalId: approval.id, gen: approval.gen })} person for ${literal(result.insteadOf[0] ?? '')}\`. Nothing has changed.`;
    case 'DONE':
      return `${literal(to)} can now decide this in your place, and is asked. You still can, too; it counts once.`;
    case 'PASSED_BEFORE':
      return `${literal(to)} can decide this in your place already. Nothing has changed.`;
    case 'ALREADY':
      return `This was settled before. ${literal(standing(approval))}`;
    case 'NOT_ELIGIBLE':
      return `You are not one of those who may decide this (${literal(askedOf(approval))}), so you cannot pass it on. Nothing has changed.`;
    case 'EXCLUDED':
      return isSame
        ? 'You can decide this yourself already. Nothing has changed.'
        : `${literal(to)} cannot decide this: it is asked on their behalf. Nothing has changed.`;
    case 'NOT_PERMITTED':
      return `${literal(to)} may not decide anything: no role that contacts.yaml gives them has the permission \`approve\`. Nothing has changed.`;
    case 'TO_ONESELF':
      return 'You may not decide this, so you cannot take somebody’s place yourself. Nothing has changed.';
    case 'TOO_LONG':
      return 'It was passed on too often already. Nothing has changed.';
    default:
      return code satisfies never;
  }
}

export interface ReassignedNames {
  readonly to: string;
  readonly from: string;
  /** It is one person: two may have one name. */
  readonly isSame: boolean;
}

/** What became of an operator passing somebody's word on, in markdown; for the operator alone. */
export function reassignText(result: DelegateResult, { to, from, isSame }: ReassignedNames): string {
  const { code, approval } = result;
  switch (code) {
    case 'STANDS_IN':
      return `${literal(from)} can decide this only in the place of ${literal(insteadOf(result))} (away now), and has no word to pass on. Please say that ${literal(to)} is to decide it for ${literal(insteadOf(result))}. Nothing has changed.`;
    case 'DONE':
      return `${literal(to)} can now decide this in the place of ${literal(from)}, and is asked. ${literal(from)} still can, too; it counts once.`;
    case 'PASSED_BEFORE':
      return `${literal(to)} can decide this in the place of ${literal(from)} already. Nothing has changed.`;
    case 'NOT_ELIGIBLE':
      return `${literal(from)} is not one of those who may decide this (${literal(askedOf(approval))}), or it is asked on your behalf. Nothing has changed.`;
    case 'EXCLUDED':
      return isSame
        ? `${literal(to)} is the one in whose place somebody is to decide this. Nothing has changed.`
        : `${literal(to)} cannot decide this: it is asked on their behalf. Nothing has changed.`;
    case 'ALREADY':
    case 'NOT_PERMITTED':
    case 'TO_ONESELF':
    case 'TOO_LONG':
      return delegateText(result, { to, isSame });
    default:
      return code satisfies never;
  }
}

function insteadOf({ insteadOf: people }: Extract<DelegateResult, { code: 'STANDS_IN' }>): string {
  return people.join(' or ');
}

/** A standing yes in words: what it lets run, for whom, how often, until when. Plain text. */
export function grantText({ tool, scope, requester, requesterName, times, untilMs, sum }: Grant): string {
  const total = sum ? `, ${sum.argument} ${sum.most} in all` : '';
  return `${tool} ${scopeText(scope)}, asked for by ${requesterName ?? requester}, ${times === 1 ? 'once' : `${times} times`}${total}, until ${whenText(untilMs)}`;
}

function scopeText(scope: Grant['scope']): string {
  switch (scope.kind) {
    case 'exact':
      return `with exactly ${factText(scope.args)}`;
    case 'like': {
      const limits = Object.entries(scope.most).map(([name, most]) => `${name} up to ${most}`);
      const free = [...new Set(scope.free)].map((name) => `any ${name}`);
      const fixed = factText(scope.fixed);
      return `with ${[...(fixed ? [fixed] : []), ...limits, ...free].join(', ')}`;
    }
    case 'tool':
      return 'with any arguments';
    default:
      return scope satisfies never;
  }
}

/** The arguments in one line: `order 7, amount 120`. */
export function factText(args: unknown): string {
  return factsOf({ args })
    .map(({ label, value }) => `${label} ${value}`)
    .join(', ');
}

/** What those read who asked for it, when somebody wants to know something first; in markdown. */
export function questionText(approval: Approval, { by, via, text }: Remark): string {
  const ticket = ticketOf({ approvalId: approval.id, gen: approval.gen });
  return [
    `**${literal(by.name)} asks ${viaText(via)}** about ${literal(titleOf(approval))}: “${literal(text)}”`,
    `${literal(approval.request.requesterName)}, please write \`reply ${ticket} your words\`. Until then it waits, but no longer than until ${endText(approval)}. ${literal(silenceText(approval) ?? '')}`,
  ].join('\n\n');
}

/** In markdown. */
export function reminderText(approval: Approval): string {
  if (approval.state === 'UNKNOWN') {
    return `**Still unknown:** ${literal(titleOf(approval))}\n\n${literal(standing(approval))}`;
  }
  if (isLastWarning(approval)) {
    return [
      `**Last reminder before time is up:** ${literal(titleOf(approval))}`,
      `${literal(approval.request.requesterName)} is waiting for your answer until ${endText(approval)}, and you are not reminded of it again before then. ${literal(silenceText(approval) ?? '')} Please answer the message that asked you.`,
    ].join('\n\n');
  }
  return [
    `**Reminder:** ${literal(titleOf(approval))}`,
    `${literal(approval.request.requesterName)} is waiting for your answer, until ${endText(approval)}. ${literal(silenceText(approval) ?? '')} Please answer the message that asked you.`,
  ].join('\n\n');
}

/** It was warned of the deadline, and no reminder is left. */
function isLastWarning({ policy, warnMs, reminded }: Approval): boolean {
  const isWarned = policy.warnBeforeMs !== undefined && warnMs === undefined;
  return isWarned && policy.remindAfterMs[reminded] === undefined;
}

/**
 * In place of reminders one by one, when there would be many of them at once; in markdown.
 *
 * @param left what is not told of by itself: requests that wait, and calls whose outcome nobody knows
 */
export function digestText(left: { readonly requests: number; readonly unknown: number }): string {
  const { requests, unknown } = left;
  const waiting = requests === 1 ? '1 more request waits' : `${requests} more requests wait`;
  const calls = unknown === 1 ? '1 more call' : `${unknown} more calls`;
  return [
    ...(requests > 0 ? [`**${waiting} for your answer.**`] : []),
    ...(unknown > 0
      ? [`**Nobody knows yet what came of ${calls}.** The card of each says how to tell me what happened.`]
      : []),
    `I was away for a while, so I do not remind you of each of them. ${
      requests > 0
        ? 'Write `/approvals` to me to see what waits for you; at a terminal, `signalbox approvals list` shows it.'
        : 'At a terminal, `signalbox approvals list` shows them.'
    }`,
  ].join('\n\n');
}

/** Where nobody has it in front of them: what nobody can have seen does not expire before its hard end. */
function waitsUntilText(approval: Approval): string {
  const { policy } = approval;
  const hardEndMs = hardDeadlineOf(approval);
  const until = `It waits until ${endText(approval)} all the same`;
  if (!policy.minVisibleMs || hardEndMs === undefined) return `${until}.`;
  const latest = whenText(hardEndMs, policy.hours?.zone);
  return `${until}, and longer as long as nobody has seen it, until ${latest} at the latest.`;
}

/** What whoever asked is told when those who may decide cannot be asked; in markdown. */
export function unaskedText(approval: Approval, unasked: readonly string[]): string {
  const people = joined(unasked.map(literal));
  return [
    `**Nobody has been asked yet:** I know no place where I could write to ${people}. ${waitsUntilText(approval)} ${literal(silenceText(approval) ?? '')}`,
    `Please tell ${unasked.length === 1 ? 'them' : 'one of them'} yourself, and whoever runs me: \`signalbox check\` says what is missing.`,
  ].join('\n\n');
}

/** The same where time was up, and those who may decide as well from now on cannot be asked either; in markdown. */
export function unaskedFurtherText(approval: Approval, approvers: Approvers): string {
  return [
    `**Nobody further has been asked:** ${literal(titleOf(approval))}`,
    `${literal(upperFirst(unfinished(approval)))}. So ${literal(approversText(approvers, approval))} may decide it as well, but there is nobody of them I could ask: nobody holds that, it is asked on their behalf, or I know no place where I could write to them. It waits until ${endText(approval)}. ${literal(silenceText(approval) ?? '')} Whoever runs me: \`signalbox check\` says what is missing.`,
  ].join('\n\n');
}

/** What the agent is told at once about a call that has to wait. */
export function waitingText(approval: Approval): string {
  switch (approval.state) {
    case 'OPEN':
    case 'NEEDS_INFO':
      return `${approval.policy.exception ? `The rule “${approval.policy.rule}” denies this; an exception was asked for. ` : ''}Waiting for a human: ${askedOf(approval)} was asked (${approval.id}), until ${endText(approval)}. ${silenceText(approval)} Nothing was done yet.${approval.supersedes ? ` It takes the place of ${joined(approval.supersedes)}, which will not run any more.` : ''}`;
    case 'APPROVED':
      return `Accepted (${approval.id}); it runs now, and you will be told the result.`;
    default:
      return standing(approval);
  }
}

/** What the agent is told when it ended, but for what the call told: that is not the gateway's word; see `toldIn`. */
export function outcomeText(approval: Approval): string {
  const { request } = approval;
  const outcome =
    { ANSWERED: 'answered', EXECUTED: 'executed', FAILED: 'failed' }[String(approval.state)] ??
    approval.state.toLowerCase();
  const args = calledWith(request) === undefined ? JSON.stringify(request.args) : '{as it stands below}';
  const call = `${request.tool} ${args}`;
  const said =
    approval.state === 'ANSWERED'
      ? ` The answer, in their words: ${JSON.stringify(approval.decision?.text)}`
      : '';
  const isBelow = toldIn(approval) !== undefined;
  const shown = ({ text }: Told) => `: ${isBelow ? 'what it told stands below' : visible(text)}`;
  return `Approval ${approval.id} for the call ${call}: ${outcome}. ${standingWith(approval, shown)}${said}`;
}

/**
 * What a call was made with that strangers' words may have led to: that is not the gateway's word either. Undefined
 * where nothing of theirs had been read.
 */
export function calledWith(request: Approval['request']): string | undefined {
  return heardBefore(request).length > 0 ? visible(JSON.stringify(request.args) ?? '') : undefined;
}

/** What waits for people, for the agent: of a call that strangers' words may have led to, which one it is and no more. */
export function waitingTitle(approval: Approval): string {
  const { id, request } = approval;
  return `${calledWith(request) === undefined ? titleOf(approval) : request.tool} (${id})`;
}

/** What the call told, line by line, with nothing hidden in it; undefined where it told nothing. */
export function toldIn({ state, result, lateReport, execution, settledBy }: Approval): string | undefined {
  // Where somebody found out what had come of it, that they did is what there is to tell.
  const isOver = (state === 'EXECUTED' || state === 'FAILED') && !settledBy;
  const isLate = state === 'UNKNOWN' && lateReport?.epoch === execution?.epoch;
  const said = isOver ? result : isLate ? lateReport : undefined;
  return said && shownLines(said);
}

/** What its tool says itself stands first, which no words of others can get in front of. */
function shownLines({ text, source, heading }: Told): string {
  const own =
    heading === undefined ? [] : [heading, ...(source === undefined ? [] : [`Words of ${source}:`])];
  return [...own, text]
    .flatMap((each) => each.split(/\r\n?|\n/))
    .map(visible)
    .join('\n');
}
