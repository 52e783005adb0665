/** Where a person can be written to directly, right now: their accounts, in their order, on platforms that run. */
import type { Gateway } from '../domain/gateway.ts';
import type { AccountId, Platform } from '../domain/ids.ts';
import { platformOf } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import type { Person } from '../domain/person.ts';
import type { Directory } from '../identity/directory.ts';

export interface Place {
  readonly account: AccountId;
  readonly to: Address;
  /** What was sent there stays as it is. */
  readonly cannotEdit: boolean;
}

export class Reach {
  constructor(
    private readonly directory: Directory,
    private readonly gateways: ReadonlyMap<string, Gateway>,
  ) {}

  /** Best first; `first` goes before what they prefer. Empty when nobody can write to them. */
  placesOf(person: Person, first?: Platform): Place[] {
    const running = new Set(this.gateways.keys());
    return this.directory.reach(person, running, first).flatMap((account) => {
      const gateway = this.gateways.get(platformOf(account));
      const to = gateway?.directAddress(account);
      return gateway && to ? [{ account, to, cannotEdit: gateway.cannotEdit === true }] : [];
    });
  }

  /** Whether a word to one person on this platform is read by others. */
  tellsEverybody(platform: Platform): boolean {
    return this.gateways.get(platform)?.tellsEverybody === true;
  }

  cannotEdit(platform: Platform): boolean {
    return this.gateways.get(platform)?.cannotEdit === true;
  }
}
