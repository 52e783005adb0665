/**
 * Who is who: which person an account belongs to, who holds a role, who is there, and where somebody is reached.
 *
 * A view of the configuration, and of the links beside it, as they are at the moment of the question; nothing is
 * remembered across changes. What depends on the time is asked with it, in ms since the epoch.
 *
 * Accounts
 *   L1. What `contacts.yaml` says of an account wins over a link.
 *   L2. A link to somebody who is not in `contacts.yaml` makes its account nobody's, and so does one whose account that
 *       confirmed it is not theirs there any more: whoever goes by that id now may be somebody else.
 *   L3. What is decided in somebody's name is decided by `personNow`, so that a link that is gone counts no more.
 *
 * Roles
 *   R1. Their own roles are looked up at the moment of the question. What groups carry is known while somebody speaks;
 *       it is kept with what they said, and counts for that as long as the role may be held by a group.
 *
 * Absence and duty
 *   1. Whoever is away is not asked; their stand-in is, and speaks with their word (`quorum.ts`: one word, one place).
 *      A stand-in who is away is stood in for in turn.
 *   2. Being away takes no right away: whoever answers all the same is heard.
 *   3. An absence never leaves a request without enough people to ask: then those who are away are asked as well.
 *   4. On call is who is on call at the moment of the question, when it is asked and when it is answered alike.
 */
import type { NamedHours } from '../calendar/calendar.ts';
import type { Hours } from '../calendar/hours.ts';
import type { TimeZone } from '../calendar/time-zone.ts';
import { type Authorizations, mayDo, type Permission } from '../config/authorizations.ts';
import { type Absence, type Contact, toPeople } from '../config/contacts.ts';
import type { Config } from '../config/load-config.ts';
import { delegatorsOf } from '../domain/approval/delegation-chain.ts';
import { type Excluded, excludedFrom, idsOf, type Known } from '../domain/approval/exclusion.ts';
import { type Approval, type ApprovalRequest, approversOf } from '../domain/approval/record.ts';
import type { PeopleNow } from '../domain/approval/validity.ts';
import { AccountId, API_PLATFORM, PersonId, Platform, platformOf } from '../domain/ids.ts';
import { EMPTY_LEDGER, guestWith, isSilenced, type Link, type LinkLedger } from '../domain/link.ts';
import type { Sender } from '../domain/message.ts';
import { guestIdOf, type Importance, type Person, RoleName } from '../domain/person.ts';
import {
  type Approvers,
  type Authority,
  isApprover,
  isQuorum,
  leavesOf,
  type Voter,
} from '../domain/quorum.ts';
import type { Links } from './link-book.ts';

/** How often a word is passed on because the one it was passed to is away, too. */
const LONGEST_CHAIN = 3;
/** How far is looked for somebody who comes on call, so that shifts of minutes are not counted for a year. */
const LOOK_AHEAD_MS = 31 * 24 * 60 * 60_000;

/** Somebody who speaks to the agent, and as what. */
export type Speaker = Pick<Person, 'id' | 'name' | 'roles'>;

/** Who asked for something, as it is on record. */
export type Asked = Pick<ApprovalRequest, 'requester' | 'accounts' | 'roles'>;

/** An account whose link says something else than `contacts.yaml`, which wins. */
export interface Disputed {
  readonly account: AccountId;
  readonly linked: PersonId;
  readonly owner: PersonId;
}

/** From when until when somebody may say yes, and from where; absent: from anywhere. */
interface Span {
  readonly nowMs: number;
  readonly untilMs: number;
  readonly from?: readonly Platform[] | undefined;
}

const UNLINKED: Links = { snapshot: () => EMPTY_LEDGER, now: async () => EMPTY_LEDGER };

export class Directory {
  #latest: { config: Config; links: LinkLedger; view: View } | undefined;

  constructor(
    private readonly config: () => Config,
    private readonly links: Links = UNLINKED,
  ) {}

  // ── Accounts ───────────────────────────────────────────────────────────────────────────────────────────────

  /** The person an account belongs to; undefined for a stranger. A link may be gone by now: see `personNow`. */
  personOf(account: AccountId): Person | undefined {
    return this.#view().byAccount.get(account);
  }

  /**
   * The person an account belongs to at this moment, for whatever is decided in their name. Asks the store unless
   * `contacts.yaml` says whose it is.
   *
   * @throws when the store is away
   */
  async personNow(account: AccountId): Promise<Person | undefined> {
    if (!this.isConfigured(account)) await this.links.now();
    return this.personOf(account);
  }

  /**
   * As whom somebody speaks to the agent now, with the roles they have where they act: as a person, as a guest who was
   * let in, or as one of all those who are answered. Undefined for whoever is nobody here, or cannot prove who they are.
   */
  speakerOf({ account, displayName, groups, authenticated }: Sender, nowMs: number): Speaker | undefined {
    if (!authenticated) return undefined;
    const person = this.personOf(account);
    const known = person ?? this.#guestWith(account, displayName, nowMs);
    return known && { id: known.id, name: known.name, roles: this.rolesOf(known, groups) };
  }

  /** The same, as it stands in the store at this moment; see `personNow`. */
  async speakerNow(sender: Sender, nowMs: number): Promise<Speaker | undefined> {
    if (sender.authenticated) await this.personNow(sender.account);
    return this.speakerOf(sender, nowMs);
  }

  /** Whether a stranger was turned away, and is not heard for a while. */
  isSilenced(account: AccountId, nowMs: number): boolean {
    return isSilenced(this.links.snapshot(), account, nowMs);
  }

  /** Whether `contacts.yaml` says whose it is. */
  isConfigured(account: AccountId): boolean {
    return this.#view().configured.has(account);
  }

  /** Accounts on a platform of everybody we know. */
  accountsOn(platform: Platform): AccountId[] {
    return this.#view()
      .people.flatMap(({ accounts }) => accounts)
      .filter((account) => platformOf(account) === platform);
  }

  /** Everybody. */
  people(): readonly Person[] {
    return this.#view().people;
  }

  /** Links that `contacts.yaml` contradicts. */
  disputed(): Disputed[] {
    const { configured } = this.#view();
    return this.links.snapshot().links.flatMap(({ account, person }) => {
      const owner = configured.get(account);
      return owner === undefined || owner === person ? [] : [{ account, linked: person, owner }];
    });
  }

  find(id: PersonId): Person | undefined {
    return this.#view().byId.get(id);
  }

  // ── Who may answer ─────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Somebody's word as it stands now, with the words of those who are away and named them; `roles` are those they act
   * in. Whoever may not approve has no word of their own.
   */
  voterOf(person: Pick<Person, 'id' | 'roles'>, nowMs: number): Voter {
    return this.#voterOf(person, this.#momentAt(nowMs));
  }

  /** Whether this person, with the roles they act in, is one of those who may answer now. */
  mayDecide(
    person: Pick<Person, 'id' | 'roles'>,
    approvers: Approvers,
    excluded: Excluded,
    nowMs: number,
  ): boolean {
    const voter = this.#heardOf(this.voterOf(person, nowMs), excluded);
    return voter !== undefined && isApprover(approvers, voter);
  }

  /** The words of those who let somebody decide this one request, as they are now; none for whoever may not decide. */
  wordsPassedTo(id: PersonId, approval: Pick<Approval, 'delegations'>, nowMs: number): Authority[] {
    const givers = delegatorsOf(approval, id);
    if (givers.length === 0 || !this.mayBePassed(id)) return [];
    const moment = this.#momentAt(nowMs);
    return givers.flatMap((giver): Authority[] => {
      const person = this.find(giver);
      if (!person) return [];
      const lent = (approval.delegations ?? []).flatMap(({ from, roles = [] }) =>
        from === giver ? roles : [],
      );
      const roles = this.withLent(person.roles, lent);
      return this.may(roles, 'approve')
        ? [
            {
              ...authorityOf({ id: giver, name: person.name, roles }, person.accounts, moment),
              way: 'delegation',
            },
          ]
        : [];
    });
  }

  /** Whether somebody may decide in the place of another: by their own roles, for what a group carries is not known now. */
  mayBePassed(id: PersonId): boolean {
    return this.may(this.find(id)?.roles ?? [], 'approve');
  }

  /** Who is who now, for what was said before. */
  peopleNow(): PeopleNow {
    return {
      find: (id, lent) => {
        const person = this.find(id);
        if (!person) return undefined;
        const roles = this.withLent(person.roles, lent);
        return { accounts: person.accounts, roles, permitted: this.may(roles, 'approve') };
      },
      ownerOf: (account) => this.personOf(account)?.id,
      isProgramOf: (account, person) => this.#isProgramOf(account, person),
    };
  }

  /** Whether it is a client of the API that may record what they say. */
  #isProgramOf(account: AccountId, person: PersonId): boolean {
    if (platformOf(account) !== API_PLATFORM) return false;
    const { clients } = this.config().settings.api;
    const client = account.slice(API_PLATFORM.length + 1);
    const spokenFor = Object.hasOwn(clients, client) ? clients[client]?.answers_for : undefined;
    return spokenFor === 'everybody' || spokenFor?.includes(person) === true;
  }

  /**
   * Everybody whose word could count until then; the excluded ones left out. Whoever comes on call in that time is
   * among them, so that a gap in a schedule is not taken for nobody.
   *
   * @param span.from where their yes has to come from, so that they need an account there; absent: from anywhere
   */
  votersFor(
    approvers: Approvers,
    excluded: Excluded,
    nowMs: number,
    {
      untilMs = nowMs,
      from,
    }: { readonly untilMs?: number; readonly from?: readonly Platform[] | undefined } = {},
  ): Voter[] {
    return this.#votersFor(approvers, excluded, { nowMs, untilMs, from }, () => []);
  }

  /**
   * Everybody who could still say yes to a request, each with the words that were passed to them; undefined when
   * nobody can tell, because some of them are known to their platform only.
   */
  votersOn(approval: Approval, nowMs: number): Voter[] | undefined {
    const approvers = approversOf(approval);
    if (this.isGranted(approvers)) return undefined;
    const span = { nowMs, untilMs: approval.deadlineMs, from: approval.policy.approveFrom };
    return this.#votersFor(approvers, excludedFrom(approval), span, (id) =>
      this.wordsPassedTo(id, approval, nowMs),
    );
  }

  /** Everybody who is asked now: those who are there, and who stands in for those who are not. */
  approversOf(approvers: Approvers, excluded: Excluded, nowMs: number): Person[] {
    const moment = this.#momentAt(nowMs);
    const able = this.#view().people.filter(
      (person) =>
        !excluded(knownAs(person)) &&
        this.may(person.roles, 'approve') &&
        isApprover(approvers, authorityOf(person, person.accounts, moment)),
    );
    const away = able.filter(({ id }) => this.absentAt(id, nowMs));
    const standIns = away
      .flatMap(({ id }) => this.standInOf(id, nowMs) ?? [])
      .filter((person) => !excluded(knownAs(person)));
    const there = unique([...able.filter((person) => !away.includes(person)), ...standIns]);
    const everybody = unique([...there, ...away]);
    const areEnough = (people: readonly Person[]) =>
      isQuorum(
        approvers,
        people.flatMap((person) => this.#heardOf(this.#voterOf(person, moment), excluded) ?? []),
      );
    return !areEnough(there) && areEnough(everybody) ? everybody : there;
  }

  /** When others come to be asked: a shift or an absence begins or ends. Undefined if none does. */
  nextChange(approvers: Approvers, nowMs: number): number | undefined {
    const { calendar } = this.config();
    const named = schedulesIn(approvers);
    const shifts = named.map((name) => calendar.scheduleNamed(name)?.nextChange(nowMs));
    const edges = [...this.#view().times.entries()]
      .filter(([id]) => this.#couldDecide(id, approvers))
      .flatMap(([id]) => [id, ...this.#standInsOf(id)])
      .flatMap((id) => this.#edgesOf(id));
    const later = [...shifts, ...edges].flatMap((ms) => (ms !== undefined && ms > nowMs ? [ms] : []));
    return later.length === 0 ? undefined : Math.min(...later);
  }

  // ── Who is there ───────────────────────────────────────────────────────────────────────────────────────────

  absentAt(id: PersonId, nowMs: number): boolean {
    return this.#absenceAt(id, nowMs) !== undefined;
  }

  /** When somebody who is away is back; undefined if they are there. */
  absentUntil(id: PersonId, nowMs: number): number | undefined {
    const absence = this.#absenceAt(id, nowMs);
    return absence && this.#view().times.get(id)?.zone?.instantOf(absence.to);
  }

  /** When somebody, or whoever stands in for them, goes or comes back next; undefined when nobody does. */
  presenceChangeOf(id: PersonId, nowMs: number): number | undefined {
    const edges = this.#standInsOf(id).flatMap((each) => this.#edgesOf(each));
    const later = edges.filter((ms) => ms > nowMs);
    return later.length === 0 ? undefined : Math.min(...later);
  }

  /** Who is asked in the place of somebody who is away; undefined if they are not, or nobody is. */
  standInOf(id: PersonId, nowMs: number): Person | undefined {
    const chain = this.#chainFrom(id, nowMs);
    const last = chain.at(-1);
    return last === undefined || this.absentAt(last, nowMs) ? undefined : this.find(last);
  }

  /** When somebody works; undefined if nothing is said. */
  hoursOf(id: PersonId): NamedHours | undefined {
    return this.#view().times.get(id)?.hours;
  }

  /** Whether somebody wants to be left alone now. */
  quietAt(id: PersonId, nowMs: number): boolean {
    return this.#view().times.get(id)?.quiet?.isOpen(nowMs) ?? false;
  }

  /** When it is quiet no more; undefined if it is not now, or never ends. */
  quietUntil(id: PersonId, nowMs: number): number | undefined {
    const quiet = this.#view().times.get(id)?.quiet;
    return quiet?.isOpen(nowMs) ? quiet.nextClosing(nowMs) : undefined;
  }

  /** Where somebody wants to be asked about what matters so much, best first. */
  channelsOf(
    { reach, prefers }: Pick<Person, 'reach' | 'prefers'>,
    importance: Importance,
  ): readonly Platform[] {
    return reach?.[importance] ?? prefers;
  }

  /** Who is on call by a schedule; undefined if nobody is, or there is no such schedule. */
  onCallAt(schedule: string, nowMs: number): Person | undefined {
    const onCall = this.config().calendar.scheduleNamed(schedule)?.onCallAt(nowMs);
    return onCall && this.find(onCall.person);
  }

  // ── Roles and permissions ──────────────────────────────────────────────────────────────────────────────────

  /** Everybody who runs the gateway. */
  operators(): Person[] {
    return this.holders('operate');
  }

  /** Everybody one of whose own roles carries a permission. */
  holders(permission: Permission): Person[] {
    return this.#view().people.filter(({ roles }) => this.may(roles, permission));
  }

  /** Everybody who holds a role themselves. */
  withRole(role: string): Person[] {
    return this.#view().people.filter(({ roles }) => roles.some((each) => each === role));
  }

  /** Whether there is, or may be by a group, somebody with a permission; `except` one person. */
  isHeld(permission: Permission, except?: PersonId): boolean {
    return this.holders(permission).some(({ id }) => id !== except) || this.#isOfGroups(permission);
  }

  /** Whether somebody has a permission, or may have it by a group; which ones they are in is known while they act. */
  mayHold(id: PersonId, permission: Permission): boolean {
    return this.may(this.find(id)?.roles ?? [], permission) || this.#isOfGroups(permission);
  }

  /** The roles of somebody who acts now: their own, and those that groups of the platform they act on carry. */
  rolesOf({ roles }: Pick<Person, 'roles'>, groups: readonly string[] = []): RoleName[] {
    const granted = Object.entries(this.#authorizations().roles)
      .filter(([, { granted_by }]) => granted_by?.some((group) => groups.includes(group)))
      .map(([role]) => RoleName.parse(role));
    return [...new Set([...roles, ...granted])];
  }

  /** Of the roles somebody acts in, those that are not their own; to be kept with what they say. */
  lentRoles(id: PersonId, roles: readonly string[]): string[] {
    const own: readonly string[] = this.find(id)?.roles ?? [];
    return roles.filter((role) => !own.includes(role));
  }

  /** Roles, and those that a group carried when something was said, if one still may. */
  withLent(roles: readonly string[], lent: readonly string[]): string[] {
    const { roles: defined } = this.#authorizations();
    return [...new Set([...roles, ...lent.filter((role) => defined[role]?.granted_by !== undefined)])];
  }

  /** The roles of whoever asked for something, now: their own, those of a guest, and what a group carried then. */
  rolesOfRequester({ requester, accounts = [], roles = [] }: Asked): string[] {
    const { guest_role } = this.#authorizations();
    const isGuest = accounts.some((account) => guestIdOf(account) === requester);
    const own = this.find(requester)?.roles ?? [];
    return this.withLent(isGuest && guest_role !== undefined ? [...own, guest_role] : own, roles);
  }

  /**
   * Whether the agent may still act for whoever asked: they are somebody here, and one of their roles may ask.
   *
   * @throws when the store is away
   */
  async mayGoOn(asked: Asked, nowMs: number): Promise<boolean> {
    const { requester, accounts = [] } = asked;
    if (!this.may(this.rolesOfRequester(asked), 'ask')) return false;
    if (this.find(requester)) return true;
    await this.links.now();
    return accounts.some(
      (account) =>
        guestIdOf(account) === requester &&
        (this.personOf(account) ?? this.#guestWith(account, '', nowMs)) !== undefined,
    );
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

  /** What trust in somebody's words rests on: whether they are in the contacts, and whether their roles run the place. */
  standingOf(
    person: PersonId,
    roles: readonly string[],
  ): { readonly isKnown: boolean; readonly isOwner: boolean } {
    const isOwner = this.may(roles, 'config.change') || this.may(roles, 'operate');
    return { isKnown: this.find(person) !== undefined, isOwner };
  }

  /** Accounts to reach somebody on, best first, of the platforms that are running. */
  reach(
    person: Person,
    running: ReadonlySet<string>,
    first?: Platform,
    importance: Importance = 'normal',
  ): AccountId[] {
    const channels = this.channelsOf(person, importance);
    const rank = (account: AccountId): number => {
      const platform = platformOf(account);
      if (platform === first) return -1;
      const preference = channels.indexOf(platform);
      return preference === -1 ? channels.length : preference;
    };
    return person.accounts
      .filter((account) => running.has(platformOf(account)))
      .toSorted((a, b) => rank(a) - rank(b));
  }

  /** Every id somebody may go by, their own first. */
  idsOf(id: PersonId): PersonId[] {
    return idsOf({ person: id, accounts: this.find(id)?.accounts });
  }

  #votersFor(
    approvers: Approvers,
    excluded: Excluded,
    { nowMs, untilMs, from }: Span,
    passedTo: (id: PersonId) => readonly Authority[],
  ): Voter[] {
    const duties = this.#dutiesUntil(approvers, nowMs, untilMs);
    const moment = { ...this.#momentAt(nowMs), duties };
    return this.#view().people.flatMap((person) => {
      if (from && !person.accounts.some((account) => from.includes(platformOf(account)))) return [];
      const { standsFor = [], ...own } = this.#voterOf(person, moment);
      const words = [...standsFor, ...passedTo(person.id)];
      const voter = this.#heardOf({ ...own, standsFor: words }, excluded);
      return voter && isApprover(approvers, voter) ? [voter] : [];
    });
  }

  /** Somebody's word without those of people who have no say; undefined for whoever has no say, or no word at all. */
  #heardOf(voter: Voter, excluded: Excluded): Voter | undefined {
    if (excluded(voter)) return undefined;
    const standsFor = (voter.standsFor ?? []).filter((each) => !excluded(each));
    if (!this.may(voter.roles, 'approve') && standsFor.length === 0) return undefined;
    return { ...voter, standsFor };
  }

  // ── Absence and duty ───────────────────────────────────────────────────────────────────────────────────────

  #voterOf({ id, roles }: Pick<Person, 'id' | 'roles'>, moment: Moment): Voter {
    const standsFor = (moment.awayFor.get(id) ?? []).map((person) => ({
      ...authorityOf(person, person.accounts, moment),
      way: 'absence' as const,
    }));
    const accounts = this.find(id)?.accounts ?? [];
    const own = this.may(roles, 'approve')
      ? authorityOf({ id, roles }, accounts, moment)
      : { person: id, roles: [], accounts, mute: true as const };
    return { ...own, ...(standsFor.length > 0 ? { standsFor } : {}) };
  }

  #momentAt(nowMs: number): Moment {
    const { calendar } = this.config();
    const duties = new Map<PersonId, string[]>();
    for (const name of calendar.names.schedules.keys()) {
      const person = calendar.scheduleNamed(name)?.onCallAt(nowMs)?.person;
      if (person) note(duties, person, name);
    }
    const awayFor = new Map<PersonId, Person[]>();
    for (const person of this.#view().people) {
      if (!this.may(person.roles, 'approve')) continue;
      for (const standIn of this.#chainFrom(person.id, nowMs)) note(awayFor, standIn, person);
    }
    return { duties, awayFor };
  }

  /** Of the schedules that are named, everybody who is on call at some time until then. */
  #dutiesUntil(approvers: Approvers, nowMs: number, untilMs: number): Duties {
    const { calendar } = this.config();
    const duties = new Map<PersonId, string[]>();
    const horizon = Math.min(Math.max(untilMs, nowMs + 1), nowMs + LOOK_AHEAD_MS);
    for (const name of schedulesIn(approvers)) {
      const shifts = calendar.scheduleNamed(name)?.shiftsBetween(nowMs, horizon) ?? [];
      for (const { person } of shifts) note(duties, person, name);
    }
    return duties;
  }

  #absenceAt(id: PersonId, nowMs: number): Absence | undefined {
    const { zone, absences = [] } = this.#view().times.get(id) ?? {};
    if (!zone || absences.length === 0) return undefined;
    const wall = zone.wallAt(nowMs);
    return absences.find(({ from, to }) => from <= wall && wall < to);
  }

  /** Those who stand in for somebody who is away, nearest first; the last one is there, or nobody is. */
  #chainFrom(id: PersonId, nowMs: number): PersonId[] {
    const chain: PersonId[] = [];
    let next = this.#absenceAt(id, nowMs)?.stand_in;
    while (next !== undefined && next !== id && !chain.includes(next) && chain.length < LONGEST_CHAIN) {
      chain.push(next);
      next = this.#absenceAt(next, nowMs)?.stand_in;
    }
    return chain;
  }

  /** Everybody named in any absence of somebody, through others as well. */
  #standInsOf(id: PersonId): PersonId[] {
    const found = new Set<PersonId>([id]);
    for (const each of found) {
      for (const { stand_in } of this.#view().times.get(each)?.absences ?? []) {
        if (stand_in !== undefined) found.add(stand_in);
      }
    }
    return [...found];
  }

  #edgesOf(id: PersonId): number[] {
    const { zone, absences = [] } = this.#view().times.get(id) ?? {};
    if (!zone) return [];
    return absences.flatMap(({ from, to }) => [zone.instantOf(from), zone.instantOf(to)]);
  }

  /** Whether there is a time at which this person may answer. */
  #couldDecide(id: PersonId, approvers: Approvers): boolean {
    const person = this.find(id);
    if (!person || !this.may(person.roles, 'approve')) return false;
    return isApprover(approvers, { person: id, roles: person.roles, onCall: schedulesIn(approvers) });
  }

  /** Whether some group of a platform carries a role with a permission. */
  #isOfGroups(permission: Permission): boolean {
    return Object.entries(this.#authorizations().roles).some(
      ([role, { granted_by }]) => granted_by !== undefined && this.may([role], permission),
    );
  }

  #guestWith(account: AccountId, displayName: string, nowMs: number): Speaker | undefined {
    const { unknown_senders, guest_role } = this.#authorizations();
    if (guest_role === undefined) return undefined;
    const isLetIn = guestWith(this.links.snapshot(), account, nowMs) !== undefined;
    if (!isLetIn && unknown_senders !== 'answer') return undefined;
    // Anybody can give themselves the name of somebody else; the account is what the platform vouches for.
    const name = `${displayName} (${isLetIn ? 'guest' : 'unknown'}, ${account})`;
    return { id: guestIdOf(account), name, roles: [guest_role] };
  }

  #authorizations(): Authorizations {
    return this.config().authorizations;
  }

  #view(): View {
    const config = this.config();
    const links = this.links.snapshot();
    if (this.#latest?.config === config && this.#latest.links === links) return this.#latest.view;
    const view = toView(config, links);
    this.#latest = { config, links, view };
    return view;
  }
}

/** Schedules by whom they name. */
type Duties = ReadonlyMap<PersonId, readonly string[]>;

/** What the time says: who is on call, and whose word stand-ins have. */
interface Moment {
  readonly duties: Duties;
  readonly awayFor: ReadonlyMap<PersonId, readonly Person[]>;
}

/** Where somebody's clock hangs, and what it means for them. */
interface Times {
  readonly zone: TimeZone | undefined;
  readonly absences: readonly Absence[];
  readonly quiet: Hours | undefined;
  readonly hours: NamedHours | undefined;
}

interface View {
  readonly people: readonly Person[];
  readonly byId: ReadonlyMap<PersonId, Person>;
  readonly byAccount: ReadonlyMap<AccountId, Person>;
  /** Of `contacts.yaml` alone. */
  readonly configured: ReadonlyMap<AccountId, PersonId>;
  readonly times: ReadonlyMap<PersonId, Times>;
}

function toView(config: Config, { links }: LinkLedger): View {
  const written = toPeople(config.contacts);
  const configured = new Map(
    written.flatMap(({ id, accounts }) => accounts.map((account) => [account, id] as const)),
  );
  const linked = new Map<PersonId, AccountId[]>();
  for (const link of links) {
    if (!configured.has(link.account) && isVouchedFor(link, configured)) {
      note(linked, link.person, link.account);
    }
  }
  const people = written.map((person) => {
    const more = linked.get(person.id);
    return more ? { ...person, accounts: [...person.accounts, ...more] } : person;
  });
  const contacts = Object.entries(config.contacts.people);
  return {
    people,
    byId: new Map(people.map((person) => [person.id, person])),
    configured,
    byAccount: new Map(
      people.flatMap((person) => person.accounts.map((account) => [account, person] as const)),
    ),
    times: new Map(contacts.map(([id, contact]) => [PersonId.parse(id), toTimes(contact, config)])),
  };
}

/** By an account that is still theirs, or by whoever ran the gateway. */
function isVouchedFor({ person, confirmedBy }: Link, configured: ReadonlyMap<AccountId, PersonId>): boolean {
  const voucher = AccountId.safeParse(confirmedBy);
  return !voucher.success || configured.get(voucher.data) === person;
}

function toTimes(contact: Contact, { calendar }: Config): Times {
  const hours = contact.working_hours === undefined ? undefined : calendar.hoursNamed(contact.working_hours);
  const zone = contact.time_zone ?? hours?.zone;
  const days = contact.quiet_hours;
  return {
    zone: zone === undefined ? undefined : calendar.zone(zone),
    absences: contact.absences ?? [],
    quiet: zone === undefined || days === undefined ? undefined : calendar.hours({ time_zone: zone, days }),
    hours,
  };
}

function schedulesIn(approvers: Approvers): string[] {
  return [...new Set(leavesOf(approvers).flatMap((leaf) => ('onCall' in leaf ? [leaf.onCall] : [])))];
}

function authorityOf(
  { id, name, roles }: Pick<Person, 'id' | 'roles'> & Partial<Pick<Person, 'name'>>,
  accounts: readonly AccountId[],
  { duties }: Pick<Moment, 'duties'>,
): Authority {
  const onCall = duties.get(id);
  return {
    person: id,
    ...(name === undefined ? {} : { name }),
    roles,
    accounts,
    ...(onCall ? { onCall } : {}),
  };
}

/** Somebody with every account of theirs. */
function knownAs({ id, accounts }: Pick<Person, 'id' | 'accounts'>): Known {
  return { person: id, accounts };
}

function note<Key, Value>(lists: Map<Key, Value[]>, key: Key, value: Value): void {
  const noted = lists.get(key) ?? [];
  if (!noted.includes(value)) lists.set(key, [...noted, value]);
}

function unique(people: readonly Person[]): Person[] {
  return [...new Map(people.map((person) => [person.id, person])).values()];
}

/** The terminal's account as a platform account. */
export const CLI_PLATFORM = Platform.parse('cli');
