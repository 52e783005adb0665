/**
 * A real Dovecot (IMAP and LMTP) on loopback, without privileges, with all its state in one temporary directory.
 * Needs Debian's packages dovecot-imapd and dovecot-lmtpd, version 2.3: later ones read another configuration.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { createTransport } from 'nodemailer';
import { closedPort } from './closed-port.ts';

const BINARY = '/usr/sbin/dovecot';
const START_TIMEOUT_MS = 20_000;

/** Whoever signs in has a mailbox; this is the one of those who need no other. */
export const MAILBOX_USER = 'bot@gateway.test';
export const MAILBOX_PASSWORD = 'secret';

/** Why Dovecot cannot be used here; undefined when it can. */
export function dovecotProblem(): string | undefined {
  if (!existsSync(BINARY)) return 'Dovecot is not installed (apt-get install dovecot-imapd dovecot-lmtpd)';
  if (!existsSync('/usr/lib/dovecot/lmtp')) return 'Dovecot has no LMTP (apt-get install dovecot-lmtpd)';
  const version = execFileSync(BINARY, ['--version'], { encoding: 'utf8' });
  return version.startsWith('2.3.')
    ? undefined
    : `Dovecot ${version.trim()} reads another configuration than 2.3 does`;
}

export class Dovecot {
  readonly #directory = mkdtempSync(path.join(tmpdir(), 'dovecot-'));
  #process: ChildProcess | undefined;
  #ports: { readonly imap: number; readonly lmtp: number } | undefined;

  get imapPort(): number {
    return this.#bound.imap;
  }

  /** Resolves once it takes connections. A second start, after a stop, uses the same ports. */
  async start(): Promise<void> {
    this.#ports ??= { imap: await closedPort(), lmtp: await closedPort() };
    const identity = unprivileged();
    this.#prepare(identity);
    const child = spawn(BINARY, ['-F', '-c', path.join(this.#directory, 'dovecot.conf')], {
      stdio: ['ignore', 'ignore', 'pipe'],
      // A process group of its own: children that serve an idle client outlive the master for ten seconds.
      detached: true,
      ...(identity.drop && { uid: identity.uid, gid: identity.gid }),
    });
    const complaints: string[] = [];
    createInterface({ input: child.stderr }).on('line', (line) => complaints.push(line));
    this.#process = child;
    await Promise.race([
      Promise.all([reachable(this.#ports.imap), reachable(this.#ports.lmtp)]),
      once(child, 'exit').then(() => {
        throw new Error(`Dovecot ended at once:\n${complaints.join('\n')}\n${this.log()}`);
      }),
    ]);
  }

  /** Resolves once it has ended. Mail stays. */
  async stop(): Promise<void> {
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
    killGroup(child);
  }

  /** Stops it and removes everything it kept. */
  async dispose(): Promise<void> {
    await this.stop();
    rmSync(this.#directory, { recursive: true, force: true });
  }

  /** Delivers one mail by LMTP, as a mail server would. */
  async deliver(raw: string | Buffer, { from = 'alex@corp.test', to = MAILBOX_USER } = {}): Promise<void> {
    await this.deliverAll([raw], { from, to });
  }

  /** Delivers mails one after the other, which keeps their order, over one connection. */
  async deliverAll(
    mails: readonly (string | Buffer)[],
    { from = 'alex@corp.test', to = MAILBOX_USER } = {},
  ): Promise<void> {
    const { lmtp: port } = this.#bound;
    const once = { pool: true, maxConnections: 1, maxMessages: Number.POSITIVE_INFINITY } as const;
    const lmtp = createTransport({ host: '127.0.0.1', port, lmtp: true, ignoreTLS: true, ...once });
    try {
      await Promise.all(mails.map((raw) => lmtp.sendMail({ envelope: { from, to }, raw })));
    } finally {
      lmtp.close();
    }
  }

  /** Forgets which UID belongs to which mail, as a restored or migrated mailbox does. Only while stopped. */
  forgetUids(): void {
    const mailbox = path.join(this.#directory, 'mail', MAILBOX_USER);
    for (const name of readdirSync(mailbox)) {
      if (name.startsWith('dovecot')) rmSync(path.join(mailbox, name), { recursive: true });
    }
  }

  log(): string {
    const file = path.join(this.#directory, 'dovecot.log');
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }

  get #bound(): { readonly imap: number; readonly lmtp: number } {
    if (!this.#ports) throw new Error('Dovecot was not started');
    return this.#ports;
  }

  #prepare({ user, group, uid, gid, drop }: Identity): void {
    const root = this.#directory;
    for (const name of ['', 'run', 'mail']) {
      mkdirSync(path.join(root, name), { recursive: true });
      chmodSync(path.join(root, name), 0o755);
      if (drop) chownSync(path.join(root, name), uid, gid);
    }
    writeFileSync(path.join(root, 'dovecot.conf'), this.#configuration(user, group));
  }

  #configuration(user: string, group: string): string {
    const root = this.#directory;
    const { imap, lmtp } = this.#bound;
    return `
base_dir = ${root}/run
state_dir = ${root}/run
log_path = ${root}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
default_login_user = ${user}
default_internal_user = ${user}
default_internal_group = ${group}
first_valid_uid = 1
first_valid_gid = 1
mail_uid = ${user}
mail_gid = ${group}
mail_location = maildir:${root}/mail/%u
mailbox_idle_check_interval = 1 s
recipient_delimiter = +
disable_plaintext_auth = no
auth_failure_delay = 0
ssl = no
passdb {
  driver = static
  args = password=${MAILBOX_PASSWORD}
}
userdb {
  driver = static
  args = uid=${user} gid=${group} home=${root}/mail/%u allow_all_users=yes
}
namespace inbox {
  inbox = yes
  separator = /
}
service anvil {
  chroot =
}
service imap-login {
  chroot =
  inet_listener imap {
    port = ${imap}
  }
  inet_listener imaps {
    port = 0
  }
}
service lmtp {
  user = ${user}
  inet_listener lmtp {
    address = 127.0.0.1
    port = ${lmtp}
  }
}
service auth {
  user = ${user}
}
service auth-worker {
  user = ${user}
}
service stats {
  chroot =
}
`;
  }
}

function killGroup(child: ChildProcess): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, 'SIGKILL');
  } catch {
    // Nobody was left.
  }
}

interface Identity {
  readonly user: string;
  readonly group: string;
  readonly uid: number;
  readonly gid: number;
  /** Started by root: Dovecot keeps no mail for root, so it runs as nobody. */
  readonly drop: boolean;
}

function unprivileged(): Identity {
  const drop = process.getuid?.() === 0;
  const of = (...args: string[]) =>
    execFileSync('id', [...args, ...(drop ? ['nobody'] : [])], { encoding: 'utf8' }).trim();
  return { user: of('-un'), group: of('-gn'), uid: Number(of('-u')), gid: Number(of('-g')), drop };
}

/** A daemon does not say when it is ready; asking is the only way to know. */
async function reachable(port: number): Promise<void> {
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; ) {
    const socket = connect(port, '127.0.0.1');
    const greeted = await once(socket, 'data').then(
      () => true,
      () => false,
    );
    socket.destroy();
    if (greeted) return;
    await pause(50);
  }
  throw new Error(`nothing answers on port ${port}`);
}
