/** What people and the agent read about a plan that has ended: what became of each step, and what is left to do. Pure. */

import { firstChars, literal, visible } from '../approvals/sentences.ts';
import type { Trust, Whose } from '../domain/provenance.ts';
import { isStanding, type Saga, type SagaStep } from '../domain/saga.ts';
import { unlinked } from '../links/plain-address.ts';
import { redactText } from '../observability/redaction.ts';

/** Longest words of a tool that are passed on, in characters. */
const MOST_WORDS = 200;
/** Longest name of whose words those are, in characters. */
const MOST_SOURCE = 100;

/** For the record of its approval and for the agent: one paragraph of plain text. */
export function sagaText(saga: Saga): string {
  return [headOf(saga), ...linesOf(saga), ...leftToDo(saga)].join(' ');
}

/**
 * How far `sagaText` is trusted: no further than the least of the words that it tells.
 *
 * @param tells of each step's tool, for words of which nothing else is known
 * @returns undefined when none of them are of strangers
 */
export function sagaTrust({ steps }: Saga, tells: readonly (Trust | undefined)[]): Trust | undefined {
  const told = steps.flatMap((step, index) => wordsIn(step).map(({ trust }) => trust ?? tells[index]));
  return (['web', 'outsider'] as const).find((trust) => told.includes(trust));
}

/** Whose words `becameOf` tells of a step. */
function wordsIn({ state, outcome, remarkOf }: SagaStep): Whose[] {
  const said: Whose = outcome ?? {};
  const why: Whose = remarkOf ?? {};
  switch (state) {
    case 'waiting':
    case 'running':
    case 'undoing':
      return [];
    case 'done':
    case 'failed':
      return [said];
    case 'unknown':
    case 'undone':
      return [why];
    case 'stuck':
      return [said, why];
    default:
      return state satisfies never;
  }
}

/** Where it was asked for, when a human has to look; in markdown. */
export function raisedText(saga: Saga): string {
  const list = (lines: readonly string[]) => lines.map((line) => `* ${literal(shown(line))}`).join('\n');
  return [
    `**A human has to look at this plan: ${literal(shown(saga.title))}**`,
    literal(headOf(saga)),
    list(linesOf(saga)),
    '**To do by hand:**',
    list(leftToDo(saga)),
  ].join('\n\n');
}

/** For whoever is called: what is wrong first. Plain text. */
export function troubleText(saga: Saga): string {
  return shown([headOf(saga), ...leftToDo(saga), ...linesOf(saga)].join(' '));
}

/** For people: without what is shaped like a secret, and with nothing that opens by itself, for a tool may repeat anybody. */
function shown(text: string): string {
  return unlinked(redactText(text));
}

function headOf({ state, steps, abandoned }: Saga): string {
  const failed = steps.findIndex((step) => step.state === 'failed');
  switch (state) {
    case 'done':
      return `All ${steps.length} steps are done.`;
    case 'undone': {
      const undone = steps.some((step) => step.state === 'undone');
      return undone
        ? `Step ${failed + 1} failed, so everything done before it was undone. Nothing of the plan stands.`
        : `Step ${failed + 1} failed, and nothing had been changed before it. Nothing of the plan stands.`;
    }
    case 'raised': {
      const done = steps.filter(isStanding).length;
      const partly = `It is done only in part: ${done} of ${steps.length} steps ${done === 1 ? 'stands' : 'stand'}`;
      const unknown = steps.some((step) => step.state === 'unknown') ? ', and of one nobody knows' : '';
      const why = abandoned ? ' Nobody could go on with it in time.' : '';
      return `${partly}${unknown}.${why}`;
    }
    case 'running':
    case 'undoing':
      return `${steps.filter((step) => step.state === 'done').length} of ${steps.length} steps are done.`;
    default:
      return state satisfies never;
  }
}

function linesOf({ steps }: Saga): string[] {
  return steps.map((step, index) => `${index + 1}. ${step.tool} (${step.words}): ${becameOf(step)}`);
}

function becameOf(step: SagaStep): string {
  const { state, outcome, remark, remarkOf, undos, undoneBy } = step;
  const said = { text: 'nothing was said about it', ...outcome };
  const why = { ...remarkOf, text: remark ?? 'no report came back' };
  switch (state) {
    case 'waiting':
      return 'not begun.';
    case 'running':
      return 'under way.';
    case 'done':
      return `done${toldOf(said)}`;
    case 'failed':
      return `failed${toldOf(said)}`;
    case 'unknown':
      return `UNKNOWN, it may have been done or not${toldOf(why)}`;
    case 'undoing':
      return 'being undone.';
    case 'undone':
      return `done, and undone again${toldOf(why)}`;
    case 'stuck':
      return `done${bracketed(said)}, and NOT UNDONE: to undo it (${undoneBy ?? ''}) was tried ${undos} times, at last${toldOf(why)}`;
    default:
      return state satisfies never;
  }
}

/** What a step told: what its tool says of it itself, whose words the rest is, and these. */
type Told = { readonly text: string } & Pick<Whose, 'source' | 'heading'>;

function toldOf({ text, source, heading }: Told): string {
  const own = heading === undefined ? '' : `: ${short(heading)}`;
  return `${own}${wordsOf(source)}: ${short(text)}`;
}

function bracketed({ text, source, heading }: Told): string {
  const own = heading === undefined ? '' : ` (${short(heading)})`;
  return `${own}${wordsOf(source)} (${short(text)})`;
}

/** In front of the words, for they can say of themselves whatever they like. */
function wordsOf(source: string | undefined): string {
  return source === undefined ? '' : ` (words of ${short(source, MOST_SOURCE)})`;
}

/** One sentence for each step that somebody has to do something about. */
function leftToDo({ state, steps }: Saga): string[] {
  if (state !== 'raised') return [];
  const isFailed = steps.some((step) => step.state === 'failed');
  const toDo = steps.flatMap((step, index) => {
    const todo = handWork(step, isFailed);
    return todo === undefined ? [] : [`Step ${index + 1} (${step.tool}): ${todo}`];
  });
  const notBegun = steps.filter((step) => step.state === 'waiting').length;
  return notBegun === 0
    ? toDo
    : [
        ...toDo,
        `${notBegun === 1 ? 'One step was' : `${notBegun} steps were`} not begun; ask anew for what is still wanted.`,
      ];
}

function handWork(step: SagaStep, isFailed: boolean): string | undefined {
  const { state, undoneBy } = step;
  if (state === 'unknown') return 'find out whether it was done.';
  if (state === 'stuck')
    return `see whether the last try undid it after all; if not, undo it: ${undoneBy ?? ''}.`;
  if (!isStanding(step)) return undefined;
  if (undoneBy === undefined) return 'it was done, and I cannot undo it; decide what is to become of it.';
  return isFailed
    ? `it was done; undo it: ${undoneBy}.`
    : `it was done; leave it if the rest is done by hand, or undo it: ${undoneBy}.`;
}

function short(text: string, most = MOST_WORDS): string {
  const plain = visible(text);
  return plain.length > most ? `${firstChars(plain, most - 1)}…` : plain;
}
