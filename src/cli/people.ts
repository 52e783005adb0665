/** `signalbox people …`: whose account is whose, guests, and strangers who wait to be let in. */
import { randomUUID } from 'node:crypto';
import { visible } from '../approvals/sentences.ts';
import { LONGEST_STAY } from '../config/authorizations.ts';
import { toAccountId, wantedInstead } from '../config/contacts.ts';
import { duration } from '../config/duration.ts';
import { didYouMean } from '../config/schema-check.ts';
import { StartupError } from '../domain/errors.ts';
import { type AccountId, PersonId } from '../domain/ids.ts';
import { waiting } from '../domain/link.ts';
import type { Person } from '../domain/person.ts';
import { CLI_PLATFORM } from '../identity/directory.ts';
import { readCode, readNamed } from '../identity/link-code.ts';
import type { Known } from '../identity/link-desk.ts';
import { type Actor, actorOf, auditName, demand, NotPermittedError } from './actor.ts';
import { relative, table } from './table.ts';
import { type StoreSession, withStores } from './with-stores.ts';

export interface PeopleOptions {
  readonly config: string;
  readonly json: boolean;
}

const STAY = duration({ min: '1h', max: LONGEST_STAY });
const ACCOUNT = /^([a-z][a-z0-9-]*):(.{1,280})$/;

// ── The commands ─────────────────────────────────────────────────────────────────────────────────────────────────────

export async function listPeople(options: PeopleOptions): Promise<number> {
  return withActor(options, async (session, actor) => {
    if (!session.linkDesk.mayPair(actor.person.roles)) {
      demand(session.directory, actor, 'operate', 'see whose account is whose');
    }
    const ledger = await session.links.now();
    const { links, guests } = ledger;
    const people = session.directory.people();
    const disputed = session.directory.disputed();
    const nowMs = Date.now();
    const strangers = waiting(ledger, nowMs);
    const here = guests.filter(({ untilMs }) => nowMs < untilMs);
    if (options.json) {
      // What is kept of a code stays out of it.
      const shown = strangers.map(({ id, account, name, untilMs }) => ({ id, account, name, untilMs }));
      return print(JSON.stringify({ people, links, guests: here, strangers: shown, disputed }, undefined, 2));
    }
    const linkOf = (account: AccountId) => links.find((link) => link.account === account);
    const known = people.flatMap(({ id, name, roles, accounts }) =>
      accounts.map((account) => {
        const link = session.directory.isConfigured(account) ? undefined : linkOf(account);
        const how = link ? `linked ${relative(link.atMs, nowMs)}` : 'contacts.yaml';
        return [id, visible(name), roles.join(' '), visible(account), how];
      }),
    );
    const lost = links
      .filter(({ account }) => session.directory.personOf(account) === undefined)
      .map(({ account, person, confirmedBy }) =>
        session.directory.find(person) === undefined
          ? `${visible(account)} is linked to ${person}, who is not in contacts.yaml`
          : `${visible(account)} is linked to ${person} and counts no more: ${visible(confirmedBy)}, which confirmed it, is not theirs in contacts.yaml. Take it back, and link it anew`,
      );
    const twice = disputed.map(
      ({ account, linked, owner }) =>
        `${visible(account)} is linked to ${linked}, and contacts.yaml says it is ${owner}'s; that counts`,
    );
    return print(
      [
        table(['person', 'name', 'roles', 'account', 'since'], known),
        ...section('Guests', [
          ...here.map(({ account, name, by, untilMs }) => [
            visible(account),
            visible(name),
            `let in by ${by}`,
            `ends ${relative(untilMs, nowMs)}`,
          ]),
        ]),
        ...section('Strangers who wait', [
          ...strangers.map(({ id, account, name, untilMs }) => [
            id,
            visible(account),
            visible(name),
            `ends ${relative(untilMs, nowMs)}`,
          ]),
        ]),
        ...[...twice, ...lost].map((problem) => `\n! ${problem}`),
      ].join('\n'),
    );
  });
}

export async function linkAccount(who: string, what: string, options: PeopleOptions): Promise<number> {
  return withActor(options, async (session, actor) => {
    demand(session.directory, actor, 'operate', 'say whose an account is');
    const person = personNamed(session, who);
    const account = await accountNamed(session, what);
    const result = await session.linkDesk.adopt(gestureOf(actor), account, person.id);
    switch (result.code) {
      case 'LINKED':
      case 'ALREADY':
        return say(
          options,
          { code: result.code, account, person: person.id },
          `${visible(account)} is ${visible(person.name)}'s.`,
        );
      case 'TAKEN':
        throw new StartupError(
          `${visible(account)} belongs to ${visible(session.directory.personOf(account)?.name ?? 'somebody')} already`,
          'take it out of contacts.yaml, or first: signalbox people unlink',
        );
      default:
        throw new StartupError(`nothing was linked (${result.code})`, 'take links back that nobody needs');
    }
  });
}

export async function unlinkAccount(what: string, options: PeopleOptions): Promise<number> {
  return withActor(options, async (session, actor) => {
    demand(session.directory, actor, 'operate', 'take links back');
    const account = accountIn(what);
    const { code } = await session.linkDesk.takeBack(gestureOf(actor), account);
    if (code === 'UNLINKED' || code === 'PUT_OUT') {
      return say(
        options,
        { code, account },
        `${account} is nobody's any more. It decides nothing from now on.`,
      );
    }
    const isWritten = session.directory.isConfigured(account);
    throw new StartupError(
      `${account} is linked to nobody`,
      isWritten
        ? 'it stands in contacts.yaml: take it out there'
        : '`signalbox people list` shows those that are',
    );
  });
}

export async function admitStranger(
  code: string,
  stay: string | undefined,
  options: PeopleOptions,
): Promise<number> {
  return withActor(options, async (session, actor) => {
    const { guest_role, guests_stay } = session.config.authorizations;
    if (guest_role === undefined) {
      throw new StartupError('there is no role for guests', 'name one as guest_role in authorizations.yaml');
    }
    const forMs = stay === undefined ? guests_stay : STAY.safeParse(stay).data;
    if (forMs === undefined) {
      throw new StartupError(
        `"${stay}" is no time to stay`,
        `write it like 12h or 7d, between an hour and ${LONGEST_STAY}`,
      );
    }
    const result = await session.linkDesk.admit(gestureOf(actor), await given(code), forMs);
    if (result.code !== 'ADMITTED') throw refusalOf(result.code, actor);
    const { account, untilMs } = result.guest;
    const words = `${visible(account)} may talk to the agent as ${guest_role}, until ${new Date(untilMs).toISOString()}.`;
    return say(options, { code: result.code, account, untilMs }, words);
  });
}

export async function refuseStranger(code: string, options: PeopleOptions): Promise<number> {
  return withActor(options, async (session, actor) => {
    const result = await session.linkDesk.turnAway(gestureOf(actor), await given(code));
    if (result.code !== 'TURNED_AWAY') throw refusalOf(result.code, actor);
    const { account } = result.ask;
    return say(
      options,
      { code: result.code, account },
      `${visible(account)} was told, and is not heard for a day.`,
    );
  });
}

// ── Parts ────────────────────────────────────────────────────────────────────────────────────────────────────────────

async function withActor(
  { config }: PeopleOptions,
  work: (session: StoreSession, actor: Actor) => Promise<number>,
): Promise<number> {
  return withStores(config, async (session) => work(session, actorOf(session.config, session.directory)));
}

function gestureOf(actor: Actor): Known {
  return {
    id: `cli:${randomUUID()}`,
    account: actor.account,
    channel: CLI_PLATFORM,
    actor: auditName(actor),
    person: actor.person,
  };
}

/** @throws {StartupError} when nobody is called so */
function personNamed({ directory }: StoreSession, id: string): Person {
  const parsed = PersonId.safeParse(id);
  const person = parsed.success ? directory.find(parsed.data) : undefined;
  if (person) return person;
  throw new StartupError(
    `there is no ${id} in contacts.yaml`,
    'take the id of a person, as `signalbox people list` shows it',
  );
}

/** @throws {StartupError} when it names no account that can be, and is no code that waits */
async function accountNamed({ links, config }: StoreSession, text: string): Promise<AccountId> {
  const code = await readCode(text);
  if (!code) return possible(accountIn(text), [...Object.keys(config.settings.gateways), CLI_PLATFORM]);
  const { asks } = await links.now();
  const ask = asks.find(
    ({ id, hash, untilMs }) => id === code.id && hash === code.hash && Date.now() < untilMs,
  );
  if (ask) return ask.account;
  throw new StartupError(
    'no stranger was given that code, or its time is over',
    '`signalbox people list` shows who waits',
  );
}

/** @throws {StartupError} when it names no account */
function accountIn(text: string): AccountId {
  const [, platform, value] = ACCOUNT.exec(text) ?? [];
  if (platform !== undefined && value !== undefined) return toAccountId(platform, value);
  throw new StartupError(
    `"${text}" is no account`,
    'write it like discord:900000000000000102 or slack:T024/U0DANA',
  );
}

/**
 * What could not stand in contacts.yaml could never say anything. It can be taken back all the same, where it was
 * linked once.
 *
 * @throws {StartupError} when its platform could never send anything from it
 */
function possible(account: AccountId, platforms: readonly string[]): AccountId {
  const [, platform = '', value = ''] = ACCOUNT.exec(account) ?? [];
  if (!platforms.includes(platform)) {
    const meant = didYouMean(platform, platforms);
    throw new StartupError(
      `"${visible(account)}" is no account: expected a known platform: ${platforms.join(', ')}; found "${platform}"`,
      meant === undefined ? 'begin it with one of them' : `did you mean ${meant}?`,
    );
  }
  const expected = wantedInstead(platform, value);
  if (expected === undefined) return account;
  throw new StartupError(
    `"${visible(account)}" is no account: expected ${expected}; found "${visible(value)}"`,
    `write what stands for it in contacts.yaml under ${platform}, after \`${platform}:\``,
  );
}

/** @throws {StartupError} when it is written neither as codes are, nor as what stands for a stranger in the list */
async function given(text: string): Promise<{ readonly id: string; readonly hash?: string }> {
  const named = await readNamed(text);
  if (named) return named;
  throw new StartupError(
    'that is no code',
    'codes are three groups of letters and digits: K7PM-3QXWH-9TRCD. What stands before a stranger in `signalbox people list` will do as well',
  );
}

function refusalOf(code: string, { person }: Actor): Error {
  if (code === 'NOT_PERMITTED') {
    const words = `${person.name} may not let strangers in: no role of theirs has pair or operate.`;
    return new NotPermittedError(words, person.id, 'pair');
  }
  const remedy =
    code === 'WAIT'
      ? 'there were too many wrong codes; wait an hour'
      : '`signalbox people list` shows who waits';
  return new StartupError(
    `nothing has changed (${code}): no stranger was given that code, or its time is over`,
    remedy,
  );
}

function section(title: string, rows: readonly (readonly string[])[]): string[] {
  if (rows.length === 0) return [];
  return [`\n${title}`, ...rows.map((cells) => `  ${cells.join('  ')}`)];
}

function say({ json }: PeopleOptions, facts: object, words: string): number {
  return print(json ? JSON.stringify(facts, undefined, 2) : words);
}

function print(text: string): number {
  process.stdout.write(`${text}\n`);
  return 0;
}
