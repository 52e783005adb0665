/** What `signalbox check` says of MCP servers and of what is planned, by the real command and real servers. */
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AccountId, ConversationId, PersonId, Platform } from '../../src/domain/ids.ts';
import { readDefinition } from '../../src/mcp/tool-definition.ts';
import { scheduleIdOf } from '../../src/scheduler/schedule-store.ts';
import { type CliHome, createCliHome } from '../support/cli.ts';
import { closedPort } from '../support/closed-port.ts';

vi.setConfig({ testTimeout: 120_000 });

const NOTES = fileURLToPath(new URL('../../src/sandbox/mcp/stdio-main.ts', import.meta.url));
const HERE = ConversationId.parse('slack:T0:C0:1');
const DAY_MS = 86_400_000;

let home: CliHome;

beforeEach(() => {
  home = createCliHome();
});
afterEach(() => home.remove());

interface Finding {
  readonly part: string;
  readonly subject: string;
  readonly status: string;
  readonly detail: string;
  readonly remedy?: string;
}

async function findings(part: string): Promise<Finding[]> {
  const { out } = await home.run('check', '--json');
  return JSON.parse(out).findings.filter((each: Finding) => each.part === part);
}

function serves(servers: object): void {
  home.edit('settings.yaml', '\nmcp:\n  servers: {}\n', `\nmcp:\n  servers: ${JSON.stringify(servers)}\n`);
}

/** A real program, started as the gateway starts it. */
const PROGRAM = {
  command: process.execPath,
  args: ['--import', import.meta.resolve('tsx'), NOTES],
};

describe('signalbox check', () => {
  it('names settings for tools and skills that have no effect, and fails nothing for that', async () => {
    const skill = 'incident-triage';
    home.edit(
      'settings.yaml',
      '\nmcp:\n',
      '\ntools: { refnd: { per_minute: 2 }, refund: { per_minute: 2 } }\nmcp:\n',
    );
    await home.run('config', 'set', `settings.skills.entries.${skill}.hash`, 'a'.repeat(64));

    const { code, out } = await home.run('check', '--json');

    expect(JSON.parse(out)).toMatchObject({ ok: true });
    expect(code).toBe(0);
    expect(await findings('Probably not as meant')).toMatchObject([
      { subject: 'settings.yaml tools.refnd', remedy: 'Did you mean refund?' },
      {
        subject: `settings.yaml skills.entries.${skill}.hash`,
        detail: expect.stringContaining('no skill of a third party (bundled)'),
      },
    ]);
  });

  it('names rules for tools that there are not, with the name that was probably meant', async () => {
    home.edit(
      'authorizations.yaml',
      '\nrules:\n',
      '\nrules:\n  - { name: typo, tool: [refnd, mcp__tracker__delete], decision: deny }\n',
    );
    serves({ tracker: { command: 'tracker-mcp', enabled: false } });

    const { code, out } = await home.run('check');

    expect(out).toContain('authorizations.yaml rule "typo": there is no tool refnd here');
    expect(out).toContain('Did you mean refund?');
    expect(out).toMatch(/Everything .* works; some of what is written probably does not do what was meant\./);
    expect(code).toBe(0);
    expect(await findings('Probably not as meant')).toHaveLength(1);
  });

  it('names rules for tools of MCP servers that there are not, with the server that was probably meant', async () => {
    home.edit(
      'authorizations.yaml',
      '\nrules:\n',
      '\nrules:\n  - { name: none of it, tool: "*", group: mcp-trakcer, decision: deny }\n  - { name: deletes nothing, tool: mcp__trakcer__delete_all, decision: deny }\n',
    );
    serves({ tracker: { command: 'tracker-mcp', enabled: false } });
    home.edit('settings.yaml', '\nmcp:\n', '\ntools: { mcp__trakcer__find: {} }\nmcp:\n');

    expect(await findings('Probably not as meant')).toMatchObject([
      {
        subject: 'authorizations.yaml rule "none of it"',
        detail: expect.stringContaining('there is no MCP server trakcer here'),
        remedy: 'Did you mean mcp-tracker?',
      },
      {
        subject: 'authorizations.yaml rule "deletes nothing"',
        remedy: 'Did you mean mcp__tracker__delete_all?',
      },
      { subject: 'settings.yaml tools.mcp__trakcer__find', remedy: 'Did you mean mcp__tracker__find?' },
    ]);
  });

  it('OM-022 names conditions of rules that no call meets, or every one, with the argument that was probably meant', async () => {
    const rules = [
      '{ name: typo, tool: schedule_create, when: { knid: once }, decision: deny }',
      '{ name: always, tool: schedule_create, when: { knid: "!= once" }, decision: deny }',
    ];
    home.edit('authorizations.yaml', '\nrules:\n', `\nrules:\n  - ${rules.join('\n  - ')}\n`);

    expect(await findings('Probably not as meant')).toMatchObject([
      {
        subject: 'authorizations.yaml rule "typo", when.knid',
        detail: 'schedule_create takes no argument knid, so the condition is never met',
        remedy: 'Did you mean kind?',
      },
      {
        subject: 'authorizations.yaml rule "always", when.knid',
        detail: 'schedule_create takes no argument knid, so the condition is always met',
      },
    ]);
  });

  it('names rules by which somebody would be asked about what nobody is asked about', async () => {
    const rule = 'rule "asking for a human, and saying how sure it is"';
    home.edit(
      'authorizations.yaml',
      'tool: [hand_off, state_confidence]\n    decision: allow',
      'tool: [hand_off, state_confidence]\n    decision: ask\n    approvers: { role: manager }',
    );

    expect(await findings('Probably not as meant')).toMatchObject([
      {
        subject: `authorizations.yaml ${rule}`,
        detail: 'nobody is asked about hand_off and state_confidence: by this rule they are let at once',
      },
    ]);
  });

  it('says that the workspace reaches the configuration, and then neither does a start come about', async () => {
    const apart = join(home.directory, 'files');
    home.edit(
      'settings.yaml',
      '\nmcp:\n',
      `\nworkspace: { directory: ${home.directory} }\ntools: { refnd: {} }\nmcp:\n`,
    );

    const found = await findings('Workspace');
    const start = await home.run('start');
    home.edit('settings.yaml', `directory: ${home.directory} }`, `directory: ${apart} }`);

    expect(found).toMatchObject([
      {
        status: 'failed',
        detail: `the workspace ${home.directory} and ${home.configDirectory} lie in one another`,
        remedy: expect.stringContaining('set workspace.directory in settings.yaml to a folder of its own'),
      },
    ]);
    expect(start.code).toBe(1);
    expect(start.err).toContain('lie in one another');
    expect(await findings('Workspace')).toMatchObject([{ subject: apart, status: 'works' }]);
  });

  it('asks every MCP server for its tools, and says which wait for somebody to agree', async () => {
    const port = await closedPort();
    serves({
      notes: PROGRAM,
      away: { url: `http://127.0.0.1:${port}/mcp` },
      later: { command: 'nothing-there', enabled: false },
    });

    const [notes, held, away, later, ...more] = await findings('MCP servers');

    expect(notes).toMatchObject({ subject: 'notes', status: 'works' });
    expect(notes?.detail).toMatch(/^answers, with \d+ tools, 0 agreed to/);
    expect(held).toMatchObject({
      status: 'missing',
      detail: expect.stringContaining('(new)'),
      remedy: expect.stringContaining('signalbox mcp review notes'),
    });
    expect(away).toMatchObject({
      subject: 'away',
      status: 'failed',
      detail: expect.stringContaining('ECONNREFUSED'),
    });
    expect(later).toMatchObject({ subject: 'later', status: 'works' });
    expect(more).toEqual([]);
  });

  it('is content with an MCP server whose tools wait, and changes nothing of what was agreed to', async () => {
    serves({ notes: PROGRAM });
    const stores = await home.openStores();
    const gone = readDefinition({ name: 'gone', description: 'x', inputSchema: { type: 'object' } });
    await stores.toolPins.saw('notes', [gone]);
    const before = await stores.toolPins.book('notes');

    const { code, out } = await home.run('check');

    expect(code).toBe(0);
    expect(out).toContain('signalbox mcp review notes');
    expect(await stores.toolPins.book('notes')).toEqual(before);
    stores.close();
  });

  it('tells of what is planned, and what of it will be stopped', async () => {
    const stores = await home.openStores();
    const plan = (key: string, by: { person: string; account: string }) =>
      stores.schedules.add({
        id: scheduleIdOf(HERE, key),
        conversationId: HERE,
        to: { platform: Platform.parse('slack'), route: { channel: 'C0', thread: '1' } },
        by: { person: PersonId.parse(by.person), name: 'x', account: AccountId.parse(by.account) },
        title: 'report',
        text: 'Tell me.',
        when: { kind: 'once', atMs: Date.now() + DAY_MS, zone: 'UTC' },
        createdMs: Date.now(),
      });
    await plan('a', { person: 'alex', account: 'slack:T0SANDBOX/U0ALEX' });
    const orphaned = await plan('b', { person: 'somebody', account: 'slack:T0SANDBOX/U0GONE' });
    stores.close();

    const planned = (await findings('Store')).find(({ subject }) => subject === 'schedules');

    expect(planned).toMatchObject({
      status: 'works',
      detail: expect.stringMatching(/^2 planned; the next at/),
    });
    expect(planned?.detail).toMatch(new RegExp(`may not ask any more: ${orphaned.id}$`));
  });
});
