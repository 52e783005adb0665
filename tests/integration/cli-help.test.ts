/** The command line itself: help, wrong use, completion. */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { channelName } from '../../src/approvals/sentences.ts';
import { createProgram } from '../../src/cli/program.ts';
import { type CliHome, createCliHome } from '../support/cli.ts';

vi.setConfig({ testTimeout: 60_000 });

let home: CliHome;

beforeAll(() => {
  home = createCliHome('embedded');
});

afterAll(() => home.remove());

const program = createProgram(async () => undefined);

/** Every command that can be typed, with the words that lead to it. */
function allCommands(command: Command, path: readonly string[] = []): { path: string[]; command: Command }[] {
  const children = command.commands.filter((child) => child.name() !== 'sandbox');
  return [
    { path: [...path], command },
    ...children.flatMap((child) => allCommands(child, [...path, child.name()])),
  ];
}

describe('help', () => {
  it('OM-073 lists every command of the program, with what it is for', async () => {
    const { code, out } = await home.run('--help');

    expect(code).toBe(0);
    for (const { name, about } of program.commands
      .filter((command) => command.name() !== 'sandbox')
      .map((command) => ({ name: command.name(), about: command.summary() }))) {
      expect(out.replaceAll(/\s+/g, ' ')).toContain(about);
      expect(out).toContain(`  ${name}`);
    }
  });

  it.each(['approvals', 'dead-letters', 'audit', 'config', 'check', 'chat', 'start', 'completion'])(
    'OM-073 explains every option of %s, with examples',
    async (name) => {
      const { code, out } = await home.run(name, '--help');
      const command = program.commands.find((each) => each.name() === name);

      expect(code).toBe(0);
      expect(out).toContain('Examples:');
      for (const option of command?.options ?? []) expect(out).toContain(option.flags);
      for (const child of command?.commands ?? []) expect(out).toContain(child.name());
    },
  );

  it('describes every command and every option', () => {
    for (const { path, command } of allCommands(program)) {
      expect(command.description(), path.join(' ')).not.toBe('');
      for (const option of command.options) expect(option.description, option.flags).not.toBe('');
    }
  });

  it.each(['slack', 'discord', 'jira', 'email'])('says of itself that it is on %s', (platform) => {
    expect(program.description()).toContain(channelName(platform));
  });

  it('prints its help when nothing is asked of it, and its version', async () => {
    const nothing = await home.run();
    const version = await home.run('--version');

    expect(nothing.err).toContain('Usage: signalbox');
    expect(version).toMatchObject({ code: 0, out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });
});

describe('wrong use', () => {
  const SENTENCES: readonly [args: string[], sentence: RegExp][] = [
    [['strat'], /unknown command 'strat'\. Did you mean start\?/],
    [['approvals', 'aprove', 'x'], /unknown command 'aprove'\. Did you mean approve\?/],
    [['check', '--jsn'], /unknown option '--jsn'\. Did you mean --json\?/],
    [['start', '--sandbox-port', 'abc'], /--sandbox-port <port>.*'abc' is invalid\. A port is 0 to 65535\./],
    [['audit', 'tail', '-n', '0'], /-n, --count <number>.*A number from 1 to 100000 is expected\./],
    [['approvals', 'approve'], /missing required argument 'ticket'/],
    [
      ['approvals', 'reconcile', 'apr_p1_000000000000', 'perhaps'],
      /Allowed choices are happened, did-not-happen, retry/,
    ],
    [['config', 'schema', 'everything'], /Allowed choices are purpose, /],
    [['dead-letters', 'list', 'extra'], /too many arguments/],
    [['chat', '--session', 'No Way'], /A session is up to 20 lower-case letters and digits\./],
  ];

  it.each(SENTENCES)(
    'OM-073 answers %j with one sentence and a code that is not zero',
    async (args, sentence) => {
      const { code, out, err } = await home.run(...args);

      expect(code).toBe(2);
      expect(err).toMatch(sentence);
      expect(err.trimEnd().split('\n')).toHaveLength(1);
      expect(out).toBe('');
      expect(err).not.toMatch(/\n\s+at /);
    },
  );
});

describe('completion', () => {
  let bash: string;

  beforeAll(async () => {
    bash = join(home.directory, 'completion.bash');
    writeFileSync(bash, (await home.run('completion', 'bash')).out);
  });

  /** What a press of the Tab key offers, asked of a real bash. */
  function offered(...words: string[]): string[] {
    const script = `
      set -eu
      source "$1"; shift
      COMP_WORDS=(signalbox "$@")
      COMP_CWORD=$(( \${#COMP_WORDS[@]} - 1 ))
      _signalbox
      printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = execFileSync('bash', ['--norc', '-c', script, 'bash', bash, ...words], { encoding: 'utf8' });
    return out.split('\n').filter((line) => line !== '');
  }

  it('OM-074 prints a script that bash loads and that registers itself', () => {
    execFileSync('bash', ['-n', bash]);
    const registered = execFileSync(
      'bash',
      ['--norc', '-c', 'source "$1"; complete -p signalbox', 'bash', bash],
      {
        encoding: 'utf8',
      },
    );

    expect(registered).toContain('-F _signalbox signalbox');
  });

  it('OM-074 offers the commands, what begins alike, options, and choices', () => {
    expect(offered('')).toEqual(expect.arrayContaining(['start', 'check', 'chat', 'approvals', '--config']));
    expect(offered('a')).toEqual(['approvals', 'audit', 'api']);
    expect(offered('approvals', 're')).toEqual(['revoke', 'reconcile', 'reassign']);
    expect(offered('approvals', 'approve', '--')).toEqual(
      expect.arrayContaining(['--as', '--json', '--config']),
    );
    expect(offered('config', 'schema', 's')).toEqual(['schedules', 'settings']);
    expect(offered('completion', 'z')).toEqual(['zsh']);
  });

  it('is not led astray by the value of an option, and never evaluates what was typed', () => {
    const bait = join(home.directory, 'bait');

    expect(offered('--config', 'audit', 'approvals', 'l')).toEqual(['list']);
    expect(offered(`$(touch ${bait})`, '')).toEqual(expect.arrayContaining(['start']));
    expect(() => execFileSync('ls', [bait], { stdio: 'pipe' })).toThrow();
  });

  it('OM-074 prints one for zsh with every command in it', async () => {
    const { code, out } = await home.run('completion', 'zsh');

    expect(code).toBe(0);
    expect(out).toMatch(/^#compdef signalbox\n/);
    for (const { path } of allCommands(program)) expect(out).toContain(`'${path.join(' ')}')`);
  });
});
