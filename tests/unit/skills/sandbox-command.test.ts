/** What bubblewrap is told, whatever a script and its arguments are called. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Surroundings, sandboxCommand } from '../../../src/skills/script-sandbox.ts';
import { aScript, scriptLimits } from '../../support/scripts.ts';

const around: Surroundings = { copy: '/tmp/copy', node: '/usr/bin/node', hidden: [], links: new Map() };

/** Words in front of the program that is run, and from there on. */
function parts(command: readonly string[]): { walls: string[]; program: string[] } {
  const begin = command.indexOf('--');
  return { walls: command.slice(0, begin), program: command.slice(begin + 1) };
}

/** What an option is given, each time it is named. */
function given(command: readonly string[], option: string, count = 1): string[] {
  const { walls } = parts(command);
  return walls.flatMap((word, n) => (word === option ? [walls.slice(n + 1, n + 1 + count).join(' → ')] : []));
}

describe('the command of the sandbox', () => {
  it('leaves nothing shared, and gives no right', () => {
    const { walls } = parts(sandboxCommand(aScript('sh', ''), around, scriptLimits()));

    expect(walls).toEqual(
      expect.arrayContaining([
        ...['--unshare-all', '--unshare-user', '--disable-userns', '--clearenv', '--die-with-parent'],
        ...['--new-session', '--cap-drop', 'ALL', '--seccomp'],
      ]),
    );
    expect(walls).not.toContain('--share-net');
    expect(walls.filter((word) => /^--(?:dev-)?bind/.test(word))).toEqual([]);
  });

  it('shows programs and libraries, the copy, and nothing else', () => {
    const command = sandboxCommand(aScript('sh', ''), around, scriptLimits());

    const shown = [...given(command, '--ro-bind', 2), ...given(command, '--ro-bind-try', 2)];
    const allowed =
      /^(\/usr\/(local\/)?(s?bin|lib(32|64|exec)?|share)|\/s?bin|\/lib(32|64)?|\/etc\/(alternatives|ld\.so\.cache)) → \1$/;
    expect(shown.filter((each) => !allowed.test(each))).toEqual(['/tmp/copy → /skill']);
  });

  it('makes what bubblewrap itself has made read-only, so that it takes up no memory', () => {
    const { walls } = parts(
      sandboxCommand(aScript('sh', ''), around, scriptLimits({ max_disk_bytes: 7_000_000 })),
    );

    expect(given([...walls, '--'], '--remount-ro')).toEqual(['/dev', '/']);
    expect(walls.join(' ')).toContain('--size 7000000 --tmpfs /work');
  });

  it('hands a script, its arguments and nothing else to the program, word by word', () => {
    const word = fc.oneof(fc.string(), fc.constantFrom('--', '--bind', '/', '$(id)', '-c', ';', '\n'));
    fc.assert(
      fc.property(fc.array(word), (args) => {
        const { walls, program } = parts(sandboxCommand(aScript('sh', '', { args }), around, scriptLimits()));
        const { walls: without } = parts(sandboxCommand(aScript('sh', ''), around, scriptLimits()));

        expect(program.slice(program.indexOf('/bin/sh'))).toEqual([
          '/bin/sh',
          '/skill/scripts/it.sh',
          ...args,
        ]);
        expect(walls).toEqual(without);
      }),
    );
  });

  it('sets each limit to what the configuration says', () => {
    const limits = scriptLimits({
      cpu_time: 1_500,
      max_memory_bytes: 50_000_000,
      max_processes: 9,
      max_disk_bytes: 2_000_000,
    });

    const { program } = parts(sandboxCommand(aScript('sh', ''), around, limits));

    expect(program).toEqual(
      expect.arrayContaining(['--cpu=2:3', '--data=50000000', '--nproc=9', '--fsize=2000000', '--core=0']),
    );
  });

  it('brings Node along where it is not among the programs', () => {
    const elsewhere = sandboxCommand(
      aScript('mjs', ''),
      { ...around, node: '/home/bot/.nvm/bin/node' },
      scriptLimits(),
    );
    const here = sandboxCommand(aScript('mjs', ''), around, scriptLimits());

    expect(given(elsewhere, '--ro-bind', 2)).toContain('/home/bot/.nvm/bin/node → /programs/node');
    expect(given(elsewhere, '--setenv', 2)).toContain('PATH → /usr/local/bin:/usr/bin:/bin:/programs');
    expect(given(here, '--setenv', 2)).toContain('PATH → /usr/local/bin:/usr/bin:/bin');
  });

  it('hides folders of the gateway that lie among programs, the outermost of them, and no others', () => {
    const hidden = ['/usr/local/lib/signalbox/data', '/usr/local/lib/signalbox', '/srv/signalbox'];

    const command = sandboxCommand(aScript('sh', ''), { ...around, hidden }, scriptLimits());

    expect(given(command, '--tmpfs')).toEqual(['/usr/local/lib/signalbox', '/work']);
    expect(given(command, '--remount-ro')).toContain('/usr/local/lib/signalbox');
  });

  it('keeps folders that are links what they are, so that what is hidden is hidden there, too', () => {
    const command = sandboxCommand(
      aScript('sh', ''),
      { ...around, links: new Map([['/lib', 'usr/lib']]) },
      scriptLimits(),
    );

    expect(given(command, '--symlink', 2)).toContain('usr/lib → /lib');
    expect(given(command, '--ro-bind-try', 2)).not.toContain('/lib → /lib');
  });
});
