/**
 * `signalbox prompt`: the instructions a message would be answered with, section by section.
 *
 *   who, where, what ─▶ an occasion ─▶ `TurnBriefs`, as in a turn ─▶ shown
 *
 * Invariants
 *   1. What is shown is what `agent/turn-brief.ts` makes of the occasion; nothing is put together here.
 *   2. Nothing that looks like a secret, or is one of the configuration, is printed.
 */
import { estimateOverhead, estimateText } from '../agent/compaction/token-estimate.ts';
import { EchoClient } from '../agent/model/echo-client.ts';
import { byPlace, isLasting, keptOut, type PromptSection } from '../agent/prompt/prompt-builder.ts';
import { trustOf } from '../agent/provenance.ts';
import type { Requester } from '../agent/tools/toolbox.ts';
import { type Occasion, type TurnBrief, TurnBriefs } from '../agent/turn-brief.ts';
import { didYouMean } from '../config/schema-check.ts';
import { systemClock } from '../domain/clock.ts';
import type { MessageDirectives, PromptMode } from '../domain/directive.ts';
import { AppError } from '../domain/errors.ts';
import { dropUnreadable } from '../domain/file-name.ts';
import { AccountId, ConversationId, PersonId, Platform } from '../domain/ids.ts';
import type { Address } from '../domain/message.ts';
import { guestIdOf, type Person } from '../domain/person.ts';
import type { Entry } from '../domain/transcript.ts';
import { CLI_PLATFORM, Directory } from '../identity/directory.ts';
import { aloneBy } from '../memory/alone.ts';
import { Recollection } from '../memory/recollection.ts';
import { createLogger } from '../observability/logger.ts';
import { redactText, secretsOf } from '../observability/redaction.ts';
import { wantsElevation } from '../router/elevation.ts';
import { readMessageDirectives } from '../router/message-directives.ts';
import { actorOf, demand } from './actor.ts';
import { named } from './conversations.ts';
import { type GatewayConfig, readConfig } from './prepare.ts';
import { openRegistry } from './skills.ts';
import { table } from './table.ts';
import { openCatalog, unknownPerson } from './tools.ts';
import { withKnownStores } from './with-stores.ts';

/** There is no such platform. The message says what there is. */
class UnknownPlatformError extends AppError {
  override readonly code = 'UNKNOWN_PLATFORM';
}

export interface PromptOptions {
  readonly config: string;
  readonly person?: string;
  readonly platform: string;
  readonly channel?: string;
  readonly message?: string;
  readonly mode?: PromptMode;
  readonly conversation?: string;
  readonly full: boolean;
  readonly json: boolean;
}

/** What is stored of the conversation, and of the one who asks. */
interface Kept {
  readonly conversationId: ConversationId;
  readonly stored: readonly string[];
  readonly recollection: Pick<Recollection, 'forTurn'>;
}

/** @throws {AppError} when there is no such person, platform or conversation */
export async function showPrompt(options: PromptOptions): Promise<number> {
  if (options.conversation === undefined) return showWith(readConfig(options.config), NOTHING_KEPT, options);
  return withKept(options.conversation, options, (config, kept) => showWith(config, kept, options));
}

async function showWith(written: GatewayConfig, kept: Kept, options: PromptOptions): Promise<number> {
  const config = options.mode === undefined ? written : inMode(written, options.mode);
  const { occasion, notes } = toOccasion(config, kept, options);
  const brief = await briefFor(config, occasion, kept);
  const hide = (text: string) => dropUnreadable(redactText(text, secretsOf(config)));
  const shown = toShown(occasion, brief);
  const text = options.full ? { system: hide(shown.system), turn: hide(shown.turn ?? '') } : undefined;
  const facts = { ...shown.facts, notes };
  const hidden = (_: string, value: unknown) => (typeof value === 'string' ? hide(value) : value);
  const out = options.json
    ? JSON.stringify({ ...facts, ...(text ? { text } : {}) }, hidden, 2)
    : hide(render(facts, text));
  process.stdout.write(`${out}\n`);
  return 0;
}

// ── The occasion ─────────────────────────────────────────────────────────────────────────────────────────────────────

function toOccasion(
  config: GatewayConfig,
  { conversationId, stored }: Kept,
  { person: name, platform, channel, message = '' }: PromptOptions,
): { occasion: Occasion; notes: readonly string[] } {
  const directory = new Directory(() => config);
  const person = name === undefined ? undefined : personIn(directory, name);
  const requester = toRequester(config, person, toPlatform(config, platform));
  const read = readMessageDirectives(message);
  const directives = read?.directives;
  const occasion: Occasion = {
    conversationId,
    requester,
    rolesNow: () => requester.roles,
    stored,
    news: [],
    opening: toOpening(directory, requester, read?.text ?? message),
    ...(directives ? { directives } : {}),
    at: toAddress(platform, channel),
    isElevated: () => wantsElevation(directives),
  };
  const mayLift = directory.may(requester.roles, 'elevate');
  return { occasion, notes: notesOn(config, directives, mayLift) };
}

function personIn(directory: Directory, name: string): Person {
  const person = directory.find(PersonId.safeParse(name).data ?? NOBODY);
  if (person) return person;
  throw unknownPerson(
    name,
    directory.people().map(({ id }) => id),
  );
}

/** No person of `contacts.yaml` goes by it. */
const NOBODY = guestIdOf(AccountId.parse('cli:somebody'));

function toRequester(
  { authorizations }: GatewayConfig,
  person: Person | undefined,
  platform: string,
): Requester {
  if (person) return { person: person.id, name: person.name, roles: person.roles, platform };
  const { guest_role: guestRole } = authorizations;
  return {
    person: NOBODY,
    name: 'somebody unknown',
    roles: guestRole === undefined ? [] : [guestRole],
    platform,
  };
}

function toPlatform({ settings }: GatewayConfig, platform: string): string {
  const known = [...Object.keys(settings.gateways), String(CLI_PLATFORM)];
  if (known.includes(platform)) return platform;
  const meant = didYouMean(platform, known);
  const hint = meant === undefined ? `There is: ${known.join(', ')}.` : `Did you mean ${meant}?`;
  throw new UnknownPlatformError(`There is no platform ${platform}. ${hint}`);
}

function toAddress(platform: string, channel: string | undefined): Address {
  return { platform: Platform.parse(platform), route: channel === undefined ? {} : { channel } };
}

/** With nothing said, something happened: what was said last is what skills are looked for with. */
function toOpening(directory: Directory, { person, name, roles }: Requester, text: string): Entry {
  const at = new Date(systemClock.now()).toISOString();
  if (text === '') return { kind: 'event', text, at };
  const trust = trustOf(directory.standingOf(person, roles));
  return { kind: 'user', from: { person, name }, text, trust, at };
}

function notesOn(
  { settings }: GatewayConfig,
  directives: MessageDirectives | undefined,
  mayLift: boolean,
): string[] {
  return [
    ...(wantsElevation(directives) && !mayLift
      ? ['/elevated: somebody is asked first; this is what it is answered with once they have said yes.']
      : []),
    ...((directives?.overridden.length ?? 0) > 0
      ? [`Overridden by what stands behind it: ${directives?.overridden.join(', ')}.`]
      : []),
    ...(Object.keys(settings.mcp.servers).length > 0
      ? ['Tools of MCP servers are not counted: they are known to a gateway that runs.']
      : []),
  ];
}

function inMode(config: GatewayConfig, mode: PromptMode): GatewayConfig {
  const { settings } = config;
  return { ...config, settings: { ...settings, prompt: { ...settings.prompt, mode } } };
}

// ── What is stored ───────────────────────────────────────────────────────────────────────────────────────────────────

const NOTHING_KEPT: Kept = {
  conversationId: ConversationId.parse('cli:prompt'),
  stored: [],
  recollection: { forTurn: async () => ({}) },
};

/** What others said in a conversation is for whoever runs the gateway. */
async function withKept<Result>(
  conversation: string,
  { config: folder }: PromptOptions,
  work: (config: GatewayConfig, kept: Kept) => Promise<Result>,
): Promise<Result> {
  return withKnownStores(folder, async (session) => {
    const { config, directory, memory, transcripts } = session;
    demand(directory, actorOf(config, directory), 'operate', 'see what a conversation is told');
    const conversationId = await named(session, conversation);
    const entries = await transcripts.read(conversationId, config.settings.limits.history_entries);
    return work(config, {
      conversationId,
      stored: entries.map(({ json }) => json),
      recollection: new Recollection(memory, () => config.settings.memory, aloneBy(transcripts)),
    });
  });
}

async function briefFor(
  config: GatewayConfig,
  occasion: Occasion,
  { recollection }: Kept,
): Promise<TurnBrief> {
  const tools = await openCatalog(config);
  const skills = await openRegistry(config, tools);
  const briefs = new TurnBriefs({
    config: () => config,
    model: () => new EchoClient(), // never asked
    tools,
    outputs: { keep: async () => 0 },
    skills,
    recollection,
    // As where nobody else reads it: what there is to know of a person is looked at here.
    reach: { isPrivate: () => true },
    clock: systemClock,
  });
  return briefs.prepare(occasion, createLogger({ level: 'silent' }));
}

// ── Shown ────────────────────────────────────────────────────────────────────────────────────────────────────────────

interface ShownSection {
  readonly name: string;
  readonly priority: number;
  /** From which mode on it is said. */
  readonly from: string;
  readonly enabled: boolean;
  /** `system`: with every turn, from the cache; `turn`: behind the conversation. Null: it is not, and `why`. */
  readonly said: 'system' | 'turn' | null;
  readonly why?: string;
  readonly chars: number;
  readonly tokens: number;
}

interface Shown {
  readonly facts: Facts;
  readonly system: string;
  readonly turn: string | undefined;
}

interface Facts {
  readonly person: string;
  readonly roles: readonly string[];
  readonly place: string;
  readonly mode: PromptMode;
  readonly directives: readonly string[];
  readonly skills: readonly string[];
  readonly sections: readonly ShownSection[];
  readonly system: Size;
  readonly turn: Size;
  readonly tools: { readonly count: number; readonly tokens: number };
  readonly notes?: readonly string[];
}

interface Size {
  readonly chars: number;
  readonly tokens: number;
}

function toShown({ requester, directives, at }: Occasion, { setup, skills, instructions }: TurnBrief): Shown {
  const { mode, sections, prompt } = instructions;
  const { specs } = setup.tools;
  const place = at?.route.channel === undefined ? requester.platform : `${at.platform}:${at.route.channel}`;
  return {
    system: prompt.system,
    turn: prompt.turn,
    facts: {
      person: requester.name,
      roles: requester.roles,
      place,
      mode,
      directives: directives?.asked ?? [],
      skills,
      sections: sections
        .toSorted(byPlace)
        .map((section) => toShownSection(section, mode, prompt.sections.includes(section))),
      system: sizeOf(prompt.system),
      turn: sizeOf(prompt.turn ?? ''),
      tools: { count: specs.length, tokens: estimateOverhead({ system: '', tools: specs }) },
    },
  };
}

function toShownSection(section: PromptSection, mode: PromptMode, isSaid: boolean): ShownSection {
  const { name, priority, minMode, enabled, text } = section;
  const about = { name, priority, from: minMode, enabled, ...sizeOf(text.trim()) };
  if (isSaid) return { ...about, said: isLasting(section) ? 'system' : 'turn' };
  return { ...about, said: null, why: keptOut(section, mode) ?? 'nothing to say' };
}

function sizeOf(text: string): Size {
  return { chars: text.length, tokens: estimateText(text) };
}

function render(facts: Facts, text: { readonly system: string; readonly turn: string } | undefined): string {
  const { person, roles, place, mode, directives, skills, sections, system, turn, tools, notes = [] } = facts;
  const rows = sections.map((section) => [
    section.name,
    `${section.priority}`,
    section.from,
    section.enabled ? 'on' : 'off',
    section.said ?? `– ${section.why}`,
    `${section.chars}`,
    `${section.tokens}`,
  ]);
  const asked = directives.length === 0 ? '' : `, asked for ${directives.join(', ')}`;
  return [
    `For ${person} (${roles.join(', ') || 'no role'}) on ${place}, in mode ${mode}${asked}.`,
    table(['section', 'priority', 'from mode', 'switched', 'said', 'characters', 'tokens'], rows),
    [
      `system  ${sizeText(system)}: the same from turn to turn, so read from the cache`,
      `turn    ${sizeText(turn)}: said behind the conversation, for this turn alone`,
      `beside  ${tools.count} tools, described in about ${tools.tokens} tokens`,
      'Tokens are estimated, on the high side.',
    ].join('\n'),
    ...(skills.length === 0 ? [] : [`Skills that fit: ${skills.join(', ')}.`]),
    ...notes,
    ...(text ? [`── system ──\n\n${text.system}`] : []),
    ...(text && text.turn !== '' ? [`── turn ──\n\n${text.turn}`] : []),
  ].join('\n\n');
}

function sizeText({ chars, tokens }: Size): string {
  return `${chars} characters, about ${tokens} tokens`;
}
