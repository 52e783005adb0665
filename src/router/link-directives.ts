/**
 * What `/link`, `/unlink` and `/pair` do, and what whoever wrote them is told.
 *
 *   /link                     somebody we know wants a code
 *   /link CODE                from the account that is new
 *   /link confirm CODE        from the account we know, once it was told who that is;  /link refuse
 *   /unlink [ACCOUNT]
 *   /pair CODE as PERSON      who a stranger is;  /pair CODE guest [7d];  /pair CODE refuse
 */
import { channelName, literal, viaText, whenText } from '../approvals/sentences.ts';
import { LONGEST_STAY } from '../config/authorizations.ts';
import { toAccountId } from '../config/contacts.ts';
import { duration } from '../config/duration.ts';
import type { Config } from '../config/load-config.ts';
import { toOutEffect } from '../delivery/outbox.ts';
import type { Clock } from '../domain/clock.ts';
import { type AccountId, PersonId, platformOf } from '../domain/ids.ts';
import { type Place, waiting } from '../domain/link.ts';
import type { InboundMessage, Receipt } from '../domain/message.ts';
import type { Person } from '../domain/person.ts';
import type { Directory, Speaker } from '../identity/directory.ts';
import type { LinkBook } from '../identity/link-book.ts';
import { readNamed } from '../identity/link-code.ts';
import type { Known, LinkDesk, LinkGesture } from '../identity/link-desk.ts';
import type { EffectWriter } from '../redis/effect-writer.ts';
import { vouchingPlace } from './link-news.ts';
import type { Reach } from './reach.ts';

export const LINK_DIRECTIVES = ['link', 'unlink', 'pair'] as const;
export type LinkDirective = (typeof LINK_DIRECTIVES)[number];

/** What follows the command, as far as it is one. */
export type LinkWish =
  | { readonly kind: 'offer' | 'decline' | 'list' | 'strangers' }
  | { readonly kind: 'claim'; readonly code: string }
  | { readonly kind: 'confirm'; readonly code: string }
  | { readonly kind: 'unlink'; readonly account: string }
  | { readonly kind: 'propose'; readonly code: string; readonly person: string }
  | { readonly kind: 'admit'; readonly code: string; readonly stay: string | undefined }
  | { readonly kind: 'turn-away'; readonly code: string };

const STAY = duration({ min: '1h', max: LONGEST_STAY });

export interface LinkDirectivesDeps {
  readonly desk: LinkDesk;
  readonly book: Pick<LinkBook, 'now'>;
  readonly directory: Directory;
  readonly reach: Reach;
  readonly writer: EffectWriter;
  readonly config: () => Config;
  /** How long a delivery is remembered, in ms. */
  readonly rememberMs: () => number;
  readonly clock: Clock;
}

export class LinkDirectives {
  constructor(private readonly deps: LinkDirectivesDeps) {}

  /** Does it, and resolves with what whoever wrote it is told. `speaker`: a person, or a guest. */
  async take(message: InboundMessage, speaker: Speaker): Promise<string> {
    const wish = readLinkWish(message.text);
    if (!wish) return HOW;
    const person = this.deps.directory.find(speaker.id);
    if (wish.kind === 'claim') return this.#claim(message, wish.code);
    if (!person) return UNKNOWN;
    return this.#asKnown(wish, message, { ...person, roles: speaker.roles });
  }

  /** The code of an account that belongs to nobody yet. Undefined for anything else a stranger may write. */
  async takeFromStranger(message: InboundMessage): Promise<Receipt | undefined> {
    const wish = readLinkWish(message.text);
    if (wish?.kind !== 'claim') return undefined;
    const { id, conversationId, sender, replyTo } = message;
    const notice = await this.#claim(message, wish.code);
    const atMs = this.deps.clock.now();
    const isFirst = await this.deps.writer.write(
      conversationId,
      [
        toOutEffect({
          kind: 'notice',
          id: `directive:${id}`,
          correlation: id,
          conversationId,
          to: replyTo,
          markdown: notice,
          onlyFor: sender.account,
          atMs,
        }),
        {
          kind: 'audit',
          event: {
            event: 'directive.taken',
            actor: sender.account,
            subject: conversationId,
            correlation: id,
            channel: platformOf(sender.account),
            detail: { directive: 'link' },
          },
        },
      ],
      { key: `directive:${id}`, forMs: this.deps.rememberMs() },
    );
    return isFirst ? { kind: 'answered', code: 'DIRECTIVE', notice } : { kind: 'duplicate' };
  }

  async #asKnown(
    wish: Exclude<LinkWish, { kind: 'claim' }>,
    message: InboundMessage,
    person: Person,
  ): Promise<string> {
    const gesture = toGesture(message, person);
    switch (wish.kind) {
      case 'offer':
        return this.#offer(message, person, gesture);
      case 'confirm':
        return this.#confirm(gesture, wish.code);
      case 'decline':
        return (await this.deps.desk.decline(gesture)).code === 'NONE' ? NOTHING_OPEN : DECLINED;
      case 'list':
        return this.#list(person);
      case 'unlink':
        return this.#unlink(gesture, wish.account);
      case 'strangers':
        return this.#strangers(person.roles);
      case 'propose':
        return this.#propose(message, gesture, wish);
      case 'admit':
        return this.#admit(gesture, wish);
      case 'turn-away': {
        const given = await readNamed(wish.code);
        const result = given && (await this.deps.desk.turnAway(gesture, given));
        return result?.code === 'TURNED_AWAY' ? TURNED_AWAY : NOT_LET_IN[result?.code ?? 'MISSED'];
      }
      default:
        return wish satisfies never;
    }
  }

  // ── By a code ──────────────────────────────────────────────────────────────────────────────────────────────

  async #offer(message: InboundMessage, person: Person, gesture: Known): Promise<string> {
    const { reach } = this.deps;
    const { sender, conversationId, replyTo } = message;
    const isOpen = reach.tellsEverybody(replyTo.platform);
    const own = vouchingPlace(this.deps, person, conversationId, sender.account);
    const place: Place | undefined =
      own ?? (isOpen ? undefined : { to: replyTo, conversationId, onlyFor: sender.account });
    if (!place || (isOpen && !reach.privatePlaceOf(person))) return NOWHERE;
    const made = await this.deps.desk.offer(gesture, place);
    if (made.code !== 'OFFERED') return REFUSED[made.code];
    return [
      `Write this to me from the account that is to be yours as well, until ${whenText(made.untilMs)}:`,
      `\`/link ${made.text}\``,
      `Then I ask you ${viaText(place.to.platform)} whether that was you. Show the code to nobody: it is for one account, once.`,
    ].join('\n\n');
  }

  async #claim(message: InboundMessage, text: string): Promise<string> {
    const { sender, conversationId, replyTo } = message;
    const given = await this.deps.desk.read(sender.account, text);
    if (!given || given === 'WAIT') return given ? REFUSED.WAIT : NO_CODE;
    const place = { to: replyTo, conversationId };
    const result = await this.deps.desk.claim(toGesture(message), given, {
      name: sender.displayName,
      place,
    });
    return result.code === 'CLAIMED' ? CLAIMED : REFUSED[result.code];
  }

  async #confirm(gesture: Known, text: string): Promise<string> {
    const given = await this.deps.desk.read(gesture.account, text);
    if (!given || given === 'WAIT') return given ? REFUSED.WAIT : NO_CODE;
    const result = await this.deps.desk.confirm(gesture, given);
    if (result.code !== 'LINKED') return REFUSED[result.code];
    const { account } = result.link;
    return `\`${literal(account)}\` is yours now: what it asks and decides is yours. \`/unlink ${account}\` takes that back.`;
  }

  // ── Taking back ────────────────────────────────────────────────────────────────────────────────────────────

  async #unlink(gesture: Known, text: string): Promise<string> {
    const account = toAccount(text);
    if (!account) return NO_ACCOUNT;
    if (this.deps.directory.isConfigured(account)) return IN_CONTACTS;
    const { code } = await this.deps.desk.unlink(gesture, account);
    if (code === 'UNLINKED')
      return `\`${literal(account)}\` is not yours any more. It decides nothing from now on.`;
    return code === 'NOT_THEIRS' ? NOT_YOURS : code === 'REPLAY' ? REFUSED.REPLAY : NOT_LINKED;
  }

  async #list({ id, accounts }: Person): Promise<string> {
    const { links } = await this.deps.book.now();
    const isLinked = (account: AccountId) =>
      links.some((link) => link.account === account && link.person === id);
    const lines = accounts.map((account) => {
      const how = isLinked(account) ? `linked; \`/unlink ${account}\` takes it back` : 'in contacts.yaml';
      return `- \`${literal(account)}\` (${channelName(platformOf(account))}): ${how}`;
    });
    return `**Your accounts**\n\n${lines.join('\n')}\n\n\`/link\` adds one.`;
  }

  // ── Strangers ──────────────────────────────────────────────────────────────────────────────────────────────

  async #strangers(roles: readonly string[]): Promise<string> {
    if (!this.deps.desk.mayPair(roles)) return REFUSED.NOT_PERMITTED;
    const asks = waiting(await this.deps.book.now(), this.deps.clock.now());
    if (asks.length === 0) return 'No stranger waits to be let in.';
    const hasGuests = this.deps.config().authorizations.guest_role !== undefined;
    const lines = asks.map(({ id, account, name }) => {
      const asGuest = hasGuests ? `\`/pair ${id} guest\`, ` : '';
      return `- \`${literal(account)}\` (“${literal(name)}”): ${asGuest}\`/pair ${id} refuse\``;
    });
    return `**Strangers who want to talk to me**\n\n${lines.join('\n')}\n\n\`/pair CODE as PERSON\`, with the code they were given, says who it is.`;
  }

  async #propose(
    { conversationId }: InboundMessage,
    gesture: Known,
    { code, person: id }: Extract<LinkWish, { kind: 'propose' }>,
  ): Promise<string> {
    if (!this.deps.desk.mayPair(gesture.person.roles)) return REFUSED.NOT_PERMITTED;
    const known = PersonId.safeParse(id.toLowerCase());
    const person = known.success ? this.deps.directory.find(known.data) : undefined;
    if (!person && id.toLowerCase() === 'guest') return this.#admit(gesture, { code });
    if (!person)
      return `I know nobody by the id ${literal(id)}; people are named as in contacts.yaml. Nothing has changed.`;
    const given = await this.deps.desk.read(gesture.account, code);
    if (!given || given === 'WAIT') return given ? REFUSED.WAIT : NO_CODE;
    const place = vouchingPlace(this.deps, person, conversationId);
    if (!place)
      return `I know no place where only ${literal(person.name)} reads what I write, so I cannot ask them. Nothing has changed.`;
    const result = await this.deps.desk.propose(gesture, given, { person: person.id, place });
    return result.code === 'CLAIMED'
      ? `I have asked ${literal(person.name)} ${viaText(place.to.platform)} whether that is them. Until they confirm it nothing changes.`
      : NOT_LET_IN[result.code];
  }

  async #admit(
    gesture: Known,
    { code, stay }: { readonly code: string; readonly stay?: string | undefined },
  ): Promise<string> {
    const { guest_role, guests_stay } = this.deps.config().authorizations;
    if (guest_role === undefined) return NO_GUESTS;
    const forMs = stay === undefined ? guests_stay : STAY.safeParse(stay).data;
    if (forMs === undefined)
      return `For how long? Write for example \`12h\` or \`7d\`, between an hour and ${LONGEST_STAY}.`;
    const given = await readNamed(code);
    const result = given && (await this.deps.desk.admit(gesture, given, forMs));
    if (result?.code !== 'ADMITTED') return NOT_LET_IN[result?.code ?? 'MISSED'];
    const { account, untilMs } = result.guest;
    return `\`${literal(account)}\` may talk to me as ${guest_role}, until ${whenText(untilMs)}.`;
  }
}

/** What a command of these asks for; undefined for ordinary text that only begins like one. */
export function readLinkWish(text: string): LinkWish | undefined {
  const [line = ''] = text.trim().split('\n');
  const [command = '', ...words] = line.trim().split(/\s+/);
  const [first, second, third, ...more] = words;
  if (more.length > 0) return undefined;
  switch (command.slice(1).toLowerCase()) {
    case 'link':
      return third === undefined ? toLink(first, second) : undefined;
    case 'unlink':
      if (first === undefined) return { kind: 'list' };
      return second === undefined ? { kind: 'unlink', account: first } : undefined;
    case 'pair':
      return toPair(first, second?.toLowerCase(), third);
    default:
      return undefined;
  }
}

function toLink(first: string | undefined, second: string | undefined): LinkWish | undefined {
  if (first === undefined) return { kind: 'offer' };
  const word = first.toLowerCase();
  if (word === 'confirm') return second === undefined ? undefined : { kind: 'confirm', code: second };
  if (second !== undefined) return undefined;
  return word === 'refuse' ? { kind: 'decline' } : { kind: 'claim', code: first };
}

function toPair(
  code: string | undefined,
  how: string | undefined,
  which: string | undefined,
): LinkWish | undefined {
  if (code === undefined) return { kind: 'strangers' };
  if (how === 'refuse' && which === undefined) return { kind: 'turn-away', code };
  if (how === 'guest') return { kind: 'admit', code, stay: which };
  if (how !== 'as' || which === undefined) return undefined;
  return { kind: 'propose', code, person: which };
}

/** As a gateway would name it. */
function toAccount(text: string): AccountId | undefined {
  const [, platform = '', value = ''] =
    /^([a-z][a-z0-9-]*):(.{1,280})$/i.exec(text.replaceAll('`', '')) ?? [];
  return platform === '' ? undefined : toAccountId(platform.toLowerCase(), value);
}

function toGesture(message: Pick<InboundMessage, 'id' | 'sender'>): LinkGesture;
function toGesture(message: Pick<InboundMessage, 'id' | 'sender'>, person: Person): Known;
function toGesture(
  { id, sender: { account } }: Pick<InboundMessage, 'id' | 'sender'>,
  person?: Person,
): LinkGesture | Known {
  const gesture = { id, account, channel: platformOf(account), actor: person?.id ?? account };
  return person ? { ...gesture, person } : gesture;
}

const HOW =
  'Write `/link` for a code, `/link CODE` from the account that is new, `/unlink` for a list of your accounts.';
const UNKNOWN =
  'Only somebody I know can do that. `/link CODE`, with a code you were given, links this account to you.';
const NOWHERE =
  'I know no place where only you read what I write, so I give you no code. Please write `/link` to me by a direct message, by e-mail or in the terminal.';
const NO_CODE =
  'That is not a code as I make them: three groups of letters and digits, like `K7PM-3QXWH-9TRCD`. Nothing has changed.';
const CLAIMED =
  'Thank you. Now the one whose code that is has to confirm it, from the account I know them by. Until then nothing changes.';
const DECLINED =
  'Nothing is linked, and your codes are void. If it was not you who gave the code away, somebody else has seen it.';
const NOTHING_OPEN = 'Nothing of yours waits to be confirmed.';
const NO_ACCOUNT =
  'Which account? `/unlink` alone lists yours; they are written like `discord:900000000000000101`.';
const IN_CONTACTS =
  'That account stands in contacts.yaml; whoever runs me can take it out there. Nothing has changed.';
const NOT_YOURS = 'That account is linked to somebody else. Nothing has changed.';
const NOT_LINKED = 'That account is linked to nobody. Nothing has changed.';
const NO_GUESTS =
  'There is no role for guests: whoever runs me has to name one as guest_role in authorizations.yaml. Nothing has changed.';
const TURNED_AWAY = 'They were told, and I do not hear them for a day.';

/** Why nothing has changed. */
const REFUSED = {
  MISSED:
    'I know no such code, or its time is over. Nothing has changed; `/link`, from an account I know, makes a new one.',
  WAIT: 'There were too many wrong codes. Please try again in an hour. Nothing has changed.',
  TAKEN: 'That account belongs to somebody already, so it cannot be linked. Nothing has changed.',
  TOO_MANY: 'Too much of that is open now. Please try again later. Nothing has changed.',
  SECOND_HAND:
    'This account is linked itself, so it cannot vouch for another. Please do that from an account that stands in contacts.yaml.',
  NOT_PERMITTED: 'You may not let strangers in; that takes the permission pair. Nothing has changed.',
  REPLAY: 'I have had that before, so I did nothing this time. `/link` makes a new code.',
} as const;

/** The same, of the code of a stranger: only the stranger can get another. */
const NOT_LET_IN = {
  ...REFUSED,
  MISSED:
    'No stranger waits with such a code, or its time is over. Nothing has changed; `/pair` lists who waits. Strangers are told a code when they write to me, once a day.',
  REPLAY: 'I have had that before, so I did nothing this time.',
} as const;
