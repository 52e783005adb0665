/**
 * Puts what a person said about an approval to the state machine: a yes, a no, other arguments, a question, a reply.
 *
 * Owns      what has to be known beside the words: roles and stand-ins as they are now, the tool's schema, the rules.
 * Not here  whether the words are theirs (`answer-desk.ts`), what they do to the approval (`domain/approval/`).
 *
 * Invariants
 *   1. Other arguments are held to the rules like a call of the agent. They are taken only where the rules let the call
 *      run, or ask the same people.
 *   2. They are taken only while things are as the card shows them: who changes an argument has seen no other state.
 */

import { driftOf, previewOf } from '../agent/preview.ts';
import { broughtIn, decideTool, deniedAmong, isReversible, riskOf } from '../agent/tools/compound-call.ts';
import type { ToolCatalog } from '../agent/tools/tool-catalog.ts';
import type { PolicyDecision } from '../agent/tools/tool-policy.ts';
import { changesIn, questionIn, wishIn } from '../approvals/answer-form.ts';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import { choicesOf } from '../approvals/card.ts';
import { copyFor } from '../approvals/plan.ts';
import type { ParsedReply } from '../approvals/reply-parser.ts';
import {
  delegateText,
  literal,
  noticeFor,
  reassignText,
  reconcileText,
  replyText,
} from '../approvals/sentences.ts';
import type { Config } from '../config/load-config.ts';
import type { HoldOf } from '../control/hold.ts';
import { type DelegateResult, delegate } from '../domain/approval/delegation.ts';
import { excludedFrom, isExcluded, type Known } from '../domain/approval/exclusion.ts';
import { type Finding, type ReconcileResult, reconcile } from '../domain/approval/reconciliation.ts';
import { type Approval, approversOf, isWaiting, type Step } from '../domain/approval/record.ts';
import { ask, reply } from '../domain/approval/talk.ts';
import {
  type Edit,
  mayDecide,
  type Refresh,
  type Vote,
  type VoteResult,
  vote,
} from '../domain/approval/voting.ts';
import { hasAgreed, revoke } from '../domain/approval/withdrawal.ts';
import type { Card, CardChoice } from '../domain/card.ts';
import { FutileCallError } from '../domain/errors.ts';
import { importanceOfRisk } from '../domain/escalation/plan.ts';
import { type AccountId, type ApprovalId, channelOf, PersonId, platformOf } from '../domain/ids.ts';
import { wantTheSame } from '../domain/joint-approvers.ts';
import type { InboundAnswer } from '../domain/message.ts';
import type { Person } from '../domain/person.ts';
import type { Authority, Voter } from '../domain/quorum.ts';
import type { Speaker as Acting, Directory } from '../identity/directory.ts';
import type { GrantDesk } from './grant-desk.ts';
import { misfitText, passedOver } from './misfit.ts';
import { heardInEdit } from './outcome-words.ts';
import type { Reach } from './reach.ts';

export interface BallotDeps {
  readonly approvals: ApprovalStore;
  readonly directory: Directory;
  readonly grants: GrantDesk;
  readonly reach: Reach;
  readonly tools: ToolCatalog;
  /** When a call of a conversation runs that was agreed to. */
  readonly holdOf: HoldOf;
  readonly config: () => Config;
}

/** Somebody we know, with the roles they have where they act. */
export interface Speaker {
  readonly person: Person;
  readonly account: AccountId;
  /** The account is theirs by a link alone. */
  readonly linked?: true;
}

/** What was said, and about what, as far as the words tell. */
export interface Ballot {
  readonly key: string;
  readonly said: Said;
  readonly gen: number;
  /** Undefined stands for what is asked now in that generation. */
  readonly digest: string | undefined;
}

export type Said =
  | Exclude<ParsedReply, { kind: 'unclear' | 'edit' | 'reopen' }>
  /** Of a form: all arguments; of a line: those that change, as they were written. */
  | { readonly kind: 'edit'; readonly args: unknown }
  | { readonly kind: 'edit'; readonly changes: Readonly<Record<string, string>> }
  /** Field by field, as it was written into the form that the core made. */
  | { readonly kind: 'edit'; readonly fields: Readonly<Record<string, string>> };

/** What a button, a form, a command or a program says. */
export function saidBy({
  choice,
  text = '',
  args,
  fields,
}: Pick<InboundAnswer, 'choice' | 'text' | 'args' | 'fields'>): Said {
  switch (choice) {
    case 'approve':
      return { kind: 'approve' };
    case 'deny':
      return { kind: 'deny', reason: text };
    case 'answer':
      return { kind: 'answer', text };
    case 'edit':
      return fields ? { kind: 'edit', fields } : { kind: 'edit', args };
    case 'ask':
      return { kind: 'question', text: fields ? questionIn(fields) : text };
    case 'always':
      return { kind: 'always', text: fields ? wishIn(fields) : text };
    case 'take-back':
      return { kind: 'undo' };
    case 'happened':
    case 'did-not-happen':
    case 'retry':
      return { kind: choice };
    default:
      return choice satisfies never;
  }
}

/** What became of it, and what to tell the one who said it, in markdown. */
export interface Counted {
  readonly code: string;
  readonly approval: Approval;
  readonly notice: string;
  /** The line that agrees to what the notice says, where something is to be agreed to first. */
  readonly confirm?: string;
  /** A question is open: the same counts once there is a reply. */
  readonly untilReply?: true;
}

export class BallotBox {
  constructor(private readonly deps: BallotDeps) {}

  /** Undefined if there is no such approval. */
  async cast(id: ApprovalId, speaker: Speaker, ballot: Ballot): Promise<Counted | undefined> {
    const { said } = ballot;
    switch (said.kind) {
      case 'reply':
        if (!(await this.#isStillTheirs(speaker))) return this.#notTheirs(id);
        return this.reply(id, { ...speaker, speaker: speaker.person }, ballot.key, said.text);
      case 'delegate':
        return this.#delegate(id, speaker, said.to);
      case 'reassign':
        return this.#reassign(id, speaker, said);
      case 'always':
        return this.#always(id, speaker, ballot, said.text);
      case 'happened':
      case 'did-not-happen':
      case 'retry':
        return this.#reconcile(id, speaker, ballot, said.kind);
      case 'undo':
        return this.#undo(id, speaker, ballot, said);
      default:
        return this.#vote(id, speaker, ballot, said);
    }
  }

  /** What keeps somebody from answering so what they were shown; undefined when nothing does. Decides nothing. */
  refusalOf(
    approval: Approval,
    speaker: Speaker,
    { gen, digest, choice }: Pick<Card, 'gen' | 'digest'> & { readonly choice: CardChoice },
    nowMs: number,
  ): VoteResult | undefined {
    const { person, account } = speaker;
    const { state } = approval;
    if (!isWaiting(state)) return { code: state === 'EXPIRED' ? 'LATE' : 'ALREADY', approval };
    if (gen !== approval.gen || digest !== approval.digest) return { code: 'STALE_CARD', approval };
    if (isExcluded(approval, knownAs({ person, account }))) {
      return { code: 'NOT_ELIGIBLE', approval, reason: 'requester' };
    }
    const voter = this.#voterOf(person, approval, nowMs);
    if (!this.#isPermitted(person, voter.standsFor) || !mayDecide(approval, voter)) {
      return { code: 'NOT_ELIGIBLE', approval, reason: 'not-an-approver' };
    }
    if (!choicesOf(approval).includes(choice)) return { code: 'NOT_OFFERED', approval };
    const verdict = VERDICTS[choice];
    if (!verdict) return undefined;
    // As if it were in time: whether it is, is judged when it counts.
    const inTimeMs = approval.openedMs;
    const trial = { ...this.#answerOf(speaker, approval, nowMs), key: 'trial', text: undefined, gen, digest };
    const { result } = vote(approval, { ...trial, choice: verdict }, inTimeMs);
    return GIVEN.has(result.code) ? undefined : result;
  }

  // ── Answers ────────────────────────────────────────────────────────────────────────────────────────────────

  async #vote(
    id: ApprovalId,
    speaker: Speaker,
    { key, gen, digest }: Ballot,
    said: Exclude<Said, { kind: 'reply' | 'delegate' | 'reassign' | 'always' | Finding }>,
  ): Promise<Counted | undefined> {
    const { approvals } = this.deps;
    const { person } = speaker;
    // Of the generation that was answered: if it is another one by the time it counts, it does not count.
    const seen = said.kind === 'edit' ? await approvals.find(id) : undefined;
    const edit = seen && said.kind === 'edit' ? await this.#edit(seen, said, person) : undefined;
    if (!(await this.#isStillTheirs(speaker))) return this.#notTheirs(id);
    const result = await approvals.apply(id, (approval, nowMs, circumstances) => {
      if (said.kind === 'undo' && approval.state === 'APPROVED' && hasAgreed(approval, person.id)) {
        return takenBack(approval, speaker, nowMs);
      }
      const answer = {
        ...this.#answerOf(speaker, approval, nowMs),
        key,
        text: 'text' in said ? said.text : 'reason' in said ? said.reason || undefined : undefined,
        gen,
        digest: digest ?? approval.digest,
      };
      if (said.kind === 'question') return ask(approval, answer, nowMs, circumstances);
      const choice = said.kind === 'undo' ? 'take-back' : said.kind;
      return vote(
        approval,
        { ...answer, choice, edit, others: this.#others(approval, nowMs) },
        nowMs,
        circumstances,
      );
    });
    if (!result) return undefined;
    const { code, approval: now } = result;
    const hold = await this.deps.holdOf(now);
    const waits = result.code === 'INVALID' && result.untilReply ? { untilReply: true as const } : {};
    return { code, approval: now, notice: noticeFor(result, hold), ...waits };
  }

  /** Who says it, where, and what their word is worth, as it is now. */
  #answerOf(
    { person, account }: Speaker,
    approval: Approval,
    nowMs: number,
  ): Omit<Vote, 'key' | 'choice' | 'text' | 'gen' | 'digest'> {
    const voter = this.#voterOf(person, approval, nowMs);
    return {
      by: { person: person.id, name: person.name, account },
      accounts: person.accounts,
      roles: voter.roles,
      lent: this.deps.directory.lentRoles(person.id, voter.roles),
      onCall: voter.onCall,
      standsFor: voter.standsFor,
      mute: voter.mute,
      permitted: this.#isPermitted(person, voter.standsFor),
      via: platformOf(account),
    };
  }

  /** Right before it counts: a link may be gone since the account was looked up. */
  async #isStillTheirs({ person, account, linked }: Speaker): Promise<boolean> {
    return linked === undefined || (await this.deps.directory.personNow(account))?.id === person.id;
  }

  async #notTheirs(id: ApprovalId): Promise<Counted | undefined> {
    const approval = await this.deps.approvals.find(id);
    return approval && { code: 'NOT_ELIGIBLE', approval, notice: NOT_THEIRS };
  }

  /** Their own word, those of the ones who are away, and of the ones who let them decide this; each as it is now. */
  #voterOf(
    person: Pick<Person, 'id' | 'roles'>,
    approval: Approval,
    nowMs: number,
  ): Voter & { readonly standsFor: readonly Authority[] } {
    const { standsFor = [], ...own } = this.deps.directory.voterOf(person, nowMs);
    const passedOn = this.deps.directory.wordsPassedTo(person.id, approval, nowMs);
    return { ...own, standsFor: [...standsFor, ...passedOn] };
  }

  /** Whether somebody may decide at all, for themselves or for those whose place they take, who may. */
  #isPermitted({ roles }: Pick<Person, 'roles'>, standsFor: readonly Authority[]): boolean {
    return this.deps.directory.may(roles, 'approve') || standsFor.length > 0;
  }

  /** Everybody who could say yes now, where one no is not enough; undefined when nobody can tell. */
  #others(approval: Approval, nowMs: number): Vote['others'] {
    return approval.policy.denyRule === 'enough' ? this.deps.directory.votersOn(approval, nowMs) : undefined;
  }

  // ── Other arguments ────────────────────────────────────────────────────────────────────────────────────────

  /** What is to be run instead, what is to be shown before anything is agreed to, or in words why neither can be. */
  async #edit(
    approval: Approval,
    said: Extract<Said, { kind: 'edit' }>,
    { id, name }: Pick<Person, 'id' | 'name'>,
  ): Promise<Edit | Refresh | string> {
    const { request, policy, origin, conversationId } = approval;
    const tool = this.deps.tools.find(request.tool);
    if (!tool) return `there is no tool ${request.tool} any more`;
    const wanted = 'args' in said ? said.args : changedBy(request.args, said);
    if (typeof wanted === 'string') return wanted;
    const parsed = tool.input.safeParse(wanted);
    const misfit = parsed.success
      ? passedOver(Object(wanted), request.args, tool.input)
      : misfitText(parsed.error, tool.input);
    if (!parsed.success || misfit !== undefined) return `the arguments do not fit: ${misfit}`;
    const { authorizations } = this.deps.config();
    const brought = broughtIn(tool, request.args, parsed.data);
    if (brought) {
      return `it had no step of ${brought}, and whether the agent may use that for whoever asked is found out only when it asks; deny this, and let it be asked anew`;
    }
    const denied = deniedAmong(authorizations.tools, tool, parsed.data);
    if (denied) return `${denied.name} is on the list tools.deny`;
    const decision = decideTool(authorizations, tool, parsed.data, {
      roles: this.deps.directory.rolesOfRequester(request),
      platform: channelOf(origin.platform),
    });
    if (decision.kind === 'deny') return `the rule “${decision.rule}” does not allow that`;
    if (decision.kind === 'ask' && !asksAlike(decision, policy)) {
      return `the rule “${decision.rule}” asks for that in another way, or other people; deny this, and let it be asked anew`;
    }
    const context = { conversationId, requester: request.requester };
    try {
      const preview = await previewOf(tool, parsed.data, context);
      // Asked after that, so what is agreed to was taken from things that are as they were shown.
      const drift = await driftOf(tool, approval);
      if (drift?.now) return { why: drift.why, preview: drift.now };
      if (drift) return `${drift.why}; deny this, and let it be asked anew`;
      const { data: args } = parsed;
      const nature = { risk: riskOf(tool, args), reversible: isReversible(tool, args) };
      const heard = heardInEdit(request, { person: id, name }, args);
      return { args, nature, preview, ...(heard ? { heard } : {}) };
    } catch (error) {
      if (error instanceof FutileCallError) return `that cannot work: ${error.why}`;
      throw error;
    }
  }

  /** A yes to this one, and to others like it: the rule is shown first, and counts once it was read and confirmed. */
  async #always(
    id: ApprovalId,
    speaker: Speaker,
    ballot: Ballot,
    text: string,
  ): Promise<Counted | undefined> {
    const approval = await this.deps.approvals.find(id);
    if (!approval) return undefined;
    if (!(await this.#isStillTheirs(speaker))) return this.#notTheirs(id);
    const proposal = await this.deps.grants.propose(approval, speaker, ballot, text);
    if (proposal.kind === 'told') {
      const { kind: _, ...told } = proposal;
      return { ...told, approval };
    }
    const counted = await this.#vote(id, speaker, ballot, { kind: 'approve' });
    // Nothing like it runs before this one may; delivered again, it may not have been given the first time.
    if (counted?.approval.decision?.key !== ballot.key) return counted;
    return { ...counted, notice: `${await this.deps.grants.give(proposal.grant)} ${counted.notice}` };
  }

  /** A standing yes that came with the yes is unsaid with it. */
  async #undo(
    id: ApprovalId,
    speaker: Speaker,
    ballot: Ballot,
    said: Extract<Said, { kind: 'undo' }>,
  ): Promise<Counted | undefined> {
    const counted = await this.#vote(id, speaker, ballot, said);
    // Whoever has no word in it has none in what came with it, either.
    if (!counted || counted.code === 'NOT_ELIGIBLE') return counted;
    const standing = await this.deps.grants.unsay(counted.approval, speaker.person);
    return standing === undefined ? counted : { ...counted, notice: `${counted.notice} ${standing}` };
  }

  // ── What really came of it ─────────────────────────────────────────────────────────────────────────────────

  /** It is about the attempt that was shown; where none was, about the last. */
  async #reconcile(
    id: ApprovalId,
    speaker: Speaker,
    { gen, digest: about }: Ballot,
    finding: Finding,
  ): Promise<Counted | undefined> {
    const { approvals, directory } = this.deps;
    const { person, account } = speaker;
    if (!(await this.#isStillTheirs(speaker))) return this.#notTheirs(id);
    const result = await approvals.apply(id, (approval, nowMs, { people }): Step<ReconcileResult> => {
      if (gen !== approval.gen) return { result: { code: 'STALE_CARD', approval } };
      const { person: _, ...word } = this.#voterOf(person, approval, nowMs);
      const operates = directory.may(person.roles, 'operate');
      const byOffice = operates && (finding !== 'retry' || approval.decision?.source === 'policy');
      if (!byOffice && !this.#isPermitted(person, word.standsFor)) {
        return { result: { code: 'NOT_ELIGIBLE', approval } };
      }
      const via = platformOf(account);
      const lent = directory.lentRoles(person.id, word.roles);
      const rights = { ...word, lent, ...knownAs(speaker), operates };
      const by = { ...rights, name: person.name, account, via, about };
      return reconcile(approval, by, finding, nowMs, people);
    });
    return result && { ...result, notice: literal(reconcileText(result)) };
  }

  // ── Talk ───────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Of whoever asked, who may be a guest, or of whoever runs the gateway. It decides nothing.
   *
   * @param speaker as whom they speak now
   */
  async reply(
    id: ApprovalId,
    { speaker, account }: { readonly speaker: Acting; readonly account: AccountId },
    key: string,
    text: string,
  ): Promise<Counted | undefined> {
    const { approvals, directory } = this.deps;
    const operates = directory.may(speaker.roles, 'operate');
    const accounts = [account, ...(directory.find(speaker.id)?.accounts ?? [])];
    const by = { person: speaker.id, name: speaker.name, accounts };
    const result = await approvals.apply(id, (approval, nowMs, circumstances) =>
      reply(approval, { key, by, via: platformOf(account), text, operates }, nowMs, circumstances),
    );
    return result && { ...result, notice: replyText(result) };
  }

  async #delegate(id: ApprovalId, speaker: Speaker, to: string): Promise<Counted | undefined> {
    const { approvals } = this.deps;
    if (!(await this.#isStillTheirs(speaker))) return this.#notTheirs(id);
    const next = this.#personCalled(to);
    if (!next) {
      const approval = await approvals.find(id);
      return approval && { code: 'UNKNOWN_PERSON', approval, notice: nobodyCalled(to) };
    }
    const result = await this.#passOn(id, speaker, { from: speaker.person, next, operates: false });
    return (
      result && {
        ...result,
        notice: delegateText(result, { to: next.name, isSame: next.id === speaker.person.id }),
      }
    );
  }

  /** An operator lets somebody decide in the place of one who was asked; where one alone was, that is they. */
  async #reassign(
    id: ApprovalId,
    speaker: Speaker,
    { to, from }: Extract<Said, { kind: 'reassign' }>,
  ): Promise<Counted | undefined> {
    const { approvals, directory } = this.deps;
    if (!(await this.#isStillTheirs(speaker))) return this.#notTheirs(id);
    const approval = await approvals.find(id);
    if (!approval) return undefined;
    const nowMs = await approvals.nowMs(approval.conversationId);
    if (!directory.may(speaker.person.roles, 'operate')) {
      return { code: 'NOT_ELIGIBLE', approval, notice: ONLY_OPERATORS };
    }
    const next = this.#personCalled(to);
    const asked = directory.approversOf(approversOf(approval), excludedFrom(approval), nowMs);
    const place = from === undefined ? onlyOne(asked) : this.#personCalled(from);
    if (!next) return { code: 'UNKNOWN_PERSON', approval, notice: nobodyCalled(to) };
    if (!place) {
      return from === undefined
        ? { code: 'INVALID', approval, notice: whosePlace(asked) }
        : { code: 'UNKNOWN_PERSON', approval, notice: nobodyCalled(from) };
    }
    const result = await this.#passOn(id, speaker, { from: place, next, operates: true });
    const names = { to: next.name, from: place.name, isSame: next.id === place.id };
    return result && { ...result, notice: reassignText(result, names) };
  }

  #personCalled(name: string): Person | undefined {
    const id = PersonId.safeParse(name.toLowerCase());
    return id.success ? this.deps.directory.find(id.data) : undefined;
  }

  async #passOn(
    id: ApprovalId,
    speaker: Speaker,
    {
      from: giver,
      next,
      operates,
    }: { readonly from: Person; readonly next: Person; readonly operates: boolean },
  ): Promise<DelegateResult | undefined> {
    const { approvals, directory, reach } = this.deps;
    const lent = directory.lentRoles(giver.id, giver.roles);
    return approvals.apply(id, (approval, nowMs) => {
      const { standsFor: awayFor, ...own } = directory.voterOf(giver, nowMs);
      const from = { ...own, standsFor: directory.wordsPassedTo(giver.id, approval, nowMs) };
      const place = reach.placesOf(next, {
        askedIn: approval.origin,
        importance: importanceOfRisk(approval.request.risk),
      })[0];
      const copies = place ? [copyFor(next.id, place, next.id)] : [];
      const theirs = this.#voterOf(next, approval, nowMs);
      const decides = this.#isPermitted(next, theirs.standsFor) && mayDecide(approval, theirs);
      const mute = !directory.mayBePassed(next.id);
      const to = { person: next.id, accounts: next.accounts, decides, mute };
      const called = { from: giver.name, to: next.name, by: speaker.person.name };
      const by = knownAs(speaker);
      return delegate(approval, { from, awayFor, lent, to, by, operates, called, copies }, nowMs);
    });
  }
}

/** A yes that has decided, and that nobody has acted on. */
function takenBack(approval: Approval, { person, account }: Speaker, nowMs: number): Step<VoteResult> {
  const by = { person: person.id, name: person.name, via: platformOf(account), operates: false };
  const { result, ...step } = revoke(approval, by, 'they changed their mind', nowMs);
  return {
    ...step,
    result: { code: result.code === 'DONE' ? 'RECORDED' : 'ALREADY', approval: result.approval },
  };
}

/** With every account they have now. */
function knownAs({ person: { id, accounts }, account }: Speaker): Known {
  return { person: id, accounts: [account, ...accounts] };
}

function nobodyCalled(to: string): string {
  return `I know nobody by the id ${literal(to)}; people are named as in contacts.yaml. Nothing has changed.`;
}

const NOT_THEIRS =
  'This account is nobody’s I know any more, so you cannot decide this. Nothing was decided.';

function onlyOne(people: readonly Person[]): Person | undefined {
  return people.length === 1 ? people[0] : undefined;
}

function whosePlace(asked: readonly Person[]): string {
  const names = asked.map(({ id }) => literal(id)).join(', ');
  return `In whose place? Write \`reassign TICKET person for other\`; those who may decide it are: ${names || 'nobody'}. Nothing has changed.`;
}

const ONLY_OPERATORS =
  'Only somebody who runs me can let others decide in the place of those who were asked; `delegate` passes on your own word. Nothing has changed.';

/** Whether a call under this rule would be asked of the same people, who may answer in the same ways. */
export function asksAlike(
  { approvers, policy: name, exception }: Extract<PolicyDecision, { kind: 'ask' }>,
  policy: Approval['policy'],
): boolean {
  return name === policy.name && exception === policy.exception && wantTheSame(approvers, policy.approvers);
}

/** What is a yes or a no in the end. */
const VERDICTS: Readonly<Partial<Record<CardChoice, 'approve' | 'deny'>>> = {
  approve: 'approve',
  edit: 'approve',
  always: 'approve',
  deny: 'deny',
  'deny-with-reason': 'deny',
};

/** A yes that counts, or counted when it came the first time. */
const GIVEN: ReadonlySet<string> = new Set(['DECIDED', 'RECORDED', 'REPLAY']);

/** As `changed`, from a line or from a form. */
function changedBy(
  args: unknown,
  said:
    | { readonly changes: Readonly<Record<string, string>> }
    | { readonly fields: Readonly<Record<string, string>> },
): object | string {
  const changes = 'changes' in said ? said.changes : changesIn(said.fields, args);
  return typeof changes === 'string' ? changes : changed(args, changes);
}

/** The arguments with some of them replaced; in words what is wrong when they cannot be. */
function changed(args: unknown, changes: Readonly<Record<string, string>>): object | string {
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    return 'it has no arguments that could be changed';
  const next: Record<string, unknown> = { ...args };
  for (const [name, text] of Object.entries(changes)) {
    const known = Object.keys(args).find((each) => each.toLowerCase() === name.toLowerCase()) ?? name;
    next[known] = valueLike(next[known], text);
  }
  return next;
}

/** As the value it replaces: a number where a number stood. What had none before is read as it looks. */
function valueLike(before: unknown, text: string): unknown {
  if (typeof before === 'string') return text;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
