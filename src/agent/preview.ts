/** What a call would change, as its tool says: for those who decide, and to see whether it is still true. */
import { createHash } from 'node:crypto';
import type { Approval, ApprovalRequest } from '../domain/approval/record.ts';
import { FutileCallError } from '../domain/errors.ts';
import { timeLimit } from '../domain/time-limit.ts';
import type { Tool, ToolContext } from '../domain/tool.ts';

/** Longest wait for a preview, in ms: somebody waits for the card. */
const PREVIEW_TIMEOUT_MS = 5_000;
/** Most that a card shows of one. */
const MOST_CHANGES = 20;
const MAX_BASIS_CHARS = 500;

export type RequestPreview = NonNullable<ApprovalRequest['preview']>;

/**
 * Undefined where the tool has none. That it could not say is said on the card.
 *
 * @throws {FutileCallError} when the call cannot work
 */
export async function previewOf(
  tool: Tool,
  args: unknown,
  context: Pick<ToolContext, 'conversationId' | 'requester'>,
): Promise<RequestPreview | undefined> {
  if (!tool.preview) return undefined;
  try {
    const signal = timeLimit(Math.min(tool.timeoutMs, PREVIEW_TIMEOUT_MS));
    const { changes, basis, problem, told } = await tool.preview(args, { ...context, signal });
    return {
      changes: changes.slice(0, MOST_CHANGES).map((change) => ({ ...change })),
      ...(problem === undefined ? kept(basis) : { problem }),
      ...(told ? { told: { title: told.title, facts: told.facts.map((fact) => ({ ...fact })) } } : {}),
    };
  } catch (error) {
    if (error instanceof FutileCallError) throw error;
    return { changes: [], problem: error instanceof Error ? error.message : String(error) };
  }
}

/** What can be read of it, and what tells it from any other. */
function kept(basis: string): Pick<RequestPreview, 'basis' | 'basisHash'> {
  if (basis.length <= MAX_BASIS_CHARS) return { basis };
  return {
    basis: basis.slice(0, MAX_BASIS_CHARS),
    basisHash: createHash('sha256').update(basis).digest('base64url'),
  };
}

/** Why what was agreed to is not what would happen now. */
export interface Drift {
  /** In words. */
  readonly why: string;
  /** What it would change now, where that can be said and is another change than the one that was shown. */
  readonly now?: RequestPreview;
}

/**
 * Undefined when what was agreed to is what would happen now. Where nobody could be shown what it would change, nobody
 * has agreed to that.
 */
export async function driftOf(
  tool: Tool,
  { request, conversationId, execution }: Approval,
): Promise<Drift | undefined> {
  // A call that was begun before may have changed things itself.
  if (request.preview === undefined || execution !== undefined) return undefined;
  const { basis, basisHash, problem, changes } = request.preview;
  const context = { conversationId, requester: request.requester };
  const now = await previewOf(tool, request.args, context).catch((error: unknown) => {
    if (error instanceof FutileCallError) return error;
    throw error;
  });
  if (now instanceof FutileCallError) return { why: `it cannot work any more: ${now.why}` };
  if (basis === undefined) return { why: unseen(problem, now) };
  if (now?.basis === basis && now.basisHash === basisHash) return undefined;
  if (now?.problem !== undefined)
    return { why: `it could not be checked whether things are as they were: ${now.problem}` };
  const where = now?.basis === basis ? ', further on than this shows' : '';
  // A tool that compares what it shows as `before` has a name for it.
  const what = changes.find(({ before }) => before === basis)?.label ?? 'it';
  const why = `things have changed since it was asked (${what} was: ${basis}; it is: ${now?.basis ?? 'not known'}${where})`;
  return { why, ...(now ? { now } : {}) };
}

/** What it would change was not known when it was asked. */
function unseen(problem: string | undefined, now: RequestPreview | undefined): string {
  const known =
    now?.basis === undefined
      ? `, and it cannot be found out now: ${now?.problem ?? 'nothing says it any more'}`
      : `; now it can be (it is: ${now.basis})`;
  return `what it would change could not be found out when it was asked (${problem ?? 'not known'}), so nobody has agreed to that${known}. Ask for it again`;
}
