/** The filter as the kernel reads it: each of its instructions is carried out here for one call after the other. */
import { existsSync, readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { syscallFilter } from '../../../src/skills/syscall-filter.ts';

const X64 = 0xc000003e;
const ARM64 = 0xc00000b7;
const ALLOWED = 0x7fff0000;
const KILLED = 0x80000000;
const refusedWith = (errno: number) => 0x00050000 + errno;

interface Call {
  readonly arch: number;
  readonly number: number;
  readonly first?: number;
}

/** What the kernel would answer (linux/filter.h): loads, tests and answers are all there is. */
function answerTo(filter: Uint8Array, { arch, number, first = 0 }: Call): number {
  const program = new DataView(filter.buffer, filter.byteOffset, filter.byteLength);
  const data = new Map([
    [0, number],
    [4, arch],
    [16, first],
  ]);
  let loaded = 0;
  for (let at = 0; at < filter.byteLength / 8; at++) {
    const code = program.getUint16(at * 8, true);
    const k = program.getUint32(at * 8 + 4, true);
    const jump = (holds: boolean) => program.getUint8(at * 8 + (holds ? 2 : 3));
    if (code === 0x20) loaded = data.get(k)!;
    else if (code === 0x15) at += jump(loaded === k);
    else if (code === 0x35) at += jump(loaded >= k);
    else if (code === 0x06) return k;
    else throw new Error(`no such instruction: ${code}`);
  }
  throw new Error('it ran past its end');
}

/** Numbers by name, as this machine's headers have them. */
function numbersOf(header: string): ReadonlyMap<string, number> {
  const lines = readFileSync(header, 'utf8').matchAll(/^#define __NR(?:3264)?_(\w+)\s+(\d+)$/gm);
  return new Map([...lines].map(([, name = '', number]) => [name, Number(number)]));
}

const REFUSED = [
  ...['shmget', 'shmat', 'shmctl', 'shmdt', 'semget', 'semop', 'semctl', 'semtimedop'],
  ...['msgget', 'msgsnd', 'msgrcv', 'msgctl', 'mq_open', 'memfd_create', 'memfd_secret', 'userfaultfd'],
  ...[
    'ptrace',
    'process_vm_readv',
    'process_vm_writev',
    'pivot_root',
    'mount',
    'umount2',
    'unshare',
    'setns',
  ],
  ...['name_to_handle_at', 'open_by_handle_at', 'add_key', 'request_key', 'keyctl', 'init_module'],
  ...['finit_module', 'delete_module', 'kexec_load', 'kexec_file_load', 'perf_event_open', 'bpf'],
  ...[
    'io_uring_setup',
    'io_uring_enter',
    'io_uring_register',
    'open_tree',
    'move_mount',
    'fsopen',
    'fsconfig',
  ],
  ...['fsmount', 'fspick', 'mount_setattr'],
];

describe.each([
  { name: 'x64', arch: X64, other: ARM64, header: '/usr/include/x86_64-linux-gnu/asm/unistd_64.h' },
  { name: 'arm64', arch: ARM64, other: X64, header: '/usr/include/asm-generic/unistd.h' },
])('the filter for $name', ({ name, arch, other, header }) => {
  const filter = syscallFilter(name)!;
  const socket = name === 'x64' ? 41 : 198;

  it.skipIf(!existsSync(header))('refuses these calls and no others, by the numbers of the kernel', () => {
    const numbers = numbersOf(header);

    const refused = [...numbers].filter(
      ([, number]) => number !== socket && answerTo(filter, { arch, number }) !== ALLOWED,
    );

    expect(refused.map(([call]) => call).toSorted()).toEqual(REFUSED.toSorted());
    expect(numbers.get('socket')).toBe(socket);
    for (const [, number] of refused) expect(answerTo(filter, { arch, number })).toBe(refusedWith(1));
  });

  it('lets sockets of the own machine and of the internet be made, and none of another kind', () => {
    fc.assert(
      fc.property(fc.nat(60), (family) => {
        const expected = [1, 2, 10].includes(family) ? ALLOWED : refusedWith(97);
        expect(answerTo(filter, { arch, number: socket, first: family })).toBe(expected);
      }),
    );
  });

  it('ends a program of another processor, whatever it calls', () => {
    expect(answerTo(filter, { arch: other, number: 0 })).toBe(KILLED);
  });
});

it('refuses calls by the second set of numbers that x64 has', () => {
  const filter = syscallFilter('x64')!;

  expect(answerTo(filter, { arch: X64, number: 0x40000000 + 41, first: 40 })).toBe(refusedWith(38));
});

it('is not there for a processor whose calls nobody has looked up', () => {
  expect(syscallFilter('s390x')).toBeUndefined();
});
