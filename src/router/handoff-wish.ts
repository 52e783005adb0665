/** What follows when the agent asked for a human in a turn: who speaks changes with the commit of that turn. */
import type { TurnOutcome } from '../agent/turn.ts';
import type { Config } from '../config/load-config.ts';
import type { ControlStore } from '../control/control-store.ts';
import { HAND_OFF, HandOffInput } from '../control/hand-off-tool.ts';
import { type Control, requestHandoff } from '../domain/control.ts';
import type { Effect } from '../redis/effects.ts';
import type { Work } from './handling.ts';

export interface HandoffDeps {
  readonly controls: Pick<ControlStore, 'read' | 'effectsOf'>;
  readonly config: () => Config;
}

/** Who speaks next, and what makes it so. */
export interface Handoff {
  readonly next: Control;
  readonly effects: readonly Effect[];
}

/** Undefined when it did not ask, or nobody could come. */
export async function handoffIn(
  outcome: TurnOutcome,
  { control, conversationId, replyTo, item, requester }: Work,
  { controls, config }: HandoffDeps,
): Promise<Handoff | undefined> {
  const reason = reasonIn(outcome);
  if (reason === undefined) return undefined;
  const { wait } = config().authorizations.takeover;
  const { nowMs } = await controls.read(conversationId);
  const { moved } = requestHandoff(
    control,
    { by: { kind: 'agent' }, reason, from: requester.person },
    { waitMs: wait, origin: replyTo, actedOn: item.id },
    nowMs,
  );
  return moved && { next: moved.next, effects: await controls.effectsOf(control, moved, nowMs) };
}

/** Why it asked, if it did and somebody could come. */
function reasonIn({ screened, entries }: TurnOutcome): string | undefined {
  const asked = screened.findLast(
    (each) =>
      each.kind === 'run' &&
      each.tool.name === HAND_OFF &&
      entries.some(
        (entry) => entry.kind === 'tool-result' && entry.callId === each.call.id && entry.status === 'ok',
      ),
  );
  return asked?.kind === 'run' ? HandOffInput.safeParse(asked.args).data?.reason : undefined;
}
