/** Which scripts of skills the agent may run, as files in folders; the sandbox itself is another test's subject. */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { ToolCatalog } from '../../src/agent/tools/tool-catalog.ts';
import { standing, toldIn } from '../../src/approvals/sentences.ts';
import { ScriptSettings } from '../../src/config/skills.ts';
import { claim, complete } from '../../src/domain/approval/execution.ts';
import type { Approval } from '../../src/domain/approval/record.ts';
import { vote } from '../../src/domain/approval/voting.ts';
import { FutileCallError } from '../../src/domain/errors.ts';
import { toldOutsideTurn } from '../../src/domain/outside-text.ts';
import { whoseOf } from '../../src/domain/provenance.ts';
import type { Tool, ToolOutput } from '../../src/domain/tool.ts';
import { createLogger } from '../../src/observability/logger.ts';
import { readFolder } from '../../src/skills/folder-content.ts';
import type { ScriptRun } from '../../src/skills/script-process.ts';
import type { Readiness, Script } from '../../src/skills/script-sandbox.ts';
import type { SkillSource } from '../../src/skills/skill.ts';
import { RUN_SCRIPT, type ScriptCall, SkillScripts } from '../../src/skills/skill-scripts.ts';
import { anApproval, aVote, OPENED_MS } from '../support/approvals.ts';
import { SkillShelf, skillText } from '../support/skills.ts';
import { ASK_MANAGER, aToolbox, rules } from '../support/tools.ts';
import { context } from '../support/workspace.ts';

const WELL: ScriptRun = { end: { kind: 'exited', code: 0 }, stdout: '42\n', stderr: '', durationMs: 250 };
const UNABLE: Readiness = { kind: 'unable', why: 'no walls', remedy: 'Build some.' };

/** Skills in folders, and what runs their scripts: it remembers what it was given, and says what it is told to. */
class Bench {
  readonly shelf: SkillShelf;
  readonly ran: Script[] = [];
  readonly lines: Record<string, unknown>[] = [];
  readonly scripts: SkillScripts;
  readiness: Readiness = { kind: 'ready' };
  says: ScriptRun | Error = WELL;
  atOnce = 0;
  mostAtOnce = 0;
  /** No script ends before this does. */
  gate: Promise<void> = Promise.resolve();

  constructor(settings: Partial<SkillShelf['settings']> = {}, scripts: object = { enabled: true }) {
    this.shelf = new SkillShelf({ third_party: 'any', ...settings });
    this.configure({ scripts: ScriptSettings.parse(scripts) });
    const destination = new Writable({
      write: (chunk, _, done) => {
        this.lines.push(JSON.parse(String(chunk)));
        done();
      },
    });
    this.scripts = new SkillScripts({
      settings: () => this.shelf.settings,
      registry: this.shelf.registry,
      sandbox: {
        probe: async () => this.readiness,
        run: async (script) => this.#run(script),
      },
      log: createLogger({ level: 'info', destination }),
    });
  }

  configure(changed: Partial<SkillShelf['settings']>): void {
    this.shelf.settings = { ...this.shelf.settings, ...changed };
  }

  put(source: SkillSource, name: string, files: Readonly<Record<string, string>>, head = ''): string {
    const folder = dirname(this.shelf.put(source, name, skillText(name, { head })));
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return folder;
  }

  /** The tool as a turn on this text has it. */
  async toolFor(text: string): Promise<Tool | undefined> {
    await this.shelf.registry.reload();
    await this.scripts.start();
    return (await this.scripts.choose(text, 'slack')).scriptTool;
  }

  /** What a call of a turn comes to, as it is agreed to; in words, why it is none. */
  async call(text: string, wish: object): Promise<ScriptCall | string> {
    const tool = await this.toolFor(text);
    const parsed = tool?.input.safeParse(wish);
    if (!parsed?.success) return parsed?.error.issues.map(({ message }) => message).join('; ') ?? 'no tool';
    return parsed.data as ScriptCall; // what this tool's input yields
  }

  /** Runs what was agreed to, as another process would: with the tool as it is without a turn. */
  execute(call: ScriptCall | string): Promise<ToolOutput> {
    return this.scripts.tools()[0]!.execute(call, context);
  }

  preview(call: ScriptCall | string) {
    return this.scripts.tools()[0]!.preview!(call, context);
  }

  async #run(script: Script): Promise<ScriptRun> {
    this.mostAtOnce = Math.max(this.mostAtOnce, ++this.atOnce);
    this.ran.push(script);
    await this.gate;
    this.atOnce--;
    if (this.says instanceof Error) throw this.says;
    return this.says;
  }
}

const HASH = async (folder: string) => {
  const reading = await readFolder(folder);
  return reading.kind === 'read' ? reading.content.sha256 : reading.why;
};

describe('the tool that runs scripts', () => {
  it('is offered nowhere unless somebody has switched it on', async () => {
    const bench = new Bench({}, {});
    bench.put('workspace', 'report', { 'scripts/run.py': 'print(42)' });

    expect(await bench.toolFor('report')).toBeUndefined();
    expect(bench.scripts.tools()).toEqual([]);
    expect(bench.lines).toEqual([]);
  });

  it('is offered nowhere without a sandbox that works, which is said once, and then again when it is otherwise', async () => {
    const bench = new Bench();
    bench.put('workspace', 'report', { 'scripts/run.py': 'print(42)' });
    bench.readiness = UNABLE;

    expect(await bench.toolFor('report')).toBeUndefined();
    await bench.scripts.look();
    expect(bench.lines).toMatchObject([
      { msg: 'scripts of skills are not offered', why: 'no walls', remedy: 'Build some.' },
    ]);

    bench.readiness = { kind: 'ready' };
    await bench.scripts.look();
    expect(await bench.toolFor('report')).toBeDefined();
    expect(bench.lines.at(-1)).toMatchObject({ msg: 'scripts of skills can be run' });
  });

  it('is offered to a turn that was given a skill with scripts, and names those', async () => {
    const bench = new Bench();
    bench.put('workspace', 'report', { 'scripts/run.py': '', 'scripts/data.json': '' });
    bench.put('workspace', 'plain', { 'notes.md': '' });

    const tool = await bench.toolFor('please do the report');

    expect(tool?.description).toContain('There is: report: scripts/run.py.');
    expect(tool?.inputSchema).toMatchObject({
      properties: { skill: { enum: ['report'] }, script: { enum: ['scripts/run.py'] } },
    });
    expect(JSON.stringify(tool?.inputSchema)).not.toContain('sha256');
    expect(await bench.toolFor('something plain')).toBeUndefined();
    expect(await bench.toolFor('nothing that anybody knows')).toBeUndefined();
  });

  it('waits for a human by the rules, as the risk of it is, and is never run inside a turn', async () => {
    const bench = new Bench();
    bench.put('workspace', 'report', { 'scripts/run.py': '' });
    const tool = (await bench.toolFor('report'))!;
    const call = { id: 'c1', tool: RUN_SCRIPT, input: { skill: 'report', script: 'scripts/run.py' } };
    const screened = (...written: Parameters<typeof rules>) =>
      aToolbox(rules(...written), { tools: [tool] }).screen(call);

    expect(screened().kind).toBe('refused');
    expect(screened({ name: 'scripts', tool: RUN_SCRIPT, ...ASK_MANAGER })).toMatchObject({
      kind: 'held',
      decision: { kind: 'ask' },
      args: { sha256: expect.stringMatching(/^[0-9a-f]{64}$/) },
    });
    expect(screened({ name: 'scripts', tool: RUN_SCRIPT, decision: 'allow' }).kind).toBe('held');
    expect(tool).toMatchObject({ risk: 'high', tells: 'outsider', reversible: false });
  });

  it('takes the place of the one without a turn in the list of a turn, or none does', async () => {
    const bench = new Bench();
    bench.put('workspace', 'report', { 'scripts/run.py': '' });
    const tool = await bench.toolFor('report');
    const catalog = new ToolCatalog([], undefined, [bench.scripts]);

    expect(catalog.replacing(RUN_SCRIPT, tool).find(RUN_SCRIPT)).toBe(tool);
    expect(catalog.replacing(RUN_SCRIPT, tool).specs).toMatchObject([{ description: tool?.description }]);
    expect(catalog.replacing(RUN_SCRIPT, undefined).specs).toEqual([]);
    expect(
      catalog
        .narrowedTo(new Set(['recall']))
        .replacing(RUN_SCRIPT, tool)
        .names(),
    ).toEqual([]);
  });
});

describe('a call', () => {
  it('is for scripts of the skills of its turn alone', async () => {
    const bench = new Bench();
    bench.put('workspace', 'report', { 'scripts/run.py': '' });
    bench.put('workspace', 'other', { 'scripts/other.py': '' });

    expect(await bench.call('report', { skill: 'report', script: 'scripts/run.py' })).toMatchObject({
      args: [],
      stdin: '',
    });
    expect(await bench.call('report', { skill: 'other', script: 'scripts/other.py' })).toMatch(
      /no such script/,
    );
    expect(await bench.call('report', { skill: 'report', script: 'scripts/other.py' })).toMatch(
      /no such script/,
    );
  });

  it.each([
    '../other/scripts/run.py',
    'scripts/../../other/scripts/other.py',
    'scripts/../SKILL.md',
    '/etc/passwd',
    'run.py',
    'scripts/',
    'SKILL.md',
    'scripts/run.py\0',
    './scripts/run.py',
  ])('is refused for anything but a script by its name: %j', async (script) => {
    const bench = new Bench();
    bench.put('workspace', 'report', { 'scripts/run.py': '' });
    bench.put('workspace', 'other', { 'scripts/other.py': '' });
    const good = (await bench.call('report', { skill: 'report', script: 'scripts/run.py' })) as ScriptCall;

    expect(await bench.call('report', { skill: 'report', script })).toMatch(/no such script/);
    expect(await bench.execute({ ...good, script })).toMatchObject({
      status: 'error',
      text: expect.stringMatching(/^Not run/),
    });
    expect(bench.ran).toEqual([]);
  });

  it('cannot say itself which content it is for', async () => {
    const bench = new Bench();
    bench.put('workspace', 'report', { 'scripts/run.py': '' });

    const wish = { skill: 'report', script: 'scripts/run.py', sha256: '0'.repeat(64) };
    expect(await bench.call('report', wish)).toMatch(/unrecognized/i);
  });

  it('runs what was agreed to, with its arguments, its input and what lies beside it', async () => {
    const bench = new Bench();
    const folder = bench.put('workspace', 'report', { 'scripts/run.py': 'print(42)', 'data.csv': 'a' });
    const call = await bench.call('report', {
      skill: 'report',
      script: 'scripts/run.py',
      args: ['--all'],
      stdin: '{}',
    });

    await bench.execute(call);

    expect(call).toMatchObject({ sha256: await HASH(folder) });
    expect(bench.ran).toMatchObject([
      { path: 'scripts/run.py', args: ['--all'], stdin: '{}', interpreter: ['/usr/bin/env', 'python3'] },
    ]);
    expect(bench.ran[0]?.content.files.map(({ path }) => path)).toEqual([
      'SKILL.md',
      'data.csv',
      'scripts/run.py',
    ]);
  });

  it.each([
    ['the script itself', 'scripts/run.py'],
    ['what lies beside it', 'scripts/helper.py'],
    ['the page', 'SKILL.md'],
  ])('is not run once %s is another one, and nobody is asked about it', async (_, path) => {
    const bench = new Bench();
    const folder = bench.put('workspace', 'report', { 'scripts/run.py': '1', 'scripts/helper.py': '' });
    const call = await bench.call('report', { skill: 'report', script: 'scripts/run.py' });
    expect(await bench.preview(call)).toMatchObject({
      changes: [],
      basis: expect.stringContaining((call as ScriptCall).sha256),
    });

    writeFileSync(join(folder, path), `${readFileSync(join(folder, path), 'utf8')}\nimport os`);

    await expect(bench.preview(call)).rejects.toThrow(FutileCallError);
    expect(await bench.execute(call)).toEqual({
      status: 'error',
      text: 'Not run: the files of the skill report are not what they were.',
    });
    expect(bench.ran).toEqual([]);
  });

  it('is not run once the skill is gone, is switched off, or scripts are', async () => {
    const bench = new Bench();
    const folder = bench.put('workspace', 'report', { 'scripts/run.py': '1' });
    const call = await bench.call('report', { skill: 'report', script: 'scripts/run.py' });
    const [tool] = bench.scripts.tools();

    const entries = { report: { enabled: false } };
    bench.configure({ entries });
    expect((await tool!.execute(call, context)).text).toContain('there is no skill report in use');
    bench.configure({ entries: {}, scripts: ScriptSettings.parse({}) });
    expect((await tool!.execute(call, context)).text).toContain('scripts of skills are switched off');
    bench.configure({ scripts: ScriptSettings.parse({ enabled: true }) });
    rmSync(folder, { recursive: true });
    await bench.shelf.registry.reload();
    expect((await tool!.execute(call, context)).text).toContain('there is no skill report in use');
    expect(bench.ran).toEqual([]);
  });
});

describe('scripts that others wrote', () => {
  it('are offered and run only while the hash of all their files stands in the configuration', async () => {
    const bench = new Bench();
    const folder = bench.put('managed', 'foreign', { 'scripts/run.py': 'print(42)' });
    const wish = { skill: 'foreign', script: 'scripts/run.py' };
    const pin = async () =>
      bench.configure({ entries: { foreign: { enabled: true, scripts_hash: await HASH(folder) } } });

    expect(await bench.toolFor('foreign')).toBeUndefined();
    expect(bench.lines.at(-1)).toMatchObject({
      msg: 'scripts of a skill are not run',
      skill: 'foreign',
      why: expect.stringContaining(
        `signalbox config set settings.skills.entries.foreign.scripts_hash ${await HASH(folder)}`,
      ),
    });

    await pin();
    const call = await bench.call('foreign', wish);
    expect((await bench.execute(call)).status).toBe('ok');

    writeFileSync(join(folder, 'scripts/run.py'), 'print("another")');
    expect(await bench.toolFor('foreign')).toBeUndefined();
    expect((await bench.execute(call)).text).toContain('it has changed since');

    // Agreed to by whoever reads it, the new content is no more what the human had said yes to.
    await pin();
    expect((await bench.execute(call)).text).toContain('are not what they were');
    expect(bench.ran).toHaveLength(1);
  });

  it('are said not to be run once, however often they would be called for', async () => {
    const bench = new Bench();
    bench.put('managed', 'foreign', { 'scripts/run.py': '' });

    for (let n = 0; n < 3; n++) await bench.toolFor('foreign');

    expect(bench.lines.filter(({ msg }) => msg === 'scripts of a skill are not run')).toHaveLength(1);
  });

  it('are held to the hash also where they are our own, if there is one', async () => {
    const bench = new Bench({ entries: { report: { enabled: true, scripts_hash: '0'.repeat(64) } } });
    bench.put('workspace', 'report', { 'scripts/run.py': '' });

    expect(await bench.toolFor('report')).toBeUndefined();
  });

  it('are not run if a link leads out of their folder', async () => {
    const bench = new Bench();
    const folder = bench.put('workspace', 'report', { 'scripts/run.py': '' });
    const call = await bench.call('report', { skill: 'report', script: 'scripts/run.py' });
    symlinkSync('/etc/hostname', join(folder, 'scripts/out.py'));

    expect(await bench.toolFor('report')).toBeUndefined();
    expect((await bench.execute(call)).text).toContain(
      'scripts/out.py is a link, and links are not followed',
    );
  });
});

describe('what came of a run', () => {
  async function told(says: ScriptRun | Error): Promise<ToolOutput> {
    const bench = new Bench();
    bench.put('workspace', 'report', { 'scripts/run.py': '' });
    const call = await bench.call('report', { skill: 'report', script: 'scripts/run.py' });
    bench.says = says;
    return bench.execute(call);
  }

  /** The request it ran for, as it is kept then: the tool runs outside the turn. */
  function afterRunning(output: ToolOutput): Approval {
    const asked = anApproval({ request: { tool: RUN_SCRIPT } });
    const approved = vote(asked, aVote(asked), OPENED_MS).result.approval;
    const running = claim(approved, 'w1', approved.digest, OPENED_MS).moved!.next;
    const { status, text, ...whose } = toldOutsideTurn(output);
    return complete(running, 1, { status, text, ...whoseOf(whose) }, OPENED_MS).moved!.next;
  }

  it('OM-094 is told whole: whether it worked, what it said, its errors, how long it took', async () => {
    expect(await told(WELL)).toEqual({
      status: 'ok',
      heading: 'scripts/run.py of report 1.0.0 has run (after 0.3 s).',
      text: 'Output:\n42',
      source: 'the script scripts/run.py of report 1.0.0',
    });
    expect(
      await told({ ...WELL, end: { kind: 'exited', code: 3 }, stdout: '', stderr: 'no such order' }),
    ).toEqual({
      status: 'error',
      heading: 'scripts/run.py of report 1.0.0 failed with exit code 3 (after 0.3 s).',
      text: 'Errors:\nno such order',
      source: 'the script scripts/run.py of report 1.0.0',
    });
    expect(await told({ ...WELL, end: { kind: 'exited', code: 3 }, stdout: '' })).toEqual({
      status: 'error',
      text: 'scripts/run.py of report 1.0.0 failed with exit code 3 (after 0.3 s). It wrote nothing.',
    });
    expect(await told({ ...WELL, stdout: '' })).toEqual({
      status: 'ok',
      text: 'scripts/run.py of report 1.0.0 has run (after 0.3 s). It wrote nothing.',
    });
    expect(await told({ ...WELL, stdout: '', stderr: 'a warning' })).toMatchObject({
      heading: 'scripts/run.py of report 1.0.0 has run (after 0.3 s).',
      text: 'Errors:\na warning',
    });
  });

  it('OM-187 is kept apart from the words of the script where people and the agent read it, whatever it says of itself', async () => {
    const lie = 'scripts/run.py of report 1.0.0 has run (after 0.3 s).';
    const says = { ...WELL, end: { kind: 'exited', code: 3 }, stdout: lie } as const;

    const after = afterRunning(await told(says));

    const heading = 'scripts/run.py of report 1.0.0 failed with exit code 3 (after 0.3 s).';
    const source = 'the script scripts/run.py of report 1.0.0';
    expect(standing(after)).toContain(`It did not work: ${heading} (words of ${source}): Output:⏎ ${lie}`);
    expect(toldIn(after)).toBe(`${heading}\nWords of ${source}:\nOutput:\n${lie}`);
    expect(standing(afterRunning(await told({ ...says, stdout: '' })))).not.toContain('words of');
  });

  it.each([
    ['out-of-time', 'was stopped: it ran longer than 30 s'],
    ['out-of-cpu-time', 'was stopped: it used more than 20 s of a processor'],
    ['out-of-disk', 'was stopped: it wrote more than 32000000 bytes to a file'],
    ['too-much-output', 'was stopped: it wrote more than 400000 bytes; these are the first'],
    ['broken-off', 'was broken off'],
  ] as const)('OM-042 is told as such if it was stopped: %s', async (kind, words) => {
    const output = await told({ ...WELL, end: { kind }, stdout: 'the beginning' });

    expect(output.status).toBe('error');
    expect(output.heading).toContain(words);
    expect(output.text).toContain('the beginning');
  });

  it('is told to be nothing if it never began', async () => {
    expect(await told({ ...WELL, end: { kind: 'not-started', why: 'bwrap: no' } })).toEqual({
      status: 'error',
      text: 'Not run: the sandbox could not be built: bwrap: no.',
    });
    expect(await told(new Error('no space left'))).toEqual({
      status: 'error',
      text: 'Not run: no space left.',
    });
  });

  it('hides nothing from those who read it', async () => {
    expect((await told({ ...WELL, stdout: 'a\u001b[2Jb\u202Ec\u200B' })).text).toMatch(/Output:\na\[2Jbc$/);
  });
});

describe('scripts at the same time', () => {
  it('are as many as the configuration says; the others wait, and one whose time is over is not begun', async () => {
    const bench = new Bench({}, { enabled: true, at_once: 2 });
    bench.put('workspace', 'report', { 'scripts/run.py': '' });
    const call = await bench.call('report', { skill: 'report', script: 'scripts/run.py' });
    const [tool] = bench.scripts.tools();

    let open = () => {};
    bench.gate = new Promise((resolve) => {
      open = resolve;
    });

    const running = Promise.all([
      ...Array.from({ length: 5 }, () => bench.execute(call)),
      tool!.execute(call, { ...context, signal: AbortSignal.abort() }),
    ]);
    while (bench.ran.length < 2) await new Promise((resolve) => setImmediate(resolve));
    open();
    const outputs = await running;

    expect(bench.mostAtOnce).toBe(2);
    expect(outputs.map(({ status }) => status)).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'error']);
    expect(bench.ran).toHaveLength(5);
  });
});
