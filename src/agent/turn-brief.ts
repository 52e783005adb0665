/**
 * What one turn is given to think with: the model, instructions, skills, tools, and what of the transcript is shown.
 *
 *   occasion ─▶ skills that fit ─▶ tools they leave ─▶ instructions, history ─▶ brief
 *
 * Invariants
 *   1. It is made of the configuration in force when the turn begins; what is checked at each call is looked up at that
 *      call (`Toolbox`).
 *   2. A skill that is not said changes nothing: where the instructions leave skills out, none is looked for.
 */
import { LRUCache } from 'lru-cache';
import type { Authorizations } from '../config/authorizations.ts';
import type { Config } from '../config/load-config.ts';
import { type Held, strategyFor } from '../config/memory.ts';
import type { Settings } from '../config/settings.ts';
import type { Clock } from '../domain/clock.ts';
import type { MessageDirectives, PromptMode } from '../domain/directive.ts';
import type { ConversationId } from '../domain/ids.ts';
import { type Address, channelsOf } from '../domain/message.ts';
import { type Entry, hasOthers } from '../domain/transcript.ts';
import type { Recollection, Remembered } from '../memory/recollection.ts';
import { KnownSecrets } from '../observability/known-secrets.ts';
import type { Logger } from '../observability/logger.ts';
import { type ChosenSkills, NO_SKILLS, type SkillRegistry } from '../skills/skill-registry.ts';
import { RUN_SCRIPT } from '../skills/skill-scripts.ts';
import { BudgetedModel, type ContextBudget } from './compaction/budgeted-model.ts';
import { estimateText } from './compaction/token-estimate.ts';
import { lastSaid, summaryHolds, toHistory } from './history.ts';
import type { ModelClient } from './model/model-client.ts';
import { LocalTime } from './prompt/local-time.ts';
import { type BuiltPrompt, buildPrompt, type PromptSection } from './prompt/prompt-builder.ts';
import { researchPrompt } from './prompt/research-prompt.ts';
import { sectionsOf, skillsKeptOut } from './prompt/sections.ts';
import { skillsSection } from './prompt/skills-section.ts';
import { Researcher } from './research/researcher.ts';
import type { OutputShelf } from './tools/output.ts';
import { channelNamesOf } from './tools/profiles.ts';
import type { ToolCatalog } from './tools/tool-catalog.ts';
import { type Requester, Toolbox } from './tools/toolbox.ts';
import type { TurnSetup } from './turn.ts';

/** Different instructions whose length is remembered: one for each mode, profile and purpose in use. */
const MOST_INSTRUCTIONS = 64;

export interface BriefDeps {
  readonly config: () => Config;
  readonly model: () => ModelClient;
  readonly tools: ToolCatalog;
  readonly outputs: OutputShelf;
  readonly skills: Pick<SkillRegistry, 'choose'>;
  readonly recollection: Pick<Recollection, 'forTurn'>;
  /** Whether one person alone reads what is said there. */
  readonly reach: { isPrivate(place: Address): boolean };
  readonly clock: Clock;
}

/** Why there is a turn, and for whom. */
export interface Occasion {
  readonly conversationId: ConversationId;
  readonly requester: Requester;
  /** Of the requester, at the moment of the question. */
  readonly rolesNow: () => readonly string[];
  /** The transcript as stored, newest last, as far back as it was read. */
  readonly stored: readonly string[];
  /** What its beginning brought about; before the opening. */
  readonly news: readonly Entry[];
  /** What it is about. */
  readonly opening: Entry;
  /** What the author of the message behind it asked for. */
  readonly directives?: MessageDirectives;
  /** Where it was asked; left out: nowhere that anything is said of. */
  readonly at?: Address;
  /** Whether it has what is kept for elevated messages, at the moment of the question. */
  readonly isElevated?: () => boolean;
}

export interface TurnBrief {
  readonly setup: Pick<
    TurnSetup,
    | 'model'
    | 'systemPrompt'
    | 'guidance'
    | 'tools'
    | 'maxSteps'
    | 'turnStart'
    | 'requester'
    | 'heard'
    | 'outlet'
    | 'inquire'
  >;
  /** Ends with the opening. */
  readonly history: readonly Entry[];
  /** Name and version of each skill it was given. */
  readonly skills: readonly string[];
  readonly instructions: Instructions;
}

/** What the instructions were made of, for people who look at them. */
export interface Instructions {
  readonly mode: PromptMode;
  /** All there are, whether they are said or not. */
  readonly sections: readonly PromptSection[];
  readonly prompt: BuiltPrompt;
}

export class TurnBriefs {
  readonly #localTime = new LocalTime();
  readonly #secrets: KnownSecrets;
  /** What instructions come to, in tokens: they hardly ever change. */
  readonly #systemTokens = new LRUCache<string, number>({
    max: MOST_INSTRUCTIONS,
    memoMethod: estimateText,
  });

  constructor(private readonly deps: BriefDeps) {
    this.#secrets = new KnownSecrets(deps.config);
  }

  async prepare(occasion: Occasion, log: Logger): Promise<TurnBrief> {
    const { conversationId, requester, rolesNow, stored, news, opening, directives } = occasion;
    const { purpose, settings } = this.deps.config();
    const mode = directives?.mode ?? settings.prompt.mode;
    const held = { conversationId, channels: occasion.at ? channelsOf(occasion.at) : [] };
    const isPrivate = occasion.at !== undefined && this.deps.reach.isPrivate(occasion.at);
    const history = toHistory(stored);
    const isAlone = isPrivate && !hasOthers([...history, ...news, opening], requester.person);
    const [skills, remembered] = await Promise.all([
      skillsKeptOut(settings.prompt, mode) ? NO_SKILLS : this.#skillsFor(occasion, log),
      this.deps.recollection.forTurn(held, isAlone ? requester.person : undefined),
    ]);
    const memory = summaryHolds(stored, history, remembered.summarisedThrough)
      ? remembered
      : withoutSummary(remembered);
    const standing = {
      authorizations: (): Authorizations => this.deps.config().authorizations,
      roles: rolesNow,
      isPrivate,
      asked: () => ({
        channels: occasion.at ? channelNamesOf(occasion.at) : [requester.platform],
        profile: directives?.profile,
        elevated: occasion.isElevated?.() ?? false,
      }),
    };
    // Of scripts a turn has those of its skills.
    const left = this.deps.tools.narrowedTo(skills.tools).replacing(RUN_SCRIPT, skills.scriptTool);
    const tools = new Toolbox(left, standing, requester, conversationId, this.deps.outputs);
    const timeZone = this.#localTime.zoneOf(settings.prompt);
    const now = this.#localTime.textAt(this.deps.clock.now(), timeZone);
    const sections = sectionsOf({
      purpose,
      settings: settings.prompt,
      tools: tools.list(),
      skills: skillsSection(skills.given, skills.leftOut),
      memory,
      directives,
      now,
      timeZone,
    });
    const prompt = buildPrompt(sections, mode);
    const researcher = new Researcher({
      settings: settings.research,
      systemPrompt: researchPrompt(purpose),
      now: `It is ${now}.`,
      clock: this.deps.clock,
      log,
    });
    return {
      setup: {
        model: new BudgetedModel(this.deps.model(), budgetOf(settings, held, memory), log, (text) =>
          this.#systemTokens.memo(text),
        ),
        systemPrompt: prompt.system,
        guidance: prompt.turn,
        tools,
        maxSteps: settings.model.max_steps,
        turnStart: history.length,
        requester: requester.person,
        heard: [...(memory.strangers ?? []), ...unreadIn(skills)],
        inquire: (questions, inquiry, signal) => researcher.inquire(questions, inquiry, signal),
        outlet: { hosts: settings.outgoing.link_hosts, secrets: this.#secrets.list() },
      },
      history: [...history, ...news, opening],
      skills: skills.given.map(({ label }) => label),
      instructions: { mode, sections, prompt },
    };
  }

  async #skillsFor({ stored, opening, requester }: Occasion, log: Logger): Promise<ChosenSkills> {
    const skills = await this.deps.skills.choose(lastSaid(opening, stored), requester.platform);
    const { given, leftOut, tools } = skills;
    if (given.length > 0 || leftOut.length > 0) {
      const labels = given.map(({ label }) => label);
      log.info(
        { skills: labels, leftOut, ...(tools ? { tools: [...tools] } : {}) },
        'a turn was given skills',
      );
    }
    return skills;
  }
}

/** Skills of others that nobody here has read, in words for people. */
function unreadIn({ given }: Pick<ChosenSkills, 'given'>): string[] {
  return given.flatMap(({ label, isUnread }) =>
    isUnread ? [`the skill “${label}”, which nobody here has read`] : [],
  );
}

/** What is known of a person holds all the same. */
function withoutSummary({ person }: Remembered): Remembered {
  return person === undefined ? {} : { person };
}

function budgetOf(
  { memory, model }: Pick<Settings, 'memory' | 'model'>,
  held: Held,
  { summarisedThrough }: Remembered,
): ContextBudget {
  return {
    strategy: strategyFor(memory, held),
    contextTokens: memory.context_tokens,
    answerTokens: model.max_tokens,
    thinkingTokens: model.thinking_tokens,
    cutTo: memory.cut_to,
    summarisedThrough,
  };
}
