/**
 * Who sits at the terminal, and for whom they act.
 *
 * Whoever can run this command with these files is taken for the person whose `cli` account is
 * `settings.cli.account`: the operating system has let them in. An operator may act for somebody else; then both
 * names are recorded, and what either of them may not decide, they may not decide together.
 */

import type { Permission } from '../config/authorizations.ts';
import { toAccountId } from '../config/contacts.ts';
import type { Config } from '../config/load-config.ts';
import { AppError } from '../domain/errors.ts';
import type { AccountId } from '../domain/ids.ts';
import { PersonId } from '../domain/ids.ts';
import type { Person } from '../domain/person.ts';
import { CLI_PLATFORM, type Directory } from '../identity/directory.ts';

export interface Actor {
  /** Whose rights and whose name count. */
  readonly person: Person;
  /** The terminal's account, whoever it acts for. */
  readonly account: AccountId;
  /** Who really sits there, when that is somebody else. */
  readonly operator: Person | undefined;
}

/** The one at the terminal may not do this, or is nobody. The message is for them. */
export class NotPermittedError extends AppError {
  override readonly code = 'NOT_PERMITTED';

  constructor(
    message: string,
    /** For the audit. */
    readonly actor: string,
    readonly action: string,
  ) {
    super(message);
  }
}

/** @throws {NotPermittedError} when the account is nobody's, or may not act for `as` */
export function actorOf({ settings }: Config, directory: Directory, as?: string): Actor {
  const account = terminalAccount(settings.cli.account);
  const person = directory.personOf(account);
  if (!person) {
    throw new NotPermittedError(
      `The terminal speaks as ${account}, which belongs to nobody. Add \`cli: ${settings.cli.account}\` to your accounts in contacts.yaml, or set cli.account in settings.yaml to yours.`,
      account,
      'act',
    );
  }
  if (as === undefined || as === person.id) return { person, account, operator: undefined };
  if (!directory.may(person.roles, 'operate')) {
    throw new NotPermittedError(
      `${person.name} may not act for somebody else: no role of theirs has operate.`,
      person.id,
      `act as ${as}`,
    );
  }
  const parsed = PersonId.safeParse(as);
  const other = parsed.success ? directory.find(parsed.data) : undefined;
  if (!other) {
    throw new NotPermittedError(
      `There is no ${as} in contacts.yaml. --as wants a person id.`,
      person.id,
      `act as ${as}`,
    );
  }
  return { person: other, account, operator: person };
}

export function terminalAccount(account: string): AccountId {
  return toAccountId(CLI_PLATFORM, account);
}

/** @throws {NotPermittedError} when no role of theirs has the permission */
export function demand(
  directory: Directory,
  { person }: Actor,
  permission: Permission,
  action: string,
): void {
  if (directory.may(person.roles, permission)) return;
  throw new NotPermittedError(
    `${person.name} may not ${action}: no role of theirs has ${permission}.`,
    person.id,
    action,
  );
}

/** As the audit names them: `dana`, or `dana as alex`. */
export function auditName({ person, operator }: Actor): string {
  return operator ? `${operator.id} as ${person.id}` : person.id;
}

/** As others read it on a card: `Dana Reyes`, or `Alex Kim (entered by Dana Reyes)`. */
export function shownName({ person, operator }: Actor): string {
  return operator ? `${person.name} (entered by ${operator.name})` : person.name;
}
