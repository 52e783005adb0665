/** What the app may do in the guild, and whom it cannot write to. */

/** Bits of the permissions that the routes ask for (Permissions). */
const PERMISSION = {
  ADD_REACTIONS: 1n << 6n,
  VIEW_CHANNEL: 1n << 10n,
  SEND_MESSAGES: 1n << 11n,
  MANAGE_MESSAGES: 1n << 13n,
  EMBED_LINKS: 1n << 14n,
  ATTACH_FILES: 1n << 15n,
  READ_MESSAGE_HISTORY: 1n << 16n,
  MENTION_EVERYONE: 1n << 17n,
  MANAGE_THREADS: 1n << 34n,
  CREATE_PUBLIC_THREADS: 1n << 35n,
  SEND_MESSAGES_IN_THREADS: 1n << 38n,
} as const;
export type Permission = keyof typeof PERMISSION;

/** With MENTION_EVERYONE, so that what must not notify anybody is put to the test. */
const DEFAULT_PERMISSIONS: readonly Permission[] = [
  'ADD_REACTIONS',
  'VIEW_CHANNEL',
  'SEND_MESSAGES',
  'EMBED_LINKS',
  'ATTACH_FILES',
  'READ_MESSAGE_HISTORY',
  'MENTION_EVERYONE',
  'CREATE_PUBLIC_THREADS',
  'SEND_MESSAGES_IN_THREADS',
];

// The keys of an object literal are exactly those of its type.
const EVERY_PERMISSION = Object.keys(PERMISSION) as Permission[];

export class Permissions {
  #granted: readonly Permission[] = DEFAULT_PERMISSIONS;
  readonly #byChannel = new Map<string, readonly Permission[]>();
  readonly #refusingDms = new Set<string>();

  /** In the whole guild, as a bit set. */
  get bits(): bigint {
    return bitsOf(this.#granted);
  }

  /** In one channel, as a bit set. */
  bitsIn(channel: string): bigint {
    return bitsOf(this.#byChannel.get(channel) ?? this.#granted);
  }

  has(permission: Permission, channel: string): boolean {
    return (this.bitsIn(channel) & PERMISSION[permission]) !== 0n;
  }

  /** What a channel says about the role of the app, where it differs from the guild. */
  overwrite(channel: string): { allow: bigint; deny: bigint } | undefined {
    if (!this.#byChannel.has(channel)) return undefined;
    const allow = this.bitsIn(channel);
    return { allow, deny: bitsOf(EVERY_PERMISSION) & ~allow };
  }

  /** In one channel, or everywhere. Undefined: as at the beginning. */
  grant(permissions: readonly Permission[] | undefined, channel?: string): void {
    if (channel === undefined) this.#granted = permissions ?? DEFAULT_PERMISSIONS;
    else if (permissions === undefined) this.#byChannel.delete(channel);
    else this.#byChannel.set(channel, permissions);
  }

  refusesDms(user: string): boolean {
    return this.#refusingDms.has(user);
  }

  /** Somebody blocks the app, or takes no direct messages. */
  refuseDms(user: string, refuses: boolean): void {
    if (refuses) this.#refusingDms.add(user);
    else this.#refusingDms.delete(user);
  }
}

function bitsOf(permissions: readonly Permission[]): bigint {
  return permissions.reduce((bits, permission) => bits | PERMISSION[permission], 0n);
}
