/**
 * Who is who: which person an account belongs to, who holds a role, and where somebody is reached.
 *
 * A view of the configuration as it is at the moment of the question; nothing is remembered across changes.
 */
import { type Authorizations, mayDo, type Permission } from '../config/authorizations.ts';
import { toPeople } from '../config/contacts.ts';
import type { Config } from '../config/load-config.ts';
import { type AccountId, type PersonId, Platform, platformOf } from '../domain/ids.ts';
import { type Person, RoleName } from '../domain/person.ts';
import { type Approvers, isApprover, leavesOf } from '../domain/quorum.ts';

export class Directory {
  readonly #views = new WeakMap<Config, View>();

  constructor(private readonly config: () => Config) {}

  /** The person an account belongs to; undefined for a stranger. */
  personOf(account: AccountId): Person | undefined {
    return this.#view().byAccount.get(account);
  }

  find(id: PersonId): Person | undefined {
    return this.#view().byId.get(id);
  }

  /** Everybody who may answer, now; the excluded ones left out. */
  approversOf(approvers: Approvers, excluded: ReadonlySet<PersonId>): Person[] {
    return this.#view().people.filter((person) => this.mayDecide(person, approvers, excluded));
  }

  /** Everybody who runs the gateway. */
  operators(): Person[] {
    return this.holders('operate');
  }

  /** Everybody one of whose own roles carries a permission. */
  holders(permission: Permission): Person[] {
    return this.#view().people.filter(({ roles }) => this.may(roles, permission));
  }

  /** Whether there is, or may be by a group, somebody with a permission; `except` one person. */
  isHeld(permission: Permission, except?: PersonId): boolean {
    const isGroupRole = ([role, { granted_by }]: [string, { granted_by?: unknown }]) =>
      granted_by !== undefined && this.may([role], permission);
    return (
      this.holders(permission).some(({ id }) => id !== except) ||
      Object.entries(this.#authorizations().roles).some(isGroupRole)
    );
  }

  /** The roles of somebody who acts now: their own, and those that groups of the platform they act on carry. */
  rolesOf({ roles }: Pick<Person, 'roles'>, groups: readonly string[] = []): RoleName[] {
    const granted = Object.entries(this.#authorizations().roles)
      .filter(([, { granted_by }]) => granted_by?.some((group) => groups.includes(group)))
      .map(([role]) => RoleName.parse(role));
    return [...new Set([...roles, ...granted])];
  }

  /** Whether this person, with the roles they act in, is one of those who may answer. */
  mayDecide(
    { id, roles }: Pick<Person, 'id' | 'roles'>,
    approvers: Approvers,
    excluded: ReadonlySet<PersonId>,
  ): boolean {
    return !excluded.has(id) && this.may(roles, 'approve') && isApprover(approvers, { person: id, roles });
  }

  /** Whether somebody may hold one of the roles by a group, so that who could answer is not known before they do. */
  isGranted(approvers: Approvers): boolean {
    return leavesOf(approvers).some((leaf) => {
      const role = 'role' in leaf ? this.#authorizations().roles[leaf.role] : undefined;
      return role?.granted_by !== undefined && role.permissions.includes('approve');
    });
  }

  /** Whether one of these roles carries a permission, as the configuration stands. */
  may(roles: readonly string[], permission: Permission): boolean {
    return mayDo(this.#authorizations(), roles, permission);
  }

  /** Accounts to reach somebody on, best first, of the platforms that are running. */
  reach(person: Person, running: ReadonlySet<string>, first?: Platform): AccountId[] {
    const rank = (account: AccountId): number => {
      const platform = platformOf(account);
      if (platform === first) return -1;
      const preference = person.prefers.indexOf(platform);
      return preference === -1 ? person.prefers.length : preference;
    };
    return person.accounts
      .filter((account) => running.has(platformOf(account)))
      .toSorted((a, b) => rank(a) - rank(b));
  }

  #authorizations(): Authorizations {
    return this.config().authorizations;
  }

  #view(): View {
    const config = this.config();
    const known = this.#views.get(config);
    if (known) return known;
    const view = toView(config);
    this.#views.set(config, view);
    return view;
  }
}

interface View {
  readonly people: readonly Person[];
  readonly byId: ReadonlyMap<PersonId, Person>;
  readonly byAccount: ReadonlyMap<AccountId, Person>;
}

function toView(config: Config): View {
  const people = toPeople(config.contacts);
  return {
    people,
    byId: new Map(people.map((person) => [person.id, person])),
    byAccount: new Map(
      people.flatMap((person) => person.accounts.map((account) => [account, person] as const)),
    ),
  };
}

/** The terminal's account as a platform account. */
export const CLI_PLATFORM = Platform.parse('cli');
