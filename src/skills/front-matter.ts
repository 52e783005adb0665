/**
 * The head of a SKILL.md, by the Agent Skills format (agentskills.io, "Specification") and a few keys of ours.
 *
 * Lenient where the format's own ecosystem is: what only breaks a recommendation is remarked on and loads. Strict
 * where leniency would give away something: a requirement that is misspelled, or a limit that is not kept here,
 * refuses the skill. Pure.
 */
import { FAILSAFE_SCHEMA, load, YAMLException } from 'js-yaml';
import semver from 'semver';
import { z } from 'zod';

/** Agent Skills, "Specification", name. */
const MAX_NAME_CHARS = 64;
/** Agent Skills, "Specification", description. */
const MAX_DESCRIPTION_CHARS = 1_024;
/** What a skill counts as that does not say. */
export const FIRST_VERSION = '1.0.0';
/** More aliases than this and the head is refused: a few that stand for each other come to gigabytes. */
const MAX_ALIASES = 20;

export type HeadReading =
  | { readonly kind: 'read'; readonly head: SkillHead; readonly remarks: readonly string[] }
  | { readonly kind: 'broken'; readonly why: string };

export interface SkillHead {
  readonly id: string;
  /** As it is written. */
  readonly name: string;
  readonly description: string;
  readonly version: string;
  /** Words and phrases that call for it. */
  readonly keywords: readonly string[];
  readonly requires: Requirements;
  /** Names of the only tools it works with; undefined where it does not say. */
  readonly allowedTools: readonly string[] | undefined;
  /** Platforms it is for; undefined: all but the denied ones. */
  readonly allowedChannels: readonly string[] | undefined;
  readonly deniedChannels: readonly string[];
}

export interface Requirements {
  readonly os: readonly string[];
  readonly binaries: readonly string[];
  readonly config: readonly string[];
  readonly providers: readonly string[];
  readonly skills: readonly SkillNeed[];
  /** A range of versions of Signalbox; undefined: any. */
  readonly signalbox: string | undefined;
}

export interface SkillNeed {
  readonly id: string;
  /** A range of versions; `*`: any. */
  readonly range: string;
}

/** The file in two: what stands between the first two rules, and everything behind them. Undefined without a head. */
export function splitSkill(text: string): { readonly yaml: string; readonly body: string } | undefined {
  const match = HEAD.exec(text);
  return match ? { yaml: match[1] ?? '', body: text.slice(match[0].length).trim() } : undefined;
}

/** True if `start` holds the whole head, whatever comes behind it. */
export function holdsHead(start: string): boolean {
  return HEAD.exec(start)?.[0].endsWith('\n') ?? false;
}

const HEAD = /^\uFEFF?---[^\S\n]*\n((?:(?!---[^\S\n]*(?:\n|$))[^\n]*\n)*)---[^\S\n]*(?:\n|$)/;

/** @param folder name of the folder the file is in */
export function readHead(yaml: string, folder: string): HeadReading {
  const remarks: string[] = [];
  const parsed = parseLeniently(yaml, remarks);
  if ('why' in parsed) return { kind: 'broken', why: parsed.why };
  const checked = Head.safeParse(parsed.value);
  if (!checked.success) return { kind: 'broken', why: wrongKeys(checked.error) };
  const written = checked.data;
  const name = written.name?.trim() || written.id?.trim() || folder;
  const why = whyNot(written, name);
  if (why !== undefined) return { kind: 'broken', why };
  const head = toHead(written, name, remarks);
  return { kind: 'read', head, remarks: [...remarks, ...remarksOn(written, head, folder)] };
}

/** Why a head whose keys are right cannot be used all the same. */
function whyNot(written: Head, name: string): string | undefined {
  if (toSkillId(name) === undefined) {
    return `its name "${shortened(name)}" has to be lower-case letters, digits and hyphens`;
  }
  if (!written.description?.trim()) return 'it has no description';
  const { skills = [], signalbox } = written.requires ?? {};
  if (!skills.every((each) => toNeed(each) !== undefined)) {
    return 'requires.skills takes names, or a name and a range: jira-hygiene@^1.2.0';
  }
  if (signalbox !== undefined && semver.validRange(signalbox) === null) {
    return `requires.signalbox is no range of versions: "${shortened(signalbox)}"`;
  }
  return notKept(written);
}

function toHead(written: Head, name: string, remarks: string[]): SkillHead {
  return {
    id: toSkillId(name) ?? name,
    name,
    description: written.description?.trim() ?? '',
    version: versionOf(written, remarks),
    keywords: keywordsOf(written),
    requires: requirementsOf(written),
    allowedTools: written['allowed-tools'] ?? written.allowed_tools ?? written.tools,
    ...channelsOf(written, remarks),
  };
}

/** What somebody names to be denied, and nothing is called, denies nothing. */
function channelsOf(
  { security }: Head,
  remarks: string[],
): Pick<SkillHead, 'allowedChannels' | 'deniedChannels'> {
  const names = (list: readonly string[]) => list.map((each) => each.trim().toLowerCase());
  const denied = names(security?.denied_channels ?? []);
  const unknown = denied.filter((each) => !CHANNELS.includes(each));
  if (unknown.length > 0) {
    remarks.push(
      `security.denied_channels names ${shortened(unknown.join(', '))}, and there are only ${CHANNELS.join(', ')}`,
    );
  }
  return {
    allowedChannels: security?.allowed_channels && names(security.allowed_channels),
    deniedChannels: denied,
  };
}

/** What channels are called, in rules as in skills. */
const CHANNELS: readonly string[] = ['slack', 'discord', 'jira', 'email', 'web', 'cli'];

function requirementsOf({ requires = {}, eligibility = {}, required_providers = [] }: Head): Requirements {
  return {
    os: [...(requires.os ?? []), ...(eligibility.os ?? [])],
    binaries: [...(requires.binaries ?? []), ...(eligibility.binaries ?? [])],
    config: [...(requires.config ?? []), ...(eligibility.config_flags ?? [])],
    providers: [
      ...(requires.providers ?? []),
      ...(eligibility.required_providers ?? []),
      ...required_providers,
    ],
    skills: (requires.skills ?? []).map(toNeed).filter((need) => need !== undefined),
    signalbox: requires.signalbox,
  };
}

/** Lower-case and with hyphens for spaces; undefined for what could be no name, or a path. */
export function toSkillId(name: string): string | undefined {
  const id = name
    .trim()
    .toLowerCase()
    .replaceAll(/[\s_]+/g, '-');
  return /^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(id) ? id : undefined;
}

// ── What may stand in it ─────────────────────────────────────────────────────────────────────────────────────

/** A list, or its entries in one line with commas between. */
const List = z.preprocess(
  (value) =>
    typeof value === 'string'
      ? value
          .split(',')
          .map((each) => each.trim())
          .filter(Boolean)
      : value,
  z.array(z.string().trim().min(1)),
);

/** As the format has them: in one line, with spaces between. Parentheses hold together what they enclose. */
const ToolList = z.preprocess(
  (value) => (typeof value === 'string' ? (value.match(/[^\s,(]+(?:\([^)]*\))?/g) ?? []) : value),
  z.array(z.string().trim().min(1)),
);

const Triggers = z.union([
  List,
  z.object({ keywords: List.optional(), patterns: List.optional(), intents: List.optional() }),
]);

const Head = z.looseObject({
  name: z.string().optional(),
  id: z.string().optional(),
  description: z.string().optional(),
  version: z.string().optional(),
  license: z.string().optional(),
  compatibility: z.string().optional(),
  metadata: z.unknown().optional(),
  keywords: List.optional(),
  triggers: Triggers.optional(),
  requires: z
    .strictObject({
      os: List.optional(),
      binaries: List.optional(),
      config: List.optional(),
      providers: List.optional(),
      skills: List.optional(),
      signalbox: z.string().optional(),
    })
    .optional(),
  eligibility: z
    .strictObject({
      os: List.optional(),
      binaries: List.optional(),
      config_flags: List.optional(),
      required_providers: List.optional(),
    })
    .optional(),
  required_providers: List.optional(),
  security: z
    .strictObject({
      allowed_channels: List.optional(),
      denied_channels: List.optional(),
      approval_required: z.string().optional(),
      admin_only: z.string().optional(),
    })
    .optional(),
  'allowed-tools': ToolList.optional(),
  allowed_tools: ToolList.optional(),
  tools: ToolList.optional(),
});
type Head = z.infer<typeof Head>;

const Metadata = z.looseObject({ version: z.string().optional(), keywords: List.optional() });

const KNOWN: ReadonlySet<string> = new Set(Object.keys(Head.shape));

/** A limit that is not kept here must not look as if it were. */
function notKept({ security }: Head): string | undefined {
  const isPromised = (value: string | undefined) => value !== undefined && value.toLowerCase() !== 'false';
  const promised = (['admin_only', 'approval_required'] as const).find((key) => isPromised(security?.[key]));
  return (
    promised &&
    `security.${promised} is not kept by a skill: say in authorizations.yaml who may make which call, and who is asked`
  );
}

// ── Reading it ───────────────────────────────────────────────────────────────────────────────────────────────

/**
 * Every scalar is text (YAML's failsafe schema), so that `version: 1.10` stays what it is. A value with a colon in
 * it, which other programs let pass, is tried again with quotes.
 */
function parseLeniently(yaml: string, remarks: string[]): { value: unknown } | { why: string } {
  const options = { schema: FAILSAFE_SCHEMA, maxAliases: MAX_ALIASES };
  try {
    return { value: load(yaml, options) || {} };
  } catch (error) {
    try {
      const value: unknown = load(quoted(yaml), options);
      remarks.push('its head is not quite YAML: put values that have a colon in quotes');
      return { value };
    } catch {
      return { why: `its head is no YAML: ${whyNoYaml(error)}` };
    }
  }
}

function whyNoYaml(error: unknown): string {
  if (!(error instanceof YAMLException)) return error instanceof Error ? error.message : String(error);
  return error.mark ? `${error.reason}, line ${error.mark.line + 1}` : error.reason;
}

/** Puts the values of plain lines in quotes that have a colon, or begin with what YAML reads as something else. */
function quoted(yaml: string): string {
  return yaml.replaceAll(
    /^([A-Za-z][\w-]*):[^\S\n]+(?!["'|>[{])(.*(?::[^\S\n]|:$|[^\S\n]#).*|[%@`&*!].*)$/gm,
    (_, key: string, value: string) => `${key}: ${JSON.stringify(value.trim())}`,
  );
}

function wrongKeys(error: z.ZodError): string {
  return error.issues
    .map((issue) => {
      const at = issue.path.join('.');
      if (issue.code !== 'unrecognized_keys') return `${at || 'its head'}: ${issue.message.toLowerCase()}`;
      return `${at} has no ${issue.keys.join(', ')}: a requirement that nobody checks would always seem to be met`;
    })
    .join('; ');
}

function keywordsOf({ keywords, triggers, metadata }: Head): string[] {
  const listed = Array.isArray(triggers)
    ? triggers
    : [...(triggers?.keywords ?? []), ...(triggers?.patterns ?? [])];
  return [
    ...new Set([...(keywords ?? []), ...listed, ...(Metadata.safeParse(metadata).data?.keywords ?? [])]),
  ];
}

function versionOf({ version, metadata }: Head, remarks: string[]): string {
  const written = version ?? Metadata.safeParse(metadata).data?.version;
  if (written === undefined || written.trim() === '') return FIRST_VERSION;
  const valid = semver.valid(written) ?? semver.coerce(written)?.version;
  if (valid) return valid;
  remarks.push(`"${shortened(written)}" is no version; it counts as ${FIRST_VERSION}`);
  return FIRST_VERSION;
}

/** Undefined for what is no name, or no range of versions. */
function toNeed(written: string): SkillNeed | undefined {
  const [name = '', range = '*'] = written.split(/@(.*)/s);
  const id = toSkillId(name);
  const wanted = range.trim() || '*';
  return id === undefined || semver.validRange(wanted) === null ? undefined : { id, range: wanted };
}

function remarksOn(written: Head, { name, id, description }: SkillHead, folder: string): string[] {
  const unknown = Object.keys(written).filter((key) => !KNOWN.has(key));
  return [
    ...(written.name === undefined ? [`it has no name; it goes by its folder's, ${id}`] : []),
    ...(name !== id ? [`its name is read as ${id}`] : []),
    ...(id !== folder ? [`its folder is called ${shortened(folder)}, not ${shortened(id)}`] : []),
    ...(name.length > MAX_NAME_CHARS ? [`its name has more than ${MAX_NAME_CHARS} characters`] : []),
    ...(description.length > MAX_DESCRIPTION_CHARS
      ? [`its description has more than ${MAX_DESCRIPTION_CHARS} characters`]
      : []),
    ...unknown.map((key) => `\`${shortened(key)}\` means nothing here`),
  ];
}

function shortened(text: string): string {
  return text.length <= 80 ? text : `${text.slice(0, 80)}…`;
}
