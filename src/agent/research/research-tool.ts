/**
 * The tool by which the agent has several questions looked into at once: `research`.
 *
 * Owns      what it takes, and how findings are told: in the order of the questions, each with its answer, what it was
 *           read with, and whether it ended early.
 * Not here  how one question is looked into (`researcher.ts`), what is shown of a long output (`tools/output.ts`).
 *
 * Invariant: findings in which strangers' words were read are told as theirs, so that the turn that reads them is held
 * like one that has read those words itself.
 */
import { z } from 'zod';
import type { ResearchSettings } from '../../config/research.ts';
import { FutileCallError } from '../../domain/errors.ts';
import { framed } from '../../domain/outside-text.ts';
import type { Trust } from '../../domain/provenance.ts';
import type { Finding, Tool, ToolOutput, ToolSource } from '../../domain/tool.ts';

export const RESEARCH = 'research';

/** Of tools that have questions looked into. */
export const RESEARCH_FAMILY = 'research';

/** Longest question, in characters: it has to say all that is needed, and no more than that. */
const QUESTION_CHARS = 2_000;

/** Each question has a time of its own, so that this is never what ends it. */
const NEVER_MS = 24 * 60 * 60_000;

/** The tool as the present settings have it. */
export class ResearchTools implements ToolSource {
  #made: { readonly from: ResearchSettings; readonly tools: readonly Tool[] } | undefined;

  constructor(private readonly settings: () => ResearchSettings) {}

  tools(): readonly Tool[] {
    const settings = this.settings();
    // A tool takes its own input; the list holds tools of different inputs, each checked by its own schema first.
    if (this.#made?.from !== settings)
      this.#made = { from: settings, tools: [createResearchTool(settings) as unknown as Tool] };
    return this.#made.tools;
  }
}

export function createResearchTool({ questions }: Pick<ResearchSettings, 'questions'>) {
  const input = z.strictObject({
    questions: z
      .array(z.string().trim().min(1).max(QUESTION_CHARS))
      .min(1)
      .max(questions)
      .describe('Each with all that is needed to answer it: names, addresses, keys, what is meant by “it”.'),
  });
  const tool: Tool<typeof input> = {
    name: RESEARCH,
    group: 'system',
    family: RESEARCH_FAMILY,
    version: 1,
    description:
      `Looks into up to ${questions} questions at the same time, each in a context of its own, with those of your tools ` +
      'that only read, and tells what was found on each. Use it when several things have to be found out that do not ' +
      'depend on each other, or when much has to be read for a short answer; for a single quick look call the tool ' +
      'itself. Whoever looks into a question sees neither this conversation nor the other questions, changes nothing ' +
      'and asks nobody.',
    input,
    risk: 'low',
    effect: 'read',
    reversible: true,
    // An answer is the agent's own words, whoever was read for it.
    composes: true,
    timeoutMs: NEVER_MS,
    async preview() {
      throw new FutileCallError(
        'questions are looked into while you answer, and by the rules this would have to wait for a human; look into them yourself',
        { trust: 'tool' },
      );
    },
    async execute(args, { inquire, signal }) {
      if (!inquire) return { status: 'error', text: 'Questions are looked into only while you answer.' };
      return toOutput(await inquire(args.questions, signal));
    },
  };
  return tool;
}

/** Exported for tests of the words alone. */
export function toOutput(findings: readonly Finding[]): ToolOutput {
  const trust = trustOf(findings);
  return {
    status: findings.every(({ kind }) => kind === 'failed') ? 'error' : 'ok',
    text: findings.map(toText).join('\n\n'),
    ...(trust === undefined ? {} : { trust }),
    seen: [...new Set(findings.flatMap(({ seen = [] }) => seen))],
  };
}

function toText(finding: Finding, index: number): string {
  return [
    `## Question ${index + 1}: ${finding.question.replaceAll(/\s+/g, ' ')}`,
    ...answerOf(finding, `the answer to question ${index + 1}`),
    `Read with: ${listed(finding.sources)}.`,
  ].join('\n');
}

function answerOf(finding: Finding, about: string): string[] {
  switch (finding.kind) {
    case 'answered':
      return [told(finding, about)];
    case 'cut':
      return [
        `[Ended before it was done: ${finding.why}. What follows is what there was until then.]`,
        told(finding, about),
      ];
    case 'failed':
      return [`[No answer: ${finding.why}.]`];
    default:
      return finding satisfies never;
  }
}

/** What strangers had a part in cannot pass for the answer to another question. */
function told({ text, trust }: Extract<Finding, { readonly text: string }>, about: string): string {
  return trust === undefined
    ? text
    : framed(`${about}, for which words of others (${trust}) were read`, text);
}

/** `jira_get_issue (2 calls), web_fetch` */
function listed(sources: readonly string[]): string {
  const calls = new Map<string, number>();
  for (const source of sources) calls.set(source, (calls.get(source) ?? 0) + 1);
  const names = [...calls].map(([name, count]) => (count === 1 ? name : `${name} (${count} calls)`));
  return names.join(', ') || 'nothing';
}

/** Of the least trusted of them. */
function trustOf(findings: readonly Finding[]): Trust | undefined {
  const all = new Set(findings.flatMap(({ trust }) => trust ?? []));
  if (all.has('web')) return 'web';
  return [...all][0];
}
