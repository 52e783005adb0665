/**
 * Takes the commands people write at the beginning of a message: `/help`, `/status`, `/approvals`, `/new`, `/stop`. Those
 * that change who speaks are carried out by `control-directives`; words that say how a message is to be handled are read
 * by `message-directives`, and end here only when there is no message behind them.
 *
 * `/approve` and `/deny` are answers (`answer-desk`), `/ask` is a question; anything else that begins with a slash is
 * ordinary text. Where a platform keeps the slash for itself, `!help` says the same.
 *
 * Invariants
 *   1. What a command tells is for the one who wrote it, and is told once, however often it is delivered. Where others
 *      would read it, it is told to them elsewhere, or not at all.
 *   2. A command never reaches the agent, and leaves one audit entry.
 */
import { type Asker, askerOf, ceilingsOf, profileOf } from '../agent/tools/profiles.ts';
import type { ApprovalStore } from '../approvals/approval-store.ts';
import { literal, titleOf, viaText, whenText } from '../approvals/sentences.ts';
import type { BudgetDesk } from '../budget/budget-desk.ts';
import type { Spender } from '../budget/limits.ts';
import { usedUpText } from '../budget/sentences.ts';
import type { Config } from '../config/load-config.ts';
import type { ControlStore } from '../control/control-store.ts';
import { notAnewText, silenceText } from '../control/silence.ts';
import type { StopSign } from '../control/stop-sign.ts';
import { type OutboxItem, toOutEffect } from '../delivery/outbox.ts';
import type { Approval } from '../domain/approval/record.ts';
import { ticketOf } from '../domain/card.ts';
import type { Clock } from '../domain/clock.ts';
import type { MessageDirectives } from '../domain/directive.ts';
import type { Lookup, Trouble, WaitingApproval } from '../domain/gateway.ts';
import { type PersonId, platformOf } from '../domain/ids.ts';
import type { MailboxItem } from '../domain/mailbox-item.ts';
import type { InboundMessage, Picker, Receipt } from '../domain/message.ts';
import type { Person } from '../domain/person.ts';
import type { Directory } from '../identity/directory.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import type { Effect } from '../redis/effects.ts';
import type { ControlDirective, ControlDirectives } from './control-directives.ts';
import {
  ESCALATION_DIRECTIVES,
  type EscalationDirective,
  type EscalationDirectives,
  isEscalationTicket,
} from './escalation-directives.ts';
import type { GrantDesk } from './grant-desk.ts';
import { LINK_DIRECTIVES, type LinkDirective, type LinkDirectives, readLinkWish } from './link-directives.ts';
import { isMemoryWish, type MemoryDirectives } from './memory-directives.ts';
import { DIRECTIVES_HELP, directivesText } from './message-directives.ts';
import type { Reach } from './reach.ts';

/** Waiting approvals that one list shows. */
const MOST_LISTED = 20;
/** Requests that wait for somebody that are counted. */
const MOST_COUNTED = 1_000;

/** Commands whose answer says what others asked for. */
const HOLDS_SECRETS: ReadonlySet<Directive> = new Set([
  'status',
  'approvals',
  'grants',
  'memory',
  ...ESCALATION_DIRECTIVES,
  ...LINK_DIRECTIVES,
]);

const NOT_HERE =
  'Everybody can read what I write here, so I do not say it. Please ask me where I can tell you alone: by a direct message, by e-mail or in the terminal.';

export type Directive =
  | 'help'
  | 'status'
  | 'approvals'
  | 'approve'
  | 'deny'
  | 'withdraw'
  | 'grants'
  | 'new'
  | 'stop'
  | 'memory'
  | ControlDirective
  | EscalationDirective
  | LinkDirective;

export interface DirectiveDeps {
  readonly approvals: ApprovalStore;
  /** Who speaks in a conversation. */
  readonly hands: Pick<ControlStore, 'find'>;
  readonly lookup: Lookup;
  readonly grants: GrantDesk;
  readonly stops: Pick<StopSign, 'raise' | 'isBusy'>;
  readonly controls: ControlDirectives;
  readonly escalations: EscalationDirectives;
  readonly links: LinkDirectives;
  readonly memory: MemoryDirectives;
  readonly budgets: Pick<BudgetDesk, 'open'>;
  readonly directory: Directory;
  readonly reach: Reach;
  readonly writer: EffectWriter;
  readonly config: () => Config;
  /** How long a delivery is remembered, in ms. */
  readonly rememberMs: () => number;
  /** Platforms that run in this process. */
  readonly platforms: () => readonly string[];
  /** Those that some process has opened, this one or another. */
  readonly openPlatforms: () => Promise<readonly string[]>;
  /** Those of them that do not work, and why. */
  readonly troubles: () => ReadonlyMap<string, Trouble>;
  readonly clock: Clock;
}

export class DirectiveDesk {
  constructor(private readonly deps: DirectiveDeps) {}

  async take(
    directive: Directive,
    message: InboundMessage,
    requester: Pick<Person, 'id' | 'name' | 'roles'>,
  ): Promise<Receipt> {
    const answer = await this.#answer(directive, message, requester);
    return this.#close(directive, message, requester, answer);
  }

  /** Directives with no message behind them: what they would do, and nothing else. */
  explain(
    directives: MessageDirectives,
    message: InboundMessage,
    requester: Pick<Person, 'id'>,
  ): Promise<Receipt> {
    return this.#close('directives', message, requester, { markdown: directivesText(directives) });
  }

  async #close(
    directive: Directive | 'directives',
    message: InboundMessage,
    requester: Pick<Person, 'id'>,
    answer: Answer,
  ): Promise<Receipt> {
    const { id, conversationId, sender } = message;
    const { markdown, items } = this.#tell(directive, message, requester, answer);
    const isFirst = await this.deps.writer.write(
      conversationId,
      [
        ...items.map((item) => toOutEffect(item)),
        ...(answer.effects ?? []),
        {
          kind: 'audit',
          event: {
            event: 'directive.taken',
            actor: sender.account,
            subject: conversationId,
            correlation: id,
            channel: platformOf(sender.account),
            detail: { directive, person: requester.id },
          },
        },
      ],
      { key: `directive:${id}`, forMs: this.deps.rememberMs() },
    );
    return isFirst ? { kind: 'answered', code: 'DIRECTIVE', notice: markdown } : { kind: 'duplicate' };
  }

  /** The answer where it was asked for; if others would read it there, where they would not, and a word of that. */
  #tell(
    directive: Directive | 'directives',
    { id, conversationId, sender, replyTo }: InboundMessage,
    requester: Pick<Person, 'id'>,
    { markdown: answer, pick }: Answer,
  ): { markdown: string; items: OutboxItem[] } {
    const about = { correlation: id, conversationId, atMs: this.deps.clock.now() };
    const here = ({ markdown, pick }: Answer): OutboxItem => ({
      kind: 'notice',
      id: `directive:${id}`,
      ...about,
      to: replyTo,
      markdown,
      onlyFor: sender.account,
      ...(pick ? { pick } : {}),
    });
    if (
      directive === 'directives' ||
      !HOLDS_SECRETS.has(directive) ||
      !this.deps.reach.tellsEverybody(replyTo.platform)
    ) {
      return { markdown: answer, items: [here({ markdown: answer, pick })] };
    }
    const person = this.deps.directory.find(requester.id);
    const place =
      person &&
      this.deps.reach.placesOf(person).find(({ to }) => !this.deps.reach.tellsEverybody(to.platform));
    if (!place) return { markdown: NOT_HERE, items: [here({ markdown: NOT_HERE })] };
    const word = `I answered you ${viaText(place.to.platform)}, because everybody can read what I write here.`;
    const elsewhere: OutboxItem = {
      kind: 'text',
      id: `directive-elsewhere:${id}`,
      ...about,
      to: place.to,
      markdown: answer,
    };
    return { markdown: word, items: [elsewhere, here({ markdown: word })] };
  }

  async #answer(
    directive: Directive,
    message: InboundMessage,
    requester: Pick<Person, 'id' | 'name' | 'roles'>,
  ): Promise<Answer> {
    if (directive === 'approvals') return this.#list(message);
    if (directive === 'new') return this.#newContext(message, requester);
    return { markdown: await this.#words(directive, message, requester) };
  }

  async #words(
    directive: Exclude<Directive, 'approvals' | 'new'>,
    message: InboundMessage,
    requester: Pick<Person, 'id' | 'name' | 'roles'>,
  ): Promise<string> {
    switch (directive) {
      case 'help':
        return COMMANDS_HELP;
      case 'status':
        return this.#status(message, requester);
      case 'grants':
        return this.#grants(message, requester);
      case 'stop':
        return this.#stop(message, requester);
      case 'takeover':
      case 'handback':
      case 'human':
      case 'say':
        return this.deps.controls.take(directive, message, requester);
      case 'ack':
      case 'release':
      case 'snooze':
      case 'escalate':
      case 'resolve':
      case 'escalations':
        return this.deps.escalations.take(directive, message, requester);
      case 'link':
      case 'unlink':
      case 'pair':
        return this.deps.links.take(message, requester);
      case 'memory':
        return this.deps.memory.take(message, requester);
      // With a ticket it would have been an answer.
      case 'approve':
        return 'Which request? Write `/approve` and its ticket; `/approvals` lists them.';
      case 'deny':
        return 'Which request? Write `/deny`, its ticket and, if you like, a reason; `/approvals` lists them.';
      case 'withdraw':
        return 'Which request? Write `/withdraw` and its ticket; `/status` lists what is held here.';
      default:
        return directive satisfies never;
    }
  }

  async #grants({ text }: InboundMessage, person: Pick<Person, 'id' | 'roles'>): Promise<string> {
    const [, revoke, id] = /^\s*[/!]grants\s+(revoke)(?:\s+(\S+))?\s*$/i.exec(text) ?? [];
    const { grants } = this.deps;
    if (revoke !== undefined && id === undefined) {
      return 'Which one? Write `/grants revoke` and its id; `/grants` lists them. Nothing has changed.';
    }
    return id === undefined ? grants.listFor(person) : (await grants.revoke(id, person)).notice;
  }

  async #list({ sender }: InboundMessage): Promise<Answer> {
    const waiting = await this.deps.lookup.approvalsFor(sender, MOST_LISTED);
    if (waiting.length === 0) return { markdown: 'Nothing waits for your answer.' };
    const lines = waiting.map(({ ticket, title }) => `- ${literal(title)}\n  \`/approve ${ticket}\``);
    const more = waiting.length === MOST_LISTED ? `\n\nThese are the ${MOST_LISTED} that expire first.` : '';
    const several =
      waiting.length > 1 ? '\n\n`/approve` with several tickets answers all of them, one by one.' : '';
    const markdown = `**Waiting for your answer**\n\n${lines.join('\n')}${more}${several}`;
    return waiting.length > 1 ? { markdown, pick: toPick(waiting) } : { markdown };
  }

  /** In line behind what was said before, so that it is the next message that begins anew. */
  async #newContext(
    { id, conversationId }: InboundMessage,
    { id: person, name }: Pick<Person, 'id' | 'name'>,
  ): Promise<Answer> {
    const refusal = notAnewText(await this.deps.hands.find(conversationId));
    if (refusal !== undefined) return { markdown: refusal };
    const at = new Date(this.deps.clock.now()).toISOString();
    const item: MailboxItem = {
      kind: 'new-context',
      id: `new-context:${id}`,
      correlation: id,
      by: { person, name },
      at,
    };
    return { markdown: NEW_CONTEXT, effects: [{ kind: 'mail', conversationId, item }] };
  }

  /** Seen by whichever process the turn runs in; what came of it is said by the turn. */
  async #stop(
    { id, conversationId, text }: InboundMessage,
    { id: person, name, roles }: Pick<Person, 'id' | 'name' | 'roles'>,
  ): Promise<string> {
    const { stops, directory, clock } = this.deps;
    const everybodys = directory.may(roles, 'operate') || directory.may(roles, 'take-over');
    const isBusy = await stops.isBusy(conversationId);
    await stops.raise(conversationId, { id, atMs: clock.now(), by: { person, name }, everybodys });
    const here = await this.deps.approvals.heldIn(conversationId);
    return [
      isBusy
        ? `I stop ${everybodys ? 'what I am at here' : 'what I am doing here for you'}, and say there what I had done. A call that has begun comes to its end, and nothing is taken back.`
        : 'I am not at anything here.',
      ...(/^\s*[/!]stop\s*$/i.test(text) ? [] : [UNREAD_BEHIND_STOP]),
      ...(here.length === 0
        ? []
        : [
            `This still waits, or runs because somebody agreed to it:\n\n${here.map((each) => heldLine(each, person)).join('\n')}`,
          ]),
    ].join('\n\n');
  }

  async #status(
    { conversationId, sender, replyTo }: InboundMessage,
    { id, name, roles }: Pick<Person, 'id' | 'name' | 'roles'>,
  ): Promise<string> {
    const here = await this.deps.approvals.heldIn(conversationId);
    const yours = await this.deps.lookup.approvalsFor(sender, MOST_COUNTED);
    const silence = silenceText(await this.deps.hands.find(conversationId));
    return [
      `You are ${literal(name)} (${roles.length > 0 ? roles.join(', ') : 'no role'}).`,
      ...(silence === undefined ? [] : [silence]),
      yours.length === 0
        ? 'Nothing waits for your answer.'
        : `${yours.length}${yours.length === MOST_COUNTED ? ' or more' : ''} ${yours.length === 1 ? 'request waits' : 'requests wait'} for your answer: \`/approvals\` lists them.`,
      here.length === 0
        ? 'Nothing is held in this conversation.'
        : `Held in this conversation:\n\n${here.map((each) => heldLine(each, id)).join('\n')}`,
      this.#manner(askerOf({ person: id, roles, at: replyTo })),
      ...(await this.#usedUp({ person: id, conversationId })),
      ...(await this.#connections()),
    ].join('\n\n');
  }

  /** How a message of theirs is handled here that asks for nothing else. */
  #manner(asker: Asker): string {
    const { authorizations, settings } = this.deps.config();
    const { tools } = authorizations;
    const { profile, by } = profileOf(tools, asker);
    const ceilings = ceilingsOf(tools, asker).map((each) => `${each.profile} by ${each.by}`);
    return [
      `Your messages here have the tools of the profile \`${profile}\` (${literal(by)})`,
      ...(ceilings.length === 0 ? [] : [`, and no more than ${literal(ceilings.join(', '))}`]),
      `; the instructions \`${settings.prompt.mode}\`; the model \`${settings.model.name}\`.`,
    ].join('');
  }

  /** Why nothing they write here is answered; nothing where it is. */
  async #usedUp(spender: Spender): Promise<string[]> {
    const { usedUp, settings } = await this.deps.budgets.open(spender);
    return usedUp ? [usedUpText(usedUp, settings.currency, settings.time_zone)] : [];
  }

  /** Of those of another process it is known that they are open there, not how they are. */
  async #connections(): Promise<string[]> {
    const troubles = this.deps.troubles();
    const [own, open] = [this.deps.platforms(), await this.deps.openPlatforms()];
    const connected = own.filter((platform) => !troubles.has(platform));
    const others = open.filter((platform) => !own.includes(platform)).toSorted();
    const words = [
      ...(connected.length === 0 ? [] : [`Connected: ${connected.join(', ')}.`]),
      ...(others.length === 0 ? [] : [`Opened by another process of mine: ${others.join(', ')}.`]),
    ];
    return [
      ...(words.length === 0 ? [] : [words.join(' ')]),
      ...[...troubles].map(
        ([platform, { detail, remedy, sinceMs, partly }]) =>
          `**${partly ? 'Connected in part' : 'Not connected'}: ${platform}**, since ${whenText(sinceMs)}. ${literal(detail)}. ${literal(remedy)}`,
      ),
    ];
  }
}

/** What a command is answered with. */
interface Answer {
  /** In markdown. */
  readonly markdown: string;
  /** What can be picked from, where the platform has such a thing. */
  readonly pick?: Picker | undefined;
  /** Written with it. */
  readonly effects?: readonly Effect[];
}

/** With the line that takes it back, for whoever asked for it, as long as it can be. */
function heldLine(approval: Approval, reader: PersonId): string {
  const title = `- ${literal(titleOf(approval))}`;
  if (approval.state === 'EXECUTING') return `${title}: it is running now`;
  if (approval.state === 'UNKNOWN')
    return `${title}: it was started, and nobody can tell whether it happened`;
  const line = `${title} (until ${whenText(approval.deadlineMs)})`;
  if (approval.request.requester !== reader) return line;
  return `${line}\n  \`/withdraw ${ticketOf({ approvalId: approval.id, gen: approval.gen })}\``;
}

function toPick(waiting: readonly WaitingApproval[]): Picker {
  const options = waiting.map(({ ticket, title }) => ({ label: title || ticket, value: ticket }));
  return { label: 'Approve those picked…', says: '/approve', options };
}

/**
 * What a message begins with: a command of ours and what follows it; undefined for ordinary text.
 * `ask` only introduces a question.
 */
export function readDirective(
  text: string,
): { readonly directive: Directive } | { readonly directive: 'ask'; readonly text: string } | undefined {
  const [, word = '', rest = ''] = /^\s*[/!]([a-z]+)(?:\s+([\s\S]*))?$/i.exec(text) ?? [];
  const name = word.toLowerCase();
  if (name === 'ask')
    return rest.trim() === '' ? { directive: 'help' } : { directive: 'ask', text: rest.trim() };
  if (name === 'approve' || name === 'deny') return { directive: name };
  if (name === 'withdraw' && rest.trim() === '') return { directive: name };
  if (name === 'grants' && /^(?:revoke(?:\s+\S+)?\s*)?$/i.test(rest)) return { directive: name };
  if (name === 'handback' || name === 'human') return { directive: name };
  if (name === 'takeover' && /^(?:con_\S+\s*)?$/i.test(rest)) return { directive: name };
  if (name === 'say' && /^con_\S/i.test(rest)) return { directive: name };
  const acted = ESCALATION_DIRECTIVES.find((each) => each === name && each !== 'escalations');
  if (acted && isEscalationTicket(rest)) return { directive: acted };
  const linking = LINK_DIRECTIVES.find((each) => each === name);
  if (linking) return readLinkWish(text) ? { directive: linking } : undefined;
  if (name === 'memory') return isMemoryWish(text) ? { directive: name } : undefined;
  const isAlone = rest.trim() === '';
  const alone = STANDS_ALONE.find((each) => each === name);
  return isAlone && alone ? { directive: alone } : undefined;
}

/**
 * A text that only begins like one of these is for the agent; behind `new` it is, too (`readOpening`). Behind `stop`
 * there is nothing for it.
 */
export const STANDS_ALONE = ['help', 'status', 'approvals', 'escalations', 'new', 'stop'] as const;

const UNREAD_BEHIND_STOP =
  'What you wrote behind `/stop` I have not read. If it was for me, write it in a message of its own.';

const NEW_CONTEXT =
  'A new context begins here: of what was said before this, the agent is shown nothing any more. It stays on record, and requests that wait go on waiting.';

/** For `/help`. In markdown. */
export const COMMANDS_HELP = `**What you can write to me**

- a question or a wish, in your own words
- \`/approvals\`: what waits for your answer
- \`/approve <ticket>\`: say yes to one of them
- \`/deny <ticket> <reason>\`: say no
- several tickets behind either: each is answered by itself, after you have read them back
- \`/edit <ticket> amount=40\`: say yes, with that changed
- \`/question <ticket> <text>\`: ask something first; \`/reply <ticket> <text>\` answers it
- \`/undo <ticket>\`, \`/delegate <ticket> <person>\`: take back what you said, let somebody else decide
- \`/withdraw <ticket>\`: take back what you asked for; \`/status\` lists what is held here
- \`/always <ticket> …\`: say yes to further calls like it, where the policy takes that; \`/grants\` lists what you said
- \`/human <reason>\`: have a person come
- \`/takeover\`, \`/handback <note>\`: answer here yourself instead of me, where you may, and give it back
- \`/say <ticket> <text>\`: say it in a conversation you have taken over, where you cannot write there yourself
- \`/escalations\`: what waits for you to look after it; \`/ack <ticket>\` takes it, \`/release <ticket>\` lets it go, \`/snooze <ticket> 1h\`, \`/escalate <ticket>\`, \`/resolve <ticket>\`
- \`/link\`: speak from another account of yours as well; \`/unlink\` lists your accounts, \`/unlink <account>\` takes one back
- \`/pair\`: strangers who wait to be let in, where you may do that
- \`/memory\`: what I have written down about you; \`/memory on\` lets me, \`/memory off\` ends it and removes it
- \`/new\`: begin anew: I am not shown any more what was said here before; what you write behind it is the first thing I read
- \`/stop\`: stop what I am doing here
- \`/status\`: who you are to me, how I handle your messages here, and what is held here
- \`/help\`: this list

${DIRECTIVES_HELP}

Before anything risky I ask somebody who may decide it. Where the slash does not work, write \`!help\` and so on.`;
