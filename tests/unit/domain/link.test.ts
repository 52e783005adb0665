/** The state machine of links, over every order in which people and strangers may act. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AccountId, ConversationId, PersonId, Platform } from '../../../src/domain/ids.ts';
import {
  admit,
  adopt,
  askToPair,
  CODE_MS,
  claim,
  confirm,
  decline,
  EMPTY_LEDGER,
  guestWith,
  isSilenced,
  type LinkLedger,
  type LinkStep,
  MISS_MS,
  MOST_ASKS,
  MOST_MISSES,
  MOST_MISSES_OF_ALL,
  MOST_TRIES,
  mayAskToPair,
  namesOf,
  type Offer,
  offer,
  PAIRING_MS,
  type Place,
  propose,
  REMEMBER_GUEST_MS,
  SILENCE_MS,
  turnAway,
  unlink,
  waiting,
} from '../../../src/domain/link.ts';
import { runs } from '../../support/property-runs.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');
const DANA = PersonId.parse('dana');
const ALEX = PersonId.parse('alex');
const SLACK_DANA = AccountId.parse('slack:T0/U0DANA');
const SLACK_ALEX = AccountId.parse('slack:T0/U0ALEX');
const NEW = AccountId.parse('discord:1');
const OTHER = AccountId.parse('discord:2');
const PLACE: Place = {
  to: { platform: Platform.parse('slack'), route: {} },
  conversationId: ConversationId.parse('c'),
};
const nobody = (_account: AccountId) => false;

/** The code of an offer, and of its confirmation. */
const code = (id: string, which: 'first' | 'second' = 'first') => ({ id, hash: `${which} ${id}` });
const by = (account: AccountId) => ({ account, name: String(account), place: PLACE });

/** Steps one after the other; each sees what those before it left. */
class Play {
  ledger: LinkLedger = EMPTY_LEDGER;
  nowMs = NOW;

  do<Result>(step: (ledger: LinkLedger, nowMs: number) => LinkStep<Result>): Result {
    const { result, next } = step(this.ledger, this.nowMs);
    if (next) {
      expect(next.rev).toBe(this.ledger.rev + 1);
      this.ledger = next;
    }
    return result;
  }

  offer(id = 'AAAA', person = DANA, from = SLACK_DANA) {
    return this.do((ledger, nowMs) => offer(ledger, { ...code(id), person, from, place: PLACE }, nowMs)).code;
  }

  claim(given = code('AAAA'), account = NEW, isOwned = false) {
    const claiming = { given, by: by(account), isOwned, confirmHash: `second ${given.id}` };
    return this.do((ledger, nowMs) => claim(ledger, claiming, nowMs)).code;
  }

  confirm(given = code('AAAA', 'second'), person = DANA, account = SLACK_DANA, isOwned = nobody) {
    return this.do((ledger, nowMs) => confirm(ledger, { given, person, account, isOwned }, nowMs)).code;
  }

  after(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  declined(): this {
    this.do((ledger, nowMs) => decline(ledger, DANA, nowMs));
    return this;
  }

  ask(id = 'ZZZZ', account = NEW) {
    return this.do((ledger, nowMs) => askToPair(ledger, { ...code(id), ...by(account) }, nowMs)).code;
  }

  admit(forMs: number, given: { id: string; hash?: string } = { id: 'ZZZZ' }) {
    const naming = { given, by: { account: SLACK_DANA, person: 'dana' }, forMs };
    return this.do((ledger, nowMs) => admit(ledger, naming, nowMs)).code;
  }

  unlink(account = NEW) {
    return this.do((ledger, nowMs) => unlink(ledger, { account }, nowMs)).code;
  }

  propose(given = code('ZZZZ'), id = 'BBBB', person = ALEX) {
    const wish = { id, hash: `second ${id}`, person, place: PLACE };
    return this.do((ledger, nowMs) =>
      propose(ledger, { given, by: SLACK_DANA, isOwned: nobody, offer: wish }, nowMs),
    ).code;
  }
}

const ownersOf = ({ links }: LinkLedger) => links.map(({ account, person }) => [account, person]);

describe('an account is linked', () => {
  it('once both sides have confirmed it, and not before', () => {
    const play = new Play();

    expect(play.offer()).toBe('OFFERED');
    expect(play.claim()).toBe('CLAIMED');
    expect(ownersOf(play.ledger)).toEqual([]);
    expect(play.confirm()).toBe('LINKED');

    expect(ownersOf(play.ledger)).toEqual([[NEW, DANA]]);
  });

  it.each([
    [
      'by somebody else than was asked',
      (play: Play) => play.confirm(code('AAAA', 'second'), ALEX, SLACK_ALEX),
    ],
    ['by the code that was given away', (play: Play) => play.confirm(code('AAAA'))],
    ['when its time is over', (play: Play) => play.after(CODE_MS).confirm()],
    ['after it was declined', (play: Play) => play.declined().confirm()],
  ])('not if it is confirmed %s', (_, act) => {
    const play = new Play();
    play.offer();
    play.claim();

    expect(act(play)).toBe('MISSED');

    expect(play.ledger.links).toEqual([]);
  });

  it('not if it became somebody’s while the confirmation was on its way', () => {
    const play = new Play();
    play.offer();
    play.claim();
    const wish = { account: NEW, person: ALEX, by: 'dana', isOwned: false };
    expect(play.do((ledger, nowMs) => adopt(ledger, wish, nowMs)).code).toBe('LINKED');

    // Whoever runs the gateway has decided it: what was open about that account is void.
    expect(play.confirm()).toBe('MISSED');
    play.offer('CCCC');
    play.claim(code('CCCC'), OTHER);
    expect(play.confirm(code('CCCC', 'second'), DANA, SLACK_DANA, (account) => account === OTHER)).toBe(
      'TAKEN',
    );
    expect(play.ledger.offers).toEqual([]);

    expect(ownersOf(play.ledger)).toEqual([[NEW, ALEX]]);
  });

  it('to nobody else while it is somebody’s, by a link or by contacts.yaml', () => {
    const play = new Play();
    play.offer();
    play.claim();
    play.confirm();
    play.offer('CCCC', ALEX, SLACK_ALEX);

    expect(play.claim(code('CCCC'), NEW)).toBe('TAKEN');
    expect(play.claim(code('CCCC'), OTHER, true)).toBe('TAKEN');
    expect(play.claim(code('CCCC'), OTHER)).toBe('CLAIMED');
  });

  it('no more once it was taken back by the one it belongs to; nobody else takes it back', () => {
    const play = new Play();
    play.offer();
    play.claim();
    play.confirm();
    const take = (person: PersonId) =>
      play.do((ledger, nowMs) => unlink(ledger, { account: NEW, person }, nowMs)).code;

    expect(take(ALEX)).toBe('NOT_THEIRS');
    expect(take(DANA)).toBe('UNLINKED');
    expect(take(DANA)).toBe('NOT_LINKED');

    expect(play.ledger.links).toEqual([]);
  });
});

describe('a code', () => {
  it('works once', () => {
    const play = new Play();
    play.offer();

    expect(play.claim(code('AAAA'), OTHER)).toBe('CLAIMED');
    expect(play.claim(code('AAAA'), NEW)).toBe('MISSED');
    expect(play.claim(code('AAAA', 'second'), NEW)).toBe('MISSED');
    expect(play.confirm()).toBe('LINKED');
    expect(play.confirm()).toBe('MISSED');

    expect(ownersOf(play.ledger)).toEqual([[OTHER, DANA]]);
  });

  it('is void when its time is over, when there is a newer one, and after five wrong tries', () => {
    const late = new Play();
    late.offer();
    late.nowMs += CODE_MS;
    expect(late.claim()).toBe('MISSED');

    const older = new Play();
    older.offer('AAAA');
    older.offer('CCCC');
    expect(older.claim(code('AAAA'))).toBe('MISSED');

    const guessed = new Play();
    guessed.offer();
    for (let n = 0; n < 5; n++) {
      expect(guessed.claim({ id: 'AAAA', hash: 'a guess' }, AccountId.parse(`discord:9${n}`))).toBe('MISSED');
    }
    expect(guessed.claim()).toBe('MISSED');
  });

  it('is not read any more after too many wrong ones of one account, for an hour', () => {
    const play = new Play();
    for (let n = 0; n < MOST_MISSES; n++) play.claim(code(`X${n}`));
    play.offer();

    expect(play.claim()).toBe('WAIT');
    expect(play.claim(code('AAAA'), OTHER)).toBe('CLAIMED');
    play.nowMs += MISS_MS;
    play.offer();
    expect(play.claim()).toBe('CLAIMED');
  });

  it('is not read any more after too many wrong ones of all together', () => {
    const play = new Play();
    for (let n = 0; n < MOST_MISSES_OF_ALL; n++) play.claim(code('XXXX'), AccountId.parse(`discord:9${n}`));
    play.offer();

    expect(play.claim()).toBe('WAIT');
    expect(play.ledger.misses).toHaveLength(MOST_MISSES_OF_ALL);
  });
});

describe('a stranger', () => {
  it('asks once a day, and so many at a time', () => {
    const play = new Play();
    for (let n = 0; n < MOST_ASKS; n++)
      expect(play.ask(`Z${n}`, AccountId.parse(`discord:9${n}`))).toBe('ASKED');

    expect(play.ask('ZA', AccountId.parse('discord:90'))).toBe('AGAIN');
    expect(play.ask('ZB', OTHER)).toBe('TOO_MANY');
  });

  it.each([
    ['while the person they were said to be has not answered', (_: Play) => 'CLAIMED'],
    [
      'when they were linked, and that was taken back',
      (play: Play) => {
        play.confirm(code('BBBB', 'second'), ALEX, SLACK_ALEX);
        return play.unlink();
      },
    ],
  ])('is given no second code within the day %s', (_, act) => {
    const play = new Play();
    play.ask();
    play.propose();

    act(play);

    expect(mayAskToPair(play.ledger, NEW, play.nowMs)).toBe(false);
    expect(play.ask('YYYY')).toBe('AGAIN');
    play.after(PAIRING_MS);
    expect(mayAskToPair(play.ledger, NEW, play.nowMs)).toBe(true);
    expect(play.ask('YYYY')).toBe('ASKED');
  });

  it('is given no second code within the day as a guest who was put out, but one when their time has ended', () => {
    const [putOut, over] = [new Play(), new Play()];
    putOut.ask();
    putOut.admit(PAIRING_MS);
    over.ask();
    over.admit(1_000);

    expect(putOut.unlink()).toBe('PUT_OUT');
    over.after(1_000);

    expect(putOut.ask('YYYY')).toBe('AGAIN');
    expect(over.ask('YYYY')).toBe('ASKED');
  });

  it('is known for a month as somebody whose time as a guest has ended, and not as one who was put out', () => {
    const asked = (play: Play) => {
      const ask = { ...code('YYYY'), ...by(NEW) };
      return play.do((ledger, nowMs) => askToPair(ledger, ask, nowMs));
    };
    const [never, over, longOver, putOut] = [new Play(), new Play(), new Play(), new Play()];
    for (const play of [over, longOver, putOut]) {
      play.ask();
      play.admit(1_000);
    }
    putOut.unlink();
    // Another change, with which guests whose time is over are forgotten as guests.
    for (const play of [over, longOver]) play.after(1_000).offer();
    putOut.after(PAIRING_MS);
    over.after(REMEMBER_GUEST_MS - 1);
    longOver.after(REMEMBER_GUEST_MS);

    expect(over.ledger.guests).toEqual([]);
    expect(asked(over)).toMatchObject({ code: 'ASKED', wasGuest: true });
    for (const play of [never, longOver, putOut]) {
      expect(asked(play)).toMatchObject({ code: 'ASKED', wasGuest: false });
    }
  });

  it('is given another code where theirs is void and nobody has decided about them', () => {
    const [declined, guessed] = [new Play(), new Play()];
    declined.ask();
    declined.propose(code('ZZZZ'), 'BBBB', DANA);
    guessed.ask();

    declined.declined();
    for (let n = 0; n < MOST_TRIES; n++)
      guessed.do((ledger, nowMs) => {
        const guesser = { account: AccountId.parse(`slack:T0/U${n}`), person: 'dana' };
        return turnAway(ledger, { given: { id: 'ZZZZ', hash: 'a guess' }, by: guesser }, nowMs);
      });

    expect(declined.ask('YYYY')).toBe('ASKED');
    expect(guessed.ask('YYYY')).toBe('ASKED');
  });

  it.each([
    [
      'the person they were said to be wants a code for something else',
      (play: Play) => play.offer('CCCC', ALEX),
    ],
    [
      'another stranger is said to be the same person',
      (play: Play) => {
        play.ask('YYYY', OTHER);
        return play.propose(code('YYYY'), 'CCCC', ALEX);
      },
    ],
    [
      'what the person was to confirm was guessed at too often',
      (play: Play) => {
        for (let n = 0; n < MOST_TRIES; n++) {
          const guess = { id: 'BBBB', hash: 'a guess' };
          play.confirm(guess, ALEX, AccountId.parse(`slack:T0/UA${n}`));
        }
        return play.ledger.offers.length;
      },
    ],
  ])('is given another code when %s', (_, act) => {
    const play = new Play();
    play.ask();
    play.propose();
    expect(mayAskToPair(play.ledger, NEW, play.nowMs)).toBe(false);

    act(play);

    expect(mayAskToPair(play.ledger, NEW, play.nowMs)).toBe(true);
    expect(play.ask('XXXX')).toBe('ASKED');
  });

  it('is given none while they are said to be somebody still, whatever became void before', () => {
    const play = new Play();
    play.ask();
    play.propose();
    play.after(PAIRING_MS - 1);
    play.ledger = { ...play.ledger, told: [] };
    play.ask('YYYY');

    expect(play.propose(code('YYYY'), 'CCCC', ALEX)).toBe('CLAIMED');

    expect(mayAskToPair(play.ledger, NEW, play.nowMs)).toBe(false);
    expect(play.ask('XXXX')).toBe('AGAIN');
  });

  it('becomes the person they are said to be when that person confirms it', () => {
    const play = new Play();
    play.ask();

    expect(play.propose({ id: 'ZZZZ', hash: 'a guess' })).toBe('MISSED');
    expect(play.propose()).toBe('CLAIMED');
    expect(play.ledger.links).toEqual([]);
    expect(play.confirm(code('BBBB', 'second'), ALEX, SLACK_ALEX)).toBe('LINKED');

    expect(ownersOf(play.ledger)).toEqual([[NEW, ALEX]]);
  });

  it('is a guest for the time that was said, and nobody’s account', () => {
    const play = new Play();
    play.ask();
    const naming = { given: { id: 'ZZZZ' }, by: { account: SLACK_DANA, person: 'dana' }, forMs: 1_000 };

    expect(play.do((ledger, nowMs) => admit(ledger, naming, nowMs)).code).toBe('ADMITTED');

    expect(guestWith(play.ledger, NEW, NOW + 999)).toMatchObject({ account: NEW, by: 'dana' });
    expect(guestWith(play.ledger, NEW, NOW + 1_000)).toBeUndefined();
    expect(namesOf(play.ledger, (account) => account === NEW)).toEqual([String(NEW)]);
    expect(namesOf(play.ledger, (account) => account === OTHER)).toEqual([]);
    expect(play.ledger.links).toEqual([]);
  });

  it('waits as long as their code is good, and no longer', () => {
    const play = new Play();
    play.ask();

    expect(waiting(play.ledger, NOW + PAIRING_MS - 1)).toMatchObject([{ id: 'ZZZZ', account: NEW }]);
    expect(waiting(play.ledger, NOW + PAIRING_MS)).toEqual([]);
  });

  it('costs nobody a try who names, by its id, one that waits no more: there is no secret in an id', () => {
    const play = new Play();
    play.ask();
    const naming = { given: { id: 'YYYY' }, by: { account: SLACK_DANA, person: 'dana' } };

    for (let n = 0; n < MOST_TRIES; n++) {
      expect(play.do((ledger, nowMs) => turnAway(ledger, naming, nowMs)).code).toBe('MISSED');
      expect(play.admit(1_000, naming.given)).toBe('MISSED');
    }

    expect(play.admit(1_000)).toBe('ADMITTED');
  });

  it('is not heard for a day once they were turned away', () => {
    const play = new Play();
    play.ask();
    const naming = { given: code('ZZZZ'), by: { account: SLACK_DANA, person: 'dana' } };

    expect(play.do((ledger, nowMs) => turnAway(ledger, naming, nowMs)).code).toBe('TURNED_AWAY');

    expect(play.ask('YYYY')).toBe('SILENCED');
    expect(isSilenced(play.ledger, NEW, NOW + SILENCE_MS - 1)).toBe(true);
    expect(isSilenced(play.ledger, NEW, NOW + SILENCE_MS)).toBe(false);
  });
});

describe('whatever people, strangers and guessers do, in whatever order', () => {
  const accounts = [NEW, OTHER, AccountId.parse('email:e@x.test')];
  const people = [
    { person: DANA, account: SLACK_DANA },
    { person: ALEX, account: SLACK_ALEX },
  ];
  const account = fc.constantFrom(...accounts);
  const someone = fc.constantFrom(...people);
  const id = fc.constantFrom('AAAA', 'BBBB', 'CCCC');
  const hash = fc.constantFrom('first', 'second', 'wrong');
  const command = fc.oneof(
    fc.record({ kind: fc.constant('offer' as const), id, someone }),
    fc.record({ kind: fc.constant('claim' as const), id, hash, account }),
    fc.record({ kind: fc.constant('confirm' as const), id, hash, someone }),
    fc.record({ kind: fc.constant('decline' as const), someone }),
    fc.record({ kind: fc.constant('unlink' as const), account, someone }),
    fc.record({ kind: fc.constant('ask' as const), id, account }),
    fc.record({ kind: fc.constant('propose' as const), id, hash, someone }),
    fc.record({ kind: fc.constant('admit' as const), id, hash }),
    fc.record({ kind: fc.constant('pass' as const), ms: fc.constantFrom(1_000, CODE_MS - 1_000, MISS_MS) }),
  );

  it('no account belongs to two people, no code works twice, nothing is linked unheard, strangers get a code a day, and none is shut out undecided', () => {
    fc.assert(
      fc.property(fc.array(command, { maxLength: 60 }), (commands) => {
        const play = new Play();
        /** Who the account said it was, by the code it gave or the one who proposed it. */
        const heard = new Map<string, { account: AccountId; person: PersonId }>();
        /** Each code is another one, though its id may come again. */
        let made = 0;
        const serial = new Map<string, number>();
        const used = new Set<string>();
        /** When each account was given a code that nothing has made void since, as far as can be told from outside. */
        const asked = new Map<AccountId, number>();
        const given = (each: { id: string; hash: string }) => ({
          id: each.id,
          hash: `${each.hash} ${each.id} ${serial.get(each.id) ?? 0}`,
        });
        /** Linked or let in: what they may do next was somebody's decision. */
        const decided = new Set<AccountId>();
        const freeAll = (gone: readonly Offer[]) => {
          for (const { claim } of gone) if (claim) asked.delete(claim.account);
        };
        const fresh = (of: string, which: string) => {
          serial.set(of, ++made);
          return { id: of, hash: `${which} ${of} ${made}` };
        };
        for (const each of commands) {
          const before = play.ledger;
          switch (each.kind) {
            case 'offer': {
              if (before.offers.some((open) => open.id === each.id)) break;
              const { person, account: from } = each.someone;
              const wish = { ...fresh(each.id, 'first'), person, from, place: PLACE };
              const result = play.do((l, n) => offer(l, wish, n));
              if (result.code === 'OFFERED') freeAll(result.displaced);
              break;
            }
            case 'claim': {
              const code = given(each);
              const confirmHash = `second ${each.id} ${serial.get(each.id) ?? 0}`;
              const claiming = { given: code, by: by(each.account), isOwned: false, confirmHash };
              const result = play.do((l, n) => claim(l, claiming, n));
              if (result.code !== 'CLAIMED') break;
              expect(used).not.toContain(code.hash);
              used.add(code.hash);
              heard.set(confirmHash, { account: each.account, person: result.offer.person });
              break;
            }
            case 'confirm': {
              const { person, account: from } = each.someone;
              const code = given(each);
              const result = play.do((l, n) =>
                confirm(l, { given: code, person, account: from, isOwned: nobody }, n),
              );
              if (result.code === 'MISSED') {
                freeAll(
                  before.offers.filter((open) => play.ledger.offers.every((kept) => kept.id !== open.id)),
                );
              }
              if (result.code !== 'LINKED') break;
              expect(used).not.toContain(code.hash);
              used.add(code.hash);
              expect(heard.get(code.hash)).toEqual({ account: result.link.account, person });
              break;
            }
            case 'decline':
              if (play.do((l, n) => decline(l, each.someone.person, n)).code === 'DECLINED') asked.clear();
              break;
            case 'unlink':
              play.do((l, n) => unlink(l, { account: each.account, person: each.someone.person }, n));
              break;
            case 'ask': {
              if ([...before.asks, ...before.offers].some((open) => open.id === each.id)) break;
              const ask = { ...fresh(each.id, 'first'), ...by(each.account) };
              const { code } = play.do((l, n) => askToPair(l, ask, n));
              expect(code === 'ASKED').toBe(mayAskToPair(before, each.account, play.nowMs));
              if (code !== 'ASKED') break;
              expect(play.nowMs - (asked.get(each.account) ?? 0)).toBeGreaterThanOrEqual(PAIRING_MS);
              asked.set(each.account, play.nowMs);
              break;
            }
            case 'propose': {
              const code = given(each);
              const { person } = each.someone;
              const proposed = `P${made + 1}`;
              const confirming = fresh(proposed, 'second');
              const result = play.do((l, n) =>
                propose(
                  l,
                  {
                    given: code,
                    by: SLACK_DANA,
                    isOwned: nobody,
                    offer: { ...confirming, person, place: PLACE },
                  },
                  n,
                ),
              );
              if (result.code === 'MISSED') asked.clear();
              if (result.code !== 'CLAIMED') break;
              expect(used).not.toContain(code.hash);
              used.add(code.hash);
              freeAll(result.displaced);
              heard.set(confirming.hash, { account: result.offer.claim.account, person });
              // Whoever was asked may confirm it at any time from here on.
              const confirmed = play.do((l, n) =>
                confirm(l, { given: confirming, person, account: SLACK_DANA, isOwned: nobody }, n),
              );
              if (confirmed.code === 'LINKED') used.add(confirming.hash);
              break;
            }
            case 'admit':
              asked.clear(); // their time may be over at once, and too many guesses make a code void
              play.do((l, n) =>
                admit(
                  l,
                  { given: given(each), by: { account: SLACK_DANA, person: 'dana' }, forMs: 1_000 },
                  n,
                ),
              );
              break;
            case 'pass':
              play.nowMs += each.ms;
              break;
            default:
              each satisfies never;
          }
          const { links, guests, asks, offers, told } = play.ledger;
          for (const { account: known } of [...links, ...guests]) decided.add(known);
          const waits = new Set([...asks.map((ask) => ask.account), ...offers.map((o) => o.claim?.account)]);
          for (const { account: shutOut, untilMs } of told) {
            if (play.nowMs < untilMs) expect(waits.has(shutOut) || decided.has(shutOut)).toBe(true);
          }
          const linked = play.ledger.links.map((link) => link.account);
          expect(new Set(linked).size).toBe(linked.length);
          const more = play.ledger.links.length - before.links.length;
          if (more > 0) expect(['confirm', 'propose']).toContain(each.kind);
        }
      }),
      { numRuns: runs(500) },
    );
  });
});
