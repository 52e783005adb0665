/**
 * Programs that skills bring along, as one tool of the agent: offered to a turn that was given such a skill, where a
 * sandbox works.
 *
 *   skills of the turn ─▶ their folders ─▶ scripts by name, hash of all files ─▶ call ─▶ a human's yes to just that
 *                                                                                          │
 *   sandbox ◀── a copy of what has that hash ◀── still in use? still what was read? ◀──────┘
 *
 * Owns      which scripts may be run, and what the agent is told of them.
 * Not here  the walls around one (`script-sandbox.ts`), and who has to agree (`authorizations.yaml`).
 *
 * Invariants
 *   1. A turn can call for scripts of the skills it was given and for no other; which content that is, is part of the
 *      call, so that a yes counts for exactly that.
 *   2. What is run is a copy of files that have the hash of the call. Of a third party it is run only while that hash
 *      stands in the configuration, whatever `skills.third_party` says.
 *   3. What a script says is the word of a stranger.
 *   4. Nothing about a script keeps a turn from going on, or the gateway from starting.
 */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import pLimit from 'p-limit';
import { z } from 'zod';
import { type ScriptSettings, SkillName, type SkillSettings } from '../config/skills.ts';
import { FutileCallError } from '../domain/errors.ts';
import { dropInvisible } from '../domain/outside-text.ts';
import type { Tool, ToolOutput, ToolSource } from '../domain/tool.ts';
import type { Logger } from '../observability/logger.ts';
import { type FolderContent, type FolderReading, readFolder, scriptsIn } from './folder-content.ts';
import type { Interpreter } from './interpreter.ts';
import type { ScriptRun } from './script-process.ts';
import type { Readiness, ScriptSandbox } from './script-sandbox.ts';
import type { Shelf } from './shelf.ts';
import { isThirdParty, labelOf, type Skill } from './skill.ts';
import type { ChosenSkills, GivenSkill, SkillRegistry } from './skill-registry.ts';

export const RUN_SCRIPT = 'run_skill_script';

/** For a place among the scripts that run at the same time, and for what bubblewrap and the copy take, in ms. */
const MARGIN_MS = 60_000;
const MOST_ARGS = 32;
const MAX_ARG_CHARS = 4_000;
const MAX_STDIN_CHARS = 64_000;

/** What the model writes. */
const Wish = z.strictObject({
  skill: SkillName,
  script: z.string().min(1).max(300),
  args: z
    .array(
      z
        .string()
        .max(MAX_ARG_CHARS)
        .regex(/^[^\0]*$/, 'must have no NUL'),
    )
    .max(MOST_ARGS)
    .default([]),
  stdin: z.string().max(MAX_STDIN_CHARS).default(''),
});

/** The call: also which content of the skill's folder it is for. */
export const ScriptCall = Wish.extend({ sha256: z.string().regex(/^[0-9a-f]{64}$/) });
export type ScriptCall = z.infer<typeof ScriptCall>;

export interface SkillScriptsOptions {
  /** Those in force at the moment of the call. */
  readonly settings: () => SkillSettings;
  readonly registry: Pick<SkillRegistry, 'choose'> & { shelf(): Pick<Shelf, 'active'> };
  readonly sandbox: Pick<ScriptSandbox, 'probe' | 'run'>;
  readonly log: Logger;
}

/** What a skill has to run, and of which content. */
export interface SkillProgram {
  readonly skill: string;
  readonly label: string;
  readonly content: FolderContent;
  readonly scripts: ReadonlyMap<string, Interpreter>;
}

export class SkillScripts implements ToolSource {
  readonly name = 'skill-scripts';
  readonly #places = pLimit(1);
  readonly #told = new Set<string>();
  #readiness: Readiness | undefined;
  #made: { readonly from: ScriptSettings; readonly tools: readonly Tool[] } | undefined;
  #stopping = new AbortController();

  constructor(private readonly options: SkillScriptsOptions) {}

  /** Finds out whether scripts can be run here, if they are to be. Never rejects. */
  async start(): Promise<void> {
    if (this.#stopping.signal.aborted) this.#stopping = new AbortController();
    await this.look();
  }

  /** Ends what still runs. */
  async stop(): Promise<void> {
    this.#stopping.abort(new Error('the gateway stops'));
  }

  /** The same, when the configuration may be another one. What has worked is not tried again. */
  async look(): Promise<void> {
    const { scripts } = this.options.settings();
    if (!scripts.enabled || this.#readiness?.kind === 'ready') return;
    const before = this.#readiness;
    const found = await this.options.sandbox.probe(scripts, this.#stopping.signal);
    this.#readiness = found;
    if (found.kind === 'ready') this.options.log.info({}, 'scripts of skills can be run');
    else if (before?.kind !== 'unable' || before.why !== found.why) {
      const { why, remedy } = found;
      this.options.log.warn({ why, remedy }, 'scripts of skills are not offered');
    }
  }

  /** One tool, or none where scripts cannot be run. */
  tools(): readonly Tool[] {
    const { scripts } = this.options.settings();
    if (!scripts.enabled || this.#readiness?.kind !== 'ready') return NO_TOOLS;
    if (this.#made?.from !== scripts) this.#made = { from: scripts, tools: [this.#toolFor(scripts)] };
    return this.#made.tools;
  }

  /** What a message gets of the skills, with the tool as its turn has it. */
  async choose(text: string, platform: string): Promise<ChosenSkills> {
    const chosen = await this.options.registry.choose(text, platform);
    const [tool] = this.tools();
    const programs = tool ? await this.#programsOf(chosen.given) : [];
    if (!tool || programs.length === 0) return chosen;
    return { ...chosen, scriptTool: boundTo(programs, tool) };
  }

  async #programsOf(given: readonly GivenSkill[]): Promise<SkillProgram[]> {
    const { active } = this.options.registry.shelf();
    const found = await Promise.all(
      given.map(async ({ name }) => {
        const skill = active.get(name);
        return skill && this.#programOf(skill);
      }),
    );
    return found.filter((program) => program !== undefined);
  }

  /** Undefined where there is none, or none that may be run; then why is in the log, once. */
  async #programOf(skill: Skill): Promise<SkillProgram | undefined> {
    const read = await programOf(skill, this.options.settings());
    if (typeof read !== 'string') return read;
    const told = `${skill.id} ${read}`;
    if (this.#told.has(told)) return undefined;
    this.#told.add(told);
    this.options.log.warn({ skill: skill.id, why: read }, 'scripts of a skill are not run');
    return undefined;
  }

  #toolFor(settings: ScriptSettings): Tool<typeof ScriptCall> {
    return {
      name: RUN_SCRIPT,
      group: 'automation',
      family: 'scripts',
      version: 1,
      description: DESCRIPTION,
      input: ScriptCall,
      inputSchema: z.toJSONSchema(Wish, { io: 'input' }),
      // It is somebody else's program, however high the walls around it are.
      risk: 'high',
      effect: 'idempotent',
      // What the agent has heard of it stays heard; so no yes counts for more than one run.
      reversible: false,
      timeoutMs: settings.timeout + MARGIN_MS,
      tells: 'outsider',
      composes: true,
      preview: async (call) => {
        const found = await this.#found(call);
        if (typeof found === 'string') throw new FutileCallError(found);
        return { changes: [], basis: `content ${found.content.sha256}` };
      },
      execute: (call, { signal }) => this.#run(call, AbortSignal.any([signal, this.#stopping.signal])),
    };
  }

  /** What a call is about, as things are now; in words, the end of a sentence, why it cannot be run. */
  async #found({ skill: name, script, sha256 }: ScriptCall): Promise<SkillProgram | string> {
    const settings = this.options.settings();
    if (!settings.enabled || !settings.scripts.enabled) return 'scripts of skills are switched off';
    if (this.#readiness?.kind !== 'ready') return 'scripts cannot be run here';
    const skill = this.options.registry.shelf().active.get(name);
    if (!skill) return `there is no skill ${name} in use`;
    const program = await programOf(skill, settings);
    if (typeof program === 'string') return program;
    if (program?.scripts.has(script) !== true) return `the skill ${name} has no script ${script}`;
    return program.content.sha256 === sha256
      ? program
      : `the files of the skill ${name} are not what they were`;
  }

  async #run(call: ScriptCall, signal: AbortSignal): Promise<ToolOutput> {
    const { scripts: limits } = this.options.settings();
    this.#places.concurrency = limits.at_once;
    return this.#places(async () => {
      const found = await this.#found(call);
      const interpreter = typeof found === 'string' ? undefined : found.scripts.get(call.script);
      if (typeof found === 'string' || !interpreter) return notRun(String(found));
      if (signal.aborted) return notRun('there was no place for it in time');
      const { content, label } = found;
      const { script: path, args, stdin } = call;
      try {
        const run = await this.options.sandbox.run(
          { content, path, interpreter, args, stdin },
          limits,
          signal,
        );
        const { kind } = run.end;
        this.options.log.info(
          { skill: label, script: path, end: kind, ms: run.durationMs },
          'a script was run',
        );
        return toOutput(run, `${path} of ${label}`, limits);
      } catch (error) {
        return notRun(error instanceof Error ? error.message : String(error));
      }
    });
  }
}

const NO_TOOLS: readonly Tool[] = [];

const DESCRIPTION = [
  'Runs a script of a skill you were given, as that skill says, and tells what it wrote. It runs alone: without a network,',
  'without any file but those of its skill, with nothing left of it afterwards. So all it is to work on goes into stdin or args.',
].join(' ');

/**
 * What a skill has to run, as its files are now; in words, the end of a sentence, why that may not be run; undefined
 * where it brings nothing along. Never rejects.
 */
export async function programOf(
  skill: Skill,
  { entries }: Pick<SkillSettings, 'entries'>,
): Promise<SkillProgram | string | undefined> {
  const folder = dirname(skill.path);
  if (!existsSync(join(folder, 'scripts'))) return undefined;
  const reading = await readFolder(folder).catch(toRefusal);
  if (reading.kind === 'refused') return `no script of the skill ${skill.id} is run: ${reading.why}`;
  const { content } = reading;
  const scripts = scriptsIn(content);
  if (scripts.size === 0) return undefined;
  const why = unread(skill, content, entries[skill.id]?.scripts_hash);
  return why ?? { skill: skill.id, label: labelOf(skill), content, scripts };
}

function toRefusal(error: unknown): FolderReading {
  return {
    kind: 'refused',
    why: `its folder cannot be read: ${error instanceof Error ? error.message : String(error)}`,
  };
}

/** Why its files do not count as read by somebody here. Nobody has to pin what is their own; who does is held to it. */
function unread(skill: Skill, { sha256 }: FolderContent, pinned: string | undefined): string | undefined {
  if (pinned === sha256 || (pinned === undefined && !isThirdParty(skill))) return undefined;
  const what = pinned === undefined ? 'nobody here has said that they read it' : 'it has changed since';
  const key = `settings.skills.entries.${skill.id}.scripts_hash`;
  return `no script of the skill ${skill.id} is run: ${what}. Read all of ${dirname(skill.path)}, then: signalbox config set ${key} ${sha256}`;
}

/** The tool as one turn has it: for these scripts alone, of the content they have now. */
function boundTo(programs: readonly SkillProgram[], tool: Tool): Tool {
  const bySkill = new Map(programs.map((program) => [program.skill, program]));
  const there = programs.flatMap(({ skill, scripts }) =>
    [...scripts.keys()].map((name) => `${skill}: ${name}`),
  );
  const listed = there.join(', ');
  const names = [...new Set(programs.flatMap(({ scripts }) => [...scripts.keys()]))];
  const offered = Wish.extend({ skill: z.enum([...bySkill.keys()]), script: z.enum(names) });
  return {
    ...tool,
    description: `${DESCRIPTION} There is: ${listed}.`,
    inputSchema: z.toJSONSchema(offered, { io: 'input' }),
    input: Wish.transform((wish, context): ScriptCall => {
      const program = bySkill.get(wish.skill);
      if (program?.scripts.has(wish.script)) return { ...wish, sha256: program.content.sha256 };
      context.addIssue({
        code: 'custom',
        path: ['script'],
        message: `there is no such script; there is: ${listed}`,
      });
      return z.NEVER;
    }),
  };
}

// ── What came of it ──────────────────────────────────────────────────────────────────────────────────────────

function notRun(why: string): ToolOutput {
  return { status: 'error', text: `Not run: ${why}.` };
}

/** What the script wrote is not the gateway's word, so it stands apart from how the run ended. */
function toOutput(
  { end, stdout, stderr, durationMs }: ScriptRun,
  what: string,
  limits: ScriptSettings,
): ToolOutput {
  if (end.kind === 'not-started') return notRun(`the sandbox could not be built: ${dropInvisible(end.why)}`);
  const isWell = end.kind === 'exited' && end.code === 0;
  const status = isWell ? 'ok' : 'error';
  const heading = `${what} ${endText(end, limits)} (after ${(durationMs / 1_000).toFixed(1)} s).`;
  const output = [...said('Output', stdout), ...said('Errors', stderr)];
  if (output.length === 0) return { status, text: `${heading} It wrote nothing.` };
  return { status, heading, text: output.join('\n\n'), source: `the script ${what}` };
}

function endText(end: Exclude<ScriptRun['end'], { kind: 'not-started' }>, limits: ScriptSettings): string {
  switch (end.kind) {
    case 'exited':
      return end.code === 0 ? 'has run' : `failed with exit code ${end.code}`;
    case 'out-of-time':
      return `was stopped: it ran longer than ${limits.timeout / 1_000} s`;
    case 'out-of-cpu-time':
      return `was stopped: it used more than ${limits.cpu_time / 1_000} s of a processor`;
    case 'out-of-disk':
      return `was stopped: it wrote more than ${limits.max_disk_bytes} bytes to a file`;
    case 'too-much-output':
      return `was stopped: it wrote more than ${limits.max_output_bytes} bytes; these are the first`;
    case 'broken-off':
      return 'was broken off';
    default:
      return end satisfies never;
  }
}

function said(name: string, text: string): string[] {
  const shown = dropInvisible(text).trimEnd();
  return shown === '' ? [] : [`${name}:\n${shown}`];
}
