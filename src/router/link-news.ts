/**
 * What people are told when accounts are linked and strangers are let in, and where.
 *
 * Invariants
 *   1. A code goes to the one place it was made for: to the person, where nobody else reads it.
 *   2. What a stranger calls themselves is shown as data, never as a sentence of ours.
 */
import { channelName, literal, whenText } from '../approvals/sentences.ts';
import { type OutboxItem, toOutEffect } from '../delivery/outbox.ts';
import { type AccountId, ConversationId, platformOf } from '../domain/ids.ts';
import type { Claim, Offer, Place } from '../domain/link.ts';
import type { Button } from '../domain/message.ts';
import type { Person } from '../domain/person.ts';
import type { Directory } from '../identity/directory.ts';
import type { LinkNews, LinkTelling } from '../identity/link-desk.ts';
import type { Effect } from '../redis/effects.ts';
import type { Reach } from './reach.ts';

/** Of those who may let strangers in, so many are told of one, at most. */
const MOST_TOLD = 5;

interface NewsDeps {
  readonly directory: Directory;
  readonly reach: Reach;
  /** Whether there is a role for guests. */
  readonly hasGuests: () => boolean;
}

/** Something to be said in one place. */
interface Word {
  readonly place: Place;
  readonly markdown: string;
  readonly buttons?: readonly Button[];
}

export function createLinkNews(deps: NewsDeps): LinkTelling {
  return (news, { id, atMs }) =>
    wordsOf(news, deps).map(
      (word, n): Effect => toOutEffect(toItem(word, `link:${news.kind}:${id}:${n}`, id, atMs)),
    );
}

/** Where a person is asked something that nobody else may read: an account of `contacts.yaml`, `first` if it can be. */
export function vouchingPlace(
  { directory, reach }: Pick<NewsDeps, 'directory' | 'reach'>,
  person: Person,
  conversationId: ConversationId,
  first?: AccountId,
): Place | undefined {
  const places = reach
    .placesOf(person)
    .filter(({ account, to }) => directory.isConfigured(account) && !reach.tellsEverybody(to.platform));
  const place = places.find(({ account }) => account === first) ?? places[0];
  return place && { to: place.to, conversationId };
}

function wordsOf(news: LinkNews, deps: NewsDeps): Word[] {
  switch (news.kind) {
    case 'claimed':
      return [claimedWord(news)];
    case 'linked':
      return [
        toClaimant(
          news.offer.claim,
          `This account is linked now: here you are ${nameOf(news.link.person, deps)} to me.`,
        ),
      ];
    case 'adopted': {
      const { ask, link } = news;
      const told = ask
        ? [toClaimant(ask, `I know you now: you are ${nameOf(link.person, deps)} to me.`)]
        : [];
      const markdown = `Whoever runs me says that ${accountText(link)} is yours. If it is not, write \`/unlink ${link.account}\`.`;
      return [...told, ...toPerson(link.person, markdown, deps)];
    }
    case 'declined':
      return news.offers.flatMap(({ claim }) =>
        claim ? [toClaimant(claim, 'The other side did not confirm it, so this account is not linked.')] : [],
      );
    case 'displaced':
      return news.offers.flatMap((offer) => displacedWords(offer, deps));
    case 'unlinked':
      return toPerson(
        news.link.person,
        `${accountText(news.link)} is not yours any more: whoever runs me took it back.`,
        deps,
      );
    case 'asked':
      return [strangerWord(news, deps), ...holderWords(news, deps)];
    case 'admitted':
      return [
        toClaimant(
          news.ask,
          `You were let in as a guest, until ${whenText(news.guest.untilMs)}. Please write again what you wanted.`,
        ),
      ];
    case 'turned-away':
      return [toClaimant(news.ask, 'You were not let in.')];
    default:
      return news satisfies never;
  }
}

function claimedWord({ offer, code }: Extract<LinkNews, { kind: 'claimed' }>): Word {
  return {
    place: offer.place,
    markdown: [
      `**Is this you?** Somebody says that another account is yours, too: ${accountText(offer.claim)}.`,
      `If it is, confirm it here with \`/link confirm ${code}\`, until ${whenText(offer.untilMs)}. From then on it speaks with your word: it asks and decides as you do.`,
      'If it is not, or you are not sure, write `/link refuse`.',
    ].join('\n\n'),
    buttons: [
      { label: 'It is me', says: `/link confirm ${code}` },
      { label: 'It is not me', says: '/link refuse' },
    ],
  };
}

/** Whoever waited for it hears that it is void, and so does whoever had said it of them. */
function displacedWords({ claim, from, person }: Offer, deps: NewsDeps): Word[] {
  if (!claim) return [];
  const proposer = deps.directory.personOf(from);
  const isProposed = proposer?.id !== person;
  const told =
    'Nobody confirmed it before something newer of the same person took its place, so this account is not linked.';
  const again = isProposed ? ' Write to me again, and I tell you a new code.' : '';
  const toProposer =
    proposer && isProposed
      ? toPerson(
          proposer.id,
          `${nameOf(person, deps)} had not confirmed that ${accountText(claim)} is theirs, and something newer of theirs has taken the place of that. The account is told a new code when it writes to me; with that one you can say it again.`,
          deps,
        )
      : [];
  return [toClaimant(claim, `${told}${again}`), ...toProposer];
}

/** The code for them alone, as whoever knows it is taken for them; where others would read it, none. */
function strangerWord(
  { ask, code, wasGuest }: Extract<LinkNews, { kind: 'asked' }>,
  { reach }: Pick<NewsDeps, 'reach'>,
): Word {
  const account = `your account \`${literal(ask.account)}\``;
  const why = wasGuest ? 'Your time as a guest here is over.' : 'I do not know you yet.';
  if (reach.tellsEverybody(ask.place.to.platform)) {
    return {
      place: ask.place,
      markdown: `${why} Please ask whoever runs me to let in ${account}. If I know you by another account, write to me from that one instead.`,
    };
  }
  const markdown = [
    `${why} Please give whoever runs me this code: \`${code}\`. It stands for ${account}, until ${whenText(ask.untilMs)}.`,
    'If I know you by another account, write `/link` to me from that one instead.',
  ].join('\n\n');
  return reach.isPrivate(ask.place.to) ? { place: ask.place, markdown } : toClaimant(ask, markdown);
}

function holderWords({ ask }: Extract<LinkNews, { kind: 'asked' }>, deps: NewsDeps): Word[] {
  const { directory, hasGuests } = deps;
  const holders = new Map(
    [...directory.holders('pair'), ...directory.operators()].map((each) => [each.id, each]),
  );
  const asGuest = { label: 'Let in as a guest', says: `/pair ${ask.id} guest` };
  const refuse = { label: 'Turn away', says: `/pair ${ask.id} refuse` };
  const markdown = [
    `**A stranger wants to talk to me:** ${accountText(ask)}.`,
    `${whoTheyAre(ask, deps)}${hasGuests() ? ` To let them in as a guest: \`${asGuest.says}\`.` : ''} To turn them away for a day: \`${refuse.says}\`.`,
  ].join('\n\n');
  const places = [...holders.values()].flatMap(
    (person) => vouchingPlace(deps, person, conversationWith(person)) ?? [],
  );
  const buttons = hasGuests() ? [asGuest, refuse] : [refuse];
  return places.slice(0, MOST_TOLD).map((place) => ({ place, markdown, buttons }));
}

/** How it is said who a stranger is. */
function whoTheyAre({ account, place }: Claim, { reach }: Pick<NewsDeps, 'reach'>): string {
  return reach.tellsEverybody(place.to.platform)
    ? `I gave them no code, because everybody reads what I write there. If you know who it is, and they told you so themselves, put \`${literal(account)}\` under that person in contacts.yaml.`
    : 'If you know who it is, and they told you the code I gave them: `/pair CODE as PERSON`, with the person of contacts.yaml.';
}

/** To the account itself, and nobody else where that can be. */
function toClaimant({ account, place }: Pick<Claim, 'account' | 'place'>, markdown: string): Word {
  return { place: { ...place, onlyFor: account }, markdown };
}

function toPerson(id: Person['id'], markdown: string, deps: NewsDeps): Word[] {
  const person = deps.directory.find(id);
  const place = person && vouchingPlace(deps, person, conversationWith(person));
  return place ? [{ place, markdown }] : [];
}

/** Not said in any conversation; it has a lane of its own. */
function conversationWith({ id }: Pick<Person, 'id'>): ConversationId {
  return ConversationId.parse(`links:${id}`);
}

function nameOf(id: Person['id'], { directory }: NewsDeps): string {
  return literal(directory.find(id)?.name ?? id);
}

/** `the Discord account discord:9000, which calls itself “Eve”` */
function accountText({ account, name }: { readonly account: AccountId; readonly name: string }): string {
  const itself = name === account ? '' : `, which calls itself “${literal(name)}”`;
  return `the account \`${literal(account)}\` (${channelName(platformOf(account))})${itself}`;
}

function toItem(
  { place, markdown, buttons }: Word,
  id: string,
  correlation: string,
  atMs: number,
): OutboxItem {
  const { to, conversationId, onlyFor } = place;
  const common = { id, correlation, conversationId, to, markdown: upperFirst(markdown), atMs };
  return onlyFor
    ? { ...common, kind: 'notice', onlyFor }
    : { ...common, kind: 'text', ...(buttons ? { buttons: [...buttons] } : {}) };
}

function upperFirst(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
