/**
 * The calls to the kernel that a script is refused, as a filter that the kernel applies (seccomp): what reaches past
 * the walls of the sandbox, or keeps memory that none of its limits counts. Pure.
 *
 *   other processor ─▶ killed        socket of another kind ─▶ EAFNOSUPPORT
 *   a refused call  ─▶ EPERM         anything else          ─▶ as ever
 */

/** A program of the kernel's packet filter; undefined for a processor whose calls are not known here. */
export function syscallFilter(arch: string): Uint8Array | undefined {
  const machine = MACHINES[arch];
  if (!machine) return undefined;
  const { audit, hasSecondSet, socket, refused } = machine;
  return encoded([
    load(ARCH_OFFSET),
    ifEqual(audit, 1, 0),
    answer(KILL_PROCESS),
    load(NUMBER_OFFSET),
    ...(hasSecondSet ? [ifAtLeast(SECOND_SET, 0, 1), answer(errno(ENOSYS))] : []),
    ...[...refused, ...REFUSED_EVERYWHERE].flatMap((number) => [ifEqual(number, 0, 1), answer(errno(EPERM))]),
    ifEqual(socket, 0, 5),
    load(FIRST_ARGUMENT_OFFSET),
    ifEqual(AF_UNIX, 3, 0),
    ifEqual(AF_INET, 2, 0),
    ifEqual(AF_INET6, 1, 0),
    answer(errno(EAFNOSUPPORT)),
    answer(ALLOW),
  ]);
}

// ── Calls by number ──────────────────────────────────────────────────────────────────────────────────────────

interface Machine {
  /** AUDIT_ARCH_… of linux/audit.h. */
  readonly audit: number;
  /** It has a second set of numbers for the same calls, which would pass by the first. */
  readonly hasSecondSet: boolean;
  readonly socket: number;
  readonly refused: readonly number[];
}

/** As Node names processors. Numbers: asm/unistd_64.h and asm-generic/unistd.h of Linux. */
const MACHINES: Readonly<Record<string, Machine | undefined>> = {
  x64: {
    audit: 0xc000003e,
    hasSecondSet: true,
    socket: 41,
    refused: [
      ...[29, 30, 31, 67], // shmget, shmat, shmctl, shmdt: memory that outlives who asked for it
      ...[64, 65, 66, 220], // semget, semop, semctl, semtimedop
      ...[68, 69, 70, 71, 240], // msgget, msgsnd, msgrcv, msgctl, mq_open
      ...[319, 323], // memfd_create, userfaultfd
      ...[101, 310, 311], // ptrace, process_vm_readv, process_vm_writev
      ...[155, 165, 166, 272, 308], // pivot_root, mount, umount2, unshare, setns
      ...[303, 304], // name_to_handle_at, open_by_handle_at
      ...[248, 249, 250], // add_key, request_key, keyctl
      ...[175, 313, 176, 246, 320], // init_module, finit_module, delete_module, kexec_load, kexec_file_load
      ...[298, 321], // perf_event_open, bpf
    ],
  },
  arm64: {
    audit: 0xc00000b7,
    hasSecondSet: false,
    socket: 198,
    refused: [
      ...[194, 195, 196, 197],
      ...[190, 191, 192, 193],
      ...[186, 187, 188, 189, 180],
      ...[279, 282],
      ...[117, 270, 271],
      ...[41, 40, 39, 97, 268],
      ...[264, 265],
      ...[217, 218, 219],
      ...[105, 273, 106, 104, 294],
      ...[241, 280],
    ],
  },
};

/** Newer calls have one number on every processor. */
const REFUSED_EVERYWHERE = [
  ...[425, 426, 427], // io_uring: does what others do without being seen
  ...[428, 429, 430, 431, 432, 433, 442], // open_tree to fspick, mount_setattr
  447, // memfd_secret
];

// Kinds of sockets (bits/socket.h). Others, such as those to the host of a virtual machine, know no network of one's own.
const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;

// ── The filter's own language (linux/filter.h, linux/seccomp.h) ──────────────────────────────────────────────

interface Instruction {
  readonly code: number;
  /** Instructions that are passed over when the test holds, and when it does not. */
  readonly jt: number;
  readonly jf: number;
  readonly k: number;
}

/** Offsets in struct seccomp_data; an argument has 64 bits, the lower half first. */
const NUMBER_OFFSET = 0;
const ARCH_OFFSET = 4;
const FIRST_ARGUMENT_OFFSET = 16;

const KILL_PROCESS = 0x80000000;
const ALLOW = 0x7fff0000;
/** From here on numbers belong to the second set (x32). */
const SECOND_SET = 0x40000000;

const EPERM = 1;
const ENOSYS = 38;
const EAFNOSUPPORT = 97;

function errno(code: number): number {
  return 0x00050000 + code;
}

function load(offset: number): Instruction {
  return { code: 0x20, jt: 0, jf: 0, k: offset };
}

function ifEqual(k: number, jt: number, jf: number): Instruction {
  return { code: 0x15, jt, jf, k };
}

function ifAtLeast(k: number, jt: number, jf: number): Instruction {
  return { code: 0x35, jt, jf, k };
}

function answer(k: number): Instruction {
  return { code: 0x06, jt: 0, jf: 0, k };
}

/** Each as struct sock_filter: both processors are little-endian. */
function encoded(program: readonly Instruction[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(program.length * 8));
  for (const [n, { code, jt, jf, k }] of program.entries()) {
    bytes.setUint16(n * 8, code, true);
    bytes.setUint8(n * 8 + 2, jt);
    bytes.setUint8(n * 8 + 3, jf);
    bytes.setUint32(n * 8 + 4, k, true);
  }
  return new Uint8Array(bytes.buffer);
}
