/**
 * `propose_skill`: the agent writes down how work is done here, and a human says whether it is so.
 *
 *   seen again and again ─▶ proposal ─▶ a human reads all of it ─yes─▶ SKILL.md in the workspace ─▶ used from now on
 *                                                                └───▶ learning record: who, why, what it was before
 *
 * Invariants
 *   1. A skill is written only when a human has said yes to just that: no rule, no silence and no standing yes does.
 *   2. What is written is what was shown, over what was shown to be there.
 *   3. A second run of the same call changes nothing more.
 */
import { structuredPatch } from 'diff';
import type { SkillSettings } from '../config/skills.ts';
import type { Clock } from '../domain/clock.ts';
import { FutileCallError } from '../domain/errors.ts';
import type { ApprovalId } from '../domain/ids.ts';
import type { Preview, Tool, ToolContext, ToolOutput } from '../domain/tool.ts';
import type { LearningStore, Named } from './learning-store.ts';
import { callsFor, misreadOf, Proposal, toSkillText, versionAfter, whyNotOver } from './proposal.ts';
import type { Shelf } from './shelf.ts';
import { isReadable } from './skill.ts';
import { basisOf, placeOf, type SkillPlace, writeSkill } from './skill-place.ts';
import type { SkillRegistry } from './skill-registry.ts';
import { PROPOSE_SKILL } from './turn-measure.ts';
import { measureTurns, type Transcripts } from './turn-scan.ts';

const TIMEOUT_MS = 60_000;
/** What turns before it are measured over. */
export const BEFORE_MS = 30 * 24 * 3_600_000;
/** Places of a difference that are shown one by one; of more the whole text is. */
const MOST_PLACES = 15;

/** A human's yes to a call. */
export interface Agreement {
  readonly requester: Named;
  readonly by: readonly Named[];
  /** What the preview was made from. */
  readonly basis: string | undefined;
}

export interface ProposeSkillParts {
  /** Those in force at the moment of the call. */
  readonly settings: () => SkillSettings;
  readonly registry: Pick<SkillRegistry, 'reload'> & { shelf(): Pick<Shelf, 'standings'> };
  readonly learning: LearningStore;
  readonly transcripts: Transcripts;
  /** Undefined where no human has said yes to just this call. */
  readonly agreement: (id: ApprovalId) => Promise<Agreement | undefined>;
  readonly clock: Clock;
}

export function createProposeSkillTool(parts: ProposeSkillParts): Tool {
  const tool: Tool<typeof Proposal> = {
    name: PROPOSE_SKILL,
    group: 'system',
    family: 'skills',
    version: 1,
    description:
      'Proposes a skill: a page of instructions you are shown from then on when a message calls for it. Use it when you see the same kind of work again and again and know how it is done here. A human reads all of it and decides.',
    input: Proposal,
    risk: 'high',
    effect: 'idempotent',
    reversible: true,
    isAskedAlone: true,
    timeoutMs: TIMEOUT_MS,
    preview: (proposal) => foresee(parts, proposal),
    execute: (proposal, context) => learn(parts, proposal, context),
  };
  // The list of tools holds tools of different inputs, each checked by its own schema first.
  return tool as unknown as Tool;
}

// ── Before it is asked ───────────────────────────────────────────────────────────────────────────────────────

async function foresee(parts: ProposeSkillParts, proposal: Proposal): Promise<Preview> {
  const off = whyOff(parts.settings(), proposal.name);
  if (off !== undefined) throw new FutileCallError(off, OURS);
  const place = await findPlace(parts, proposal);
  if (typeof place === 'string') throw new FutileCallError(place);
  const { now, below } = place;
  if (now && isWritten(proposal, place)) {
    throw new FutileCallError(`the skill ${proposal.name} says just that already`, OURS);
  }
  const named = whyNotNamed(proposal, place);
  if (named !== undefined) throw new FutileCallError(named, OURS);
  const over = whyNotInPlaceOf(proposal, place);
  if (over !== undefined) throw new FutileCallError(over);
  const version = versionAfter(now?.skill.reading.head.version);
  const text = toSkillText(proposal, version);
  const misread = misreadOf(proposal, text);
  if (misread !== undefined) throw new FutileCallError(`it would not be read as a skill: ${misread}`, OURS);
  return {
    changes: changesBetween(now?.text, text),
    basis: basisOf(place, proposal.name),
    told: {
      title: `${proposal.name} ${version}`,
      facts: [
        { label: 'skill', value: `${proposal.name} ${version}` },
        { label: 'file', value: place.path },
        { label: 'takes the place of', value: replacedText(place) },
        { label: 'is used for', value: proposal.description },
        { label: 'is called for by', value: proposal.keywords.join(', ') },
        { label: 'leaves a turn the tools', value: proposal.allowed_tools?.join(', ') ?? 'all it has' },
        { label: 'because', value: proposal.pattern },
        { label: 'is to lower', value: proposal.measure },
        ...(below ? [{ label: 'overrides', value: below.source }] : []),
      ],
    },
  };
}

/** Of reasons in words of ours and of the proposal alone; others repeat what lies in folders. */
const OURS = { trust: 'tool' } as const;

/** In words, a part of a sentence, why it cannot be. */
async function findPlace(
  { settings, registry }: ProposeSkillParts,
  proposal: Proposal,
): Promise<SkillPlace | string> {
  const off = whyOff(settings(), proposal.name);
  if (off !== undefined) return off;
  await registry.reload();
  return placeOf(settings().workspace, proposal.name, registry.shelf().standings);
}

function whyOff({ enabled, entries }: SkillSettings, name: string): string | undefined {
  if (!enabled) return 'skills are switched off here';
  return entries[name]?.enabled === false ? `the skill ${name} is switched off here` : undefined;
}

function whyNot(proposal: Proposal, place: SkillPlace): string | undefined {
  return whyNotNamed(proposal, place) ?? whyNotInPlaceOf(proposal, place);
}

/** Of what is used now under that name, wherever it comes from: what it may not do, the new one may not either. */
function whyNotInPlaceOf(proposal: Proposal, { now, below }: SkillPlace): string | undefined {
  const replaced = now?.skill ?? below;
  if (!replaced) return undefined;
  if (isReadable(replaced)) return whyNotOver(proposal, replaced.reading.head);
  return `the skill ${proposal.name} that is ${replaced.source} cannot be read; a person has to look at it`;
}

function whyNotNamed({ name, overrides }: Proposal, { now, below }: SkillPlace): string | undefined {
  if (overrides !== undefined && below?.source !== overrides) {
    return `there is no skill ${name} that is ${overrides}; leave out overrides`;
  }
  if (below && !now && overrides === undefined) {
    return `there is a skill ${name} already, which is ${below.source}; take another name, or say overrides: ${below.source}`;
  }
  return undefined;
}

function isWritten(proposal: Proposal, { now }: SkillPlace): boolean {
  return now !== undefined && now.text === toSkillText(proposal, now.skill.reading.head.version);
}

function replacedText({ now, below }: SkillPlace): string {
  if (now) return `${now.skill.reading.head.version} in the workspace`;
  return below ? `the skill of this name that is ${below.source}` : 'nothing';
}

/** The whole of a new one; of another version every place that differs, or both as a whole. */
function changesBetween(before: string | undefined, after: string): Preview['changes'] {
  if (before === undefined) return [{ label: 'SKILL.md', after }];
  const { hunks } = structuredPatch('', '', before, after, undefined, undefined, { context: 0 });
  if (hunks.length > MOST_PLACES) return [{ label: 'SKILL.md', before, after }];
  return hunks.map(({ oldStart, oldLines, newStart, lines }) => ({
    label: oldLines > 0 ? `line ${oldStart}` : `new line ${newStart}`,
    ...(oldLines > 0 ? { before: linesWith('-', lines) } : {}),
    after: linesWith('+', lines) || 'nothing',
  }));
}

function linesWith(sign: '+' | '-', lines: readonly string[]): string {
  return lines
    .filter((line) => line.startsWith(sign))
    .map((line) => line.slice(1))
    .join('\n');
}

// ── After the yes ────────────────────────────────────────────────────────────────────────────────────────────

async function learn(
  parts: ProposeSkillParts,
  proposal: Proposal,
  context: ToolContext,
): Promise<ToolOutput> {
  const { approvalId, conversationId, signal } = context;
  const agreed = approvalId && (await parts.agreement(approvalId));
  if (!approvalId || !agreed) {
    return failed('a human has to say yes to just this call; a rule or an earlier yes is not enough');
  }
  const { name } = proposal;
  const known = await parts.learning.find(approvalId);
  if (known) return learned(name, known.version);
  const place = await findPlace(parts, proposal);
  if (typeof place === 'string') return failed(place);
  const isDone = isWritten(proposal, place);
  if (!isDone && agreed.basis !== basisOf(place, name)) {
    return failed(`things have changed since it was asked: ${basisOf(place, name)}`);
  }
  const why = isDone ? undefined : whyNot(proposal, place);
  if (why !== undefined) return failed(why);
  const before = place.now?.skill.reading.head.version;
  const version = isDone && before !== undefined ? before : versionAfter(before);

  const { description, keywords, pattern, measure } = proposal;
  const calledBy = { matcher: parts.settings().matcher, description, keywords };
  const untilMs = parts.clock.now();
  const fits = callsFor({ name, ...calledBy }, calledBy.matcher);
  const wish = { measure, fromMs: untilMs - BEFORE_MS, untilMs, fits };
  const [measured = { turns: 0 }] = await measureTurns(parts.transcripts, [wish], signal);

  if (!isDone) await writeSkill(place, toSkillText(proposal, version));
  await parts.registry.reload();
  await parts.learning.keep({
    id: approvalId,
    skill: name,
    version,
    proposed: { conversationId, by: agreed.requester },
    approvedBy: [...agreed.by],
    pattern,
    measure,
    calledBy,
    before: measured,
  });
  const standing = parts.registry.shelf().standings.find(({ file }) => file.path === place.path);
  if (standing?.kind === 'active') return learned(name, version);
  const lack = standing?.kind === 'ineligible' ? standing.lacks[0]?.message : undefined;
  return failed(`${place.path} is written, and it cannot be used: ${lack ?? 'it is not found there'}`);
}

function learned(name: string, version: string): ToolOutput {
  return {
    status: 'ok',
    text: `The skill ${name} ${version} is in use from the next message on that calls for it.`,
  };
}

function failed(why: string): ToolOutput {
  return { status: 'error', text: `No skill was learned: ${why}.` };
}
