/** Where a person can be written to, right now: their accounts, in their order, on platforms that run. */

import { MOST_NAMED } from '../domain/approval/copies.ts';
import type { Gateway } from '../domain/gateway.ts';
import type { AccountId, PersonId, Platform } from '../domain/ids.ts';
import { isTerminal, platformOf } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import type { Importance, Person } from '../domain/person.ts';
import type { Directory } from '../identity/directory.ts';

export interface Place {
  readonly account: AccountId;
  readonly to: Address;
  /** What was sent there stays as it is. */
  readonly cannotEdit: boolean;
}

export interface Wish {
  /** Goes before what they prefer. */
  readonly first?: Platform | undefined;
  /** Where something was asked for: the last place, with their name, for whoever has none of their own. */
  readonly askedIn?: Address | undefined;
  /** How much it matters; they may want to be asked elsewhere about it. */
  readonly importance?: Importance | undefined;
}

/** How those who may answer are asked. */
export interface Asking {
  readonly eligible: readonly { readonly person: Person; readonly place: Place | undefined }[];
  readonly shown: { readonly to: Address; readonly named: readonly PersonId[] };
}

export class Reach {
  constructor(
    private readonly directory: Directory,
    private readonly gateways: ReadonlyMap<string, Gateway>,
  ) {}

  /** Best first. Empty when nobody can write to them. */
  placesOf(person: Person, { first, askedIn, importance }: Wish = {}): Place[] {
    const running = new Set(this.gateways.keys());
    const places = this.directory.reach(person, running, first, importance).map((account) => {
      const gateway = this.gateways.get(platformOf(account));
      const own = gateway?.directAddress(account);
      const to = own ?? (askedIn && this.#naming(askedIn, [account]));
      return gateway && to
        ? [{ account, to, cannotEdit: gateway.cannotEdit === true, isOwn: own !== undefined }]
        : [];
    });
    return places
      .flat()
      .toSorted((a, b) => Number(b.isOwn) - Number(a.isOwn))
      .map(({ account, to, cannotEdit }) => ({ account, to, cannotEdit }));
  }

  /** Where these people are asked by themselves, and where everybody is shown it, with the names of the others. */
  placesToAsk(
    people: readonly Person[],
    { first, askedIn, importance }: Wish & { readonly askedIn: Address },
  ): Asking {
    const eligible = people.map((person) => ({
      person,
      place: this.placesOf(person, { first, importance })[0],
    }));
    const byName = eligible
      .filter(({ place }) => place?.to.platform !== askedIn.platform)
      // Those who hear of it nowhere else come first.
      .toSorted((a, b) => Number(a.place !== undefined) - Number(b.place !== undefined))
      .flatMap(({ person }) => {
        const account = person.accounts.find((each) => platformOf(each) === askedIn.platform);
        return account === undefined ? [] : [{ account, person: person.id }];
      })
      .slice(0, MOST_NAMED);
    const accounts = byName.map(({ account }) => account);
    const to = this.#naming(askedIn, accounts);
    return {
      eligible,
      shown: to ? { to, named: byName.map(({ person }) => person) } : { to: askedIn, named: [] },
    };
  }

  /** Where only this person reads what is written to them. */
  privatePlaceOf(person: Person): Place | undefined {
    return this.placesOf(person).find(({ to }) => !this.tellsEverybody(to.platform));
  }

  /**
   * Whether what is said there is read by one person and nobody else. Of a terminal that is so wherever it is asked:
   * another process has it while a gateway does the work.
   */
  isPrivate(place: Address): boolean {
    const gateway = this.gateways.get(place.platform);
    return gateway ? gateway.isPrivate?.(place) === true : isTerminal(place.platform);
  }

  /** Undefined where nobody can be, or has to be, named. */
  #naming(place: Address, accounts: readonly AccountId[]): Address | undefined {
    const here = accounts.filter((account) => platformOf(account) === place.platform);
    return here.length === 0 ? undefined : this.gateways.get(place.platform)?.naming?.(place, here);
  }

  /** Whether a word to one person on this platform is read by others. */
  tellsEverybody(platform: Platform): boolean {
    return this.gateways.get(platform)?.tellsEverybody === true;
  }

  cannotEdit(platform: Platform): boolean {
    return this.gateways.get(platform)?.cannotEdit === true;
  }
}
